//! The index of an image kept as one piece, with all that is known of contents: an image that was opened before is opened
//! again without building its index anew. It is found by the keys of all its layers in their order, so that whatever
//! changes one of them changes it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kept;
use super::load::Options;
use super::marks::Mark;
use super::reading::{Outcome, Reading};
use crate::analysis::content::{Gathered, Searched, SlotFacts};
use crate::cache::{Cache, Key, Piece};
use crate::index::{Index, SlotId};
use crate::layer::Summary;

/// Entries below which an index is built as fast as it is taken up.
const WORTH_KEEPING: usize = 20_000;

/// What a piece that is no part of the index begins with; those of the index begin with small numbers.
const FACTS: u8 = 0xf0;
const SUMMARIES: u8 = 0xf1;

/// What is kept of a slot beside its part of the index: facts, secrets, and where entries begin.
#[derive(Serialize, Deserialize)]
struct Kept(SlotFacts, Searched, Vec<(u32, u64)>);

/// Under what an image's index is kept, by the keys of its slots in their order. `None` where one of them has none.
pub(super) fn key(slots: impl IntoIterator<Item = Option<Key>>, options: &Options) -> Option<Key> {
    options.cache.as_ref().filter(|_| !options.verify)?;
    let slots: Vec<Key> = slots.into_iter().collect::<Option<_>>()?;
    let slots: Vec<&str> = slots.iter().map(Key::text).collect();
    Some(Key::index(&format!("{} {} {}", Index::ROWS, kept::sought(options.search), slots.join("\n"))))
}

/// The index of so many slots, and what came of each.
pub(super) fn find(key: &Key, many: usize, options: &Options) -> Option<Whole> {
    let found = options.cache.as_ref()?.find(key)?;
    let (mut index, mut facts) = (Index::default(), Vec::new());
    let mut summaries: Vec<[u64; 4]> = Vec::new();
    found.read(|piece| {
        let Piece::Bytes(bytes) = piece else { return None };
        match bytes.split_first()? {
            (&FACTS, bytes) => facts.push(postcard::from_bytes::<Kept>(bytes).ok()?),
            (&SUMMARIES, bytes) => summaries = postcard::from_bytes(bytes).ok()?,
            _ => index.take_piece(bytes)?,
        }
        Some(())
    })?;
    let slots: Vec<SlotId> = index.slots().collect();
    // Nothing is kept before.
    index.settle();
    if !index.is_sound() || [slots.len(), facts.len(), summaries.len()] != [many; 3] {
        return None;
    }
    let (mut known, mut searched, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
    for ((slot, Kept(facts, secrets, marks)), numbers) in slots.iter().zip(facts).zip(summaries) {
        let marks = marks.into_iter().map(|(place, at)| Mark { place, at }).collect();
        outcomes.push(Outcome { marks, ..Reading::outcome(&index, *slot, summary(numbers)) });
        known.push(facts);
        searched.push(secrets);
    }
    let mut gathered = Gathered::new(&index, known, options.search);
    for (slot, searched) in slots.iter().zip(searched) {
        gathered.take_searched(&index, *slot, searched);
    }
    Some(Whole { index, gathered, outcomes })
}

/// An image's index, taken up.
pub(super) struct Whole {
    pub index: Index,
    pub gathered: Gathered,
    /// By slot.
    pub outcomes: Vec<Outcome>,
}

/// What is to be kept once all is searched.
#[derive(Debug, Clone)]
pub(super) struct Keep {
    key: Key,
    /// What the tars came to, and where entries begin in them, by slot.
    slots: Vec<(Summary, Arc<[Mark]>)>,
}

impl Keep {
    /// An index under a key, if all of it was read.
    pub fn new(key: Option<Key>, outcomes: &[Outcome]) -> Option<Self> {
        let is_whole = |(place, outcome): (usize, &Outcome)| {
            outcome.failed.is_none() && outcome.slot.is_some_and(|slot| slot.place() == place)
        };
        let key = key.filter(|_| outcomes.iter().enumerate().all(is_whole))?;
        let slots = outcomes.iter().map(|outcome| (outcome.summary.clone(), Arc::clone(&outcome.marks)));
        Some(Self { key, slots: slots.collect() })
    }
}

/// Keeps an index; `None` where that cannot be done, or is not worth it.
pub(super) fn keep(cache: &Cache, Keep { key, slots }: &Keep, index: &Index, gathered: &Gathered) -> Option<()> {
    let is_unsearched = index.slots().any(|slot| gathered.is_unsearched(slot));
    if index.entries() < WORTH_KEEPING || is_unsearched || index.slots().len() != slots.len() {
        return None;
    }
    let mut draft = cache.begin()?;
    let mut written = Ok(());
    index.pieces(|piece| {
        if written.is_ok() {
            written = draft.bytes(piece);
        }
    });
    written.ok()?;
    for (slot, (_, marks)) in index.slots().zip(slots) {
        let (facts, searched) = gathered.of_slot(index, slot)?;
        let marks: Vec<(u32, u64)> = marks.iter().map(|mark| (mark.place, mark.at)).collect();
        draft.bytes(&postcard::to_extend(&(facts, searched, marks), vec![FACTS]).ok()?).ok()?;
    }
    let numbers: Vec<[u64; 4]> = slots.iter().map(|(summary, _)| numbers(summary)).collect();
    draft.bytes(&postcard::to_extend(&numbers, vec![SUMMARIES]).ok()?).ok()?;
    draft.keep(key, &Summary::default(), &[]).ok()?;
    cache.prune().ok().map(drop)
}

fn numbers(summary: &Summary) -> [u64; 4] {
    let Summary { entries, bytes, global_headers, unknown_types } = *summary;
    [entries, bytes, global_headers, unknown_types]
}

fn summary([entries, bytes, global_headers, unknown_types]: [u64; 4]) -> Summary {
    Summary { entries, bytes, global_headers, unknown_types }
}
