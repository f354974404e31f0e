//! Reading back: every source, every kind of entry, and what is refused.

use std::fs;

use layerscope::session::Job;
use layerscope::session::contents::preview;
use layerscope::source::reference::Reference;
use tempfile::tempdir;

use super::{archive, at, bytes, load, piece};
use crate::common::archives::{Oci, classic, plain, podman};
use crate::common::image::{Layer, docker_archive, gzip, zstd};

/// Two layers: the second rewrites one file and deletes another.
fn layers() -> Vec<Vec<u8>> {
    let below = Layer::new()
        .file("./etc/motd", "first\n")
        .file("gone", "still here")
        .filled("large", 600_000, 7)
        .file("empty", "")
        .hardlink("second-name", "gone")
        .symlink("link", "etc/motd")
        .finish();
    let above = Layer::new().file("etc/motd", "second\n").whiteout("gone").finish();
    vec![below, above]
}

fn holds(loaded: &layerscope::session::Loaded) {
    assert_eq!(bytes(loaded, 0, "etc/motd"), b"first\n");
    assert_eq!(bytes(loaded, 1, "etc/motd"), b"second\n");
    assert_eq!(bytes(loaded, 0, "gone"), b"still here");
    assert_eq!(bytes(loaded, 0, "second-name"), b"still here");
    assert_eq!(bytes(loaded, 0, "large"), vec![7; 600_000]);
    assert_eq!(bytes(loaded, 0, "empty"), b"");
}

#[test]
fn every_archive_in_place_and_as_it_goes_by() {
    let folder = tempdir().unwrap();
    for (name, bytes) in
        [("docker", docker_archive(&layers())), ("classic", classic(&layers())), ("podman", podman(&layers()))]
    {
        for (pack, packed) in [("tar", bytes.clone()), ("gz", gzip(&bytes)), ("zst", zstd(&bytes))] {
            let path = folder.path().join(format!("{name}.{pack}"));
            fs::write(&path, packed).unwrap();
            holds(&archive(&path));
        }
    }
}

#[test]
fn a_folder_with_packed_layers() {
    for pack in [plain, gzip, zstd] {
        let folder = tempdir().unwrap();
        let mut oci = Oci::default();
        let image = oci.image("linux/amd64", &layers(), pack);
        oci.folder(folder.path(), &[image]);
        holds(&load(&Reference::Layout { path: folder.path().to_owned(), image: None }));
    }
}

#[test]
fn the_demo_still_has_what_it_deleted() {
    let demo = load(&Reference::Demo);
    assert_eq!(bytes(&demo, 2, "app/.env"), b"API_TOKEN=demo-token-that-is-not-real\n");
    let bundle = bytes(&demo, 5, "app/dist/bundle.js");
    assert_eq!((bundle.len(), bytes(&demo, 5, "app/dist/main.js")), (180_000, bundle));
}

#[test]
fn a_preview_is_bounded_and_says_how_much_there_is() {
    let demo = load(&Reference::Demo);
    let begun = piece(&demo, 1, "usr/bin/gcc", 1000).unwrap();
    assert_eq!((begun.bytes.len(), begun.size, begun.is_whole()), (1000, 900_000, false));
    let exact = piece(&demo, 1, "usr/bin/gcc", 900_000).unwrap();
    assert!(exact.is_whole());
    assert_eq!(begun.bytes, exact.bytes[..1000]);
}

#[test]
fn of_duplicate_entries_the_last_counts() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let layer = Layer::new()
        .file("a", "1")
        .file("x/../a", "2")
        .hardlink("of-second", "a")
        .file("./a", "3")
        .file("/b/../../c", "c")
        .finish();
    fs::write(&path, docker_archive(&[layer])).unwrap();
    let loaded = archive(&path);
    assert_eq!(bytes(&loaded, 0, "a"), b"3");
    assert_eq!(bytes(&loaded, 0, "of-second"), b"2", "the link holds on to the file that was replaced");
    assert_eq!(bytes(&loaded, 0, "c"), b"c");
}

#[test]
fn a_sparse_file_reads_with_its_holes() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let records: [(&str, &[u8]); 4] = [
        ("GNU.sparse.size", b"8192"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.map", b"1024,512,5120,512"),
    ];
    let stored = [[b'a'; 512], [b'b'; 512]].concat();
    fs::write(&path, docker_archive(&[Layer::new().pax(&records).file("x/sparse", stored).finish()])).unwrap();
    let loaded = archive(&path);
    let mut reads = vec![0; 8192];
    reads[1024..1536].fill(b'a');
    reads[5120..5632].fill(b'b');
    assert_eq!(bytes(&loaded, 0, "sparse"), reads);
    assert_eq!(piece(&loaded, 0, "sparse", 1100).unwrap().bytes, reads[..1100]);
}

#[test]
fn a_hole_of_a_terabyte_is_not_walked_through() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let records: [(&str, &[u8]); 3] =
        [("GNU.sparse.size", b"1099511627776"), ("GNU.sparse.numblocks", b"0"), ("GNU.sparse.map", b"")];
    fs::write(&path, docker_archive(&[Layer::new().pax(&records).file("hole", "").finish()])).unwrap();
    let begun = piece(&archive(&path), 0, "hole", 4096).unwrap();
    assert_eq!((begun.bytes, begun.size), (vec![0; 4096], 1 << 40));
}

#[test]
fn an_image_that_changed_is_told() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let image = |text: &str| docker_archive(&[Layer::new().file("a", text).file("b", "1").finish()]);
    fs::write(&path, image("before")).unwrap();
    let loaded = archive(&path);
    fs::write(&path, image("after!")).unwrap();
    let why = piece(&loaded, 0, "a", 100).unwrap_err();
    assert!(why.starts_with("the image changed since it was read"), "{why}");

    // The same blob name with other bytes in it.
    let changed = String::from_utf8_lossy(&image("before")).replace("before\0", "behind\0").into_bytes();
    fs::write(&path, changed).unwrap();
    let why = piece(&loaded, 0, "a", 100).unwrap_err();
    assert_eq!(why, "the image changed since it was read: a file has other contents");
    fs::remove_file(&path).unwrap();
    assert!(piece(&loaded, 0, "a", 100).unwrap_err().contains("cannot read"));
}

#[test]
fn what_has_no_contents_says_so() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let layer = Layer::new().hardlink("to-nothing", "nowhere").special(tar::EntryType::Char, "null", 1, 3);
    fs::write(&path, docker_archive(&[layer.finish()])).unwrap();
    let loaded = archive(&path);
    assert!(piece(&loaded, 0, "to-nothing", 100).unwrap_err().contains("not there"));
    assert!(piece(&loaded, 0, "null", 100).unwrap_err().contains("only files"));
}

#[test]
fn a_hard_link_into_a_lower_layer_leads_there() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let (below, above) = (Layer::new().file("a", "below").finish(), Layer::new().hardlink("b", "a").finish());
    fs::write(&path, docker_archive(&[below, above])).unwrap();
    assert_eq!(bytes(&archive(&path), 1, "b"), b"below");
}

#[test]
fn a_cancelled_job_reads_nothing() {
    let demo = load(&Reference::Demo);
    let job = Job::default();
    job.cancel();
    let error = preview(&demo, at(&demo, 2, "app/.env"), 100, &job).unwrap_err();
    assert_eq!(error.one_line(), "reading was cancelled");
}
