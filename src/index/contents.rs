//! What is known of files' contents, in 12 bytes each: 96 bits of their hash tell a hundred million files apart as surely
//! as 128 do, and where a file lies and how it begins fit into 48 bits each.

use super::rows::{Row, record};
use crate::layer::Unread;

/// Bits of a place, and of the hash of a beginning.
const BITS: u32 = 48;
const MASK: u64 = (1 << BITS) - 1;

/// Bytes of the largest layer whose files have places.
pub const MOST_BYTES: u64 = MASK;

/// What is known of one file's contents; which of both it is, its entry tells.
#[derive(Clone, Copy)]
pub struct Known([u32; 3]);

record!(Known { 0 });

impl Row for [u32; 3] {
    fn put(&self, out: &mut Vec<u8>) {
        for part in self {
            part.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some([u32::take(bytes)?, u32::take(bytes)?, u32::take(bytes)?])
    }
}

/// As much of a hash as is kept.
#[must_use]
pub fn kept(hash: u128) -> u128 {
    hash & ((1 << (2 * BITS)) - 1)
}

impl Known {
    /// Their hash.
    pub fn hash(hash: u128) -> Self {
        Self([0, 32, 64].map(|shift| u32::try_from(hash >> shift & u128::from(u32::MAX)).unwrap_or_default()))
    }

    /// That they were not read; `None` where they lie farther in than files are long (256 TiB).
    pub fn unread(Unread { at, head }: Unread) -> Option<Self> {
        let at = Some(at).filter(|at| *at <= MASK)?;
        // None is a beginning that nobody looked at, and no other becomes one.
        let head = if head == 0 { 0 } else { (head & MASK).max(1) };
        Some(Self::hash(u128::from(head) << BITS | u128::from(at)))
    }

    pub fn as_hash(self) -> u128 {
        let [low, middle, high] = self.0.map(u128::from);
        high << 64 | middle << 32 | low
    }

    pub fn as_unread(self) -> Unread {
        let half = |half: u128| u64::try_from(half & u128::from(MASK)).unwrap_or_default();
        Unread { at: half(self.as_hash()), head: half(self.as_hash() >> BITS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_places_come_back_as_far_as_they_are_kept() {
        assert_eq!(size_of::<Known>(), 12);
        for hash in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0011_2233_4455_6677] {
            assert_eq!(Known::hash(hash).as_hash(), kept(hash));
        }
        let cases = [(0, 0, 0), (5, 1 << 48, 1), (MASK, u64::MAX, MASK), (1 << 40, 77, 77)];
        for (at, head, kept) in cases {
            assert_eq!(Known::unread(Unread { at, head }).unwrap().as_unread(), Unread { at, head: kept });
        }
        assert!(Known::unread(Unread { at: MASK + 1, head: 1 }).is_none());
    }
}
