//! Sparse files: which parts of a file the tar holds, in the old GNU form and the three PAX forms.
//! Format: GNU tar manual, "Storing Sparse Files" (old GNU, PAX 0.0, 0.1 and 1.0).

use twox_hash::XxHash3_128;

use super::LayerError;
use super::blocks::Blocks;
use super::header::{BLOCK, OldSparse, sparse_segment};
use super::pax::{Parsed, decimal};
use super::stream::Stream;
use super::tap::Feed;

/// Holes up to this size are hashed as the zeros they read as, so that a sparse file equals its plain copy. Beyond,
/// the length of the hole is hashed instead: a terabyte of zeros must not take minutes.
const HASHED_HOLE: u64 = 4 << 30;

/// A sparse file's real size and the parts that are stored, in order.
pub struct Map {
    /// Apparent size in bytes.
    pub logical: u64,
    /// Stored parts as (offset, bytes).
    segments: Vec<(u64, u64)>,
}

/// What the PAX records say of a sparse file.
pub enum Pax {
    /// The map is complete.
    Known(Map),
    /// Format 1.0: the map stands in front of the contents.
    InContents {
        /// Apparent size in bytes.
        logical: u64,
    },
}

impl Map {
    /// The old GNU form: the header's four segments, then extension blocks of 21.
    pub fn old_gnu<S: Stream>(header: OldSparse, blocks: &mut Blocks<S>, most: u64) -> Result<Self, LayerError> {
        const SEGMENT: usize = 24;
        const PER_BLOCK: usize = 21;
        let OldSparse { logical, mut segments, mut more } = header;
        while more {
            let at = blocks.at;
            let block = blocks.block()?.ok_or(LayerError::Truncated { at, missing: BLOCK as u64 })?;
            segments.extend((0..PER_BLOCK).map_while(|place| {
                let field = &block[place * SEGMENT..][..SEGMENT];
                sparse_segment(&field[..12], &field[12..])
            }));
            more = block[PER_BLOCK * SEGMENT] == 1;
            if segments.len() as u64 * SEGMENT as u64 > most {
                return Err(LayerError::TooMuch { what: "the sparse map of a file in bytes".into(), limit: most });
            }
        }
        Ok(Self { logical, segments })
    }

    /// The map of format 1.0, read from the contents. Returns it with the bytes that it took.
    pub fn in_contents<S: Stream>(
        logical: u64,
        blocks: &mut Blocks<S>,
        stored: u64,
        most: u64,
    ) -> Result<(Self, u64), LayerError> {
        let start = blocks.at;
        let bad = || LayerError::Sparse(start);
        let (mut numbers, mut digits, mut wanted, mut taken) = (Vec::new(), Vec::new(), None, 0);
        while wanted.is_none_or(|wanted| numbers.len() < wanted) {
            if taken + BLOCK as u64 > stored.min(most) {
                return Err(bad());
            }
            let block = blocks.block()?.ok_or_else(bad)?;
            taken += BLOCK as u64;
            for &byte in &block {
                if byte != b'\n' {
                    digits.push(byte);
                    continue;
                }
                numbers.push(decimal(&digits).ok_or_else(bad)?);
                digits.clear();
                let wanted = *wanted.get_or_insert_with(|| {
                    usize::try_from(numbers[0]).unwrap_or(usize::MAX).saturating_mul(2).saturating_add(1)
                });
                if numbers.len() == wanted {
                    break;
                }
            }
        }
        let segments = numbers[1..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        Ok((Self { logical, segments }, taken))
    }

    /// Hashes the file as it reads, holes as zeros, consuming `stored` bytes of contents.
    pub fn hash<S: Stream>(&self, blocks: &mut Blocks<S>, stored: u64) -> Result<u128, LayerError> {
        let mut hash = XxHash3_128::new();
        self.feed(blocks, stored, &mut hash)?;
        Ok(hash.finish_128())
    }

    /// Hands on the file as it reads, parts and holes in order, consuming `stored` bytes of contents.
    pub fn feed<S: Stream>(&self, blocks: &mut Blocks<S>, stored: u64, feed: &mut impl Feed) -> Result<(), LayerError> {
        let start = blocks.at;
        let (mut at, mut left) = (0_u64, stored);
        for &(offset, bytes) in &self.segments {
            let end = offset.checked_add(bytes).filter(|&end| end <= self.logical && offset >= at && bytes <= left);
            let end = end.ok_or(LayerError::Sparse(start))?;
            feed.hole(offset - at)?;
            blocks.contents(bytes, |part| feed.part(part))?;
            (at, left) = (end, left - bytes);
        }
        feed.hole(self.logical - at)?;
        if left > 0 { Err(LayerError::Sparse(start)) } else { Ok(()) }
    }
}

impl Feed for XxHash3_128 {
    fn part(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.write(bytes);
        Ok(())
    }

    fn hole(&mut self, bytes: u64) -> Result<(), LayerError> {
        static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
        if bytes > HASHED_HOLE {
            self.write(b"hole");
            self.write(&bytes.to_le_bytes());
            return Ok(());
        }
        let mut left = bytes;
        while left > 0 {
            let part = left.min(ZEROS.len() as u64);
            self.write(&ZEROS[..usize::try_from(part).unwrap_or(ZEROS.len())]);
            left -= part;
        }
        Ok(())
    }
}

/// Reads the sparse records of a PAX header; `None` for a plain file.
pub fn from_pax(parsed: &Parsed, at: u64) -> Result<Option<Pax>, LayerError> {
    let number = |key: &[u8]| parsed.records.get(key).and_then(|value| decimal(value));
    let bad = || LayerError::Sparse(at);
    if parsed.records.get(&b"GNU.sparse.major"[..]).is_some_and(|major| major == b"1") {
        let logical = number(b"GNU.sparse.realsize").ok_or_else(bad)?;
        return Ok(Some(Pax::InContents { logical }));
    }
    let Some(logical) = number(b"GNU.sparse.size") else { return Ok(None) };
    let segments = match parsed.records.get(&b"GNU.sparse.map"[..]) {
        Some(map) if map.is_empty() => Vec::new(),
        Some(map) => {
            let numbers = map.split(|&byte| byte == b',').map(decimal).collect::<Option<Vec<_>>>().ok_or_else(bad)?;
            if numbers.len() % 2 == 1 {
                return Err(bad());
            }
            numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
        }
        None => parsed.segments.clone(),
    };
    Ok(Some(Pax::Known(Map { logical, segments })))
}
