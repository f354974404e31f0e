//! Places in a compressed stream at which decompressing can begin, so that what lies near its end is not read from its
//! beginning. They are noted while the stream is read for another reason anyway. Knows no format.

use serde::{Deserialize, Serialize};

/// Decompressed bytes from one point to the next, as long as there are few: what 10 ms decompress.
const SPAN: u64 = 4 * 1024 * 1024;

/// Points of one stream, and the bytes of their windows. In gzip each takes up to 32 KiB, mostly a third of it. Longer
/// streams have them farther apart: 64 MiB in one of 4 GiB.
const MOST: usize = 64;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A place at which decompressing can begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The decompressed byte that comes next.
    pub out: u64,
    /// The compressed byte that comes next.
    pub at: u64,
    /// Bits of the byte before it that are not used yet, 0 to 7.
    pub bits: u8,
    /// What was decompressed last and may be referred to, packed. Empty where a member or a frame begins, which refers to
    /// nothing before it.
    pub window: Vec<u8>,
}

impl Point {
    /// The compressed byte that is read first to begin here.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.at - u64::from(self.bits > 0)
    }
}

/// The points of one stream, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    list: Vec<Point>,
    span: u64,
}

impl Default for Points {
    fn default() -> Self {
        Self { list: Vec::new(), span: SPAN }
    }
}

impl Points {
    /// With so many bytes from one to the next as long as there are few.
    #[cfg(test)]
    pub(super) fn every(span: u64) -> Self {
        Self { span, ..Self::default() }
    }

    /// The decompressed byte from which on another point is wanted.
    #[must_use]
    pub fn due(&self) -> u64 {
        self.list.last().map_or(self.span, |last| last.out + self.span)
    }

    /// The decompressed byte at which the last point is.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.list.last().map_or(0, |last| last.out)
    }

    /// Notes a point behind all others.
    pub fn note(&mut self, point: Point) {
        self.list.push(point);
        let bytes: usize = self.list.iter().map(|point| point.window.len()).sum();
        if self.list.len() > MOST || bytes > MOST_BYTES {
            // Windows may be larger than a span is worth, and points farther apart than it.
            let apart = self.list.last().map_or(0, |last| last.out) / self.list.len() as u64;
            let mut place = 0;
            self.list.retain(|_| {
                place += 1;
                place % 2 == 0
            });
            self.span = 2 * self.span.max(apart);
        }
    }

    /// The last point that is not behind a decompressed byte.
    #[must_use]
    pub fn before(&self, out: u64) -> Option<&Point> {
        self.list[..self.list.partition_point(|point| point.out <= out)].last()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Point] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_many_and_they_stay_evenly_apart() {
        let mut points = Points::default();
        let mut out = 0;
        while out < 10_000 * SPAN {
            if out >= points.due() {
                points.note(Point { out, at: out / 2, bits: 0, window: Vec::new() });
            }
            out += SPAN / 3;
        }
        assert!((MOST / 2..=MOST).contains(&points.all().len()));
        let steps = points.all().windows(2).map(|pair| pair[1].out - pair[0].out);
        let (least, most) = steps.fold((u64::MAX, 0), |(least, most), step| (least.min(step), most.max(step)));
        assert!(most <= 2 * least, "{least} to {most}");
        assert!(points.all()[0].out <= most * 2);
        assert_eq!(points.before(0), None);
        let some = &points.all()[7];
        assert_eq!(points.before(some.out), Some(some));
        assert_eq!(points.before(some.out - 1), Some(&points.all()[6]));
        assert_eq!(points.before(u64::MAX), points.all().last());
    }
}
