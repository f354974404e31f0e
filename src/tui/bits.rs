//! A set of paths: a bit for each. A million of them are copied in the time of a few thousand names.

use crate::index::PathId;

/// A set of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    words: Vec<u64>,
}

impl Paths {
    /// No path, with room for so many.
    #[must_use]
    pub fn with_room(paths: usize) -> Self {
        Self { words: vec![0; paths.div_ceil(64)] }
    }

    /// Whether the path is in it.
    #[inline]
    #[must_use]
    pub fn contains(&self, path: PathId) -> bool {
        let place = path.place();
        self.words.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 != 0)
    }

    /// Adds a path; says whether it is new.
    #[inline]
    pub fn insert(&mut self, path: PathId) -> bool {
        let (word, bit) = (path.place() / 64, 1 << (path.place() % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }

    /// Takes a path out.
    pub fn remove(&mut self, path: PathId) {
        if let Some(word) = self.words.get_mut(path.place() / 64) {
            *word &= !(1 << (path.place() % 64));
        }
    }

    /// Keeps those that it is told to.
    pub fn retain(&mut self, keep: impl Fn(PathId) -> bool) {
        for (word, bits) in self.words.iter_mut().enumerate() {
            let mut left = *bits;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                let place = u32::try_from(word).unwrap_or(u32::MAX).saturating_mul(64).saturating_add(bit);
                if !keep(PathId::from_place(place)) {
                    *bits &= !(1 << bit);
                }
            }
        }
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        self.words.clear();
    }
}

impl Extend<PathId> for Paths {
    fn extend<T: IntoIterator<Item = PathId>>(&mut self, paths: T) {
        for path in paths {
            self.insert(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_it_or_not() {
        let path = PathId::from_place;
        let mut paths = Paths::with_room(3);
        assert!(!paths.contains(path(200)));
        assert!(paths.insert(path(200)) && !paths.insert(path(200)));
        paths.extend([path(0), path(64)]);
        paths.remove(path(0));
        paths.remove(path(9999));
        assert!(paths.contains(path(64)) && paths.contains(path(200)) && !paths.contains(path(0)));
        paths.clear();
        assert!(!paths.contains(path(64)));
    }
}
