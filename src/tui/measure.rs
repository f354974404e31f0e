//! Somebody at the keyboard, for benchmarks: keys come at their times, and each waits for the frame that answers it. It
//! is the loop of the explorer with a typist for a keyboard and nobody in front of the screen.

use std::io::{self, Sink};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, never, select_biased, tick};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::app::{App, Effect, Msg};
use super::arrange::{self, Done, Order};
use super::reading::Growth;
use super::{Bindings, Keymap, News, PROGRESS, Preset, Theme, frame, palette};
use crate::analysis::rules::Rules;
use crate::error::Result;
use crate::session::{Loaded, Progress};

/// The window that is drawn.
const WINDOW: Rect = Rect::new(0, 0, 140, 40);

/// How long nothing must happen until all is done.
const QUIET: Duration = Duration::from_millis(100);

/// How long a key waited for its frame.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// By the clock on the wall: whatever else the machine did is part of it.
    pub passed: Duration,
    /// What of it the thread worked.
    pub worked: Duration,
}

/// The time that this thread has worked.
pub type Clock = fn() -> Duration;

/// A key that waits: when it was pressed, and how much the thread had worked when it was taken.
type Waiting = (Instant, Duration);

/// Somebody in front of the explorer.
pub struct Desk {
    clock: Clock,
    longest: Duration,
    app: App,
    terminal: Terminal<CrosstermBackend<Sink>>,
    progress: Arc<Progress>,
    orders: Sender<Order>,
    searches: Sender<palette::Wanted>,
    arriving: Receiver<News>,
    growth: Growth,
}

impl Desk {
    /// In front of an image that is read by `load`.
    ///
    /// # Errors
    /// The terminal cannot be made; nothing of the image.
    pub fn new(
        clock: Clock,
        progress: &Arc<Progress>,
        rules: Rules,
        load: impl FnOnce() -> Result<Loaded> + Send + 'static,
    ) -> Result<Self> {
        let app = App::new("image", &Theme::named("ansi", None)?, Keymap::new(Preset::Default, &Bindings::new())?);
        let options = TerminalOptions { viewport: Viewport::Fixed(WINDOW) };
        let terminal = Terminal::with_options(CrosstermBackend::new(io::sink()), options)
            .map_err(|error| super::unusable(&error))?;
        let (news, arriving) = super::reading::beside(progress, rules, load);
        let said = news.clone();
        let orders = arrange::start(move |done| drop(said.send(News::Done(done))));
        let searches = palette::start(move |generation, hits, all| drop(news.send(News::Found(generation, hits, all))));
        let progress = Arc::clone(progress);
        let longest = Duration::ZERO;
        Ok(Self { clock, longest, app, terminal, progress, orders, searches, arriving, growth: Growth::begin() })
    }

    /// Waits until there is something to see.
    ///
    /// # Errors
    /// The image cannot be read.
    pub fn wait_for_rows(&mut self) -> Result<()> {
        while self.app.rows.is_empty() {
            self.step(&never(), &mut Vec::new(), &mut Vec::new())?;
        }
        Ok(())
    }

    /// Waits until the image is read and all is shown.
    ///
    /// # Errors
    /// The image cannot be read.
    pub fn settle(&mut self) -> Result<()> {
        while self.app.is_analysing() || self.app.is_arranging() || !self.arriving.is_empty() {
            self.step(&never(), &mut Vec::new(), &mut Vec::new())?;
        }
        thread::sleep(QUIET);
        if self.arriving.is_empty() { Ok(()) } else { self.settle() }
    }

    /// The longest work on one message and its frame since this was last asked: a key that comes then waits for it.
    pub fn longest_step(&mut self) -> Duration {
        std::mem::take(&mut self.longest)
    }

    /// Whether more of the image is to come.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        self.app.is_reading()
    }

    /// Presses keys, one each time that so long has passed; returns how long each waited for its frame. Enter, escape,
    /// tab and backspace are written as their control characters.
    ///
    /// # Errors
    /// The image cannot be read.
    pub fn press(&mut self, keys: &str, every: Duration) -> Result<Vec<Wait>> {
        let events: Vec<KeyEvent> = keys.chars().map(event).collect();
        let count = events.len();
        let (hand, keyboard) = bounded(count.max(1));
        let begin = Instant::now();
        thread::spawn(move || {
            for (number, event) in (0_u32..).zip(events) {
                let due = begin + every * number;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                // Who waits for a key that was held up waits since it was pressed.
                let _ = hand.send((due, event));
            }
        });
        let (mut waiting, mut answered) = (Vec::new(), Vec::with_capacity(count));
        while answered.len() < count {
            self.step(&keyboard, &mut waiting, &mut answered)?;
        }
        Ok(answered)
    }

    /// One round of the loop: a message, what it asks for, and a frame unless keys wait.
    fn step(
        &mut self,
        keyboard: &Receiver<(Instant, KeyEvent)>,
        waiting: &mut Vec<Waiting>,
        answered: &mut Vec<Wait>,
    ) -> Result<()> {
        let ticks = if self.app.is_reading() { tick(PROGRESS) } else { never() };
        let message = select_biased! {
            recv(keyboard) -> key => match key {
                Ok((pressed, key)) => {
                    waiting.push((pressed, (self.clock)()));
                    Msg::Key(key)
                }
                // All keys are pressed; the frame below answers the last of them.
                Err(_) => Msg::Redraw,
            },
            recv(self.arriving) -> news => match news {
                Ok(News::Loaded(image)) => Msg::Loaded(Arc::from(image?)),
                Ok(News::Done(Done::Tree(generation, arranged))) => Msg::Arranged(generation, arranged),
                Ok(News::Done(Done::Touched(query, layers))) => Msg::Touched(query, layers),
                Ok(News::Found(generation, hits, is_all)) => Msg::Found(generation, hits, is_all),
                Ok(News::Inside(report)) => Msg::Inside(report),
                Err(_) => Msg::Redraw,
            },
            recv(ticks) -> _ => {
                self.growth.go_on(&self.app, &self.progress);
                Msg::Progress(self.progress.snapshot())
            },
        };
        let begin = (self.clock)();
        self.app.update(Msg::Clock(self.app.since.elapsed()));
        for effect in self.app.update(message) {
            let Some(image) = self.app.image.clone() else { continue };
            // Whoever is asked lives as long as the desk. What reads files, writes, or leaves is not measured here.
            if let Effect::Arrange(generation, plan, projection) = effect {
                let _ = self.orders.send(Order::Tree { generation, image, plan, projection });
            } else if let Effect::Free(old) = effect {
                let _ = self.orders.send(Order::Free(old));
            } else if let Effect::Seek(generation, text) = effect {
                let _ = self.searches.send(palette::Wanted { generation, image, text });
            } else if let Effect::Touch(query) = effect {
                let _ = self.orders.send(Order::Touched(image, query));
            }
        }
        let answers = keyboard.is_empty();
        if answers {
            let app = &mut self.app;
            self.terminal.draw(|frame| frame::draw(app, frame)).map_err(|error| super::unusable(&error))?;
        }
        let now = (self.clock)();
        self.longest = self.longest.max(now.saturating_sub(begin));
        if answers {
            let wait =
                |(pressed, taken): Waiting| Wait { passed: pressed.elapsed(), worked: now.saturating_sub(taken) };
            answered.extend(waiting.drain(..).map(wait));
        }
        Ok(())
    }
}

fn event(character: char) -> KeyEvent {
    let code = match character {
        '\n' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\u{1b}' => KeyCode::Esc,
        '\u{8}' => KeyCode::Backspace,
        character => KeyCode::Char(character),
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}
