//! The list of packages: what each weighs, what brought it, and what would go with those that are thought away.

use std::collections::BTreeSet;

use super::Explored;
use super::app::{App, Effect, Look, Screen};
use super::card::{Card, CardLine, Topic};
use super::list::Cursor;
use super::query::Query;
use super::theme::Role;
use crate::analysis::packages::{Asked, Package, PackageId, Reason, Removal, What};
use crate::index::PathId;
use crate::units::{bytes, count, printable};

/// In what order packages are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PackageSort {
    /// Most bytes first.
    #[default]
    Size,
    /// By name.
    Name,
    /// By the layer that brought them, then by bytes.
    Layer,
}

/// The list.
#[derive(Debug, Clone, Default)]
pub struct PackageList {
    /// The chosen line.
    pub cursor: Cursor,
    /// What packages must fit.
    pub query: Query,
    /// Their order.
    pub sort: PackageSort,
    /// The packages on the lines.
    pub shown: Vec<PackageId>,
    /// Packages that are thought away.
    pub marked: BTreeSet<PackageId>,
    /// What goes with them.
    pub removal: Removal,
    goes: BTreeSet<PackageId>,
}

impl PackageList {
    /// Whether a package goes with those that are thought away.
    #[must_use]
    pub fn goes(&self, id: PackageId) -> bool {
        self.goes.contains(&id)
    }
}

impl App {
    /// Lists the packages anew.
    pub(super) fn list_packages(&mut self) {
        let Some(image) = self.image.clone() else { return };
        let (packages, list) = (&image.packages, &mut self.packages);
        let chosen = list.shown.get(list.cursor.at).copied();
        let fits = |package: &Package| {
            let layers: Vec<u32> = package.story.iter().map(|step| step.layer).collect();
            list.query.is_empty() || list.query.fits_line(&line(package), package.shipped(), &layers)
        };
        let mut shown: Vec<PackageId> = packages.ids().filter(|id| fits(packages.get(*id))).collect();
        shown.sort_by(|one, other| {
            let (one, other) = (packages.get(*one), packages.get(*other));
            let by_size = other.shipped().cmp(&one.shipped());
            match list.sort {
                PackageSort::Size => by_size,
                PackageSort::Name => std::cmp::Ordering::Equal,
                PackageSort::Layer => one.introduced().cmp(&other.introduced()).then(by_size),
            }
            .then_with(|| one.record.name.cmp(&other.record.name))
        });
        list.cursor.count = shown.len();
        let at = chosen.and_then(|chosen| shown.iter().position(|id| *id == chosen));
        list.shown = shown;
        list.cursor.go(at.unwrap_or(list.cursor.at));
    }

    /// The package that the cursor is on.
    #[must_use]
    pub fn chosen_package(&self) -> Option<PackageId> {
        self.packages.shown.get(self.packages.cursor.at).copied()
    }

    /// Thinks a package away, or back again, and finds what goes with it.
    pub(super) fn mark_package(&mut self) {
        let (Some(image), Some(id)) = (self.image.clone(), self.chosen_package()) else { return };
        let list = &mut self.packages;
        if !list.marked.remove(&id) {
            list.marked.insert(id);
        }
        list.cursor.step(1);
        self.find_what_goes(&image);
        self.think();
    }

    /// Thinks all packages back.
    pub(super) fn unmark_packages(&mut self) {
        self.packages.marked.clear();
        if let Some(image) = self.image.clone() {
            self.find_what_goes(&image);
        }
    }

    fn find_what_goes(&mut self, image: &Explored) {
        let list = &mut self.packages;
        let asked: Vec<PackageId> = list.marked.iter().copied().collect();
        list.removal = if asked.is_empty() { Removal::default() } else { image.packages.without(&asked) };
        list.goes = list.removal.goes.iter().map(|(id, _)| *id).collect();
    }

    /// The next order.
    pub(super) fn sort_packages(&mut self) {
        let (next, word) = match self.packages.sort {
            PackageSort::Size => (PackageSort::Name, "name"),
            PackageSort::Name => (PackageSort::Layer, "layer"),
            PackageSort::Layer => (PackageSort::Size, "size"),
        };
        self.packages.sort = next;
        self.list_packages();
        self.notice = Some(format!("sorted by {word}"));
    }

    /// Shows what tells of the package among the files, in the layer that brought it.
    pub(super) fn show_package(&mut self) -> Vec<Effect> {
        let (Some(image), Some(id)) = (self.image.clone(), self.chosen_package()) else { return Vec::new() };
        let package = image.packages.get(id);
        let path = largest_file(&image, id).unwrap_or(package.place);
        self.came_from = Some(Screen::Packages);
        self.show_path(path, Look::Layer, package.since())
    }

    /// Opens the page of the package.
    pub(super) fn describe_package(&mut self) {
        if let (Some(image), Some(id)) = (&self.image, self.chosen_package()) {
            self.card = Some(card(image, id));
        }
    }
}

fn largest_file(image: &Explored, id: PackageId) -> Option<PathId> {
    let index = &image.loaded.index;
    let paths = (1..u32::try_from(index.paths()).unwrap_or(u32::MAX)).map(PathId::from_place);
    let own = paths.filter(|path| image.packages.owner(*path) == Some(id));
    let size = |path: &PathId| index.entries_of(*path).map(|entry| index.entry(entry).size).max();
    own.max_by_key(size)
}

/// A package in a line, for the filter.
fn line(package: &Package) -> String {
    let record = &package.record;
    let words = [package.kind.name(), &record.name, &record.version, &record.arch, &record.source];
    printable(words.join(" ").as_bytes()).into_owned()
}

/// A package's name with its version, safe to show.
#[must_use]
pub fn named(package: &Package) -> String {
    printable(format!("{} {}", package.record.name, package.record.version).as_bytes()).into_owned()
}

/// Why it is there: asked for, needed, or what else its database says.
#[must_use]
pub fn why(image: &Explored, id: PackageId) -> String {
    let package = image.packages.get(id);
    let needed = image.packages.needed_by(id).iter();
    let names: Vec<&str> = needed.map(|other| image.packages.get(*other).record.name.as_str()).collect();
    let by = match names.as_slice() {
        [] => String::new(),
        [one] => format!("needed by {one}"),
        [one, other] => format!("needed by {one}, {other}"),
        [one, others @ ..] => format!("needed by {one} and {} more", others.len()),
    };
    let asked = match package.record.asked {
        Asked::Explicit => "asked for",
        Asked::Automatic if by.is_empty() => "nothing needs it",
        Asked::Automatic | Asked::Unknown => "",
    };
    let recommended = if image.recommended.contains(&id) { "only recommended" } else { "" };
    let essential = if package.record.essential { "essential" } else { "" };
    let words = [essential, asked, recommended, &by];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    printable(words.join(", ").as_bytes()).into_owned()
}

fn card(image: &Explored, id: PackageId) -> Card {
    let packages = &image.packages;
    let package = packages.get(id);
    let record = &package.record;
    let name = |id: PackageId| packages.get(id).record.name.clone();
    let mut lines = vec![
        CardLine::fact("kind", package.kind.name()),
        CardLine::fact("version", &record.version),
        CardLine::fact("purl", &packages.purl(id)),
    ];
    for (fact, value) in [("source", &record.source), ("licence", &record.licence)] {
        if !value.is_empty() {
            lines.push(CardLine::fact(fact, value));
        }
    }
    lines.push(CardLine::fact("why", &why(image, id)));
    let sizes = format!("{} in {} files", bytes(package.shipped()), count(package.files));
    lines.push(CardLine::fact("ships", &sizes));
    for layer in &package.layers {
        let hidden = layer.shipped - layer.visible;
        let hidden = if hidden > 0 { format!(", {} of it hidden", bytes(hidden)) } else { String::new() };
        lines.push(CardLine::fact("", &format!("layer {}: {}{hidden}", layer.layer, bytes(layer.shipped))));
    }
    for step in &package.story {
        let words = match &step.what {
            What::Installed => format!("layer {} installs {}", step.layer, step.version),
            What::Changed { from } => format!("layer {} puts {} for {from}", step.layer, step.version),
            What::Removed => format!("layer {} removes it", step.layer),
        };
        lines.push(CardLine::fact("story", &words));
    }
    let list = |wishes: &[Vec<PackageId>]| {
        let answers = |wish: &Vec<PackageId>| wish.iter().map(|id| name(*id)).collect::<Vec<_>>().join(" or ");
        wishes.iter().map(answers).collect::<Vec<_>>().join(", ")
    };
    for (fact, wishes) in [("needs", &package.depends), ("recommends", &package.recommends)] {
        if !wishes.is_empty() {
            lines.push(CardLine::fact(fact, &list(wishes)));
        }
    }
    if package.is_installed() {
        let removal = packages.without(&[id]);
        lines.push(CardLine::plain(""));
        let others = removal.goes.len().saturating_sub(1);
        let words = format!("without it {} would go, with {} others:", bytes(removal.bytes), count(others as u64));
        lines.push(CardLine::plain(words).looks(Role::Warn));
        lines.extend(removal.goes.iter().skip(1).map(|(other, reason)| {
            let why = match reason {
                Reason::Asked => String::new(),
                Reason::Needs(needed) => format!("needs {}", name(*needed)),
                Reason::Unneeded => "nothing else needs it".to_owned(),
                Reason::Leftover => "nothing needs it, now already".to_owned(),
            };
            CardLine::fact("", &format!("{}  {why}", name(*other)))
        }));
    }
    Card { topic: Topic::Known, title: named(package), lines, cursor: Cursor::default() }
}
