//! Entries as bytes, for those who hand them from thread to thread or keep them: about 40 bytes each, contents' hashes
//! included. What repeats from one entry to the next is not said again. Knows no file and no thread.

use super::tar::{Content, Entry, EntryKind, Unread, Xattr};

/// The format's number. Whoever keeps packed entries keeps it with them.
pub const VERSION: u32 = 1;

/// Kinds by their number.
const KINDS: [EntryKind; 7] = [
    EntryKind::File,
    EntryKind::Dir,
    EntryKind::Symlink,
    EntryKind::Hardlink,
    EntryKind::Char,
    EntryKind::Block,
    EntryKind::Fifo,
];

/// Bits of an entry's first byte beside its kind.
const KIND: u8 = 7;
const NEW_ATTRS: u8 = 8;
const NEW_TIME: u8 = 16;
const HASHED: u8 = 32;
const PLACED: u8 = 64;

/// What one entry leaves to the next.
#[derive(Default)]
struct Last {
    path: Vec<u8>,
    mode: u16,
    uid: u32,
    gid: u32,
    mtime: i64,
    xattrs: Vec<Xattr>,
    at: u64,
}

/// Packs the entries of one layer, in order.
#[derive(Default)]
pub struct Packer {
    last: Last,
    bytes: Vec<u8>,
}

impl Packer {
    /// Packs one more.
    pub fn push(&mut self, entry: &Entry<'_>) {
        let (last, out) = (&mut self.last, &mut self.bytes);
        let kind = KINDS.iter().position(|kind| *kind == entry.kind).unwrap_or_default();
        let same_attrs = (last.mode, last.uid, last.gid) == (entry.mode, entry.uid, entry.gid)
            && last.xattrs.as_slice() == entry.xattrs;
        let mut first = u8::try_from(kind).unwrap_or_default();
        first |= if same_attrs { 0 } else { NEW_ATTRS };
        first |= if last.mtime == entry.mtime { 0 } else { NEW_TIME };
        first |= match entry.content {
            Content::Nothing => 0,
            Content::Hash(_) => HASHED,
            Content::Unread(_) => PLACED,
        };
        out.extend([first, entry.typeflag]);
        let shared = shared(&last.path, entry.path);
        number(out, shared as u64);
        text(out, &entry.path[shared..]);
        last.path.truncate(shared);
        last.path.extend_from_slice(&entry.path[shared..]);
        number(out, entry.size);
        if !same_attrs {
            (last.mode, last.uid, last.gid) = (entry.mode, entry.uid, entry.gid);
            number(out, entry.mode.into());
            number(out, entry.uid.into());
            number(out, entry.gid.into());
            number(out, entry.xattrs.len() as u64);
            for (name, value) in entry.xattrs {
                text(out, name);
                text(out, value);
            }
            last.xattrs = entry.xattrs.to_vec();
        }
        if last.mtime != entry.mtime {
            // The sign goes last, so that small steps in both directions are short.
            let step = entry.mtime.wrapping_sub(last.mtime);
            number(out, ((step << 1) ^ (step >> 63)).cast_unsigned());
            last.mtime = entry.mtime;
        }
        match entry.kind {
            EntryKind::Symlink | EntryKind::Hardlink => text(out, entry.link),
            EntryKind::Char | EntryKind::Block => {
                number(out, entry.device.0.into());
                number(out, entry.device.1.into());
            }
            EntryKind::File | EntryKind::Dir | EntryKind::Fifo => {}
        }
        match entry.content {
            Content::Nothing => {}
            Content::Hash(hash) => out.extend(hash.to_le_bytes()),
            Content::Unread(Unread { at, head }) => {
                number(out, at.wrapping_sub(last.at));
                out.extend(head.to_le_bytes());
                last.at = at;
            }
        }
    }

    /// Bytes packed and not taken yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes what is packed. The next entry goes on from there.
    pub fn take(&mut self) -> Vec<u8> {
        let next = Vec::with_capacity(self.bytes.capacity());
        std::mem::replace(&mut self.bytes, next)
    }

    /// Forgets what is packed, its bytes having been copied elsewhere. The next entry goes on from there.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// What is packed and not taken yet.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Packed bytes that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

/// Unpacks what one [`Packer`] packed, in the same pieces and order.
#[derive(Default)]
pub struct Unpacker {
    last: Last,
}

impl Unpacker {
    /// Hands every entry of a piece to `sink`, which ends it by an error.
    ///
    /// # Errors
    /// What `sink` returns.
    ///
    /// Bytes that no packer wrote give `Ok(Err(Damaged))`, perhaps after some entries.
    pub fn unpack<E>(
        &mut self,
        mut bytes: &[u8],
        mut sink: impl FnMut(&Entry<'_>) -> Result<(), E>,
    ) -> Result<Result<(), Damaged>, E> {
        while !bytes.is_empty() {
            let Some(entry) = self.next(&mut bytes) else { return Ok(Err(Damaged)) };
            sink(&entry)?;
        }
        Ok(Ok(()))
    }

    fn next<'u, 'b: 'u>(&'u mut self, bytes: &mut &'b [u8]) -> Option<Entry<'u>> {
        let last = &mut self.last;
        let [first, typeflag] = *take(bytes, 2)? else { return None };
        let kind = *KINDS.get(usize::from(first & KIND))?;
        let shared = usize::try_from(read_number(bytes)?).ok().filter(|shared| *shared <= last.path.len())?;
        last.path.truncate(shared);
        last.path.extend_from_slice(read_text(bytes)?);
        let size = read_number(bytes)?;
        if first & NEW_ATTRS != 0 {
            last.mode = read_number(bytes)?.try_into().ok()?;
            last.uid = read_number(bytes)?.try_into().ok()?;
            last.gid = read_number(bytes)?.try_into().ok()?;
            last.xattrs.clear();
            for _ in 0..read_number(bytes)? {
                last.xattrs.push((read_text(bytes)?.to_vec(), read_text(bytes)?.to_vec()));
            }
        }
        if first & NEW_TIME != 0 {
            let step = read_number(bytes)?;
            last.mtime = last.mtime.wrapping_add((step >> 1).cast_signed() ^ -(step & 1).cast_signed());
        }
        let (mut link, mut device) = (&[][..], (0, 0));
        match kind {
            EntryKind::Symlink | EntryKind::Hardlink => link = read_text(bytes)?,
            EntryKind::Char | EntryKind::Block => {
                device = (read_number(bytes)?.try_into().ok()?, read_number(bytes)?.try_into().ok()?);
            }
            EntryKind::File | EntryKind::Dir | EntryKind::Fifo => {}
        }
        let content = match first & (HASHED | PLACED) {
            0 => Content::Nothing,
            HASHED => Content::Hash(u128::from_le_bytes(*take(bytes, 16)?.first_chunk()?)),
            PLACED => {
                last.at = last.at.wrapping_add(read_number(bytes)?);
                let head = u64::from_le_bytes(*take(bytes, 8)?.first_chunk()?);
                Content::Unread(Unread { at: last.at, head })
            }
            _ => return None,
        };
        let &mut Last { ref path, mode, uid, gid, mtime, ref xattrs, .. } = last;
        Some(Entry { kind, typeflag, path, size, mode, uid, gid, mtime, link, device, xattrs, content })
    }
}

/// How many bytes both begin with: eight by eight first.
fn shared(one: &[u8], other: &[u8]) -> usize {
    let (ones, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    let known = 8 * ones.iter().zip(others).take_while(|(one, other)| one == other).count();
    known + one[known..].iter().zip(&other[known..]).take_while(|(one, other)| one == other).count()
}

/// Seven bits a byte, lowest first; the eighth says that more follow.
pub fn number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Takes a number off the front; `None` when there is none.
pub fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let [byte] = *take(bytes, 1)? else { return None };
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// Bytes behind their length.
pub fn text(out: &mut Vec<u8>, text: &[u8]) {
    number(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Takes bytes with a length off the front; `None` when there are none.
pub fn read_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(read_number(bytes)?).ok()?;
    take(bytes, length)
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry<'e>(kind: EntryKind, path: &'e [u8], number: i64, xattrs: &'e [Xattr]) -> Entry<'e> {
        let content = match (kind, number & 3) {
            (EntryKind::File, 0) => Content::Nothing,
            (EntryKind::File, 1) => Content::Unread(Unread { at: number.cast_unsigned(), head: 77 }),
            (EntryKind::File, _) => Content::Hash(u128::from(number.cast_unsigned()) << 50 | 7),
            _ => Content::Nothing,
        };
        let small = u32::from_le_bytes(*number.to_le_bytes().first_chunk().unwrap());
        let is_device = matches!(kind, EntryKind::Char | EntryKind::Block);
        Entry {
            kind,
            typeflag: b'0',
            path,
            size: number.cast_unsigned().rotate_left(7),
            mode: 0o755,
            uid: small & 3,
            gid: 0,
            mtime: number,
            link: if matches!(kind, EntryKind::Symlink | EntryKind::Hardlink) { b"to/there" } else { b"" },
            device: if is_device { (small, 1) } else { (0, 0) },
            xattrs,
            content,
        }
    }

    proptest! {
        #[test]
        fn entries_come_back(seeds in prop::collection::vec((0..7_usize, prop::collection::vec(any::<u8>(), 0..20), any::<i64>()), 0..40)) {
            let xattrs = [vec![], vec![(b"user.a".to_vec(), b"\0\n".to_vec())]];
            let entries: Vec<_> = seeds
                .iter()
                .map(|(kind, path, number)| entry(KINDS[*kind], path, *number, &xattrs[kind & 1]))
                .collect();
            let (mut packer, mut pieces) = (Packer::default(), Vec::new());
            for (place, entry) in entries.iter().enumerate() {
                packer.push(entry);
                if place % 3 == 0 {
                    pieces.push(packer.take());
                }
            }
            pieces.push(packer.take());
            let (mut unpacker, mut back) = (Unpacker::default(), Vec::new());
            for piece in &pieces {
                let unpacked = unpacker.unpack(piece, |entry| {
                    back.push(format!("{entry:?}"));
                    Ok::<(), ()>(())
                });
                prop_assert_eq!(unpacked, Ok(Ok(())));
            }
            prop_assert_eq!(back, entries.iter().map(|entry| format!("{entry:?}")).collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_are_too_damaged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Unpacker::default().unpack(&bytes, |_| Ok::<(), ()>(()));
        }
    }
}
