//! Bytes of files that were chosen while their layer was read. Whoever keeps them decides how many; an analysis asks.

use crate::index::EntryId;

/// Contents that were kept.
pub trait Contents {
    /// The whole contents of a file's entry; `None` when they were not kept. For a hard link: ask for its inode.
    fn of(&self, entry: EntryId) -> Option<&[u8]>;
}
