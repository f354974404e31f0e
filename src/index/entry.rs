//! The records of the index. Their sizes are its memory: a node and a stored entry with its content hash are 52 bytes.

use super::names::NameRef;
use crate::layer::EntryKind;

/// A path, by its place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathId(pub(super) u32);

/// An entry, by its place in the order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub(super) u32);

/// A tar that was read. A slot is not a layer: in a stream blobs may come before the manifest that orders them, and
/// one blob may be several layers of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub(super) u16);

impl PathId {
    /// The path at a place.
    #[must_use]
    pub fn from_place(place: u32) -> Self {
        Self(place)
    }

    /// Its place, for tables beside the arena.
    #[must_use]
    pub fn place(self) -> usize {
        self.0 as usize
    }
}

impl EntryId {
    /// The entry at a place.
    #[must_use]
    pub fn from_place(place: u32) -> Self {
        Self(place)
    }

    /// Its place, for tables beside the entries.
    #[must_use]
    pub fn place(self) -> usize {
        self.0 as usize
    }
}

impl SlotId {
    /// Its place in the order of reading.
    #[must_use]
    pub fn place(self) -> usize {
        usize::from(self.0)
    }
}

/// "None" where a place is stored.
pub(super) const NONE: u32 = u32::MAX;

/// What an entry is, whiteouts told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
    /// Another name for an entry of the same slot.
    Hardlink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
    /// Removes the path from the layers below.
    Whiteout,
    /// Hides what the layers below have in the folder.
    Opaque,
    /// aufs's own bookkeeping in the folder: no meaning, but dive's numbers know it.
    Meta,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Self; 10] = [
        Self::File,
        Self::Dir,
        Self::Symlink,
        Self::Hardlink,
        Self::Char,
        Self::Block,
        Self::Fifo,
        Self::Whiteout,
        Self::Opaque,
        Self::Meta,
    ];

    /// Whether it is a thing in the file system rather than a mark about the layers below.
    #[must_use]
    pub fn is_object(self) -> bool {
        !matches!(self, Self::Whiteout | Self::Opaque | Self::Meta)
    }
}

impl From<EntryKind> for Kind {
    fn from(kind: EntryKind) -> Self {
        match kind {
            EntryKind::File => Self::File,
            EntryKind::Dir => Self::Dir,
            EntryKind::Symlink => Self::Symlink,
            EntryKind::Hardlink => Self::Hardlink,
            EntryKind::Char => Self::Char,
            EntryKind::Block => Self::Block,
            EntryKind::Fifo => Self::Fifo,
        }
    }
}

/// Yes-or-no facts of an entry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags(u8);

impl Flags {
    pub const IMPLIED: Self = Self(1);
    pub const SUPERSEDED: Self = Self(2);
    pub const SPARSE: Self = Self(4);
    /// Size and time do not fit the record and lie aside.
    pub const WIDE: Self = Self(8);

    pub fn bits(self) -> u8 {
        self.0
    }

    pub fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }
}

/// One entry of one slot, taken out of the index.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Apparent size in bytes.
    pub size: u64,
    /// Modification time in seconds since 1970.
    pub mtime: i64,
    /// The path it is about: for a whiteout the path that goes, for an opaque marker the folder it stands in.
    pub path: PathId,
    pub(super) attrs: u32,
    /// By kind: where a file's content hash stands, a symlink's target, a hard link's group, a device's numbers.
    pub(super) extra: u32,
    /// The slot it belongs to.
    pub slot: SlotId,
    /// What it is.
    pub kind: Kind,
    pub(super) flags: Flags,
}

/// Mode, owner and extended attributes. Images have few different ones, so entries share them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attrs {
    /// Permission, set-id and sticky bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    pub(super) xattrs: u32,
}

/// A path in the arena.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub parent: u32,
    pub name: NameRef,
    pub first_child: u32,
    pub next_sibling: u32,
    pub newest: u32,
}

/// A hard link: the path it names and the entry that it shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub target: u32,
    pub root: u32,
}

/// Linux's own packing of device numbers: 12 bits major, 20 bits minor. Larger numbers cannot exist there.
pub(super) fn pack_device((major, minor): (u32, u32)) -> u32 {
    (major.min(0xfff) << 20) | minor.min(0xf_ffff)
}

pub(super) fn unpack_device(packed: u32) -> (u32, u32) {
    (packed >> 20, packed & 0xf_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The budget of 100 bytes for an entry stands on these.
    #[test]
    fn records_stay_small() {
        assert_eq!(size_of::<Node>(), 20);
        assert_eq!(size_of::<Link>(), 8);
    }
}
