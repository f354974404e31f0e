//! What was read before, on disk: the finished entries of layers and the documents of images, each in a file of its own.
//! A file is written whole or not at all, and one that is damaged is one that is not there. Any number of processes may
//! use the folder at once. Knows no image and no source.

mod file;
mod folder;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use twox_hash::XxHash3_128;

use crate::layer::Summary;
use file::{Frame, write_frame};

pub use file::{Found, Piece};
pub use folder::{Held, Pruned};

/// Bytes that the folder holds at most, unless somebody says otherwise. A layer of 100 000 files takes about 5 MB.
pub const LIMIT: u64 = 1 << 30;

/// A folder with what was read before.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    trouble: Trouble,
}

/// Why something could not be kept, the first time that it happened. Shared by all copies of a cache and its drafts.
#[derive(Debug, Clone, Default)]
struct Trouble(Arc<OnceLock<String>>);

impl Trouble {
    fn note<T>(&self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|error| drop(self.0.set(error.to_string())))
    }
}

/// By what something is found again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    text: String,
    name: String,
}

impl Key {
    /// A layer by the digest of its tar, which an engine vouches for, and what else decides what is kept.
    #[must_use]
    pub fn layer(layer: &str) -> Self {
        Self::new("layer", layer)
    }

    /// A layer by the place where it lies and what shows that the place was not written to since.
    #[must_use]
    pub fn place(place: &str) -> Self {
        Self::new("place", place)
    }

    /// The documents of an image.
    #[must_use]
    pub fn image(image: &str) -> Self {
        Self::new("image", image)
    }

    /// The secrets of a layer, by what its entries are kept under and what was searched for.
    #[must_use]
    pub fn secrets(layer: &Self, search: &str) -> Self {
        Self::new("secrets", &format!("{} {search}", layer.text))
    }

    /// The index of an image, by what its layers are kept under.
    #[must_use]
    pub fn index(layers: &str) -> Self {
        Self::new("index", layers)
    }

    /// Where decompressing a layer may begin, by what its entries are kept under.
    #[must_use]
    pub fn points(layer: &Self) -> Self {
        Self::new("points", &layer.text)
    }

    /// The whole of it, for who keeps keys.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What [`Self::text`] gave.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (kind, text) = text.split_once(' ')?;
        ["layer", "place", "image", "index", "points", "secrets"].contains(&kind).then(|| Self::new(kind, text))
    }

    fn new(kind: &str, text: &str) -> Self {
        // A name of its own making is safe as a file name, whatever the text holds; the text itself stands in the file.
        let name = format!("{kind}-{:032x}", XxHash3_128::oneshot(text.as_bytes()));
        Self { text: format!("{kind} {text}"), name }
    }
}

/// The folder of this user: `$XDG_CACHE_HOME/layerscope`, or `.cache/layerscope` at home (XDG Base Directory
/// Specification). `None` where there is no home.
#[must_use]
pub fn folder(environment: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("layerscope"))
}

impl Cache {
    /// The cache in a folder, which need not be there yet.
    #[must_use]
    pub fn new(folder: PathBuf, limit: u64) -> Self {
        Self { folder, limit, trouble: Trouble::default() }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Why something could not be kept since this was made, if so.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.0.get().map(String::as_str)
    }

    /// Whether something of that key seems to be there.
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        self.folder.join(&key.name).is_file()
    }

    /// What was kept under a key, whole and undamaged; it counts as used now.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<Found> {
        let found = Found::open(&self.folder.join(&key.name), &key.text)?;
        // Whether it is used is nice to know and no more: a folder that may not be written to serves as well.
        let _ = found.file().set_modified(SystemTime::now());
        Some(found)
    }

    /// Begins to keep something; `None` where nothing can be written.
    #[must_use]
    pub fn begin(&self) -> Option<Draft> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let there = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        self.trouble.note(there).ok()?;
        let name = format!("{}{}-{}", folder::DRAFT, std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let path = self.folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = Some(BufWriter::new(self.trouble.note(file).ok()?));
        Some(Draft { folder: self.folder.clone(), trouble: self.trouble.clone(), path, file, is_kept: false })
    }
}

/// Something that is being written. It vanishes unless it is kept.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    trouble: Trouble,
    path: PathBuf,
    /// Open while entries come; an image may have more layers than a process may have files open.
    file: Option<BufWriter<File>>,
    is_kept: bool,
}

impl Draft {
    /// Adds packed entries.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn entries(&mut self, packed: &[u8]) -> io::Result<()> {
        self.frame(Frame::Entries, packed)
    }

    /// Ends the entries. More can follow, but not soon.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn pause(&mut self) -> io::Result<()> {
        let flushed = self.file.take().map_or(Ok(()), |mut file| file.flush());
        self.trouble.note(flushed)
    }

    /// Adds bytes of somebody else's making.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.frame(Frame::Bytes, bytes)
    }

    /// Keeps it under a key, with the hashes that became known after the entries: by the byte at which the contents lie,
    /// in order.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn keep(mut self, key: &Key, summary: &Summary, hashes: &[(u64, u128)]) -> io::Result<()> {
        if !hashes.is_empty() {
            self.frame(Frame::Hashes, &file::pack_hashes(hashes))?;
        }
        self.frame(Frame::End, &file::pack_end(&key.text, summary))?;
        self.pause()?;
        self.trouble.note(fs::rename(&self.path, self.folder.join(&key.name)))?;
        self.is_kept = true;
        Ok(())
    }

    fn frame(&mut self, frame: Frame, payload: &[u8]) -> io::Result<()> {
        let written = self.open().and_then(|file| write_frame(file, frame, payload));
        self.trouble.note(written)
    }

    fn open(&mut self) -> io::Result<&mut BufWriter<File>> {
        match &mut self.file {
            Some(file) => Ok(file),
            closed => Ok(closed.insert(BufWriter::new(OpenOptions::new().append(true).open(&self.path)?))),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            // What is left of it is swept away by a later pruning.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
