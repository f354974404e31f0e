//! In what two entries of one path differ.

use super::{Attrs, Entry, EntryId, Index, Kind, Stack};

/// A set of differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Differs(u8);

impl Differs {
    /// Nothing.
    pub const NOTHING: Self = Self(0);
    /// The bytes of a file, or the numbers of a device.
    pub const CONTENT: Self = Self(1);
    /// Permission, set-id or sticky bits.
    pub const MODE: Self = Self(2);
    /// Owner or group.
    pub const OWNER: Self = Self(4);
    /// Modification time.
    pub const TIME: Self = Self(8);
    /// File, folder, link, device or pipe.
    pub const TYPE: Self = Self(16);
    /// Where a symbolic link points.
    pub const LINK: Self = Self(32);
    /// Extended attributes, file capabilities among them.
    pub const XATTR: Self = Self(64);
    /// Perhaps the bytes of a file: both versions are as long, and are still to be compared.
    pub const PENDING: Self = Self(128);

    /// All of them with their words, in the order in which they are told.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::TYPE, "type"),
        (Self::CONTENT, "content"),
        (Self::PENDING, "content?"),
        (Self::LINK, "link target"),
        (Self::MODE, "mode"),
        (Self::OWNER, "owner"),
        (Self::TIME, "time"),
        (Self::XATTR, "xattr"),
    ];

    /// Whether the set holds any of `other`.
    #[must_use]
    pub fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The words for what differs.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter(move |(one, _)| self.any(*one)).map(|(_, word)| word)
    }

    /// The set as a number; below 128 where nothing is pending.
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    /// The set that [`Self::bits`] made a number of.
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits & 127)
    }

    fn when(self, holds: bool) -> Self {
        if holds { self } else { Self::NOTHING }
    }
}

impl std::ops::BitOr for Differs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// An entry with what a hard link borrows from its group followed.
#[derive(Clone, Copy)]
pub struct Inode {
    /// What it really is.
    pub kind: Kind,
    /// The entry that has the contents.
    pub entry: Entry,
    /// Mode, owner and extended attributes.
    pub attrs: Attrs,
}

/// How many links one may lead to before it is a circle.
pub(super) const MOST_LINKS: usize = 64;

/// Follows a hard link at a layer: within its slot, else down into the layers below. A link to nothing stays itself.
#[must_use]
pub fn inode(index: &Index, stack: &Stack, id: EntryId, layer: u32) -> Inode {
    let entry = index.entry(follow(index, stack, id, layer).unwrap_or(id));
    let kind = if entry.kind == Kind::Hardlink { Kind::File } else { entry.kind };
    Inode { kind, entry, attrs: index.attrs(entry) }
}

fn follow(index: &Index, stack: &Stack, mut id: EntryId, mut layer: u32) -> Option<EntryId> {
    for _ in 0..MOST_LINKS {
        if let Some(found) = index.inode(id) {
            return (index.kind(found) != Kind::Dir).then_some(found);
        }
        let entry = index.entry(id);
        let target = index.hardlink_target(entry)?;
        // What the layer itself has under that name is meant before what lies below.
        let own = index.entries_of(target).find(|other| {
            let other_entry = index.entry(*other);
            *other != id && other_entry.slot == entry.slot && other_entry.kind.is_object()
        });
        if let Some(own) = own {
            id = own;
        } else {
            let live = stack.object_at(index, target, layer.checked_sub(1)?)?;
            (id, layer) = (live.entry, live.layer);
        }
    }
    None
}

/// In what the contents of two files differ.
fn contents(index: &Index, old: Entry, new: Entry) -> Differs {
    if old.size != new.size {
        return Differs::CONTENT;
    }
    // An image that repeats a layer has a file over itself, which nobody need read to compare.
    if old.extra == new.extra {
        return Differs::NOTHING;
    }
    match (index.unread(old), index.unread(new)) {
        (None, None) => Differs::CONTENT.when(index.content(old) != index.content(new)),
        (Some(old), Some(new)) if old.begins_otherwise(new) => Differs::CONTENT,
        // What may be equal to another is read; what is still unread then is not.
        _ if index.is_settled() => Differs::CONTENT,
        _ => Differs::PENDING,
    }
}

/// Compares what stood at a path (`before`) with what a later layer has there.
#[must_use]
pub fn compare(index: &Index, before: Inode, after: Inode) -> Differs {
    let (old, new) = (before.entry, after.entry);
    let meta = Differs::MODE.when(before.attrs.mode != after.attrs.mode)
        | Differs::OWNER.when((before.attrs.uid, before.attrs.gid) != (after.attrs.uid, after.attrs.gid))
        | Differs::XATTR.when(before.attrs.xattrs != after.attrs.xattrs)
        | Differs::TIME.when(old.mtime != new.mtime);
    if before.kind != after.kind {
        return meta | Differs::TYPE;
    }
    let content = match after.kind {
        Kind::File => contents(index, old, new),
        Kind::Symlink => Differs::LINK.when(index.symlink_target(old) != index.symlink_target(new)),
        Kind::Char | Kind::Block => Differs::CONTENT.when(index.device(old) != index.device(new)),
        Kind::Dir | Kind::Fifo | Kind::Hardlink | Kind::Whiteout | Kind::Opaque | Kind::Meta => Differs::NOTHING,
    };
    meta | content
}
