//! What is known of files' contents, in 12 bytes each: 95 bits of their hash tell a hundred million files apart as surely
//! as 128 do, where a file lies and how it begins fits into as many, and one bit says which of both it is.

use super::rows::{Row, record};
use crate::layer::{Content, Unread};

/// Bits of a place.
const PLACE: u32 = 48;

/// Bits of the hash of a beginning.
const HEAD: u32 = 47;

/// Says that the contents were not read.
const UNREAD: u128 = 1 << (PLACE + HEAD);

/// Bytes of the largest layer whose files have places.
pub const MOST_BYTES: u64 = (1 << PLACE) - 1;

/// What is known of one file's contents.
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
pub fn kept(hash: u128) -> u128 {
    hash & (UNREAD - 1)
}

impl Known {
    /// Their hash.
    pub fn hash(hash: u128) -> Self {
        Self::of(kept(hash))
    }

    /// That they were not read; `None` where they lie farther in than files are long (256 TiB).
    pub fn unread(Unread { at, head }: Unread) -> Option<Self> {
        let at = Some(at).filter(|at| *at <= MOST_BYTES)?;
        // None is a beginning that nobody looked at, and no other becomes one.
        let head = if head == 0 { 0 } else { (head & ((1 << HEAD) - 1)).max(1) };
        Some(Self::of(UNREAD | u128::from(head) << PLACE | u128::from(at)))
    }

    pub fn content(self) -> Content {
        let [low, middle, high] = self.0.map(u128::from);
        let bits = high << 64 | middle << 32 | low;
        if bits & UNREAD == 0 {
            return Content::Hash(bits);
        }
        let part = |bits: u128, mask: u64| u64::try_from(bits & u128::from(mask)).unwrap_or_default();
        Content::Unread(Unread { at: part(bits, MOST_BYTES), head: part(bits >> PLACE, (1 << HEAD) - 1) })
    }

    pub fn is_unread(self) -> bool {
        matches!(self.content(), Content::Unread(_))
    }

    fn of(bits: u128) -> Self {
        Self([0, 32, 64].map(|shift| u32::try_from(bits >> shift & u128::from(u32::MAX)).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_places_come_back_as_far_as_they_are_kept() {
        assert_eq!(size_of::<Known>(), 12);
        for hash in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef_0011_2233_4455_6677] {
            assert_eq!(Known::hash(hash).content(), Content::Hash(kept(hash)));
        }
        let cases = [(0, 0, 0), (5, 1 << 47, 1), (MOST_BYTES, u64::MAX, (1 << 47) - 1), (1 << 40, 77, 77)];
        for (at, head, kept) in cases {
            let known = Known::unread(Unread { at, head }).unwrap();
            assert_eq!(known.content(), Content::Unread(Unread { at, head: kept }));
        }
        assert!(Known::unread(Unread { at: MOST_BYTES + 1, head: 1 }).is_none());
    }
}
