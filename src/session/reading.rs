//! One reading of an image: the index that it fills, and what of it can be shown while it goes on.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crossbeam_channel::Receiver;

use super::access::Noted;
use super::blob::{Digests, Done, read_passing};
use super::gather::{Gather, Inspectors};
use super::kept::{Beside, Copying, Keep, Keeping};
use super::load::{Arrival, LoadedLayer, Options};
use super::marks::{Mark, Marking};
use super::outline::Outline;
use super::place::Place;
use super::progress::Progress;
use super::rest::Unsettled;
use crate::analysis::content::{Fact, Gathered, Looked, MOST_KEPT, Missed, Searched, SlotFacts};
use crate::analysis::secrets::Search;
use crate::cache::Key;
use crate::image::{self, Image};
use crate::index::{Builder, Index, SlotId};
use crate::layer::packed::Unpacker;
use crate::layer::points::Points;
use crate::layer::{Entry, LayerError, Summary};
use crate::source::part::Stamp;
use crate::source::storage::Lies;
use crate::units;

/// Entries between two looks at whether somebody wants to see what is there.
const LOOK: u32 = 512;

/// Contents of so many entries and bytes are compared in no time.
const SOON_ENTRIES: usize = 20_000;
const SOON_BYTES: u64 = 256 * 1024 * 1024;

/// What came of reading one blob.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub slot: Option<SlotId>,
    pub failed: Option<String>,
    pub notes: Vec<String>,
    /// What its tar came to.
    pub summary: Summary,
    /// What of its contents was not looked at.
    pub missed: Missed,
    /// Digest of its tar, where it was computed.
    pub diff_id: Option<String>,
    /// Digest of the stored blob, where it is to be verified.
    pub digest: Option<String>,
    /// Name of the blob in the source, where links lead to it.
    pub member: Option<String>,
    /// What its file was, where it lies in one.
    pub stamp: Option<Stamp>,
    /// Where it lies in an engine's store, if it does.
    pub stored: Option<Lies>,
    /// Where reading its tar may begin, and decompressing it.
    pub marks: Arc<[Mark]>,
    pub noted: Noted,
}

/// What came of reading all blobs.
pub(super) struct Finished {
    pub index: Index,
    pub gathered: Gathered,
    /// What of contents is still to be read, where somebody is to see numbers before.
    pub unsettled: Option<Unsettled>,
}

/// What another thread sends while it reads a blob.
pub(super) enum Lot {
    /// It begins, or cannot be opened. The count is of its bytes.
    Begin(Arc<AtomicU64>, Result<Place, String>),
    /// Packed entries, and what is known beside them.
    Entries(Vec<u8>, Beside),
    /// It was kept under this key, and is not read now.
    Found(Key),
    /// Hashes that became known after the entries, by the byte at which the contents lie, in order.
    Hashes(Vec<(u64, u128)>),
    /// It is to be kept.
    Keep(Box<Keep>),
    /// How it ended.
    End(Box<Result<Done, LayerError>>),
}

/// Reads blobs into an index, and lets others look at it meanwhile.
pub(super) struct Reading<'r> {
    builder: Builder,
    inspectors: Arc<Inspectors>,
    /// What is known of contents, by slot.
    facts: Vec<SlotFacts>,
    /// What searching for secrets came to.
    searched: BTreeMap<SlotId, Searched>,
    /// Bytes of whole files that may still be kept.
    room: u64,
    options: &'r Options,
    progress: &'r Arc<Progress>,
    outline: Option<Outline>,
    keeping: Keeping,
    /// Whether layers that go by are copied for the cache, and the copies.
    is_copied: bool,
    copies: BTreeMap<SlotId, Copying<'r>>,
}

impl<'r> Reading<'r> {
    /// Nothing is read yet.
    pub fn new(options: &'r Options, progress: &'r Arc<Progress>) -> Self {
        Self {
            builder: Builder::new(options.limits.clone()),
            inspectors: Arc::new(Inspectors::new(options.search, options.looked_into.clone())),
            facts: Vec::new(),
            searched: BTreeMap::new(),
            room: MOST_KEPT,
            options,
            progress,
            outline: None,
            keeping: Keeping::default(),
            is_copied: false,
            copies: BTreeMap::new(),
        }
    }

    /// Says what image this is, before its layers are read: `sizes` has the bytes of each as far as they are known.
    pub fn outline(&mut self, image: &Image, sizes: &[u64]) {
        if !self.progress.is_watched() {
            return;
        }
        let expected = |layer: usize| sizes.get(layer).copied().unwrap_or(0);
        let layers = (0..image.layers.len())
            .map(|layer| LoadedLayer { arrival: Arrival::Waiting, expected: expected(layer), ..LoadedLayer::default() })
            .collect();
        let slots = vec![None; image.layers.len()];
        self.outline = Some(Outline { image: image.clone(), layers, slots, is_guessed: false });
        self.show(&[]);
    }

    /// The layers that a blob of this name is, as far as the name tells. Where nobody has said what image this is, the
    /// blob stands for one of its layers until the manifest comes.
    pub fn layers_called(&mut self, name: &str) -> Vec<usize> {
        let digest = image::digest_from_name(name);
        if let Some(outline) = self.outline.as_ref().filter(|outline| !outline.is_guessed) {
            return digest.map_or_else(Vec::new, |diff_id| outline.layers_with(&diff_id));
        }
        if !self.progress.is_watched() {
            return Vec::new();
        }
        let outline = self.outline.get_or_insert_with(Outline::guessed);
        outline.image.layers.push(image::Layer { digest, blob: name.to_owned(), ..image::Layer::default() });
        outline.layers.push(LoadedLayer::default());
        outline.slots.push(None);
        vec![outline.slots.len() - 1]
    }

    /// Reads a blob of so many bytes as the next slot. `layers` says which layers it is, as far as that is known.
    pub fn layer(&mut self, blob: impl Read, size: u64, mut layers: Vec<usize>) -> Outcome {
        self.progress.begin_layer(layers.first().copied(), size, None);
        self.begin(&layers);
        // Who watches wants to know which layer this is; its own digest tells, where its name does not.
        let is_sought = self.outline.is_some() && layers.is_empty();
        let verify = self.options.verify;
        let (options, inspectors) = (self.options, Arc::clone(&self.inspectors));
        let mut copying = Copying::begin(options.cache.as_ref().filter(|_| self.is_copied));
        let (mut marking, mut number) = (Marking::default(), 0);
        let outcome = self.slot(&layers, |adding| {
            let digests = Digests { blob: verify, tar: verify || is_sought };
            let (mut inspector, found, begins) = (inspectors.lend(), Cell::new(None), Cell::new(0));
            let mut gather = Gather::new(&mut inspector, &found, &begins);
            // It may go by once more, and be kept then.
            let mut points = Points::default();
            let done = read_passing(blob, digests, &options.limits, Some(&mut points), &mut gather, |entry| {
                let fact = found.take();
                if marking.entry(number, begins.get()) {
                    adding.mark(begins.get());
                }
                number += 1;
                if copying.is_on() {
                    copying.push(entry, fact.clone(), begins.get());
                }
                adding.add(entry, fact)
            });
            let looked = inspectors.take_back(inspector);
            done.map(|done| Done { looked, noted: Noted::here(points), ..done })
        });
        if let Some(slot) = outcome.slot {
            copying.end(outcome.missed);
            self.copies.insert(slot, copying);
        }
        if let (true, Some(outline), Some(diff_id)) = (is_sought, &self.outline, &outcome.diff_id) {
            layers = outline.layers_with(diff_id);
        }
        self.settle(&layers, &outcome);
        outcome
    }

    /// Leaves the search for secrets until all is read.
    pub fn search_later(&mut self) {
        self.inspectors = Arc::new(Inspectors::new(Search::Nothing, self.options.looked_into.clone()));
    }

    /// Those who look into contents.
    pub fn inspectors(&self) -> Arc<Inspectors> {
        Arc::clone(&self.inspectors)
    }

    /// Has every layer that goes by copied, until it is known whether it can be kept.
    pub fn copy_layers(&mut self) {
        self.is_copied = self.options.cache.is_some();
    }

    /// Keeps the copy of a layer under a key.
    pub fn keep(&mut self, outcome: &Outcome, key: &Key) {
        let copy = outcome.slot.and_then(|slot| Some((slot, self.copies.remove(&slot)?)));
        if let Some((slot, copy)) = copy {
            let keep = copy.finish(key.clone(), &outcome.summary, false);
            self.keeping.drafts.extend(keep.map(|keep| (slot, keep)));
        }
    }

    /// Takes a blob as the next slot that another thread reads.
    pub fn arriving(&mut self, lots: &Receiver<Lot>, layers: &[usize]) -> Outcome {
        self.begin(layers);
        let (mut found, mut keep, mut known) = (None, None, Vec::new());
        let outcome = self.slot(layers, |adding| {
            let (mut unpacker, mut number) = (Unpacker::default(), 0);
            for lot in lots {
                match lot {
                    Lot::Entries(bytes, Beside { facts, marks }) => {
                        let (mut facts, mut marks) = (facts.into_iter().peekable(), marks.into_iter().peekable());
                        // What a packer wrote is not damaged: what was kept has its checksums.
                        let _ = unpacker.unpack(&bytes, |entry| {
                            let fact = facts.next_if(|(of, _)| *of == number).map(|(_, fact)| fact);
                            if let Some((_, at)) = marks.next_if(|(of, _)| *of == number) {
                                adding.mark(at);
                            }
                            number += 1;
                            adding.add(entry, fact)
                        })?;
                    }
                    Lot::Found(key) => found = Some(key),
                    Lot::Hashes(hashes) => known = hashes,
                    Lot::Keep(all) => keep = Some(*all),
                    Lot::End(done) => return *done,
                    Lot::Begin(..) => {}
                }
            }
            Err(LayerError::Io(io::Error::other("its reader ended")))
        });
        if let Some(slot) = outcome.slot {
            self.builder.set_contents(slot, &known);
            self.keeping.found.extend(found.map(|key| (slot, key)));
            self.keeping.drafts.extend(keep.map(|keep| (slot, keep)));
        }
        outcome
    }

    fn begin(&mut self, layers: &[usize]) {
        if let Some(outline) = &mut self.outline {
            for layer in layers {
                outline.layers[*layer].arrival = Arrival::Reading;
            }
        }
    }

    /// Fills the next slot by what `fill` adds to it.
    fn slot(&mut self, layers: &[usize], fill: impl FnOnce(&mut Adding<'_>) -> Result<Done, LayerError>) -> Outcome {
        let failed = |error: LayerError| Outcome { failed: Some(error.to_string()), ..Outcome::default() };
        if let Err(error) = self.builder.begin() {
            return failed(error);
        }
        let (builder, outline, progress) = (&mut self.builder, self.outline.as_ref(), self.progress);
        let first = builder.index().entries();
        let (facts, room) = (SlotFacts::default(), &mut self.room);
        let mut adding = Adding { builder, outline, progress, layers, seen: 0, first, facts, room, marks: Vec::new() };
        let mut done = fill(&mut adding);
        let (mut facts, marks) = (adding.facts, adding.marks);
        let looked = done.as_mut().map_or_else(|_| Looked::default(), |done| std::mem::take(&mut done.looked));
        facts.missed.add(looked.missed);
        self.facts.push(facts);
        let slot = self.builder.end();
        self.searched.extend(looked.searched.map(|searched| (slot, searched)));
        match done {
            Ok(Done { summary, diff_id, digest, noted, .. }) => {
                let outcome = Self::outcome(self.builder.index(), slot, summary);
                Outcome { missed: looked.missed, marks: marks.into(), diff_id, digest, noted, ..outcome }
            }
            Err(error) => failed(error),
        }
    }

    /// What became of a slot of an index.
    pub fn outcome(index: &Index, slot: SlotId, summary: Summary) -> Outcome {
        let mut notes = Vec::new();
        let clamped = index.slot(slot).clamped;
        if clamped > 0 {
            notes.push(format!("{} with '..', kept inside the root", units::counted(clamped, "name", "names")));
        }
        if summary.global_headers > 0 {
            let headers = units::counted(summary.global_headers, "PAX global header", "PAX global headers");
            notes.push(format!("{headers} ignored, as engines do"));
        }
        if summary.unknown_types > 0 {
            let entries = units::counted(summary.unknown_types, "entry", "entries");
            notes.push(format!("{entries} of an unknown type, read as files"));
        }
        Outcome { slot: Some(slot), notes, summary, ..Outcome::default() }
    }

    /// Takes down what became of layers, also of those that could not even be begun.
    pub fn settle(&mut self, layers: &[usize], outcome: &Outcome) {
        let Some(outline) = &mut self.outline else { return };
        for &layer in layers {
            outline.slots[layer] = outcome.slot;
            let known = &mut outline.layers[layer];
            known.arrival = Arrival::Read;
            known.failed.clone_from(&outcome.failed);
        }
        if self.progress.is_asked() {
            self.show(&[]);
        }
    }

    fn show(&self, reading: &[usize]) {
        if let Some(outline) = &self.outline {
            self.progress.show(outline.with(self.builder.index().clone(), reading, None));
        }
    }

    /// The index, with all that was read. What was left unread in these places is read as far as an answer depends on it,
    /// now or later. Slots that cannot be read any more take their outcomes along.
    pub fn finish(self, places: BTreeMap<SlotId, Place>, outcomes: &mut [Outcome]) -> Finished {
        if self.progress.is_asked() {
            self.show(&[]);
        }
        let (mut index, cache) = (self.builder.finish(), self.options.cache.as_ref());
        if let Some(cache) = cache {
            self.keeping.keep_searched(cache, &self.searched, self.options.search);
        }
        let mut unsettled = Some(Unsettled { places, keeping: self.keeping });
        if !self.progress.is_watched() || is_soon_settled(&index) {
            let failed = unsettled.take().map(|unsettled| unsettled.settle(&mut index, cache, self.progress));
            for (slot, why) in failed.into_iter().flatten() {
                for outcome in outcomes.iter_mut().filter(|outcome| outcome.slot == Some(slot)) {
                    outcome.failed = Some(why.clone());
                }
            }
        }
        let mut gathered = Gathered::new(&index, self.facts, self.options.search);
        for (slot, searched) in self.searched {
            gathered.take_searched(&index, slot, searched);
        }
        Finished { index, gathered, unsettled }
    }
}

/// Whether contents are compared before anybody could have looked.
fn is_soon_settled(index: &Index) -> bool {
    let bytes = index.slots().map(|slot| index.slot(slot).shipped_bytes).fold(0, u64::saturating_add);
    index.entries() <= SOON_ENTRIES && bytes <= SOON_BYTES || !index.has_unread()
}

/// Where the entries of a slot go.
struct Adding<'a> {
    builder: &'a mut Builder,
    outline: Option<&'a Outline>,
    progress: &'a Progress,
    layers: &'a [usize],
    seen: u32,
    /// Where the slot's entries begin.
    first: usize,
    facts: SlotFacts,
    room: &'a mut u64,
    marks: Vec<Mark>,
}

impl Adding<'_> {
    /// The entry that comes next begins at a byte of the tar.
    fn mark(&mut self, at: u64) {
        let place = self.builder.index().entries() - self.first;
        self.marks.extend(u32::try_from(place).ok().map(|place| Mark { place, at }));
    }

    fn add(&mut self, entry: &Entry<'_>, fact: Option<Fact>) -> Result<(), LayerError> {
        self.builder.add(entry)?;
        if let Some(mut fact) = fact {
            // Those who read layers side by side cannot know what others kept.
            let size = fact.whole.as_ref().map_or(0, |whole| whole.len() as u64);
            if let Some(room) = self.room.checked_sub(size) {
                *self.room = room;
            } else {
                fact.whole = None;
                self.facts.missed.no_room += 1;
            }
            // A file is the last thing that its entry adds.
            let place = self.builder.index().entries() - self.first - 1;
            self.facts.push(u32::try_from(place).unwrap_or(u32::MAX), fact);
        }
        self.seen = self.seen.wrapping_add(1);
        if self.seen.is_multiple_of(LOOK)
            && self.progress.is_asked()
            && let Some(outline) = self.outline
        {
            self.progress.show(outline.with(self.builder.so_far(), self.layers, Some(self.builder.filling())));
        }
        Ok(())
    }
}
