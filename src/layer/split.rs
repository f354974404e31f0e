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
            let file = match &mut payload.file {
                Some(file) => file,
                None => {
                    let mut file = self.files.open(&payload.name, payload.size)?;
                    file.seek(SeekFrom::Start(payload.at))?;
                    payload.file.insert(file)
                }
            };
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
