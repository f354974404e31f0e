//! The tree as it follows the choices: which view is asked for, what comes of it, and where the cursor stays.

use std::sync::Arc;

use super::{App, Effect, Look, Old, Pane, Screen};
use crate::index::PathId;
use crate::tui::Explored;
use crate::tui::arrange::{Arranged, Plan};
use crate::tui::bits::Paths;
use crate::tui::narrow::Narrow;
use crate::tui::projection::View;
use crate::tui::query::Query;
use crate::tui::rows::Hide;

impl App {
    /// The view that the choices ask for.
    fn view(&self) -> View {
        let to = self.layer();
        match self.look {
            Look::Layer => View::Layer(to),
            Look::UpTo => View::UpTo { from: to, to },
            Look::Since(from) => View::UpTo { from: from.min(to), to },
        }
    }

    /// Takes an image of which more is read than before. Who has chosen a layer keeps it, wherever it turns out to be.
    pub(super) fn take(&mut self, image: Arc<Explored>) -> Vec<Effect> {
        if self.image.as_ref().is_some_and(|before| !image.loaded.index.continues(&before.loaded.index)) {
            self.begin_anew();
        }
        let slots = image.loaded.stack.slots();
        let chosen = self.image.as_ref().and_then(|before| *before.loaded.stack.slots().get(self.layer)?);
        let place = chosen.and_then(|chosen| slots.iter().position(|slot| *slot == Some(chosen)));
        self.layer = place.filter(|_| self.layer > 0).unwrap_or(self.layer).min(slots.len().saturating_sub(1));
        if let Some(before) = &self.image {
            self.findings.carry(before, &image);
        }
        let before = self.image.replace(image);
        self.viewed = None;
        let mut effects = self.narrow_layers(self.layers.query.clone());
        self.renew_card();
        self.list_findings();
        self.list_packages();
        self.think();
        effects.extend(self.rebuild());
        effects.extend(before.map(|before| Effect::Free(Old::new(before))));
        effects
    }

    /// Forgets all paths: the image is read once more, from elsewhere, and none is where it was.
    fn begin_anew(&mut self) {
        // What is being arranged is of the image before.
        self.generation += 1;
        self.inside.leave();
        self.gone_files.clear();
        self.findings.gone.clear();
        self.unmark_packages();
        self.rows.clear();
        (self.projection, self.viewed, self.awaited, self.then) = (None, None, None, None);
        (self.open, self.unfold, self.sought, self.chosen) = (Paths::default(), None, None, None);
        (self.card, self.palette, self.came_from) = (None, None, None);
    }

    /// Whether more of the image is to come.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.image.as_ref().is_none_or(|image| !image.is_whole)
    }

    /// Whether all is read, and files that may be equal are still to be compared.
    #[must_use]
    pub fn is_comparing(&self) -> bool {
        self.image.as_ref().is_some_and(|image| image.is_whole && !image.loaded.index.is_settled())
    }

    /// Whether findings and packages are still to come.
    #[must_use]
    pub fn is_analysing(&self) -> bool {
        self.image.as_ref().is_none_or(|image| !image.is_analysed)
    }

    /// Whether all numbers are known, and texts are still searched for secrets.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        self.image.as_ref().is_some_and(|image| image.is_whole && image.loaded.is_unsearched())
    }

    /// Whether the tree is still to follow what was last asked for.
    #[must_use]
    pub fn is_arranging(&self) -> bool {
        self.awaited.is_some()
    }

    /// Makes the lines anew, at once or beside the screen.
    pub(in crate::tui) fn rebuild(&mut self) -> Vec<Effect> {
        let Some(image) = self.image.clone().filter(|image| !image.loaded.layers.is_empty()) else {
            return Vec::new();
        };
        self.generation += 1;
        if let Some(path) = self.wanted()
            && self.rows.get(self.row.at).is_none_or(|row| row.path != path)
        {
            // What is sought must be open all the way.
            self.open.extend(image.loaded.index.lineage(path).skip(1));
        }
        let view = self.view();
        let plan = Plan { view, wish: self.wish.clone(), open: self.open.clone(), unfold: self.unfold };
        let projection = self.projection.clone().filter(|_| self.viewed == Some(view));
        self.awaited = Some(view);
        if let Some(arranged) = projection.as_ref().and_then(|projection| plan.at_once(&image, projection)) {
            return self.settle(arranged);
        }
        vec![Effect::Arrange(self.generation, plan, projection)]
    }

    /// The path that the cursor is to be on: what is sought, or where it is. Who does not move comes back to the path as
    /// soon as a view shows it again.
    fn wanted(&self) -> Option<PathId> {
        let kept = self.chosen.filter(|(_, line)| *line == self.row.at).map(|(path, _)| path);
        self.sought.or(kept).or_else(|| self.path())
    }

    /// Takes new lines; the cursor stays on its path, or on the nearest folder around it that is still shown.
    pub(super) fn settle(&mut self, Arranged { projection, rows, open }: Arranged) -> Vec<Effect> {
        let wanted = self.wanted();
        self.viewed = self.awaited.take();
        let before = (self.projection.replace(projection), std::mem::replace(&mut self.rows, rows));
        self.open = open;
        (self.sought, self.unfold) = (None, None);
        let mut around = Paths::default();
        if let (Some(image), Some(path)) = (&self.image, wanted) {
            around.extend(image.loaded.index.lineage(path));
        }
        // Of folders within folders the innermost comes last.
        let line = self.rows.iter().rposition(|row| around.contains(row.path) || around.contains(row.from));
        self.row.count = self.rows.len();
        self.row.go(line.unwrap_or(0));
        self.chosen = wanted.map(|path| (path, self.row.at));
        if std::mem::take(&mut self.seeks_match) {
            self.go_to_match(0);
        }
        vec![Effect::Free(Old::new(before))]
    }

    /// Shows a path among the files, whatever narrows them: in a layer, or in the one that is chosen.
    pub(in crate::tui) fn show_path(&mut self, path: PathId, look: Look, layer: Option<u32>) -> Vec<Effect> {
        (self.screen, self.pane, self.look) = (Screen::Files, Pane::Files, look);
        (self.wish.filter, self.wish.hide) = (Query::default(), Hide::default());
        if let Some(layer) = layer {
            self.show_layer(layer as usize);
        }
        self.sought = Some(path);
        self.rebuild()
    }

    /// Goes to a layer; if the list leaves it out, all are listed again.
    pub(in crate::tui) fn show_layer(&mut self, layer: usize) {
        if self.layers.item(self.layers.line(layer)) != Some(layer) {
            self.layers = Narrow::default();
            self.layer_line.count = self.image.as_ref().map_or(0, |image| image.loaded.layers.len());
        }
        self.layer = layer.min(self.image.as_ref().map_or(0, |image| image.loaded.layers.len().saturating_sub(1)));
        self.layer_line.go(self.layers.line(self.layer));
    }
}
