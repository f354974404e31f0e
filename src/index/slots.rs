//! What the slots came to, and which slot an entry belongs to: slots lie one behind the other, so that its place tells.

use super::{SlotId, SlotSummary};

/// Entries between two of which the slot is noted: within, few slots are left to choose from. A power of two.
const SPAN: u32 = 1 << SHIFT;
const SHIFT: u32 = 12;

/// All slots, in the order of reading.
#[derive(Clone, Default)]
pub struct Slots {
    all: Vec<SlotSummary>,
    /// The place behind the last entry of each.
    ends: Vec<u32>,
    /// The slot of the first entry of each span.
    spans: Vec<u16>,
}

impl Slots {
    pub fn all(&self) -> &[SlotSummary] {
        &self.all
    }

    /// The slot that comes next; while it is filled, entries behind all others belong to it.
    pub fn next(&self) -> SlotId {
        SlotId(u16::try_from(self.all.len()).unwrap_or(u16::MAX))
    }

    /// Takes note of an entry of the slot that comes next.
    pub fn note(&mut self, place: u32) {
        if place.is_multiple_of(SPAN) {
            self.spans.push(self.next().0);
        }
    }

    /// Ends the slot.
    pub fn push(&mut self, summary: SlotSummary) {
        self.ends.push(summary.first.saturating_add(summary.kept));
        self.all.push(summary);
    }

    /// Appends a slot whose entries nobody took note of.
    pub fn take(&mut self, summary: SlotSummary) {
        let end = summary.first.saturating_add(summary.kept);
        let noted = u32::try_from(self.spans.len()).unwrap_or(u32::MAX);
        for _ in noted..end.div_ceil(SPAN) {
            self.spans.push(self.next().0);
        }
        self.push(summary);
    }

    /// Whether these are the slots of so many entries.
    pub fn is_sound(&self, entries: usize) -> bool {
        let begins = std::iter::once(&0).chain(&self.ends).map(|end| *end as usize);
        let lie_so = self.all.iter().zip(begins).all(|(slot, begin)| slot.first as usize == begin);
        lie_so && self.ends.last().map_or(0, |end| *end as usize) == entries
    }

    /// The slot of an entry.
    #[inline]
    pub fn of(&self, place: u32) -> SlotId {
        let span = (place >> SHIFT) as usize;
        let from = self.spans[span];
        match self.spans.get(span + 1) {
            Some(to) if *to == from => SlotId(from),
            to => self.among(place, from, to.map_or(self.ends.len(), |to| usize::from(*to))),
        }
    }

    /// The slot of an entry in a span in which several have entries.
    fn among(&self, place: u32, from: u16, to: usize) -> SlotId {
        let ends = self.ends.get(usize::from(from)..to).unwrap_or_default();
        let ended = ends.partition_point(|end| *end <= place);
        SlotId(from + u16::try_from(ended).unwrap_or(0))
    }

    pub fn memory(&self) -> usize {
        self.all.capacity() * size_of::<SlotSummary>() + self.ends.capacity() * 4 + self.spans.capacity() * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_tell_the_slot_while_it_is_filled_and_after() {
        let sizes = [3, 0, 10_000, 1, 4092, 1, 0, 20_000, 0];
        let (mut slots, mut taken, mut place) = (Slots::default(), Slots::default(), 0);
        for (slot, kept) in (0..).zip(sizes) {
            let first = place;
            for _ in 0..kept {
                slots.note(place);
                assert_eq!(slots.of(place), SlotId(slot));
                place += 1;
            }
            slots.push(SlotSummary { first, kept, ..SlotSummary::default() });
            taken.take(SlotSummary { first, kept, ..SlotSummary::default() });
        }
        let mut place = 0..place;
        for (slot, kept) in (0..).zip(sizes) {
            for place in place.by_ref().take(kept as usize) {
                assert_eq!([slots.of(place), taken.of(place)], [SlotId(slot); 2], "{place}");
            }
        }
        assert_eq!(slots.spans, taken.spans);
        assert!(slots.is_sound(34_097) && !slots.is_sound(34_098));
        taken.take(SlotSummary { first: 34_096, kept: 1, ..SlotSummary::default() });
        assert!(!taken.is_sound(34_097));
    }
}
