//! The stream of an export, made honest: an engine that fails halfway has sent "200 OK" long before, so its error
//! arrives as bytes or as a cut. Knows no tar; the only content it looks at is the engine's last word.

use bollard::errors::Error as Trouble;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::io;

use crate::source::trouble::root_cause;

/// How Docker ends an export that failed after it began: a JSON line behind the bytes of the tar, as a write of its
/// own (`streamformatter.FormatError` in moby's `getImagesGet`). A tar ends in zeros, so this is never its end.
const LAST_WORD: &[u8] = br#"{"errorDetail":"#;

/// The failure that Docker appends.
#[derive(Deserialize)]
struct Appended {
    error: String,
}

/// Turns an engine's errors into IO errors that name the engine, and finds the one that came as bytes.
pub(super) fn honest<S>(stream: S, place: String) -> impl Stream<Item = io::Result<Bytes>> + Send
where
    S: Stream<Item = Result<Bytes, Trouble>> + Send + 'static,
{
    let start = Export { stream: Box::pin(stream), held: None, place };
    stream::unfold(start, async |mut export| export.next().await.map(|item| (item, export)))
}

struct Export<S> {
    stream: std::pin::Pin<Box<S>>,
    /// A chunk that may be the last word; it is passed on as soon as another one follows.
    held: Option<Bytes>,
    place: String,
}

impl<S> Export<S>
where
    S: Stream<Item = Result<Bytes, Trouble>>,
{
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match self.stream.next().await {
                Some(Ok(chunk)) => {
                    let waiting = self.held.is_some() || chunk.starts_with(LAST_WORD);
                    match self.held.replace(chunk) {
                        Some(before) => return Some(Ok(before)),
                        None if waiting => {}
                        None => return self.held.take().map(Ok),
                    }
                }
                Some(Err(trouble)) => return Some(Err(self.broken(&trouble))),
                None => return self.held.take().map(|last| self.judge(last)),
            }
        }
    }

    /// Tells a failure from the end of a tar.
    fn judge(&self, last: Bytes) -> io::Result<Bytes> {
        match serde_json::from_slice::<Appended>(&last) {
            Ok(Appended { error }) if last.starts_with(LAST_WORD) => {
                Err(io::Error::other(format!("{} gave up the export: {error}", self.place)))
            }
            _ => Ok(last),
        }
    }

    fn broken(&self, trouble: &Trouble) -> io::Error {
        match trouble {
            Trouble::DockerResponseServerError { message, .. } => {
                io::Error::other(format!("{} refuses the export: {}", self.place, message.trim()))
            }
            other => {
                let why = root_cause(other);
                io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} broke off the export: {why}", self.place))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn collect(chunks: &[&'static [u8]]) -> Vec<io::Result<Bytes>> {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect();
        honest(stream::iter(chunks), "docker 28 at here".to_owned()).collect().now_or_never().unwrap()
    }

    #[test]
    fn bytes_pass_unchanged() {
        let word: &[u8] = b"{\"errorDetail\":{\"message\":\"in a file\"},\"error\":\"in a file\"}\r\n";
        for chunks in [vec![], vec![b"a".as_slice(), b"b"], vec![b"a", word, b"b"], vec![word, word, b"b", b"c"]] {
            let passed: Vec<_> = collect(&chunks).into_iter().map(Result::unwrap).collect();
            assert_eq!(passed, chunks);
        }
    }

    #[test]
    fn a_failure_that_came_as_bytes_is_a_failure() {
        let word = b"{\"errorDetail\":{\"message\":\"content digest sha256:1: not found\"},\"error\":\"content digest sha256:1: not found\"}\r\n";
        let mut items = collect(&[b"tar", word]);
        let error = items.pop().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "docker 28 at here gave up the export: content digest sha256:1: not found");
        assert_eq!(items.len(), 1);
    }
}
