//! What each action does to the state.

use super::{App, Effect, List, Look, Pane, SPLITS, Screen};
use crate::analysis::secrets::shown;
use crate::image::bare_command;
use crate::index::{Index, PathId};
use crate::tui::action::Action;
use crate::tui::findings::path_of;
use crate::tui::help::Help;
use crate::tui::preview::Viewer;
use crate::tui::query::Query;
use crate::tui::rows::Sort;
use crate::units::printable;

impl App {
    #[allow(clippy::too_many_lines)] // A line or two for each action.
    pub(in crate::tui) fn act(&mut self, action: Action) -> Vec<Effect> {
        if !matches!(action, Action::Quit | Action::Keep) {
            self.stay();
        }
        if let Some(why) = self.refusal(action) {
            self.notice = Some(why);
            return Vec::new();
        }
        match action {
            Action::Up => return self.walk(|list| list.step(-1)),
            Action::Down => return self.walk(|list| list.step(1)),
            Action::PageUp => return self.walk(|list| list.page(-1)),
            Action::PageDown => return self.walk(|list| list.page(1)),
            Action::Top => return self.walk(|list| list.go(0)),
            Action::Bottom => return self.walk(|list| list.go(usize::MAX)),
            Action::PreviousLayer => return self.change_layer(-1),
            Action::NextLayer => return self.change_layer(1),
            Action::Quit => return self.leave(Effect::Quit),
            Action::Keep => return self.leave(Effect::Keep),
            Action::Abandon => return vec![Effect::Abandon],
            Action::Suspend => return vec![Effect::Suspend],
            Action::NextView => {
                self.look = match self.look {
                    Look::Layer => Look::UpTo,
                    Look::UpTo | Look::Since(_) => Look::Layer,
                };
                return self.rebuild();
            }
            Action::MarkRange => {
                self.look = Look::Since(self.layer());
                self.notice = Some(format!("range from layer {}: choose its end among the layers", self.layer()));
                return self.rebuild();
            }
            Action::Back => return self.back(),
            Action::CopyPath => return self.copy_path(),
            Action::Palette => return self.open_palette(),
            Action::CopyDigest => return self.copy_digest(),
            Action::CopyCommand => return self.copy_command(),
            Action::DescribeLayer => self.describe_layer(),
            Action::DescribePath if self.inside.preview.is_none() && self.screen == Screen::Findings => {
                self.describe_finding();
            }
            Action::DescribePath if self.inside.preview.is_none() && self.screen == Screen::Packages => {
                self.describe_package();
            }
            Action::DescribePath => self.describe_path(),
            Action::TouchingLayers => return self.list_touching_layers(),
            Action::ShowInFiles if self.screen == Screen::Packages => return self.show_package(),
            Action::ShowInFiles => return self.show_finding(),
            Action::CopyFix => return self.copy_fix(),
            Action::ThinkAway => self.think_away(),
            Action::ThinkBack => self.think_back(),
            Action::Help => self.help = if self.help.is_some() { None } else { Some(Help::default()) },
            Action::NextPane => {
                self.pane = if self.pane == Pane::Layers { Pane::Files } else { Pane::Layers };
                self.screen = Screen::Files;
            }
            Action::FocusLayers => (self.screen, self.pane) = (Screen::Files, Pane::Layers),
            Action::FocusFiles => (self.screen, self.pane) = (Screen::Files, Pane::Files),
            Action::ShowLayer | Action::ShowUpTo => {
                self.look = if action == Action::ShowLayer { Look::Layer } else { Look::UpTo };
                return self.rebuild();
            }
            Action::ShowFiles => self.screen = Screen::Files,
            Action::ShowFindings => self.screen = Screen::Findings,
            Action::ShowPackages => self.screen = Screen::Packages,
            Action::ShowImage => self.screen = Screen::Image,
            Action::Zoom => self.zoom = !self.zoom,
            Action::Narrower => self.split = self.split.saturating_sub(4).max(SPLITS.0),
            Action::Wider => self.split = (self.split + 4).min(SPLITS.1),
            Action::Filter => self.begin_filter(),
            Action::NextMatch => self.go_to_match(1),
            Action::PreviousMatch => self.go_to_match(-1),
            Action::Open if self.rows.get(self.row.at).is_some_and(|row| !row.is_folder) => return self.look_inside(),
            Action::Open => return self.set_open(true),
            Action::Page => return self.page_inside(Viewer::Pager),
            Action::Edit => return self.page_inside(Viewer::Editor),
            Action::Compare => return self.toggle_difference(),
            Action::Extract => self.ask_where_to_extract(),
            Action::ToggleHex => self.toggle_hex(),
            Action::Close => return self.close(),
            Action::Toggle if self.screen == Screen::Findings => self.toggle_finding(),
            Action::Toggle if self.screen == Screen::Packages => self.mark_package(),
            Action::Toggle => {
                let is_open = self.rows.get(self.row.at).is_some_and(|row| row.is_open);
                return self.set_open(!is_open);
            }
            Action::OpenAll => {
                self.unfold = self.path();
                return self.rebuild();
            }
            Action::CloseBelow => return self.close_below(),
            Action::CloseAll => {
                // What lies deeper is left for the folder that still shows.
                self.chosen = None;
                self.open.clear();
                return self.rebuild();
            }
            Action::NextSort if self.screen == Screen::Findings => self.sort_findings(),
            Action::NextSort if self.screen == Screen::Packages => self.sort_packages(),
            Action::NextSort => return self.sort(self.wish.sort.next()),
            Action::ReverseSort => {
                self.wish.reversed = !self.wish.reversed;
                return self.rebuild();
            }
            Action::ToggleAdded
            | Action::ToggleChanged
            | Action::ToggleRemoved
            | Action::ToggleUnchanged
            | Action::ToggleFold => {
                let switch = match action {
                    Action::ToggleAdded => &mut self.wish.hide.added,
                    Action::ToggleChanged => &mut self.wish.hide.changed,
                    Action::ToggleRemoved => &mut self.wish.hide.removed,
                    Action::ToggleUnchanged => &mut self.wish.hide.unchanged,
                    _ => &mut self.wish.fold,
                };
                *switch = !*switch;
                return self.rebuild();
            }
        }
        Vec::new()
    }

    fn sort(&mut self, sort: Sort) -> Vec<Effect> {
        self.wish.sort = sort;
        self.notice = Some(format!("sorted by {}", sort.word()));
        self.rebuild()
    }

    pub(in crate::tui) fn change_layer(&mut self, by: isize) -> Vec<Effect> {
        self.layer_line.step(by);
        self.follow_layer()
    }

    /// One step back, and never further than one.
    fn back(&mut self) -> Vec<Effect> {
        if self.help.take().is_some() {
            return Vec::new();
        }
        if self.card.take().is_some() {
            return Vec::new();
        }
        if let Some(effects) = self.back_inside() {
            return effects;
        }
        if let Some(list) = self.filtered_list().filter(|list| !self.filter_of(*list).is_empty()) {
            return self.clear_filter(list);
        }
        if let Some(before) = self.came_from.take() {
            self.screen = before;
            return Vec::new();
        }
        if self.screen != Screen::Files {
            self.screen = Screen::Files;
            return Vec::new();
        }
        if !self.layers.query.is_empty() {
            return self.clear_filter(List::Layers);
        }
        if let Look::Since(_) = self.look {
            self.look = Look::UpTo;
            return self.rebuild();
        }
        Vec::new()
    }

    fn set_open(&mut self, open: bool) -> Vec<Effect> {
        let Some(row) = self.rows.get(self.row.at).copied().filter(|row| row.is_folder) else { return Vec::new() };
        if open && row.is_open {
            self.row.step(1);
            return Vec::new();
        }
        if open {
            // Joined folders open together, so that they stay open when they are shown one by one.
            let Some(image) = &self.image else { return Vec::new() };
            let index = &image.loaded.index;
            let around = index.parent(row.from);
            self.open.extend(index.lineage(row.path).take_while(|path| Some(*path) != around));
        } else {
            self.open.remove(row.path);
        }
        self.rebuild()
    }

    /// Closes the folder with all that is open in it; on a file, the folder around it.
    fn close_below(&mut self) -> Vec<Effect> {
        let Some(row) = self.rows.get(self.row.at).copied() else { return Vec::new() };
        let Some(image) = self.image.clone() else { return Vec::new() };
        let index = &image.loaded.index;
        let Some(folder) = (if row.is_folder { Some(row.path) } else { index.parent(row.from) }) else {
            return Vec::new();
        };
        let is_below = |path: PathId| index.lineage(path).any(|above| above == folder);
        self.open.retain(|path| !is_below(path));
        if folder != Index::ROOT {
            self.sought = Some(folder);
        }
        self.rebuild()
    }

    /// Closes the folder; on something closed goes to the folder around it.
    fn close(&mut self) -> Vec<Effect> {
        let Some(row) = self.rows.get(self.row.at).copied() else { return Vec::new() };
        if row.is_open && self.wish.filter.is_empty() {
            return self.set_open(false);
        }
        if let Some(above) = self.rows[..self.row.at].iter().rposition(|above| above.depth < row.depth) {
            self.row.go(above);
        }
        Vec::new()
    }

    pub(super) fn go_to_match(&mut self, step: isize) {
        let matches: Vec<usize> =
            self.rows.iter().enumerate().filter(|(_, row)| row.is_match).map(|(place, _)| place).collect();
        let next = match step {
            1 => matches.iter().find(|place| **place > self.row.at).or(matches.first()),
            -1 => matches.iter().rev().find(|place| **place < self.row.at).or(matches.last()),
            _ => matches.first(),
        };
        match next {
            Some(place) => self.row.go(*place),
            None if step != 0 => self.notice = Some("no match: / asks for a name".into()),
            None => {}
        }
    }

    /// The path that keys mean now.
    pub(in crate::tui) fn chosen_path(&self) -> Option<PathId> {
        match (&self.inside.preview, self.screen) {
            (Some(preview), _) => Some(preview.path),
            (None, Screen::Findings) => self.image.as_ref().and_then(|image| path_of(image, self.chosen_finding()?)),
            (None, Screen::Packages) => {
                let image = self.image.as_ref()?;
                self.chosen_package().map(|id| image.packages.get(id).place)
            }
            (None, Screen::Files | Screen::Image) => self.path(),
        }
    }

    fn copy_path(&mut self) -> Vec<Effect> {
        let path = self.chosen_path();
        let (Some(image), Some(path)) = (&self.image, path) else { return Vec::new() };
        let text = format!("/{}", printable(&image.loaded.index.path(path)));
        self.notice = Some(format!("copied {text}"));
        vec![Effect::Copy(text)]
    }

    fn copy_digest(&mut self) -> Vec<Effect> {
        let Some(layer) = self.image.as_ref().and_then(|image| image.loaded.image.layers.get(self.layer)) else {
            return Vec::new();
        };
        let Some(digest) = layer.digest.clone().or_else(|| layer.diff_id.clone()) else { return Vec::new() };
        self.notice = Some(format!("copied {digest}"));
        vec![Effect::Copy(digest)]
    }

    /// The command as the builder wrote it, control characters and all, for it is not shown but taken along. Secrets are
    /// not taken along.
    fn copy_command(&mut self) -> Vec<Effect> {
        let layer = self.image.as_ref().and_then(|image| image.loaded.image.layers.get(self.layer));
        let Some(step) = layer.and_then(|layer| layer.step.as_ref()) else {
            self.notice = Some("the image does not say what made this layer".into());
            return Vec::new();
        };
        let command = bare_command(&shown(&step.created_by)).to_owned();
        self.notice = Some(format!("copied the command of layer {}", self.layer));
        vec![Effect::Copy(command)]
    }

    /// Lists only the layers that touch the chosen path, or what is below it.
    fn list_touching_layers(&mut self) -> Vec<Effect> {
        let (Some(image), Some(path)) = (&self.image, self.path()) else { return Vec::new() };
        let query = Query::under(&image.loaded.index.path(path));
        self.notice = Some(format!("layers that touch {}: esc lists all again", query.text()));
        self.narrow_layers(query)
    }
}
