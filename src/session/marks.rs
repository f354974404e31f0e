//! Where in a layer's tar reading may begin, taken down while it is read: who looks for one file later need not begin at
//! the first. Knows no compression.

use crate::index::{EntryId, Index, SlotId};

/// Bytes of the tar from one mark to the next, and entries, whichever comes first.
const MOST_BYTES: u64 = 1024 * 1024;
const MOST_ENTRIES: u32 = 4096;

/// An entry's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// What is at this place among its slot's entries in the index, or behind it, comes from here or from behind.
    pub place: u32,
    /// The byte of the tar.
    pub at: u64,
}

/// Chooses the entries that are marked.
#[derive(Default)]
pub(super) struct Marking {
    last: (u32, u64),
    /// By the number of the entry in its tar.
    pub chosen: Vec<(u32, u64)>,
}

impl Marking {
    /// Takes every entry, in order, with the byte at which its headers begin; whether it is marked.
    pub fn entry(&mut self, number: u32, begins: u64) -> bool {
        let (last, at) = self.last;
        let is_marked = begins.saturating_sub(at) >= MOST_BYTES || number.saturating_sub(last) >= MOST_ENTRIES;
        if is_marked {
            self.last = (number, begins);
            self.chosen.push(self.last);
        }
        is_marked
    }
}

/// Files that are read one after the other, and where reading begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub mark: Mark,
    pub files: Vec<EntryId>,
}

/// How files of a slot are read: nothing is read between two of them that are farther apart than `near` bytes.
pub(super) fn runs(index: &Index, slot: SlotId, marks: &[Mark], files: &[EntryId], near: u64) -> Vec<Run> {
    let mut files = files.to_vec();
    files.sort_unstable();
    let mut all = index.entries_in(slot).enumerate().peekable();
    let mut runs: Vec<Run> = Vec::new();
    let mut last = 0;
    for file in files {
        while all.next_if(|(_, id)| *id < file).is_some() {}
        let place = all.peek().map_or(0, |(place, _)| u32::try_from(*place).unwrap_or(u32::MAX));
        let known = marks.partition_point(|mark| mark.place <= place);
        let mark = known.checked_sub(1).map_or(Mark { place: 0, at: 0 }, |known| marks[known]);
        match runs.last_mut() {
            Some(run) if mark.at.saturating_sub(last) < near => run.files.push(file),
            _ => runs.push(Run { mark, files: vec![file] }),
        }
        last = mark.at;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Builder;
    use crate::layer::{Content, Entry, EntryKind, Limits};

    #[test]
    fn marks_are_neither_many_nor_far_apart() {
        let mut marking = Marking::default();
        for number in 0..20_000 {
            marking.entry(number, u64::from(number) * 512);
        }
        // By bytes: 2048 entries are 1 MiB.
        assert_eq!(marking.chosen.len(), 9);
        for number in 20_000..30_000 {
            marking.entry(number, 20_000 * 512);
        }
        assert_eq!(marking.chosen.len(), 11);
    }

    #[test]
    fn files_that_are_near_are_read_together() {
        let mut builder = Builder::new(Limits::default());
        builder.begin().unwrap();
        for number in 0..100_u8 {
            let path = format!("folder-{}/{number}", number / 10);
            let path = path.as_bytes();
            let content = Content::Hash(number.into());
            let entry = Entry { path, size: 1, content, ..Entry::bare(EntryKind::File) };
            builder.add(&entry).unwrap();
        }
        let slot = builder.end();
        let index = builder.finish();
        let files: Vec<EntryId> =
            index.entries_in(slot).filter(|id| index.content(index.entry(*id)).is_some()).collect();
        let place = |file: EntryId| u32::try_from(index.entries_in(slot).position(|id| id == file).unwrap()).unwrap();
        let marks: Vec<Mark> = (10_u32..100)
            .step_by(10)
            .map(|number| Mark { place: place(files[number as usize]), at: number.into() })
            .collect();
        let runs = |wanted: &[usize], near| {
            let wanted: Vec<EntryId> = wanted.iter().map(|number| files[*number]).collect();
            let runs = runs(&index, slot, &marks, &wanted, near);
            runs.into_iter().map(|run| (run.mark.at, run.files.len())).collect::<Vec<_>>()
        };
        assert_eq!(runs(&[3], 1), [(0, 1)]);
        assert_eq!(runs(&[10, 9, 19], 1), [(0, 1), (10, 2)]);
        assert_eq!(runs(&[99, 15, 45, 41], 1), [(10, 1), (40, 2), (90, 1)]);
        assert_eq!(runs(&[99, 15, 45, 41], 40), [(10, 3), (90, 1)]);
        assert_eq!(runs(&[], 40), []);
    }
}
