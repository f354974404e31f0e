//! Two pieces of work side by side: the machines that open images have more than one core.

use std::thread;

/// Does both, the second on a thread of its own; one after the other where there is none to be had.
pub fn both<A, B: Send>(one: impl FnOnce() -> A, other: impl Fn() -> B + Sync) -> (A, B) {
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, &other).ok();
        let one = one();
        let other = beside.and_then(|beside| beside.join().ok()).unwrap_or_else(&other);
        (one, other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_done() {
        let (mut mine, lent) = (0, [1, 2, 3]);
        let sum = both(|| mine += lent.len(), || lent.iter().sum::<i32>()).1;
        assert_eq!((mine, sum), (3, 6));
    }
}
