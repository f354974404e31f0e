//! What is where in each layer: one arena of paths, and for every path its entries.
//! No tree exists per layer; the state of a path at a layer is a search in its short list of entries.
//! Knows no rule, no screen, and not where the bytes came from.

mod attrs;
mod builder;
mod column;
pub mod compare;
mod contents;
mod entries;
mod entry;
mod names;
mod paths;
mod rows;
mod slots;
mod sparse;
mod stack;
pub mod walk;

pub use builder::{Builder, SlotSummary};
pub use compare::Differs;
pub use entry::{Attrs, Entry, EntryId, Kind, PathId, SlotId};
pub use stack::Stack;

use std::sync::Arc;

use crate::layer::{Content, Unread, Xattr};
pub(crate) use column::Column;
use contents::Known;
use entries::Entries;
use entry::{Flags, Link, NONE, Node};
use names::{NameRef, Names};
use slots::Slots;
pub(crate) use sparse::Sparse;

/// Everything that was read, append-only. Built by [`Builder`]. A copy is cheap: it shares all that does not change.
#[derive(Clone, Default)]
pub struct Index {
    names: Names,
    nodes: Column<Node>,
    entries: Entries,
    contents: Column<Known>,
    links: Column<Link>,
    attrs: Column<Attrs>,
    xattrs: Arc<Vec<Vec<Xattr>>>,
    slots: Slots,
    /// Whether every file that may have the contents of another is read.
    is_settled: bool,
    /// The same for all copies.
    origin: Arc<()>,
}

impl Index {
    /// Raised when the rows of an index that is kept become others.
    pub(crate) const ROWS: u32 = 3;

    /// The root folder. Every path hangs below it.
    pub const ROOT: PathId = PathId(0);

    /// How many paths are known, the root included.
    #[must_use]
    pub fn paths(&self) -> usize {
        self.nodes.len()
    }

    /// How many entries are kept, folders that no tar listed included.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// One entry.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> Entry {
        self.entries.get(id.0, self.slots.of(id.0))
    }

    /// What an entry is, for who needs no more of it.
    #[must_use]
    #[inline]
    pub fn kind(&self, id: EntryId) -> Kind {
        self.entries.kind(id.0)
    }

    /// The entries of a path, the one read last first. Slots come in the order in which they were read, which is not
    /// the order of the layers.
    pub fn entries_of(&self, path: PathId) -> impl Iterator<Item = EntryId> {
        let mut next = self.nodes.get(path.0).newest;
        std::iter::from_fn(move || {
            let id = (next != NONE).then_some(EntryId(next))?;
            next = self.entries.older(next);
            Some(id)
        })
    }

    /// Every entry of a slot in the order of its tar, those that a later one replaced included.
    pub fn entries_in(&self, slot: SlotId) -> impl Iterator<Item = EntryId> + use<> {
        let summary = self.slot(slot);
        (summary.first..summary.first + summary.kept).map(EntryId)
    }

    /// The entries of a slot in two halves, for those who look at them side by side.
    pub fn halves_of(&self, slot: SlotId) -> [impl Iterator<Item = EntryId> + use<>; 2] {
        let SlotSummary { first, kept, .. } = *self.slot(slot);
        let middle = first + kept / 2;
        [first..middle, middle..first + kept].map(|half| half.map(EntryId))
    }

    /// All slots, in the order of reading.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = SlotId> + use<> {
        (0..self.slots.next().0).map(SlotId)
    }

    /// What a slot came to.
    #[must_use]
    pub fn slot(&self, slot: SlotId) -> &SlotSummary {
        &self.slots.all()[usize::from(slot.0)]
    }

    /// Every path, a folder before what is in it.
    pub fn all_paths(&self) -> impl ExactSizeIterator<Item = PathId> + use<> {
        (0..u32::try_from(self.paths()).unwrap_or(u32::MAX)).map(PathId)
    }

    /// The folder that holds the path; `None` for the root.
    #[must_use]
    pub fn parent(&self, path: PathId) -> Option<PathId> {
        let parent = self.nodes.get(path.0).parent;
        (parent != NONE).then_some(PathId(parent))
    }

    /// The last part of the path; empty for the root.
    #[must_use]
    pub fn name(&self, path: PathId) -> &[u8] {
        self.names.get(self.nodes.get(path.0).name)
    }

    /// What hangs below a path, in no useful order.
    pub fn children(&self, path: PathId) -> impl Iterator<Item = PathId> {
        let mut next = self.nodes.get(path.0).first_child;
        std::iter::from_fn(move || {
            let id = (next != NONE).then_some(next)?;
            next = self.nodes.get(id).next_sibling;
            Some(PathId(id))
        })
    }

    /// Whether anything hangs below a path.
    #[must_use]
    pub fn has_children(&self, path: PathId) -> bool {
        self.nodes.get(path.0).first_child != NONE
    }

    /// From the path up to the root: the path itself first, the root not at all.
    pub fn lineage(&self, path: PathId) -> impl Iterator<Item = PathId> {
        std::iter::successors(Some(path), |path| self.parent(*path)).take_while(|path| *path != Self::ROOT)
    }

    /// The whole path without a leading slash; empty for the root.
    #[must_use]
    pub fn path(&self, path: PathId) -> Vec<u8> {
        let parts: Vec<_> = self.lineage(path).map(|part| self.name(part)).collect();
        parts.into_iter().rev().collect::<Vec<_>>().join(&b'/')
    }

    /// Finds a path by its bytes, with or without leading slash.
    #[must_use]
    pub fn find(&self, path: &[u8]) -> Option<PathId> {
        path.split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty())
            .try_fold(Self::ROOT, |folder, part| self.children(folder).find(|child| self.name(*child) == part))
    }

    /// Mode, owner and extended attributes of an entry.
    #[must_use]
    pub fn attrs(&self, entry: Entry) -> Attrs {
        *self.attrs.get(entry.attrs)
    }

    /// Extended attributes by name.
    #[must_use]
    pub fn xattrs(&self, attrs: Attrs) -> &[Xattr] {
        &self.xattrs[attrs.xattrs as usize]
    }

    /// The lower 95 bits of xxh3-128 of a file's contents; `None` for an empty file, for one that was not read because no
    /// answer depends on it, and for everything else.
    #[must_use]
    pub fn content(&self, entry: Entry) -> Option<u128> {
        match self.known(entry) {
            Content::Hash(hash) => Some(hash),
            Content::Nothing | Content::Unread(_) => None,
        }
    }

    /// Whether a file's contents have this xxh3-128; `None` where theirs is not known.
    #[must_use]
    pub fn is_content(&self, entry: Entry, hash: u128) -> Option<bool> {
        self.content(entry).map(|known| known == contents::kept(hash))
    }

    /// What is known of a file's contents that were not read.
    #[must_use]
    pub fn unread(&self, entry: Entry) -> Option<Unread> {
        match self.known(entry) {
            Content::Unread(unread) => Some(unread),
            Content::Nothing | Content::Hash(_) => None,
        }
    }

    fn known(&self, entry: Entry) -> Content {
        if entry.kind != Kind::File || entry.extra == NONE {
            return Content::Nothing;
        }
        self.contents.find(entry.extra).map_or(Content::Unread(Unread::default()), |known| known.content())
    }

    /// A copy to which no contents are known, for whoever looks at the image while they are compared: a copy of all would
    /// keep what was known of them before, 12 bytes each.
    #[must_use]
    pub fn without_contents(&self) -> Self {
        Self { contents: Column::default(), is_settled: false, ..self.clone() }
    }

    /// Whether a place in one means the same in the other: one is a copy of the other, or what it was before more was read.
    #[must_use]
    pub fn continues(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.origin, &other.origin)
    }

    /// Whether all contents are known on which an answer depends: a file that is still unread is then equal to no other.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Notes that all such contents are known.
    pub fn settle(&mut self) {
        self.is_settled = true;
    }

    /// Whether the contents of some file are not known.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        self.contents.iter().any(|known| known.is_unread())
    }

    /// Notes the hash of a file that was not read before.
    pub fn set_content(&mut self, id: EntryId, hash: u128) {
        let entry = self.entry(id);
        if self.unread(entry).is_some() {
            *self.contents.get_mut(entry.extra) = Known::hash(hash);
        }
    }

    /// Notes hashes of files of a slot that were not read, by the byte at which their contents lie, in order.
    pub(super) fn set_contents(&mut self, slot: SlotId, hashes: &[(u64, u128)]) {
        let mut hashes = hashes.iter().peekable();
        for id in self.entries_in(slot) {
            if hashes.peek().is_none() {
                return;
            }
            let Some(Unread { at, .. }) = self.unread(self.entry(id)) else { continue };
            while hashes.next_if(|(other, _)| *other < at).is_some() {}
            if let Some((_, hash)) = hashes.next_if(|(other, _)| *other == at) {
                self.set_content(id, *hash);
            }
        }
    }

    /// Target of a symbolic link as it is written.
    #[must_use]
    pub fn symlink_target(&self, entry: Entry) -> Option<&[u8]> {
        (entry.kind == Kind::Symlink).then(|| self.names.get(NameRef(entry.extra)))
    }

    /// The path that a hard link names.
    #[must_use]
    pub fn hardlink_target(&self, entry: Entry) -> Option<PathId> {
        (entry.kind == Kind::Hardlink).then(|| PathId(self.links.get(entry.extra).target))
    }

    /// The entry of the same slot that holds what a hard link names: the entry itself when it is no hard link, `None`
    /// for a hard link into another layer or to nothing.
    #[must_use]
    pub fn inode(&self, id: EntryId) -> Option<EntryId> {
        if self.kind(id) != Kind::Hardlink {
            return Some(id);
        }
        let root = self.links.get(self.entry(id).extra).root;
        (root != NONE).then_some(EntryId(root))
    }

    /// Major and minor number of a device.
    #[must_use]
    pub fn device(&self, entry: Entry) -> Option<(u32, u32)> {
        matches!(entry.kind, Kind::Char | Kind::Block).then(|| entry::unpack_device(entry.extra))
    }

    /// Bytes of memory that the index holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.names.memory()
            + self.nodes.memory()
            + self.entries.memory()
            + self.contents.memory()
            + self.links.memory()
            + self.attrs.memory()
            + self.slots.memory()
    }
}

impl Entry {
    /// A folder that no header of the layer lists; something below it does.
    #[must_use]
    pub fn is_implied(&self) -> bool {
        self.flags.has(Flags::IMPLIED)
    }

    /// An entry that a later one of the same layer replaced.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.flags.has(Flags::SUPERSEDED)
    }

    /// The tar's type byte, as Go's reader reports it (dive prints that).
    #[must_use]
    pub fn typeflag(&self) -> u8 {
        match self.kind {
            Kind::File | Kind::Whiteout | Kind::Opaque | Kind::Meta if self.flags.has(Flags::SPARSE) => b'S',
            Kind::File | Kind::Whiteout | Kind::Opaque | Kind::Meta => b'0',
            Kind::Hardlink => b'1',
            Kind::Symlink => b'2',
            Kind::Char => b'3',
            Kind::Block => b'4',
            Kind::Dir => b'5',
            Kind::Fifo => b'6',
        }
    }
}
