//! A value for every place of a table, most of which are the same: stretches in which all are take no memory. A copy
//! shares them with its original, as that of a column does.

use std::sync::Arc;

/// Places that take memory together. A power of two; small, for what differs often stands side by side.
const STRETCH: usize = 1 << SHIFT;
const SHIFT: usize = 8;

/// Values by place.
#[derive(Debug, Clone)]
pub struct Sparse<T> {
    stretches: Vec<Option<Arc<[T; STRETCH]>>>,
    /// The stretches that take memory.
    taken: Vec<u32>,
    usual: T,
}

impl<T: Default + Copy + PartialEq> Default for Sparse<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Copy + PartialEq> Sparse<T> {
    /// The same value everywhere.
    pub fn new(usual: T) -> Self {
        Self { stretches: Vec::new(), taken: Vec::new(), usual }
    }

    pub fn get(&self, place: usize) -> T {
        let stretch = self.stretches.get(place >> SHIFT).and_then(Option::as_ref);
        stretch.map_or(self.usual, |stretch| stretch[place & (STRETCH - 1)])
    }

    pub fn set(&mut self, place: usize, value: T) {
        let at = place >> SHIFT;
        if let Some(Some(known)) = self.stretches.get_mut(at) {
            Arc::make_mut(known)[place & (STRETCH - 1)] = value;
        } else if value != self.usual {
            if at >= self.stretches.len() {
                self.stretches.resize(at + 1, None);
            }
            let mut stretch = [self.usual; STRETCH];
            stretch[place & (STRETCH - 1)] = value;
            self.stretches[at] = Some(Arc::new(stretch));
            self.taken.extend(u32::try_from(at));
        }
    }

    /// Everything that is not as usual, with its place; stretches in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (usize, T)> {
        let known = self.taken.iter().filter_map(|at| Some((*at as usize, self.stretches[*at as usize].as_ref()?)));
        let all = known.flat_map(|(at, stretch)| (at << SHIFT..).zip(stretch.iter().copied()));
        all.filter(|(_, value)| *value != self.usual)
    }

    /// Has the usual value everywhere again. Takes no longer than it took to set what is not so.
    pub fn clear(&mut self) {
        for at in self.taken.drain(..) {
            self.stretches[at as usize] = None;
        }
    }

    /// Bytes of memory that it takes.
    pub fn memory(&self) -> usize {
        self.taken.len() * STRETCH * size_of::<T>() + self.stretches.capacity() * size_of::<Option<Arc<[T; STRETCH]>>>()
    }
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
        for place in [0, 255, 256, 99_999] {
            sparse.set(place, u32::try_from(place).unwrap());
        }
        let copy = sparse.clone();
        sparse.set(255, 7);
        assert!(sparse.iter().eq([(0, 0), (256, 256), (99_999, 99_999)]));
        assert!(copy.iter().eq([(0, 0), (255, 255), (256, 256), (99_999, 99_999)]));
        assert_eq!(sparse.taken, [0, 1, 390]);
        sparse.clear();
        assert_eq!((sparse.get(0), sparse.iter().count()), (7, 0));
    }
}
