//! rpm's packages. Every one is a header of tags, whatever the database around it: Berkeley DB, ndb or SQLite.
//! Format: rpm's `docs/manual/format_header.md`; in a database the eight bytes of magic before it are left out.

mod bdb;
mod manifest;
mod ndb;
mod sqlite;

use super::bytes::{be16, be32, be64, part, text};
use super::record::{Asked, Listed, Record, bare};

pub use manifest::manifest;

/// Why a database was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It does not begin like one.
    NotOne,
    /// Something in it points outside or in a circle.
    Broken,
    /// It is encrypted.
    Encrypted,
}

/// Packages, and what kept the rest from being read.
pub type Read = (Vec<Listed>, Option<Damage>);

/// Packages of a Berkeley DB hash.
pub fn berkeley(bytes: &[u8]) -> Read {
    packages(bdb::values(bytes))
}

/// Packages of rpm's own format.
pub fn ndb(bytes: &[u8]) -> Read {
    packages(ndb::blobs(bytes))
}

/// Packages of an SQLite database, with the pages of its write-ahead log if there is one.
pub fn sqlite(bytes: &[u8], log: Option<&[u8]>) -> Read {
    packages(sqlite::blobs(bytes, log))
}

fn packages((blobs, mut damage): (Vec<Vec<u8>>, Option<Damage>)) -> Read {
    let mut packages = Vec::new();
    for blob in blobs {
        match header(&blob) {
            // Keys are kept as if they were packages.
            Some(package) if package.record.name == "gpg-pubkey" => {}
            Some(package) => packages.push(package),
            None => damage = damage.or(Some(Damage::Broken)),
        }
    }
    (packages, damage)
}

/// Largest header that rpm itself reads.
const MOST_HEADER: usize = 256 * 1024 * 1024;

/// Bytes of an entry of a header: tag, type, offset, count.
const ENTRY: usize = 16;

/// Types of values.
const INT16: usize = 3;
const INT32: usize = 4;
const INT64: usize = 5;
const STRING: usize = 6;
const STRINGS: usize = 8;
const TRANSLATED: usize = 9;

/// A header's entries over its data.
struct Header<'b> {
    entries: &'b [u8],
    data: &'b [u8],
}

impl<'b> Header<'b> {
    fn new(blob: &'b [u8]) -> Option<Self> {
        let entries = be32(blob, 0)?.checked_mul(ENTRY)?;
        let data = be32(blob, 4)?;
        if entries > MOST_HEADER || data > MOST_HEADER {
            return None;
        }
        Some(Self { entries: part(blob, 8, entries)?, data: part(blob, 8 + entries, data)? })
    }

    /// Type, count and data of a tag. The last entry counts: what installing adds comes behind what building wrote.
    fn find(&self, tag: usize) -> Option<(usize, usize, &'b [u8])> {
        let entry = self.entries.rchunks_exact(ENTRY).find(|entry| be32(entry, 0) == Some(tag))?;
        Some((be32(entry, 4)?, be32(entry, 12)?, self.data.get(be32(entry, 8)?..)?))
    }

    fn strings(&self, tag: usize) -> Vec<&'b [u8]> {
        match self.find(tag) {
            // A string takes one byte at least, so no count can ask for more than there is.
            Some((STRING | STRINGS | TRANSLATED, count, data)) => {
                let mut strings: Vec<_> = data.split(|&byte| byte == 0).take(count.min(data.len())).collect();
                // What no zero ends is no string.
                strings.truncate(memchr::memchr_iter(0, data).take(count).count());
                strings
            }
            _ => Vec::new(),
        }
    }

    fn text(&self, tag: usize) -> String {
        self.strings(tag).first().map(|value| text(value)).unwrap_or_default()
    }

    fn numbers(&self, tag: usize) -> Vec<u64> {
        let Some((kind, count, data)) = self.find(tag) else { return Vec::new() };
        let all = |width: usize, number: fn(&[u8]) -> Option<u64>| -> Vec<u64> {
            data.chunks_exact(width).take(count).filter_map(number).collect()
        };
        match kind {
            INT16 => all(2, |bytes| be16(bytes, 0).map(|number| number as u64)),
            INT32 => all(4, |bytes| be32(bytes, 0).map(|number| number as u64)),
            INT64 => all(8, |bytes| be64(bytes, 0)),
            _ => Vec::new(),
        }
    }

    fn names(&self, tag: usize) -> impl Iterator<Item = String> {
        self.strings(tag).into_iter().map(text)
    }
}

/// Tags, as in rpm's `rpmtag.h`.
mod tag {
    pub const NAME: usize = 1000;
    pub const VERSION: usize = 1001;
    pub const RELEASE: usize = 1002;
    pub const EPOCH: usize = 1003;
    pub const SIZE: usize = 1009;
    pub const VENDOR: usize = 1011;
    pub const LICENSE: usize = 1014;
    pub const ARCH: usize = 1022;
    pub const SOURCERPM: usize = 1044;
    pub const PROVIDENAME: usize = 1047;
    pub const REQUIRENAME: usize = 1049;
    pub const OLDFILENAMES: usize = 1027;
    pub const FILEMODES: usize = 1030;
    pub const FILESTATES: usize = 1029;
    pub const DIRINDEXES: usize = 1116;
    pub const BASENAMES: usize = 1117;
    pub const DIRNAMES: usize = 1118;
    pub const LONGSIZE: usize = 5009;
    pub const RECOMMENDNAME: usize = 5046;
    pub const SUGGESTNAME: usize = 5049;
}

/// The package of a header; `None` when it is none or lacks a name.
fn header(blob: &[u8]) -> Option<Listed> {
    let header = Header::new(blob)?;
    let name = header.text(tag::NAME);
    if name.is_empty() {
        return None;
    }
    let epoch = header.numbers(tag::EPOCH).first().filter(|epoch| **epoch != 0).map(|epoch| format!("{epoch}:"));
    let version = header.text(tag::VERSION);
    let release = header.text(tag::RELEASE);
    let mut record = Record {
        name,
        version: [epoch.as_deref().unwrap_or_default(), &version, "-", &release].concat(),
        arch: header.text(tag::ARCH),
        source: source_name(&header.text(tag::SOURCERPM)).to_owned(),
        licence: header.text(tag::LICENSE),
        origin: header.text(tag::VENDOR),
        provides: header.names(tag::PROVIDENAME).collect(),
        size: header.numbers(tag::LONGSIZE).first().or(header.numbers(tag::SIZE).first()).copied(),
        asked: Asked::Unknown,
        ..Record::default()
    };
    record.wishes.depends = wishes(header.names(tag::REQUIRENAME));
    record.wishes.recommends = wishes(header.names(tag::RECOMMENDNAME));
    record.wishes.suggests = wishes(header.names(tag::SUGGESTNAME));
    Some(Listed { record, files: files(&header) })
}

/// What rpm itself promises, and conditions such as `(a if b)`, name no package.
fn wishes(names: impl Iterator<Item = String>) -> Vec<Vec<String>> {
    let real = |name: &String| !name.starts_with("rpmlib(") && !name.starts_with('(') && !name.is_empty();
    // `libz.so.1()(64bit)` is one name: brackets limit nothing here.
    names.filter(real).map(|name| vec![name]).collect()
}

/// `zlib` of `zlib-1.2.11-40.el9.src.rpm`.
fn source_name(file: &str) -> &str {
    let mut parts = file.rsplitn(3, '-');
    let (_, _, name) = (parts.next(), parts.next(), parts.next());
    name.map(bare).unwrap_or_default()
}

/// Folders by their mode, so that only what has bytes or is a link is left. Files that rpm did not install (documents
/// under `--nodocs`, other colours) have another state than 0.
fn files(header: &Header<'_>) -> Vec<Vec<u8>> {
    const FOLDER: u64 = 0o040_000;
    const TYPE: u64 = 0o170_000;
    let folders = header.strings(tag::DIRNAMES);
    let (indexes, modes) = (header.numbers(tag::DIRINDEXES), header.numbers(tag::FILEMODES));
    let states = header.find(tag::FILESTATES).map_or(&[][..], |(_, count, data)| &data[..count.min(data.len())]);
    let names = header.strings(tag::BASENAMES).into_iter().enumerate();
    let is_here = |place: usize| {
        states.get(place).is_none_or(|state| *state == 0) && modes.get(place).is_none_or(|mode| mode & TYPE != FOLDER)
    };
    let split = names.filter(|(place, _)| is_here(*place)).filter_map(|(place, name)| {
        let folder = folders.get(usize::try_from(*indexes.get(place)?).ok()?)?;
        Some([folder.strip_prefix(b"/").unwrap_or(folder), name].concat())
    });
    // rpm 3 wrote whole paths.
    let whole =
        header.strings(tag::OLDFILENAMES).into_iter().map(|path| path.strip_prefix(b"/").unwrap_or(path).to_vec());
    split.chain(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of strings and numbers, in the order given.
    pub fn built(tags: &[(usize, usize, &[&[u8]])]) -> Vec<u8> {
        let (mut entries, mut data) = (Vec::new(), Vec::new());
        for (tag, kind, values) in tags {
            let offset = data.len();
            for value in *values {
                data.extend_from_slice(value);
                if matches!(*kind, STRING | STRINGS | TRANSLATED) {
                    data.push(0);
                }
            }
            for number in [*tag, *kind, offset, values.len()] {
                entries.extend_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
            }
        }
        let mut blob = Vec::new();
        for length in [tags.len(), data.len()] {
            blob.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
        }
        [blob, entries, data].concat()
    }

    pub fn zlib() -> Vec<u8> {
        built(&[
            (tag::NAME, STRING, &[b"zlib"]),
            (tag::VERSION, STRING, &[b"1.2.11"]),
            (tag::RELEASE, STRING, &[b"40.el9"]),
            (tag::EPOCH, INT32, &[&2_u32.to_be_bytes()]),
            (tag::SIZE, INT32, &[&1000_u32.to_be_bytes()]),
            (tag::SOURCERPM, STRING, &[b"zlib-1.2.11-40.el9.src.rpm"]),
            (tag::REQUIRENAME, STRINGS, &[b"rpmlib(X)", b"libc.so.6()(64bit)"]),
            (tag::DIRINDEXES, INT32, &[&0_u32.to_be_bytes(), &1_u32.to_be_bytes(), &1_u32.to_be_bytes()]),
            (tag::BASENAMES, STRINGS, &[b"libz.so.1", b"zlib", b"README"]),
            (tag::DIRNAMES, STRINGS, &[b"/usr/lib64/", b"/usr/share/doc/"]),
            (
                tag::FILEMODES,
                INT16,
                &[&0o100_755_u16.to_be_bytes(), &0o040_755_u16.to_be_bytes(), &0o100_644_u16.to_be_bytes()],
            ),
        ])
    }

    #[test]
    fn a_header_is_a_package() {
        let package = header(&zlib()).unwrap();
        assert_eq!(package.record.version, "2:1.2.11-40.el9");
        assert_eq!((package.record.source.as_str(), package.record.size), ("zlib", Some(1000)));
        assert_eq!(package.record.wishes.depends, [["libc.so.6()(64bit)"]]);
        assert_eq!(package.files, [b"usr/lib64/libz.so.1".to_vec(), b"usr/share/doc/README".to_vec()]);
    }

    #[test]
    fn a_cut_header_is_no_package_or_a_shorter_one() {
        let whole = zlib();
        for length in 0..whole.len() {
            assert_eq!(header(&whole[..length]), None);
        }
        let mut wild = whole.clone();
        for place in 0..wild.len() {
            wild[place] ^= 0xff;
            let _ = header(&wild);
            wild[place] ^= 0xff;
        }
    }
}
