//! The state of the screen, and how it changes. `update` is pure: it takes a message and says what is to be done;
//! no terminal, no thread and no clock is needed to test it.

mod act;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};
use ratatui::layout::Rect;

use super::arrange::{Arranged, Plan};
use super::bits::Paths;
use super::keymap::{Hit, Key, Keymap, Place};
use super::list::Cursor;
use super::preview::{Inside, Report, Slot, Work};
use super::projection::{Projection, View};
use super::rows::{Row, Wish};
use super::theme::Theme;
use super::waste::Waste;
use crate::index::PathId;
use crate::session::Snapshot;
use crate::tui::Explored;

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
    Progress(Snapshot),
    /// The image is read, or a part of it.
    Loaded(Arc<Explored>),
    /// The lines of the tree are made. A number that is not the newest is dropped.
    Arranged(u64, Arranged),
    /// What reads the image again has something to say.
    Inside(Report),
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Stop until the shell continues us.
    Suspend,
    /// Make the lines of the tree, with the view that is there, or with one to be computed.
    Arrange(u64, Plan, Option<Arc<Projection>>),
    /// Put a text on the clipboard.
    Copy(String),
    /// Read the image again.
    Begin(Work),
    /// End what reads it.
    Cancel(Slot),
    /// Show a file in the pager, and take it away afterwards.
    Page(PathBuf),
    /// Take away a file that was made for the pager.
    Forget(PathBuf),
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
    /// The image, as far as it is read.
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
    /// What it is a view of: `None` when the image has grown since.
    viewed: Option<View>,
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
    /// What is looked into and extracted.
    pub inside: Inside,
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
    open: Paths,
    /// A folder below which all is to be opened.
    unfold: Option<PathId>,
    generation: u64,
    /// What the newest order is to show, while it is not there.
    awaited: Option<View>,
    /// Whether the first match is to be gone to when the lines are there.
    seeks_match: bool,
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
            image: None,
            screen: Screen::Files,
            pane: Pane::Files,
            zoom: false,
            split: 42,
            layer: Cursor::default(),
            look: Look::Layer,
            projection: None,
            viewed: None,
            wish: Wish::default(),
            rows: Vec::new(),
            row: Cursor::default(),
            wastes: Vec::new(),
            waste: Cursor::default(),
            facts: Cursor::default(),
            typing: None,
            help: None,
            inside: Inside::default(),
            pressed: Vec::new(),
            notice: None,
            theme,
            keymap,
            areas: Areas::default(),
            since: Instant::now(),
            open: Paths::default(),
            unfold: None,
            generation: 0,
            awaited: None,
            seeks_match: false,
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
            Msg::Progress(progress) => {
                self.progress = progress;
                Vec::new()
            }
            Msg::Loaded(image) => self.take(image),
            Msg::Arranged(generation, arranged) => {
                if generation == self.generation {
                    self.settle(arranged);
                }
                Vec::new()
            }
            Msg::Inside(report) => self.report(report),
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
        if self.inside.preview.is_some() {
            return Place::Preview;
        }
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

    /// Takes an image of which more is read than before. Who has chosen a layer keeps it, wherever it turns out to be.
    fn take(&mut self, image: Arc<Explored>) -> Vec<Effect> {
        let slots = image.loaded.stack.slots();
        let chosen = self.image.as_ref().and_then(|before| *before.loaded.stack.slots().get(self.layer.at)?);
        let place = chosen.and_then(|chosen| slots.iter().position(|slot| *slot == Some(chosen)));
        self.layer.count = slots.len();
        self.layer.go(place.filter(|_| self.layer.at > 0).unwrap_or(self.layer.at));
        self.wastes.clone_from(&image.wastes);
        self.waste.count = self.wastes.len();
        self.image = Some(image);
        self.viewed = None;
        self.project()
    }

    /// Whether more of the image is to come.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.image.as_ref().is_none_or(|image| !image.is_whole)
    }

    /// Whether the tree is still to follow what was last asked for.
    #[must_use]
    pub fn is_arranging(&self) -> bool {
        self.awaited.is_some()
    }

    /// Shows what the choices ask for.
    pub(super) fn project(&mut self) -> Vec<Effect> {
        if self.layer.count == 0 {
            return Vec::new();
        }
        self.rebuild()
    }

    /// Makes the lines anew, at once or beside the screen.
    pub(super) fn rebuild(&mut self) -> Vec<Effect> {
        let Some(image) = self.image.clone() else { return Vec::new() };
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
            self.settle(arranged);
            return Vec::new();
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
    fn settle(&mut self, Arranged { projection, rows, open }: Arranged) {
        let wanted = self.wanted();
        self.viewed = self.awaited.take();
        (self.projection, self.rows, self.open) = (Some(projection), rows, open);
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
    }

    fn key(&mut self, event: KeyEvent) -> Vec<Effect> {
        self.notice = None;
        if self.typing.is_some() {
            return self.type_filter(event);
        }
        if self.inside.prompt.is_some() {
            return self.type_place(event);
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
                return self.clear_filter();
            }
            KeyCode::Up => self.row.step(-1),
            KeyCode::Down => self.row.step(1),
            _ => {}
        }
        if let Some(text) = self.typing.clone()
            && text != self.wish.filter
        {
            if text.is_empty() {
                return self.clear_filter();
            }
            self.wish.filter = text;
            self.seeks_match = true;
            return self.rebuild();
        }
        Vec::new()
    }

    /// Shows everything again, with the cursor where it is: what the filter opened on the way there stays open.
    fn clear_filter(&mut self) -> Vec<Effect> {
        if let (Some(image), Some(path)) = (&self.image, self.path()) {
            self.open.extend(image.loaded.index.lineage(path).skip(1));
        }
        self.wish.filter.clear();
        self.rebuild()
    }

    /// The list that the cursor keys move in.
    pub(super) fn list(&mut self) -> &mut Cursor {
        if let Some(help) = &mut self.help {
            return help;
        }
        if let Some(preview) = &mut self.inside.preview {
            return &mut preview.cursor;
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
}
