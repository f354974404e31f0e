//! The explorer without a terminal: keys written as text go in, state and frames as text come out.

mod comparing;
mod findings;
mod images;
mod inside;
mod journeys;
mod keys;
mod lists;
mod manners;
mod pictures;
mod queries;
mod random;
mod screens;
mod searching;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};

use super::app::{App, Effect, Msg};
use super::arrange::touched_layers;
use super::keymap::{Bindings, Keymap, Preset};
use super::theme::Theme;
use super::{Explored, frame, palette};
use crate::analysis::rules::Rules;
use crate::image;
use crate::index::{Builder, Stack};
use crate::session::{self, Arrival, Loaded, LoadedLayer, Options, Progress};
use crate::units::printable;
use layerscope::layer::Limits;
use layerscope::source::reference::Reference;

/// Somebody in front of the explorer.
pub struct Sitting {
    pub app: App,
    terminal: Terminal<TestBackend>,
    /// What the last keys asked for, beside views, which are computed at once.
    pub effects: Vec<Effect>,
}

/// The image that the program carries, read once for all tests.
pub fn demo() -> Arc<Explored> {
    static DEMO: std::sync::OnceLock<Arc<Explored>> = std::sync::OnceLock::new();
    let read = || session::open(&Reference::Demo, "demo", &Options::default(), &Arc::new(Progress::default()));
    Arc::clone(DEMO.get_or_init(|| Arc::new(Explored::new(read().unwrap(), &Rules::built_in().unwrap()))))
}

/// An image of which no layer is read yet, with the bytes and commands that an engine tells: the first layer is there,
/// the second is being read.
pub fn outlined(steps: &[(u64, &str)]) -> Arc<Explored> {
    let mut loaded =
        session::open(&Reference::Demo, "demo", &Options::default(), &Arc::new(Progress::default())).unwrap();
    let step = |command: &str| image::Step { created_by: command.to_owned(), ..image::Step::default() };
    loaded.image.layers = steps
        .iter()
        .map(|(_, command)| image::Layer { step: Some(step(command)), ..image::Layer::default() })
        .collect();
    let arrivals = [Arrival::Read, Arrival::Reading].into_iter().chain(std::iter::repeat(Arrival::Waiting));
    loaded.layers = steps
        .iter()
        .zip(arrivals)
        .map(|(&(expected, _), arrival)| {
            let mut layer = LoadedLayer::default();
            (layer.arrival, layer.expected) = (arrival, expected);
            layer
        })
        .collect();
    (loaded.index, loaded.stack) = (Builder::new(Limits::default()).finish(), Stack::new(vec![None; steps.len()]));
    Arc::new(Explored::growing(loaded))
}

impl Sitting {
    /// In front of the demo, in a wide window.
    pub fn demo() -> Self {
        Self::sized(140, 40)
    }

    /// In front of the demo.
    pub fn sized(width: u16, height: u16) -> Self {
        let mut sitting = Self::waiting("demo", "ansi", width, height);
        sitting.tell(Msg::Loaded(demo()));
        sitting
    }

    /// In front of an image of our own.
    pub fn of(loaded: Loaded) -> Self {
        let mut sitting = Self::waiting("test", "ansi", 140, 40);
        sitting.tell(Msg::Loaded(Arc::new(Explored::new(loaded, &Rules::built_in().unwrap()))));
        sitting
    }

    /// Before the image is there.
    pub fn waiting(title: &str, theme: &str, width: u16, height: u16) -> Self {
        let theme = Theme::named(theme, None).unwrap();
        let app = App::new(title, &theme, Keymap::new(Preset::Default, &Bindings::new()).unwrap());
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut sitting = Self { app, terminal, effects: Vec::new() };
        sitting.draw();
        sitting
    }

    /// Gives a message, computes what view it asks for, and draws.
    pub fn tell(&mut self, message: Msg) -> &mut Self {
        let mut messages = vec![message];
        while let Some(message) = messages.pop() {
            for effect in self.app.update(message) {
                match effect {
                    Effect::Arrange(generation, plan, projection) => {
                        let image = self.app.image.clone().unwrap();
                        let arranged = plan.at_length(&image, projection.as_ref()).unwrap();
                        messages.push(Msg::Arranged(generation, arranged));
                    }
                    Effect::Seek(generation, text) => {
                        let image = self.app.image.clone().unwrap();
                        palette::search(
                            &image,
                            &text,
                            || false,
                            |hits, is_all| {
                                messages.insert(0, Msg::Found(generation, hits, is_all));
                            },
                        );
                    }
                    Effect::Touch(query) => {
                        let layers = touched_layers(&self.app.image.clone().unwrap(), &query);
                        messages.push(Msg::Touched(query, layers));
                    }
                    Effect::Free(_) => {}
                    other => self.effects.push(other),
                }
            }
        }
        self.draw();
        self
    }

    /// Presses keys: `jj<enter>`, `<ctrl-d>`, `/git<esc>`.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        self.effects.clear();
        for key in parse(keys) {
            self.tell(Msg::Key(key));
        }
        self
    }

    /// Presses the left button.
    pub fn click(&mut self, column: u16, row: u16) -> &mut Self {
        self.effects.clear();
        self.tell(mouse(MouseEventKind::Down(MouseButton::Left), column, row))
    }

    /// Turns the wheel.
    pub fn wheel(&mut self, down: bool, column: u16, row: u16) -> &mut Self {
        self.tell(mouse(if down { MouseEventKind::ScrollDown } else { MouseEventKind::ScrollUp }, column, row))
    }

    /// Gives the window another size.
    pub fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.terminal.backend_mut().resize(width, height);
        self.tell(Msg::Redraw)
    }

    fn draw(&mut self) {
        self.terminal.draw(|frame| frame::draw(&mut self.app, frame)).unwrap();
    }

    pub fn buffer(&self) -> &Buffer {
        self.terminal.backend().buffer()
    }

    /// The lines of the frame, without blanks at their ends.
    pub fn lines(&self) -> Vec<String> {
        let buffer = self.buffer();
        let width = usize::from(buffer.area.width).max(1);
        buffer.content.chunks(width).map(line).collect()
    }

    /// The frame as text.
    pub fn frame(&self) -> String {
        self.lines().join("\n")
    }

    /// Whether the frame says this somewhere.
    pub fn shows(&self, text: &str) -> bool {
        self.frame().contains(text)
    }

    /// Fails with the whole frame.
    #[track_caller]
    pub fn expect(&mut self, texts: &[&str]) -> &mut Self {
        for text in texts {
            assert!(self.shows(text), "{text:?} is not in\n{}", self.frame());
        }
        self
    }

    /// Fails with the whole frame.
    #[track_caller]
    pub fn expect_none(&mut self, texts: &[&str]) -> &mut Self {
        for text in texts {
            assert!(!self.shows(text), "{text:?} is in\n{}", self.frame());
        }
        self
    }

    /// The filter that is being typed.
    pub fn typed(&self) -> Option<&str> {
        self.app.typing.as_ref().map(|typing| typing.text.as_str())
    }

    /// Paths of the tree, from top to bottom, as they are written in a terminal.
    pub fn paths(&self) -> Vec<String> {
        let index = &self.app.image.as_ref().unwrap().loaded.index;
        self.app.rows.iter().map(|row| printable(&index.path(row.path)).into_owned()).collect()
    }

    /// The path that the cursor is on.
    pub fn at(&self) -> String {
        self.paths().get(self.app.row.at).cloned().unwrap_or_default()
    }

    /// Walks down to a path, which must be shown.
    #[track_caller]
    pub fn walk_to(&mut self, path: &str) -> &mut Self {
        let wanted = self.paths().iter().position(|shown| shown == path);
        let wanted = wanted.unwrap_or_else(|| panic!("{path} is not in {:?}", self.paths()));
        while self.app.row.at != wanted {
            self.press(if self.app.row.at < wanted { "j" } else { "k" });
        }
        self
    }

    /// The line of the screen that shows this text first.
    #[track_caller]
    pub fn line_of(&self, text: &str) -> u16 {
        let place = self.lines().iter().position(|line| line.contains(text));
        u16::try_from(place.unwrap_or_else(|| panic!("{text:?} is not in\n{}", self.frame()))).unwrap()
    }
}

/// Cells of a line. A wide character fills two; the second one is blank.
fn line(cells: &[Cell]) -> String {
    let mut text = String::new();
    let mut covered = 0;
    for cell in cells {
        if covered > 0 {
            covered -= 1;
            continue;
        }
        text.push_str(cell.symbol());
        covered = ratatui::text::Span::raw(cell.symbol()).width().saturating_sub(1);
    }
    text.trim_end().to_owned()
}

pub fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Msg {
    Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

/// Keys written as text.
fn parse(keys: &str) -> Vec<KeyEvent> {
    let mut found = Vec::new();
    let mut rest = keys;
    while let Some(first) = rest.chars().next() {
        // A `<` that closes nothing is the key itself.
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).filter(|(name, _)| name.len() > 1);
        if let Some((name, after)) = named {
            let (modifiers, name) =
                name.strip_prefix("ctrl-").map_or((KeyModifiers::NONE, name), |name| (KeyModifiers::CONTROL, name));
            let code = match name {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "tab" => KeyCode::Tab,
                "space" => KeyCode::Char(' '),
                "up" => KeyCode::Up,
                "down" => KeyCode::Down,
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "home" => KeyCode::Home,
                "end" => KeyCode::End,
                "pageup" => KeyCode::PageUp,
                "pagedown" => KeyCode::PageDown,
                "backspace" => KeyCode::Backspace,
                other => KeyCode::Char(other.chars().next().filter(|_| other.chars().count() == 1).unwrap()),
            };
            found.push(KeyEvent::new(code, modifiers));
            rest = after;
        } else {
            found.push(KeyEvent::new(KeyCode::Char(first), KeyModifiers::NONE));
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}
