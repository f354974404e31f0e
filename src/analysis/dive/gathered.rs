//! What dive gathers about every path while it visits the layers, and the numbers that come of it.

use super::stacked::Stacked;
use super::tree::{LayerTree, Leaf, Node};
use super::{DiveNumbers, InefficientFile, order};
use crate::index::{Column, EntryId, Index, PathId, Sparse, Stack};

/// What dive gathers about a path.
#[derive(Clone, Copy)]
struct Data {
    /// The smallest size seen; -1 until one is seen, and for ever where dive stumbles first.
    least: i64,
    bytes: u64,
    count: u32,
}

/// What is known of a path that may be visited again: nothing, what its only visit saw, or the place of its data.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen(u32);

impl Seen {
    const NOTHING: Self = Self(u32::MAX);
    /// Once, without a size.
    const EMPTY: Self = Self(u32::MAX - 1);
    /// Below it are places of entries that were seen once, from it on places of data.
    const DATA: u32 = 1 << 31;
}

pub struct Gathered<'a> {
    index: &'a Index,
    stack: &'a Stack,
    seen: Sparse<Seen>,
    /// Paths that one layer has several times.
    repeated: Sparse<bool>,
    /// Sizes of entries whose paths are not visited again, added as dive adds them.
    once: i64,
    /// Paths visited more than once, and those at which dive stumbled.
    several: Column<Data>,
    /// Paths in the order in which their second visit came.
    matches: Vec<PathId>,
}

impl<'a> Gathered<'a> {
    pub fn new(index: &'a Index, stack: &'a Stack) -> Self {
        let mut repeated = Sparse::default();
        for entry in index.slots().flat_map(|slot| index.entries_in(slot)).map(|id| index.entry(id)) {
            if entry.is_superseded() {
                repeated.set(entry.path.place(), true);
            }
        }
        let (seen, several, matches) = (Sparse::new(Seen::NOTHING), Column::default(), Vec::new());
        Self { index, stack, seen, repeated, once: 0, several, matches }
    }

    /// Whether an entry is all that any layer has at its path.
    fn is_alone(&self, path: PathId, id: EntryId) -> bool {
        !self.repeated.get(path.place())
            && self.index.entries_of(path).eq([id])
            && self.stack.layers_of(self.index.entry(id).slot).len() == 1
    }

    /// One layer's visits. Their order matters where a path is met again, for ties in the list, and where dive
    /// stumbles over a whiteout of nothing: it drops the rest of the layer.
    pub fn layer(&mut self, tree: &LayerTree, stacked: &Stacked) {
        let index = self.index;
        let sizes = stacked.removed_sizes(index, tree);
        let missing =
            tree.whiteouts().iter().filter(|(path, _)| !stacked.has(*path)).map(|(path, _)| Leaf::whiteout(*path));
        let stumbles_at = missing.min_by(|one, other| one.order(index, *other));
        let reached = |leaf: &Leaf| stumbles_at.is_none_or(|end| leaf.order(index, end).is_lt());
        let size = |leaf: Leaf| {
            if leaf.is_whiteout { sizes.get(&leaf.path).copied().unwrap_or(0) } else { tree.size(index, leaf.path) }
        };
        let mut met_again = Vec::new();
        for leaf in tree.leaves().filter(reached) {
            if self.seen.get(leaf.path.place()) == Seen::NOTHING && !tree.has_both(leaf.path) {
                self.first(tree, leaf, size(leaf));
            } else {
                met_again.push(leaf);
            }
        }
        met_again.sort_unstable_by(|one, other| one.order(index, *other));
        for leaf in met_again {
            self.again(leaf.path, size(leaf));
        }
        if let Some(end) = stumbles_at
            && self.seen.get(end.path.place()) == Seen::NOTHING
        {
            self.data(end.path, Data { least: -1, bytes: 0, count: 0 });
        }
    }

    fn first(&mut self, tree: &LayerTree, leaf: Leaf, size: u64) {
        let entry = match tree.node(leaf.path) {
            Node::Entry(id) if !leaf.is_whiteout => Some(id),
            Node::Entry(_) | Node::Implied | Node::Absent => None,
        };
        if entry.is_some_and(|id| self.is_alone(leaf.path, id)) {
            self.once = self.once.wrapping_add(size.cast_signed());
            return;
        }
        let place = entry.and_then(|id| u32::try_from(id.place()).ok());
        match place.filter(|place| *place < Seen::DATA) {
            _ if size == 0 => self.seen.set(leaf.path.place(), Seen::EMPTY),
            Some(place) => self.seen.set(leaf.path.place(), Seen(place)),
            None => {
                self.data(leaf.path, once(size));
            }
        }
    }

    /// Starts the data of a path; returns its place.
    fn data(&mut self, path: PathId, data: Data) -> u32 {
        // There are fewer paths than the places that are left: each takes 20 bytes in the index.
        let place = self.several.push(data).unwrap_or_default();
        self.seen.set(path.place(), Seen(Seen::DATA | place));
        place
    }

    fn again(&mut self, path: PathId, size: u64) {
        let place = match self.seen.get(path.place()) {
            Seen::NOTHING => self.data(path, Data { least: -1, bytes: 0, count: 0 }),
            Seen::EMPTY => self.data(path, once(0)),
            Seen(place) if place < Seen::DATA => {
                let size = self.index.entry(EntryId::from_place(place)).size;
                self.data(path, once(size))
            }
            Seen(place) => place & !Seen::DATA,
        };
        let signed = i64::try_from(size).unwrap_or(i64::MAX);
        let data = self.several.get_mut(place);
        data.bytes = data.bytes.saturating_add(size);
        if data.least < 0 || signed < data.least {
            data.least = signed;
        }
        data.count += 1;
        if data.count == 2 {
            self.matches.push(path);
        }
    }

    #[allow(clippy::cast_precision_loss)] // dive computes in the same type.
    pub fn finish(self, size_bytes: u64, user_size_bytes: u64) -> DiveNumbers {
        let (mut least, mut all) = (self.once, self.once);
        for (_, Seen(place)) in self.seen.iter().filter(|(_, seen)| seen.0 < Seen::DATA) {
            let size = self.index.entry(EntryId::from_place(place)).size.cast_signed();
            least = least.wrapping_add(size);
            all = all.wrapping_add(size);
        }
        for data in self.several.iter() {
            least = least.wrapping_add(data.least);
            all = all.wrapping_add(data.bytes.cast_signed());
        }
        let found = self.matches.iter().map(|&path| {
            let data = self.several.get(self.seen.get(path.place()).0 & !Seen::DATA);
            InefficientFile { path, count: data.count, bytes: data.bytes }
        });
        let mut files: Vec<InefficientFile> = found.collect();
        // Sorted upwards by an unstable sort, then printed from the end.
        order::go_sort(&mut files);
        files.reverse();
        let wasted_bytes = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
        DiveNumbers {
            efficiency: if all == 0 { 1.0 } else { least as f64 / all as f64 },
            size_bytes,
            user_size_bytes,
            wasted_bytes,
            user_wasted_percent: wasted_bytes as f64 / user_size_bytes as f64,
            inefficient_files: files,
        }
    }
}

impl order::Row for InefficientFile {
    fn key(&self) -> u64 {
        self.bytes
    }
}

fn once(size: u64) -> Data {
    Data { least: i64::try_from(size).unwrap_or(i64::MAX), bytes: size, count: 1 }
}
