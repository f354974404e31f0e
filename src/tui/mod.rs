//! The explorer: the terminal's side of the house. Reads the index and what the analyses say; knows no engine, no
//! archive and no tar. One thread owns the state; reading and computing happen beside it and send messages.

mod action;
mod app;
mod frame;
mod input;
mod jobs;
mod keymap;
mod list;
mod magic;
mod mouse;
mod pane;
mod picker;
mod preview;
mod projection;
mod rows;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod waste;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, never, select_biased, tick};
use crossterm::event::{Event, KeyEventKind};

use crate::analysis::Analysis;
use crate::error::{Error, Result};
use crate::session::{Loaded, Progress};
use app::{App, Effect, Msg};
use input::Input;
use jobs::Jobs;
use keymap::Keymap;
use projection::Projection;
use terminal::Screen;

pub use picker::{Choice, Picked, pick};
pub use terminal::{is_lent, restore};
pub use theme::Theme;

/// How often progress is drawn while the image is read.
const PROGRESS: Duration = Duration::from_millis(100);

/// An image with what the analyses say of it.
pub struct Explored {
    /// What was read.
    pub loaded: Loaded,
    /// What it means.
    pub analysis: Analysis,
    /// What is shipped for nothing.
    wastes: Vec<waste::Waste>,
}

impl Explored {
    /// Analyses an image.
    #[must_use]
    pub fn new(loaded: Loaded) -> Self {
        let analysis = Analysis::new(&loaded.index, &loaded.stack);
        let wastes = waste::wastes(&loaded, &analysis);
        Self { loaded, analysis, wastes }
    }
}

/// What the jobs beside the screen have to say.
enum News {
    Loaded(Result<Box<Explored>>),
    Projected(u64, Projection),
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
    let loading = news.clone();
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
    let newest = Arc::new(AtomicU64::new(0));
    let (working, idle) = (tick(PROGRESS), never());
    screen.draw(app).map_err(|error| unusable(&error))?;
    loop {
        // Without work nothing wakes this thread but a key.
        let ticks = if app.image.is_none() || jobs.progress().is_some() { &working } else { &idle };
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
                Ok(News::Projected(generation, projection)) => Msg::Projected(generation, Arc::new(projection)),
                Ok(News::Inside(report)) => Msg::Inside(report),
                Err(_) => return Ok(()),
            },
            recv(ticks) -> _ => match jobs.progress() {
                _ if app.image.is_none() => {
                    Msg::Progress(progress.snapshot(), progress.outline().map(<[_]>::to_vec))
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
                Effect::Page(path) => {
                    let shown = input.stand_back(|| screen.lend(&path)).map_err(|error| unusable(&error))?;
                    jobs::forget(&path);
                    app.notice = shown;
                }
                Effect::Forget(path) => jobs::forget(&path),
                Effect::Project(generation, view) => project(app, generation, view, &newest, news),
            }
        }
        // Keys that wait are taken first: a held key must not be followed by a queue of frames.
        if input.events.is_empty() {
            screen.draw(app).map_err(|error| unusable(&error))?;
        }
    }
}

/// Computes a view beside the screen, unless a newer one is asked for before it begins.
fn project(app: &App, generation: u64, view: projection::View, newest: &Arc<AtomicU64>, news: &Sender<News>) {
    let Some(image) = app.image.clone() else { return };
    newest.store(generation, Ordering::Relaxed);
    let (newest, news) = (Arc::clone(newest), news.clone());
    thread::spawn(move || {
        if newest.load(Ordering::Relaxed) != generation {
            return;
        }
        let projection = Projection::new(&image.loaded.index, &image.loaded.stack, &image.analysis.account, view);
        // Nobody listens once the explorer is left.
        let _ = news.send(News::Projected(generation, projection));
    });
}
