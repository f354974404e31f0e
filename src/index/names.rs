//! The bytes of names, each stored behind its length. A name that occurred lately is not stored again: `index.js`
//! stands in an image ten thousand times.

use std::iter::repeat_n;
use std::num::NonZero;
use std::sync::Arc;

use twox_hash::XxHash3_64;

/// Where a name lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameRef(pub u32);

/// Bytes in a chunk; a name never crosses one. Larger than the longest name that a layer may hold.
const CHUNK: usize = 256 * 1024;

/// Names remembered for reuse. A fixed table instead of one that grows: it catches most repeats at a thousandth of
/// the memory, and no name is lost by forgetting one.
const REMEMBERED: usize = 1 << 15;

/// A copy shares all chunks with its original; the original goes on in a chunk of its own.
#[derive(Clone, Default)]
pub struct Names {
    chunks: Vec<Arc<[u8]>>,
    /// Bytes of the last chunk that are taken.
    used: usize,
}

impl Names {
    pub fn get(&self, NameRef(place): NameRef) -> &[u8] {
        let bytes = &self.chunks[place as usize / CHUNK][place as usize % CHUNK..];
        let (length, bytes) = read_length(bytes);
        &bytes[..length]
    }

    /// Stores a name; `None` when the place for names is full (4 GiB).
    fn push(&mut self, name: &[u8]) -> Option<NameRef> {
        if self.chunks.is_empty() || self.used + name.len() + LENGTH > CHUNK {
            self.chunks.push(repeat_n(0, CHUNK).collect());
            self.used = 0;
        }
        let place = u32::try_from((self.chunks.len() - 1) * CHUNK + self.used).ok()?;
        let chunk = Arc::make_mut(self.chunks.last_mut()?);
        self.used += write_length(&mut chunk[self.used..], name.len());
        chunk[self.used..self.used + name.len()].copy_from_slice(name);
        self.used += name.len();
        Some(NameRef(place))
    }

    /// The chunks, the last one as far as it is taken.
    pub fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let last = self.chunks.len().saturating_sub(1);
        self.chunks
            .iter()
            .enumerate()
            .map(move |(place, chunk)| &chunk[..if place == last { self.used } else { CHUNK }])
    }

    /// Appends a chunk behind full ones; `None` where that does not fit.
    pub fn push_chunk(&mut self, bytes: &[u8]) -> Option<()> {
        let is_behind = self.chunks.is_empty() || self.used == CHUNK;
        let room = CHUNK.checked_sub(bytes.len()).filter(|_| is_behind)?;
        let mut chunk = Vec::with_capacity(CHUNK);
        chunk.extend_from_slice(bytes);
        chunk.resize(bytes.len() + room, 0);
        self.chunks.push(chunk.into());
        self.used = bytes.len();
        Some(())
    }

    /// Whether a name is there.
    pub fn has(&self, NameRef(place): NameRef) -> bool {
        let chunk = self.chunks.get(place as usize / CHUNK);
        chunk.is_some_and(|chunk| {
            let bytes = &chunk[place as usize % CHUNK..];
            let (length, bytes) = read_length(bytes);
            length <= bytes.len()
        })
    }

    pub fn memory(&self) -> usize {
        self.chunks.len() * CHUNK
    }
}

/// Bytes that the length of a name takes at most: three hold every length that fits a chunk.
const LENGTH: usize = 3;

/// Seven bits a byte, lowest first. Returns how many bytes were written.
fn write_length(bytes: &mut [u8], mut length: usize) -> usize {
    let mut written = 0;
    loop {
        // The last byte of the number, less its eighth bit.
        let low = length.to_le_bytes()[0] & 0x7f;
        length >>= 7;
        bytes[written] = if length == 0 { low } else { low | 0x80 };
        written += 1;
        if length == 0 {
            return written;
        }
    }
}

fn read_length(bytes: &[u8]) -> (usize, &[u8]) {
    let (mut length, mut shift) = (0, 0);
    for (place, &byte) in bytes.iter().enumerate() {
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return (length, &bytes[place + 1..]);
        }
    }
    (0, &[])
}

/// What a name is looked up by.
pub fn hash(name: &[u8]) -> u64 {
    XxHash3_64::oneshot(name)
}

/// Remembers names while an index is built.
pub struct Memory {
    /// Where a name lies, and the half of its hash that does not tell its place here: most others are told by it without
    /// a look at the name.
    recent: Vec<Option<(NonZero<u32>, NameRef)>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { recent: vec![None; REMEMBERED] }
    }
}

impl Memory {
    /// The place of the name that has this hash, stored now unless it is remembered.
    pub fn intern(&mut self, names: &mut Names, name: &[u8], hash: u64) -> Option<NameRef> {
        let place = usize::try_from(hash % REMEMBERED as u64).unwrap_or_default();
        let rest = u32::try_from(hash >> 32).ok().and_then(NonZero::new).unwrap_or(NonZero::<u32>::MIN);
        if let Some((_, known)) =
            self.recent[place].filter(|(other, known)| *other == rest && names.get(*known) == name)
        {
            return Some(known);
        }
        let stored = names.push(name)?;
        self.recent[place] = Some((rest, stored));
        Some(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_repeat_for_free() {
        let (mut names, mut memory) = (Names::default(), Memory::default());
        let long = vec![b'x'; 32 * 1024];
        let kept: Vec<_> = [&b""[..], b"a", b"index.js", &long]
            .iter()
            .map(|name| memory.intern(&mut names, name, hash(name)).unwrap())
            .collect();
        assert_eq!(names.get(kept[0]), b"");
        assert_eq!(names.get(kept[2]), b"index.js");
        assert_eq!(names.get(kept[3]), long);
        assert_eq!(memory.intern(&mut names, b"index.js", hash(b"index.js")), Some(kept[2]));
    }

    #[test]
    fn chunks_fill_up() {
        let (mut names, mut memory) = (Names::default(), Memory::default());
        let kept: Vec<_> = (0..40_000)
            .map(|number| format!("some-name-{number}"))
            .map(|name| memory.intern(&mut names, name.as_bytes(), hash(name.as_bytes())).unwrap())
            .collect();
        assert!(names.chunks.len() > 2);
        for (number, name) in kept.iter().enumerate() {
            assert_eq!(names.get(*name), format!("some-name-{number}").as_bytes());
        }
    }
}
