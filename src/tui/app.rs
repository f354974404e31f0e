//! The state of the screen, and how it changes. `update` is pure: it takes a message and says what is to be done;
//! no terminal, no thread and no clock is needed to test it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};
use ratatui::layout::Rect;

use super::action::Action;
use super::keymap::{Hit, Key, Keymap, Place};
use super::list::Cursor;
use super::projection::{Projection, View};
use super::rows::{Hide, Row, Rows, Sort, Wish};
use super::theme::Theme;
use super::waste::Waste;
use crate::index::PathId;
use crate::session::{Snapshot, Step};
use crate::tui::Explored;
use crate::units::printable;

/// What the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Layers and files.
    Files,
    /// What is shipped for nothing.
    Waste,
    /// Facts of the image.
    Image,
}

/// The part that the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The list of layers.
    Layers,
    /// The tree.
    Files,
}

/// How the tree looks at the chosen layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// What this layer does.
    Layer,
    /// The image up to here.
    UpTo,
    /// The image up to here, with what the layers since that one did.
    Since(u32),
}

/// Something that happened.
#[derive(Clone)]
pub enum Msg {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// The window has another size, or must be drawn again.
    Redraw,
    /// How far reading is.
    Progress(Snapshot, Option<Vec<Step>>),
    /// The image is read.
    Loaded(Arc<Explored>),
    /// A view is computed. A number that is not the newest is dropped.
    Projected(u64, Arc<Projection>),
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Stop until the shell continues us.
    Suspend,
    /// Compute a view.
    Project(u64, View),
    /// Put a text on the clipboard.
    Copy(String),
}

/// Where things were drawn last, for the mouse.
#[derive(Debug, Clone, Default)]
pub struct Areas {
    /// The list of layers.
    pub layers: Rect,
    /// Lines that a layer takes.
    pub layer_height: u16,
    /// In a narrow window: the first column of each layer that is shown.
    pub strip: Vec<(u16, usize)>,
    /// The tree, or the list of waste.
    pub list: Rect,
}

/// The whole state.
pub struct App {
    /// The name of the image as it was typed.
    pub title: String,
    /// How far reading is.
    pub progress: Snapshot,
    /// The steps of the image, once they are known.
    pub outline: Vec<Step>,
    /// The image, once it is read.
    pub image: Option<Arc<Explored>>,
    /// What is shown.
    pub screen: Screen,
    /// Where keys go.
    pub pane: Pane,
    /// Whether the pane is alone.
    pub zoom: bool,
    /// Share of the width that the layers take, in percent.
    pub split: u16,
    /// The chosen layer.
    pub layer: Cursor,
    /// How it is looked at.
    pub look: Look,
    /// The newest view that is computed.
    pub projection: Option<Arc<Projection>>,
    /// What the tree shows.
    pub wish: Wish,
    /// Lines of the tree.
    pub rows: Vec<Row>,
    /// The chosen line.
    pub row: Cursor,
    /// What is shipped for nothing.
    pub wastes: Vec<Waste>,
    /// The chosen one.
    pub waste: Cursor,
    /// How far the facts of the image are scrolled.
    pub facts: Cursor,
    /// The filter while it is typed.
    pub typing: Option<String>,
    /// Whether help is open, and how far it is scrolled.
    pub help: Option<Cursor>,
    /// Keys of a sequence so far.
    pub pressed: Vec<Key>,
    /// A word to the user, gone with the next key.
    pub notice: Option<String>,
    /// Colours.
    pub theme: Theme,
    /// Keys.
    pub keymap: Keymap,
    /// Where things were drawn.
    pub areas: Areas,
    /// When reading began.
    pub since: Instant,
    open: HashSet<PathId>,
    generation: u64,
    /// A path to go to when its view is there.
    sought: Option<PathId>,
    /// The path that was last chosen, and the line where the last view put the cursor for it.
    chosen: Option<(PathId, usize)>,
}

impl App {
    /// A screen that waits for its image.
    #[must_use]
    pub fn new(title: &str, theme: Theme, keymap: Keymap) -> Self {
        Self {
            title: title.to_owned(),
            progress: Snapshot::default(),
            outline: Vec::new(),
            image: None,
            screen: Screen::Files,
            pane: Pane::Files,
            zoom: false,
            split: 42,
            layer: Cursor::default(),
            look: Look::Layer,
            projection: None,
            wish: Wish::default(),
            rows: Vec::new(),
            row: Cursor::default(),
            wastes: Vec::new(),
            waste: Cursor::default(),
            facts: Cursor::default(),
            typing: None,
            help: None,
            pressed: Vec::new(),
            notice: None,
            theme,
            keymap,
            areas: Areas::default(),
            since: Instant::now(),
            open: HashSet::new(),
            generation: 0,
            sought: None,
            chosen: None,
        }
    }

    /// Takes a message; says what is to be done outside.
    pub fn update(&mut self, message: Msg) -> Vec<Effect> {
        match message {
            Msg::Key(key) => self.key(key),
            Msg::Mouse(mouse) => self.mouse(mouse),
            Msg::Redraw => Vec::new(),
            Msg::Progress(progress, outline) => {
                self.progress = progress;
                self.outline = outline.unwrap_or_default();
                Vec::new()
            }
            Msg::Loaded(image) => {
                self.wastes.clone_from(&image.wastes);
                self.layer = Cursor::new(image.loaded.image.layers.len());
                self.waste = Cursor::new(self.wastes.len());
                self.image = Some(image);
                self.project()
            }
            Msg::Projected(generation, projection) => {
                if generation == self.generation {
                    self.projection = Some(projection);
                    self.rebuild();
                }
                Vec::new()
            }
        }
    }

    /// The layer that the cursor is on.
    #[must_use]
    pub fn layer(&self) -> u32 {
        u32::try_from(self.layer.at).unwrap_or(u32::MAX)
    }

    /// The path that the cursor is on.
    #[must_use]
    pub fn path(&self) -> Option<PathId> {
        self.rows.get(self.row.at).map(|row| row.path)
    }

    /// Where a key is pressed now.
    #[must_use]
    pub fn place(&self) -> Place {
        match (self.screen, self.pane) {
            (Screen::Files, Pane::Layers) => Place::Layers,
            (Screen::Files, Pane::Files) => Place::Files,
            (Screen::Waste, _) => Place::Waste,
            (Screen::Image, _) => Place::Everywhere,
        }
    }

    /// The view that the choices ask for.
    fn view(&self) -> View {
        let to = self.layer();
        match self.look {
            Look::Layer => View::Layer(to),
            Look::UpTo => View::UpTo { from: to, to },
            Look::Since(from) => View::UpTo { from: from.min(to), to },
        }
    }

    fn project(&mut self) -> Vec<Effect> {
        if self.layer.count == 0 {
            return Vec::new();
        }
        self.generation += 1;
        vec![Effect::Project(self.generation, self.view())]
    }

    /// Makes the lines anew; the cursor stays on its path, or on the nearest folder around it that is still shown. Who
    /// does not move comes back to the path as soon as a view shows it again.
    fn rebuild(&mut self) {
        let (Some(image), Some(projection)) = (&self.image, &self.projection) else { return };
        let index = &image.loaded.index;
        let kept = self.chosen.filter(|(_, line)| *line == self.row.at).map(|(path, _)| path);
        let before = self.sought.take().or(kept).or_else(|| self.path());
        if let Some(path) = before {
            // What is sought must be open all the way.
            if self.rows.get(self.row.at).is_none_or(|row| row.path != path) {
                self.open.extend(index.lineage(path).skip(1));
            }
        }
        self.rows = Rows::new(index, projection, &self.wish, &self.open).build();
        let lines = &self.rows;
        let place = before.and_then(|path| {
            index.lineage(path).find_map(|path| lines.iter().position(|row| row.path == path || row.from == path))
        });
        self.row.count = self.rows.len();
        self.row.go(place.unwrap_or(0));
        self.chosen = before.map(|path| (path, self.row.at));
    }

    fn key(&mut self, event: KeyEvent) -> Vec<Effect> {
        self.notice = None;
        if self.typing.is_some() {
            return self.type_filter(event);
        }
        self.pressed.push(Key::from(event));
        match self.keymap.find(self.place(), &self.pressed) {
            Hit::Begins => Vec::new(),
            Hit::Does(action) => {
                self.pressed.clear();
                self.act(action)
            }
            Hit::Nothing => {
                self.pressed.clear();
                Vec::new()
            }
        }
    }

    fn type_filter(&mut self, event: KeyEvent) -> Vec<Effect> {
        let Some(text) = &mut self.typing else { return Vec::new() };
        match event.code {
            KeyCode::Char('c') if event.modifiers.contains(KeyModifiers::CONTROL) => return vec![Effect::Quit],
            KeyCode::Char('u') if event.modifiers.contains(KeyModifiers::CONTROL) => text.clear(),
            KeyCode::Char(_) if event.modifiers.contains(KeyModifiers::CONTROL) => {}
            KeyCode::Char(character) => text.push(character),
            KeyCode::Backspace if text.is_empty() => self.typing = None,
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Enter => {
                self.typing = None;
                return Vec::new();
            }
            KeyCode::Esc => {
                self.typing = None;
                self.clear_filter();
                return Vec::new();
            }
            KeyCode::Up => self.row.step(-1),
            KeyCode::Down => self.row.step(1),
            _ => {}
        }
        if let Some(text) = self.typing.clone()
            && text != self.wish.filter
        {
            if text.is_empty() {
                self.clear_filter();
            } else {
                self.wish.filter = text;
                self.rebuild();
                self.go_to_match(0);
            }
        }
        Vec::new()
    }

    /// Shows everything again, with the cursor where it is: what the filter opened on the way there stays open.
    fn clear_filter(&mut self) {
        if let (Some(image), Some(path)) = (&self.image, self.path()) {
            self.open.extend(image.loaded.index.lineage(path).skip(1));
        }
        self.wish.filter.clear();
        self.rebuild();
    }

    /// The list that the cursor keys move in.
    pub(super) fn list(&mut self) -> &mut Cursor {
        if let Some(help) = &mut self.help {
            return help;
        }
        match (self.screen, self.pane) {
            (Screen::Files, Pane::Layers) => &mut self.layer,
            (Screen::Files, Pane::Files) => &mut self.row,
            (Screen::Waste, _) => &mut self.waste,
            (Screen::Image, _) => &mut self.facts,
        }
    }

    pub(super) fn walk(&mut self, step: impl FnOnce(&mut Cursor)) -> Vec<Effect> {
        let before = self.layer.at;
        step(self.list());
        if self.layer.at == before { Vec::new() } else { self.project() }
    }

    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Up => return self.walk(|list| list.step(-1)),
            Action::Down => return self.walk(|list| list.step(1)),
            Action::PageUp => return self.walk(|list| list.page(-1)),
            Action::PageDown => return self.walk(|list| list.page(1)),
            Action::Top => return self.walk(|list| list.go(0)),
            Action::Bottom => return self.walk(|list| list.go(usize::MAX)),
            Action::PreviousLayer => return self.change_layer(-1),
            Action::NextLayer => return self.change_layer(1),
            Action::Quit => return vec![Effect::Quit],
            Action::Suspend => return vec![Effect::Suspend],
            Action::NextView => {
                self.look = match self.look {
                    Look::Layer => Look::UpTo,
                    Look::UpTo | Look::Since(_) => Look::Layer,
                };
                return self.project();
            }
            Action::MarkRange => {
                self.look = Look::Since(self.layer());
                self.notice = Some(format!("range from layer {}: choose its end among the layers", self.layer()));
                return self.project();
            }
            Action::Back => return self.back(),
            Action::CopyPath => return self.copy_path(),
            Action::CopyDigest => return self.copy_digest(),
            Action::ShowInFiles => return self.show_in_files(),
            Action::Help => self.help = if self.help.is_some() { None } else { Some(Cursor::new(Action::ALL.len())) },
            Action::NextPane => {
                self.pane = if self.pane == Pane::Layers { Pane::Files } else { Pane::Layers };
                self.screen = Screen::Files;
            }
            Action::ShowFiles => self.screen = Screen::Files,
            Action::ShowWaste => self.screen = Screen::Waste,
            Action::ShowImage => self.screen = Screen::Image,
            Action::Zoom => self.zoom = !self.zoom,
            Action::Narrower => self.split = self.split.saturating_sub(4).max(20),
            Action::Wider => self.split = (self.split + 4).min(70),
            Action::Filter => {
                (self.screen, self.pane) = (Screen::Files, Pane::Files);
                self.typing = Some(self.wish.filter.clone());
            }
            Action::NextMatch => self.go_to_match(1),
            Action::PreviousMatch => self.go_to_match(-1),
            Action::Open => self.set_open(true),
            Action::Close => self.close(),
            Action::Toggle => {
                let is_open = self.rows.get(self.row.at).is_some_and(|row| row.is_open);
                self.set_open(!is_open);
            }
            Action::OpenAll => self.open_all(),
            Action::CloseAll => {
                // What lies deeper is left for the folder that still shows.
                self.chosen = None;
                self.open.clear();
                self.rebuild();
            }
            Action::NextSort => self.sort(self.wish.sort.next()),
            Action::ReverseSort => {
                self.wish.reversed = !self.wish.reversed;
                self.rebuild();
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
                self.rebuild();
            }
        }
        Vec::new()
    }

    fn sort(&mut self, sort: Sort) {
        self.wish.sort = sort;
        self.notice = Some(format!("sorted by {}", sort.word()));
        self.rebuild();
    }

    pub(super) fn change_layer(&mut self, by: isize) -> Vec<Effect> {
        let before = self.layer.at;
        self.layer.step(by);
        if self.layer.at == before { Vec::new() } else { self.project() }
    }

    /// One step back, and never further than one.
    fn back(&mut self) -> Vec<Effect> {
        if self.help.take().is_some() {
            return Vec::new();
        }
        if self.screen != Screen::Files {
            self.screen = Screen::Files;
            return Vec::new();
        }
        if !self.wish.filter.is_empty() {
            self.clear_filter();
            return Vec::new();
        }
        if let Look::Since(_) = self.look {
            self.look = Look::UpTo;
            return self.project();
        }
        Vec::new()
    }

    fn set_open(&mut self, open: bool) {
        let Some(row) = self.rows.get(self.row.at).copied() else { return };
        if !row.is_folder {
            return;
        }
        if open && row.is_open {
            return self.row.step(1);
        }
        if open {
            // Joined folders open together, so that they stay open when they are shown one by one.
            let Some(image) = &self.image else { return };
            let index = &image.loaded.index;
            let around = index.parent(row.from);
            self.open.extend(index.lineage(row.path).take_while(|path| Some(*path) != around));
        } else {
            self.open.remove(&row.path);
        }
        self.rebuild();
    }

    /// Closes the folder; on something closed goes to the folder around it.
    fn close(&mut self) {
        let Some(row) = self.rows.get(self.row.at).copied() else { return };
        if row.is_open && self.wish.filter.is_empty() {
            return self.set_open(false);
        }
        if let Some(above) = self.rows[..self.row.at].iter().rposition(|above| above.depth < row.depth) {
            self.row.go(above);
        }
    }

    fn open_all(&mut self) {
        let (Some(image), Some(from)) = (&self.image, self.path()) else { return };
        let mut folders = vec![from];
        while let Some(folder) = folders.pop() {
            let before = folders.len();
            folders.extend(image.loaded.index.children(folder));
            if folders.len() > before {
                self.open.insert(folder);
            }
        }
        self.rebuild();
    }

    fn go_to_match(&mut self, step: isize) {
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

    fn copy_path(&mut self) -> Vec<Effect> {
        let path = match self.screen {
            Screen::Waste => self.wastes.get(self.waste.at).and_then(Waste::path),
            _ => self.path(),
        };
        let (Some(image), Some(path)) = (&self.image, path) else { return Vec::new() };
        let text = format!("/{}", printable(&image.loaded.index.path(path)));
        self.notice = Some(format!("copied {text}"));
        vec![Effect::Copy(text)]
    }

    fn copy_digest(&mut self) -> Vec<Effect> {
        let Some(layer) = self.image.as_ref().and_then(|image| image.loaded.image.layers.get(self.layer.at)) else {
            return Vec::new();
        };
        let Some(digest) = layer.digest.clone().or_else(|| layer.diff_id.clone()) else { return Vec::new() };
        self.notice = Some(format!("copied {digest}"));
        vec![Effect::Copy(digest)]
    }

    fn show_in_files(&mut self) -> Vec<Effect> {
        let Some(waste) = self.wastes.get(self.waste.at) else { return Vec::new() };
        let (Some(path), layer) = (waste.path(), waste.layer) else { return Vec::new() };
        (self.screen, self.pane, self.look) = (Screen::Files, Pane::Files, Look::Layer);
        self.wish.filter.clear();
        self.wish.hide = Hide::default();
        self.layer.go(layer as usize);
        self.sought = Some(path);
        self.project()
    }
}
