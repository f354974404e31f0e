//! The explorer: the terminal's side of the house. Reads the index and what the analyses say; knows no engine, no
//! archive and no tar. One thread owns the state; reading and computing happen beside it and send messages.

mod action;
mod app;
mod arrange;
mod bits;
mod card;
mod difference;
mod findings;
mod frame;
mod glyphs;
mod help;
mod input;
mod jobs;
mod key;
mod keymap;
mod line;
mod list;
mod magic;
#[doc(hidden)]
pub mod measure;
mod mouse;
mod narrow;
mod packages;
mod palette;
mod pane;
mod picker;

mod preview;
mod projection;
mod query;
mod reading;
mod rows;
mod sieve;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod what_if;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, after, never, select_biased, tick};
use crossterm::event::{Event, KeyEventKind};

use crate::analysis::Analysis;
use crate::analysis::efficiency::{Account, account};
use crate::analysis::finding::{About, Finding};
use crate::analysis::origin::Boundary;
use crate::analysis::packages::{PackageId, Packages};
use crate::analysis::risk::Matrix;
use crate::analysis::rules::Rules;
use crate::error::{Error, Result};
use crate::index::PathId;
use crate::session::{Loaded, Progress};
use app::{App, Effect, Msg};
use arrange::{Done, Order};
use input::Input;
use jobs::Jobs;
use reading::Growth;
use terminal::Screen;

pub use keymap::{Bindings, Keymap, Preset};
pub use picker::{Choice, Picked, pick};
pub use rows::Sort;
pub use terminal::{is_lent, restore_and};
pub use theme::Theme;

/// How often progress is drawn while the image is read.
const PROGRESS: Duration = Duration::from_millis(100);

/// Who looks elsewhere while reading takes longer than this is called back.
const LONG: Duration = Duration::from_secs(10);

/// Files of one finding that are marked in the tree.
const MOST_MARKED: usize = 200;

/// An image with what the analyses say of it.
pub struct Explored {
    /// What was read.
    pub loaded: Loaded,
    /// The accounting.
    pub account: Account,
    /// What is wasted, risky, secret or badly set.
    pub findings: Vec<Finding>,
    /// What an attacker finds.
    pub matrix: Option<Matrix>,
    /// Where the base ends.
    pub boundary: Option<Boundary>,
    /// The packages.
    pub packages: Packages,
    /// Packages that are there by recommendation alone.
    recommended: BTreeSet<PackageId>,
    /// The gravest finding about each path that has any.
    marks: HashMap<PathId, usize>,
    /// Whether all of it is read.
    is_whole: bool,
    /// Whether findings and packages are known.
    is_analysed: bool,
    /// How long its numbers took, while it is read.
    took: Duration,
}

impl Explored {
    /// Analyses an image.
    #[must_use]
    pub fn new(loaded: Loaded, rules: &Rules) -> Self {
        let Analysis { account, findings, matrix, boundary, packages, .. } = Analysis::new(loaded.subject(rules));
        let marks = marks(&loaded, &findings);
        let recommended = packages.recommends_only().goes.into_iter().map(|(id, _)| id).collect();
        Self {
            loaded,
            account,
            findings,
            matrix: Some(matrix),
            boundary: Some(boundary),
            packages,
            recommended,
            marks,
            is_whole: true,
            is_analysed: true,
            took: Duration::ZERO,
        }
    }

    /// The gravest finding about a path.
    fn finding_at(&self, path: PathId) -> Option<&Finding> {
        self.marks.get(&path).and_then(|place| self.findings.get(*place))
    }

    /// Takes an image that is read, with its numbers: what is said of it takes longer.
    fn counted(loaded: Loaded) -> Self {
        Self { is_whole: true, ..Self::growing(loaded) }
    }

    /// Takes an image of which a part is read, with what can be said of it already.
    fn growing(loaded: Loaded) -> Self {
        let begun = Instant::now();
        let account = account(&loaded.index, &loaded.stack);
        Self {
            loaded,
            account,
            findings: Vec::new(),
            matrix: None,
            boundary: None,
            packages: Packages::default(),
            recommended: BTreeSet::new(),
            marks: HashMap::new(),
            is_whole: false,
            is_analysed: false,
            took: begun.elapsed(),
        }
    }
}

/// The gravest finding about each path. Findings come with the gravest first; of those about very many files only the
/// place that they share is marked, for a tree in which all is marked tells nothing.
fn marks(loaded: &Loaded, findings: &[Finding]) -> HashMap<PathId, usize> {
    let mut marks = HashMap::new();
    for (place, finding) in findings.iter().enumerate() {
        if (1..=MOST_MARKED).contains(&finding.entries.len()) {
            for entry in &finding.entries {
                marks.entry(loaded.index.entry(*entry).path).or_insert(place);
            }
        } else if let About::Path(path) = finding.about
            && loaded.index.lineage(path).nth(1).is_some()
        {
            // A folder at the top holds so much that a sign at it would say nothing.
            marks.entry(path).or_insert(place);
        }
    }
    marks
}

/// What the jobs beside the screen have to say.
enum News {
    Loaded(Result<Box<Explored>>),
    Done(Done),
    Found(u64, Vec<palette::Hit>, bool),
    Inside(preview::Report),
}

/// How the explorer is to be.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // Switches, as in the config file.
pub struct Setup {
    /// Its colours.
    pub theme: Theme,
    /// Its keys.
    pub keymap: Keymap,
    /// Whether it draws with ASCII alone.
    pub ascii: bool,
    /// Whether it listens to the mouse.
    pub mouse: bool,
    /// Whether it is drawn on standard error, because standard output carries data.
    pub on_stderr: bool,
    /// Order of the tree.
    pub sort: Sort,
    /// Whether that order is turned around.
    pub reverse: bool,
    /// Whether folders that hold one folder are joined with it.
    pub fold: bool,
    /// Share of the width that the layers take, in percent.
    pub split: u16,
}

/// How the explorer was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// With this path chosen, from the root of the image, if any.
    Chosen(Option<Vec<u8>>),
    /// Without a choice.
    Abandoned,
}

/// Opens the explorer; returns when the user leaves it. `load` runs beside it and reads the image, which is held against
/// `rules`.
///
/// # Errors
/// The image cannot be read, or the terminal cannot be used.
pub fn explore(
    title: &str,
    setup: &Setup,
    progress: &Arc<Progress>,
    rules: Rules,
    load: impl FnOnce() -> Result<Loaded> + Send + 'static,
) -> Result<Left> {
    let mut app = App::new(title, &setup.theme, setup.keymap.clone());
    (app.split, app.ascii) = (setup.split, setup.ascii);
    (app.wish.sort, app.wish.reversed, app.wish.fold) = (setup.sort, setup.reverse, setup.fold);
    let (news, arriving) = reading::beside(progress, rules, load);
    let mut screen = Screen::enter(title, setup).map_err(|error| unusable(&error))?;
    let end = run(&mut app, &mut screen, progress, &news, &arriving)?;
    if end == End::Keep {
        screen.leave_behind(&mut app).map_err(|error| unusable(&error))?;
    }
    Ok(if end == End::Abandon { Left::Abandoned } else { Left::Chosen(app.selection()) })
}

/// What ends the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Quit,
    Keep,
    Abandon,
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
) -> Result<End> {
    let input = Input::start();
    let mut jobs = Jobs::new(news);
    let said = news.clone();
    // Nobody listens once the explorer is left.
    let orders = arrange::start(move |done| drop(said.send(News::Done(done))));
    let said = news.clone();
    let searches = palette::start(move |generation, hits, all| drop(said.send(News::Found(generation, hits, all))));
    let mut growth = Growth::begin();
    let (working, idle) = (tick(PROGRESS), never());
    let mut has_focus = true;
    screen.draw(app).map_err(|error| unusable(&error))?;
    loop {
        // Without work nothing wakes this thread but a key.
        let is_reading = app.is_reading();
        let is_busy = is_reading || app.is_comparing() || app.is_searching();
        let ticks = if is_busy || jobs.progress().is_some() { &working } else { &idle };
        let fades = app.fades().map_or_else(never, |at| after(at.saturating_sub(app.since.elapsed())));
        let message = select_biased! {
            recv(input.events) -> event => match event {
                Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Msg::Key(key),
                Ok(Event::Mouse(mouse)) => Msg::Mouse(mouse),
                Ok(Event::Paste(text)) => Msg::Paste(text),
                Ok(event @ (Event::FocusGained | Event::FocusLost)) => {
                    has_focus = event == Event::FocusGained;
                    continue;
                }
                Ok(Event::Key(_) | Event::Resize(..)) => Msg::Redraw,
                // The terminal is gone.
                Err(_) => return Ok(End::Abandon),
            },
            recv(arriving) -> said => match said {
                Ok(News::Loaded(Ok(image))) => Msg::Loaded(Arc::from(image)),
                Ok(News::Loaded(Err(error))) => return Err(error),
                Ok(News::Done(Done::Tree(generation, arranged))) => Msg::Arranged(generation, arranged),
                Ok(News::Done(Done::Touched(query, layers))) => Msg::Touched(query, layers),
                Ok(News::Found(generation, hits, is_all)) => Msg::Found(generation, hits, is_all),
                Ok(News::Inside(report)) => Msg::Inside(report),
                Err(_) => return Ok(End::Abandon),
            },
            // The clock is told below.
            recv(fades) -> _ => Msg::Redraw,
            recv(ticks) -> _ => match jobs.progress() {
                _ if is_reading => {
                    growth.go_on(app, progress);
                    Msg::Progress(progress.snapshot())
                }
                Some(report) => Msg::Inside(report),
                None if is_busy => Msg::Progress(progress.snapshot()),
                None => continue,
            },
        };
        app.update(Msg::Clock(app.since.elapsed()));
        for effect in app.update(message) {
            match effect {
                Effect::Quit => return Ok(End::Quit),
                Effect::Keep => return Ok(End::Keep),
                Effect::Abandon => return Ok(End::Abandon),
                Effect::Suspend => screen.suspend().map_err(|error| unusable(&error))?,
                Effect::Copy(text) => {
                    let fits = screen.copy(&text).map_err(|error| unusable(&error))?;
                    app.tell_copied(fits, text.len());
                }
                Effect::Begin(work) => {
                    if let Some(image) = &app.image {
                        jobs.begin(image, work);
                    }
                }
                Effect::Cancel(slot) => jobs.cancel(slot),
                Effect::Page(path, viewer) => {
                    let shown = input.stand_back(|| screen.lend(&path, viewer)).map_err(|error| unusable(&error))?;
                    jobs::forget(&path);
                    if let Some(trouble) = shown {
                        app.complain(trouble);
                    }
                }
                Effect::Forget(path) => jobs::forget(&path),
                Effect::Arrange(generation, plan, projection) => {
                    if let Some(image) = app.image.clone() {
                        // It ends with this loop, not before.
                        let _ = orders.send(Order::Tree { generation, image, plan, projection });
                    }
                }
                Effect::Free(old) => drop(orders.send(Order::Free(old))),
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
        if is_reading && !app.is_reading() && !has_focus && app.since.elapsed() >= LONG {
            screen.ring().map_err(|error| unusable(&error))?;
        }
        // Keys that wait are taken first: a held key must not be followed by a queue of frames.
        if input.events.is_empty() {
            screen.draw(app).map_err(|error| unusable(&error))?;
        }
    }
}
