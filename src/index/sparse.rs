//! A value for every place of a table, most of which are the same: stretches in which all are take no memory. A copy
//! shares them with its original, as that of a column does.

use std::sync::Arc;

/// Places that are looked at together. A power of two; a place in a stretch fits a byte.
const STRETCH: usize = 1 << SHIFT;
const SHIFT: usize = 8;

/// Values of a stretch that are listed with their places. A table of all is not much larger than a list of more.
const FEW: usize = 32;

/// Values by place.
#[derive(Debug, Clone)]
pub struct Sparse<T> {
    stretches: Vec<Stretch<T>>,
    /// The stretches that take memory.
    taken: Vec<u32>,
    usual: T,
}

#[derive(Debug, Clone)]
enum Stretch<T> {
    /// As usual.
    Usual,
    /// As usual but for these, in order.
    Few(Arc<Vec<(u8, T)>>),
    /// Every value.
    All(Arc<[T; STRETCH]>),
}

impl<T: Default + Copy + PartialEq> Default for Sparse<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Copy + PartialEq> PartialEq for Sparse<T> {
    fn eq(&self, other: &Self) -> bool {
        let has_all = |one: &Self, other: &Self| one.iter().all(|(place, value)| other.get(place) == value);
        self.usual == other.usual && has_all(self, other) && has_all(other, self)
    }
}

impl<T: Copy + PartialEq> Sparse<T> {
    /// The same value everywhere.
    pub fn new(usual: T) -> Self {
        Self { stretches: Vec::new(), taken: Vec::new(), usual }
    }

    pub fn get(&self, place: usize) -> T {
        match self.stretches.get(place >> SHIFT) {
            None | Some(Stretch::Usual) => self.usual,
            Some(Stretch::Few(few)) => find(few, within(place)).map_or(self.usual, |at| few[at].1),
            Some(Stretch::All(all)) => all[place & (STRETCH - 1)],
        }
    }

    pub fn set(&mut self, place: usize, value: T) {
        let at = place >> SHIFT;
        match self.stretches.get_mut(at) {
            Some(Stretch::All(all)) => Arc::make_mut(all)[place & (STRETCH - 1)] = value,
            Some(Stretch::Few(few)) => match find(few, within(place)) {
                Ok(known) => Arc::make_mut(few)[known].1 = value,
                Err(_) if value == self.usual => {}
                Err(before) if few.len() < FEW => {
                    let few = Arc::make_mut(few);
                    if few.len() == few.capacity() {
                        few.reserve_exact(FEW / 4);
                    }
                    few.insert(before, (within(place), value));
                }
                Err(_) => {
                    let mut all = [self.usual; STRETCH];
                    few.iter().for_each(|(within, value)| all[usize::from(*within)] = *value);
                    all[place & (STRETCH - 1)] = value;
                    self.stretches[at] = Stretch::All(Arc::new(all));
                }
            },
            None | Some(Stretch::Usual) if value == self.usual => {}
            None | Some(Stretch::Usual) => {
                if at >= self.stretches.len() {
                    self.stretches.resize(at + 1, Stretch::Usual);
                }
                let mut few = Vec::with_capacity(FEW / 4);
                few.push((within(place), value));
                self.stretches[at] = Stretch::Few(Arc::new(few));
                self.taken.extend(u32::try_from(at));
            }
        }
    }

    /// Everything that is not as usual, with its place; stretches in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (usize, T)> {
        let stretches = self.taken.iter().map(|at| (*at as usize, &self.stretches[*at as usize]));
        let all = stretches.flat_map(|(at, stretch)| {
            let (few, all) = match stretch {
                Stretch::Usual => (&[][..], &[][..]),
                Stretch::Few(few) => (few.as_slice(), &[][..]),
                Stretch::All(all) => (&[][..], all.as_slice()),
            };
            let few = few.iter().map(|(within, value)| (usize::from(*within), *value));
            few.chain(all.iter().copied().enumerate()).map(move |(within, value)| ((at << SHIFT) + within, value))
        });
        all.filter(|(_, value)| *value != self.usual)
    }

    /// Has the usual value everywhere again. Takes no longer than it took to set what is not so.
    pub fn clear(&mut self) {
        for at in self.taken.drain(..) {
            self.stretches[at as usize] = Stretch::Usual;
        }
    }

    /// Bytes of memory that it takes.
    pub fn memory(&self) -> usize {
        let taken = |at: &u32| match &self.stretches[*at as usize] {
            Stretch::Usual => 0,
            Stretch::Few(few) => few.capacity() * size_of::<(u8, T)>(),
            Stretch::All(_) => STRETCH * size_of::<T>(),
        };
        self.taken.iter().map(taken).sum::<usize>() + self.stretches.capacity() * size_of::<Stretch<T>>()
    }
}

/// A place in its stretch.
fn within(place: usize) -> u8 {
    place.to_le_bytes()[0]
}

fn find<T>(few: &[(u8, T)], within: u8) -> Result<usize, usize> {
    few.binary_search_by_key(&within, |(within, _)| *within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unusual_comes_back_and_the_rest_takes_no_memory() {
        let mut sparse = Sparse::new(7_u32);
        let empty = sparse.memory();
        (0..10_000).for_each(|place| sparse.set(place, 7));
        assert_eq!((sparse.memory(), sparse.get(5000), sparse.iter().count()), (empty, 7, 0));
        for place in [255, 0, 256, 99_999] {
            sparse.set(place, u32::try_from(place).unwrap());
        }
        let copy = sparse.clone();
        sparse.set(255, 7);
        assert!(sparse != copy && copy == copy.clone());
        assert!(sparse.iter().eq([(0, 0), (256, 256), (99_999, 99_999)]));
        assert!(copy.iter().eq([(0, 0), (255, 255), (256, 256), (99_999, 99_999)]));
        assert_eq!(sparse.taken, [0, 1, 390]);
        sparse.clear();
        assert_eq!((sparse.get(0), sparse.iter().count()), (7, 0));
    }

    #[test]
    fn few_and_many_of_a_stretch_are_as_they_were_set() {
        let (mut sparse, mut wanted) = (Sparse::new(0_u32), std::collections::BTreeMap::new());
        let mut seed = 7_u32;
        for round in 0..20_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // The first stretches fill up, the last have few.
            let place = ((seed >> 8) % 100_000) as usize;
            let place = if round % 4 == 0 { place } else { place % 2000 };
            let value = (seed >> 4) % 3;
            sparse.set(place, value);
            wanted.insert(place, value);
        }
        assert!(wanted.iter().all(|(place, value)| sparse.get(*place) == *value));
        assert!(sparse.stretches.iter().any(|stretch| matches!(stretch, Stretch::All(_))));
        let mut told: Vec<_> = sparse.iter().collect();
        told.sort_unstable();
        assert!(told.into_iter().eq(wanted.into_iter().filter(|(_, value)| *value != 0)));
    }
}
