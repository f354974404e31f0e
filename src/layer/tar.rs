//! The entries of a layer's tar, one by one: header, long names, PAX records and sparse maps put together.
//! Knows nothing of whiteouts or of other layers. The container engines' own reader (Go's archive/tar) decides
//! where the dialects leave a choice, because an image is what the engines make of it.

use std::borrow::Cow;
use std::io::{Read, Seek};

use twox_hash::XxHash3_128;

use super::blocks::Blocks;
use super::header::{BLOCK, Fields};
use super::pax::{self, Parsed};
use super::sparse::{self, Map};
use super::stream::{Hopping, Stream, passing};
use super::tap::{Hashes, Tap, Tapped, Want};
use super::{LayerError, Limits};

/// What an entry of a tar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
    /// Another name for a file of the same layer.
    Hardlink,
    /// A character device.
    Char,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
}

/// An extended attribute: name and value.
pub type Xattr = (Vec<u8>, Vec<u8>);

/// One entry, borrowed from the reader.
#[derive(Debug)]
pub struct Entry<'a> {
    /// What it is.
    pub kind: EntryKind,
    /// The type byte as the tar has it, for those who print it.
    pub typeflag: u8,
    /// The path as the tar spells it: perhaps with `./`, `/` or a closing slash.
    pub path: &'a [u8],
    /// Apparent bytes of contents. Zero for everything but files.
    pub size: u64,
    /// Permission bits with set-id and sticky bits, 12 bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time in seconds since 1970.
    pub mtime: i64,
    /// Target of a symbolic or hard link.
    pub link: &'a [u8],
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// Extended attributes by name.
    pub xattrs: &'a [Xattr],
    /// What is known of the contents.
    pub content: Content,
}

impl Entry<'_> {
    /// An entry of which nothing is known but its kind: without a path, bytes and rights, root's, of 1970.
    #[must_use]
    pub fn bare(kind: EntryKind) -> Self {
        Self {
            kind,
            typeflag: if kind == EntryKind::Dir { b'5' } else { b'0' },
            path: b"",
            size: 0,
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: 0,
            link: b"",
            device: (0, 0),
            xattrs: &[],
            content: Content::Nothing,
        }
    }
}

/// What is known of a file's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// There are none, or nobody asked for them.
    Nothing,
    /// Their xxh3-128.
    Hash(u128),
    /// They were not read beyond their beginning.
    Unread(Unread),
}

/// What a whole layer came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Entries handed on.
    pub entries: u64,
    /// Bytes of the decompressed tar.
    pub bytes: u64,
    /// PAX global headers, which engines ignore and so do we.
    pub global_headers: u64,
    /// Entries of a type that is not known; POSIX says to read them as files.
    pub unknown_types: u64,
}

/// Contents that nobody read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    /// The byte of the uncompressed tar at which they lie as they are.
    pub at: u64,
    /// A hash of their first bytes. Contents of equal size and another beginning differ; 0 where even that was not read.
    pub head: u64,
}

impl Unread {
    /// Whether contents of the same size are known to begin otherwise, and so to be others.
    #[must_use]
    pub fn begins_otherwise(self, other: Self) -> bool {
        self.head != 0 && other.head != 0 && self.head != other.head
    }
}

/// Reads the tar to its end and hands every entry to `sink`.
///
/// # Errors
/// Whatever makes the layer unreadable, a limit that is passed, or what `sink` returns.
pub fn read<R: Read>(
    reader: R,
    limits: &Limits,
    sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<Summary, LayerError> {
    read_tapped(reader, limits, &mut Hashes, sink)
}

/// Reads the tar and hands contents to `tap` as they go by; ends early when the tap has enough. Contents that the tap
/// skips have no hash in their entry.
///
/// # Errors
/// Whatever makes the layer unreadable, a limit that is passed, or what `sink` or `tap` return.
pub fn read_tapped<R: Read>(
    reader: R,
    limits: &Limits,
    tap: &mut impl Tap,
    sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<Summary, LayerError> {
    read_stream(Blocks::new(passing(reader)), limits, tap, sink)
}

/// Reads an uncompressed tar of `length` bytes where it lies, from header to header. Contents that the tap wants
/// hashed stay unread but for their beginning: their entries say where they lie. Only those that it wants are read.
///
/// # Errors
/// Whatever makes the layer unreadable, a limit that is passed, or what `sink` or `tap` return.
pub fn read_in_place<R: Read + Seek>(
    place: R,
    length: u64,
    limits: &Limits,
    tap: &mut impl Tap,
    sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<Summary, LayerError> {
    read_stream(Blocks::new(Hopping::new(place, length)), limits, tap, sink)
}

pub(super) fn read_stream<S: Stream>(
    mut blocks: Blocks<S>,
    limits: &Limits,
    tap: &mut impl Tap,
    mut sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<Summary, LayerError> {
    let mut summary = Summary::default();
    let (mut ahead, mut begins) = (Ahead::default(), None);
    while let Some(block) = blocks.next_header()? {
        let at = blocks.at - BLOCK as u64;
        let fields = Fields::new(&block, at)?;
        if matches!(fields.typeflag(), b'x' | b'L' | b'K') {
            begins.get_or_insert(at);
        }
        match fields.typeflag() {
            b'x' => ahead.pax = pax::parse(&blocks.meta(fields.size()?, limits)?, at)?,
            b'g' => {
                pax::parse(&blocks.meta(fields.size()?, limits)?, at)?;
                summary.global_headers += 1;
            }
            b'L' => ahead.path = Some(without_nul(blocks.meta(fields.size()?, limits)?)),
            b'K' => ahead.link = Some(without_nul(blocks.meta(fields.size()?, limits)?)),
            // A volume label is a note on the tape, not a file.
            b'V' => blocks.skip_padded(fields.size()?)?,
            _ => {
                summary.entries += 1;
                if summary.entries > limits.entries {
                    return Err(LayerError::TooMuch { what: "the number of entries".into(), limit: limits.entries });
                }
                tap.begins(begins.take().unwrap_or(at));
                let ahead = std::mem::take(&mut ahead);
                entry(&fields, at, &ahead, &mut blocks, limits, &mut summary, tap, &mut sink)?;
                if tap.has_enough() {
                    return Ok(summary);
                }
            }
        }
    }
    summary.bytes = blocks.finish()?;
    Ok(summary)
}

/// What came before an entry and belongs to it.
#[derive(Default)]
struct Ahead {
    pax: Parsed,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Ahead {
    /// A record that is present and not empty; an empty value means that the header's field counts.
    fn record(&self, key: &[u8]) -> Option<&[u8]> {
        self.pax.records.get(key).map(Vec::as_slice).filter(|value| !value.is_empty())
    }

    fn number(&self, key: &'static str, at: u64) -> Result<Option<i64>, LayerError> {
        self.record(key.as_bytes())
            .map(|value| {
                pax::decimal(value)
                    .and_then(|number| i64::try_from(number).ok())
                    .ok_or(LayerError::Field { at, field: key })
            })
            .transpose()
    }
}

#[allow(clippy::too_many_arguments)] // What the loop holds, handed on; a struct for it would be used once.
fn entry<S: Stream>(
    fields: &Fields<'_>,
    at: u64,
    ahead: &Ahead,
    blocks: &mut Blocks<S>,
    limits: &Limits,
    summary: &mut Summary,
    tap: &mut impl Tap,
    sink: &mut impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<(), LayerError> {
    let path = match ahead.record(b"GNU.sparse.name").or_else(|| ahead.record(b"path")) {
        Some(path) => Cow::Borrowed(path),
        None => ahead.path.as_deref().map_or_else(|| fields.path(), Cow::Borrowed),
    };
    if path.len() > limits.path_bytes {
        return Err(LayerError::TooMuch {
            what: format!("a name of {} bytes", path.len()),
            limit: limits.path_bytes as u64,
        });
    }
    let typeflag = fields.typeflag();
    let kind = match typeflag {
        // The oldest tars have no type for folders but the closing slash.
        0 if path.ends_with(b"/") => EntryKind::Dir,
        0 | b'0' | b'7' | b'S' => EntryKind::File,
        b'1' => EntryKind::Hardlink,
        b'2' => EntryKind::Symlink,
        b'3' => EntryKind::Char,
        b'4' => EntryKind::Block,
        b'5' | b'D' => EntryKind::Dir,
        b'6' => EntryKind::Fifo,
        _ => {
            summary.unknown_types += 1;
            EntryKind::File
        }
    };
    let stored = match ahead.number("size", at)? {
        Some(size) => size.unsigned_abs(),
        None => fields.size()?,
    };
    // Links, devices, pipes and folders have no contents, whatever their size field says (Go's isHeaderOnly); GNU's
    // dump folders do, and they are a list of names.
    let (size, content) = match kind {
        EntryKind::File => contents(fields, at, ahead, blocks, stored, limits, (tap, &path))?,
        EntryKind::Dir if typeflag == b'D' => {
            blocks.skip_padded(stored)?;
            (0, Content::Nothing)
        }
        _ => (0, Content::Nothing),
    };
    let device = if matches!(kind, EntryKind::Char | EntryKind::Block) { fields.device()? } else { (0, 0) };
    let link = match kind {
        EntryKind::Symlink | EntryKind::Hardlink => match ahead.record(b"linkpath") {
            Some(link) => Cow::Borrowed(link),
            None => ahead.link.as_deref().map_or_else(|| fields.link(), Cow::Borrowed),
        },
        _ => Cow::Borrowed(&[][..]),
    };
    let mtime = match ahead.record(b"mtime") {
        Some(time) => pax::seconds(time).ok_or(LayerError::Field { at, field: "mtime" })?,
        None => fields.mtime()?,
    };
    let owner = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    sink(&Entry {
        kind,
        typeflag,
        path: &path,
        size,
        mode: mode(fields)?,
        uid: owner(ahead.number("uid", at)?.map_or_else(|| fields.uid(), Ok)?),
        gid: owner(ahead.number("gid", at)?.map_or_else(|| fields.gid(), Ok)?),
        mtime,
        link: &link,
        device: (owner(device.0), owner(device.1)),
        xattrs: &pax::xattrs(&ahead.pax.records),
        content,
    })
}

/// Reads a file's contents, plain or sparse: its apparent size and what is known of them.
fn contents<S: Stream>(
    fields: &Fields<'_>,
    at: u64,
    ahead: &Ahead,
    blocks: &mut Blocks<S>,
    stored: u64,
    limits: &Limits,
    (tap, path): (&mut impl Tap, &[u8]),
) -> Result<(u64, Content), LayerError> {
    let (map, stored) = if fields.typeflag() == b'S' {
        (Some(Map::old_gnu(fields.sparse()?, blocks, limits.meta_bytes)?), stored)
    } else {
        match sparse::from_pax(&ahead.pax, at)? {
            None => (None, stored),
            Some(sparse::Pax::Known(map)) => (Some(map), stored),
            Some(sparse::Pax::InContents { logical }) => {
                let (map, taken) = Map::in_contents(logical, blocks, stored, limits.meta_bytes)?;
                (Some(map), stored - taken)
            }
        }
    };
    let size = map.as_ref().map_or(stored, |map| map.logical);
    let content = match tap.wants(path, size, mode(fields)?)? {
        Want::Skip => {
            blocks.skip(stored)?;
            Content::Nothing
        }
        Want::Hash if S::IN_PLACE && map.is_none() => {
            let at = blocks.at;
            let head = blocks.head(stored)?;
            Content::Unread(Unread { at, head })
        }
        Want::Hash => Content::Hash(match map {
            Some(map) => map.hash(blocks, stored)?,
            None => blocks.hash(stored)?,
        }),
        Want::Contents => {
            let content = match map {
                Some(map) => {
                    let mut feed = Tapped { hash: XxHash3_128::new(), tap };
                    map.feed(blocks, stored, &mut feed)?;
                    Content::Hash(feed.hash.finish_128())
                }
                None => blocks.tapped(stored, tap)?,
            };
            tap.complete(match content {
                Content::Hash(hash) if size > 0 => Some(hash),
                _ => None,
            })?;
            content
        }
    };
    blocks.skip_padding(stored)?;
    Ok((size, if size > 0 { content } else { Content::Nothing }))
}

/// Permission bits with set-id and sticky bits.
fn mode(fields: &Fields<'_>) -> Result<u16, LayerError> {
    Ok(u16::try_from(fields.mode()? & 0o7777).unwrap_or_default())
}

/// GNU's long names end with a zero byte that is not part of them.
fn without_nul(mut name: Vec<u8>) -> Vec<u8> {
    let end = memchr::memchr(0, &name).unwrap_or(name.len());
    name.truncate(end);
    name
}
