//! Where a layer lies that can be read again: in a file, or in an engine's store. Knows no image.

use std::fs::File;
use std::io::{self, BufReader};

use super::access::Noted;
use super::blob::{Digests, Done, read_placed};
use super::kept;
use super::progress::Counting;
use crate::analysis::content::Looked;
use crate::cache::Key;
use crate::index::{EntryId, Index};
use crate::layer::split::{Open, read_split};
use crate::layer::tap::Tap;
use crate::layer::{Entry, LayerError, Limits, decode, hash_file, hash_in_place};
use crate::source::part::{Part, Stamp};
use crate::source::storage::{Folder, StoredLayer};

/// A place.
#[derive(Clone)]
pub(super) enum Place {
    File(Counting<Part>),
    Store(StoredLayer),
}

impl Place {
    /// Its bytes as they are stored; 0 where that says nothing.
    pub fn length(&self) -> u64 {
        match self {
            Self::File(part) => part.inner().length(),
            Self::Store(_) => 0,
        }
    }

    /// What its file is by now, where it lies in one.
    pub fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::File(part) => part.inner().stamp().ok(),
            Self::Store(_) => None,
        }
    }

    /// By what it is found again in the cache; `None` where that is not safe.
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::File(part) => kept::place_key(part.inner()),
            Self::Store(layer) => {
                let list = layer.list().ok()?;
                let length = list.metadata().ok()?.len();
                kept::place_key(&Part::new(list.into(), 0, length))
            }
        }
    }

    /// What was counted once is not counted when it is read again.
    pub fn uncounted(self) -> Self {
        match self {
            Self::File(part) => Self::File(part.uncounted()),
            Self::Store(layer) => Self::Store(layer),
        }
    }

    /// Counts all of it as read.
    pub fn count(&self) {
        if let Self::File(part) = self {
            part.count(part.inner().length());
        }
    }

    /// Reads the layer.
    pub fn read(
        &self,
        digests: Digests,
        limits: &Limits,
        tap: &mut impl Tap,
        sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
    ) -> Result<Done, LayerError> {
        match self {
            Self::File(part) => read_placed(part, digests, limits, tap, sink),
            Self::Store(layer) => {
                let summary = read_stored(layer, limits, tap, sink)?;
                Ok(Done { summary, diff_id: None, digest: None, looked: Looked::default(), noted: Noted::Nowhere })
            }
        }
    }

    /// Hashes files of the layer, in its order, and tells of all bytes as they are hashed.
    pub fn hash(&self, index: &Index, files: &[EntryId], tell: impl Fn(u64)) -> Result<Vec<u128>, LayerError> {
        let entries = files.iter().map(|id| index.entry(*id));
        match self {
            Self::File(part) => {
                let lies: Vec<_> =
                    entries.map(|entry| (index.unread(entry).map_or(0, |unread| unread.at), entry.size)).collect();
                hash_in_place(part.clone(), part.inner().length(), &lies, tell)
            }
            Self::Store(layer) => {
                let mut buffer = Vec::new();
                let hash = |entry: crate::index::Entry| {
                    let file = layer.folder().open(&index.path(entry.path), entry.size)?;
                    hash_file(file, entry.size, &mut buffer, &tell)
                };
                entries.map(hash).collect()
            }
        }
    }
}

struct Files<'f>(&'f Folder);

impl Open for Files<'_> {
    type File = File;

    fn open(&self, name: &[u8], size: u64) -> io::Result<File> {
        self.0.open(name, size)
    }
}

/// Reads a layer in an engine's store.
pub(super) fn read_stored(
    layer: &StoredLayer,
    limits: &Limits,
    tap: &mut impl Tap,
    sink: impl FnMut(&Entry<'_>) -> Result<(), LayerError>,
) -> Result<crate::layer::Summary, LayerError> {
    let list = decode::peek(layer.list()?)?.decode(limits)?;
    read_split(BufReader::with_capacity(64 * 1024, list), Files(layer.folder()), limits, tap, sink)
}
