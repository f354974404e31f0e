//! One 512-byte tar header: fields as numbers and bytes. Knows no PAX and no file contents.
//! Format: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"; base-256 numbers are GNU's.

use std::borrow::Cow;

use tar::Header;

use super::LayerError;

/// Size of a header and of the unit that contents are padded to, in bytes.
pub const BLOCK: usize = 512;

/// Fields of the header at a byte of the tar.
pub struct Fields<'a> {
    header: &'a Header,
    at: u64,
}

/// What an old GNU sparse header says.
pub struct OldSparse {
    /// Apparent size in bytes.
    pub logical: u64,
    /// The first parts that are stored, as (offset, bytes).
    pub segments: Vec<(u64, u64)>,
    /// Whether extension blocks follow.
    pub more: bool,
}

/// Whether the block is a header whose checksum fits.
#[must_use]
pub fn is_valid(block: &[u8]) -> bool {
    let Ok(bytes) = <&[u8; BLOCK]>::try_from(block) else { return false };
    let Some(expected) = octal(&bytes[148..156]) else { return false };
    // Old tars summed signed bytes; POSIX says unsigned. Readers accept both. The field itself counts as blanks.
    let blanks = 8 * i64::from(b' ');
    if expected == sum(bytes) - sum(&bytes[148..156]) + blanks {
        return true;
    }
    // A signed sum has 256 less for each byte from 128 on. A block of zeros has the sum of its eight blanks and says 0:
    // never a header.
    let signed = |bytes: &[u8]| bytes.iter().map(|&byte| i64::from(byte.cast_signed())).sum::<i64>();
    expected > 0 && expected == signed(bytes) - signed(&bytes[148..156]) + blanks
}

/// The bytes added up. 256 of them fit into 16 bits, and sums that narrow, without a question for each byte, are what a
/// compiler makes the widest vectors of.
fn sum(bytes: &[u8]) -> i64 {
    let parts = bytes.chunks(256).map(|part| part.iter().map(|&byte| u16::from(byte)).sum::<u16>());
    parts.map(i64::from).sum()
}

impl<'a> Fields<'a> {
    /// Looks at a block that stands at byte `at`.
    ///
    /// # Errors
    /// A checksum that does not fit.
    pub fn new(block: &'a [u8; BLOCK], at: u64) -> Result<Self, LayerError> {
        if !is_valid(block) {
            return Err(LayerError::Checksum(at));
        }
        Ok(Self { header: Header::from_byte_slice(block), at })
    }

    /// The type of the entry as its byte.
    pub fn typeflag(&self) -> u8 {
        self.header.as_old().linkflag[0]
    }

    /// The path, with the prefix of a ustar header in front.
    pub fn path(&self) -> Cow<'a, [u8]> {
        self.header.path_bytes()
    }

    /// The link's target.
    pub fn link(&self) -> Cow<'a, [u8]> {
        self.header.link_name_bytes().unwrap_or_default()
    }

    /// Bytes of contents behind the header.
    pub fn size(&self) -> Result<u64, LayerError> {
        let size = self.number(&self.header.as_old().size, "size")?;
        u64::try_from(size).map_err(|_negative| LayerError::Field { at: self.at, field: "size" })
    }

    /// Permission bits, as the header has them.
    pub fn mode(&self) -> Result<i64, LayerError> {
        self.number(&self.header.as_old().mode, "mode")
    }

    /// Owner.
    pub fn uid(&self) -> Result<i64, LayerError> {
        self.number(&self.header.as_old().uid, "uid")
    }

    /// Group.
    pub fn gid(&self) -> Result<i64, LayerError> {
        self.number(&self.header.as_old().gid, "gid")
    }

    /// Seconds since 1970, possibly before.
    pub fn mtime(&self) -> Result<i64, LayerError> {
        self.number(&self.header.as_old().mtime, "mtime")
    }

    /// Major and minor number of a device; zero where the dialect has none.
    pub fn device(&self) -> Result<(i64, i64), LayerError> {
        let Some(ustar) = self.header.as_ustar() else {
            return match self.header.as_gnu() {
                Some(gnu) => Ok((self.number(&gnu.dev_major, "device")?, self.number(&gnu.dev_minor, "device")?)),
                None => Ok((0, 0)),
            };
        };
        Ok((self.number(&ustar.dev_major, "device")?, self.number(&ustar.dev_minor, "device")?))
    }

    /// The old GNU sparse header.
    pub fn sparse(&self) -> Result<OldSparse, LayerError> {
        let bad = || LayerError::Sparse(self.at);
        let gnu = self.header.as_gnu().ok_or_else(bad)?;
        let real = self.number(&gnu.realsize, "size")?;
        let segments =
            gnu.sparse.iter().map_while(|segment| sparse_segment(&segment.offset, &segment.numbytes)).collect();
        Ok(OldSparse {
            logical: u64::try_from(real).map_err(|_negative| bad())?,
            segments,
            more: gnu.isextended[0] == 1,
        })
    }

    fn number(&self, field: &[u8], name: &'static str) -> Result<i64, LayerError> {
        match number(field) {
            Some(number) => Ok(number),
            None => Err(LayerError::Field { at: self.at, field: name }),
        }
    }
}

/// One entry of a sparse map; `None` ends it (an empty field).
pub fn sparse_segment(offset: &[u8], bytes: &[u8]) -> Option<(u64, u64)> {
    if offset[0] == 0 || bytes[0] == 0 {
        return None;
    }
    Some((u64::try_from(number(offset)?).ok()?, u64::try_from(number(bytes)?).ok()?))
}

/// An octal field or GNU's base-256: the first bit set, then a big-endian number in two's complement.
fn number(field: &[u8]) -> Option<i64> {
    let &first = field.first()?;
    if first & 0x80 == 0 {
        return octal(field);
    }
    // Bit 6 is the sign.
    let mut value: i128 = if first & 0x40 == 0 { i128::from(first & 0x3f) } else { i128::from(first | 0x80) - 256 };
    for &byte in &field[1..] {
        value = (value << 8) | i128::from(byte);
        if i64::try_from(value).is_err() {
            return None;
        }
    }
    i64::try_from(value).ok()
}

/// Octal digits, padded by blanks or zeros in front and ended by a blank or a zero byte. An empty field is 0.
fn octal(field: &[u8]) -> Option<i64> {
    let mut value = 0_i64;
    for &byte in field.iter().skip_while(|byte| matches!(byte, b' ' | 0)) {
        value = match byte {
            // A number is 63 bits long at most.
            b'0'..=b'7' if value >> 60 == 0 => value << 3 | i64::from(byte - b'0'),
            b' ' | 0 => break,
            _ => return None,
        };
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_both_forms() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"    644 "), Some(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"12x"), None);
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0x1e, 0x84, 0x80]), Some(2_000_000));
        // -1 and the year 1901 as GNU tar writes them.
        assert_eq!(number(&[0xff; 12]), Some(-1));
        let old = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0];
        assert_eq!(number(&old), Some(-2_147_483_648));
        assert_eq!(number(&[0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
