//! The state of the screen, and how it changes. `update` is pure: it takes a message and says what is to be done;
//! no terminal, no thread and no clock is needed to test it.

mod act;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};
use ratatui::layout::Rect;

use super::keymap::{Hit, Key, Keymap, Place};
use super::list::Cursor;
use super::preview::{Inside, Report, Slot, Work};
use super::projection::{Projection, View};
use super::rows::{Row, Rows, Wish};
use super::theme::Theme;
use super::waste::Waste;
use crate::index::PathId;
use crate::session::{Snapshot, Step};
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
    Progress(Snapshot, Option<Vec<Step>>),
    /// The image is read.
    Loaded(Arc<Explored>),
    /// A view is computed. A number that is not the newest is dropped.
    Projected(u64, Arc<Projection>),
    /// What reads the image again has something to say.
    Inside(Report),
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
            inside: Inside::default(),
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
                    if self.typing.is_some() {
                        // Who typed faster than the view came means what the view has.
                        self.go_to_match(0);
                    }
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
