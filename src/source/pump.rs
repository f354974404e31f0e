//! Bytes that arrive asynchronously, read by a thread that blocks: a bounded channel between the two, counted and
//! cancellable. Knows nothing of engines, HTTP or what the bytes mean.

use std::fmt;
use std::io::{self, Read};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bytes::{Buf, Bytes};
use futures_util::future::select;
use futures_util::{Stream, StreamExt};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// Chunks that wait for the reader. hyper hands out at most about 400 kB at once, so this bounds the memory to a few
/// megabytes; an engine writes 32 kB at once, so it is enough to keep both sides busy.
const WAITING_CHUNKS: usize = 8;

/// Why a read failed after somebody stopped the transfer.
const CANCELLED: &str = "the transfer was cancelled";

/// The reading end. When the reader stops reading, the sender stops sending; when it is dropped, the transfer ends.
pub struct Pump {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
    state: State,
    received: Arc<AtomicU64>,
    cancel: Cancel,
}

/// Stops a transfer from another thread.
#[derive(Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

/// How far the reader is. A failure is kept: whoever reads on after an error must not take it for the end.
enum State {
    Flowing,
    Ended,
    Failed(io::ErrorKind, String),
}

impl Pump {
    /// Starts to move `stream` on a thread of its own. The runtime goes with it, since the connection lives in there.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub(super) fn start<S>(runtime: Runtime, stream: S) -> io::Result<Self>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let (sender, chunks) = mpsc::channel(WAITING_CHUNKS);
        let (cancel, mut cancelled) = watch::channel(false);
        let received = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&received);
        thread::Builder::new().name("engine".to_owned()).spawn(move || {
            runtime.block_on(async {
                let transfer = pin!(transfer(stream, &sender, &counter));
                // Whoever comes first: dropping the transfer closes the connection, even one that says nothing.
                let _ = select(transfer, pin!(cancelled.wait_for(|stop| *stop))).await;
            });
            // A host name that is still being looked up must not keep the thread.
            runtime.shutdown_background();
        })?;
        let cancel = Cancel(Arc::new(cancel));
        Ok(Self { chunks, current: Bytes::new(), state: State::Flowing, received, cancel })
    }

    /// Bytes that came from the sender so far; the reader may be a few chunks behind.
    #[must_use]
    pub fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// A handle that stops the transfer. A read that waits then fails.
    #[must_use]
    pub fn canceller(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Waits for the next chunk and remembers how the stream ended.
    fn advance(&mut self) {
        if self.cancel.is_cancelled() {
            self.state = State::Failed(io::ErrorKind::ConnectionAborted, CANCELLED.to_owned());
            return;
        }
        match self.chunks.blocking_recv() {
            Some(Ok(chunk)) if chunk.is_empty() => self.state = State::Ended,
            Some(Ok(chunk)) => self.current = chunk,
            Some(Err(error)) => self.state = State::Failed(error.kind(), error.to_string()),
            None if self.cancel.is_cancelled() => {
                self.state = State::Failed(io::ErrorKind::ConnectionAborted, CANCELLED.to_owned());
            }
            // Without the mark at the end the transfer did not finish, whatever the reason.
            None => self.state = State::Failed(io::ErrorKind::UnexpectedEof, "the transfer stopped".to_owned()),
        }
    }
}

impl Read for Pump {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.current.has_remaining() {
                let count = self.current.remaining().min(buffer.len());
                self.current.copy_to_slice(&mut buffer[..count]);
                return Ok(count);
            }
            match &self.state {
                State::Flowing => self.advance(),
                State::Ended => return Ok(0),
                State::Failed(kind, text) => return Err(io::Error::new(*kind, text.clone())),
            }
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump").field("received", &self.received).finish_non_exhaustive()
    }
}

impl Cancel {
    /// Stops the transfer; once is enough.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

/// Moves everything, then marks the end with an empty chunk: a channel that closes without it tells of an accident.
async fn transfer<S>(stream: S, sender: &mpsc::Sender<io::Result<Bytes>>, received: &AtomicU64)
where
    S: Stream<Item = io::Result<Bytes>>,
{
    let mut stream = pin!(stream);
    while let Some(chunk) = stream.next().await {
        let failed = chunk.is_err();
        if let Ok(bytes) = &chunk {
            if bytes.is_empty() {
                continue;
            }
            received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        if sender.send(chunk).await.is_err() || failed {
            return;
        }
    }
    // Nobody listens any more: then nobody needs the mark.
    let _ = sender.send(Ok(Bytes::new())).await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;
    use tokio::runtime::Builder;

    use super::*;

    fn pump<S>(stream: S) -> Pump
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        Pump::start(Builder::new_current_thread().enable_all().build().unwrap(), stream).unwrap()
    }

    #[test]
    fn everything_arrives_in_order_and_is_counted() {
        let chunks: Vec<_> = (0..100_u8).map(|byte| Ok(Bytes::from(vec![byte; 1000]))).collect();
        let mut pump = pump(stream::iter(chunks));
        let received = pump.received();
        let mut bytes = Vec::new();
        pump.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 100_000);
        assert!(bytes.chunks(1000).enumerate().all(|(at, chunk)| chunk.iter().all(|byte| usize::from(*byte) == at)));
        assert_eq!(received.load(Ordering::Relaxed), 100_000);
    }

    #[test]
    fn an_empty_chunk_in_the_middle_is_not_the_end() {
        let chunks = vec![Ok(Bytes::from_static(b"a")), Ok(Bytes::new()), Ok(Bytes::from_static(b"b"))];
        let mut text = String::new();
        pump(stream::iter(chunks)).read_to_string(&mut text).unwrap();
        assert_eq!(text, "ab");
    }

    #[test]
    fn a_failure_comes_after_the_bytes_before_it_and_stays() {
        let broken = io::Error::new(io::ErrorKind::ConnectionReset, "gone");
        let mut pump =
            pump(stream::iter(vec![Ok(Bytes::from_static(b"abc")), Err(broken), Ok(Bytes::from_static(b"d"))]));
        let mut bytes = Vec::new();
        let error = pump.read_to_end(&mut bytes).unwrap_err();
        assert_eq!((bytes.as_slice(), error.kind()), (b"abc".as_slice(), io::ErrorKind::ConnectionReset));
        assert_eq!(pump.read(&mut [0; 4]).unwrap_err().to_string(), "gone");
    }

    #[test]
    fn a_reader_that_waits_makes_the_sender_wait() {
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1000])));
        let mut pump = pump(endless);
        let received = pump.received();
        thread::sleep(Duration::from_millis(100));
        // The waiting ones and the one that does not fit.
        assert_eq!(received.load(Ordering::Relaxed), 1000 * (WAITING_CHUNKS as u64 + 1));
        pump.read_exact(&mut [0; 1000]).unwrap();
    }

    #[test]
    fn cancelling_wakes_a_reader_that_waits() {
        let mut pump = pump(stream::pending());
        let cancel = pump.canceller();
        let waiting = thread::spawn(move || pump.read(&mut [0; 4]).unwrap_err().to_string());
        thread::sleep(Duration::from_millis(20));
        cancel.cancel();
        assert_eq!(waiting.join().unwrap(), CANCELLED);
    }

    #[test]
    fn dropping_the_reader_drops_the_stream() {
        let (alive, watcher) = std::sync::mpsc::channel::<()>();
        let endless = stream::repeat_with(move || {
            let _ = &alive;
            Ok(Bytes::from_static(b"x"))
        });
        drop(pump(endless));
        assert_eq!(watcher.recv_timeout(Duration::from_secs(5)), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    }

    #[test]
    fn a_stream_that_panics_is_not_an_end() {
        let mut pump = pump(stream::poll_fn(|_| panic!("on purpose")));
        assert_eq!(pump.read(&mut [0; 4]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
