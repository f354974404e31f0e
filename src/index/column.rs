//! Append-only storage in chunks. A vector that doubles would hold its old and its new self at once, and leave half
//! of the new one empty; chunks do neither.

/// Elements in a chunk. A power of two, so that the place is a shift and a mask.
const CHUNK: usize = 1 << SHIFT;
const SHIFT: u32 = 12;

/// A sequence that only grows.
pub struct Column<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T> Column<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends; returns the place, or `None` when 32 bits do not hold it.
    pub fn push(&mut self, value: T) -> Option<u32> {
        // The last two places mean "none" and "implied" to those who store places.
        let place = u32::try_from(self.len).ok().filter(|place| *place < u32::MAX - 1)?;
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks.last_mut()?.push(value);
        self.len += 1;
        Some(place)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    pub fn get(&self, place: u32) -> &T {
        &self.chunks[(place >> SHIFT) as usize][place as usize & (CHUNK - 1)]
    }

    pub fn get_mut(&mut self, place: u32) -> &mut T {
        &mut self.chunks[(place >> SHIFT) as usize][place as usize & (CHUNK - 1)]
    }

    pub fn memory(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<T>() + self.chunks.capacity() * size_of::<Vec<T>>()
    }
}
