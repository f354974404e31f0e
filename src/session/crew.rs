//! Threads that work on one list side by side, their results taken in the order of the list. Knows neither images nor
//! layers.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

/// How many threads do work that computes.
pub(super) fn hands() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// What the threads and who takes their results agree on.
struct Turn<T> {
    jobs: Range<usize>,
    /// Pieces are announced as they are begun, in order.
    announce: Sender<Receiver<T>>,
    /// Pieces before this one are taken.
    taken: usize,
    /// What pieces that were ahead have left waiting, by piece.
    left: BTreeMap<usize, usize>,
}

struct Turns<T> {
    now: Mutex<Turn<T>>,
    is_taken: Condvar,
}

impl<T> Turns<T> {
    fn lock(&self) -> MutexGuard<'_, Turn<T>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the next piece, once what others left waiting is less than `most`. They were begun before it, so whoever
    /// takes comes to them first.
    fn begin(&self, most: usize, receive: Receiver<T>) -> Option<usize> {
        let is_full = |turn: &mut Turn<T>| turn.left.values().sum::<usize>() >= most;
        let waited = self.is_taken.wait_while(self.lock(), is_full);
        let mut turn = waited.unwrap_or_else(PoisonError::into_inner);
        let job = turn.jobs.next()?;
        // Under the lock, so that they are announced in order.
        let _ = turn.announce.send(receive);
        Some(job)
    }

    fn end(&self, job: usize, left: usize) {
        let mut turn = self.lock();
        if job >= turn.taken {
            turn.left.insert(job, left);
        }
    }

    /// Pieces before this one are taken.
    fn taken(&self, before: usize) {
        let mut turn = self.lock();
        turn.taken = before;
        turn.left = turn.left.split_off(&before);
        self.is_taken.notify_all();
    }
}

/// Whoever takes, takes no more, and nobody waits for it.
struct Leaving<'t, T>(&'t Turns<T>);

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        self.0.taken(usize::MAX);
    }
}

/// Does `jobs` pieces of work, one thread for each core. What a piece sends while it is done goes to `take`, piece by
/// piece and in order, on the calling thread. About `most` sendings wait in all: a piece that is ahead waits once it has
/// sent its share of one half, and none is begun while those that are done have left the other half.
pub(super) fn in_order<T: Send>(
    jobs: usize,
    most: usize,
    work: impl Fn(usize, &Sender<T>) + Sync,
    mut take: impl FnMut(usize, Receiver<T>),
) {
    let workers = hands().min(jobs);
    let waiting = (most / 2).checked_div(workers).unwrap_or(0).max(2);
    let (announce, announced) = unbounded();
    let turn = Turn { jobs: 0..jobs, announce, taken: 0, left: BTreeMap::new() };
    let turns = Turns { now: Mutex::new(turn), is_taken: Condvar::new() };
    let run = || {
        loop {
            let (send, receive) = bounded(waiting);
            let Some(job) = turns.begin((most / 2).max(1), receive) else { return };
            work(job, &send);
            turns.end(job, send.len());
        }
    };
    thread::scope(|scope| {
        let _leaving = Leaving(&turns);
        let started = (0..workers).filter(|_| thread::Builder::new().spawn_scoped(scope, run).is_ok()).count();
        for job in 0..jobs {
            if started == 0 {
                // No thread to be had: one after the other, each sending without waiting.
                let (send, receive) = unbounded();
                work(job, &send);
                drop(send);
                take(job, receive);
            } else if let Ok(receive) = announced.recv() {
                take(job, receive);
                turns.taken(job + 1);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_whoever_is_first() {
        let mut taken = Vec::new();
        let work = |job: usize, send: &Sender<usize>| {
            thread::sleep(std::time::Duration::from_millis(if job.is_multiple_of(2) { 3 } else { 0 }));
            for part in 0..10 {
                send.send(job * 10 + part).unwrap();
            }
        };
        in_order(7, 4, work, |job, parts| taken.extend(parts.into_iter().inspect(|part| assert_eq!(part / 10, job))));
        assert_eq!(taken, (0..70).collect::<Vec<_>>());
        in_order(0, 4, work, |_, _| unreachable!());
    }

    #[test]
    fn no_piece_is_begun_while_much_waits() {
        let (sent, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |_: usize, send: &Sender<()>| {
            for _ in 0..4 {
                sent.fetch_add(1, Ordering::Relaxed);
                send.send(()).unwrap();
            }
        };
        in_order(200, 32, work, |_, parts| {
            thread::sleep(std::time::Duration::from_micros(300));
            most.fetch_max(sent.load(Ordering::Relaxed), Ordering::Relaxed);
            for () in parts {
                sent.fetch_sub(1, Ordering::Relaxed);
            }
        });
        // Those at work send to their ends beyond it.
        let most = most.into_inner();
        assert!(most <= 32 + 8 * hands(), "{most}");
    }

    #[test]
    fn whoever_is_not_listened_to_ends() {
        let work = |_: usize, send: &Sender<u8>| while send.send(0).is_ok() {};
        let mut taken = 0;
        in_order(5, 2, work, |_, parts| taken += usize::from(parts.recv().is_ok()));
        assert_eq!(taken, 5);
    }
}
