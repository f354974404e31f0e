//! dive's numbers, by dive's own formulas and faults, so that thresholds people have keep their meaning.
//! The formulas are described in README under "dive's numbers"; our own accounting stands beside them and differs.

mod gathered;
mod order;
mod stacked;
pub mod tree;

use crate::index::{Index, Kind, PathId, SlotId, Stack};
use gathered::Gathered;
use stacked::Stacked;
use tree::LayerTree;

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

/// Computes what dive would say.
#[must_use]
pub fn numbers(index: &Index, stack: &Stack) -> DiveNumbers {
    let mut gathered = Gathered::new(index, stack);
    let (mut stacked, mut tree) = (Stacked::default(), LayerTree::default());
    // Whiteouts alone ask for what lies below.
    let has_whiteout = |slot: &Option<SlotId>| {
        let mut entries = slot.map(|slot| index.entries_in(slot)).into_iter().flatten();
        entries.any(|id| index.kind(id) == Kind::Whiteout)
    };
    let stacked_up_to = stack.slots().iter().rposition(has_whiteout);
    let (mut size_bytes, mut user_size_bytes) = (0_u64, 0_u64);
    for (layer, slot) in stack.slots().iter().enumerate() {
        let Some(slot) = *slot else { continue };
        tree.fill(index, slot);
        let bytes = index.slot(slot).header_bytes;
        size_bytes = size_bytes.saturating_add(bytes);
        let is_stacked = stacked_up_to.is_some_and(|last| layer <= last);
        if layer > 0 {
            user_size_bytes = user_size_bytes.saturating_add(bytes);
        } else if is_stacked {
            // dive takes a copy of the first tree and stacks all trees on it, the first one included. A whiteout in
            // the first layer is looked up in that copy.
            stacked.copy(&tree);
        }
        gathered.layer(&tree, &stacked);
        if is_stacked {
            stacked.stack(index, &tree);
        }
    }
    // The list may be long; their tables need not stand beside it.
    drop((stacked, tree));
    gathered.finish(size_bytes, user_size_bytes)
}
