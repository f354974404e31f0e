//! One place to go anywhere from: files, layers, findings and commands in one list, found fuzzily as one types. A million
//! paths are searched beside the screen, the newest text first; the screen shows what is found so far.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use crossterm::event::KeyEvent;
use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use memchr::memmem::Finder;

use super::Explored;
use super::action::Action;
use super::app::{App, Effect, Look, Pane, Screen};
use super::findings;
use super::line::{Typed, edit};
use super::list::Cursor;
use crate::analysis::secrets::shown_command;
use crate::index::walk::story_of;
use crate::index::{Index, PathId};
use crate::units::printable;

/// What is listed at most. Nobody walks further; one more letter is quicker.
const MOST_HITS: usize = 200;

/// Paths that hold the words only with other letters between them, and are weighed for it. Weighing one takes about a
/// microsecond.
const MOST_WEIGHED: usize = 200_000;

/// Paths between two looks at whether something newer is asked for.
const LOOK: usize = 4096;

/// Where a hit leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To a path.
    Path(PathId),
    /// To a layer.
    Layer(usize),
    /// To a finding, by its place.
    Finding(usize),
    /// To a command.
    Command(Action),
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// How well it fits.
    pub score: i64,
    /// Where it leads.
    pub target: Target,
    /// What is shown of it, safe to show.
    pub label: String,
}

/// The open palette.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// What is typed.
    pub text: String,
    /// What is found, best first.
    pub hits: Vec<Hit>,
    /// The chosen one.
    pub cursor: Cursor,
    /// Whether there may be more.
    pub is_searching: bool,
    generation: u64,
}

impl App {
    /// Opens the palette.
    pub(super) fn open_palette(&mut self) -> Vec<Effect> {
        self.palette = Some(Palette::default());
        self.seek()
    }

    fn seek(&mut self) -> Vec<Effect> {
        let has_image = self.image.is_some();
        let Some(palette) = &mut self.palette else { return Vec::new() };
        self.sought_hits += 1;
        (palette.generation, palette.is_searching) = (self.sought_hits, has_image);
        palette.cursor = Cursor::new(palette.hits.len());
        let text = palette.text.clone();
        if has_image {
            vec![Effect::Seek(self.sought_hits, text)]
        } else {
            palette.list(commands(&Words::new(&text)));
            Vec::new()
        }
    }

    /// Takes what was found, if it is still asked for.
    pub(super) fn found(&mut self, generation: u64, hits: Vec<Hit>, is_all: bool) {
        if let Some(palette) = self.palette.as_mut().filter(|palette| palette.generation == generation) {
            palette.list(hits);
            palette.is_searching = !is_all;
        }
    }

    /// A key while the palette is open.
    pub(super) fn type_in_palette(&mut self, event: KeyEvent) -> Vec<Effect> {
        let Some(palette) = &mut self.palette else { return Vec::new() };
        match edit(&mut palette.text, event) {
            Typed::Changed => return self.seek(),
            Typed::Step(by) => palette.cursor.step(by),
            Typed::Quit => return vec![Effect::Abandon],
            Typed::Leave => self.palette = None,
            Typed::Nothing => {}
            Typed::Enter => {
                let hit = palette.hits.get(palette.cursor.at).map(|hit| hit.target);
                if let Some(target) = hit {
                    self.palette = None;
                    return self.go_to(target);
                }
            }
        }
        Vec::new()
    }

    fn go_to(&mut self, target: Target) -> Vec<Effect> {
        match target {
            Target::Command(action) => self.act(action),
            Target::Layer(layer) => {
                (self.screen, self.pane) = (Screen::Files, Pane::Layers);
                self.show_layer(layer);
                self.rebuild()
            }
            Target::Finding(place) => {
                self.go_to_finding(place);
                Vec::new()
            }
            Target::Path(path) => self.go_to_path(path),
        }
    }

    /// Goes to a path: in the view that is there if that has it, else in the layer that touched it last.
    fn go_to_path(&mut self, path: PathId) -> Vec<Effect> {
        let Some(image) = self.image.clone() else { return Vec::new() };
        let is_seen = self.projection.as_ref().is_some_and(|projection| projection.has(path));
        let events = story_of(&image.loaded.index, &image.loaded.stack, path);
        match events.last().filter(|_| !is_seen) {
            Some(event) => self.show_path(path, Look::Layer, Some(event.layer)),
            None => self.show_path(path, self.look, None),
        }
    }
}

impl Palette {
    fn list(&mut self, hits: Vec<Hit>) {
        self.cursor.count = hits.len();
        self.cursor.go(self.cursor.at);
        self.hits = hits;
    }
}

/// What is typed, as words that must all be found.
struct Words {
    typed: Vec<String>,
    finders: Vec<Finder<'static>>,
    matcher: SkimMatcherV2,
}

impl Words {
    fn new(text: &str) -> Self {
        let words: Vec<String> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
        let finders = words.iter().map(|word| Finder::new(word.as_bytes()).into_owned()).collect();
        Self { typed: words, finders, matcher: SkimMatcherV2::default().ignore_case() }
    }

    /// Whether all words stand in a text in small letters as they are.
    fn stand_in(&self, text: &[u8]) -> bool {
        self.finders.iter().all(|finder| finder.find(text).is_some())
    }

    /// Whether the letters of all words come in a text in small letters, one after the other.
    fn may_fit(&self, text: &[u8]) -> bool {
        self.typed.iter().all(|word| {
            let mut rest = text;
            word.bytes().all(|byte| {
                memchr::memchr(byte, rest).is_some_and(|place| {
                    rest = &rest[place + 1..];
                    true
                })
            })
        })
    }

    /// How well all words fit together; `None` when one does not.
    fn score(&self, text: &str) -> Option<i64> {
        self.typed.iter().map(|word| self.matcher.fuzzy_match(text, word)).sum()
    }
}

fn commands(words: &Words) -> Vec<Hit> {
    let hit = |action: &Action| {
        let score = words.score(action.doc())?;
        Some(Hit { score, target: Target::Command(*action), label: action.doc().to_owned() })
    };
    let mut hits: Vec<Hit> = Action::ALL.iter().filter_map(hit).collect();
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
    hits
}

/// Finds what fits a text. `tell` gets what is found so far, and whether that is all; `is_old` ends the search.
pub fn search(image: &Explored, text: &str, is_old: impl Fn() -> bool, mut tell: impl FnMut(Vec<Hit>, bool)) {
    let words = Words::new(text);
    let mut hits = commands(&words);
    let lines = image
        .loaded
        .image
        .layers
        .iter()
        .enumerate()
        .map(|(place, layer)| (Target::Layer(place), format!("layer {place}: {}", shown_command(layer))));
    let index = &image.loaded.index;
    let found = image.findings.iter().enumerate();
    let findings = found.map(|(place, finding)| (Target::Finding(place), findings::line(image, finding)));
    hits.extend(
        lines.chain(findings).filter_map(|(target, label)| Some(Hit { score: words.score(&label)?, target, label })),
    );
    if words.typed.is_empty() {
        hits.truncate(MOST_HITS);
        return tell(hits, true);
    }
    // First what holds the words as they are: that is quick, and mostly what is meant.
    let (mut best, mut maybe) = (Best::default(), Vec::new());
    let mut seen = 0_usize;
    let mut lower = Vec::new();
    let ended = !visit(index, |path, spelled| {
        seen += 1;
        if seen.is_multiple_of(LOOK) && is_old() {
            return false;
        }
        lower.clear();
        lower.extend_from_slice(spelled);
        lower.make_ascii_lowercase();
        if words.stand_in(&lower) {
            best.weigh(&words, path, spelled);
        } else if maybe.len() < MOST_WEIGHED && words.may_fit(&lower) {
            maybe.push(path);
        }
        true
    });
    if ended {
        return;
    }
    let whole = |best: &Best| {
        let mut all = hits.clone();
        all.extend(best.hits.iter().cloned());
        all.sort_by(|one, other| other.score.cmp(&one.score).then(one.label.len().cmp(&other.label.len())));
        all.truncate(MOST_HITS);
        all
    };
    tell(whole(&best), maybe.is_empty());
    if maybe.is_empty() {
        return;
    }
    for (place, path) in maybe.into_iter().enumerate() {
        if place.is_multiple_of(LOOK) && is_old() {
            return;
        }
        best.weigh(&words, path, &[b"/", &index.path(path)[..]].concat());
    }
    tell(whole(&best), true);
}

/// The best of many, kept in room for twice as many as are shown.
#[derive(Default)]
struct Best {
    hits: Vec<Hit>,
    least: i64,
}

impl Best {
    fn weigh(&mut self, words: &Words, path: PathId, spelled: &[u8]) {
        let text = printable(spelled);
        let Some(score) = words.score(&text) else { return };
        // Of equals the shorter one is meant more often.
        let score = score * 4 - i64::try_from(text.len()).unwrap_or(i64::MAX).min(1000);
        if score <= self.least {
            return;
        }
        self.hits.push(Hit { score, target: Target::Path(path), label: text.into_owned() });
        if self.hits.len() >= MOST_HITS * 2 {
            self.hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
            self.hits.truncate(MOST_HITS);
            self.least = self.hits.last().map_or(0, |hit| hit.score);
        }
    }
}

/// Visits every path, spelled whole with its slash in front; stops when told to.
fn visit(index: &Index, mut each: impl FnMut(PathId, &[u8]) -> bool) -> bool {
    let mut spelled = Vec::new();
    let mut waiting: Vec<(PathId, usize)> = index.children(Index::ROOT).map(|child| (child, 0)).collect();
    while let Some((path, around)) = waiting.pop() {
        spelled.truncate(around);
        spelled.push(b'/');
        spelled.extend_from_slice(index.name(path));
        if !each(path, &spelled) {
            return false;
        }
        waiting.extend(index.children(path).map(|child| (child, spelled.len())));
    }
    true
}

/// A search that is asked for.
pub struct Wanted {
    /// Tells the newest from those before it.
    pub generation: u64,
    /// The image as it was when it was asked.
    pub image: Arc<Explored>,
    /// What was typed.
    pub text: String,
}

/// The thread that searches. It ends with the sender of what is asked.
#[must_use]
pub fn start(done: impl Fn(u64, Vec<Hit>, bool) + Send + 'static) -> Sender<Wanted> {
    let (ask, asked): (_, Receiver<Wanted>) = unbounded();
    std::thread::spawn(move || {
        while let Ok(first) = asked.recv() {
            let Wanted { generation, image, text } = asked.try_iter().last().unwrap_or(first);
            search(&image, &text, || !asked.is_empty(), |hits, is_all| done(generation, hits, is_all));
        }
    });
    ask
}
