//! Zstandard, one frame after the other, with the places noted at which frames begin: zstd:chunked has one for each file,
//! and some compressors one for each few MiB. Within a frame there is no place to begin: what it refers to may be several
//! MiB before. Format: RFC 8878. Knows no tar.

use std::io::{self, BufRead, Read};

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::points::{Point, Points};

/// Decompresses.
pub struct Unzstd<'p, R> {
    inner: R,
    decoder: Decoder<'static>,
    is_between: bool,
    /// Bytes taken of the stream and made of it, since its beginning.
    at: u64,
    out: u64,
    points: Option<&'p mut Points>,
}

impl<'p, R: BufRead> Unzstd<'p, R> {
    /// Begins at the beginning. Points are noted if they are asked for.
    ///
    /// # Errors
    /// The decoder does not start.
    pub fn new(inner: R, points: Option<&'p mut Points>) -> io::Result<Self> {
        Ok(Self { inner, decoder: Decoder::new()?, is_between: true, at: 0, out: 0, points })
    }

    /// Begins at a point, at which `inner` begins.
    ///
    /// # Errors
    /// The decoder does not start.
    pub fn resume(inner: R, point: &Point) -> io::Result<Self> {
        Ok(Self { at: point.at, out: point.out, ..Self::new(inner, None)? })
    }

    /// Bytes that were taken of the stream.
    pub fn taken(&self) -> u64 {
        self.at
    }
}

impl<R: BufRead> Read for Unzstd<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            let input = self.inner.fill_buf()?;
            if self.is_between {
                if input.is_empty() {
                    return Ok(0);
                }
                let (out, at) = (self.out, self.at);
                if let Some(points) = self.points.as_mut().filter(|points| out >= points.due()) {
                    points.note(Point { out, at, bits: 0, window: Vec::new() });
                }
                self.decoder.reinit()?;
            }
            let (mut from, mut to) = (InBuffer::around(input), OutBuffer::around(&mut *buffer));
            let is_end = self.decoder.run(&mut from, &mut to)? == 0;
            let (is_last, used, made) = (input.is_empty(), from.pos(), to.pos());
            self.inner.consume(used);
            self.at += used as u64;
            self.out += made as u64;
            self.is_between = is_end;
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
}
