//! How far reading has come, for whoever shows it. Written by the reader, read by another thread, never waited for.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Counters that a reader moves forward.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    expected: AtomicU64,
    layer: AtomicU32,
    layers: AtomicU32,
    outline: OnceLock<Vec<Step>>,
}

/// A step of the image's history, known before any layer is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Bytes of its layer: as the engine says, or of the stored blob.
    pub bytes: u64,
    /// Its command, safe to show.
    pub command: String,
}

/// The counters at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Bytes read from the source.
    pub bytes: u64,
    /// Bytes expected in all; 0 when not known.
    pub expected: u64,
    /// Layers begun.
    pub layer: u32,
    /// Layers in all; 0 when not known.
    pub layers: u32,
}

impl Snapshot {
    /// Bytes in a second, on average since reading began.
    #[must_use]
    pub fn rate(self, since: Duration) -> u64 {
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(1);
        u64::try_from(u128::from(self.bytes) * 1000 / u128::from(millis)).unwrap_or(u64::MAX)
    }

    /// Whole seconds that the rest takes at that rate; `None` when nothing is left or nothing can be said.
    #[must_use]
    pub fn seconds_left(self, since: Duration) -> Option<u64> {
        let left = self.expected.saturating_sub(self.bytes);
        left.checked_div(self.rate(since)).filter(|_| left > 0)
    }
}

impl Progress {
    /// All counters.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            bytes: self.bytes.load(Relaxed),
            expected: self.expected.load(Relaxed),
            layer: self.layer.load(Relaxed),
            layers: self.layers.load(Relaxed),
        }
    }

    /// The steps of the image, as soon as they are known.
    #[must_use]
    pub fn outline(&self) -> Option<&[Step]> {
        self.outline.get().map(Vec::as_slice)
    }

    pub(super) fn outlined(&self, steps: Vec<Step>) {
        // The first word counts; nobody has a second one.
        let _ = self.outline.set(steps);
    }

    pub(super) fn expect(&self, bytes: u64, layers: usize) {
        self.expected.store(bytes, Relaxed);
        self.layers.store(u32::try_from(layers).unwrap_or(u32::MAX), Relaxed);
    }

    pub(super) fn next_layer(&self) {
        self.layer.fetch_add(1, Relaxed);
    }
}

/// Counts the bytes that go by.
pub(super) struct Counting<R> {
    inner: R,
    progress: Arc<Progress>,
}

impl<R> Counting<R> {
    pub fn new(inner: R, progress: &Arc<Progress>) -> Self {
        Self { inner, progress: Arc::clone(progress) }
    }
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.bytes.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}
