//! What the cache has of an image's layers, and what it gets of them. Knows the keys; no format of a file.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Sender;
use serde::{Deserialize, Serialize};

use super::access::Noted;
use super::blob::Done;
use super::marks::Marking;
use super::reading::Lot;
use crate::analysis::content::{Fact, Looked, Missed, Searched};
use crate::analysis::secrets::Search;
use crate::cache::{Cache, Draft, Found, Key, Piece};
use crate::index::SlotId;
use crate::layer::packed::Packer;
use crate::layer::{Entry, LayerError, Summary};
use crate::source::part::{Part, Stamp};

/// Layers whose packed entries are smaller than this are not kept where they need not be decompressed: that takes no time.
const WORTH_KEEPING: usize = 16 * 1024;

/// Lots that wait in all: 6 MB, room for 150 000 entries of layers whose turn has not come. What waits when all is read
/// is taken by one core while the others have nothing to do.
pub(super) const WAITING_LOTS: usize = 96;

/// Packed entries that are sent or written at once, in bytes.
pub(super) const LOT_BYTES: usize = 64 * 1024;

/// Raised when something else is gathered of contents than before.
const FACTS: u32 = 5;

/// Raised when secrets are looked for otherwise than before.
const SECRETS: u32 = 2;

/// Bytes of files from which on a layer is kept, however few its entries: searching it, and unpacking it, takes time.
const WORTH_SEARCHING: u64 = 4 * 1024 * 1024;

/// A file that was changed so lately may be changed once more within the same tick of its file system's clock.
const SETTLED: Duration = Duration::from_secs(1);

/// What is known beside packed entries, by the number of the entry in its layer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Beside {
    /// Of contents.
    pub facts: Vec<(u32, Fact)>,
    /// The bytes at which some of them begin.
    pub marks: Vec<(u32, u64)>,
}

/// What is to be kept of a slot when all is known.
pub(super) struct Keep {
    pub key: Key,
    pub draft: Draft,
    pub summary: Summary,
}

/// Everything that is to be kept of one reading.
#[derive(Default)]
pub(super) struct Keeping {
    /// Slots that were read.
    pub drafts: BTreeMap<SlotId, Keep>,
    /// Slots that came from the cache.
    pub found: BTreeMap<SlotId, Key>,
}

/// By what a blob that lies in a file is found again; `None` where that is not safe.
pub(super) fn place_key(part: &Part) -> Option<Key> {
    let stamp = part.stamp().ok().filter(|stamp| is_settled(*stamp))?;
    Some(Key::place(&format!("{} {}+{} {}", told(stamp), part.start(), part.length(), facts())))
}

/// What is kept of contents, as a part of a key: another version of the program may look for other things.
pub(super) fn facts() -> String {
    format!("{FACTS} {}", env!("CARGO_PKG_VERSION"))
}

/// Which secrets are looked for, as a part of a key.
pub(super) fn sought(search: Search) -> String {
    let sought = match search {
        Search::Nothing => "nothing",
        Search::Strict => "strict",
        Search::Generic => "generic",
    };
    format!("{SECRETS} {} {sought}", env!("CARGO_PKG_VERSION"))
}

/// Under what the secrets of a layer are kept; `None` where none are looked for.
fn secrets_key(layer: &Key, search: Search) -> Option<Key> {
    (search != Search::Nothing).then(|| Key::secrets(layer, &sought(search)))
}

/// Where the places lie at which unpacking a kept layer may begin.
pub(super) fn noted(cache: Option<&Cache>, layer: Option<&Key>) -> Noted {
    cache.zip(layer).map_or(Noted::Nowhere, |(cache, layer)| Noted::Kept(cache.clone(), Key::points(layer)))
}

/// Whether the secrets of a layer seem to be there, as far as any are looked for.
pub(super) fn has_searched(cache: &Cache, layer: &Key, search: Search) -> bool {
    secrets_key(layer, search).is_none_or(|key| cache.has(&key))
}

/// The secrets of a layer.
pub(super) fn find_searched(cache: &Cache, layer: &Key, search: Search) -> Option<Searched> {
    postcard::from_bytes(&cache.find(&secrets_key(layer, search)?)?.bytes()?).ok()
}

/// Keeps the secrets of a layer.
pub(super) fn keep_searched(cache: &Cache, layer: &Key, search: Search, searched: &Searched) -> Option<()> {
    let (key, mut draft) = (secrets_key(layer, search)?, cache.begin()?);
    draft.bytes(&postcard::to_allocvec(searched).ok()?).ok()?;
    draft.keep(&key, &Summary::default(), &[]).ok()
}

/// A file as a part of a key.
pub(super) fn told(Stamp { file, length, modified, changed }: Stamp) -> String {
    format!("{}:{} {length} {}.{} {}.{}", file.0, file.1, modified.0, modified.1, changed.0, changed.1)
}

pub(super) fn is_settled(stamp: Stamp) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let changed = Duration::from_secs(u64::try_from(stamp.changed.0).unwrap_or(0));
    // Whole seconds: one more for what they leave out.
    now.saturating_sub(changed) > SETTLED + Duration::from_secs(1)
}

/// Sends what was kept as if it were read now.
pub(super) fn send(found: &Found, searched: Option<Searched>, lots: &Sender<Lot>) -> Result<Done, LayerError> {
    let (mut beside, mut missed) = (Beside::default(), Missed::default());
    let sent = found.read(|piece| match piece {
        Piece::Bytes(bytes) => {
            let (more, also): (Beside, Missed) = postcard::from_bytes(bytes).ok()?;
            beside = more;
            missed.add(also);
            Some(())
        }
        Piece::Entries(packed) => lots.send(Lot::Entries(packed.to_vec(), std::mem::take(&mut beside))).ok(),
        Piece::Hashes(hashes) => lots.send(Lot::Hashes(hashes)).ok(),
    });
    sent.ok_or(LayerError::Enough)?;
    let (summary, looked) = (found.summary().clone(), Looked { missed, searched });
    Ok(Done { summary, diff_id: None, digest: None, looked, noted: Noted::Nowhere })
}

/// Packs what is read for another thread, for the cache, or for both. Whatever goes wrong with the cache, the reading
/// goes on without.
pub(super) struct Copying<'l> {
    packer: Packer,
    facts: Vec<(u32, Fact)>,
    marking: Marking,
    /// Bytes in the facts.
    whole: usize,
    number: u32,
    draft: Option<Draft>,
    bytes: usize,
    lots: Option<&'l Sender<Lot>>,
    is_heard: bool,
}

impl<'l> Copying<'l> {
    /// Begins, with a draft where there is a cache.
    pub fn begin(cache: Option<&Cache>) -> Self {
        Self {
            packer: Packer::default(),
            facts: Vec::new(),
            marking: Marking::default(),
            whole: 0,
            number: 0,
            draft: cache.and_then(Cache::begin),
            bytes: 0,
            lots: None,
            is_heard: true,
        }
    }

    /// Sends it as well.
    pub fn sending_to(self, lots: &'l Sender<Lot>) -> Self {
        Self { lots: Some(lots), ..self }
    }

    /// Whether anybody wants it.
    pub fn is_on(&self) -> bool {
        self.draft.is_some() || self.lots.is_some()
    }

    /// Whether whoever it is sent to is still there.
    pub fn is_heard(&self) -> bool {
        self.is_heard
    }

    /// Takes an entry, whose headers begin at a byte of the tar.
    pub fn push(&mut self, entry: &Entry<'_>, fact: Option<Fact>, begins: u64) {
        self.packer.push(entry);
        self.marking.entry(self.number, begins);
        if let Some(fact) = fact {
            self.whole += fact.whole.as_ref().map_or(0, Vec::len);
            self.facts.push((self.number, fact));
        }
        self.number = self.number.wrapping_add(1);
        if self.packer.len() >= LOT_BYTES || self.whole >= LOT_BYTES {
            self.flush(Missed::default());
        }
    }

    /// Hands on the last of it, and leaves the draft alone until it is kept.
    pub fn end(&mut self, missed: Missed) {
        self.flush(missed);
        if self.draft.as_mut().is_some_and(|draft| draft.pause().is_err()) {
            self.draft = None;
        }
    }

    fn flush(&mut self, missed: Missed) {
        self.bytes += self.packer.len() + self.whole;
        let beside = Beside { facts: std::mem::take(&mut self.facts), marks: std::mem::take(&mut self.marking.chosen) };
        let written = self.draft.as_mut().is_none_or(|draft| write(draft, &self.packer, &beside, missed).is_some());
        if !written {
            self.draft = None;
        }
        self.whole = 0;
        match self.lots {
            Some(lots) => self.is_heard &= lots.send(Lot::Entries(self.packer.take(), beside)).is_ok(),
            None => self.packer.clear(),
        }
    }

    /// What can be kept now that the layer was read to its end.
    pub fn finish(self, key: Key, summary: &Summary, is_in_place: bool) -> Option<Keep> {
        let is_worth_it = self.bytes >= WORTH_KEEPING || summary.bytes >= WORTH_SEARCHING;
        let mut draft = self.draft.filter(|_| !is_in_place || is_worth_it)?;
        draft.pause().ok()?;
        Some(Keep { key, draft, summary: summary.clone() })
    }
}

/// Writes entries, and before them what is known beside them.
fn write(draft: &mut Draft, packer: &Packer, beside: &Beside, missed: Missed) -> Option<()> {
    if !beside.facts.is_empty() || !beside.marks.is_empty() || missed != Missed::default() {
        draft.bytes(&postcard::to_allocvec(&(beside, missed)).ok()?).ok()?;
    }
    draft.entries(packer.bytes()).ok()
}

impl Keeping {
    /// The slots of which something is kept.
    pub fn slots(&self) -> impl Iterator<Item = SlotId> {
        let (drafts, found) = (self.drafts.iter(), self.found.iter());
        drafts.map(|(slot, _)| *slot).chain(found.map(|(slot, _)| *slot))
    }

    /// Keeps the secrets of what was read.
    pub fn keep_searched(&self, cache: &Cache, searched: &BTreeMap<SlotId, Searched>, search: Search) {
        for (slot, Keep { key, .. }) in &self.drafts {
            // A cache that cannot be written to, or is full, is no reason to fail.
            let _ = searched.get(slot).and_then(|searched| keep_searched(cache, key, search, searched));
        }
    }

    /// Keeps all that was read, with the hashes that became known since, and makes room.
    pub fn finish(self, cache: &Cache, hashed: &BTreeMap<SlotId, Vec<(u64, u128)>>) {
        let none = Vec::new();
        let mut is_new = !self.drafts.is_empty();
        for (slot, Keep { key, draft, summary }) in self.drafts {
            let _ = draft.keep(&key, &summary, hashed.get(&slot).unwrap_or(&none));
        }
        for (slot, key) in self.found {
            if let Some(hashes) = hashed.get(&slot).filter(|hashes| !hashes.is_empty()) {
                is_new = true;
                let _ = add(cache, &key, hashes);
            }
        }
        if is_new {
            let _ = cache.prune();
        }
    }
}

/// Adds hashes to what is kept already.
fn add(cache: &Cache, key: &Key, hashes: &[(u64, u128)]) -> Option<()> {
    let (found, mut draft) = (cache.find(key)?, cache.begin()?);
    let mut known = Vec::new();
    found.read(|piece| match piece {
        Piece::Bytes(bytes) => draft.bytes(bytes).ok(),
        Piece::Entries(packed) => draft.entries(packed).ok(),
        Piece::Hashes(hashes) => {
            known = hashes;
            Some(())
        }
    })?;
    known.extend_from_slice(hashes);
    known.sort_unstable();
    known.dedup();
    draft.keep(key, found.summary(), &known).ok()
}
