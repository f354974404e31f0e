//! How far reading has come, for whoever shows it. Written by the reader, read by another thread, never waited for.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Counters that a reader moves forward.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    expected: AtomicU64,
    layer: AtomicU32,
    layers: AtomicU32,
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
