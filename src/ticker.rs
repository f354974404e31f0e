//! Progress for a person on standard error: one line, drawn again and again, gone at the end.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::session::{Progress, Snapshot};
use crate::units::{bytes, duration};

/// Often enough to look alive, seldom enough to cost nothing.
const EVERY: Duration = Duration::from_millis(120);

/// Goes back to the start of the line and clears it (ECMA-48: EL).
const CLEAR: &str = "\r\x1b[2K";

/// The thread that draws.
pub struct Ticker {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Ticker {
    /// Starts drawing, if `wanted`.
    #[must_use]
    pub fn start(progress: &Arc<Progress>, wanted: bool) -> Self {
        if !wanted {
            return Self { running: None };
        }
        let (stop, stopped) = channel();
        let progress = Arc::clone(progress);
        let thread = std::thread::spawn(move || {
            let began = Instant::now();
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                // Who closed standard error does not want to see this.
                let _ = write!(std::io::stderr(), "{CLEAR}{}", line(progress.snapshot(), began.elapsed()));
            }
            let _ = write!(std::io::stderr(), "{CLEAR}");
        });
        Self { running: Some((stop, thread)) }
    }

    /// Stops, with the line cleared when this returns.
    pub fn stop(self) {
        if let Some((stop, thread)) = self.running {
            drop(stop);
            // It ends by itself; a panic in it has nothing to tell.
            let _ = thread.join();
        }
    }
}

fn line(now: Snapshot, since: Duration) -> String {
    if let Some(share) = now.searched_percent() {
        return format!("searching for secrets {share} %");
    }
    if let Some(share) = now.compared_percent().filter(|_| now.compared < now.to_compare) {
        return format!("comparing contents {share} %");
    }
    let layers = match (now.layer, now.layers) {
        (0, _) => String::new(),
        (layer, 0) => format!("layer {layer}, "),
        (layer, layers) => format!("layer {layer} of {layers}, "),
    };
    let expected = match now.expected {
        0 => String::new(),
        expected => format!(" of {}", bytes(expected)),
    };
    let rest = now.seconds_left(since);
    let rest = rest.map_or_else(String::new, |left| format!(", {} left", duration(Duration::from_secs(left.max(1)))));
    format!("reading {layers}{}{expected}, {}/s{rest}", bytes(now.bytes), bytes(now.rate(since)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_known_and_no_more() {
        let now = Snapshot { bytes: 50_000_000, expected: 200_000_000, layer: 2, layers: 9, ..Snapshot::default() };
        assert_eq!(
            line(now, Duration::from_secs(1)),
            "reading layer 2 of 9, 50.0 MB of 200.0 MB, 50.0 MB/s, 3.0 s left"
        );
        let stream = Snapshot { bytes: 50_000_000, expected: 0, layer: 2, layers: 0, ..Snapshot::default() };
        assert_eq!(line(stream, Duration::from_secs(2)), "reading layer 2, 50.0 MB, 25.0 MB/s");
    }
}
