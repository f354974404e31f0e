//! What of a view is shown: what the switches leave out goes, and with a filter what it does not find. Computed for all
//! paths at once, in the order of the arena, where every folder comes before what it holds.

use super::Explored;
use super::bits::Paths;
use super::projection::{Projection, State};
use super::query::{Query, Seen, Spelling};
use super::rows::{Hide, Wish};
use crate::index::{Index, PathId};

/// What of a view is shown.
pub struct Sieve<'a> {
    projection: &'a Projection,
    /// `None` lets everything through that the view has.
    shown: Option<Paths>,
    filter: Option<Found>,
}

/// What a filter found.
struct Found {
    /// What it means.
    found: Paths,
    /// The folders around that.
    around: Paths,
}

impl<'a> Sieve<'a> {
    /// Sifts a view.
    #[must_use]
    pub fn new(image: &Explored, projection: &'a Projection, wish: &Wish) -> Self {
        let index = &image.loaded.index;
        if wish.filter.is_empty() && wish.hide == Hide::default() {
            return Self { projection, shown: None, filter: None };
        }
        let filter = (!wish.filter.is_empty()).then(|| search(image, projection, &wish.filter));
        let mut shown = Paths::with_room(index.paths());
        let within = filter.as_ref().map(|filter| filter.within(index));
        for path in backwards(index) {
            let cell = projection.cell(path);
            let is_left_out = match cell.state {
                State::Absent => continue,
                State::Added => wish.hide.added,
                State::Changed(_) | State::Rewritten(_) => wish.hide.changed,
                State::Removed => wish.hide.removed,
                State::Unchanged => wish.hide.unchanged,
            };
            let is_found = within.as_ref().is_none_or(|within| within.contains(path));
            // A folder stays as long as it holds something that is shown: its children have had their turn.
            if (is_found && !is_left_out) || shown.contains(path) {
                shown.insert(path);
                if let Some(folder) = index.parent(path) {
                    shown.insert(folder);
                }
            }
        }
        Self { projection, shown: Some(shown), filter }
    }

    /// How many paths are looked at to sift a view like this, roughly.
    #[must_use]
    pub fn effort(index: &Index, wish: &Wish) -> usize {
        if wish.filter.is_empty() && wish.hide == Hide::default() { 0 } else { index.paths() }
    }

    /// Whether a path is shown, if its folder is open.
    #[must_use]
    pub fn shows(&self, path: PathId) -> bool {
        match &self.shown {
            Some(shown) => shown.contains(path),
            None => self.projection.cell(path).state != State::Absent,
        }
    }

    /// Whether the filter found the path, and not just something below it.
    #[must_use]
    pub fn found(&self, path: PathId) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.found.contains(path))
    }

    /// Whether the filter found something below the path.
    #[must_use]
    pub fn is_around(&self, path: PathId) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.around.contains(path))
    }
}

impl Found {
    /// What was found, and all that lies in a folder that was found for itself and holds nothing else that was.
    fn within(&self, index: &Index) -> Paths {
        let (mut within, mut whole) = (self.found.clone(), Paths::with_room(index.paths()));
        for path in paths(index) {
            let is_in_whole = index.parent(path).is_some_and(|folder| whole.contains(folder));
            if is_in_whole {
                within.insert(path);
            }
            if is_in_whole || (self.found.contains(path) && !self.around.contains(path)) {
                whole.insert(path);
            }
        }
        within
    }
}

/// All paths but the root, folders before what they hold.
fn paths(index: &Index) -> impl DoubleEndedIterator<Item = PathId> {
    (1..u32::try_from(index.paths()).unwrap_or(u32::MAX)).map(PathId::from_place)
}

fn backwards(index: &Index) -> impl Iterator<Item = PathId> {
    paths(index).rev()
}

/// The paths that fit the filter, and the folders around them.
fn search(image: &Explored, projection: &Projection, query: &Query) -> Found {
    let index = &image.loaded.index;
    let (mut found, mut around) = (Paths::with_room(index.paths()), Paths::with_room(index.paths()));
    // One room for all names: a million of them are looked at while somebody waits.
    let mut spelling = Spelling::default();
    for path in paths(index) {
        let cell = projection.cell(path);
        if cell.state != State::Absent && query.fits(&Seen { image, path, cell: &cell }, &mut spelling) {
            found.insert(path);
            let mut above = index.parent(path);
            while let Some(folder) = above.filter(|folder| around.insert(*folder)) {
                above = index.parent(folder);
            }
        }
    }
    Found { found, around }
}
