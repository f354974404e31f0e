//! The explorer: the terminal's side of the house. Reads the index and what the analyses say; knows no engine, no
//! archive and no tar. One thread owns the state; reading and computing happen beside it and send messages.

mod action;
mod app;
mod arrange;
mod bits;
mod card;
mod difference;
mod frame;
mod input;
mod jobs;
mod keymap;
mod line;
mod list;
mod magic;
mod mouse;
mod narrow;
mod palette;
mod pane;
mod picker;

mod preview;
mod projection;
mod query;
mod rows;
mod sieve;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod waste;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, never, select_biased, tick};
use crossterm::event::{Event, KeyEventKind};

use crate::analysis::duplicates::{Duplicate, duplicates};
use crate::analysis::efficiency::{Account, account};
use crate::error::{Error, Result};
use crate::session::{Loaded, Progress};
use app::{App, Effect, Msg};
use arrange::{Done, Order};
use input::Input;
use jobs::Jobs;
use keymap::Keymap;
use terminal::Screen;

pub use picker::{Choice, Picked, pick};
pub use terminal::{is_lent, restore};
pub use theme::Theme;

/// How often progress is drawn while the image is read.
const PROGRESS: Duration = Duration::from_millis(100);

/// How often what is read so far is shown at most. Looking at it must not take the time of reading it.
const GROWTH: Duration = Duration::from_millis(250);

/// An image with what the analyses say of it.
pub struct Explored {
    /// What was read.
    pub loaded: Loaded,
    /// The accounting.
    pub account: Account,
    /// Files of equal contents.
    pub duplicates: Vec<Duplicate>,
    /// What is shipped for nothing.
    wastes: Vec<waste::Waste>,
    /// Whether all of it is read.
    is_whole: bool,
}

impl Explored {
    /// Analyses an image.
    #[must_use]
    pub fn new(loaded: Loaded) -> Self {
        let account = account(&loaded.index, &loaded.stack);
        let duplicates = duplicates(&loaded.index, &loaded.stack, &account);
        let wastes = waste::wastes(&loaded, &account, &duplicates);
        Self { loaded, account, duplicates, wastes, is_whole: true }
    }

    /// Takes an image of which a part is read, with what can be said of it already.
    fn growing(loaded: Loaded) -> Self {
        let account = account(&loaded.index, &loaded.stack);
        Self { loaded, account, duplicates: Vec::new(), wastes: Vec::new(), is_whole: false }
    }
}

/// What the jobs beside the screen have to say.
enum News {
    Loaded(Result<Box<Explored>>),
    Done(Done),
    Found(u64, Vec<palette::Hit>, bool),
    Inside(preview::Report),
}

/// Opens the explorer; returns when the user leaves it. `load` runs beside it and reads the image.
///
/// # Errors
/// The image cannot be read, or the terminal cannot be used.
pub fn explore(
    title: &str,
    theme: Theme,
    progress: &Arc<Progress>,
    load: impl FnOnce() -> Result<Loaded> + Send + 'static,
) -> Result<()> {
    let mut app = App::new(title, theme, Keymap::preset()?);
    let (news, arriving) = bounded(16);
    let (loading, growing) = (news.clone(), news.clone());
    let watched = progress.watch();
    thread::spawn(move || {
        for loaded in watched {
            if growing.send(News::Loaded(Ok(Box::new(Explored::growing(loaded))))).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        // When nobody listens any more the explorer was left; then this image is not wanted.
        let _ = loading.send(News::Loaded(load().map(|loaded| Box::new(Explored::new(loaded)))));
    });
    let mut screen = Screen::enter(theme == Theme::Mono).map_err(|error| unusable(&error))?;
    let outcome = run(&mut app, &mut screen, progress, &news, &arriving);
    drop(screen);
    outcome
}

fn unusable(cause: &io::Error) -> Error {
    Error::usage("the terminal cannot be used")
        .caused_by(cause)
        .hint("for a report without it: layerscope --format text IMAGE")
}

fn run(
    app: &mut App,
    screen: &mut Screen,
    progress: &Arc<Progress>,
    news: &Sender<News>,
    arriving: &Receiver<News>,
) -> Result<()> {
    let input = Input::start();
    let mut jobs = Jobs::new(news);
    let said = news.clone();
    // Nobody listens once the explorer is left.
    let orders = arrange::start(move |done| drop(said.send(News::Done(done))));
    let said = news.clone();
    let searches = palette::start(move |generation, hits, all| drop(said.send(News::Found(generation, hits, all))));
    let mut grown = Instant::now();
    let (working, idle) = (tick(PROGRESS), never());
    screen.draw(app).map_err(|error| unusable(&error))?;
    loop {
        // Without work nothing wakes this thread but a key.
        let is_reading = app.is_reading();
        let ticks = if is_reading || jobs.progress().is_some() { &working } else { &idle };
        let message = select_biased! {
            recv(input.events) -> event => match event {
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Msg::Key(key),
                Ok(Event::Mouse(mouse)) => Msg::Mouse(mouse),
                Ok(_) => Msg::Redraw,
                // The terminal is gone.
                Err(_) => return Ok(()),
            },
            recv(arriving) -> said => match said {
                Ok(News::Loaded(Ok(image))) => Msg::Loaded(Arc::from(image)),
                Ok(News::Loaded(Err(error))) => return Err(error),
                Ok(News::Done(Done::Tree(generation, arranged))) => Msg::Arranged(generation, arranged),
                Ok(News::Done(Done::Touched(query, layers))) => Msg::Touched(query, layers),
                Ok(News::Found(generation, hits, is_all)) => Msg::Found(generation, hits, is_all),
                Ok(News::Inside(report)) => Msg::Inside(report),
                Err(_) => return Ok(()),
            },
            recv(ticks) -> _ => match jobs.progress() {
                _ if is_reading => {
                    // What was asked for last is looked at before more is asked for.
                    if !app.is_arranging() && grown.elapsed() >= GROWTH {
                        grown = Instant::now();
                        progress.ask();
                    }
                    Msg::Progress(progress.snapshot())
                }
                Some(report) => Msg::Inside(report),
                None => continue,
            },
        };
        for effect in app.update(message) {
            match effect {
                Effect::Quit => return Ok(()),
                Effect::Suspend => screen.suspend().map_err(|error| unusable(&error))?,
                Effect::Copy(text) => screen.copy(&text).map_err(|error| unusable(&error))?,
                Effect::Begin(work) => {
                    if let Some(image) = &app.image {
                        jobs.begin(image, work);
                    }
                }
                Effect::Cancel(slot) => jobs.cancel(slot),
                Effect::Page(path, viewer) => {
                    let shown = input.stand_back(|| screen.lend(&path, viewer)).map_err(|error| unusable(&error))?;
                    jobs::forget(&path);
                    app.notice = shown;
                }
                Effect::Forget(path) => jobs::forget(&path),
                Effect::Arrange(generation, plan, projection) => {
                    if let Some(image) = app.image.clone() {
                        // It ends with this loop, not before.
                        let _ = orders.send(Order::Tree { generation, image, plan, projection });
                    }
                }
                Effect::Seek(generation, text) => {
                    if let Some(image) = app.image.clone() {
                        let _ = searches.send(palette::Wanted { generation, image, text });
                    }
                }
                Effect::Touch(query) => {
                    if let Some(image) = app.image.clone() {
                        let _ = orders.send(Order::Touched(image, query));
                    }
                }
            }
        }
        // Keys that wait are taken first: a held key must not be followed by a queue of frames.
        if input.events.is_empty() {
            screen.draw(app).map_err(|error| unusable(&error))?;
        }
    }
}
