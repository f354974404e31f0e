//! What is shipped for nothing, as a list of findings: hidden bytes by cause and folder, and equal contents.
//! Facts only; the pane makes the sentences.

use std::collections::HashMap;

use crate::analysis::duplicates::Duplicate;
use crate::analysis::efficiency::{Account, Fate};
use crate::index::{Differs, Index, Kind, PathId, Stack};
use crate::session::Loaded;

/// Sets of equal files that stand alone in the list.
const MOST_SETS: usize = 50;

/// Why bytes are shipped for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A later layer deletes them.
    Deleted {
        /// The layer that does.
        by: u32,
    },
    /// A later layer has something else there.
    Replaced {
        /// The layer that does.
        by: u32,
    },
    /// A later layer stores them again.
    Rewritten {
        /// The layer that does.
        by: u32,
        /// What changed beside.
        differs: Differs,
    },
    /// Other files have the same contents.
    Duplicate,
    /// Many small sets of files with the same contents, each its own.
    ManyDuplicates {
        /// How many sets.
        sets: u64,
    },
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waste {
    /// Why.
    pub cause: Cause,
    /// The layer that ships it.
    pub layer: u32,
    /// The folder that holds most of it, or the file.
    folder: PathId,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
    /// The largest file of it.
    pub largest: PathId,
    largest_bytes: u64,
}

impl Waste {
    /// Where to look.
    #[must_use]
    pub fn path(&self) -> Option<PathId> {
        (self.files > 0).then_some(self.largest)
    }

    /// The layers that it is about.
    #[must_use]
    pub fn layers(&self) -> Vec<u32> {
        match self.cause {
            Cause::Deleted { by } | Cause::Replaced { by } | Cause::Rewritten { by, .. } => vec![self.layer, by],
            Cause::Duplicate | Cause::ManyDuplicates { .. } => vec![self.layer],
        }
    }

    /// The folder that holds all of it, or the file itself.
    #[must_use]
    pub fn folder(&self) -> PathId {
        self.folder
    }
}

/// All findings, most bytes first. Files that end for the same reason in the same layers are one finding.
#[must_use]
pub fn wastes(loaded: &Loaded, account: &Account, duplicates: &[Duplicate]) -> Vec<Waste> {
    let (index, stack) = (&loaded.index, &loaded.stack);
    let mut by_cause: HashMap<(u32, Cause), Waste> = HashMap::new();
    for (layer, slot) in (0_u32..).zip(stack.slots()) {
        for id in slot.iter().flat_map(|slot| index.entries_in(*slot)) {
            let entry = index.entry(id);
            if entry.kind != Kind::File || entry.size == 0 {
                continue;
            }
            let cause = match account.fate(id, layer) {
                Fate::Visible => continue,
                Fate::Deleted { by } => Cause::Deleted { by },
                Fate::Replaced { by } => Cause::Replaced { by },
                Fate::Rewritten { by, differs } => Cause::Rewritten { by, differs },
            };
            let waste = by_cause.entry((layer, cause)).or_insert(Waste {
                cause,
                layer,
                folder: entry.path,
                files: 0,
                bytes: 0,
                largest: entry.path,
                largest_bytes: 0,
            });
            add(index, waste, entry.path, entry.size);
        }
    }
    let mut found: Vec<Waste> = by_cause.into_values().collect();
    // Thousands of small sets would bury what can be mended; the largest stand alone, the rest together.
    let (alone, together) = duplicates.split_at(duplicates.len().min(MOST_SETS));
    found.extend(alone.iter().map(|duplicate| equal(index, stack, duplicate)));
    if let Some(first) = together.first() {
        let mut rest = equal(index, stack, first);
        rest.cause = Cause::ManyDuplicates { sets: together.len() as u64 };
        rest.folder = Index::ROOT;
        rest.files = together.iter().map(|duplicate| duplicate.files.len() as u64).sum();
        rest.bytes = together.iter().map(Duplicate::bytes).sum();
        found.push(rest);
    }
    found.sort_by(|one, other| {
        other.bytes.cmp(&one.bytes).then(one.layer.cmp(&other.layer)).then(one.largest.cmp(&other.largest))
    });
    found
}

/// A set of files with the same contents.
fn equal(index: &Index, stack: &Stack, duplicate: &Duplicate) -> Waste {
    let entry = index.entry(duplicate.files[0]);
    Waste {
        cause: Cause::Duplicate,
        layer: stack.layers_of(entry.slot).last().copied().unwrap_or(0),
        folder: entry.path,
        files: duplicate.files.len() as u64,
        bytes: duplicate.bytes(),
        largest: entry.path,
        largest_bytes: duplicate.size,
    }
}

fn add(index: &Index, waste: &mut Waste, path: PathId, size: u64) {
    waste.files += 1;
    waste.bytes += size;
    if size > waste.largest_bytes {
        (waste.largest, waste.largest_bytes) = (path, size);
    }
    waste.folder = common_folder(index, waste.folder, path);
}

/// The nearest folder that holds both.
fn common_folder(index: &Index, one: PathId, other: PathId) -> PathId {
    if one == other {
        return one;
    }
    let above: Vec<PathId> = index.lineage(one).chain([Index::ROOT]).collect();
    index.lineage(other).chain([Index::ROOT]).find(|path| above.contains(path)).unwrap_or(Index::ROOT)
}
