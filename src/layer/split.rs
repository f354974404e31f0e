//! A tar that an engine keeps taken apart: its headers and padding in a list, its contents as files in a folder.
//! Format: github.com/vbatts/tar-split, tar/storage: a JSON object on each line, of type 2 with raw bytes of the tar, or
//! of type 1 with the name, size and CRC-64 of a file whose contents come there. Knows no engine and no folder.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::blocks::Blocks;
use super::stream::Stream;
use super::tap::Tap;
use super::tar::{Entry, Summary, read_stream};
use super::{LayerError, Limits};

/// Read at once of a file.
const CHUNK: usize = 64 * 1024;

/// Longest line. A segment is the bytes between two contents: a few headers, of which the longest is 1 MiB.
const MOST_LINE: u64 = 8 * 1024 * 1024;

/// Opens the contents of a file by its name in the tar.
pub trait Open {
    /// What is opened.
    type File: Read + Seek;

    /// Opens a file that must have so many bytes.
    ///
    /// # Errors
    /// It is not there, is no file, or has another size.
    fn open(&self, name: &[u8], size: u64) -> io::Result<Self::File>;
}

#[derive(Deserialize)]
struct Item<'a> {
    r#type: u8,
    #[serde(default, borrow)]
    name: Option<std::borrow::Cow<'a, str>>,
    /// A name that is not UTF-8, in base64.
    #[serde(default)]
    name_raw: Option<String>,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    payload: Option<&'a str>,
}

/// Contents that come next.
struct Payload<F> {
    name: Vec<u8>,
    size: u64,
    /// How many of them went by.
    at: u64,
    crc: u64,
    file: Option<F>,
}

/// The tar, put together as far as anybody wants it.
struct Split<L, O: Open> {
    list: L,
    files: O,
    line: Vec<u8>,
    /// Bytes that are there, and how many of them are consumed.
    bytes: Vec<u8>,
    next: usize,
    payload: Option<Payload<O::File>>,
}

/// Reads a tar that was taken apart. No contents are opened but those that the tap wants.
///
/// # Errors
/// Whatever makes the layer unreadable, a limit that is passed, or what `sink` or `tap` return.
pub fn read_split(
    list: impl BufRead,
    files: impl Open,
    limits: &Limits,
    tap: &mut impl Tap,
    sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<Summary, LayerError> {
    let split = Split { list, files, line: Vec::new(), bytes: Vec::new(), next: 0, payload: None };
    read_stream(Blocks::new(split), limits, tap, sink)
}

impl<L: BufRead, O: Open> Split<L, O> {
    /// Makes the next bytes known. Does nothing while some are left; `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "the engine's list of its headers is broken");
        while self.next == self.bytes.len() && self.payload.as_ref().is_none_or(|payload| payload.at == payload.size) {
            self.payload = None;
            self.line.clear();
            self.list.by_ref().take(MOST_LINE).read_until(b'\n', &mut self.line)?;
            if self.line.is_empty() {
                return Ok(false);
            }
            let item: Item<'_> = serde_json::from_slice(&self.line).map_err(|_said| broken())?;
            let payload = item.payload.unwrap_or_default();
            if item.r#type == 2 {
                self.bytes.clear();
                self.next = 0;
                STANDARD.decode_vec(payload, &mut self.bytes).map_err(|_said| broken())?;
            } else if item.size > 0 {
                let name = match (item.name_raw, item.name) {
                    (Some(raw), _) => STANDARD.decode(raw).map_err(|_said| broken())?,
                    (None, name) => name.unwrap_or_default().as_bytes().to_vec(),
                };
                let crc = STANDARD.decode(payload).map_err(|_said| broken())?;
                let crc = crc.first_chunk().map_or(0, |crc| u64::from_be_bytes(*crc));
                self.payload = Some(Payload { name, size: item.size, at: 0, crc, file: None });
            }
        }
        Ok(true)
    }
}

impl<L: BufRead, O: Open> Read for Split<L, O> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let read = available.len().min(bytes.len());
        bytes[..read].copy_from_slice(&available[..read]);
        self.consume(read);
        Ok(read)
    }
}

impl<L: BufRead, O: Open> BufRead for Split<L, O> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.advance()?
            && self.next == self.bytes.len()
            && let Some(payload) = &mut self.payload
        {
            if payload.file.is_none() {
                let mut file = self.files.open(&payload.name, payload.size)?;
                file.seek(SeekFrom::Start(payload.at))?;
                payload.file = Some(file);
            }
            let Some(file) = &mut payload.file else { return Ok(&[]) };
            let most = usize::try_from(payload.size - payload.at).map_or(CHUNK, |left| left.min(CHUNK));
            self.bytes.resize(most, 0);
            let read = file.read(&mut self.bytes)?;
            self.bytes.truncate(read);
            self.next = 0;
            if read == 0 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a file in the engine's store is too short"));
            }
            payload.at += read as u64;
        }
        Ok(&self.bytes[self.next..])
    }

    fn consume(&mut self, bytes: usize) {
        self.next = (self.next + bytes).min(self.bytes.len());
    }
}

impl<L: BufRead, O: Open> Stream for Split<L, O> {
    const IN_PLACE: bool = true;

    fn leave_out(&mut self, bytes: u64) -> io::Result<u64> {
        let mut left = bytes;
        while left > 0 && self.advance()? {
            let here = (self.bytes.len() - self.next) as u64;
            if here > 0 {
                let step = here.min(left);
                self.next += usize::try_from(step).unwrap_or_default();
                left -= step;
            } else if let Some(payload) = &mut self.payload {
                let step = (payload.size - payload.at).min(left);
                payload.at += step;
                left -= step;
                if let Some(file) = &mut payload.file {
                    file.seek(SeekFrom::Start(payload.at))?;
                }
            }
        }
        Ok(bytes - left)
    }

    /// The list has a checksum of contents that begin here.
    fn known_head(&mut self, size: u64) -> io::Result<Option<u64>> {
        let is_there = self.advance()? && self.next == self.bytes.len();
        let payload = self.payload.as_ref().filter(|payload| is_there && payload.at == 0 && payload.size == size);
        Ok(payload.map(|payload| payload.crc.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::io::{Cursor, Write};

    use super::*;
    use crate::layer::tap::Hashes;
    use crate::layer::{Content, Unread, read};

    /// Files in memory, and the names of those that were opened.
    struct Memory<'m>(&'m HashMap<Vec<u8>, Vec<u8>>, &'m RefCell<Vec<Vec<u8>>>);

    impl Open for Memory<'_> {
        type File = Cursor<Vec<u8>>;

        fn open(&self, name: &[u8], size: u64) -> io::Result<Self::File> {
            self.1.borrow_mut().push(name.to_vec());
            let bytes = self.0.get(name).filter(|bytes| bytes.len() as u64 == size);
            bytes.cloned().map(Cursor::new).ok_or_else(|| io::ErrorKind::NotFound.into())
        }
    }

    /// A tar of these files, and what tar-split makes of it.
    fn apart(files: &[(&[u8], &[u8])]) -> (Vec<u8>, Vec<u8>) {
        let (mut tar, mut list) = (Vec::new(), Vec::new());
        let segment = |list: &mut Vec<u8>, bytes: &[u8]| {
            let payload = STANDARD.encode(bytes);
            writeln!(list, r#"{{"type":2,"payload":"{payload}","position":0}}"#).unwrap();
        };
        for (name, contents) in files {
            let mut header = tar::Header::new_gnu();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name);
            header.set_size(contents.len() as u64);
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(7);
            header.set_cksum();
            let padding = vec![0; contents.len().next_multiple_of(512) - contents.len()];
            tar.extend([header.as_bytes(), *contents, &padding[..]].concat());
            segment(&mut list, header.as_bytes());
            let crc = STANDARD.encode((contents.len() as u64).to_be_bytes());
            let name = match str::from_utf8(name) {
                Ok(name) => format!(r#""name":"{name}""#),
                Err(_) => format!(r#""name_raw":"{}""#, STANDARD.encode(name)),
            };
            writeln!(list, r#"{{"type":1,{name},"size":{},"payload":"{crc}","position":1}}"#, contents.len()).unwrap();
            segment(&mut list, &padding);
        }
        tar.extend([0; 1024]);
        segment(&mut list, &[0; 1024]);
        (tar, list)
    }

    #[test]
    fn the_tar_is_the_same_and_no_file_is_opened() {
        let files: [(&[u8], &[u8]); 4] =
            [(b"a", b"one"), (b"d/b", &[5; 1000]), (b"empty", b""), (b"lat\xe9n", b"four")];
        let (tar, list) = apart(&files);
        let told = |entry: &Entry<'_>| format!("{:?} {} {:?} {}", entry.kind, entry.size, entry.path, entry.mtime);
        let (mut whole, mut split, mut contents) = (Vec::new(), Vec::new(), Vec::new());
        let limits = Limits::default();
        let expected = read(&tar[..], &limits, |entry| {
            whole.push(told(entry));
            Ok(())
        });
        let (kept, opened) = (HashMap::new(), RefCell::default());
        let summary = read_split(&list[..], Memory(&kept, &opened), &limits, &mut Hashes, |entry| {
            split.push(told(entry));
            contents.push(entry.content);
            Ok(())
        });
        assert_eq!((summary.unwrap(), &split), (expected.unwrap(), &whole));
        assert!(opened.borrow().is_empty());
        // What the list has for a checksum stands for the contents.
        assert_eq!(contents[1], Content::Unread(Unread { at: 1536, head: 1000 }));
        assert_eq!(contents[2], Content::Nothing);
    }

    #[test]
    fn what_is_broken_or_missing_is_an_error() {
        let (_, list) = apart(&[(b"a", b"one"), (b"b", b"two")]);
        let (kept, opened) = (HashMap::new(), RefCell::default());
        let read =
            |list: &[u8]| read_split(list, Memory(&kept, &opened), &Limits::default(), &mut Hashes, |_| Ok(())).is_ok();
        assert!(read(&list));
        assert!(!read(&list[..list.len() / 2]));
        assert!(!read(b"{\"type\":2,\"payload\":\"*\"}\n"));
        assert!(!read(b"no list\n"));
    }

    #[test]
    fn contents_are_read_where_they_are_wanted() {
        let nines = vec![9; 300_000];
        let (_, list) = apart(&[(b"a", b"one"), (b"b", &nines)]);
        let kept = HashMap::from([(b"b".to_vec(), nines.clone())]);
        let opened = RefCell::default();
        let mut split = Split {
            list: &list[..],
            files: Memory(&kept, &opened),
            line: Vec::new(),
            bytes: Vec::new(),
            next: 0,
            payload: None,
        };
        assert_eq!(split.leave_out(512 + 512 + 512 + 10).unwrap(), 1546);
        let mut contents = vec![0; 299_990];
        split.read_exact(&mut contents).unwrap();
        assert_eq!(contents, nines[10..]);
        assert_eq!(*opened.borrow(), [b"b".to_vec()]);
    }
}
