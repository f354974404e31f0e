//! A tar as blocks of 512 bytes, and the byte at which reading is. Knows no field of a header.

use std::io::{Read, Seek};

use twox_hash::{XxHash3_64, XxHash3_128};

use super::header::BLOCK;
use super::stream::{Hopping, Stream, passing};
use super::tap::{Feed, Tap, Tapped};
use super::tar::{Content, Unread};
use super::{LayerError, Limits};

fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

/// Files with no more than this between them are read at once, and the rest of one that is no more than twice this is
/// read, too: it is cheaper to copy it than to step over it.
const CLOSE: u64 = 4096;

/// Read at once at most.
const RUN: u64 = 256 * 1024;

/// Hashes files of an uncompressed tar of `length` bytes where it lies: each by the byte at which its contents lie, and
/// their size, in the order of the tar. `tell` is told of all bytes as they are hashed.
///
/// # Errors
/// The tar is shorter than it was.
pub fn hash_in_place<R: Read + Seek>(
    place: R,
    length: u64,
    files: &[(u64, u64)],
    tell: impl Fn(u64),
) -> Result<Vec<u128>, LayerError> {
    let mut blocks = Blocks::new(Hopping::new(place, length));
    let mut wanted = 0;
    let mut hashes = Vec::with_capacity(files.len());
    for (place, &(at, size)) in files.iter().enumerate() {
        if at >= wanted {
            wanted = run(&files[place..]);
            blocks.skip(at.saturating_sub(blocks.at))?;
            blocks.stream.want(wanted - at);
        }
        blocks.skip(at.saturating_sub(blocks.at))?;
        hashes.push(blocks.hash_telling(size, &tell)?);
    }
    Ok(hashes)
}

/// Hashes a file of its own. `buffer` is filled and can be used again. `tell` is told of all bytes as they are hashed.
///
/// # Errors
/// It cannot be read, or is shorter than `size`.
pub fn hash_file(mut file: impl Read, size: u64, buffer: &mut Vec<u8>, tell: impl Fn(u64)) -> Result<u128, LayerError> {
    if size <= RUN {
        buffer.clear();
        let read = file.take(size).read_to_end(buffer)? as u64;
        tell(read);
        let missing = size - read;
        return if missing > 0 {
            Err(LayerError::Truncated { at: read, missing })
        } else {
            Ok(XxHash3_128::oneshot(buffer))
        };
    }
    Blocks::new(passing(&mut file)).hash_telling(size, &tell)
}

/// The end of the files that are read together with the first one.
fn run(files: &[(u64, u64)]) -> u64 {
    let mut end = files.first().map_or(0, |(at, size)| at.saturating_add(*size));
    let start = files.first().map_or(0, |(at, _)| *at);
    for &(at, size) in files.iter().skip(1) {
        let next = at.saturating_add(size);
        if at < end || at - end > CLOSE || next - start > RUN {
            break;
        }
        end = next;
    }
    end
}

/// A hash of the first block of contents, or of all that there is; never 0.
fn head_hash(head: &[u8]) -> u64 {
    XxHash3_64::oneshot(head).max(1)
}

/// The tar as blocks, with the byte at which we are.
pub struct Blocks<S> {
    stream: S,
    /// Bytes read and left out so far.
    pub at: u64,
}

impl<S: Stream> Blocks<S> {
    /// The tar that begins with the stream.
    pub fn new(stream: S) -> Self {
        Self { stream, at: 0 }
    }

    /// Leaves out what follows the tar's end, so that checksums at the end of a compressed stream are tested; returns
    /// the bytes of the whole.
    pub fn finish(mut self) -> Result<u64, LayerError> {
        Ok(self.at + self.stream.leave_out(u64::MAX)?)
    }

    /// The next header block; `None` at the end, which is two blocks of zeros or the end of the stream.
    pub fn next_header(&mut self) -> Result<Option<[u8; BLOCK]>, LayerError> {
        let Some(block) = self.block()? else { return Ok(None) };
        if block.iter().any(|&byte| byte != 0) {
            return Ok(Some(block));
        }
        // A lone block of zeros ends nothing; GNU tar reads on with a warning, too.
        Ok(self.block()?.filter(|second| second.iter().any(|&byte| byte != 0)))
    }

    /// One block; `None` where the stream ends before its first byte.
    pub fn block(&mut self) -> Result<Option<[u8; BLOCK]>, LayerError> {
        // Nearly always it lies in the buffer whole.
        match self.stream.fill_buf().map(<[u8]>::first_chunk) {
            Ok(Some(&block)) => {
                self.stream.consume(BLOCK);
                self.at += BLOCK as u64;
                return Ok(Some(block));
            }
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            let read = match self.stream.read(&mut block[filled..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                break;
            }
            filled += read;
        }
        self.at += filled as u64;
        match filled {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            _ => Err(LayerError::Truncated { at: self.at, missing: (BLOCK - filled) as u64 }),
        }
    }

    /// Hands the next `size` bytes to `sink`, piece by piece.
    pub fn contents(
        &mut self,
        size: u64,
        mut sink: impl FnMut(&[u8]) -> Result<(), LayerError>,
    ) -> Result<(), LayerError> {
        self.contents_while(size, |part| sink(part).map(|()| true)).map(|_none_left| ())
    }

    /// Hands the next `size` bytes to `sink`, piece by piece, until it says that it wants no more; returns how many are
    /// left then.
    pub fn contents_while(
        &mut self,
        size: u64,
        mut sink: impl FnMut(&[u8]) -> Result<bool, LayerError>,
    ) -> Result<u64, LayerError> {
        let mut left = size;
        let mut wants_more = true;
        while left > 0 && wants_more {
            let available = self.stream.fill_buf()?;
            if available.is_empty() {
                return Err(LayerError::Truncated { at: self.at, missing: left });
            }
            let part = usize::try_from(left).map_or(available.len(), |left| left.min(available.len()));
            wants_more = sink(&available[..part])?;
            self.stream.consume(part);
            self.at += part as u64;
            left -= part as u64;
        }
        Ok(left)
    }

    /// Hands the next `size` bytes to a tap: what is known of them, their hash or, where the tap was sated before their
    /// end and they can be read again, where they lie.
    pub fn tapped(&mut self, size: u64, tap: &mut impl Tap) -> Result<Content, LayerError> {
        // Most files lie in the buffer whole, see `hash`.
        self.stream.expect(size);
        let whole = if size == 0 { &[] } else { self.stream.fill_buf()? };
        if let Some(whole) = usize::try_from(size).ok().and_then(|size| whole.get(..size)) {
            tap.part(whole)?;
            let (hash, length) = (XxHash3_128::oneshot(whole), whole.len());
            self.stream.consume(length);
            self.at += size;
            return Ok(Content::Hash(hash));
        }
        if !S::IN_PLACE {
            let mut feed = Tapped { hash: XxHash3_128::new(), tap };
            self.contents(size, |part| feed.part(part))?;
            return Ok(Content::Hash(feed.hash.finish_128()));
        }
        let (at, known) = (self.at, self.stream.known_head(size)?);
        let (mut head, mut filled) = ([0; BLOCK], 0);
        let (mut hash, mut expected) = (XxHash3_128::new(), size);
        let left = self.contents_while(size, |part| {
            let beginning = part.len().min(BLOCK - filled);
            head[filled..filled + beginning].copy_from_slice(&part[..beginning]);
            filled += beginning;
            tap.part(part)?;
            expected -= part.len() as u64;
            // Of what is left out the hash is not known anyway.
            let wants_more = !tap.is_sated() || expected <= 2 * CLOSE;
            if wants_more || expected == 0 {
                hash.write(part);
            }
            Ok(wants_more)
        })?;
        if left == 0 {
            return Ok(Content::Hash(hash.finish_128()));
        }
        self.skip(left)?;
        Ok(Content::Unread(Unread { at, head: known.unwrap_or_else(|| head_hash(&head[..filled])) }))
    }

    /// xxh3-128 of the next `size` bytes.
    pub fn hash(&mut self, size: u64) -> Result<u128, LayerError> {
        self.hash_telling(size, &|_| {})
    }

    fn hash_telling(&mut self, size: u64, tell: &impl Fn(u64)) -> Result<u128, LayerError> {
        // Most files lie in the buffer whole. Hashing at once spares the 600 bytes of state that a stream needs.
        let available = if size == 0 { &[] } else { self.stream.fill_buf()? };
        if let Some(whole) = usize::try_from(size).ok().and_then(|size| available.get(..size)) {
            let (hash, length) = (XxHash3_128::oneshot(whole), whole.len());
            self.stream.consume(length);
            self.at += size;
            tell(size);
            return Ok(hash);
        }
        let mut hash = XxHash3_128::new();
        self.contents(size, |part| {
            tell(part.len() as u64);
            hash.part(part)
        })?;
        Ok(hash.finish_128())
    }

    /// A hash of the beginning of the next `size` bytes, which are left out otherwise; never 0.
    pub fn head(&mut self, size: u64) -> Result<u64, LayerError> {
        if let Some(head) = self.stream.known_head(size)? {
            self.skip(size)?;
            return Ok(head);
        }
        // After a step over bytes a header and this much behind it are read at once.
        let mut head = [0; BLOCK];
        let (length, mut filled) = (size.min(BLOCK as u64), 0);
        let read = self.contents(length, |part| {
            head[filled..filled + part.len()].copy_from_slice(part);
            filled += part.len();
            Ok(())
        });
        read.map_err(|error| match error {
            LayerError::Truncated { at, missing } => LayerError::Truncated { at, missing: missing + size - length },
            other => other,
        })?;
        self.skip(size - length)?;
        Ok(head_hash(&head[..filled]))
    }

    pub fn skip(&mut self, size: u64) -> Result<(), LayerError> {
        let skipped = self.stream.leave_out(size)?;
        self.at += skipped;
        if skipped < size { Err(LayerError::Truncated { at: self.at, missing: size - skipped }) } else { Ok(()) }
    }

    pub fn skip_padded(&mut self, size: u64) -> Result<(), LayerError> {
        self.skip(size)?;
        self.skip_padding(size)
    }

    /// Skips what fills the last block. umoci leaves it out at the very end, and so may a stream whose contents are
    /// complete.
    pub fn skip_padding(&mut self, size: u64) -> Result<(), LayerError> {
        match self.skip(padding(size)) {
            Err(LayerError::Truncated { .. }) => Ok(()),
            other => other,
        }
    }

    /// The contents of a header that describes other headers.
    pub fn meta(&mut self, size: u64, limits: &Limits) -> Result<Vec<u8>, LayerError> {
        if size > limits.meta_bytes {
            return Err(LayerError::TooMuch { what: format!("a header of {size} bytes"), limit: limits.meta_bytes });
        }
        let mut data = Vec::new();
        self.contents(size, |part| {
            data.extend_from_slice(part);
            Ok(())
        })?;
        self.skip_padding(size)?;
        Ok(data)
    }
}
