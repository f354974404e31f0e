//! What lies near the end of a packed layer is not read from the layer's beginning. Counted in bytes, not in time.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use layerscope::cache::Cache;
use layerscope::session::contents::preview;
use layerscope::session::extract::{Item, extract};
use layerscope::session::{Job, Loaded, Options, Progress, open};
use layerscope::source::reference::Reference;
use tempfile::tempdir;

use super::{at, load};
use crate::common::archives::Oci;
use crate::common::image::Layer;

const FILES: u32 = 32;
const BYTES: usize = 1 << 20;

/// Text that gets about half as large when it is packed, in blocks of usual length.
fn text(number: u32) -> Vec<u8> {
    let mut state = number.wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"abcdefghijklmnop"[usize::from(state.to_be_bytes()[0] >> 4)]
    };
    (0..BYTES).map(|_| next()).collect()
}

fn layer() -> Vec<u8> {
    (0..FILES).fold(Layer::new(), |layer, number| layer.file(format!("d/{number}"), text(number))).finish()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// As estargz packs: members that begin anew.
fn members(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(3_000_000).flat_map(gzip).collect()
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// As zstd:chunked packs.
fn frames(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(3_000_000).flat_map(frame).collect()
}

fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// Writes a layout, and tells the bytes of its layer.
fn layout(folder: &Path, pack: fn(&[u8]) -> Vec<u8>) -> (Reference, u64) {
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &[layer()], pack);
    let length = oci.blobs.iter().map(|(_, blob)| blob.len()).max().unwrap() as u64;
    oci.folder(folder, &[image]);
    (Reference::Layout { path: folder.to_owned(), image: None }, length)
}

/// Bytes of the source that are read for a file, which must be what it is.
fn cost(loaded: &Loaded, number: u32) -> u64 {
    let job = Job::default();
    let piece = preview(loaded, at(loaded, 0, &format!("d/{number}")), BYTES, &job).unwrap();
    assert!(piece.bytes == text(number), "file {number}");
    job.progress.snapshot().bytes
}

#[test]
fn a_file_near_the_end_is_read_from_near_the_end() {
    for (name, pack) in
        [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("members", members), ("frames", frames), ("plain", plain)]
    {
        let folder = tempdir().unwrap();
        let (reference, length) = layout(folder.path(), pack);
        let loaded = load(&reference);
        for number in [0, 1, 7, 15, 16, 17, FILES - 2, FILES - 1] {
            let cost = cost(&loaded, number);
            assert!(cost < length / 3, "{name}: {cost} of {length} bytes for file {number}");
        }
    }
}

/// Nothing in it says what a decoder would remember in its middle: a frame without copies refers to none.
#[test]
fn a_single_frame_without_copies_is_read_from_its_beginning() {
    let folder = tempdir().unwrap();
    let (reference, length) = layout(folder.path(), frame);
    let loaded = load(&reference);
    assert!(cost(&loaded, 0) < length / 3);
    assert!(cost(&loaded, FILES - 1) > length / 2);
}

#[test]
fn what_lies_between_extracted_files_is_left_out() {
    for (name, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("frames", frames)] {
        let folder = tempdir().unwrap();
        let (reference, length) = layout(folder.path(), pack);
        let loaded = load(&reference);
        let item = |number: u32| Item {
            parts: vec![number.to_string().into_bytes()],
            live: Some(at(&loaded, 0, &format!("d/{number}"))),
        };
        let (job, to) = (Job::default(), folder.path().join("out"));
        let top = Item { parts: Vec::new(), live: None };
        let done = extract(&loaded, &[top, item(FILES - 1), item(0), item(1)], &to, &job).unwrap();
        assert_eq!((done.files, done.bytes), (3, 3 * BYTES as u64));
        for number in [0, 1, FILES - 1] {
            assert!(fs::read(to.join(number.to_string())).unwrap() == text(number), "{name}: {number}");
        }
        let cost = job.progress.snapshot().bytes;
        assert!(cost < length / 2, "{name}: {cost} of {length} bytes");
    }
}

#[test]
fn an_image_from_the_cache_has_it_too() {
    let folder = tempdir().unwrap();
    let (reference, length) = layout(&folder.path().join("image"), gzip);
    // A file that was written just now may be written again without a trace.
    sleep(Duration::from_millis(2100));
    let options = Options { cache: Some(Cache::new(folder.path().join("cache"), 1 << 30)), ..Options::default() };
    let opened = || open(&reference, "test", &options, &Progress::default().into()).unwrap();
    let first = cost(&opened(), FILES - 1);
    assert!(first < length / 3, "{first} of {length} bytes");
    let names = || fs::read_dir(folder.path().join("cache")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names().any(|name| name.to_string_lossy().starts_with("points-")));
    let again = opened();
    assert_eq!(cost(&again, FILES - 1), first);
    // What is gone from the cache is no error.
    for name in names().filter(|name| name.to_string_lossy().starts_with("points-")) {
        fs::write(folder.path().join("cache").join(name), "damaged").unwrap();
    }
    assert!(cost(&again, FILES - 1) > length / 2);
}

/// An archive that is packed as a whole has to go by for the first file; its layers up to that file's are kept then.
#[test]
fn what_went_by_once_does_not_go_by_again() {
    for pack in [plain as fn(&[u8]) -> Vec<u8>, gzip] {
        let folder = tempdir().unwrap();
        let above = Layer::new().file("above", text(99)).finish();
        let mut oci = Oci::default();
        let image = oci.image("linux/amd64", &[layer(), above], pack);
        let path = folder.path().join("image.tar.gz");
        fs::write(&path, gzip(&oci.archive(&[image]))).unwrap();
        let loaded = super::archive(&path);
        let job = Job::default();
        assert!(preview(&loaded, at(&loaded, 1, "above"), BYTES, &job).unwrap().bytes == text(99));
        let first = job.progress.snapshot().bytes;
        assert!(first > fs::metadata(&path).unwrap().len() / 2, "{first} bytes: it need not go by?");
        for number in [0, 3, 20, FILES - 1] {
            let again = cost(&loaded, number);
            assert!(again < first / 3, "{again} bytes for file {number}, {first} at first");
        }
    }
}
