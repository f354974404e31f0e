//! dive's numbers, by dive's own formulas and faults, so that thresholds people have keep their meaning.
//! The formulas are described in README under "dive's numbers"; our own accounting stands beside them and differs.

mod order;
mod stacked;
pub mod tree;

use rustc_hash::FxHashMap;

use crate::index::{Index, PathId, Stack};
use stacked::Stacked;
use tree::{LayerTree, Leaf};

/// What dive would say of the image.
#[derive(Debug, Clone, PartialEq)]
pub struct DiveNumbers {
    /// Sum of the smallest sizes over the sum of all sizes, by path; 1 for no bytes at all.
    pub efficiency: f64,
    /// Header sizes of all entries of all layers, in bytes.
    pub size_bytes: u64,
    /// The same without the first layer, in bytes.
    pub user_size_bytes: u64,
    /// All copies of every path that has several, in bytes.
    pub wasted_bytes: u64,
    /// Wasted over user bytes. NaN for 0/0, infinite for anything else over 0.
    pub user_wasted_percent: f64,
    /// Paths that several layers have, in the order in which dive prints them.
    pub inefficient_files: Vec<InefficientFile>,
}

/// A path that several layers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InefficientFile {
    /// The path.
    pub path: PathId,
    /// In how many layers it is a leaf, removals counted.
    pub count: u32,
    /// All copies, in bytes.
    pub bytes: u64,
}

/// What dive gathers about a path.
struct Data {
    /// The smallest size seen; -1 until one is seen, and for ever where dive stumbles first.
    least: i64,
    bytes: u64,
    count: u32,
}

/// Computes what dive would say.
#[must_use]
#[allow(clippy::cast_precision_loss)] // dive computes in the same type.
pub fn numbers(index: &Index, stack: &Stack) -> DiveNumbers {
    let mut gathered =
        Gathered { first: vec![UNSEEN; index.paths()], several: FxHashMap::default(), matches: Vec::new() };
    let mut stacked = Stacked::new(index.paths());
    let mut tree = LayerTree::new(index.paths());
    let (mut size_bytes, mut user_size_bytes) = (0_u64, 0_u64);
    for (layer, slot) in stack.slots().iter().enumerate() {
        let Some(slot) = *slot else { continue };
        tree.fill(index, slot);
        let bytes = index.slot(slot).header_bytes;
        size_bytes = size_bytes.saturating_add(bytes);
        if layer == 0 {
            // dive takes a copy of the first tree and stacks all trees on it, the first one included. A whiteout in
            // the first layer is looked up in that copy.
            stacked.copy(&tree);
            gathered.layer(index, &tree, &stacked);
        } else {
            user_size_bytes = user_size_bytes.saturating_add(bytes);
            gathered.layer(index, &tree, &stacked);
        }
        stacked.stack(index, &tree);
    }
    gathered.finish(size_bytes, user_size_bytes)
}

const UNSEEN: u64 = u64::MAX;

struct Gathered {
    /// Size at the first visit of each path.
    first: Vec<u64>,
    /// Paths visited more than once, and those at which dive stumbled.
    several: FxHashMap<PathId, Data>,
    /// Paths in the order in which their second visit came.
    matches: Vec<PathId>,
}

impl Gathered {
    /// One layer's visits. Their order matters where a path is met again, for ties in the list, and where dive
    /// stumbles over a whiteout of nothing: it drops the rest of the layer.
    fn layer(&mut self, index: &Index, tree: &LayerTree, stacked: &Stacked) {
        let sizes: FxHashMap<PathId, u64> = tree
            .whiteouts()
            .iter()
            .filter_map(|(path, _)| Some((*path, stacked.removed_size(index, *path)?)))
            .collect();
        let missing = tree
            .whiteouts()
            .iter()
            .map(|(path, _)| Leaf::whiteout(*path))
            .filter(|leaf| !sizes.contains_key(&leaf.path));
        let stumbles_at = missing.min_by(|one, other| one.order(index, *other));
        let reached = |leaf: &Leaf| stumbles_at.is_none_or(|end| leaf.order(index, end).is_lt());
        let mut met_again = Vec::new();
        for leaf in tree.leaves().filter(reached) {
            let size = if leaf.is_whiteout {
                sizes.get(&leaf.path).copied().unwrap_or(0)
            } else {
                tree.size(index, leaf.path)
            };
            let is_new = self.first[leaf.path.place()] == UNSEEN && !self.several.contains_key(&leaf.path);
            if is_new && !tree.has_both(leaf.path) {
                self.first[leaf.path.place()] = size;
            } else {
                met_again.push((leaf, size));
            }
        }
        met_again.sort_by(|(one, _), (other, _)| one.order(index, *other));
        for (leaf, size) in met_again {
            self.visit(leaf.path, size);
        }
        if let Some(end) = stumbles_at
            && self.first[end.path.place()] == UNSEEN
        {
            self.several.entry(end.path).or_insert(Data { least: -1, bytes: 0, count: 0 });
        }
    }

    fn visit(&mut self, path: PathId, size: u64) {
        let signed = i64::try_from(size).unwrap_or(i64::MAX);
        let first = self.first[path.place()];
        let data = self.several.entry(path).or_insert(match first {
            UNSEEN => Data { least: -1, bytes: 0, count: 0 },
            first => Data { least: i64::try_from(first).unwrap_or(i64::MAX), bytes: first, count: 1 },
        });
        data.bytes = data.bytes.saturating_add(size);
        if data.least < 0 || signed < data.least {
            data.least = signed;
        }
        data.count += 1;
        if data.count == 2 {
            self.matches.push(path);
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn finish(self, size_bytes: u64, user_size_bytes: u64) -> DiveNumbers {
        let (mut least, mut all) = (0_i64, 0_i64);
        for (place, size) in self.first.iter().enumerate().filter(|(_, size)| **size != UNSEEN) {
            let again = u32::try_from(place).is_ok_and(|place| self.several.contains_key(&PathId::from_place(place)));
            if !again {
                least = least.wrapping_add(size.cast_signed());
                all = all.wrapping_add(size.cast_signed());
            }
        }
        for data in self.several.values() {
            least = least.wrapping_add(data.least);
            all = all.wrapping_add(data.bytes.cast_signed());
        }
        let found: Vec<InefficientFile> = self
            .matches
            .iter()
            .filter_map(|path| {
                self.several.get(path).map(|data| InefficientFile { path: *path, count: data.count, bytes: data.bytes })
            })
            .collect();
        // Sorted upwards by an unstable sort, then printed from the end.
        let sizes: Vec<u64> = found.iter().map(|file| file.bytes).collect();
        let files: Vec<_> = order::go_sort(&sizes).into_iter().rev().map(|place| found[place]).collect();
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
