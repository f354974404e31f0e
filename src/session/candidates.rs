//! The contents that some answer depends on, hashed where they lie once all layers are known: files that have their size
//! and their beginning in common with another. All others differ from every file there is, and reading them would tell
//! nothing.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustc_hash::FxBuildHasher;

use super::crew::in_order;
use super::place::Place;
use super::progress::Progress;
use crate::index::{Entry, EntryId, Index, Kind, SlotId};

/// Entries that one thread looks at at a time.
const AT_A_TIME: usize = 1 << 15;

/// Files hashed before their hashes are put into the index: 16 bytes each until then.
const AT_ONCE: usize = 1 << 17;

/// What one thread hashes at a time, in files and in bytes: enough to make taking it cheap, little enough that no thread
/// is left with the last large piece alone.
const PIECE_FILES: usize = 4096;
const PIECE_BYTES: u64 = 16 << 20;

/// Bits for each file in a set of what was seen. Of these a file sets two, in one word: about one in sixteen is taken for
/// seen without having been. It is then read for nothing, and no answer is wrong.
const BITS: usize = 8;

/// A set that may hold more than was put into it.
struct Seen(Vec<AtomicU64>);

impl Seen {
    fn for_many(files: usize) -> Self {
        Self(std::iter::repeat_with(AtomicU64::default).take(files * BITS / 64 + 1).collect())
    }

    /// Puts a value in; whether it was there. Of two who put the same in at once, one is told that it was.
    fn put(&self, value: impl std::hash::Hash) -> bool {
        let (word, bits) = self.place(value);
        word.fetch_or(bits, Relaxed) & bits == bits
    }

    fn has(&self, value: impl std::hash::Hash) -> bool {
        let (word, bits) = self.place(value);
        word.load(Relaxed) & bits == bits
    }

    fn place(&self, value: impl std::hash::Hash) -> (&AtomicU64, u64) {
        let hash = FxBuildHasher.hash_one(value);
        // The upper half of the hash as a share of all words; the lower half has the bits.
        let word = usize::try_from((u128::from(hash >> 32) * self.0.len() as u128) >> 32).unwrap_or_default();
        (&self.0[word], 1 << (hash & 63) | 1 << (hash >> 6 & 63))
    }
}

/// Which files may be equal to another, as far as is known without reading them.
struct Doubts {
    /// Sizes and beginnings that occur more than once.
    twice: Seen,
    /// Sizes of files whose beginning nobody looked at.
    headless: Seen,
}

impl Doubts {
    fn of(index: &Index) -> Self {
        let files = index.entries();
        let [once, twice, headless] = [(); 3].map(|()| Seen::for_many(files));
        sum(index, |entry| {
            if entry.kind == Kind::File && entry.size > 0 {
                let head = index.unread(entry).map_or(0, |unread| unread.head);
                if once.put((entry.size, head)) {
                    twice.put((entry.size, head));
                }
                if head == 0 {
                    headless.put(entry.size);
                }
            }
            0
        });
        Self { twice, headless }
    }

    fn any(&self, size: u64, head: u64) -> bool {
        self.twice.has((size, head)) || (head != 0 && self.headless.has(size))
    }

    /// Whether an unread file may be equal to another.
    fn is_about(&self, index: &Index, entry: Entry) -> bool {
        index.unread(entry).is_some_and(|unread| self.any(entry.size, unread.head))
    }
}

/// Looks at all entries with all cores, and adds up what comes of them.
fn sum(index: &Index, look: impl Fn(Entry) -> u64 + Sync) -> u64 {
    let (all, mut sum) = (index.entries(), 0_u64);
    let jobs = all.div_ceil(AT_A_TIME);
    in_order(
        jobs,
        // Each sends one, and all of these may wait.
        jobs * 2,
        |job, results| {
            let places = job * AT_A_TIME..all.min((job + 1) * AT_A_TIME);
            let ids = places.filter_map(|place| u32::try_from(place).ok()).map(EntryId::from_place);
            let sum = ids.map(|id| look(index.entry(id))).fold(0, u64::saturating_add);
            // Whoever hears nothing has left.
            let _ = results.send(sum);
        },
        |_, results| sum = sum.saturating_add(results.recv().unwrap_or(0)),
    );
    sum
}

/// Files of one slot that lie one behind the other.
struct Piece {
    slot: SlotId,
    files: std::ops::Range<usize>,
}

/// What came of hashing.
pub(super) struct Hashed {
    /// Hashes by the byte at which the contents lie, in order, of the slots of which they are to be told.
    pub found: BTreeMap<SlotId, Vec<(u64, u128)>>,
    /// Slots that could not be read again, with the reason.
    pub failed: Vec<(SlotId, String)>,
}

/// Hashes what has to be known of the slots that were read in these places, and tells those of `told`: the index forgets
/// where contents lie that it has the hash of.
pub(super) fn hash(
    index: &mut Index,
    places: &BTreeMap<SlotId, Place>,
    told: impl IntoIterator<Item = SlotId>,
    progress: &Progress,
) -> Hashed {
    let found = told.into_iter().map(|slot| (slot, Vec::new())).collect();
    let mut hashed = Hashed { found, failed: Vec::new() };
    if !places.is_empty() && index.has_unread() {
        let doubts = Doubts::of(index);
        let bytes = |entry: Entry| {
            let is_read = doubts.is_about(index, entry) && places.contains_key(&entry.slot);
            if is_read { entry.size } else { 0 }
        };
        progress.begin_comparing(sum(index, bytes));
        let mut files = Vec::new();
        for slot in places.keys() {
            for id in index.entries_in(*slot) {
                if doubts.is_about(index, index.entry(id)) {
                    files.push(id);
                }
                if files.len() == AT_ONCE {
                    hash_files(index, places, &files, &mut hashed, progress);
                    files.clear();
                }
            }
        }
        hash_files(index, places, &files, &mut hashed, progress);
    }
    index.settle();
    hashed
}

fn hash_files(
    index: &mut Index,
    places: &BTreeMap<SlotId, Place>,
    files: &[EntryId],
    all: &mut Hashed,
    progress: &Progress,
) {
    let pieces = pieces(index, files);
    let mut hashes: Vec<u128> = Vec::with_capacity(files.len());
    let mut broken = Vec::new();
    let known: &Index = index;
    in_order(
        pieces.len(),
        pieces.len() * 2,
        |piece, send| {
            let Piece { slot, files: range } = &pieces[piece];
            let files = &files[range.clone()];
            let tell = |bytes| progress.compared(bytes);
            let read = places.get(slot).map_or_else(|| Ok(Vec::new()), |place| place.hash(known, files, tell));
            // Whoever hears nothing has left.
            let _ = send.send(read);
        },
        |piece, results| {
            let Piece { slot, files: range } = &pieces[piece];
            match results.recv() {
                Ok(Ok(found)) if found.len() == range.len() => hashes.extend(found),
                Ok(Err(error)) => broken.push((*slot, error.to_string(), range.clone())),
                Ok(Ok(_)) | Err(_) => broken.push((*slot, "it could not be read again".into(), range.clone())),
            }
            hashes.resize(range.end, 0);
        },
    );
    for (place, (id, hash)) in files.iter().zip(&hashes).enumerate() {
        if !broken.iter().any(|(_, _, range)| range.contains(&place)) {
            let entry = index.entry(*id);
            let at = index.unread(entry).map(|unread| unread.at);
            if let Some(found) = all.found.get_mut(&entry.slot) {
                found.extend(at.map(|at| (at, *hash)));
            }
            index.set_content(*id, *hash);
        }
    }
    all.failed.extend(broken.into_iter().map(|(slot, why, _)| (slot, why)));
}

fn pieces(index: &Index, files: &[EntryId]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut bytes = 0;
    for (place, id) in files.iter().enumerate() {
        let entry = index.entry(*id);
        match pieces.last_mut() {
            Some(piece)
                if piece.slot == entry.slot && piece.files.len() < PIECE_FILES && bytes + entry.size <= PIECE_BYTES =>
            {
                piece.files.end = place + 1;
                bytes += entry.size;
            }
            _ => {
                pieces.push(Piece { slot: entry.slot, files: place..place + 1 });
                bytes = entry.size;
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Builder;
    use crate::layer::{Content, Entry, EntryKind, Limits, Unread};

    #[test]
    fn files_are_in_doubt_when_size_and_beginning_occur_again() {
        let mut builder = Builder::new(Limits::default());
        builder.begin().unwrap();
        let placed = |head| Content::Unread(Unread { at: 0, head });
        // The last two have a size in common with one that is hashed already, which may begin in any way.
        let files = [(10, placed(1)), (10, placed(2)), (20, placed(3)), (20, placed(3)), (30, placed(4))];
        let hashed = [(40, Content::Hash(5)), (40, placed(6)), (50, placed(7))];
        for (number, (size, content)) in files.into_iter().chain(hashed).enumerate() {
            let path = number.to_string();
            let path = path.as_bytes();
            let entry = Entry { path, size, content, ..Entry::bare(EntryKind::File) };
            builder.add(&entry).unwrap();
        }
        builder.end();
        let doubts = Doubts::of(&builder.finish());
        let any = [(10, 1), (10, 2), (20, 3), (30, 4), (40, 6), (50, 7)].map(|(size, head)| doubts.any(size, head));
        assert_eq!(any, [false, false, true, false, true, false]);
    }
}
