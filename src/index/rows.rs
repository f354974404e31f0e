//! The index as rows of bytes, so that it can be kept and taken up again without building it: numbers are little-endian
//! and have the width of the column, and a piece holds rows of one column.

use std::borrow::Borrow;
use std::sync::Arc;

use super::column::Column;
use super::contents::Known;
use super::entries::{Older, Stored, Wide};
use super::entry::{Flags, Link, NONE, Node};
use super::names::NameRef;
use super::{Attrs, Index, Kind, SlotId, SlotSummary};
use crate::layer::Xattr;

/// Rows of a piece: whole chunks of a column.
const PIECE: usize = 1 << 15;

/// Something that a column holds.
pub trait Row: Sized {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes it off the front; `None` when that is none.
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

/// Numbers, as they are.
macro_rules! number {
    ($($number:ty),*) => {$(
        impl Row for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                let (number, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*number))
            }
        }
    )*};
}

number!(u8, u16, u32, u64, i64);

/// Records, field by field.
macro_rules! record {
    ($record:ty { $($field:tt),* }) => {
        impl $crate::index::rows::Row for $record {
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::index::rows::Row::put(&self.$field, out);)*
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::index::rows::Row::take(bytes)?),* })
            }
        }
    };
}

pub(super) use record;

record!(Node { parent, name, first_child, next_sibling, newest });
record!(Link { target, root });
record!(Attrs { mode, uid, gid, xattrs });
record!(SlotSummary { entries, header_bytes, shipped_bytes, clamped, first, kept });

impl Row for NameRef {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        u32::take(bytes).map(Self)
    }
}

impl Row for Kind {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let byte = u8::take(bytes)?;
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

impl Row for Flags {
    fn put(&self, out: &mut Vec<u8>) {
        self.bits().put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        u8::take(bytes).map(Self::of_bits)
    }
}

/// What a piece holds rows of.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Held {
    Names,
    Nodes,
    Entries,
    Wide,
    Contents,
    Links,
    Attrs,
    Xattrs,
    Slots,
    Older,
}

impl Held {
    const ALL: [Self; 10] = [
        Self::Names,
        Self::Nodes,
        Self::Entries,
        Self::Wide,
        Self::Contents,
        Self::Links,
        Self::Attrs,
        Self::Xattrs,
        Self::Slots,
        Self::Older,
    ];
}

fn rows<R: Row>(held: Held, rows: impl Iterator<Item = impl Borrow<R>>, give: &mut dyn FnMut(&[u8])) {
    let mut piece = vec![held as u8];
    for (number, row) in rows.enumerate() {
        row.borrow().put(&mut piece);
        if (number + 1).is_multiple_of(PIECE) {
            give(&piece);
            piece.truncate(1);
        }
    }
    if piece.len() > 1 {
        give(&piece);
    }
}

fn take_rows<R: Row + Copy>(column: &mut Column<R>, mut bytes: &[u8]) -> Option<()> {
    column.fill(std::iter::from_fn(|| (!bytes.is_empty()).then(|| R::take(&mut bytes))))
}

impl Index {
    /// Hands out all of it, piece by piece.
    pub fn pieces(&self, mut give: impl FnMut(&[u8])) {
        let give: &mut dyn FnMut(&[u8]) = &mut give;
        for chunk in self.names.chunks() {
            give(&[&[Held::Names as u8], chunk].concat());
        }
        rows::<Node>(Held::Nodes, self.nodes.iter(), give);
        rows::<Stored>(Held::Entries, self.entries.stored().iter(), give);
        rows::<Wide>(Held::Wide, self.entries.wide().iter(), give);
        rows::<Known>(Held::Contents, self.contents.iter(), give);
        rows::<Link>(Held::Links, self.links.iter(), give);
        rows::<Attrs>(Held::Attrs, self.attrs.iter(), give);
        for xattrs in &*self.xattrs {
            give(&[&[Held::Xattrs as u8][..], &put_xattrs(xattrs)].concat());
        }
        rows::<SlotSummary>(Held::Slots, self.slots.all().iter(), give);
        rows::<Older>(Held::Older, self.entries.all_older(), give);
    }

    /// Takes a piece; they come in the order in which they were handed out. `None` for what is none.
    pub fn take_piece(&mut self, piece: &[u8]) -> Option<()> {
        let (held, mut bytes) = piece.split_first()?;
        match Held::ALL.into_iter().find(|kind| *kind as u8 == *held)? {
            Held::Names => self.names.push_chunk(bytes),
            Held::Nodes => take_rows(&mut self.nodes, bytes),
            Held::Entries => take_rows(self.entries.stored_mut(), bytes),
            Held::Wide => take_rows(self.entries.wide_mut(), bytes),
            Held::Contents => take_rows(&mut self.contents, bytes),
            Held::Links => take_rows(&mut self.links, bytes),
            Held::Attrs => take_rows(&mut self.attrs, bytes),
            Held::Xattrs => {
                Arc::make_mut(&mut self.xattrs).push(take_xattrs(bytes)?);
                Some(())
            }
            Held::Slots => {
                while !bytes.is_empty() {
                    self.slots.take(SlotSummary::take(&mut bytes)?);
                }
                Some(())
            }
            Held::Older => {
                while !bytes.is_empty() {
                    self.entries.take_older(Older::take(&mut bytes)?)?;
                }
                Some(())
            }
        }
    }

    /// Whether every place that a row names is there. What was kept has checksums; this is for what was kept wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let (paths, entries) = (self.nodes.len(), self.entries.len());
        let is_in = |place: u32, many: usize| place == NONE || (place as usize) < many;
        let nodes = self.nodes.iter().zip(0_u32..).all(|(node, place)| {
            (node.parent < place || (node.parent == NONE && place == 0))
                && self.names.has(node.name)
                && is_in(node.first_child, paths)
                && is_in(node.next_sibling, paths)
                && is_in(node.newest, entries)
        });
        let slots = self.slots.is_sound(entries);
        let links = self.links.iter().all(|link| (link.target as usize) < paths && is_in(link.root, entries));
        let attrs = self.attrs.iter().all(|attrs| (attrs.xattrs as usize) < self.xattrs.len());
        let places = 0..u32::try_from(entries).unwrap_or(NONE);
        let with_entries = self.nodes.iter().filter(|node| node.newest != NONE).count();
        let entries = self.entries.is_sound(with_entries)
            && places.map(|place| self.entries.get(place, SlotId(0))).all(|entry| {
                let is_extra = match entry.kind {
                    Kind::File => is_in(entry.extra, self.contents.len()),
                    Kind::Symlink => self.names.has(NameRef(entry.extra)),
                    Kind::Hardlink => (entry.extra as usize) < self.links.len(),
                    _ => true,
                };
                entry.path.place() < paths && (entry.attrs as usize) < self.attrs.len() && is_extra
            });
        paths > 0 && nodes && slots && links && attrs && entries
    }
}

fn put_xattrs(xattrs: &[Xattr]) -> Vec<u8> {
    let mut out = Vec::new();
    for text in xattrs.iter().flat_map(|(name, value)| [name, value]) {
        u32::try_from(text.len()).unwrap_or(0).put(&mut out);
        out.extend_from_slice(text);
    }
    out
}

fn take_xattrs(mut bytes: &[u8]) -> Option<Vec<Xattr>> {
    let mut xattrs = Vec::new();
    let text = |bytes: &mut &[u8]| {
        let length = u32::take(bytes)? as usize;
        let (text, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Some(text.to_vec())
    };
    while !bytes.is_empty() {
        xattrs.push((text(&mut bytes)?, text(&mut bytes)?));
    }
    Some(xattrs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Builder, Stack, walk};
    use crate::layer::{Content, Entry, EntryKind, Limits, Unread};

    fn entry<'a>(kind: EntryKind, path: &'a [u8], link: &'a [u8], xattrs: &'a [Xattr], content: Content) -> Entry<'a> {
        let size = if kind == EntryKind::File { 1 << 33 } else { 0 };
        let (typeflag, device) = (b'0', (5, 7));
        Entry { kind, typeflag, path, size, mode: 0o755, uid: 1, gid: 2, mtime: -3, link, device, xattrs, content }
    }

    fn built() -> Index {
        let xattrs = [(b"user.a".to_vec(), b"\0\x01".to_vec()), (b"user.b".to_vec(), Vec::new())];
        let mut builder = Builder::new(Limits::default());
        for layer in 0..3_u64 {
            builder.begin().unwrap();
            for number in 0..3000_u64 {
                let path = format!("d{}/{number}-{}", number % 7, "x".repeat(usize::try_from(number % 90).unwrap()));
                let content = match number % 3 {
                    0 => Content::Hash(u128::from(number * 77 + layer)),
                    1 => Content::Unread(Unread { at: number * 512, head: number }),
                    _ => Content::Nothing,
                };
                let some = if number % 5 == 0 { &xattrs[..] } else { &[] };
                builder.add(&entry(EntryKind::File, path.as_bytes(), b"", some, content)).unwrap();
            }
            builder.add(&entry(EntryKind::Symlink, b"d1/link", b"../elsewhere", &[], Content::Nothing)).unwrap();
            builder.add(&entry(EntryKind::Hardlink, b"d1/hard", b"d0/0-", &[], Content::Nothing)).unwrap();
            builder.add(&entry(EntryKind::Char, b"d1/device", b"", &[], Content::Nothing)).unwrap();
            builder.add(&entry(EntryKind::File, b"d2/.wh.gone", b"", &[], Content::Nothing)).unwrap();
            builder.end();
        }
        builder.finish()
    }

    /// All that can be asked of an index, in words.
    fn told(index: &Index) -> Vec<String> {
        let stack = Stack::new(index.slots().map(Some).collect());
        let mut told = Vec::new();
        walk::walk(index, &stack, walk::Order::Sorted, |story| {
            told.push(format!("{:?} {:?} {:?}", index.path(story.path), story.events, story.live));
            for id in index.entries_of(story.path) {
                let entry = index.entry(id);
                let (attrs, hard) = (index.attrs(entry), index.hardlink_target(entry));
                let content = (index.content(entry), index.unread(entry));
                told.push(format!("{entry:?} {attrs:?} {:?} {content:?} {hard:?}", index.xattrs(attrs)));
                told.push(format!("{:?} {:?} {:?}", index.symlink_target(entry), index.inode(id), index.device(entry)));
            }
        });
        told.extend(index.slots().map(|slot| format!("{:?}", index.slot(slot))));
        told
    }

    #[test]
    fn what_was_handed_out_is_taken_up_as_it_was() {
        let index = built();
        let (mut pieces, mut taken) = (Vec::new(), Index::default());
        index.pieces(|piece| pieces.push(piece.to_vec()));
        for piece in &pieces {
            taken.take_piece(piece).unwrap();
        }
        assert!(index.is_sound() && taken.is_sound());
        assert_eq!(told(&taken), told(&index));
    }

    #[test]
    fn a_piece_that_is_missing_or_cut_is_noticed() {
        let index = built();
        let mut pieces = Vec::new();
        index.pieces(|piece| pieces.push(piece.to_vec()));
        for left_out in 0..pieces.len() {
            let mut taken = Index::default();
            let others = pieces.iter().enumerate().filter(|(place, _)| *place != left_out);
            let are_taken = others.map(|(_, piece)| taken.take_piece(piece)).all(|taken| taken.is_some());
            assert!(!are_taken || !taken.is_sound(), "without piece {left_out}");
        }
        let cut = pieces.iter().filter(|piece| piece[0] == Held::Nodes as u8);
        for piece in cut {
            assert!(Index::default().take_piece(&piece[..piece.len() - 1]).is_none());
        }
        assert!(Index::default().take_piece(&[99, 1, 2]).is_none() && Index::default().take_piece(&[]).is_none());
    }
}
