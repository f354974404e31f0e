//! Zstandard, one frame after the other, with the places noted at which frames begin: zstd:chunked has one for each file,
//! and some compressors one for each few MiB. Most write a single frame; in that the places are between blocks. Format:
//! RFC 8878. Knows no tar.

use std::io::{self, BufRead, Read};

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::points::{Point, Points};
use super::within::{self, Begin, Within};

/// Decompresses.
pub struct Unzstd<'p, R> {
    inner: R,
    decoder: Decoder<'static>,
    is_between: bool,
    /// Bytes taken of the stream and made of it, since its beginning.
    at: u64,
    out: u64,
    notes: Option<Within<'p>>,
    /// In a frame that was begun within: the bytes behind it that the decoder is not given.
    behind: Option<u64>,
}

impl<'p, R: BufRead> Unzstd<'p, R> {
    /// Begins at the beginning. Points are noted if they are asked for.
    ///
    /// # Errors
    /// The decoder does not start.
    pub fn new(inner: R, points: Option<&'p mut Points>) -> io::Result<Self> {
        let (decoder, notes) = (Decoder::new()?, points.map(Within::new));
        Ok(Self { inner, decoder, is_between: true, at: 0, out: 0, notes, behind: None })
    }

    /// Begins at a point, at which `inner` begins.
    ///
    /// # Errors
    /// The decoder does not start, or the point is of no known form.
    pub fn resume(inner: R, point: &Point) -> io::Result<Self> {
        let new = Self { at: point.at, out: point.out, ..Self::new(inner, None)? };
        if point.window.is_empty() {
            return Ok(new);
        }
        let Begin { header, dictionary, behind } = within::begin(&point.window)?;
        let mut decoder = Decoder::with_dictionary(&dictionary)?;
        decoder.run(&mut InBuffer::around(&header), &mut OutBuffer::around(&mut [][..]))?;
        Ok(Self { decoder, is_between: false, behind: Some(behind), ..new })
    }

    /// Bytes that were taken of the stream.
    pub fn taken(&self) -> u64 {
        self.at
    }

    /// Behind a frame that was begun within.
    fn leave(&mut self, behind: u64) -> io::Result<()> {
        // The next one knows no window.
        self.decoder = Decoder::new()?;
        self.at += io::copy(&mut self.inner.by_ref().take(behind), &mut io::sink())?;
        Ok(())
    }
}

impl<R: BufRead> Read for Unzstd<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            let is_behind_block = self.notes.as_ref().is_some_and(Within::is_behind_block);
            let mut input = if is_behind_block { &[] } else { self.inner.fill_buf()? };
            let is_last = input.is_empty() && !is_behind_block;
            if self.is_between {
                if is_last {
                    return Ok(0);
                }
                if let Some(notes) = &mut self.notes {
                    notes.begin(self.out, self.at);
                }
                self.decoder.reinit()?;
            }
            if let Some(notes) = &self.notes {
                input = &input[..notes.until().min(input.len())];
            }
            let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(&mut *buffer));
            let is_end = self.decoder.run(&mut from, &mut to)? == 0;
            let (used, made) = (from.pos(), to.pos());
            self.at += used as u64;
            self.out += made as u64;
            if let Some(notes) = &mut self.notes {
                notes.pass(&input[..used], &buffer[..made], self.out);
                if is_behind_block && made == 0 {
                    notes.behind_block(self.out, self.at);
                }
            }
            self.inner.consume(used);
            self.is_between = is_end;
            if is_end && let Some(behind) = self.behind.take() {
                self.leave(behind)?;
            }
            if made > 0 {
                return Ok(made);
            }
            if is_last && !is_end {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "incomplete frame"));
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn frames() -> (Vec<u8>, Vec<u8>) {
        let (mut plain, mut packed) = (Vec::new(), Vec::new());
        for number in 0..20_u8 {
            let part: Vec<u8> = (0..90_000_u32).map(|place| place.to_le_bytes()[1] ^ number).collect();
            packed.extend(zstd::encode_all(&part[..], 3).unwrap());
            // A skippable frame, as zstd:chunked writes them.
            packed.extend([0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
            plain.extend(part);
        }
        (plain, packed)
    }

    #[test]
    fn frames_are_read_and_each_is_a_point() {
        let (plain, packed) = frames();
        let mut points = Points::every(1);
        let mut read = Vec::new();
        let from = io::BufReader::with_capacity(1000, &packed[..]);
        Unzstd::new(from, Some(&mut points)).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == plain);
        assert!(points.all().len() >= 19);
        for point in points.all() {
            let (from, place) = (usize::try_from(point.first()).unwrap(), usize::try_from(point.out).unwrap());
            read.clear();
            Unzstd::resume(&packed[from..], point).unwrap().read_to_end(&mut read).unwrap();
            assert!(read == plain[place..]);
        }
    }

    #[test]
    fn what_ends_early_is_an_error() {
        let (_, packed) = frames();
        let read = |packed: &[u8]| Unzstd::new(packed, None).unwrap().read_to_end(&mut Vec::new());
        assert!(read(&packed).is_ok());
        assert_eq!(read(&packed[..packed.len() - 20]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(read(&[&packed[..], b"more than that"].concat()).is_err());
    }

    /// Text of words that come again, near and far, in letters that change as from file to file.
    fn text(bytes: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let words: Vec<Vec<u8>> =
            (0..5000).map(|_| (0..3 + next() % 9).map(|_| b"etaoinshrdlu"[next() as usize % 12]).collect()).collect();
        let mut text = Vec::with_capacity(bytes);
        while text.len() < bytes {
            let word = next() as usize % words.len();
            let shift = u8::try_from(text.len() / 150_000 * 7 % 23).unwrap();
            text.extend(words[if next() % 3 == 0 { word } else { word % 100 }].iter().map(|letter| letter + shift));
            text.push(b' ');
        }
        text
    }

    fn frame(plain: &[u8], level: i32, window_log: u32, checksum: bool) -> Vec<u8> {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), level).unwrap();
        encoder.window_log(window_log).unwrap();
        encoder.include_checksum(checksum).unwrap();
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_frame_is_begun_within() {
        let plain = text(12_000_000);
        for (level, checksum, log) in [(1, false, 17), (3, true, 17), (7, true, 18), (13, false, 17)] {
            let mut packed = frame(&plain, level, log, checksum);
            let first = packed.len();
            packed.extend(frame(&plain[..500_000], 3, 17, true));
            let whole = [&plain[..], &plain[..500_000]].concat();
            let (mut points, mut read) = (Points::every(1), Vec::new());
            let from = io::BufReader::with_capacity(10_000, &packed[..]);
            Unzstd::new(from, Some(&mut points)).unwrap().read_to_end(&mut read).unwrap();
            assert!(read == whole, "level {level}");
            let within = points.all().iter().filter(|point| !point.window.is_empty());
            // One is wanted for each 16 windows; blocks that are alike share their tables, and then not every place serves.
            assert!(within.clone().count() > 0, "level {level}");
            for point in within {
                let (from, place) = (usize::try_from(point.first()).unwrap(), usize::try_from(point.out).unwrap());
                assert!(from > 0 && from < first && point.window.len() < 1 << log);
                read.clear();
                let from = io::BufReader::with_capacity(3000, &packed[from..]);
                Unzstd::resume(from, point).unwrap().read_to_end(&mut read).unwrap();
                assert!(read == whole[place..], "level {level} at {place}");
            }
        }
    }

    #[test]
    fn what_says_nothing_of_use_is_no_point() {
        for window in [vec![1, 2, 3], zstd::bulk::compress(&[4; 20], 1).unwrap()] {
            assert!(Unzstd::resume(&b""[..], &Point { out: 9, at: 20, bits: 0, window }).is_err());
        }
    }
}
