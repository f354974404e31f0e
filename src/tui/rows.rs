//! The lines of the tree: what is open, in the chosen order, with single folders joined. Knows no colour.

use std::cmp::Ordering;

use super::Explored;
use super::bits::Paths;
use super::projection::{Cell, Projection};
use super::query::Query;
use super::sieve::Sieve;
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
    /// Changed last first.
    Time,
}

impl Sort {
    /// The next one when going round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Size => Self::Name,
            Self::Name => Self::Count,
            Self::Count => Self::Hidden,
            Self::Hidden => Self::Time,
            Self::Time => Self::Size,
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
            Self::Time => "time",
        }
    }
}

/// What the tree shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Order of siblings.
    pub sort: Sort,
    /// The other way round.
    pub reversed: bool,
    /// Whether folders that hold one folder are joined with it.
    pub fold: bool,
    /// Kinds of change that are left out.
    pub hide: Hide,
    /// What paths must fit.
    pub filter: Query,
}

impl Default for Wish {
    fn default() -> Self {
        Self { sort: Sort::Size, reversed: false, fold: true, hide: Hide::default(), filter: Query::default() }
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

/// How much is shown below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    Nothing,
    One(PathId),
    Several,
}

/// Builds the lines of a view.
pub struct Rows<'a> {
    index: &'a Index,
    projection: &'a Projection,
    wish: &'a Wish,
    open: &'a Paths,
    sieve: Sieve<'a>,
    /// Paths that may still be looked at.
    left: usize,
}

impl<'a> Rows<'a> {
    /// All lines, from the top; `None` when more than `most` paths would have to be looked at for them.
    #[must_use]
    pub fn within(
        most: usize,
        image: &'a Explored,
        projection: &'a Projection,
        wish: &'a Wish,
        open: &'a Paths,
    ) -> Option<Vec<Row>> {
        let index = &image.loaded.index;
        let left = most.checked_sub(Sieve::effort(index, wish))?;
        Self { index, projection, wish, open, sieve: Sieve::new(image, projection, wish), left }.build()
    }

    fn build(mut self) -> Option<Vec<Row>> {
        let mut lines = Vec::new();
        let mut waiting: Vec<(PathId, u16)> =
            self.children(Index::ROOT)?.into_iter().rev().map(|path| (path, 0)).collect();
        while let Some((first, depth)) = waiting.pop() {
            let (mut path, mut is_match) = (first, self.sieve.found(first));
            let mut below = self.below(first)?;
            while let Below::One(only) = below
                && self.wish.fold
            {
                let further = self.below(only)?;
                if further == Below::Nothing {
                    break;
                }
                (path, below) = (only, further);
                is_match |= self.sieve.found(path);
            }
            let is_folder = below != Below::Nothing;
            // With a filter everything on the way to a match is open.
            let is_open = is_folder && (self.open.contains(path) || self.sieve.is_around(path));
            lines.push(Row { path, from: first, depth, is_folder, is_open, is_match });
            if is_open {
                waiting.extend(self.children(path)?.into_iter().rev().map(|child| (child, depth.saturating_add(1))));
            }
        }
        Some(lines)
    }

    /// How much is shown below a path, without looking at all of it.
    fn below(&mut self, path: PathId) -> Option<Below> {
        let mut below = Below::Nothing;
        for child in self.index.children(path) {
            self.left = self.left.checked_sub(1)?;
            if self.sieve.shows(child) {
                match below {
                    Below::Nothing => below = Below::One(child),
                    Below::One(_) | Below::Several => return Some(Below::Several),
                }
            }
        }
        Some(below)
    }

    /// What is shown below a folder, in order.
    fn children(&mut self, folder: PathId) -> Option<Vec<PathId>> {
        let mut children = Vec::new();
        for child in self.index.children(folder) {
            self.left = self.left.checked_sub(1)?;
            if self.sieve.shows(child) {
                children.push(child);
            }
        }
        children.sort_unstable_by(|one, other| {
            let order = self.order(*one, *other);
            if self.wish.reversed { order.reverse() } else { order }
        });
        Some(children)
    }

    fn order(&self, one: PathId, other: PathId) -> Ordering {
        let (a, b) = (self.projection.cell(one), self.projection.cell(other));
        let time = |cell: &Cell| cell.live.map(|live| self.index.entry(live.entry).mtime);
        let by_number = match self.wish.sort {
            Sort::Size => b.size.cmp(&a.size),
            Sort::Count => b.count.cmp(&a.count),
            Sort::Hidden => b.hidden.cmp(&a.hidden),
            Sort::Time => time(&b).cmp(&time(&a)),
            Sort::Name => Ordering::Equal,
        };
        by_number.then_with(|| self.index.name(one).cmp(self.index.name(other)))
    }
}
