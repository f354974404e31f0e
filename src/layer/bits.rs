//! Where a deflate block begins within a byte, and how decompressing can begin there. The decompressor that is used stops
//! between blocks and does not tell how many bits of the last byte it left, and it begins at whole bytes only.
//! Format: RFC 1951, section 3.2. Knows no gzip.

use zlib_rs::{Inflate, InflateFlush, Status};

/// How far back deflate refers.
pub const WINDOW: usize = 32 * 1024;

/// Compressed bytes that must be known behind a place before it is told how it begins.
pub const ENOUGH: usize = 16 * 1024;

/// Decompressed bytes after which what did not turn out wrong is right.
const SURE: usize = 8 * 1024;

/// Stored bytes are recognized by so many of them, of which so many differ from one another: what is packed of a run of
/// zeros may be zeros, too.
pub const SAME: usize = 32;
const DIFFERENT: usize = 8;

/// A compressed stream's neighbourhood of a place between two blocks.
pub struct Place<'p> {
    /// Some bytes before it, the last one perhaps used in part.
    pub before: &'p [u8],
    /// The bytes behind it, [`ENOUGH`] of them.
    pub behind: &'p [u8],
    /// What was decompressed last.
    pub window: &'p [u8],
}

impl Place<'_> {
    /// Bits of the last byte that are not used yet: the only number with which what comes next is deflate. `None` where
    /// several are possible.
    pub fn bits(&self, trial: &mut Inflate) -> Option<u8> {
        let last = *self.before.last()?;
        let mut fits = (0..8).filter(|bits| self.fits(trial, last, *bits));
        let first = fits.next()?;
        // Stored bytes end with a byte; and what follows stored bytes mostly is stored as well, in which case a bit of
        // them more or less may make no difference to the next header.
        (fits.next().is_none() || (first == 0 && self.is_stored())).then_some(first)
    }

    /// Whether the last bytes went by as they are.
    fn is_stored(&self) -> bool {
        let Some(last) = self.before.last_chunk::<SAME>() else { return false };
        let mut different = *last;
        different.sort_unstable();
        let different = 1 + different.windows(2).filter(|pair| pair[0] != pair[1]).count();
        self.window.ends_with(last) && different >= DIFFERENT
    }

    fn fits(&self, trial: &mut Inflate, last: u8, bits: u8) -> bool {
        if begin(trial, self.window, last, bits).is_err() {
            return false;
        }
        let (mut scratch, mut filled, mut used) = ([0; SURE], 0, 0);
        while filled < SURE {
            let (from, to) = (trial.total_in(), trial.total_out());
            match trial.decompress(&self.behind[used..], &mut scratch[filled..], InflateFlush::NoFlush) {
                Ok(Status::StreamEnd) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
            used += usize::try_from(trial.total_in() - from).unwrap_or_default();
            filled += usize::try_from(trial.total_out() - to).unwrap_or_default();
            if used == self.behind.len() || (from, to) == (trial.total_in(), trial.total_out()) {
                // Nothing was wrong so far.
                return true;
            }
        }
        true
    }
}

/// Begins in the middle: behind `window`, with the highest `bits` bits of the byte `last` still to be used.
///
/// # Errors
/// They are no beginning.
pub fn begin(inflate: &mut Inflate, window: &[u8], last: u8, bits: u8) -> Result<(), zlib_rs::InflateError> {
    inflate.reset(false);
    if !window.is_empty() {
        inflate.set_dictionary(window)?;
    }
    let lead = lead(last, bits);
    let mut used = 0;
    while used < lead.len() {
        let from = inflate.total_in();
        // Blocks of nothing need no room. What a last byte may make at once is less than this.
        let status = inflate.decompress(&lead[used..], &mut [], InflateFlush::NoFlush)?;
        let step = usize::try_from(inflate.total_in() - from).unwrap_or_default();
        if step == 0 || status == Status::StreamEnd {
            return Err(zlib_rs::InflateError::DataError);
        }
        used += step;
    }
    Ok(())
}

/// Blocks of nothing that end `8 - bits` bits behind a whole byte, and then the highest `bits` bits of `last`.
fn lead(last: u8, bits: u8) -> Vec<u8> {
    let mut lead = Bits::default();
    if bits == 0 {
        return lead.bytes;
    }
    let wanted = usize::from(8 - bits);
    if wanted % 2 == 1 {
        lead.empty_dynamic_block();
    }
    while lead.length % 8 != wanted {
        lead.empty_fixed_block();
    }
    lead.put(u32::from(last) >> wanted, usize::from(bits));
    lead.bytes
}

/// Bits from the lowest to the highest of each byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    fn put(&mut self, value: u32, bits: usize) {
        for place in 0..bits {
            if self.length.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(byte) = self.bytes.last_mut()
                && value >> place & 1 == 1
            {
                *byte |= 1 << (self.length % 8);
            }
            self.length += 1;
        }
    }

    /// Ten bits: not the last block, of fixed codes, and the code of seven zeros that ends it.
    fn empty_fixed_block(&mut self) {
        self.put(0b010, 3);
        self.put(0, 7);
    }

    /// 93 bits, an odd number: not the last block, of codes that it brings along itself. Two lengths of codes are used, 1
    /// (the code 0) and "so many zeros" (the code 1): no literal has a code, the end of the block and one distance do.
    fn empty_dynamic_block(&mut self) {
        self.put(0b100, 3);
        // 257 literals, 1 distance, 19 lengths of codes.
        self.put(0, 5);
        self.put(0, 5);
        self.put(15, 4);
        // In the order of RFC 1951 section 3.2.7: 18 is the third, 1 the last but one.
        for place in 0..19 {
            self.put(u32::from(place == 2 || place == 17), 3);
        }
        // 138 and 118 zeros.
        for zeros in [138, 118] {
            self.put(1, 1);
            self.put(zeros - 11, 7);
        }
        // The end of the block, and the distance, have codes of one bit.
        self.put(0, 1);
        self.put(0, 1);
        // The end of the block.
        self.put(0, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decompressing_begins_at_any_bit() {
        let text = b"where a block begins, it may be in the middle of a byte; in the middle of a byte, a block begins";
        let mut packed = vec![0; 200];
        let config = zlib_rs::DeflateConfig { window_bits: -15, ..zlib_rs::DeflateConfig::default() };
        let (packed, _) = zlib_rs::compress_slice(&mut packed, text, config);
        for bits in 0..8_u8 {
            // The same bits, so many of them in the byte before.
            let mut moved = Bits::default();
            moved.put(0b1010_1010, usize::from((8 - bits) % 8));
            for byte in packed.iter() {
                moved.put(u32::from(*byte), 8);
            }
            let (last, rest) = if bits == 0 { (0, &moved.bytes[..]) } else { (moved.bytes[0], &moved.bytes[1..]) };
            let mut inflate = Inflate::new(false, 15);
            begin(&mut inflate, b"a window that is not used", last, bits).unwrap();
            let mut out = [0; 200];
            let status = inflate.decompress(rest, &mut out, InflateFlush::NoFlush).unwrap();
            let length = usize::try_from(inflate.total_out()).unwrap();
            assert_eq!((status, &out[..length]), (Status::StreamEnd, &text[..]), "{bits} bits");
        }
    }
}
