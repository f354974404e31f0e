//! The cache as a user meets it: the second run says what the first one said, whatever happened to what was kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // These are tests, helpers included.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::image::{Layer, docker_archive, gzip};
use common::program::{Ran, layerscope};

/// A layer that is large enough to be kept, with files that are equal and files that only begin alike.
fn layer(seed: u8) -> Vec<u8> {
    let layer = (0..1500).fold(Layer::new().dir("d/"), |layer, number| {
        layer.filled(&format!("d/file-{seed}-{number:05}"), 100 + number % 7, number.to_le_bytes()[0] % 5)
    });
    layer.filled("same", 5000, 1).filled("other", 5000, seed).finish()
}

struct Place {
    _folder: tempfile::TempDir,
    image: PathBuf,
    cache: PathBuf,
}

/// An image in a file that has not been written to for long enough to be trusted.
fn place(name: &str, bytes: &[u8]) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join(name);
    fs::write(&image, bytes).unwrap();
    std::thread::sleep(Duration::from_millis(3100));
    Place { image, cache: folder.path().join("cache"), _folder: folder }
}

fn run(cache: &Path, arguments: &[&str]) -> Ran {
    layerscope().env("XDG_CACHE_HOME", cache).args(arguments).output().unwrap().into()
}

fn kept(cache: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache.join("layerscope"));
    entries.map_or(Vec::new(), |entries| entries.map(|entry| entry.unwrap().path()).collect())
}

fn said_again(name: &str, bytes: &[u8], files: usize) {
    let Place { image, cache, _folder } = &place(name, bytes);
    let image = image.to_str().unwrap();
    let read = |more: &[&str]| {
        let ran = run(cache, &[&[image, "--json", "-", "--files"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let fresh = read(&["--no-cache"]);
    assert!(kept(cache).is_empty());
    assert_eq!(read(&[]), fresh);
    assert_eq!(kept(cache).len(), files, "{:?}", kept(cache));
    assert_eq!(read(&[]), fresh);
    // Whatever part of a file is damaged, the layer is read as if there were none, and kept anew.
    for file in kept(cache) {
        let mut damaged = fs::read(&file).unwrap();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        fs::write(&file, damaged).unwrap();
    }
    assert_eq!(read(&[]), fresh, "damaged");
    assert_eq!(kept(cache).len(), files);
    assert_eq!(read(&[]), fresh, "mended");
}

#[test]
fn what_is_to_be_verified_is_read() {
    let mut bytes = docker_archive(&[layer(1), layer(2)]);
    let Place { image, cache, _folder } = &place("image.tar", &bytes);
    let image_name = image.to_str().unwrap();
    run(cache, &[image_name]);
    assert_eq!(run(cache, &[image_name, "--verify"]).code, 0);
    // A file's contents change: no header says so, and without --verify nothing reads it.
    let place = bytes.windows(5000).position(|window| window.iter().all(|byte| *byte == 1)).unwrap();
    bytes[place + 3000] = 9;
    fs::write(image, &bytes).unwrap();
    let verified = run(cache, &[image_name, "--verify"]);
    assert!(
        verified.stderr.contains("its digest is") || verified.stderr.contains("its diff id is"),
        "{}",
        verified.stderr
    );
}

#[test]
fn an_archive_is_the_same_from_the_cache() {
    said_again("image.tar", &docker_archive(&[layer(1), layer(2)]), 4);
}

#[test]
fn an_archive_with_compressed_layers_is_the_same_from_the_cache() {
    said_again("image.tar", &docker_archive(&[gzip(&layer(1)), layer(2), gzip(&layer(3))]), 6);
}

/// A layer of an image whose index is worth keeping as one piece.
fn large(seed: u8) -> Vec<u8> {
    let file = |layer: Layer, number: u32| {
        layer.filled(&format!("d{}/file-{seed}-{number:05}", number % 100), 10 + number as usize % 7, seed)
    };
    (0..11_000).fold(Layer::new().file("etc/app.yml", secret()).whiteout("d1/file-1-00001"), file).finish()
}

#[test]
fn a_large_image_is_taken_up_as_one_piece() {
    said_again("image.tar", &docker_archive(&[large(1), large(2)]), 5);
    said_again("image.tar.gz", &gzip(&docker_archive(&[large(1), large(2)])), 6);
}

/// Its documents are kept as well: finding them needs all of it unpacked.
#[test]
fn a_compressed_archive_is_the_same_from_the_cache() {
    said_again("image.tar.gz", &gzip(&docker_archive(&[layer(1), layer(2)])), 5);
}

/// Put together here, so that nobody takes this file for a leak.
fn secret() -> String {
    format!("token: ghp_{}\n", "h7Gk2pQ9xR4mT1vZb3Nc8Wd5Yf6JsLa0EuKo")
}

#[test]
fn what_was_kept_unsearched_is_searched_when_it_is_asked_for() {
    let leaky = |number: u8| {
        (0..1200).fold(Layer::new().file("etc/app.yml", secret()), |layer, file| {
            layer.filled(&format!("d{number}/file-{file}"), 100, 7)
        })
    };
    for bytes in [
        docker_archive(&[leaky(1).finish(), leaky(2).finish()]),
        docker_archive(&[gzip(&leaky(1).finish()), leaky(2).finish()]),
        gzip(&docker_archive(&[leaky(1).finish(), leaky(2).finish()])),
    ] {
        let Place { image, cache, _folder } = &place("image.tar", &bytes);
        let read = |more: &[&str]| run(cache, &[&[image.to_str().unwrap(), "--json", "-"], more].concat()).stdout;
        let fresh = read(&["--no-cache"]);
        assert!(fresh.contains("SEC-GITHUB"));
        let unsearched = read(&["--no-scan"]);
        assert!(!unsearched.contains("SEC-GITHUB"));
        for _ in 0..2 {
            assert_eq!(read(&[]), fresh);
        }
        assert_eq!(read(&["--no-scan"]), unsearched);
    }
}

#[test]
fn where_nothing_can_be_kept_that_is_said() {
    let Place { image, cache, _folder } = &place("image.tar", &docker_archive(&[gzip(&layer(1))]));
    // A file where the folder should be.
    fs::write(cache, "").unwrap();
    let ran = run(cache, &[image.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("not all could be kept in the cache at "), "{}", ran.stdout);
    assert!(!run(cache, &["--no-cache", image.to_str().unwrap()]).stdout.contains("could be kept"));
}

#[test]
fn another_image_in_the_same_place_is_read() {
    let Place { image, cache, _folder } = &place("image.tar", &docker_archive(&[layer(1)]));
    let read = || run(cache, &[image.to_str().unwrap(), "--json", "-", "--files"]).stdout;
    let before = read();
    // As large as before, and written a moment ago.
    fs::write(image, docker_archive(&[layer(2)])).unwrap();
    let after = read();
    assert_ne!(before, after);
    assert!(after.contains("file-2-00001") && !after.contains("file-1-00001"));
}

#[test]
fn the_cache_is_looked_after() {
    let Place { image, cache, _folder } = &place("image.tar", &docker_archive(&[layer(1)]));
    assert!(run(cache, &["cache", "info"]).stdout.contains("holds   0 layers and the documents of 0 images"));
    run(cache, &[image.to_str().unwrap()]);
    let told = run(cache, &["cache", "info"]).stdout;
    assert!(told.contains("holds   1 layer and") && told.contains(cache.to_str().unwrap()), "{told}");
    assert!(run(cache, &["cache", "prune"]).stdout.starts_with("removed 0 files"));
    // Its entries, and the secrets in it.
    assert_eq!(kept(cache).len(), 2);
    assert!(run(cache, &["cache", "clear"]).stdout.starts_with("removed 2 files,"));
    assert!(kept(cache).is_empty());
}
