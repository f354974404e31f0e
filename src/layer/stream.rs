//! A tar's bytes as they come: one after the other, or from a place where what nobody wants need not be read at all.
//! Knows no header.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::header::BLOCK;

/// Read at once by streams, and where all of it is sure to be wanted.
const MOST: usize = 256 * 1024;

/// Read at once after a step over bytes: a header, and behind it the beginning of contents that tells most data from
/// text, so that most large files take one call.
const LEAST: usize = 3 * 1024;

/// Read at once at most where nobody said what is wanted: what is left out behind it was copied for nothing, and copying
/// this much takes as long as another call.
const AHEAD: usize = 16 * 1024;

/// Contents of no more than this are read at once, with the header behind them: another call costs more than copying
/// them.
const SMALL: usize = 12 * 1024;

/// Bytes in order, of which some may be left out.
pub trait Stream: BufRead {
    /// Whether what is left out can still be read later, from where it lies.
    const IN_PLACE: bool;

    /// Leaves out so many bytes; returns how many there were.
    ///
    /// # Errors
    /// Whatever reading gives.
    fn leave_out(&mut self, bytes: u64) -> io::Result<u64>;

    /// Says that so many of the next bytes are wanted, which makes reading more at once worth while.
    fn expect(&mut self, _bytes: u64) {}

    /// A hash of the next `size` bytes, all of them or their beginning, where it is known without reading them. All
    /// layers of an image that know some know the same kind.
    ///
    /// # Errors
    /// Whatever reading gives.
    fn known_head(&mut self, _size: u64) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

/// Bytes that go by.
pub fn passing<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(MOST, reader)
}

impl<R: Read> Stream for BufReader<R> {
    const IN_PLACE: bool = false;

    fn leave_out(&mut self, bytes: u64) -> io::Result<u64> {
        let mut left = bytes;
        while left > 0 {
            let available = self.fill_buf()?.len();
            if available == 0 {
                break;
            }
            let part = usize::try_from(left).map_or(available, |left| left.min(available));
            self.consume(part);
            left -= part as u64;
        }
        Ok(bytes - left)
    }
}

/// Bytes in a place of known length. Steps over what is left out; reads little after a step and ever more without one.
pub struct Hopping<R> {
    place: R,
    /// Bytes of the place behind what is buffered.
    behind: u64,
    buffer: Vec<u8>,
    /// What is buffered and not consumed yet.
    next: usize,
    end: usize,
    window: usize,
    /// Bytes behind what is buffered that are sure to be wanted.
    wanted: u64,
}

impl<R: Read + Seek> Hopping<R> {
    /// The next `length` bytes of `place`.
    pub fn new(place: R, length: u64) -> Self {
        Self { place, behind: length, buffer: Vec::new(), next: 0, end: 0, window: LEAST, wanted: 0 }
    }

    /// Says that the next `bytes` are wanted, and perhaps nothing behind them.
    pub fn want(&mut self, bytes: u64) {
        self.wanted = bytes.saturating_sub((self.end - self.next) as u64);
    }
}

impl<R: Read> Read for Hopping<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let read = available.len().min(bytes.len());
        bytes[..read].copy_from_slice(&available[..read]);
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Hopping<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.next == self.end {
            let window = match self.wanted {
                0 => self.window,
                wanted => usize::try_from(wanted).map_or(MOST, |wanted| wanted.min(MOST)),
            };
            if self.buffer.len() < window {
                self.buffer.resize(window, 0);
            }
            let most = usize::try_from(self.behind).map_or(window, |behind| behind.min(window));
            let read = self.place.read(&mut self.buffer[..most])?;
            // A place that turns out shorter has nothing behind its end.
            self.behind = if read == 0 { 0 } else { self.behind - read as u64 };
            self.wanted = self.wanted.saturating_sub(read as u64);
            (self.next, self.end) = (0, read);
            self.window = (self.window * 2).min(AHEAD);
        }
        Ok(&self.buffer[self.next..self.end])
    }

    fn consume(&mut self, bytes: usize) {
        self.next = (self.next + bytes).min(self.end);
    }
}

impl<R: Read + Seek> Stream for Hopping<R> {
    const IN_PLACE: bool = true;

    fn leave_out(&mut self, bytes: u64) -> io::Result<u64> {
        let buffered = (self.end - self.next) as u64;
        if bytes <= buffered {
            self.next += usize::try_from(bytes).unwrap_or_default();
            return Ok(bytes);
        }
        let step = (bytes - buffered).min(self.behind);
        self.place.seek(SeekFrom::Current(step.cast_signed()))?;
        self.behind -= step;
        self.wanted = self.wanted.saturating_sub(step);
        self.next = self.end;
        self.window = LEAST;
        Ok(buffered + step)
    }

    fn expect(&mut self, bytes: u64) {
        let all = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(BLOCK);
        if bytes > (self.end - self.next) as u64 && all <= SMALL {
            self.window = self.window.max(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place that counts what is read of it.
    struct Counted<'c>(io::Cursor<Vec<u8>>, &'c std::cell::Cell<usize>);

    impl Read for Counted<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes).inspect(|read| self.1.set(self.1.get() + read))
        }
    }

    impl Seek for Counted<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn hopping_reads_what_passing_reads_and_little_of_what_is_left_out() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251).to_le_bytes()[0]).collect();
        let steps = [3_u64, 0, 700, 5, 300_000, 2, 100, 400_000, 512];
        let read = std::cell::Cell::new(0);
        let mut passing = passing(&bytes[..]);
        let mut hopping = Hopping::new(Counted(io::Cursor::new(bytes.clone()), &read), bytes.len() as u64);
        for step in steps {
            let (mut one, mut other) = ([0; 512], [0; 512]);
            passing.read_exact(&mut one).unwrap();
            hopping.read_exact(&mut other).unwrap();
            assert_eq!(one, other);
            assert_eq!(passing.leave_out(step).unwrap(), step);
            assert_eq!(hopping.leave_out(step).unwrap(), step);
        }
        assert!(read.get() < 40_000, "{}", read.get());
        // Both tell how much there was when more is left out than there is.
        assert_eq!(passing.leave_out(u64::MAX).unwrap(), hopping.leave_out(u64::MAX).unwrap());
        assert_eq!(hopping.read(&mut [0; 8]).unwrap(), 0);
    }
}
