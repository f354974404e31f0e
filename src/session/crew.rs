//! Threads that work on one list side by side, their results taken in the order of the list. Knows neither images nor
//! layers.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

/// How many threads do work that computes.
pub(super) fn hands() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does `jobs` pieces of work, one thread for each core. What a piece sends while it is done goes to `take`, piece by
/// piece and in order, on the calling thread. A piece that is ahead waits once it has sent as much as all may have
/// waiting, `most` sendings in all.
pub(super) fn in_order<T: Send>(
    jobs: usize,
    most: usize,
    work: impl Fn(usize, &Sender<T>) + Sync,
    mut take: impl FnMut(usize, Receiver<T>),
) {
    let workers = hands().min(jobs);
    let waiting = most.checked_div(workers).unwrap_or(0).max(2);
    let (announce, announced) = unbounded();
    let next = Mutex::new((0..jobs, announce));
    let run = || {
        loop {
            let (send, receive) = bounded(waiting);
            let job = {
                let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(job) = next.0.next() else { return };
                // Under the lock, so that they are announced in order.
                let _ = next.1.send(receive);
                job
            };
            work(job, &send);
        }
    };
    thread::scope(|scope| {
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
            }
        }
    });
}

#[cfg(test)]
mod tests {
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
    fn whoever_is_not_listened_to_ends() {
        let work = |_: usize, send: &Sender<u8>| while send.send(0).is_ok() {};
        let mut taken = 0;
        in_order(5, 2, work, |_, parts| taken += usize::from(parts.recv().is_ok()));
        assert_eq!(taken, 5);
    }
}
