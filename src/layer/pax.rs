//! PAX extended headers, parsed by length and never by newline: a value may hold any byte.
//! Format: POSIX.1-2017 pax, "pax Extended Header": `LENGTH KEY=VALUE\n`, where LENGTH counts the whole record.

use std::collections::BTreeMap;

use super::{LayerError, Xattr};

/// Records by key. A later record of the same key replaces the earlier one, as the standard says.
pub type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// Sparse segments of GNU formats 0.0 and 0.1 come as records; 0.0 repeats its keys, so order matters there.
#[derive(Default)]
pub struct Parsed {
    /// Every record but the repeated ones of sparse format 0.0.
    pub records: Records,
    /// (offset, bytes) of sparse format 0.0, in order.
    pub segments: Vec<(u64, u64)>,
}

/// Parses the contents of an `x` or `g` entry that stands at byte `at` of the tar.
///
/// # Errors
/// A record that does not follow the format.
pub fn parse(mut data: &[u8], at: u64) -> Result<Parsed, LayerError> {
    let mut parsed = Parsed::default();
    let mut pending_offset = None;
    while !data.is_empty() {
        let (key, value, rest) = record(data).map_err(|what| LayerError::Pax { at, what })?;
        data = rest;
        match key {
            b"GNU.sparse.offset" => pending_offset = decimal(value),
            b"GNU.sparse.numbytes" => {
                if let (Some(offset), Some(bytes)) = (pending_offset.take(), decimal(value)) {
                    parsed.segments.push((offset, bytes));
                }
            }
            _ => {
                parsed.records.insert(key.to_vec(), value.to_vec());
            }
        }
    }
    Ok(parsed)
}

type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

fn record(data: &[u8]) -> Result<Record<'_>, &'static str> {
    let blank = data.iter().take(20).position(|&byte| byte == b' ').ok_or("a record has no length")?;
    let length =
        decimal(&data[..blank]).and_then(|length| usize::try_from(length).ok()).ok_or("a length is not a number")?;
    if length > data.len() || length < blank + 3 {
        return Err("a length is wrong");
    }
    let (record, rest) = data.split_at(length);
    let Some((b'\n', body)) = record[blank + 1..].split_last() else {
        return Err("a record does not end where its length says");
    };
    let equals = memchr::memchr(b'=', body).ok_or("a record has no '='")?;
    if equals == 0 {
        return Err("a record has no key");
    }
    Ok((&body[..equals], &body[equals + 1..], rest))
}

/// A number without sign.
pub fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `[-]SECONDS[.FRACTION]` rounded down to seconds.
pub fn seconds(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let rounds_down = whole.starts_with('-') && fraction.bytes().any(|byte| byte != b'0');
    seconds.checked_sub(i64::from(rounds_down))
}

/// Extended attributes among the records, as name and value.
/// `SCHILY.xattr.` (star, Docker) carries raw bytes; `LIBARCHIVE.xattr.` (bsdtar) a URL-encoded name and base64.
pub fn xattrs(records: &Records) -> Vec<Xattr> {
    let mut found: Records = BTreeMap::new();
    for (key, value) in records {
        if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
            if let Some(value) = base64(value) {
                found.entry(url_decoded(name)).or_insert(value);
            }
        } else if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            found.insert(name.to_vec(), value.clone());
        }
    }
    found.into_iter().collect()
}

fn url_decoded(name: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()))
            .flatten();
        if let Some(value) = escaped {
            decoded.push(value);
            rest = &tail[2..];
        } else {
            decoded.push(byte);
            rest = tail;
        }
    }
    decoded
}

/// Standard alphabet, padding optional: libarchive leaves it out.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut decoded) = (0_u32, 0_u32, Vec::with_capacity(text.len() / 4 * 3));
    for &byte in text.iter().filter(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record_of(key: &[u8], value: &[u8]) -> Vec<u8> {
        let body = key.len() + value.len() + 3;
        let mut length = body + 1;
        while length != body + length.to_string().len() {
            length = body + length.to_string().len();
        }
        let mut record = format!("{length} ").into_bytes();
        record.extend(key);
        record.push(b'=');
        record.extend(value);
        record.push(b'\n');
        record
    }

    #[test]
    fn a_value_may_hold_a_newline_and_what_looks_like_a_record() {
        let capability = b"\x01\x00\x00\x02\x0a\x04\x00\x00";
        let smuggled = b"x\n22 linkpath=/etc/evil\n";
        let mut data = record_of(b"SCHILY.xattr.security.capability", capability);
        data.extend(record_of(b"comment", smuggled));
        let records = parse(&data, 0).unwrap().records;
        assert_eq!(records[&b"SCHILY.xattr.security.capability"[..]], capability);
        assert_eq!(records[&b"comment"[..]], smuggled);
        assert!(!records.contains_key(&b"linkpath"[..]));
    }

    #[test]
    fn broken_records_are_refused() {
        for broken in [
            &b"x"[..],
            b"5 a=b",
            b"99 a=b\n",
            b"6 ab\n\n",
            b"5 =b\n",
            b"3 \n",
            b"0 a=b\n",
            b"18446744073709551616 a=b\n",
        ] {
            assert!(parse(broken, 0).is_err(), "{broken:?}");
        }
        assert!(parse(b"6 a=b\n", 0).is_ok());
    }

    #[test]
    fn times_round_down() {
        assert_eq!(seconds(b"1350244992.023960108"), Some(1_350_244_992));
        assert_eq!(seconds(b"-1.5"), Some(-2));
        assert_eq!(seconds(b"-1.0"), Some(-1));
        assert_eq!(seconds(b"x"), None);
    }

    #[test]
    fn attributes_in_both_forms() {
        let mut data = record_of(b"SCHILY.xattr.user.a", b"1");
        data.extend(record_of(b"LIBARCHIVE.xattr.user.b%20c", b"aGk"));
        let found = xattrs(&parse(&data, 0).unwrap().records);
        assert_eq!(found, [(b"user.a".to_vec(), b"1".to_vec()), (b"user.b c".to_vec(), b"hi".to_vec())]);
    }
}
