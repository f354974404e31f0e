//! Where decompressing can begin within a frame of Zstandard: between two blocks, of which the first tells the offsets
//! and the second brings its tables along. Who begins there is given the window as a dictionary, which holds all that a
//! decoder remembers (RFC 8878 section 5), and a frame's header of our own. Knows no tar.

use std::io;

use super::points::{Point, Points};
use super::sequences::{Offsets, brings_its_own, offsets_behind};

/// Largest window that is kept. The usual levels of the encoders have 2 to 8 MiB.
const MOST_WINDOW: usize = 8 * 1024 * 1024;

/// Points are so many windows apart at least: what is kept is small beside what is decompressed.
const WINDOWS_APART: u64 = 32;

/// Most bytes that a block makes.
const MOST_BLOCK: usize = 128 * 1024;

/// Bytes before a point is due at which the offsets are looked for.
const FEW_BLOCKS: u64 = 4 * MOST_BLOCK as u64;

/// How windows are packed: fast rather than small.
const LEVEL: i32 = -3;

const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// The kind of a block that is neither plain nor one byte that stands for many.
const COMPRESSED: u8 = 2;

/// Flags of a frame's header (RFC 8878 section 3.1.1.1.1).
const HAS_CHECKSUM: u8 = 4;
const IS_SINGLE_SEGMENT: u8 = 32;

/// A dictionary's first bytes: the magic number, an id, and tables that no block asks for: literals of two symbols, and
/// one distribution of two equal shares for each of the three codes.
const DICTIONARY: [u8; 16] = [0x37, 0xa4, 0x30, 0xec, 1, 0, 0, 0, 0x80, 0x10, 0x10, 0x3f, 0x10, 0x3f, 0x10, 0x3f];

/// Bytes of what is kept before the window: the frame's flags and its window's size, the dictionary's head, the offsets.
const HEAD: usize = 2 + DICTIONARY.len() + 12;

/// Follows a frame from block to block, by what the decoder takes of it and makes.
pub struct Within<'p> {
    pub points: &'p mut Points,
    stage: Stage,
    /// The header that comes by, then the frame's flags and its window.
    head: Vec<u8>,
    flags: u8,
    descriptor: u8,
    window_size: usize,
    /// The decompressed byte at which the frame begins.
    begin: u64,
    kind: u8,
    is_last: bool,
    /// Whether the block is taken down, which is settled where it begins.
    is_wanted: bool,
    /// The bytes of the block that comes by, and the last ones that were made, where a point is near.
    block: Vec<u8>,
    made: Vec<u8>,
    offsets: Offsets,
    before: Option<Before>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In the frame's header, or in a block's.
    Frame,
    Header,
    Block(usize),
    /// Behind a block, of which not all was made yet.
    Behind,
    /// In what is not followed, until the next frame begins.
    Lost,
}

/// Behind a block that told the offsets.
#[derive(Clone, Copy)]
struct Before {
    out: u64,
    at: u64,
    offsets: [u32; 3],
}

impl<'p> Within<'p> {
    pub fn new(points: &'p mut Points) -> Self {
        Self {
            points,
            stage: Stage::Lost,
            head: Vec::new(),
            flags: 0,
            descriptor: 0,
            window_size: 0,
            begin: 0,
            kind: 0,
            is_last: false,
            is_wanted: false,
            block: Vec::new(),
            made: Vec::new(),
            offsets: Offsets::default(),
            before: None,
        }
    }

    /// A frame begins.
    pub fn begin(&mut self, out: u64, at: u64) {
        if out >= self.points.due() {
            self.points.note(Point { out, at, bits: 0, window: Vec::new() });
        }
        (self.stage, self.begin, self.before, self.offsets) = (Stage::Frame, out, None, Offsets::default());
        self.head.clear();
        self.made.clear();
    }

    /// Whether the decoder gets nothing more before all of the block was made.
    pub fn is_behind_block(&self) -> bool {
        self.stage == Stage::Behind
    }

    /// Bytes that the decoder may take before it is asked again.
    pub fn until(&self) -> usize {
        match self.stage {
            Stage::Frame => self.frame_header().saturating_sub(self.head.len()),
            Stage::Header => 3_usize.saturating_sub(self.head.len()),
            Stage::Block(left) => left,
            Stage::Behind => 0,
            Stage::Lost => usize::MAX,
        }
    }

    /// The decoder took bytes, and made some, of which `out` is the last one's end.
    pub fn pass(&mut self, taken: &[u8], made: &[u8], out: u64) {
        if !made.is_empty() && self.is_near(out, self.window_size as u64 + FEW_BLOCKS) {
            let most = self.window_size + MOST_BLOCK;
            if self.made.len() + made.len() > 2 * most {
                self.made.drain(..self.made.len().saturating_sub(most));
            }
            self.made.extend_from_slice(made);
        }
        match &mut self.stage {
            Stage::Frame | Stage::Header => {
                self.head.extend_from_slice(taken);
                if self.until() == 0 {
                    self.stage = if self.stage == Stage::Frame { self.open() } else { self.next_block() };
                }
            }
            Stage::Block(left) => {
                *left = left.saturating_sub(taken.len());
                let is_end = *left == 0;
                if self.is_wanted {
                    self.block.extend_from_slice(taken);
                }
                if is_end {
                    self.stage = self.behind();
                }
            }
            Stage::Behind | Stage::Lost => {}
        }
    }

    /// All of the block was made: up to this byte, of what was taken up to that one.
    pub fn behind_block(&mut self, out: u64, at: u64) {
        self.stage = Stage::Header;
        let block = if self.kind == COMPRESSED { self.block.as_slice() } else { &[] };
        if let Some(before) = self.before.take().filter(|_| brings_its_own(block))
            && let Some(window) = self.window(out - before.out, before.offsets)
        {
            self.points.note(Point { out: before.out, at: before.at, bits: 0, window });
            self.made.clear();
        }
        self.offsets = match self.kind {
            _ if !self.is_near(out, FEW_BLOCKS) => Offsets::default(),
            COMPRESSED => offsets_behind(block, self.offsets).unwrap_or_default(),
            // What is not compressed has no sequences.
            _ => self.offsets,
        };
        if let [Some(first), Some(second), Some(third)] = self.offsets {
            self.before = Some(Before { out, at, offsets: [first, second, third] });
        }
        self.block.clear();
    }

    /// Whether a point is wanted before so many bytes more were made.
    fn is_near(&self, out: u64, ahead: u64) -> bool {
        let window = self.window_size as u64;
        let due = self.points.due().max(self.points.last().max(self.begin) + WINDOWS_APART * window);
        self.stage != Stage::Lost && window > 0 && out + ahead >= due
    }

    /// Bytes of the frame's header, as far as they are known.
    fn frame_header(&self) -> usize {
        let Some(flags) = self.head.get(4) else { return 5 };
        let is_single = flags & IS_SINGLE_SEGMENT != 0;
        let size = [usize::from(is_single), 2, 4, 8][usize::from(flags >> 6)];
        5 + usize::from(!is_single) + [0, 1, 2, 4][usize::from(flags & 3)] + size
    }

    fn open(&mut self) -> Stage {
        self.window_size = 0;
        let (flags, descriptor) = (self.head[4], self.head.get(5).copied().unwrap_or_default());
        // What is one piece is as large as its window, and dictionaries nobody has.
        if !self.head.starts_with(&MAGIC) || flags & IS_SINGLE_SEGMENT != 0 || flags & 3 != 0 {
            return Stage::Lost;
        }
        let base = 1_u64 << (10 + (descriptor >> 3));
        let size = base + base / 8 * u64::from(descriptor & 7);
        let Some(size) = usize::try_from(size).ok().filter(|size| *size <= MOST_WINDOW) else { return Stage::Lost };
        (self.flags, self.descriptor, self.window_size) = (flags, descriptor, size);
        self.head.clear();
        Stage::Header
    }

    fn next_block(&mut self) -> Stage {
        let number = self.head.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte));
        let first = self.head.first().copied().unwrap_or_default();
        self.head.clear();
        (self.is_last, self.kind, self.is_wanted) = (first & 1 == 1, first >> 1 & 3, !self.made.is_empty());
        // One byte stands for a block of equal ones.
        let size = if self.kind == 1 { 1 } else { number >> 3 };
        if size == 0 { self.behind() } else { Stage::Block(size) }
    }

    fn behind(&self) -> Stage {
        if self.is_last { Stage::Lost } else { Stage::Behind }
    }

    /// The window at a point, before the last bytes that were made, with what a decoder needs beside it, packed.
    fn window(&self, since: u64, offsets: [u32; 3]) -> Option<Vec<u8>> {
        let end = self.made.len().checked_sub(usize::try_from(since).ok()?)?;
        let window = &self.made[end.checked_sub(self.window_size)?..end];
        let is_within = |offset: &u32| (1..=window.len()).contains(&(*offset as usize));
        if !offsets.iter().all(is_within) {
            return None;
        }
        let offsets = offsets.map(u32::to_le_bytes);
        let whole = [&[self.flags, self.descriptor], &DICTIONARY[..], offsets.as_flattened(), window].concat();
        zstd::bulk::compress(&whole, LEVEL).ok()
    }
}

/// What begins at a point within a frame.
pub struct Begin {
    /// The header of a frame, which the decoder is given first.
    pub header: [u8; 6],
    pub dictionary: Vec<u8>,
    /// Bytes behind the frame that are no part of ours.
    pub behind: u64,
}

/// What a point's window says.
pub fn begin(window: &[u8]) -> io::Result<Begin> {
    let mut whole = zstd::bulk::decompress(window, MOST_WINDOW + HEAD)?;
    let (Some(&flags), Some(&descriptor), true) = (whole.first(), whole.get(1), whole.len() > HEAD) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a point of no known form"));
    };
    let [one, two, three, four] = MAGIC;
    let behind = if flags & HAS_CHECKSUM == 0 { 0 } else { 4 };
    whole.drain(..2);
    Ok(Begin { header: [one, two, three, four, 0, descriptor], dictionary: whole, behind })
}
