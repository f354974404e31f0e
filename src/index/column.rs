//! Append-only storage in chunks. A vector that doubles would hold its old and its new self at once, and leave half
//! of the new one empty; chunks do neither. A copy shares all chunks with its original, and whoever writes to a shared
//! chunk gets one of its own: so what is read so far can be looked at while reading goes on.

use std::iter::repeat_n;
use std::sync::Arc;

/// Elements in a chunk. A power of two, so that the place is a shift and a mask.
const CHUNK: usize = 1 << SHIFT;
const SHIFT: u32 = 12;

/// A sequence that only grows.
#[derive(Clone)]
pub struct Column<T> {
    /// Full chunks, and a last one that is full up to `len`.
    chunks: Vec<Arc<[T]>>,
    len: usize,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T: Copy> Column<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends; returns the place, or `None` when 32 bits do not hold it.
    pub fn push(&mut self, value: T) -> Option<u32> {
        // The last two places mean "none" and "implied" to those who store places.
        let place = u32::try_from(self.len).ok().filter(|place| *place < u32::MAX - 1)?;
        if self.len.is_multiple_of(CHUNK) {
            // What follows in the chunk is written before it is read.
            self.chunks.push(repeat_n(value, CHUNK).collect());
        } else {
            *self.get_mut(place) = value;
        }
        self.len += 1;
        Some(place)
    }

    /// Appends what comes until there is no more; `None` when one is none, or 32 bits do not hold the place.
    pub fn fill(&mut self, mut values: impl Iterator<Item = Option<T>>) -> Option<()> {
        while !self.len.is_multiple_of(CHUNK) {
            let Some(value) = values.next() else { return Some(()) };
            self.push(value?)?;
        }
        loop {
            // A chunk at once, which nobody else can see yet.
            let mut chunk = values.by_ref().take(CHUNK).collect::<Option<Vec<T>>>()?;
            let Some(last) = chunk.last().copied() else { return Some(()) };
            u32::try_from(self.len + chunk.len()).ok().filter(|len| *len < u32::MAX - 1)?;
            self.len += chunk.len();
            chunk.resize(CHUNK, last);
            self.chunks.push(chunk.into());
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).take(self.len)
    }

    pub fn get(&self, place: u32) -> &T {
        &self.chunks[(place >> SHIFT) as usize][place as usize & (CHUNK - 1)]
    }

    /// What is at a place, if the column came that far.
    pub fn find(&self, place: u32) -> Option<&T> {
        self.chunks.get((place >> SHIFT) as usize)?.get(place as usize & (CHUNK - 1))
    }

    pub fn get_mut(&mut self, place: u32) -> &mut T {
        &mut Arc::make_mut(&mut self.chunks[(place >> SHIFT) as usize])[place as usize & (CHUNK - 1)]
    }

    pub fn memory(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<T>() + self.chunks.capacity() * size_of::<Arc<[T]>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_is_while_the_original_goes_on() {
        let mut column = Column::default();
        let most = u32::try_from(CHUNK).unwrap() + 5;
        for number in 0..most {
            assert_eq!(column.push(number), Some(number));
        }
        let copy = column.clone();
        *column.get_mut(7) = 0;
        *column.get_mut(most - 1) = 0;
        column.push(1);
        assert!(copy.iter().copied().eq(0..most));
        assert_eq!((copy.len(), column.len()), (CHUNK + 5, CHUNK + 6));
        assert_eq!((*column.get(7), *column.get(most - 1), *column.get(most)), (0, 0, 1));
        let mut filled = Column::default();
        for (from, to) in [(0, 10), (10, 10), (10, most), (most, 3 * most)] {
            filled.fill((from..to).map(Some)).unwrap();
        }
        filled.push(7);
        assert!(filled.iter().copied().eq((0..3 * most).chain([7])));
        assert!(filled.fill([Some(1), None].into_iter()).is_none());
        assert!(Arc::ptr_eq(&Column::clone(&column).chunks[0], &column.chunks[0]));
    }
}
