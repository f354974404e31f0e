//! The order in which Go's `sort.Sort` leaves rows that are compared by one number only, ties included.
//! Must not know what is sorted: it sees numbers and answers with their places.
//!
//! dive lists wasteful paths from such a sort, which is not stable. Rows of equal size therefore stand in an order that
//! only the same algorithm reproduces: a pattern-defeating quicksort (<https://arxiv.org/pdf/2106.05123>) with the
//! parameters of Go's `src/sort/zsortinterface.go`, as in Go 1.24, which dive 0.13.1 is built with. Go 1.19 differs in
//! its random numbers only. Every number below changes the order of ties; none is free to be tuned.

/// Up to this many rows, insertion sort does the whole work.
const SHORT: usize = 12;
/// From this many rows, the pivot is the median of three medians instead of the median of three rows.
const NINTHER_FROM: usize = 50;
/// Below this many rows, the cheap try at an almost sorted slice moves nothing.
const SHIFT_FROM: usize = 50;
/// How many misplaced neighbours the cheap try puts right before it gives up.
const SHIFTS: usize = 5;
/// How many exchanges choosing a pivot makes when every comparison says "falling": four medians of three.
const ALL_FALLING: u32 = 4 * 3;

/// Something with a number to sort by.
pub trait Row: Copy {
    /// The number.
    fn key(&self) -> u64;
}

/// What the rows looked at for a pivot say about the whole slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trend {
    Rising,
    Falling,
    Unknown,
}

/// Leaves the rows in the order in which `sort.Sort` with `a.key < b.key` leaves them.
pub fn go_sort<R: Row>(rows: &mut [R]) {
    let limit = usize::BITS - rows.len().leading_zeros();
    quick_sort(rows, None, limit);
}

/// Sorts `rows`. `below` is the key of the row just before them, which none of them undercuts; `limit` is how many
/// lopsided partitions are still accepted before heapsort takes over.
fn quick_sort<R: Row>(mut rows: &mut [R], mut below: Option<u64>, mut limit: u32) {
    let mut was_balanced = true;
    let mut was_in_place = true;
    loop {
        let length = rows.len();
        if length <= SHORT {
            insertion_sort(rows);
            return;
        }
        if limit == 0 {
            heap_sort(rows);
            return;
        }
        if !was_balanced {
            break_patterns(rows);
            limit -= 1;
        }

        let (mut pivot, mut trend) = choose_pivot(rows);
        if trend == Trend::Falling {
            rows.reverse();
            pivot = length - 1 - pivot;
            trend = Trend::Rising;
        }
        if was_balanced && was_in_place && trend == Trend::Rising && finish_almost_sorted(rows) {
            return;
        }

        // Nothing here is smaller than the row before. A pivot equal to it is the minimum, so its equals are split
        // off and need no more sorting.
        if below.is_some_and(|key| key >= rows[pivot].key()) {
            let greater = partition_equal(rows, pivot);
            below = Some(rows[greater - 1].key());
            rows = &mut rows[greater..];
            continue;
        }

        let (middle, in_place) = partition(rows, pivot);
        was_in_place = in_place;
        let middle_key = rows[middle].key();
        let (left, rest) = rows.split_at_mut(middle);
        // The pivot counts as part of the right side here, as it does in Go.
        let left_is_shorter = left.len() < rest.len();
        was_balanced = left.len().min(rest.len()) >= length / 8;
        let right = &mut rest[1..];
        // Recursion takes the shorter side: its depth stays logarithmic.
        if left_is_shorter {
            quick_sort(left, below, limit);
            below = Some(middle_key);
            rows = right;
        } else {
            quick_sort(right, Some(middle_key), limit);
            rows = left;
        }
    }
}

fn insertion_sort<R: Row>(rows: &mut [R]) {
    for end in 1..rows.len() {
        sink_left(rows, end);
    }
}

/// Moves the row at `from` to the left, past every greater row.
fn sink_left<R: Row>(rows: &mut [R], from: usize) {
    let mut at = from;
    while at > 0 && rows[at].key() < rows[at - 1].key() {
        rows.swap(at, at - 1);
        at -= 1;
    }
}

/// Moves the row before `from` to the right, past every smaller row.
fn rise_right<R: Row>(rows: &mut [R], from: usize) {
    let mut at = from;
    while at < rows.len() && rows[at].key() < rows[at - 1].key() {
        rows.swap(at, at - 1);
        at += 1;
    }
}

fn heap_sort<R: Row>(rows: &mut [R]) {
    for root in (0..=(rows.len() - 1) / 2).rev() {
        sift_down(rows, root);
    }
    for end in (0..rows.len()).rev() {
        rows.swap(0, end);
        sift_down(&mut rows[..end], 0);
    }
}

/// Restores the heap below `root`: no row is smaller than the rows under it.
fn sift_down<R: Row>(heap: &mut [R], mut root: usize) {
    loop {
        let mut child = 2 * root + 1;
        if child >= heap.len() {
            return;
        }
        if child + 1 < heap.len() && heap[child].key() < heap[child + 1].key() {
            child += 1;
        }
        if heap[root].key() >= heap[child].key() {
            return;
        }
        heap.swap(root, child);
        root = child;
    }
}

/// Exchanges three rows around the middle with rows picked at random, so that a pattern that made the last partition
/// lopsided does not do it again. The random numbers start from the length: the same input gives the same order.
fn break_patterns<R: Row>(rows: &mut [R]) {
    let length = rows.len();
    let mask = u64::MAX >> (length as u64).leading_zeros();
    let mut random = length as u64;
    let middle = length / 4 * 2;
    for at in middle - 1..=middle + 1 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        #[expect(clippy::cast_possible_truncation, reason = "the mask is less than twice a slice's length")]
        let mut other = (random & mask) as usize;
        if other >= length {
            other -= length;
        }
        rows.swap(at, other);
    }
}

/// Picks the row to partition around, by its index, and tells what the rows compared for it say about the order.
fn choose_pivot<R: Row>(rows: &[R]) -> (usize, Trend) {
    let quarter = rows.len() / 4;
    let mut swaps = 0;
    let mut candidates = [quarter, quarter * 2, quarter * 3];
    if rows.len() >= NINTHER_FROM {
        candidates = candidates.map(|at| median(rows, [at - 1, at, at + 1], &mut swaps));
    }
    let pivot = median(rows, candidates, &mut swaps);
    let trend = match swaps {
        0 => Trend::Rising,
        ALL_FALLING => Trend::Falling,
        _ => Trend::Unknown,
    };
    (pivot, trend)
}

/// Which of three indices holds the median. Counts the exchanges needed to find it.
fn median<R: Row>(rows: &[R], [mut a, mut b, mut c]: [usize; 3], swaps: &mut u32) -> usize {
    let mut put_in_order = |low: &mut usize, high: &mut usize| {
        if rows[*high].key() < rows[*low].key() {
            std::mem::swap(low, high);
            *swaps += 1;
        }
    };
    put_in_order(&mut a, &mut b);
    put_in_order(&mut b, &mut c);
    put_in_order(&mut a, &mut b);
    b
}

/// Tries to finish a slice that looks sorted by moving at most [`SHIFTS`] rows. True when it is sorted afterwards.
fn finish_almost_sorted<R: Row>(rows: &mut [R]) -> bool {
    let length = rows.len();
    let mut at = 1;
    for _ in 0..SHIFTS {
        while at < length && rows[at].key() >= rows[at - 1].key() {
            at += 1;
        }
        if at == length {
            return true;
        }
        if length < SHIFT_FROM {
            return false;
        }
        rows.swap(at, at - 1);
        sink_left(rows, at - 1);
        rise_right(rows, at + 1);
    }
    false
}

/// Puts rows smaller than the pivot to its left and the others to its right. Answers where the pivot ended up and
/// whether nothing had to be exchanged.
fn partition<R: Row>(rows: &mut [R], pivot: usize) -> (usize, bool) {
    rows.swap(0, pivot);
    let key = rows[0].key();
    let (mut low, mut high) = (1, rows.len() - 1);
    let mut in_place = true;
    loop {
        while low <= high && rows[low].key() < key {
            low += 1;
        }
        while low <= high && rows[high].key() >= key {
            high -= 1;
        }
        if low > high {
            rows.swap(0, high);
            return (high, in_place);
        }
        rows.swap(low, high);
        in_place = false;
        low += 1;
        high -= 1;
    }
}

/// Puts rows equal to the pivot before the greater ones, where none is smaller. Answers where the greater ones begin.
fn partition_equal<R: Row>(rows: &mut [R], pivot: usize) -> usize {
    rows.swap(0, pivot);
    let key = rows[0].key();
    let (mut low, mut high) = (1, rows.len() - 1);
    loop {
        while low <= high && rows[low].key() <= key {
            low += 1;
        }
        while low <= high && rows[high].key() > key {
            high -= 1;
        }
        if low > high {
            return low;
        }
        rows.swap(low, high);
        low += 1;
        high -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number to sort by and the place it came from.
    type Placed = (u64, usize);

    impl Row for Placed {
        fn key(&self) -> u64 {
            self.0
        }
    }

    /// The places of `keys` in the order that they are left in.
    fn places(keys: &[u64]) -> Vec<usize> {
        let mut rows: Vec<Placed> = keys.iter().enumerate().map(|(place, &key)| (key, place)).collect();
        go_sort(&mut rows);
        rows.into_iter().map(|(_, place)| place).collect()
    }

    const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

    fn mix(hash: u64, value: u64) -> u64 {
        (hash ^ value).wrapping_mul(0x0100_0000_01b3)
    }

    fn splitmix(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn keys(pattern: &str, length: u64) -> Vec<u64> {
        let mut state = length;
        let key = |at: u64| match pattern {
            "equal" => 7,
            "rising pairs" => at / 2,
            "falling pairs" => (length - at) / 2,
            "organ pipe" => at.min(length - at),
            "saw" => at % 17,
            "two keys" => splitmix(&mut state) % 2,
            "few keys" => splitmix(&mut state) % 8,
            "some keys" => splitmix(&mut state) % (length / 4 + 1),
            "any keys" => splitmix(&mut state),
            "almost rising" if splitmix(&mut state).is_multiple_of(64) => splitmix(&mut state) % length,
            "almost rising" => at / 3,
            _ => unreachable!("a pattern without keys"),
        };
        (0..length).map(key).collect()
    }

    /// The hashes come from a Go program with the same generator, built with Go 1.24.4 (FNV-1a over the places, then
    /// over the hashes of all lengths). It also wrote 47,000 other cases, which were compared in full when this file
    /// was written; Go 1.19.8 agreed on all of them with its own random numbers put in.
    #[test]
    fn ties_stand_where_go_leaves_them() {
        let lengths = [0, 1, 2, 7, 12, 13, 20, 49, 50, 51, 100, 128, 500, 1000, 5000];
        let expected = [
            ("equal", 0x22bf_f0c0_3d6b_d1ec),
            ("rising pairs", 0x22bf_f0c0_3d6b_d1ec),
            ("falling pairs", 0xaba0_aa5c_108e_c376),
            ("organ pipe", 0xbcca_a4a2_a9c3_e00c),
            ("saw", 0xfe50_d2ac_98fd_8c14),
            ("two keys", 0x2607_d9cc_1028_ef4e),
            ("few keys", 0x9d28_295f_ffa3_3756),
            ("some keys", 0x05d0_8656_1cac_970c),
            ("any keys", 0x1f40_cd1a_e15d_1fc0),
            ("almost rising", 0x138c_fdc0_aa0b_cdfc),
        ];
        for (pattern, hash) in expected {
            let found = lengths.iter().fold(FNV_START, |all, &length| {
                let found = places(&keys(pattern, length));
                mix(all, found.iter().fold(FNV_START, |one, &place| mix(one, place as u64)))
            });
            assert_eq!(found, hash, "{pattern}");
        }
    }

    /// Made with McIlroy's adversary so that every pivot is bad: the only road to heapsort. Order from Go 1.24.4.
    #[test]
    fn heapsort_takes_over_where_go_lets_it() {
        let keys = [
            2, 3, 4, 5, 6, 7, 8, 11, 0, 21, 9, 18, 21, 21, 21, 21, 1, 13, 10, 15, 14, 17, 19, 12, 21, 16, 21, 20, 21,
            21, 21, 21, 21, 21, 21,
        ];
        let expected = [
            8, 16, 0, 1, 2, 3, 4, 5, 6, 10, 18, 7, 23, 17, 20, 19, 25, 21, 11, 22, 27, 30, 9, 12, 15, 14, 24, 26, 29,
            28, 31, 32, 33, 34, 13,
        ];
        assert_eq!(places(&keys), expected);
    }

    #[test]
    fn few_ties_keep_their_order() {
        assert_eq!(places(&[5, 1, 5, 1, 5]), [1, 3, 0, 2, 4]);
        assert_eq!(places(&[]), [0_usize; 0]);
    }
}
