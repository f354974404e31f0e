//! Entries as they are stored: 28 bytes instead of the 40 of an [`Entry`]. Almost every file is below 4 GiB and was
//! changed between 1970 and 2106; what is not lies aside.

use super::column::Column;
use super::entry::{Flags, NONE};
use super::rows::record;
use super::{Entry, Kind, PathId, SlotId};

/// All entries, in the order of reading.
#[derive(Clone, Default)]
pub struct Entries {
    stored: Column<Stored>,
    wide: Column<Wide>,
}

#[derive(Clone, Copy)]
pub struct Stored {
    /// In bytes; for an entry flagged as wide the place in the column of these.
    size: u32,
    mtime: u32,
    path: u32,
    older: u32,
    attrs: u32,
    extra: u32,
    slot: u16,
    kind: Kind,
    flags: Flags,
}

/// Size and time where one of them needs more than 32 bits.
#[derive(Clone, Copy)]
pub struct Wide {
    size: u64,
    mtime: i64,
}

record!(Stored { size, mtime, path, older, attrs, extra, slot, kind, flags });
record!(Wide { size, mtime });

impl Entries {
    pub fn stored(&self) -> &Column<Stored> {
        &self.stored
    }

    pub fn stored_mut(&mut self) -> &mut Column<Stored> {
        &mut self.stored
    }

    pub fn wide(&self) -> &Column<Wide> {
        &self.wide
    }

    pub fn wide_mut(&mut self) -> &mut Column<Wide> {
        &mut self.wide
    }

    /// Whether what lies aside is there.
    pub fn is_sound(&self) -> bool {
        self.stored.iter().all(|entry| !entry.flags.has(Flags::WIDE) || (entry.size as usize) < self.wide.len())
    }

    pub fn len(&self) -> usize {
        self.stored.len()
    }

    /// Appends; returns the place, or `None` when 32 bits do not hold it.
    pub fn push(&mut self, entry: &Entry) -> Option<u32> {
        let mut flags = entry.flags;
        let fits = (u32::try_from(entry.size), u32::try_from(entry.mtime));
        let (size, mtime) = if let (Ok(size), Ok(mtime)) = fits {
            (size, mtime)
        } else {
            flags.set(Flags::WIDE);
            (self.wide.push(Wide { size: entry.size, mtime: entry.mtime })?, 0)
        };
        let &Entry { path: PathId(path), older, attrs, extra, slot: SlotId(slot), kind, .. } = entry;
        self.stored.push(Stored { size, mtime, path, older, attrs, extra, slot, kind, flags })
    }

    #[inline]
    pub fn get(&self, place: u32) -> Entry {
        let Stored { size, mtime, path, older, attrs, extra, slot, kind, flags } = *self.stored.get(place);
        let Wide { size, mtime } = if flags.has(Flags::WIDE) {
            *self.wide.get(size)
        } else {
            Wide { size: u64::from(size), mtime: i64::from(mtime) }
        };
        Entry { size, mtime, path: PathId(path), older, attrs, extra, slot: SlotId(slot), kind, flags }
    }

    /// The entry of the same path that was read before, or [`NONE`].
    pub fn older(&self, place: u32) -> u32 {
        self.stored.get(place).older
    }

    /// Puts another entry behind this one in the list of its path.
    pub fn set_older(&mut self, place: u32, older: u32) {
        self.stored.get_mut(place).older = older;
    }

    pub fn flag(&mut self, place: u32, flag: Flags) {
        self.stored.get_mut(place).flags.set(flag);
    }

    pub fn clear(&mut self, place: u32, flag: Flags) {
        self.stored.get_mut(place).flags.clear(flag);
    }

    /// The entry before `place` in the list that starts at `newest`.
    pub fn before(&self, newest: u32, place: u32) -> Option<u32> {
        let mut at = newest;
        while at != NONE && self.older(at) != place {
            at = self.older(at);
        }
        (at != NONE).then_some(at)
    }

    pub fn memory(&self) -> usize {
        self.stored.memory() + self.wide.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The budget of 100 bytes for an entry stands on these.
    #[test]
    fn records_stay_small() {
        assert_eq!(size_of::<Stored>(), 28);
        assert_eq!(size_of::<Wide>(), 16);
    }

    #[test]
    fn large_sizes_and_odd_times_come_back() {
        let (small, large) = (u64::from(u32::MAX), u64::from(u32::MAX) + 1);
        let mut entries = Entries::default();
        let cases = [(0, 0), (small, i64::from(u32::MAX)), (large, 5), (7, -1), (7, i64::from(u32::MAX) + 1)];
        for (size, mtime) in cases {
            let entry = Entry {
                size,
                mtime,
                path: PathId(1),
                older: NONE,
                attrs: 2,
                extra: 3,
                slot: SlotId(4),
                kind: Kind::File,
                flags: Flags::default(),
            };
            let place = entries.push(&entry).unwrap();
            let back = entries.get(place);
            assert_eq!((back.size, back.mtime, back.path, back.extra), (size, mtime, PathId(1), 3));
        }
        assert_eq!(entries.wide.len(), 3);
    }
}
