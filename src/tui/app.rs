//! The state of the screen, and how it changes. `update` is pure: it takes a message and says what is to be done;
//! no terminal, no thread and no clock is needed to test it.

mod act;
mod manners;
mod message;
mod refusal;
mod tree;
mod typing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use super::bits::Paths;
use super::card::Card;
use super::findings::FindingList;
use super::help::Help;
use super::key::Key;
use super::keymap::{Hit, Keymap, Place};
use super::list::Cursor;
use super::narrow::Narrow;
use super::packages::PackageList;
use super::palette::Palette;
use super::preview::Inside;
use super::projection::{Projection, View};
use super::rows::{Row, Wish};
use super::theme::Theme;
use super::what_if::WhatIf;
use crate::index::PathId;
use crate::session::Snapshot;
use crate::tui::Explored;
use manners::Timing;
pub use message::{Effect, Msg, Old};
pub use typing::{List, Typing};

/// What the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// Layers and files.
    Files,
    /// What is wasted, risky, secret or badly set.
    Findings,
    /// What is installed.
    Packages,
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

/// The least and the most of the width that the layers may take, in percent.
pub const SPLITS: (u16, u16) = (20, 70);

/// Where things were drawn last, for the mouse.
#[derive(Debug, Clone, Default)]
pub struct Areas {
    /// The list of layers.
    pub layers: Rect,
    /// The lines between layers and files, where they stand side by side.
    pub split: Option<Rect>,
    /// Layers and files together.
    pub files_screen: Option<Rect>,
    /// The names of the screens.
    pub tabs: Vec<(Rect, Screen)>,
    /// Lines that a layer takes.
    pub layer_height: u16,
    /// In a narrow window: the first column of each layer that is shown, with its line in the list.
    pub strip: Vec<(u16, usize)>,
    /// The tree, or another list.
    pub list: Rect,
}

/// The whole state.
#[allow(clippy::struct_excessive_bools)] // What has nothing to do with each other.
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
    /// Whether the mouse moves the line between layers and files.
    pub dragging: bool,
    /// The chosen layer.
    pub layer: usize,
    /// Its line in the list of layers.
    pub layer_line: Cursor,
    /// The layers that are listed.
    pub layers: Narrow,
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
    /// The findings.
    pub findings: FindingList,
    /// The packages.
    pub packages: PackageList,
    /// Files and folders that are thought away.
    pub(super) gone_files: BTreeSet<PathId>,
    /// What the image would be without all that is thought away.
    pub then: Option<WhatIf>,
    /// The screen that led to the files, to go back to.
    pub(super) came_from: Option<Screen>,
    /// How far the facts of the image are scrolled.
    pub facts: Cursor,
    /// The filter while it is typed.
    pub typing: Option<Typing>,
    /// The list of keys, while it is open.
    pub help: Option<Help>,
    /// The palette, when it is open.
    pub palette: Option<Palette>,
    pub(super) sought_hits: u64,
    /// A page of facts over the screen.
    pub card: Option<Card>,
    /// What is looked into and extracted.
    pub inside: Inside,
    /// Keys of a sequence so far.
    pub pressed: Vec<Key>,
    /// A word to the user, gone with the next key.
    pub notice: Option<String>,
    /// When that was said, and whether it stays.
    timing: Timing,
    /// Whether frames hold ASCII alone.
    pub ascii: bool,
    /// Colours.
    pub theme: Theme,
    /// Keys.
    pub keymap: Keymap,
    /// Where things were drawn.
    pub areas: Areas,
    /// When the explorer was opened.
    pub since: Instant,
    /// When no byte had been read yet the last time that somebody looked, counted from then.
    pub flowing: Duration,
    open: Paths,
    /// A folder below which all is to be opened.
    unfold: Option<PathId>,
    generation: u64,
    /// What the newest order is to show, while it is not there.
    awaited: Option<View>,
    /// Whether the first match is to be gone to when the lines are there.
    seeks_match: bool,
    /// A path to go to when its view is there.
    pub(super) sought: Option<PathId>,
    /// The path that was last chosen, and the line where the last view put the cursor for it.
    chosen: Option<(PathId, usize)>,
}

impl App {
    /// A screen that waits for its image.
    #[must_use]
    pub fn new(title: &str, theme: &Theme, keymap: Keymap) -> Self {
        Self {
            title: title.to_owned(),
            progress: Snapshot::default(),
            image: None,
            screen: Screen::Files,
            pane: Pane::Files,
            zoom: false,
            split: 42,
            dragging: false,
            layer: 0,
            layer_line: Cursor::default(),
            layers: Narrow::default(),
            look: Look::Layer,
            projection: None,
            viewed: None,
            wish: Wish::default(),
            rows: Vec::new(),
            row: Cursor::default(),
            findings: FindingList::default(),
            packages: PackageList::default(),
            gone_files: BTreeSet::new(),
            then: None,
            came_from: None,
            facts: Cursor::default(),
            typing: None,
            help: None,
            palette: None,
            sought_hits: 0,
            card: None,
            inside: Inside::default(),
            pressed: Vec::new(),
            notice: None,
            timing: Timing::default(),
            ascii: false,
            theme: *theme,
            keymap,
            areas: Areas::default(),
            since: Instant::now(),
            flowing: Duration::ZERO,
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
        let before = self.notice.clone();
        let effects = self.follow(message);
        self.time_notice(before.as_ref());
        effects
    }

    fn follow(&mut self, message: Msg) -> Vec<Effect> {
        match message {
            Msg::Key(key) => self.key(key),
            Msg::Paste(text) => self.paste(&text),
            Msg::Clock(now) => {
                self.tell_time(now);
                Vec::new()
            }
            Msg::Mouse(mouse) => self.mouse(mouse),
            Msg::Redraw => Vec::new(),
            Msg::Progress(progress) => {
                if progress.bytes == 0 {
                    self.wait_for_bytes();
                }
                self.progress = progress;
                Vec::new()
            }
            Msg::Loaded(image) => self.take(image),
            Msg::Arranged(generation, arranged) => {
                if generation == self.generation {
                    self.settle(arranged)
                } else {
                    Vec::new()
                }
            }
            Msg::Inside(report) => self.report(report),
            Msg::Found(generation, hits, is_all) => {
                self.found(generation, hits, is_all);
                Vec::new()
            }
            Msg::Touched(query, layers) => self.narrow_to_touched(&query, &layers),
        }
    }

    /// The layer that the cursor is on.
    #[must_use]
    pub fn layer(&self) -> u32 {
        u32::try_from(self.layer).unwrap_or(u32::MAX)
    }

    /// The path that the cursor is on.
    #[must_use]
    pub fn path(&self) -> Option<PathId> {
        self.rows.get(self.row.at).map(|row| row.path)
    }

    /// Where a key is pressed now.
    #[must_use]
    pub fn place(&self) -> Place {
        if self.help.is_some() { Place::Help } else { self.ground() }
    }

    /// Where a key is pressed when the list of keys is closed.
    #[must_use]
    pub fn ground(&self) -> Place {
        if self.inside.preview.is_some() {
            return Place::Preview;
        }
        match (self.screen, self.pane) {
            (Screen::Files, Pane::Layers) => Place::Layers,
            (Screen::Files, Pane::Files) => Place::Files,
            (Screen::Findings, _) => Place::Findings,
            (Screen::Packages, _) => Place::Packages,
            (Screen::Image, _) => Place::Everywhere,
        }
    }

    fn key(&mut self, event: KeyEvent) -> Vec<Effect> {
        self.hear_key();
        if self.palette.is_some() {
            return self.type_in_palette(event);
        }
        if self.typing.is_some() {
            return self.type_text(event);
        }
        if self.inside.prompt.is_some() {
            return self.type_place(event);
        }
        if self.help.as_ref().is_some_and(|help| help.is_typing) {
            return self.search_keys(event);
        }
        self.pressed.push(Key::from(event));
        let hit = self.keymap.find(self.place(), &self.pressed);
        if hit == Hit::Begins {
            return Vec::new();
        }
        let pressed = std::mem::take(&mut self.pressed);
        match hit {
            _ if self.help.is_some() => self.key_in_help(&pressed, hit),
            Hit::Does(action) => self.act(action),
            Hit::Begins | Hit::Nothing => {
                // Esc leaves a sequence and says nothing.
                if event.code != KeyCode::Esc {
                    self.tell_elsewhere(&pressed);
                }
                Vec::new()
            }
        }
    }

    /// The list that the cursor keys move in.
    pub(super) fn list(&mut self) -> &mut Cursor {
        if let Some(help) = &mut self.help {
            return &mut help.cursor;
        }
        if let Some(card) = &mut self.card {
            return &mut card.cursor;
        }
        if let Some(preview) = &mut self.inside.preview {
            return &mut preview.cursor;
        }
        match (self.screen, self.pane) {
            (Screen::Files, Pane::Layers) => &mut self.layer_line,
            (Screen::Files, Pane::Files) => &mut self.row,
            (Screen::Findings, _) => &mut self.findings.cursor,
            (Screen::Packages, _) => &mut self.packages.cursor,
            (Screen::Image, _) => &mut self.facts,
        }
    }

    pub(super) fn walk(&mut self, step: impl FnOnce(&mut Cursor)) -> Vec<Effect> {
        let before = self.layer_line.at;
        step(self.list());
        if self.layer_line.at == before { Vec::new() } else { self.follow_layer() }
    }

    /// Takes the layer that the cursor of the list is on.
    pub(super) fn follow_layer(&mut self) -> Vec<Effect> {
        match self.layers.item(self.layer_line.at) {
            Some(layer) if layer != self.layer => {
                self.layer = layer;
                self.rebuild()
            }
            _ => Vec::new(),
        }
    }
}
