//! The list of findings: in groups or by bytes, narrowed by a filter, with marks on those that are thought away.
//! Words about a finding are made here, for the list, its page and the palette.

use std::collections::{BTreeSet, HashMap};

use super::Explored;
use super::app::{App, Effect, Look, Screen};
use super::card::{Card, CardLine, Topic};
use super::list::Cursor;
use super::query::Query;
use super::theme::Role;
use crate::analysis::finding::{About, Category, Finding, Severity, State};
use crate::analysis::secrets::shown_command;
use crate::index::PathId;
use crate::units::{bytes, count, counted, printable};

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// What stands over the findings of a category.
    Head(Category),
    /// A finding, by its place in the analysis.
    Finding(usize),
}

/// The list.
#[derive(Debug, Clone, Default)]
pub struct FindingList {
    /// The chosen line.
    pub cursor: Cursor,
    /// What findings must fit.
    pub query: Query,
    /// Most bytes first and without groups, rather than what matters most by category.
    pub by_bytes: bool,
    /// The lines.
    pub items: Vec<Item>,
    /// Findings that are thought away.
    pub gone: BTreeSet<usize>,
    closed: BTreeSet<Category>,
}

impl FindingList {
    /// Whether the findings of a category are listed.
    #[must_use]
    pub fn is_open(&self, category: Category) -> bool {
        !self.closed.contains(&category)
    }

    /// The findings that are listed or would be if their group were open.
    fn fitting(&self, image: &Explored) -> Vec<usize> {
        let fits = |finding: &Finding| {
            let layers: Vec<u32> = finding.layer.into_iter().chain(finding.removed_by).collect();
            self.query.is_empty() || self.query.fits_line(&line(image, finding), finding.bytes, &layers)
        };
        let all = image.findings.iter().enumerate();
        all.filter(|(_, finding)| fits(finding)).map(|(place, _)| place).collect()
    }

    /// Follows the findings to an image of which more is known, where they have other places.
    pub(super) fn carry(&mut self, from: &Explored, to: &Explored) {
        let places: HashMap<&str, usize> =
            to.findings.iter().enumerate().map(|(place, finding)| (finding.fingerprint.as_str(), place)).collect();
        let carried = |place: &usize| places.get(from.findings.get(*place)?.fingerprint.as_str()).copied();
        self.gone = self.gone.iter().filter_map(carried).collect();
        for item in &mut self.items {
            if let Item::Finding(place) = item {
                *place = carried(place).unwrap_or(usize::MAX);
            }
        }
    }

    fn arrange(&mut self, image: &Explored) {
        let chosen = self.items.get(self.cursor.at).copied();
        let mut fitting = self.fitting(image);
        self.items.clear();
        if self.by_bytes {
            fitting.sort_by_key(|place| std::cmp::Reverse(image.findings[*place].reclaimable));
            self.items.extend(fitting.into_iter().map(Item::Finding));
        } else {
            for category in Category::ALL {
                let own: Vec<_> =
                    fitting.iter().filter(|place| image.findings[**place].rule.category == category).collect();
                // Secrets that are still searched for are no secrets that are not there.
                let is_awaited = category == Category::Secret && image.loaded.is_unsearched();
                if own.is_empty() && !is_awaited {
                    continue;
                }
                self.items.push(Item::Head(category));
                if self.is_open(category) {
                    self.items.extend(own.into_iter().map(|place| Item::Finding(*place)));
                }
            }
        }
        self.cursor.count = self.items.len();
        let line = chosen.and_then(|chosen| self.items.iter().position(|item| *item == chosen));
        self.cursor.go(line.unwrap_or(self.cursor.at));
    }
}

impl App {
    /// Lists the findings anew.
    pub(super) fn list_findings(&mut self) {
        if let Some(image) = self.image.clone() {
            self.findings.arrange(&image);
        }
    }

    /// The finding that the cursor is on.
    #[must_use]
    pub fn chosen_finding(&self) -> Option<&Finding> {
        match self.findings.items.get(self.findings.cursor.at)? {
            Item::Finding(place) => self.image.as_ref()?.findings.get(*place),
            Item::Head(_) => None,
        }
    }

    /// Goes to a finding, whatever narrows the list.
    pub(super) fn go_to_finding(&mut self, place: usize) {
        self.screen = Screen::Findings;
        self.findings.query = Query::default();
        self.findings.closed.clear();
        self.list_findings();
        let line = self.findings.items.iter().position(|item| *item == Item::Finding(place));
        self.findings.cursor.go(line.unwrap_or(0));
    }

    /// Opens or closes the group; thinks the finding away, or back again.
    pub(super) fn toggle_finding(&mut self) {
        match self.findings.items.get(self.findings.cursor.at).copied() {
            Some(Item::Head(category)) => {
                if !self.findings.closed.remove(&category) {
                    self.findings.closed.insert(category);
                }
                self.list_findings();
            }
            Some(Item::Finding(place)) => {
                if !self.findings.gone.remove(&place) {
                    self.findings.gone.insert(place);
                }
                self.findings.cursor.step(1);
                self.think();
            }
            None => {}
        }
    }

    /// Groups, or most bytes first.
    pub(super) fn sort_findings(&mut self) {
        self.findings.by_bytes = !self.findings.by_bytes;
        self.list_findings();
        self.notice =
            Some(if self.findings.by_bytes { "sorted by bytes" } else { "grouped, what matters most first" }.into());
    }

    /// Copies what is to be done about the finding.
    pub(super) fn copy_fix(&mut self) -> Vec<Effect> {
        let Some(finding) = self.chosen_finding() else { return Vec::new() };
        let text = finding.fix.proposed.clone().unwrap_or_else(|| finding.fix.advice.clone());
        if text.is_empty() {
            self.notice = Some("there is no fix to copy".into());
            return Vec::new();
        }
        self.notice = Some("copied the fix".into());
        vec![Effect::Copy(text)]
    }

    /// Shows what the finding is about: its file in its layer, or the facts of the image.
    pub(super) fn show_finding(&mut self) -> Vec<Effect> {
        let (Some(image), Some(finding)) = (self.image.clone(), self.chosen_finding()) else {
            self.toggle_finding();
            return Vec::new();
        };
        let (path, layer) = (path_of(&image, finding), finding.layer);
        let Some(path) = path else {
            self.screen = Screen::Image;
            self.came_from = Some(Screen::Findings);
            return Vec::new();
        };
        self.came_from = Some(Screen::Findings);
        self.show_path(path, Look::Layer, layer)
    }

    /// Opens the page of the finding.
    pub(super) fn describe_finding(&mut self) {
        if let (Some(image), Some(finding)) = (&self.image, self.chosen_finding()) {
            self.card = Some(finding_card(image, finding));
        }
    }
}

/// The path that a finding is about: the file itself where there is one.
#[must_use]
pub fn path_of(image: &Explored, finding: &Finding) -> Option<PathId> {
    let index = &image.loaded.index;
    match (&finding.about, finding.entries.as_slice()) {
        (_, [one]) => Some(index.entry(*one).path),
        (About::Path(path), _) => Some(*path),
        (About::Config(_) | About::History(_) | About::Image, entries) => {
            entries.iter().max_by_key(|entry| index.entry(**entry).size).map(|entry| index.entry(*entry).path)
        }
    }
}

/// What a finding is about, in words that are safe to show.
#[must_use]
pub fn about(image: &Explored, finding: &Finding) -> String {
    match &finding.about {
        About::Path(path) => format!("/{}", printable(&image.loaded.index.path(*path))),
        About::Config(field) => format!("config: {}", printable(field.as_bytes())),
        About::History(step) => format!("history: step {step}"),
        About::Image => "the image".to_owned(),
    }
}

/// Where it is and what became of it.
#[must_use]
pub fn placed(finding: &Finding) -> String {
    match (finding.layer, finding.removed_by) {
        (Some(layer), Some(by)) => format!("{layer} → {by}"),
        (Some(layer), None) => layer.to_string(),
        (None, _) => String::new(),
    }
}

/// The sign of a severity and its look. Colour says nothing that the sign does not.
#[must_use]
pub fn sign(severity: Severity) -> (&'static str, Role) {
    match severity {
        Severity::Critical => ("■", Role::Error),
        Severity::High => ("●", Role::Error),
        Severity::Medium => ("▲", Role::Warn),
        Severity::Low => ("△", Role::Warn),
        Severity::Info => ("·", Role::Dim),
    }
}

/// A finding in a line, for filters and the palette.
#[must_use]
pub fn line(image: &Explored, finding: &Finding) -> String {
    let (title, id) = (printable(finding.rule.title.as_bytes()), printable(finding.rule.id.as_bytes()));
    let package = finding.package.as_deref().map(|name| printable(name.as_bytes()).into_owned()).unwrap_or_default();
    format!(
        "{title} {} {id} {} {} {} {package}",
        about(image, finding),
        finding.rule.category.word(),
        finding.severity.word(),
        finding.origin.word(),
    )
}

/// Bytes and findings of a category, of those that fit.
#[must_use]
pub fn sums(image: &Explored, category: Category) -> (u64, u64) {
    let own = image.findings.iter().filter(|finding| finding.rule.category == category);
    own.fold((0, 0), |(many, saved), finding| (many + 1, saved + finding.reclaimable))
}

fn finding_card(image: &Explored, finding: &Finding) -> Card {
    let safe = |text: &str| printable(text.as_bytes()).into_owned();
    let mut lines = vec![
        CardLine::plain(about(image, finding)).looks(Role::Title),
        CardLine::fact("severity", &finding.arithmetic()).looks(sign(finding.severity).1),
        CardLine::fact("sure", finding.confidence.word()),
        CardLine::fact("whose", finding.origin.word()),
    ];
    let step = |layer: u32| {
        let command = image.loaded.image.layers.get(layer as usize).map(shown_command).unwrap_or_default();
        format!("layer {layer}: {command}")
    };
    lines.extend(finding.layer.map(|layer| CardLine::fact("brought by", &step(layer))));
    let fate = match finding.state {
        State::Live => "hidden by",
        State::Shadowed => "replaced by",
        State::Deleted => "deleted by",
    };
    lines.extend(finding.removed_by.map(|layer| CardLine::fact(fate, &step(layer))));
    if finding.state != State::Live {
        lines.push(
            CardLine::fact("", "no container sees it, and everyone who pulls the image gets it").looks(Role::Warn),
        );
    }
    if finding.bytes > 0 {
        let saves = format!("{}; the fix saves {}", bytes(finding.bytes), bytes(finding.reclaimable));
        lines.push(CardLine::fact("bytes", &saves));
    }
    if finding.entries.len() > 1 {
        lines.push(CardLine::fact("files", &count(finding.entries.len() as u64)));
    }
    lines.extend(finding.package.as_ref().map(|package| CardLine::fact("package", package)));
    lines.extend(finding.in_use.iter().map(|why| CardLine::fact("in use", why)));
    for evidence in &finding.evidence {
        lines.push(CardLine::fact(evidence.kind, &evidence.text));
    }
    lines.push(CardLine::plain(""));
    if !finding.fix.advice.is_empty() {
        lines.push(CardLine::plain(safe(&finding.fix.advice)).looks(Role::Ok));
    }
    if let Some(proposed) = &finding.fix.proposed {
        lines.push(CardLine::plain(""));
        lines.extend(proposed.lines().map(|line| CardLine::plain(safe(line)).looks(Role::Added)));
    }
    lines.push(CardLine::plain(""));
    let also = if finding.rule.aliases.is_empty() {
        String::new()
    } else {
        format!("  ({})", finding.rule.aliases.join(", "))
    };
    lines.push(CardLine::fact("rule", &format!("{}{also}", finding.rule.id)).looks(Role::Dim));
    lines.push(CardLine::fact("fingerprint", &finding.fingerprint).looks(Role::Dim));
    Card { topic: Topic::Known, title: safe(&finding.rule.title), lines, cursor: Cursor::default() }
}

/// The findings that are about a layer, in words: `2 secrets, 1 risk`.
#[must_use]
pub fn of_layer(image: &Explored, layer: u32) -> String {
    let notable = |category: Category| {
        let own = image.findings.iter().filter(|finding| {
            finding.layer == Some(layer) && finding.rule.category == category && finding.severity >= Severity::Medium
        });
        own.count() as u64
    };
    let words = [
        (notable(Category::Secret), "secret", "secrets"),
        (notable(Category::Risk), "risk", "risks"),
        (notable(Category::Configuration), "setting", "settings"),
    ];
    let told = words.iter().filter(|(many, _, _)| *many > 0).map(|(many, one, more)| counted(*many, one, more));
    told.collect::<Vec<_>>().join(", ")
}
