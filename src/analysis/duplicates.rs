//! Files of equal contents at different paths of the final file system. Reported beside the accounting, never in it:
//! every one of them is visible, and may be needed.

use super::efficiency::{Account, visible_files};
use crate::index::{EntryId, Index, Stack};

/// A set of visible files with the same contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Size of one of them in bytes.
    pub size: u64,
    /// The entries, one for each file; names of one file through hard links count once.
    pub files: Vec<EntryId>,
}

impl Duplicate {
    /// Bytes that one copy would save.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.size * (self.files.len() as u64 - 1)
    }
}

/// Files that are compared at once, about. 16 bytes each: 2 MB, however large the image is.
const AT_ONCE: usize = 1 << 17;

/// Most rounds. Each looks at every file, so that many more would cost time.
const MOST_ROUNDS: usize = 16;

/// All sets, those that waste most first.
#[must_use]
pub fn duplicates(index: &Index, stack: &Stack, account: &Account) -> Vec<Duplicate> {
    // Equal contents have equal hashes, so files are dealt into rounds by their hash.
    let rounds = (index.entries() / AT_ONCE).clamp(1, MOST_ROUNDS) as u64;
    let mut found = Vec::new();
    let mut files: Vec<(u64, EntryId)> = Vec::new();
    for round in 0..rounds {
        files.clear();
        // Half of the hash sorts; the other half and the size decide. A full key for each would cost twice the memory.
        files.extend(visible_files(index, stack, account).filter_map(|live| {
            let half = index.content(index.entry(live.entry))?.to_le_bytes();
            let half = half.first_chunk().map_or(0, |half| u64::from_le_bytes(*half));
            (half % rounds == round).then_some((half, live.entry))
        }));
        files.sort_unstable();
        collect(index, &files, &mut found);
    }
    found.sort_by(|one, other| other.bytes().cmp(&one.bytes()).then(one.files[0].cmp(&other.files[0])));
    found
}

/// Finds the sets among files that are sorted by half of their hash.
fn collect(index: &Index, files: &[(u64, EntryId)], found: &mut Vec<Duplicate>) {
    for run in files.chunk_by(|one, next| one.0 == next.0).filter(|run| run.len() > 1) {
        let mut run: Vec<EntryId> = run.iter().map(|(_, id)| *id).collect();
        let contents = |id: &EntryId| (index.entry(*id).size, index.content(index.entry(*id)));
        run.sort_by_key(contents);
        for same in run.chunk_by(|one, next| contents(one) == contents(next)).filter(|same| same.len() > 1) {
            found.push(Duplicate { size: index.entry(same[0]).size, files: same.to_vec() });
        }
    }
}

/// Bytes that one copy of each would save, all in all.
#[must_use]
pub fn duplicate_bytes(duplicates: &[Duplicate]) -> u64 {
    duplicates.iter().map(Duplicate::bytes).sum()
}
