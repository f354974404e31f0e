//! The crates of a Rust program, where cargo-auditable left them: JSON, packed by zlib, in the section `.dep-v0`.
//! Format: cargo-auditable's `PARSING.md`. The section table stands at the end of the file and the section before it,
//! so the packed text is found by its own beginning instead, and no byte is read twice.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use serde::Deserialize;

use super::record::{PackageKind, Record};
use super::scan::{Component, Look};

/// Begins zlib with the window that every packer uses; the second byte makes both divisible by 31.
pub const FIRST: u8 = 0x78;

/// What the text begins with.
const BEGIN: &[u8] = b"{\"packages\":[";

/// Bytes that surely hold the first few of the text: no code table is longer.
const TABLE: usize = 400;

/// Largest text that is believed, as cargo-auditable's own reader recommends.
const MOST_TEXT: u64 = 8 * 1024 * 1024;

#[derive(Deserialize)]
struct Packages {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    root: bool,
}

/// Most texts of one file that are unpacked whole. A program has one; more beginnings than this are made up.
pub const MOST_TRIED: u32 = 32;

/// Most beginnings of one file that are unpacked: chance makes one in some 20 KiB.
pub const MOST_BEGUN: u32 = 100_000;

/// Whether bytes may begin what zlib packed, as far as they are there.
pub fn may_begin(bytes: &[u8]) -> bool {
    match *bytes {
        // There are no blocks of the kind 3.
        [first, second, third, ..] => (u16::from(first) << 8 | u16::from(second)) % 31 == 0 && third & 6 != 6,
        _ => true,
    }
}

/// Whether bytes that begin like zlib hold the beginning of the text.
pub fn begins(bytes: &[u8], is_end: bool) -> Look<()> {
    if bytes.len() < TABLE && !is_end {
        return Look::More;
    }
    let mut begin = [0; BEGIN.len()];
    let mut unpack = Decompress::new(true);
    let status = unpack.decompress(&bytes[..bytes.len().min(TABLE)], &mut begin, FlushDecompress::None);
    if status.is_err() || begin != BEGIN { Look::Nothing } else { Look::Found(Vec::new(), 0) }
}

/// Looks at bytes that hold the beginning of the text.
pub fn look(bytes: &[u8], is_end: bool) -> Look {
    let mut text = Vec::new();
    let mut unpack = flate2::bufread::ZlibDecoder::new(bytes).take(MOST_TEXT);
    match unpack.read_to_end(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof && !is_end => return Look::More,
        Err(_) => return Look::Nothing,
    }
    let Ok(Packages { packages }) = serde_json::from_slice(&text) else { return Look::Nothing };
    let used = usize::try_from(unpack.get_ref().total_in()).unwrap_or(bytes.len());
    Look::Found(components(packages), used)
}

/// The program first. What only building needed is in no program.
fn components(packages: Vec<Package>) -> Vec<Component> {
    let mut packages: Vec<_> = packages.into_iter().filter(|package| package.kind != "build").collect();
    packages.sort_by_key(|package| !package.root);
    let component = |package: Package| Component {
        kind: PackageKind::Crate,
        record: Record { name: package.name, version: package.version, origin: package.source, ..Record::default() },
    };
    packages.into_iter().map(component).collect()
}

/// Unpacks bytes without a frame, as far as they go, into no more than `most`.
pub fn inflate(bytes: &[u8], most: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(most.min(4096));
    let mut unpack = Decompress::new(false);
    loop {
        let (before, room) = (unpack.total_in(), text.capacity());
        let rest = usize::try_from(before).ok().and_then(|read| bytes.get(read..)).unwrap_or_default();
        let status = unpack.decompress_vec(rest, &mut text, FlushDecompress::None);
        let is_full = text.len() == room;
        if !matches!(status, Ok(Status::Ok)) || (unpack.total_in() == before && !is_full) || text.len() >= most {
            text.truncate(most);
            return text;
        }
        if is_full {
            text.reserve(room);
        }
    }
}

#[cfg(test)]
pub mod tests {
    use std::io::Write;

    use super::*;

    pub fn packed(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    pub const TEXT: &str = r#"{"packages":[{"name":"adler","version":"1.0.2","source":"crates.io"},
        {"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
        {"name":"app","version":"0.3.1","source":"local","dependencies":[0],"root":true}]}"#;

    #[test]
    fn the_program_comes_first_and_what_built_it_not_at_all() {
        let bytes = [packed(TEXT), vec![0xaa; TABLE]].concat();
        let Look::Found(found, end) = look(&bytes, false) else { panic!() };
        let names: Vec<_> = found.iter().map(|one| one.record.name.as_str()).collect();
        assert_eq!((names, end), (vec!["app", "adler"], packed(TEXT).len()));
    }

    #[test]
    fn other_packed_texts_are_nothing() {
        assert!(matches!(begins(&packed("{\"other\":1}"), true), Look::Nothing));
        assert!(matches!(begins(&[FIRST, 0x9c], true), Look::Nothing));
        assert!(matches!(begins(&packed(TEXT), true), Look::Found(..)));
        assert!(may_begin(&packed(TEXT)) && may_begin(&[FIRST]) && !may_begin(&[FIRST, b'y', b'z']));
        assert!(matches!(look(&packed(TEXT)[..20], false), Look::More));
        assert!(matches!(look(&packed(TEXT)[..20], true), Look::Nothing));
    }

    #[test]
    fn unpacking_keeps_to_its_limit() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![b'a'; 100_000]).unwrap();
        let bytes = encoder.finish().unwrap();
        assert_eq!(inflate(&bytes, 200_000).len(), 100_000);
        assert_eq!(inflate(&bytes, 1000), vec![b'a'; 1000]);
        assert!(inflate(&bytes[..bytes.len() / 2], 200_000).len() < 100_000);
        assert_eq!(inflate(b"\xff\xff", 10), b"");
    }
}
