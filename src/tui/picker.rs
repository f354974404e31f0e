//! Without an image on the command line: the images of this machine's engines, narrowed as one types. With no engine
//! in reach it says so, and the demo is one key away.

use std::io;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind};
use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};

use super::glyphs::to_ascii;
use super::line::{Typed, edit};
use super::list::Cursor;
use super::pane::cut;
use super::terminal::Screen;
use super::theme::{Role, Theme};
use super::{Setup, unusable};
use crate::error::{Error, Result};
use crate::units::{bytes, printable};

/// An image that can be chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its name, or its id if it has none.
    pub name: String,
    /// The engine that has it, in words.
    pub engine: String,
    /// Its size in bytes, as the engine says.
    pub size: u64,
    /// How long ago it was made, in words.
    pub age: String,
}

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked {
    /// The image at that place in the list.
    Image(usize),
    /// The demo.
    Demo,
    /// Nothing: the user left.
    Nothing,
}

/// Lets the user choose.
///
/// # Errors
/// The terminal cannot be used.
pub fn pick(setup: &Setup, choices: &Result<Vec<Choice>>) -> Result<Picked> {
    let mut screen = Screen::enter("images", setup).map_err(|error| unusable(&error))?;
    let outcome = Picker::new(&setup.theme, setup.ascii, choices).run(&mut screen);
    drop(screen);
    outcome.map_err(|error| unusable(&error))
}

struct Picker<'c> {
    theme: Theme,
    choices: &'c [Choice],
    trouble: Option<&'c Error>,
    ascii: bool,
    typed: String,
    /// Places in `choices` that the text finds, best first.
    found: Vec<usize>,
    at: Cursor,
    matcher: SkimMatcherV2,
}

impl<'c> Picker<'c> {
    fn new(theme: &Theme, ascii: bool, choices: &'c Result<Vec<Choice>>) -> Self {
        let (list, trouble) = match choices {
            Ok(list) => (list.as_slice(), None),
            Err(error) => (&[][..], Some(error)),
        };
        let found = (0..list.len()).collect();
        Self {
            theme: *theme,
            choices: list,
            trouble,
            ascii,
            typed: String::new(),
            found,
            at: Cursor::new(list.len()),
            matcher: SkimMatcherV2::default(),
        }
    }

    fn run(&mut self, screen: &mut Screen) -> io::Result<Picked> {
        loop {
            screen.show(|frame| self.draw(frame))?;
            match crossterm::event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if let Some(picked) = self.key(key) {
                        return Ok(picked);
                    }
                }
                Event::Paste(text) => {
                    self.typed.extend(text.chars().filter(|character| !character.is_control()));
                    self.find();
                }
                Event::Key(_) | Event::Mouse(_) | Event::Resize(..) | Event::FocusGained | Event::FocusLost => {}
            }
        }
    }

    fn key(&mut self, key: KeyEvent) -> Option<Picked> {
        match key.code {
            KeyCode::Esc if !self.typed.is_empty() => {
                self.typed.clear();
                self.find();
                return None;
            }
            KeyCode::Esc => return Some(Picked::Nothing),
            // With nothing to choose from there is nothing to type.
            KeyCode::Char('q') if self.choices.is_empty() => return Some(Picked::Nothing),
            KeyCode::Char('d') if self.choices.is_empty() => return Some(Picked::Demo),
            KeyCode::F(1) => return Some(Picked::Demo),
            KeyCode::PageUp => self.at.page(-1),
            KeyCode::PageDown => self.at.page(1),
            _ => match edit(&mut self.typed, key) {
                Typed::Changed => self.find(),
                Typed::Enter => return self.found.get(self.at.at).map(|place| Picked::Image(*place)),
                Typed::Step(by) => self.at.step(by),
                Typed::Quit => return Some(Picked::Nothing),
                // Wiping what is empty is no wish to leave.
                Typed::Leave | Typed::Nothing => {}
            },
        }
        None
    }

    fn find(&mut self) {
        let mut scored: Vec<(i64, usize)> = (0..self.choices.len())
            .filter_map(|place| Some((self.matcher.fuzzy_match(&self.choices[place].name, &self.typed)?, place)))
            .collect();
        // Best first; among equals the order of the engine, which is the newest first.
        scored.sort_by_key(|(score, place)| (std::cmp::Reverse(*score), *place));
        self.found = scored.into_iter().map(|(_, place)| place).collect();
        self.at = Cursor { height: self.at.height, ..Cursor::new(self.found.len()) };
    }

    fn draw(&mut self, frame: &mut Frame) {
        self.compose(frame);
        if self.ascii {
            to_ascii(frame.buffer_mut());
        }
    }

    fn compose(&mut self, frame: &mut Frame) {
        let theme = self.theme;
        let [prompt, list, hints] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
        let title = Line::from(vec![
            Span::styled(" layerscope  ", theme.style(Role::Title)),
            Span::raw(format!("{}▏", printable(self.typed.as_bytes()))),
        ]);
        frame.render_widget(title, prompt);
        let block = Block::bordered().border_style(theme.style(Role::Focus)).title(" Images ");
        let inner = block.inner(list);
        frame.render_widget(block, list);
        if self.choices.is_empty() {
            let text = match self.trouble {
                Some(error) => format!("{error}\n\nAn image can come from a file as well: layerscope image.tar\nTo look around first, press d for the demo."),
                None => "The engine has no image yet.\n\nAn image can come from a file as well: layerscope image.tar\nTo look around first, press d for the demo.".to_owned(),
            };
            frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }), inner);
            frame.render_widget(Line::from(Span::styled(" d demo   q quit", theme.style(Role::Dim))), hints);
            return;
        }
        self.at.fit(usize::from(inner.height));
        // Names in a column as wide as the widest, if the engine still fits beside it.
        let widest = self.choices.iter().map(|choice| choice.name.chars().count()).max().unwrap_or(0);
        let width = widest.min(usize::from(inner.width).saturating_sub(50).max(20));
        let shown = self.at.top..(self.at.top + self.at.height).min(self.found.len());
        let lines: Vec<Line> = shown
            .map(|line| {
                let choice = &self.choices[self.found[line]];
                let style = theme.style(if line == self.at.at { Role::Selection } else { Role::Text });
                Line::from(vec![
                    Span::raw(format!("{:>9}  {:>15}  ", bytes(choice.size), choice.age)),
                    Span::raw(format!("{:<width$}", cut(&printable(choice.name.as_bytes()), width))),
                    Span::styled(format!("  {}", printable(choice.engine.as_bytes())), theme.style(Role::Dim)),
                ])
                .style(style)
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), inner);
        let arrows = if self.ascii { "up down" } else { "↑ ↓" };
        let hint = format!(" type to find   {arrows} choose   enter open   F1 demo   esc leave");
        frame.render_widget(Line::from(Span::styled(hint, theme.style(Role::Dim))), hints);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyModifiers;

    fn choices() -> Vec<Choice> {
        let choice =
            |name: &str| Choice { name: name.into(), engine: "docker".into(), size: 1, age: "2 days ago".into() };
        vec![choice("nginx:latest"), choice("shop/api:2.4"), choice("postgres:16")]
    }

    fn ansi() -> Theme {
        Theme::named("ansi", None).unwrap()
    }

    fn press(picker: &mut Picker<'_>, keys: &str) -> Option<Picked> {
        keys.chars().find_map(|key| {
            let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
            picker.key(KeyEvent::new(code, KeyModifiers::NONE))
        })
    }

    #[test]
    fn typing_narrows_and_enter_chooses() {
        let choices = Ok(choices());
        assert_eq!(press(&mut Picker::new(&ansi(), false, &choices), "\n"), Some(Picked::Image(0)));
        assert_eq!(press(&mut Picker::new(&ansi(), false, &choices), "pstg\n"), Some(Picked::Image(2)));
        assert_eq!(press(&mut Picker::new(&ansi(), false, &choices), "zzz\n"), None);
    }

    #[test]
    fn without_an_engine_the_demo_is_one_key_away() {
        let none = Err(Error::image("no engine answers"));
        assert_eq!(press(&mut Picker::new(&ansi(), false, &none), "d"), Some(Picked::Demo));
        assert_eq!(press(&mut Picker::new(&ansi(), false, &none), "q"), Some(Picked::Nothing));
        let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| Picker::new(&ansi(), false, &none).draw(frame)).unwrap();
        let shown: String = terminal.backend().buffer().content().iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(shown.contains("no engine answers") && shown.contains("press d for the demo"), "{shown}");
    }
}
