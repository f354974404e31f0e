//! One blob, read as a layer: from a stream, or from the file where it lies. Knows no image and no index.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::access::Noted;
use super::progress::Counting;
use crate::analysis::content::Looked;
use crate::layer::decode::{self, Kind};
use crate::layer::points::Points;
use crate::layer::tap::Tap;
use crate::layer::{self, Entry, LayerError, Limits, Summary};
use crate::source::part::Part;
use crate::units::hex;

/// A blob that was read to its end.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub summary: Summary,
    /// Digest of its uncompressed tar, where it was wanted.
    pub diff_id: Option<String>,
    /// Digest of the blob as it is stored, where it was wanted.
    pub digest: Option<String>,
    /// What came of looking into it beside facts; whoever gave the tap knows.
    pub looked: Looked,
    /// Where decompressing it may begin, if it had to be decompressed where it lies.
    pub noted: Noted,
}

/// What is to be computed beside the entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digests {
    pub blob: bool,
    pub tar: bool,
}

impl Digests {
    /// Nothing of it.
    pub const NONE: Self = Self { blob: false, tar: false };
}

/// Reads a blob as it goes by.
pub(super) fn read_passing(
    blob: impl Read,
    digests: Digests,
    limits: &Limits,
    points: Option<&mut Points>,
    tap: &mut impl Tap,
    sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<Done, LayerError> {
    let mut blob = Hashing { inner: blob, hash: digests.blob.then(Sha256::new) };
    let sniffed = decode::peek(&mut blob)?;
    if let Some(reason) = refusal(sniffed.kind, &sniffed.head) {
        return Err(reason);
    }
    let mut tar = Hashing { inner: sniffed.decode_noting(limits, points)?, hash: digests.tar.then(Sha256::new) };
    let summary = layer::read_tapped(&mut tar, limits, tap, sink)?;
    let diff_id = tar.hash.take();
    drop(tar);
    let text = |hash: Sha256| format!("sha256:{}", hex(&hash.finalize()));
    let (looked, noted) = (Looked::default(), Noted::Nowhere);
    Ok(Done { summary, diff_id: diff_id.map(text), digest: blob.hash.take().map(text), looked, noted })
}

/// Reads a blob in its place: one that is not compressed from header to header, unless all of it is to be digested.
pub(super) fn read_placed(
    blob: &Counting<Part>,
    digests: Digests,
    limits: &Limits,
    tap: &mut impl Tap,
    sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<Done, LayerError> {
    let part = blob.inner();
    let kind = decode::peek(part.clone())?.kind;
    if digests.blob || digests.tar || kind != Kind::Tar {
        let mut points = Points::default();
        let done = read_passing(blob.clone(), digests, limits, Some(&mut points), tap, sink)?;
        return Ok(Done { noted: Noted::here(points), ..done });
    }
    let summary = layer::read_in_place(blob.clone(), part.length(), limits, tap, sink)?;
    Ok(Done { summary, diff_id: None, digest: None, looked: Looked::default(), noted: Noted::Nowhere })
}

/// Why a blob that begins like this can be no layer.
pub(super) fn refusal(kind: Kind, head: &[u8]) -> Option<LayerError> {
    match kind {
        Kind::Tar | Kind::Gzip | Kind::Zstd => None,
        Kind::Unsupported(name) => Some(LayerError::Compression(name)),
        Kind::Empty => Some(LayerError::Empty),
        Kind::Json | Kind::Unknown => Some(LayerError::NotTar(beginning(head))),
    }
}

/// The first bytes as a person can read them.
pub(super) fn beginning(head: &[u8]) -> String {
    format!("\"{}\"", head[..head.len().min(12)].escape_ascii())
}

/// Hashes what goes by, if asked to.
struct Hashing<R> {
    inner: R,
    hash: Option<Sha256>,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(hash) = &mut self.hash {
            hash.update(&buffer[..read]);
        }
        Ok(read)
    }
}
