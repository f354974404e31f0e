//! A container engine for tests: a small HTTP/1.1 server that answers from a script and notes what it was asked.
//! Knows no bollard; it is the other side.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the fake says to one request.
pub(super) enum Reply {
    /// A status and a body.
    Say(u16, String),
    /// A chunked body that ends as it should.
    Whole(Vec<Vec<u8>>),
    /// A chunked body that ends in the middle of a chunk.
    Cut(Vec<Vec<u8>>),
    /// A chunked body without end.
    Endless,
    /// Nothing at all, until the asker goes away.
    Silence,
}

type Script = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// A running fake.
#[derive(Clone, Default)]
pub(super) struct Fake {
    /// Where it listens, as `DOCKER_HOST` writes it.
    pub host: String,
    /// The paths that were asked for, with their queries.
    pub asked: Arc<Mutex<Vec<String>>>,
    /// Bytes of [`Reply::Endless`] that were written.
    pub written: Arc<AtomicU64>,
    /// Set when the asker hung up on [`Reply::Endless`] or [`Reply::Silence`].
    pub left: Arc<AtomicBool>,
}

impl Fake {
    /// Listens on a socket.
    pub(super) fn on_socket(path: &Path, script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let fake = Self { host: format!("unix://{}", path.display()), ..Self::default() };
        let listener = UnixListener::bind(path).unwrap();
        let (server, script) = (fake.clone(), Arc::new(script) as Script);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                server.serve_later(stream.try_clone().unwrap(), stream, &script);
            }
        });
        fake
    }

    /// Listens on a free port of this machine.
    pub(super) fn on_port(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = Self { host: format!("tcp://{}", listener.local_addr().unwrap()), ..Self::default() };
        let (server, script) = (fake.clone(), Arc::new(script) as Script);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                server.serve_later(stream.try_clone().unwrap(), stream, &script);
            }
        });
        fake
    }

    /// The paths asked for so far.
    pub(super) fn paths(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn serve_later(&self, input: impl Read + Send + 'static, output: impl Write + Send + 'static, script: &Script) {
        let (server, script) = (self.clone(), Arc::clone(script));
        thread::spawn(move || server.serve(input, output, &script));
    }

    /// One request, one answer. Write errors mean that the asker left, which a fake may ignore.
    fn serve(&self, input: impl Read, mut output: impl Write, script: &Script) {
        let mut input = BufReader::new(input);
        let mut head = Vec::new();
        while let Some(Ok(line)) = input.by_ref().lines().next() {
            if line.is_empty() {
                break;
            }
            head.push(line);
        }
        let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
        self.asked.lock().unwrap().push(path.to_owned());
        let begin = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        match script(path) {
            Reply::Say(status, body) => {
                let length = body.len();
                let _ = write!(
                    output,
                    "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
            }
            Reply::Whole(chunks) => {
                let _ = output.write_all(begin);
                send_all(&mut output, &chunks);
                let _ = output.write_all(b"0\r\n\r\n");
            }
            Reply::Cut(chunks) => {
                let _ = output.write_all(begin);
                send_all(&mut output, &chunks);
                let _ = output.write_all(b"1000\r\nhalf");
            }
            Reply::Endless => {
                let _ = output.write_all(begin);
                let chunk = [b"8000\r\n".as_slice(), &vec![b'x'; 0x8000], b"\r\n"].concat();
                while output.write_all(&chunk).is_ok() {
                    self.written.fetch_add(0x8000, Ordering::SeqCst);
                }
                self.left.store(true, Ordering::SeqCst);
            }
            Reply::Silence => {
                let _ = input.read(&mut [0]);
                self.left.store(true, Ordering::SeqCst);
            }
        }
    }
}

fn send_all(output: &mut impl Write, chunks: &[Vec<u8>]) {
    for chunk in chunks {
        let _ = write!(output, "{:x}\r\n", chunk.len());
        let _ = output.write_all(chunk);
        let _ = output.write_all(b"\r\n");
    }
}
