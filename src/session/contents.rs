//! The contents of a file version, read back from the image's own source and held against what was indexed.
//! Knows no screen and writes no file.

use std::collections::{HashMap, HashSet};
use std::io::{Seek, SeekFrom};

use super::access::{Noted, decompress};
use super::load::Loaded;
use super::marks::{Mark, Run, runs};
use super::origin::{Blob, Job};
use super::place::read_stored;
use crate::error::{Error, Result};
use crate::index::walk::Live;
use crate::index::{EntryId, Index, Kind, SlotId};
use crate::layer::tap::{Feed, Tap, Want, spell};
use crate::layer::{self, LayerError, Limits, Summary, decode};
use crate::source::part::Stamp;
use crate::source::storage::Lies;

/// Bytes of a tar that are rather read than stepped over on the way to the next file.
const NEAR: u64 = 16 * 1024 * 1024;

/// The beginning of a file, or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes that were asked for.
    pub bytes: Vec<u8>,
    /// How many the file has in all.
    pub size: u64,
}

impl Piece {
    /// Whether nothing is left out.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.size
    }
}

/// Takes the contents of files, one after the other.
pub(super) trait Take {
    /// A file begins.
    fn begin(&mut self, entry: EntryId) -> Result<()>;
    /// Its next bytes; `false` when no more are wanted of anything.
    fn part(&mut self, bytes: &[u8]) -> Result<bool>;
    /// So many zeros.
    fn hole(&mut self, bytes: u64) -> Result<bool>;
    /// It is complete, and it is what was indexed.
    fn end(&mut self, entry: EntryId) -> Result<()>;
}

/// What the index knows and the source does not have any more.
pub(super) fn changed() -> Error {
    Error::image("the image changed since it was read").hint("open it again")
}

/// The thing whose contents stand at a place: hard links lead to what they share.
///
/// # Errors
/// A hard link to nothing that the image has.
pub fn behind(loaded: &Loaded, live: Live) -> Result<Live> {
    let index = &loaded.index;
    if let Some(entry) = index.inode(live.entry) {
        return Ok(Live { layer: live.layer, entry });
    }
    // Engines would link to what lower layers left there.
    let target = index.hardlink_target(index.entry(live.entry));
    let below = target.and_then(|target| loaded.stack.object_at(index, target, live.layer));
    let below = below.and_then(|below| Some(Live { layer: below.layer, entry: index.inode(below.entry)? }));
    below.ok_or_else(|| Error::image("it is a hard link to something that is not there"))
}

/// Reads the beginning of a file, at most `most` bytes.
///
/// # Errors
/// It has no contents, its source cannot be read again, the image changed, or the job was cancelled.
pub fn preview(loaded: &Loaded, live: Live, most: usize, job: &Job) -> Result<Piece> {
    let Live { entry, .. } = behind(loaded, live)?;
    let size = loaded.index.entry(entry).size;
    let mut beginning = Beginning { bytes: Vec::new(), most, is_longer: size > most as u64 };
    read_back(loaded, &[entry], &mut beginning, job)?;
    Ok(Piece { bytes: beginning.bytes, size })
}

/// Keeps the first bytes.
struct Beginning {
    bytes: Vec<u8>,
    most: usize,
    is_longer: bool,
}

impl Take for Beginning {
    fn begin(&mut self, _: EntryId) -> Result<()> {
        Ok(())
    }

    fn part(&mut self, bytes: &[u8]) -> Result<bool> {
        let room = self.most - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(!self.is_longer || self.bytes.len() < self.most)
    }

    fn hole(&mut self, bytes: u64) -> Result<bool> {
        let room = self.most - self.bytes.len();
        let zeros = usize::try_from(bytes).map_or(room, |bytes| bytes.min(room));
        self.bytes.resize(self.bytes.len() + zeros, 0);
        Ok(!self.is_longer || self.bytes.len() < self.most)
    }

    fn end(&mut self, _: EntryId) -> Result<()> {
        Ok(())
    }
}

/// Reads files back, those of one blob in the order of its tar.
pub(super) fn read_back(loaded: &Loaded, files: &[EntryId], take: &mut impl Take, job: &Job) -> Result<()> {
    job.outcome(try_read_back(loaded, files, take, job))
}

fn try_read_back(loaded: &Loaded, files: &[EntryId], take: &mut impl Take, job: &Job) -> Result<()> {
    let index = &loaded.index;
    let origin = loaded.origin.as_ref().ok_or_else(|| Error::image("the image has no source to read again"))?;
    let mut blobs: HashMap<&str, Within<'_>> = HashMap::new();
    let mut stamps: HashMap<&str, Stamp> = HashMap::new();
    let mut stored: HashMap<&str, &Lies> = HashMap::new();
    for file in files {
        let entry = index.entry(*file);
        if entry.kind != Kind::File {
            return Err(Error::image("only files have contents"));
        }
        let layer = loaded.stack.layers_of(entry.slot).first().and_then(|layer| loaded.layers.get(*layer as usize));
        let layer = layer.ok_or_else(|| Error::image("no layer of the image has this file"))?;
        stored.extend(layer.stored.as_ref().map(|stored| (layer.member.as_str(), stored)));
        stamps.extend(layer.stamp.map(|stamp| (layer.member.as_str(), stamp)));
        let within = || Within { slot: entry.slot, files: Vec::new(), marks: &layer.marks, noted: &layer.noted };
        blobs.entry(&layer.member).or_insert_with(within).files.push(*file);
    }
    if blobs.is_empty() {
        return Ok(());
    }
    let mut visit = |name: &str, blob: Blob<'_>| {
        let Some(within) = blobs.get(name) else { return Ok(()) };
        // What was never read has no hash to be held against; then the file itself must be what it was.
        let is_same = match (&blob, stamps.get(name)) {
            (Blob::Placed(place, _), Some(stamp)) => place.inner().inner().stamp().is_ok_and(|now| now == *stamp),
            // An engine's store is written to once; sizes are held against the list.
            (Blob::Apart(_), _) => true,
            (Blob::Placed(..) | Blob::Passing(_), _) => false,
        };
        within.read(index, blob, is_same, &origin.options.limits, take)
    };
    let (in_store, names): (Vec<&str>, Vec<&str>) = blobs.keys().partition(|name| stored.contains_key(*name));
    for name in in_store {
        match stored[name] {
            Lies::Apart(layer) => visit(name, Blob::Apart(layer))?,
            Lies::Blob(part) => visit(name, Blob::placed(part, job))?,
        }
    }
    let all = loaded.layers.iter().map(|layer| layer.member.as_str()).collect();
    if names.is_empty() { Ok(()) } else { origin.blobs(&names.into_iter().collect(), &all, job, &mut visit) }
}

/// Files that are wanted of one blob, and what is known of it.
struct Within<'w> {
    slot: SlotId,
    files: Vec<EntryId>,
    marks: &'w [Mark],
    noted: &'w Noted,
}

impl Within<'_> {
    /// Hands the files to `take`. Where the blob lies in a file, nothing is read that is far from them.
    fn read(&self, index: &Index, blob: Blob<'_>, is_same: bool, limits: &Limits, take: &mut impl Take) -> Result<()> {
        let all = || Run { mark: Mark { place: 0, at: 0 }, files: self.files.clone() };
        let mut pick = Pick { index, slot: self.slot, is_same, take };
        match blob {
            Blob::Passing(bytes) => pick.run(&all(), |picker| {
                let tar = decode::peek(bytes)?.decode(limits)?;
                layer::read_tapped(tar, limits, picker, |_| Ok(()))
            }),
            Blob::Apart(layer) => pick.run(&all(), |picker| read_stored(layer, limits, picker, |_| Ok(()))),
            Blob::Placed(place, length) => {
                let kind = decode::peek(place.clone()).map_err(|error| unreadable(&error.into()))?.kind;
                let points = if kind == decode::Kind::Tar { None } else { self.noted.points() };
                for run in runs(index, self.slot, self.marks, &self.files, NEAR) {
                    let (mut place, at) = (place.clone(), run.mark.at);
                    pick.run(&run, |picker| {
                        if kind == decode::Kind::Tar {
                            place.seek(SeekFrom::Start(at))?;
                            return layer::read_in_place(place, length.saturating_sub(at), limits, picker, |_| Ok(()));
                        }
                        let tar = decompress(place, kind, points.as_deref(), at, limits)?;
                        layer::read_tapped(tar, limits, picker, |_| Ok(()))
                    })?;
                }
                Ok(())
            }
        }
    }
}

fn unreadable(error: &LayerError) -> Error {
    Error::image("its layer cannot be read again").caused_by(error)
}

/// Hands files of a slot on.
struct Pick<'p, T> {
    index: &'p Index,
    slot: SlotId,
    /// Whether the file is the one that was indexed.
    is_same: bool,
    take: &'p mut T,
}

impl<T: Take> Pick<'_, T> {
    /// Reads a tar from a run's mark on until all of its files were there.
    fn run(&mut self, run: &Run, read: impl FnOnce(&mut Picker<'_, T>) -> Result<Summary, LayerError>) -> Result<()> {
        let mut picker = Picker::new(self.index, self.slot, run, self.is_same, self.take);
        let read = read(&mut picker);
        let (left, fault) = (picker.left, picker.fault);
        match (read, fault) {
            (_, Some(fault)) => Err(fault),
            (Ok(_), None) if left > 0 => Err(changed().because("a file is not in its layer any more")),
            (Ok(_) | Err(LayerError::Enough), None) => Ok(()),
            (Err(error), None) => Err(unreadable(&error)),
        }
    }
}

/// Chooses the wanted files of a tar as they go by.
struct Picker<'p, T> {
    index: &'p Index,
    sought: HashMap<Vec<u8>, Sought>,
    /// How many have not come by yet.
    left: usize,
    current: Option<EntryId>,
    /// Whether the file is the one that was indexed.
    is_same: bool,
    take: &'p mut T,
    /// Why reading stopped, in words for a person.
    fault: Option<Error>,
    /// Where paths are spelled, to spare an allocation for each.
    path: Vec<u8>,
}

/// The wanted files of one path: a tar may have several, and each replaces the one before.
#[derive(Default)]
struct Sought {
    /// How many files of the path came by.
    seen: u32,
    /// Which of them are wanted.
    wanted: Vec<(u32, EntryId)>,
}

impl<'p, T: Take> Picker<'p, T> {
    fn new(index: &'p Index, slot: SlotId, run: &Run, is_same: bool, take: &'p mut T) -> Self {
        let wanted: HashSet<EntryId> = run.files.iter().copied().collect();
        let paths: HashSet<_> = run.files.iter().map(|file| index.entry(*file).path).collect();
        let mut seen = HashMap::new();
        let mut sought: HashMap<Vec<u8>, Sought> = HashMap::new();
        // Those before the mark do not come by.
        for id in index.entries_in(slot).skip(run.mark.place as usize) {
            let entry = index.entry(id);
            if entry.kind != Kind::File || !paths.contains(&entry.path) {
                continue;
            }
            let number: &mut u32 = seen.entry(entry.path).or_default();
            if wanted.contains(&id) {
                sought.entry(index.path(entry.path)).or_default().wanted.push((*number, id));
            }
            *number += 1;
        }
        Self { index, sought, left: wanted.len(), current: None, is_same, take, fault: None, path: Vec::new() }
    }

    /// Turns what the taker says into what the tar's reader understands.
    fn go_on(&mut self, said: Result<bool>) -> Result<(), LayerError> {
        match said {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.left = 0;
                Err(LayerError::Enough)
            }
            Err(error) => {
                self.fault = Some(error);
                Err(LayerError::Enough)
            }
        }
    }
}

impl<T: Take> Feed for Picker<'_, T> {
    fn part(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        let said = self.take.part(bytes);
        self.go_on(said)
    }

    fn hole(&mut self, bytes: u64) -> Result<(), LayerError> {
        let said = self.take.hole(bytes);
        self.go_on(said)
    }
}

impl<T: Take> Tap for Picker<'_, T> {
    fn wants(&mut self, path: &[u8], size: u64, _: u16) -> Result<Want, LayerError> {
        spell(path, &mut self.path);
        let Some(sought) = self.sought.get_mut(&self.path) else { return Ok(Want::Skip) };
        let found = sought.wanted.iter().find(|(number, _)| *number == sought.seen).map(|(_, id)| *id);
        sought.seen += 1;
        let Some(id) = found else { return Ok(Want::Skip) };
        self.current = Some(id);
        let said = if self.index.entry(id).size == size {
            self.take.begin(id)
        } else {
            Err(changed().because("a file has another size"))
        };
        self.go_on(said.map(|()| true))?;
        Ok(Want::Contents)
    }

    fn complete(&mut self, content: Option<u128>) -> Result<(), LayerError> {
        let Some(id) = self.current.take() else { return Ok(()) };
        self.left -= 1;
        let entry = self.index.entry(id);
        let is_it = match (self.index.unread(entry), content) {
            (Some(_), _) => self.is_same,
            (None, Some(hash)) => self.index.is_content(entry, hash) == Some(true),
            (None, None) => self.index.content(entry).is_none(),
        };
        let said = if is_it { self.take.end(id) } else { Err(changed().because("a file has other contents")) };
        self.go_on(said.map(|()| true))
    }

    fn has_enough(&self) -> bool {
        self.left == 0
    }
}
