//! Decompression, chosen by the first bytes of the data. Names and media types lie; magic bytes do not.
//! The outer archive borrows these decoders. Knows no tar.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::gunzip::Gunzip;
use super::points::{Point, Points};
use super::unzstd::Unzstd;
use super::{LayerError, Limits};

/// Bytes needed to tell what a blob is: one tar header.
pub const SNIFF_BYTES: usize = 512;

/// Read buffer in front of a decoder. Large enough that a system call costs nothing beside the work on its bytes.
const BUFFER: usize = 256 * 1024;

/// What a blob is, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing at all.
    Empty,
    /// An uncompressed tar, or the zero blocks of an empty one.
    Tar,
    /// Gzip (RFC 1952 section 2.3.1: 1f 8b).
    Gzip,
    /// Zstandard (RFC 8878 section 3.1.1) or one of its skippable frames (3.1.2).
    Zstd,
    /// A compression that is known by name only.
    Unsupported(&'static str),
    /// JSON, by its first character.
    Json,
    /// Something else.
    Unknown,
}

impl Kind {
    /// Whether the blob is a tar, compressed or not, as far as one can say without decompressing it.
    #[must_use]
    pub fn may_be_tar(self) -> bool {
        matches!(self, Self::Tar | Self::Gzip | Self::Zstd)
    }
}

/// Tells what begins with `head`, which should hold [`SNIFF_BYTES`] unless the blob is shorter.
#[must_use]
pub fn sniff(head: &[u8]) -> Kind {
    match head {
        [] => Kind::Empty,
        [0x1f, 0x8b, ..] => Kind::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Kind::Zstd,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Kind::Unsupported("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Kind::Unsupported("xz"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Kind::Unsupported("lz4"),
        [b'h', b's', b'q', b's', ..] => Kind::Unsupported("squashfs"),
        _ if is_tar(head) => Kind::Tar,
        _ => match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => Kind::Json,
            _ => Kind::Unknown,
        },
    }
}

/// One header with a right checksum, or a block of zeros. The word `ustar` is no test: the oldest tars lack it.
fn is_tar(head: &[u8]) -> bool {
    head.get(..SNIFF_BYTES).is_some_and(|block| super::header::is_valid(block) || block.iter().all(|&byte| byte == 0))
}

/// A stream with its first bytes looked at and put back.
pub struct Sniffed<R> {
    /// What the first bytes say.
    pub kind: Kind,
    /// The first bytes, at most [`SNIFF_BYTES`].
    pub head: Vec<u8>,
    rest: R,
}

/// Reads enough to tell what the stream is.
///
/// # Errors
/// Whatever reading gives.
pub fn peek<R: Read>(mut reader: R) -> io::Result<Sniffed<R>> {
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    reader.by_ref().take(SNIFF_BYTES as u64).read_to_end(&mut head)?;
    Ok(Sniffed { kind: sniff(&head), head, rest: reader })
}

impl<R: Read> Sniffed<R> {
    /// The stream as it was, from its first byte.
    pub fn whole(self) -> impl Read + use<R> {
        io::Cursor::new(self.head).chain(self.rest)
    }

    /// The decompressed stream. Plain data passes through.
    ///
    /// # Errors
    /// A compression that is not supported, or a decoder that does not start.
    pub fn decode<'r>(self, limits: &Limits) -> Result<Box<dyn Read + 'r>, LayerError>
    where
        R: 'r,
    {
        self.decode_noting(limits, None)
    }

    /// The same; where it could begin in the middle is noted if that is asked for.
    ///
    /// # Errors
    /// A compression that is not supported, or a decoder that does not start.
    pub fn decode_noting<'r>(
        self,
        limits: &Limits,
        points: Option<&'r mut Points>,
    ) -> Result<Box<dyn Read + 'r>, LayerError>
    where
        R: 'r,
    {
        Ok(match self.kind {
            Kind::Gzip => Box::new(Bounded::new(Gunzip::new(buffered(self.whole()), points), limits)),
            Kind::Zstd => Box::new(Bounded::new(Unzstd::new(buffered(self.whole()), points)?, limits)),
            Kind::Unsupported(name) => return Err(LayerError::Compression(name)),
            Kind::Empty | Kind::Tar | Kind::Json | Kind::Unknown => Box::new(self.whole()),
        })
    }
}

/// The decompressed stream from a point on. `place` has the whole compressed one.
///
/// # Errors
/// The point is none, or whatever reading gives.
pub fn resume<'r, R: Read + Seek + 'r>(
    mut place: R,
    kind: Kind,
    point: &Point,
    limits: &Limits,
) -> Result<Box<dyn Read + 'r>, LayerError> {
    place.seek(SeekFrom::Start(point.first()))?;
    Ok(match kind {
        Kind::Gzip => Box::new(Bounded::new(Gunzip::resume(buffered(place), point)?, limits)),
        _ => Box::new(Bounded::new(Unzstd::resume(buffered(place), point)?, limits)),
    })
}

fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER, reader)
}

/// How much a compressed byte may become, after a free allowance.
#[derive(Clone, Copy)]
struct Ratio {
    free: u64,
    limit: u64,
}

/// A decoder that tells how many compressed bytes it took.
trait Decoder: Read {
    fn taken(&self) -> u64;
}

impl<R: BufRead> Decoder for Gunzip<'_, R> {
    fn taken(&self) -> u64 {
        self.taken()
    }
}

impl<R: BufRead> Decoder for Unzstd<'_, R> {
    fn taken(&self) -> u64 {
        self.taken()
    }
}

/// Stops a decompression bomb.
struct Bounded<D> {
    inner: D,
    decoded: u64,
    /// Compressed bytes before the first.
    before: u64,
    ratio: Ratio,
}

impl<D: Decoder> Bounded<D> {
    fn new(inner: D, limits: &Limits) -> Self {
        let ratio = Ratio { free: limits.free_decoded_bytes, limit: limits.ratio };
        Self { before: inner.taken(), inner, decoded: 0, ratio }
    }
}

impl<D: Decoder> Read for Bounded<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.decoded += read as u64;
        if self.decoded > self.ratio.free && self.decoded / self.ratio.limit > self.inner.taken() - self.before {
            let message =
                format!("it grows by more than {} times when decompressed, which no real layer does", self.ratio.limit);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn tells_by_magic_bytes() {
        assert_eq!(sniff(b""), Kind::Empty);
        assert_eq!(sniff(&[0x1f, 0x8b, 8]), Kind::Gzip);
        assert_eq!(sniff(&[0x28, 0xb5, 0x2f, 0xfd]), Kind::Zstd);
        assert_eq!(sniff(&[0x50, 0x2a, 0x4d, 0x18]), Kind::Zstd);
        assert_eq!(sniff(b"BZh9"), Kind::Unsupported("bzip2"));
        assert_eq!(sniff(b"\xfd7zXZ\0"), Kind::Unsupported("xz"));
        assert_eq!(sniff(b" \n{\"a\":1}"), Kind::Json);
        assert_eq!(sniff(&[0; 512]), Kind::Tar);
        assert_eq!(sniff(b"hello"), Kind::Unknown);
    }

    #[test]
    fn reads_every_gzip_member_and_every_zstd_frame() {
        let mut twice = Vec::new();
        for _ in 0..2 {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(b"abc").unwrap();
            twice.extend(encoder.finish().unwrap());
        }
        let mut text = String::new();
        peek(&twice[..]).unwrap().decode(&Limits::default()).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcabc");

        let mut frames = zstd::encode_all(&b"abc"[..], 1).unwrap();
        // A skippable frame of three bytes, as zstd:chunked writes them between and after its frames.
        frames.extend([0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
        frames.extend(zstd::encode_all(&b"def"[..], 1).unwrap());
        text.clear();
        peek(&frames[..]).unwrap().decode(&Limits::default()).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcdef");
    }

    #[test]
    fn stops_a_bomb() {
        let bomb = zstd::encode_all(io::repeat(0).take(64 << 20), 1).unwrap();
        let limits = Limits { free_decoded_bytes: 1 << 20, ratio: 100, ..Limits::default() };
        let error = io::copy(&mut peek(&bomb[..]).unwrap().decode(&limits).unwrap(), &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("more than 100 times"), "{error}");
    }
}
