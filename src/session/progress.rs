//! How far reading has come, for whoever shows it. Written by the reader, read by another thread, and waited
//! for at one place.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::load::Loaded;

/// Counters that a reader moves forward, and what it has read so far for who asks for it.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    expected: AtomicU64,
    layer: AtomicU32,
    layers: AtomicU32,
    /// The place of the layer that is being read, plus one; 0 when it is not known.
    current: AtomicU32,
    current_from: AtomicU64,
    /// Counts the bytes of the layer that is being read, where others are read beside it.
    current_own: Mutex<Option<Arc<AtomicU64>>>,
    current_expected: AtomicU64,
    compared: AtomicU64,
    to_compare: AtomicU64,
    searched: AtomicU64,
    to_search: AtomicU64,
    asked: AtomicBool,
    watched: AtomicBool,
    shown: Mutex<Option<Sender<Shown>>>,
}

/// An image, as far as it is read.
pub enum Shown {
    /// Some of its layers, or none.
    Part(Loaded),
    /// All of them. Whoever reads may wait until the pause is dropped.
    Whole(Loaded, Pause),
}

/// A reader may wait as long as this is there.
pub struct Pause(#[expect(dead_code, reason = "it is dropped and never sent to")] Sender<()>);

/// What a reader may wait for.
pub(super) struct Counted(Receiver<()>);

impl Counted {
    /// Waits until whoever watches has his numbers.
    pub fn wait(self) {
        // It ends, and nothing comes before.
        let _ = self.0.recv();
    }
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
    /// The place of the layer that is being read, where it is known.
    pub current: Option<u32>,
    /// Bytes read of what is being read as a layer.
    pub current_bytes: u64,
    /// Bytes that it has in all; 0 when not known.
    pub current_expected: u64,
    /// Bytes of files that were compared with others, once all layers are read.
    pub compared: u64,
    /// Bytes of files to be compared.
    pub to_compare: u64,
    /// Entries whose contents were searched for secrets, once all numbers are known.
    pub searched: u64,
    /// Entries to be searched.
    pub to_search: u64,
}

impl Snapshot {
    /// Bytes in a second, on average since reading began.
    #[must_use]
    pub fn rate(self, since: Duration) -> u64 {
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(1);
        u64::try_from(u128::from(self.bytes) * 1000 / u128::from(millis)).unwrap_or(u64::MAX)
    }

    /// How much of contents is compared, in percent; `None` before it begins.
    #[must_use]
    pub fn compared_percent(self) -> Option<u64> {
        Self::percent(self.compared, self.to_compare)
    }

    /// How much of the search for secrets is done, in percent; `None` before it begins.
    #[must_use]
    pub fn searched_percent(self) -> Option<u64> {
        Self::percent(self.searched, self.to_search)
    }

    /// What is not told to be done has a part left.
    fn percent(done: u64, all: u64) -> Option<u64> {
        done.saturating_mul(100).checked_div(all).map(|percent| percent.min(99))
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
        let bytes = self.bytes.load(Relaxed);
        let own = self.current_own.lock().unwrap_or_else(PoisonError::into_inner);
        let own = own.as_ref().map(|own| own.load(Relaxed));
        Snapshot {
            bytes,
            expected: self.expected.load(Relaxed),
            layer: self.layer.load(Relaxed),
            layers: self.layers.load(Relaxed),
            current: self.current.load(Relaxed).checked_sub(1),
            current_bytes: own.unwrap_or_else(|| bytes.saturating_sub(self.current_from.load(Relaxed))),
            current_expected: self.current_expected.load(Relaxed),
            compared: self.compared.load(Relaxed),
            to_compare: self.to_compare.load(Relaxed),
            searched: self.searched.load(Relaxed),
            to_search: self.to_search.load(Relaxed),
        }
    }

    /// Lets the image be seen while it is read: at once what is known before its layers are, and later what is read so
    /// far, each time that it is asked for. Then all of it, where contents are still to be compared, and where texts are
    /// still to be searched for secrets; the reader waits until the first such image's [`Pause`] is dropped. Ends when
    /// the image is read.
    #[must_use]
    pub fn watch(&self) -> Receiver<Shown> {
        let (show, see) = bounded(1);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(show);
        self.watched.store(true, Relaxed);
        see
    }

    /// Asks for what is read so far.
    pub fn ask(&self) {
        self.asked.store(true, Relaxed);
    }

    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Relaxed)
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Relaxed)
    }

    /// Shows what is read so far. Who has not looked at the one before does not get this one.
    pub(super) fn show(&self, loaded: Loaded) {
        self.asked.store(false, Relaxed);
        if let Some(show) = &*self.shown.lock().unwrap_or_else(PoisonError::into_inner) {
            // Full, or nobody looks any more: reading goes on.
            let _ = show.try_send(Shown::Part(loaded));
        }
    }

    /// Shows all of it, read, to whoever watches. What is to be done to it yet would take the cores that its numbers need.
    pub(super) fn present(&self, loaded: Loaded) -> Counted {
        let show = self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (pause, end) = bounded(0);
        if let Some(show) = show {
            // Who does not look any more does not get it.
            let _ = show.send(Shown::Whole(loaded, Pause(pause)));
        }
        Counted(end)
    }

    /// Nothing more is shown.
    pub(super) fn close(&self) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What was read and done so far counts for nothing.
    pub(super) fn begin_anew(&self) {
        let counts = [&self.bytes, &self.expected, &self.current_from, &self.compared, &self.to_compare];
        for count in counts.into_iter().chain([&self.current_expected, &self.searched, &self.to_search]) {
            count.store(0, Relaxed);
        }
        for count in [&self.layer, &self.layers, &self.current] {
            count.store(0, Relaxed);
        }
        *self.current_own.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn expect(&self, bytes: u64, layers: usize) {
        self.expected.store(bytes, Relaxed);
        self.layers.store(u32::try_from(layers).unwrap_or(u32::MAX), Relaxed);
    }

    /// Contents are compared from now on: so many bytes.
    pub(super) fn begin_comparing(&self, bytes: u64) {
        self.to_compare.store(bytes, Relaxed);
    }

    /// So many bytes more were compared.
    pub(super) fn compared(&self, bytes: u64) {
        self.compared.fetch_add(bytes, Relaxed);
    }

    /// Texts are searched from now on.
    pub(super) fn begin_search(&self, entries: u64) {
        self.to_search.store(entries, Relaxed);
    }

    /// One more entry was searched.
    pub(super) fn searched_one(&self) {
        self.searched.fetch_add(1, Relaxed);
    }

    /// A layer begins; `own` counts its bytes if others are read beside it.
    pub(super) fn begin_layer(&self, layer: Option<usize>, size: u64, own: Option<&Arc<AtomicU64>>) {
        *self.current_own.lock().unwrap_or_else(PoisonError::into_inner) = own.cloned();
        self.layer.fetch_add(1, Relaxed);
        let place = layer.and_then(|layer| u32::try_from(layer + 1).ok()).unwrap_or(0);
        self.current.store(place, Relaxed);
        self.current_from.store(self.bytes.load(Relaxed), Relaxed);
        self.current_expected.store(size, Relaxed);
    }
}

/// Counts the bytes that go by, those that are stepped over included.
#[derive(Clone)]
pub(super) struct Counting<R> {
    inner: R,
    progress: Arc<Progress>,
    /// Counted once more, for a layer of its own.
    own: Option<Arc<AtomicU64>>,
}

impl<R> Counting<R> {
    pub fn new(inner: R, progress: &Arc<Progress>) -> Self {
        Self { inner, progress: Arc::clone(progress), own: None }
    }

    /// Counts for a layer as well, which may be read beside others.
    pub fn for_layer(self, own: &Arc<AtomicU64>) -> Self {
        Self { own: Some(Arc::clone(own)), ..self }
    }

    /// Goes on without being counted: what was counted once is not counted when it is read again.
    pub fn uncounted(self) -> Self {
        Self { progress: Arc::default(), own: None, ..self }
    }

    pub fn inner(&self) -> &R {
        &self.inner
    }

    /// Counts bytes that need not be read.
    pub fn count(&self, bytes: u64) {
        self.progress.bytes.fetch_add(bytes, Relaxed);
        if let Some(own) = &self.own {
            own.fetch_add(bytes, Relaxed);
        }
    }
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count(read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.inner.seek(to)?;
        if let SeekFrom::Current(step @ 1..) = to {
            self.count(step.unsigned_abs());
        }
        Ok(at)
    }
}
