//! What decoding the layers of an archive costs and nothing else: each is decoded to nowhere by the decoder that reads
//! it for an image, one on each core, the longest first. `cargo bench --bench decode -- FILE` prints the seconds and the
//! bytes that came out; `tests/bench/run` holds the reading of archives against it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // It may panic.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use flate2::bufread::MultiGzDecoder;

/// As much as is read at once for an image.
const BUFFER: usize = 256 * 1024;

fn main() {
    let Some(path) = std::env::args().skip(1).find(|argument| argument != "--bench") else {
        println!("cargo bench --bench decode -- FILE");
        return;
    };
    let start = Instant::now();
    let mut blobs = blobs(Path::new(&path));
    blobs.sort_unstable_by_key(|(_, length)| std::cmp::Reverse(*length));
    let (next, decoded) = (AtomicUsize::new(0), AtomicU64::new(0));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores.min(blobs.len()) {
            scope.spawn(|| {
                while let Some((at, length)) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    decoded.fetch_add(decode(Path::new(&path), *at, *length), Ordering::Relaxed);
                }
            });
        }
    });
    println!("{} {}", start.elapsed().as_secs_f64(), decoded.into_inner());
}

/// Where the members of an archive lie, and their bytes.
fn blobs(path: &Path) -> Vec<(u64, u64)> {
    let mut archive = tar::Archive::new(File::open(path).unwrap());
    let entries = archive.entries_with_seek().unwrap();
    let places = entries.map(|entry| entry.map(|entry| (entry.raw_file_position(), entry.size())).unwrap());
    places.filter(|(_, length)| *length > 0).collect()
}

/// The bytes that a blob decodes to; those of other blobs are none.
fn decode(path: &Path, at: u64, length: u64) -> u64 {
    let mut file = File::open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    let mut blob = BufReader::with_capacity(BUFFER, file.take(length));
    match *blob.fill_buf().unwrap() {
        [0x1f, 0x8b, ..] => drain(MultiGzDecoder::new(blob)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => drain(zstd::Decoder::with_buffer(blob).unwrap()),
        _ => 0,
    }
}

fn drain(mut decoder: impl Read) -> u64 {
    let (mut buffer, mut total) = (vec![0; BUFFER], 0);
    loop {
        match decoder.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => match read.unwrap() {
                0 => return total,
                read => total += read as u64,
            },
        }
    }
}
