//! A file of the cache: frames, each with its kind, its length and its checksum, and a last one that says what it is.
//! Knows no folder.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use twox_hash::XxHash3_64;

use crate::layer::Summary;
use crate::layer::packed::{self, number, read_number};

/// The seed of the checksums: a file of another format has none that fits.
const MAGIC: u64 = 0x6c61_7965_7200_0001 + packed::VERSION as u64;

/// Bytes in front of a frame's payload: its kind, its length, its checksum.
const HEAD: usize = 1 + 4 + 8;

/// Longest payload that is believed. Entries come in pieces of 64 kB and some, hashes of a layer at once.
const MOST: u32 = 1 << 30;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Frame {
    /// Packed entries.
    Entries = 1,
    /// Hashes by place.
    Hashes = 2,
    /// Bytes of somebody else's making.
    Bytes = 3,
    /// The key and the summary; nothing follows.
    End = 4,
}

impl Frame {
    fn of(byte: u8) -> Option<Self> {
        [Self::Entries, Self::Hashes, Self::Bytes, Self::End].into_iter().find(|frame| *frame as u8 == byte)
    }
}

/// Writes one frame.
pub fn write_frame(out: &mut impl Write, frame: Frame, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).ok().filter(|length| *length <= MOST);
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
    out.write_all(&[frame as u8])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&sum(frame, payload).to_le_bytes())?;
    out.write_all(payload)
}

fn sum(frame: Frame, payload: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(MAGIC ^ u64::from(frame as u8), payload)
}

/// Reads one frame into `payload`; `None` for one that is damaged or missing.
fn read_frame(from: &mut impl Read, left: u64, payload: &mut Vec<u8>) -> Option<Frame> {
    let mut head = [0; HEAD];
    from.read_exact(&mut head).ok()?;
    let frame = Frame::of(head[0])?;
    let length = u32::from_le_bytes(*head[1..].first_chunk()?);
    let stated = u64::from_le_bytes(*head[5..].first_chunk()?);
    // A length that the file does not have is not worth its memory.
    payload.resize(usize::try_from(length).ok().filter(|_| u64::from(length) <= left && length <= MOST)?, 0);
    from.read_exact(payload).ok()?;
    (sum(frame, payload) == stated).then_some(frame)
}

pub fn pack_hashes(hashes: &[(u64, u128)]) -> Vec<u8> {
    let (mut packed, mut last) = (Vec::with_capacity(hashes.len() * 20), 0);
    for (at, hash) in hashes {
        number(&mut packed, at.wrapping_sub(last));
        packed.extend(hash.to_le_bytes());
        last = *at;
    }
    packed
}

fn unpack_hashes(mut packed: &[u8]) -> Option<Vec<(u64, u128)>> {
    let (mut hashes, mut last) = (Vec::with_capacity(packed.len() / 18), 0_u64);
    while !packed.is_empty() {
        last = last.wrapping_add(read_number(&mut packed)?);
        let (hash, rest) = packed.split_first_chunk()?;
        hashes.push((last, u128::from_le_bytes(*hash)));
        packed = rest;
    }
    Some(hashes)
}

pub fn pack_end(key: &str, summary: &Summary) -> Vec<u8> {
    let mut packed = Vec::new();
    let Summary { entries, bytes, global_headers, unknown_types } = *summary;
    for each in [entries, bytes, global_headers, unknown_types] {
        number(&mut packed, each);
    }
    packed.extend_from_slice(key.as_bytes());
    packed
}

fn unpack_end(mut packed: &[u8], key: &str) -> Option<Summary> {
    let packed = &mut packed;
    let mut next = || read_number(packed);
    let summary = Summary { entries: next()?, bytes: next()?, global_headers: next()?, unknown_types: next()? };
    (*packed == key.as_bytes()).then_some(summary)
}

/// A piece of what was kept.
#[derive(Debug)]
pub enum Piece<'p> {
    /// Packed entries.
    Entries(&'p [u8]),
    /// Hashes that became known after the entries.
    Hashes(Vec<(u64, u128)>),
    /// Bytes of somebody else's making.
    Bytes(&'p [u8]),
}

/// What was kept, found undamaged.
#[derive(Debug)]
pub struct Found {
    file: File,
    length: u64,
    summary: Summary,
}

impl Found {
    /// Opens a file and looks through all of it; `None` if anything of it is not as it was written.
    pub fn open(path: &Path, key: &str) -> Option<Self> {
        let file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let mut found = Self { file, length, summary: Summary::default() };
        let mut end = None;
        found
            .frames(|frame, payload| {
                if end.is_some() {
                    return None;
                }
                if frame == Frame::End {
                    end = Some(unpack_end(payload, key)?);
                }
                Some(())
            })
            .filter(|()| end.is_some())?;
        found.summary = end.unwrap_or_default();
        Some(found)
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// What the whole layer came to.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Hands on what was written, piece by piece. `None` when the file was damaged since it was opened, or when `take`
    /// says that no more is wanted.
    pub fn read(&self, mut take: impl FnMut(Piece<'_>) -> Option<()>) -> Option<()> {
        self.frames(|frame, payload| match frame {
            Frame::Entries => take(Piece::Entries(payload)),
            Frame::Hashes => take(Piece::Hashes(unpack_hashes(payload)?)),
            Frame::Bytes => take(Piece::Bytes(payload)),
            Frame::End => Some(()),
        })
    }

    /// The bytes of somebody else's making.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.frames(|frame, payload| {
            if frame == Frame::Bytes {
                bytes.extend_from_slice(payload);
            }
            Some(())
        })?;
        Some(bytes)
    }

    fn frames(&self, mut visit: impl FnMut(Frame, &[u8]) -> Option<()>) -> Option<()> {
        let mut file = BufReader::with_capacity(128 * 1024, &self.file);
        file.seek(SeekFrom::Start(0)).ok()?;
        let (mut left, mut payload) = (self.length, Vec::new());
        while left > 0 {
            let frame = read_frame(&mut file, left, &mut payload)?;
            left = left.checked_sub((HEAD + payload.len()) as u64)?;
            visit(frame, &payload)?;
        }
        Some(())
    }
}
