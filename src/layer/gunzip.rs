//! Gzip, one member after the other, with the places noted at which one could begin in the middle.
//! Format: RFC 1952. Knows no tar.

use std::io::{self, BufRead, Read};

use zlib_rs::{Inflate, InflateFlush, Status};
use zstd::bulk::Compressor;

use super::bits::{self, ENOUGH, Place, SAME, WINDOW};
use super::points::{Point, Points};

/// Flags of a member's header (RFC 1952 section 2.3.1).
const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

/// Decompressed bytes until it is tried again where a place did not turn out to be one alone: trying takes as long as a few
/// of them.
const PAUSE: u64 = 1024 * 1024;

/// Where in the stream reading is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a member, or at the end.
    Between,
    /// In a member. Its checksum is known as far as it was read from its beginning.
    Member(Option<u32>),
}

/// Decompresses.
pub struct Gunzip<'p, R> {
    inner: R,
    inflate: Inflate,
    state: State,
    /// Bytes taken of the stream and made of it, since its beginning.
    at: u64,
    out: u64,
    /// Bytes that the member made.
    member: u64,
    is_first: bool,
    notes: Option<Notes<'p>>,
}

struct Notes<'p> {
    points: &'p mut Points,
    /// The last bytes that were taken, and the last ones that were made, where a point is near.
    before: Vec<u8>,
    window: Vec<u8>,
    trial: Option<Inflate>,
    packer: Option<Compressor<'static>>,
    /// One behind a block that may be the last one: then what follows is no block.
    found: Option<Point>,
    /// From where on it is tried again.
    again: u64,
}

impl<'p, R: BufRead> Gunzip<'p, R> {
    /// Begins at the beginning. Points are noted if they are asked for.
    pub fn new(inner: R, points: Option<&'p mut Points>) -> Self {
        let notes = points.map(|points| Notes {
            points,
            before: Vec::new(),
            window: Vec::with_capacity(2 * WINDOW),
            found: None,
            again: 0,
            trial: None,
            packer: None,
        });
        Self {
            inner,
            inflate: Inflate::new(false, 15),
            state: State::Between,
            at: 0,
            out: 0,
            member: 0,
            is_first: true,
            notes,
        }
    }

    /// Begins at a point. `inner` begins at the byte of [`Point::first`].
    ///
    /// # Errors
    /// The point is none.
    pub fn resume(mut inner: R, point: &Point) -> io::Result<Self> {
        let mut last = [0];
        inner.read_exact(&mut last[..usize::from(point.bits > 0)])?;
        let mut resumed = Self { at: point.at, out: point.out, is_first: false, ..Self::new(inner, None) };
        if !point.window.is_empty() {
            let window = zstd::bulk::decompress(&point.window, WINDOW)?;
            bits::begin(&mut resumed.inflate, &window, last[0], point.bits).map_err(|_error| corrupt())?;
            resumed.state = State::Member(None);
        }
        Ok(resumed)
    }

    /// Bytes that were taken of the stream.
    pub fn taken(&self) -> u64 {
        self.at
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.inner.read_exact(&mut byte)?;
        self.at += 1;
        Ok(byte[0])
    }

    fn number(&mut self, bytes: u32) -> io::Result<u32> {
        let mut number = 0;
        for place in 0..bytes {
            number |= u32::from(self.byte()?) << (8 * place);
        }
        Ok(number)
    }

    /// Reads a member's header; `false` at the end.
    fn header(&mut self) -> io::Result<bool> {
        if self.inner.fill_buf()?.is_empty() && !self.is_first {
            return Ok(false);
        }
        if let Some(notes) = self.notes.as_mut().filter(|notes| self.out >= notes.points.due()) {
            notes.points.note(Point { out: self.out, at: self.at, bits: 0, window: Vec::new() });
        }
        if self.number(3)? != 0x0008_8b1f {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "invalid gzip header"));
        }
        let flags = self.byte()?;
        // Time, level and system.
        self.number(4)?;
        self.number(2)?;
        if flags & HAS_EXTRA != 0 {
            for _ in 0..self.number(2)? {
                self.byte()?;
            }
        }
        for text in [HAS_NAME, HAS_COMMENT] {
            while flags & text != 0 && self.byte()? != 0 {}
        }
        if flags & HAS_CHECKSUM != 0 {
            self.number(2)?;
        }
        self.inflate.reset(false);
        (self.state, self.is_first, self.member) = (State::Member(Some(0)), false, 0);
        Ok(true)
    }

    /// Reads what follows a member.
    fn trailer(&mut self, checksum: Option<u32>) -> io::Result<()> {
        let (stated, size) = (self.number(4)?, self.number(4)?);
        let is_whole = u64::from(size) == self.member & 0xffff_ffff;
        let is_right = checksum.is_none_or(|checksum| checksum == stated && is_whole);
        self.state = State::Between;
        if is_right {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "corrupt gzip stream does not have a matching checksum"))
        }
    }

    /// Decompresses into `buffer`, perhaps nothing; whether the member ends.
    fn step(&mut self, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        let (input, length) = (self.inner.fill_buf()?, buffer.len());
        let before_due = self.notes.as_ref().map_or(u64::MAX, |notes| notes.due().saturating_sub(self.out));
        let is_due = before_due == 0;
        // Until then it stops nowhere but for want of room.
        let most = usize::try_from(before_due).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
        let buffer = &mut buffer[..most.min(length)];
        let flush = if is_due { InflateFlush::Block } else { InflateFlush::NoFlush };
        let (from, to) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, buffer, flush).map_err(|_error| corrupt())?;
        let used = usize::try_from(self.inflate.total_in() - from).unwrap_or_default();
        let made = usize::try_from(self.inflate.total_out() - to).unwrap_or_default();
        if used == 0 && made == 0 && status != Status::StreamEnd && input.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += used as u64;
        self.out += made as u64;
        self.member += made as u64;
        if let Some(notes) = &mut self.notes {
            let goes_on = used > 0 || made > 0 || status != Status::StreamEnd;
            if let Some(point) = notes.found.take().filter(|_| goes_on) {
                notes.points.note(point);
            }
            notes.made(&buffer[..made], self.out);
            // It stops between two blocks, or for want of bytes or of room.
            let is_between = is_due && status == Status::Ok && used < input.len() && made < buffer.len();
            notes.used(&input[..used]);
            if is_between && self.out >= notes.due() {
                notes.find(&input[used..], self.at, self.out);
            }
        }
        self.inner.consume(used);
        Ok((made, status == Status::StreamEnd))
    }
}

impl<R: BufRead> Read for Gunzip<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            let State::Member(checksum) = self.state else {
                if self.header()? {
                    continue;
                }
                return Ok(0);
            };
            let (made, is_end) = self.step(buffer)?;
            let checksum = checksum.map(|checksum| crc32(checksum, &buffer[..made]));
            self.state = State::Member(checksum);
            if is_end {
                self.trailer(checksum)?;
            }
            if made > 0 {
                return Ok(made);
            }
        }
        Ok(0)
    }
}

impl Notes<'_> {
    /// The decompressed byte from which on a point is looked for.
    fn due(&self) -> u64 {
        self.points.due().max(self.again)
    }

    fn used(&mut self, bytes: &[u8]) {
        keep_last(&mut self.before, bytes, SAME);
    }

    /// Remembers what may be a point's window.
    fn made(&mut self, bytes: &[u8], out: u64) {
        if out + WINDOW as u64 >= self.due() {
            keep_last(&mut self.window, bytes, WINDOW);
        }
    }

    fn find(&mut self, behind: &[u8], at: u64, out: u64) {
        // There are other places, and most of them are in the middle of what is known.
        let Some(behind) = behind.get(..ENOUGH) else { return };
        let trial = self.trial.get_or_insert_with(|| Inflate::new(false, 15));
        let place = Place { before: &self.before, behind, window: &self.window };
        let Some(bits) = place.bits(trial) else {
            self.again = out + PAUSE;
            return;
        };
        if self.packer.is_none() {
            self.packer = Compressor::new(1).ok();
        }
        let Some(Ok(window)) = self.packer.as_mut().map(|packer| packer.compress(&self.window)) else { return };
        self.found = Some(Point { out, at, bits, window });
    }
}

/// Appends bytes, and forgets all but the last `most`.
fn keep_last(kept: &mut Vec<u8>, bytes: &[u8], most: usize) {
    let bytes = &bytes[bytes.len().saturating_sub(most)..];
    kept.drain(..(kept.len() + bytes.len()).saturating_sub(most).min(kept.len()));
    kept.extend_from_slice(bytes);
}

/// The checksum of what had another one, and of what follows it.
fn crc32(before: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(bytes);
    hasher.finalize()
}

fn corrupt() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "corrupt deflate stream")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;
    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;

    use super::*;

    /// Points as near one another as blocks allow.
    fn dense() -> Points {
        Points::every(1)
    }

    fn all(mut from: impl Read) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).map(|_| bytes)
    }

    /// What reads as text, as numbers, as noise or as nothing.
    fn mixed(pieces: &[(u8, u32)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut state = 1_u32;
        for (kind, length) in pieces {
            for place in 0..*length {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let random = state.to_be_bytes()[0];
                bytes.push(match kind % 4 {
                    0 => b"etaoin shrdlu"[usize::from(random) % 13],
                    1 => (place / 64).to_le_bytes()[0] ^ (random & 3),
                    2 => random,
                    _ => 0,
                });
            }
        }
        bytes
    }

    fn pack(bytes: &[u8], level: u32, member: usize, flushed: bool) -> Vec<u8> {
        let mut packed = Vec::new();
        for (number, part) in bytes.chunks(member).enumerate() {
            let header = if number.is_multiple_of(2) {
                GzBuilder::new().filename("name").comment("comment").extra(&b"extra"[..])
            } else {
                GzBuilder::new()
            };
            let mut encoder = header.write(packed, Compression::new(level));
            for part in part.chunks(100_000) {
                encoder.write_all(part).unwrap();
                if flushed {
                    encoder.flush().unwrap();
                }
            }
            packed = encoder.finish().unwrap();
        }
        packed
    }

    /// Reads from every point to the end; returns how many there are.
    fn same_from_every_point(plain: &[u8], packed: &[u8], points: &Points) -> usize {
        for point in points.all() {
            let place = usize::try_from(point.out).unwrap();
            let from = usize::try_from(point.first()).unwrap();
            let resumed = all(Gunzip::resume(&packed[from..], point).unwrap()).unwrap();
            assert!(resumed == plain[place..], "from byte {place}, {} bits", point.bits);
        }
        points.all().len()
    }

    #[test]
    fn every_kind_of_contents_has_points() {
        for (kind, levels, least) in [(0, &[3, 6, 9][..], 1), (1, &[3, 6, 9], 1), (2, &[0, 3, 6, 9], 4)] {
            let plain = mixed(&[(kind, 1_500_000)]);
            // What packs fastest makes one block of everything.
            for &level in levels {
                let (packed, mut points) = (pack(&plain, level, usize::MAX, false), dense());
                assert!(all(Gunzip::new(&packed[..], Some(&mut points))).unwrap() == plain);
                let found = same_from_every_point(&plain, &packed, &points);
                assert!(found >= least, "{found} points, contents of kind {kind}, level {level}");
            }
        }
    }

    #[test]
    fn points_are_as_far_apart_as_they_should_be() {
        for kind in 0..3 {
            let plain = mixed(&[(kind, 3_000_000)]);
            let (packed, mut points) = (pack(&plain, 6, usize::MAX, false), Points::every(200_000));
            let mut read = vec![0; plain.len() + 1];
            let mut gunzip = Gunzip::new(&packed[..], Some(&mut points));
            let mut length = 0;
            while length < plain.len() {
                length += gunzip.read(&mut read[length..]).unwrap();
            }
            assert!(read[..length] == plain);
            let steps = points.all().windows(2).map(|pair| pair[1].out - pair[0].out);
            assert!(steps.clone().all(|step| step >= 200_000), "kind {kind}: {:?}", steps.collect::<Vec<_>>());
            assert!(same_from_every_point(&plain, &packed, &points) >= 4, "kind {kind}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_is_read_from_a_point_is_what_is_read_from_the_beginning(
            pieces in prop::collection::vec((any::<u8>(), 1_u32..200_000), 1..8),
            level in prop_oneof![1 => Just(0_u32), 1 => Just(1), 6 => 2_u32..10],
            member in prop_oneof![Just(usize::MAX), 10_000_usize..300_000],
            flushed in any::<bool>(),
            step in 1_usize..300_000,
            span in prop_oneof![Just(1), 20_000_u64..200_000],
        ) {
            let plain = mixed(&pieces);
            let (packed, mut points) = (pack(&plain, level, member, flushed), Points::every(span));
            let mut gunzip = Gunzip::new(io::BufReader::with_capacity(40_000, &packed[..]), Some(&mut points));
            let (mut read, mut part) = (Vec::new(), vec![0; step]);
            loop {
                match gunzip.read(&mut part).unwrap() {
                    0 => break,
                    some => read.extend_from_slice(&part[..some]),
                }
            }
            prop_assert!(read == plain);
            prop_assert_eq!(gunzip.taken(), packed.len() as u64);
            same_from_every_point(&plain, &packed, &points);
        }
    }

    #[test]
    fn damage_is_found() {
        let plain = mixed(&[(0, 300_000)]);
        let packed = pack(&plain, 6, 100_000, false);
        let read = |packed: &[u8]| all(Gunzip::new(packed, None));
        assert_eq!(read(&packed[..packed.len() - 3]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(read(&packed[..packed.len() / 2]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(read(&[&packed[..], b"more"].concat()).is_err());
        assert!(read(b"").is_err());
        for place in [packed.len() - 5, packed.len() - 1] {
            let mut damaged = packed.clone();
            damaged[place] ^= 1;
            assert!(read(&damaged).unwrap_err().to_string().contains("checksum"));
        }
    }

    #[test]
    fn a_point_that_is_none_is_an_error() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&mixed(&[(0, 100_000)])).unwrap();
        let packed = packed.finish().unwrap();
        for window in [vec![1, 2, 3], zstd::bulk::compress(&vec![7; 40_000], 1).unwrap()] {
            assert!(Gunzip::resume(&packed[..], &Point { out: 9, at: 20, bits: 3, window }).is_err());
        }
        assert!(Gunzip::resume(&b""[..], &Point { out: 9, at: 20, bits: 3, window: Vec::new() }).is_err());
    }
}
