//! The lines of the tree: what is open, in the chosen order, with single folders joined. Knows no colour.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::projection::{Projection, State};
use crate::index::{Index, PathId};

/// By what siblings are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Largest first.
    Size,
    /// By the bytes of the names.
    Name,
    /// Most things below first.
    Count,
    /// Most hidden bytes first.
    Hidden,
}

impl Sort {
    /// The next one when going round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Size => Self::Name,
            Self::Name => Self::Count,
            Self::Count => Self::Hidden,
            Self::Hidden => Self::Size,
        }
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Name => "name",
            Self::Count => "count",
            Self::Hidden => "hidden bytes",
        }
    }
}

/// What the tree shows.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Order of siblings.
    pub sort: Sort,
    /// The other way round.
    pub reversed: bool,
    /// Whether folders that hold one folder are joined with it.
    pub fold: bool,
    /// Kinds of change that are left out.
    pub hide: Hide,
    /// A text that names must contain.
    pub filter: String,
}

impl Default for Wish {
    fn default() -> Self {
        Self { sort: Sort::Size, reversed: false, fold: true, hide: Hide::default(), filter: String::new() }
    }
}

impl Hide {
    /// What is left out, in words.
    #[must_use]
    pub fn words(self) -> String {
        let kinds = [
            (self.added, "added"),
            (self.changed, "changed"),
            (self.removed, "removed"),
            (self.unchanged, "unchanged"),
        ];
        kinds.iter().filter(|(hidden, _)| *hidden).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
    }
}

/// Kinds of change that are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Four switches that a person sets one by one.
pub struct Hide {
    /// What is added.
    pub added: bool,
    /// What is changed or rewritten.
    pub changed: bool,
    /// What is removed.
    pub removed: bool,
    /// What is not touched.
    pub unchanged: bool,
}

/// A line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The path; of joined folders the last.
    pub path: PathId,
    /// The first of joined folders.
    pub from: PathId,
    /// How far it is indented.
    pub depth: u16,
    /// Whether it can be opened.
    pub is_folder: bool,
    /// Whether it is open.
    pub is_open: bool,
    /// Whether the filter found it, and not just something below it.
    pub is_match: bool,
}

/// Builds the lines of a view.
pub struct Rows<'a> {
    index: &'a Index,
    projection: &'a Projection,
    wish: &'a Wish,
    open: &'a HashSet<PathId>,
    /// With a filter: what it found, and the folders around that.
    found: Option<(HashSet<PathId>, HashSet<PathId>)>,
}

impl<'a> Rows<'a> {
    /// Prepares for a view.
    #[must_use]
    pub fn new(index: &'a Index, projection: &'a Projection, wish: &'a Wish, open: &'a HashSet<PathId>) -> Self {
        let mut rows = Self { index, projection, wish, open, found: None };
        if !wish.filter.is_empty() {
            rows.found = Some(rows.search());
        }
        rows
    }

    /// All lines, from the top.
    #[must_use]
    pub fn build(&self) -> Vec<Row> {
        let mut lines = Vec::new();
        let mut waiting: Vec<(PathId, u16, bool)> =
            self.shown_children(Index::ROOT, false).into_iter().rev().map(|path| (path, 0, false)).collect();
        while let Some((first, depth, around_is_whole)) = waiting.pop() {
            let (mut path, mut is_whole) = (first, around_is_whole || self.is_whole(first));
            let (mut children, mut is_match) = (self.shown_children(first, is_whole), self.is_found(first));
            while self.wish.fold && children.len() == 1 && self.has_children(children[0], is_whole) {
                path = children[0];
                is_whole |= self.is_whole(path);
                is_match |= self.is_found(path);
                children = self.shown_children(path, is_whole);
            }
            let is_folder = !children.is_empty();
            // With a filter everything on the way to a match is open.
            let is_open = is_folder
                && (self.open.contains(&path) || self.found.as_ref().is_some_and(|(_, around)| around.contains(&path)));
            lines.push(Row { path, from: first, depth, is_folder, is_open, is_match });
            if is_open {
                waiting.extend(children.into_iter().rev().map(|child| (child, depth + 1, is_whole)));
            }
        }
        lines
    }

    fn is_found(&self, path: PathId) -> bool {
        self.found.as_ref().is_some_and(|(found, _)| found.contains(&path))
    }

    /// Whether the filter found a folder for its own name and nothing in it: then it is shown with all it holds.
    fn is_whole(&self, folder: PathId) -> bool {
        self.found.as_ref().is_some_and(|(found, around)| found.contains(&folder) && !around.contains(&folder))
    }

    fn has_children(&self, path: PathId, around_is_whole: bool) -> bool {
        let is_whole = around_is_whole || self.is_whole(path);
        self.index.children(path).any(|child| self.is_shown(child, is_whole))
    }

    /// What is shown below a folder, in order.
    fn shown_children(&self, folder: PathId, is_whole: bool) -> Vec<PathId> {
        let mut children: Vec<_> =
            self.index.children(folder).filter(|child| self.is_shown(*child, is_whole)).collect();
        children.sort_unstable_by(|one, other| {
            let order = self.order(*one, *other);
            if self.wish.reversed { order.reverse() } else { order }
        });
        children
    }

    fn order(&self, one: PathId, other: PathId) -> Ordering {
        let (a, b) = (self.projection.cell(one), self.projection.cell(other));
        let by_number = match self.wish.sort {
            Sort::Size => b.size.cmp(&a.size),
            Sort::Count => b.count.cmp(&a.count),
            Sort::Hidden => b.hidden.cmp(&a.hidden),
            Sort::Name => Ordering::Equal,
        };
        by_number.then_with(|| self.index.name(one).cmp(self.index.name(other)))
    }

    fn is_shown(&self, path: PathId, is_whole: bool) -> bool {
        let cell = self.projection.cell(path);
        let hide = self.wish.hide;
        // A folder stays as long as it may hold something that is shown.
        let hidden = match cell.state {
            State::Absent => return false,
            State::Added => hide.added,
            State::Changed(_) | State::Rewritten(_) => hide.changed,
            State::Removed => hide.removed,
            State::Unchanged => hide.unchanged,
        };
        let found = is_whole
            || self.found.as_ref().is_none_or(|(found, around)| found.contains(&path) || around.contains(&path));
        found && (!hidden || (cell.count > 0 && self.has_children(path, is_whole)))
    }

    /// The paths whose name contains the text, and the folders around them. Small letters find large ones, too.
    fn search(&self) -> (HashSet<PathId>, HashSet<PathId>) {
        let (mut found, mut around) = (HashSet::new(), HashSet::new());
        let sensitive = self.wish.filter.chars().any(char::is_uppercase);
        let wanted = if sensitive { self.wish.filter.clone() } else { self.wish.filter.to_lowercase() };
        let finder = memchr::memmem::Finder::new(wanted.as_bytes());
        // One buffer for all names: a million of them are looked at while a key waits for its frame.
        let mut lower = Vec::new();
        for place in 0..u32::try_from(self.index.paths()).unwrap_or(u32::MAX) {
            let path = PathId::from_place(place);
            if path == Index::ROOT || self.projection.cell(path).state == State::Absent {
                continue;
            }
            let name = self.index.name(path);
            lower.clear();
            lower.extend_from_slice(name);
            if !sensitive {
                lower.make_ascii_lowercase();
            }
            let is_match = finder.find(&lower).is_some();
            if is_match {
                found.insert(path);
                let mut above = self.index.parent(path);
                while let Some(folder) = above.filter(|folder| around.insert(*folder)) {
                    above = self.index.parent(folder);
                }
            }
        }
        (found, around)
    }
}
