//! Events of the terminal, read by a thread of their own that can be told to stand back while another program has the
//! terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use crossterm::event::{self, Event};

/// How long the thread looks for a key before it looks whether it is to stand back.
const PATIENCE: Duration = Duration::from_millis(50);

/// Keys, clicks and resizes as they come.
pub struct Input {
    /// The events.
    pub events: Receiver<Event>,
    paused: Arc<AtomicBool>,
    stands_back: Receiver<()>,
    go_on: Sender<()>,
}

impl Input {
    /// Begins to read.
    #[must_use]
    pub fn start() -> Self {
        let (sender, events) = bounded(64);
        let (told, stands_back) = bounded(1);
        let (go_on, may_go_on) = bounded(1);
        let paused = Arc::new(AtomicBool::new(false));
        let pausing = Arc::clone(&paused);
        thread::spawn(move || {
            loop {
                if pausing.load(SeqCst) && (told.send(()).is_err() || may_go_on.recv().is_err()) {
                    return;
                }
                let event = match event::poll(PATIENCE) {
                    Ok(false) => continue,
                    Ok(true) => event::read(),
                    Err(error) => Err(error),
                };
                if event.map_or(true, |event| sender.send(event).is_err()) {
                    return;
                }
            }
        });
        Self { events, paused, stands_back, go_on }
    }

    /// Runs something while no key is read.
    pub fn stand_back<T>(&self, run: impl FnOnce() -> T) -> T {
        self.paused.store(true, SeqCst);
        // The thread may wait for room in the queue: what is in there is older than the pause and not wanted.
        let reads = loop {
            match self.stands_back.recv_timeout(PATIENCE) {
                Ok(()) => break true,
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => break false,
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => self.drain(),
            }
        };
        let outcome = run();
        self.paused.store(false, SeqCst);
        self.drain();
        if reads {
            // A thread that is gone has closed the queue of events, which ends the explorer.
            let _ = self.go_on.send(());
        }
        outcome
    }

    fn drain(&self) {
        while self.events.try_recv().is_ok() {}
    }
}
