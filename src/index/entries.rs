//! Entries as they are stored: 20 bytes instead of the 40 of an [`Entry`]. Almost every file is below 4 GiB, was changed
//! between 1970 and 2106 and has the owner and mode of many others; what is not so lies aside. Most paths have one entry,
//! so what was read of them before is stored apart, and which slot an entry belongs to follows from its place.

use super::column::Column;
use super::entry::{Flags, NONE};
use super::rows::record;
use super::{Entry, Kind, PathId, SlotId, Sparse};

/// All entries, in the order of reading.
#[derive(Clone)]
pub struct Entries {
    stored: Column<Stored>,
    wide: Column<Wide>,
    /// The entry of the same path that was read before.
    older: Sparse<u32>,
}

impl Default for Entries {
    fn default() -> Self {
        Self { stored: Column::default(), wide: Column::default(), older: Sparse::new(NONE) }
    }
}

#[derive(Clone, Copy)]
pub struct Stored {
    /// In bytes; for an entry flagged as wide the place in the column of these.
    size: u32,
    mtime: u32,
    path: u32,
    extra: u32,
    attrs: u16,
    kind: Kind,
    flags: Flags,
}

/// Size and time where one of them needs more than 32 bits, or attributes that come after 65 536 others.
#[derive(Clone, Copy)]
pub struct Wide {
    size: u64,
    mtime: i64,
    attrs: u32,
}

/// An entry and the one of the same path that was read before.
#[derive(Clone, Copy)]
pub struct Older {
    entry: u32,
    older: u32,
}

record!(Stored { size, mtime, path, extra, attrs, kind, flags });
record!(Wide { size, mtime, attrs });
record!(Older { entry, older });

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

    /// What is known of entries that were read before others of their paths.
    pub fn all_older(&self) -> impl Iterator<Item = Older> {
        self.older.iter().filter_map(|(entry, older)| Some(Older { entry: u32::try_from(entry).ok()?, older }))
    }

    /// Takes what [`Self::all_older`] gave; `None` where there is no such entry, or no older one.
    pub fn take_older(&mut self, Older { entry, older }: Older) -> Option<()> {
        let is_there = (entry as usize) < self.len() && older < entry;
        is_there.then(|| self.set_older(entry, older))
    }

    /// Whether what lies aside is there, for entries of so many paths.
    pub fn is_sound(&self, paths: usize) -> bool {
        // Every entry but those that were taken out of their path's list is the newest of one, or older than another.
        let listed = self.stored.iter().filter(|entry| !entry.flags.has(Flags::SUPERSEDED)).count();
        let is_there = |entry: &Stored| !entry.flags.has(Flags::WIDE) || (entry.size as usize) < self.wide.len();
        listed == paths + self.older.iter().count() && self.stored.iter().all(is_there)
    }

    pub fn len(&self) -> usize {
        self.stored.len()
    }

    /// Appends; returns the place, or `None` when 32 bits do not hold it.
    pub fn push(&mut self, entry: &Entry) -> Option<u32> {
        let mut flags = entry.flags;
        let &Entry { size, mtime, path: PathId(path), attrs, extra, kind, .. } = entry;
        let fits = (u32::try_from(size), u32::try_from(mtime), u16::try_from(attrs));
        let (size, mtime, attrs) = if let (Ok(size), Ok(mtime), Ok(attrs)) = fits {
            (size, mtime, attrs)
        } else {
            flags.set(Flags::WIDE);
            (self.wide.push(Wide { size, mtime, attrs })?, 0, 0)
        };
        self.stored.push(Stored { size, mtime, path, extra, attrs, kind, flags })
    }

    /// The entry at a place, which is in this slot.
    #[inline]
    pub fn get(&self, place: u32, slot: SlotId) -> Entry {
        let Stored { size, mtime, path, extra, attrs, kind, flags } = *self.stored.get(place);
        let Wide { size, mtime, attrs } = if flags.has(Flags::WIDE) {
            *self.wide.get(size)
        } else {
            Wide { size: u64::from(size), mtime: i64::from(mtime), attrs: u32::from(attrs) }
        };
        Entry { size, mtime, path: PathId(path), attrs, extra, slot, kind, flags }
    }

    /// What an entry is.
    #[inline]
    pub fn kind(&self, place: u32) -> Kind {
        self.stored.get(place).kind
    }

    /// The entry of the same path that was read before, or [`NONE`].
    pub fn older(&self, place: u32) -> u32 {
        self.older.get(place as usize)
    }

    /// Puts another entry behind this one in the list of its path.
    pub fn set_older(&mut self, place: u32, older: u32) {
        self.older.set(place as usize, older);
    }

    pub fn flag(&mut self, place: u32, flag: Flags) {
        self.stored.get_mut(place).flags.set(flag);
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
        self.stored.memory() + self.wide.memory() + self.older.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The budget of 100 bytes for an entry stands on these.
    #[test]
    fn records_stay_small() {
        assert_eq!(size_of::<Stored>(), 20);
        assert_eq!(size_of::<Wide>(), 24);
    }

    #[test]
    fn large_sizes_odd_times_and_late_attributes_come_back() {
        let (small, large) = (u64::from(u32::MAX), u64::from(u32::MAX) + 1);
        let mut entries = Entries::default();
        let most = i64::from(u32::MAX);
        let cases = [(0, 0, 0), (small, most, 65_535), (large, 5, 2), (7, -1, 2), (7, most + 1, 2), (8, 9, 65_536)];
        for (size, mtime, attrs) in cases {
            let entry = Entry {
                size,
                mtime,
                path: PathId(1),
                attrs,
                extra: 3,
                slot: SlotId(4),
                kind: Kind::File,
                flags: Flags::default(),
            };
            let place = entries.push(&entry).unwrap();
            let back = entries.get(place, SlotId(4));
            assert_eq!((back.size, back.mtime, back.attrs, back.path, back.extra), (size, mtime, attrs, PathId(1), 3));
        }
        assert_eq!(entries.wide.len(), 4);
    }
}
