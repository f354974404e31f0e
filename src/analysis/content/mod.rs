//! What is kept of contents while a layer is read, and how it is found out. Knows bytes and paths, no index but the
//! place of an entry, and no layer but its slot.

mod archive;
mod busybox;
pub mod elf;
mod inspect;
mod searched;

pub use archive::{Member, is_archive};
pub use busybox::BusyBox;
pub use elf::Elf;
pub use inspect::{Inspector, Looked, MOST_KEPT};
pub use searched::{Searched, Secret};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::contents::Contents;
use super::packages::{Component, Embedded};
use super::secrets::{Hit, Search};
use crate::index::{EntryId, Index, SlotId};

/// What is kept of one file's contents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// All bytes, of a file that an analysis reads.
    pub whole: Option<Vec<u8>>,
    /// What it is as a program.
    pub program: Option<Program>,
    /// Packages in it, of a program or an archive.
    pub components: Vec<Component>,
    /// Files in it, of an archive, as far as they are known.
    pub members: Vec<Member>,
}

/// What the beginning of a file says that it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Program {
    /// A program, library or core dump of Linux.
    Elf(Box<Elf>),
    /// A script with its beginning, `#!` and all.
    Script(Vec<u8>),
    /// Neither, although its mode says that it can be run.
    Other,
}

/// What is kept of one slot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SlotFacts {
    /// By the place of the entry in its slot, ascending.
    facts: Vec<(u32, Fact)>,
    /// What was not looked at.
    pub missed: Missed,
}

/// What was not looked at, in files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Texts of which only the beginning was searched for secrets.
    pub cut: u64,
    /// Files too large to be opened at all.
    pub large: u64,
    /// Files that were not searched for secrets because enough had been searched.
    pub unsearched: u64,
    /// Files that an analysis wanted and for which there was no room.
    pub no_room: u64,
}

impl Missed {
    /// Adds what was not looked at elsewhere.
    pub fn add(&mut self, other: Self) {
        self.cut += other.cut;
        self.large += other.large;
        self.unsearched += other.unsearched;
        self.no_room += other.no_room;
    }
}

impl SlotFacts {
    /// Takes down what was found in the entry at a place of the slot. Places come in ascending order.
    pub fn push(&mut self, place: u32, fact: Fact) {
        self.facts.push((place, fact));
    }

    fn at(&self, place: u32) -> Option<&Fact> {
        self.facts.binary_search_by_key(&place, |(place, _)| *place).ok().map(|found| &self.facts[found].1)
    }
}

/// What is kept of all slots.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    slots: Arc<[SlotFacts]>,
    /// Where the entries of each slot begin.
    first: Vec<u32>,
    /// The secrets of each slot, once it is searched.
    secrets: Vec<Option<Secrets>>,
    /// What texts are searched for.
    search: Search,
}

/// The secrets of a slot.
#[derive(Debug, Clone, Default)]
struct Secrets {
    found: Vec<(EntryId, Vec<Hit>)>,
    missed: Missed,
}

impl Gathered {
    /// The facts of the slots of an index, in their order. Slots without any are added where `slots` is short. None is
    /// searched yet.
    #[must_use]
    pub fn new(index: &Index, mut slots: Vec<SlotFacts>, search: Search) -> Self {
        let known = index.slots();
        slots.resize_with(known.len(), SlotFacts::default);
        let secrets = vec![None; known.len()];
        let first = known.map(|slot| index.entries_in(slot).next().map_or(0, EntryId::place));
        let first = first.map(|place| u32::try_from(place).unwrap_or(u32::MAX)).collect();
        Self { slots: slots.into(), first, secrets, search }
    }

    /// Takes what a search of a slot came to.
    pub fn take_searched(&mut self, index: &Index, slot: SlotId, searched: Searched) {
        if let Some(secrets) = self.secrets.get_mut(slot.place()) {
            let missed = searched.missed;
            *secrets = Some(Secrets { found: searched.by_entry(index, slot), missed });
        }
    }

    /// What texts are searched for.
    #[must_use]
    pub fn search(&self) -> Search {
        self.search
    }

    /// Whether a slot is still to be searched.
    #[must_use]
    pub fn is_unsearched(&self, slot: SlotId) -> bool {
        self.search != Search::Nothing && self.secrets.get(slot.place()).is_some_and(Option::is_none)
    }

    /// Everything that is known of a slot, as [`Self::new`] and [`Self::take_searched`] took it.
    #[must_use]
    pub fn of_slot(&self, index: &Index, slot: SlotId) -> Option<(&SlotFacts, Searched)> {
        let secrets = self.secrets.get(slot.place()).and_then(Option::as_ref);
        let secret = |(id, hits): &(EntryId, Vec<Hit>)| {
            let entry = index.entry(*id);
            Secret { path: index.path(entry.path), size: entry.size, hits: hits.clone() }
        };
        let searched = secrets.map_or_else(Searched::default, |secrets| Searched {
            secrets: secrets.found.iter().map(secret).collect(),
            missed: secrets.missed,
        });
        Some((self.slots.get(slot.place())?, searched))
    }

    /// Secrets in the texts of a slot, as far as it is searched.
    pub fn secrets_in(&self, slot: SlotId) -> impl Iterator<Item = (EntryId, &Hit)> {
        let secrets = self.secrets.get(slot.place()).and_then(Option::as_ref);
        let found = secrets.map_or(&[][..], |secrets| &secrets.found);
        found.iter().flat_map(|(entry, hits)| hits.iter().map(move |hit| (*entry, hit)))
    }

    /// What is known of an entry's contents.
    #[must_use]
    pub fn fact(&self, index: &Index, entry: EntryId) -> Option<&Fact> {
        let slot = index.entry(entry).slot.place();
        let place = u32::try_from(entry.place()).ok()?.checked_sub(*self.first.get(slot)?)?;
        self.slots.get(slot)?.at(place)
    }

    /// Everything that is known of a slot, by entry.
    pub fn facts_in(&self, slot: SlotId) -> impl Iterator<Item = (EntryId, &Fact)> {
        let first = self.first.get(slot.place()).copied().unwrap_or(0);
        let facts = self.slots.get(slot.place()).map_or(&[][..], |slot| &slot.facts);
        facts.iter().map(move |(place, fact)| (EntryId::from_place(first + place), fact))
    }

    /// Packages inside programs and archives.
    #[must_use]
    pub fn embedded(&self, index: &Index) -> Embedded {
        let mut embedded = Embedded::default();
        for slot in index.slots() {
            for (entry, fact) in self.facts_in(slot) {
                embedded.insert(entry, fact.components.clone());
            }
        }
        embedded
    }

    /// What was not looked at in all slots.
    #[must_use]
    pub fn missed(&self) -> Missed {
        let mut all = Missed::default();
        self.slots.iter().for_each(|slot| all.add(slot.missed));
        self.secrets.iter().flatten().for_each(|secrets| all.add(secrets.missed));
        all
    }
}

/// The facts of an index, for who reads contents by entry.
pub struct Kept<'a> {
    /// The index.
    pub index: &'a Index,
    /// Its facts.
    pub gathered: &'a Gathered,
}

impl Contents for Kept<'_> {
    fn of(&self, entry: EntryId) -> Option<&[u8]> {
        self.gathered.fact(self.index, entry)?.whole.as_deref()
    }
}
