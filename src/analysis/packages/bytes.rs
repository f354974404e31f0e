//! Numbers, lines and texts out of bytes that anybody may have written: what lies outside is `None`, never a panic.

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Two bytes, largest first.
pub fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    array(bytes, at).map(|bytes| usize::from(u16::from_be_bytes(bytes)))
}

/// Four bytes, largest first.
pub fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    array(bytes, at).and_then(|bytes| usize::try_from(u32::from_be_bytes(bytes)).ok())
}

/// Eight bytes, largest first.
pub fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// Two bytes, smallest first.
pub fn le16(bytes: &[u8], at: usize) -> Option<usize> {
    array(bytes, at).map(|bytes| usize::from(u16::from_le_bytes(bytes)))
}

/// Four bytes, smallest first.
pub fn le32(bytes: &[u8], at: usize) -> Option<usize> {
    array(bytes, at).and_then(|bytes| usize::try_from(u32::from_le_bytes(bytes)).ok())
}

/// So many bytes from a place.
pub fn part(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// Lines without their ends, be these of Unix or Windows.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// What stands before and behind the first `mark`.
pub fn split_once(bytes: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(mark, bytes)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// Bytes as text without white space around it; what is not UTF-8 becomes the replacement character.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii()).into_owned()
}

/// A decimal number with white space around it.
pub fn number(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_is_none() {
        let bytes = [0x12, 0x34, 0x56, 0x78];
        assert_eq!((be16(&bytes, 1), le16(&bytes, 1)), (Some(0x3456), Some(0x5634)));
        assert_eq!((be32(&bytes, 0), le32(&bytes, 0)), (Some(0x1234_5678), Some(0x7856_3412)));
        assert_eq!((be32(&bytes, 1), le32(&bytes, usize::MAX), be64(&bytes, 0)), (None, None, None));
        assert_eq!(part(&bytes, 2, usize::MAX), None);
    }

    #[test]
    fn lines_of_both_worlds() {
        assert_eq!(lines(b"a\r\nb\n\nc").collect::<Vec<_>>(), [&b"a"[..], b"b", b"", b"c"]);
        assert_eq!(split_once(b"a: b: c", b':'), Some((&b"a"[..], &b" b: c"[..])));
        assert_eq!((number(b" 42\n"), number(b"-1"), number(b"")), (Some(42), None, None));
    }
}
