//! Extraction: what is written, and above all what is not.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use layerscope::session::extract::{Extracted, Item, extract};
use layerscope::session::{Job, Loaded};
use tar::EntryType;
use tempfile::tempdir;

use super::{archive, at};
use crate::common::image::{Layer, docker_archive};

fn image(folder: &Path, layer: Layer) -> Loaded {
    let path = folder.join("image.tar");
    fs::write(&path, docker_archive(&[layer.finish()])).unwrap();
    archive(&path)
}

/// Items below a folder of layer 0, by their paths.
fn items(loaded: &Loaded, top: &str, paths: &[&str]) -> Vec<Item> {
    let item = |path: &&str| Item {
        parts: path.split('/').filter(|part| !part.is_empty()).map(|part| part.as_bytes().to_vec()).collect(),
        live: Some(at(loaded, 0, &format!("{top}/{path}"))),
    };
    paths.iter().map(item).collect()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_folder_with_all_kinds() {
    let folder = tempdir().unwrap();
    let layer = Layer::new()
        .mode(0o555)
        .dir("app/closed")
        .mode(0o4755)
        .file("app/closed/su", "run as root")
        .mode(0o640)
        .file("app/config", "secret")
        .hardlink("app/second", "app/config")
        .symlink("app/link", "/etc/passwd")
        .special(EntryType::Fifo, "app/pipe", 0, 0);
    let loaded = image(folder.path(), layer);
    let to = folder.path().join("out");
    let wanted = items(&loaded, "app", &["", "closed", "closed/su", "config", "second", "link", "pipe"]);
    let done = extract(&loaded, &wanted, &to, &Job::default()).unwrap();
    assert_eq!(done, Extracted { files: 3, bytes: 17, folders: 2, symlinks: 1, skipped: 1, set_ids: 1 });
    assert_eq!(fs::read(to.join("closed/su")).unwrap(), b"run as root");
    assert_eq!(
        (mode(&to.join("closed")), mode(&to.join("closed/su")), mode(&to.join("config"))),
        (0o555, 0o755, 0o640)
    );
    assert_eq!(fs::metadata(to.join("second")).unwrap().ino(), fs::metadata(to.join("config")).unwrap().ino());
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("/etc/passwd"));
    assert!(!to.join("pipe").exists());
    // Root may remove what is in a closed folder; others need this for the temporary folder to go.
    fs::set_permissions(to.join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempdir().unwrap();
    let loaded = image(folder.path(), Layer::new().file("a/b", "new"));
    let to = folder.path().join("b");
    fs::write(&to, "old").unwrap();
    let wanted = items(&loaded, "a", &["b"]).into_iter().map(|item| Item { parts: vec![], ..item }).collect::<Vec<_>>();
    let error = extract(&loaded, &wanted, &to, &Job::default()).unwrap_err();
    assert!(error.one_line().contains("already there"), "{error}");
    assert_eq!(fs::read(&to).unwrap(), b"old");

    // A link that leads nowhere is there, too.
    let dangling = folder.path().join("dangling");
    std::os::unix::fs::symlink(folder.path().join("target"), &dangling).unwrap();
    assert!(extract(&loaded, &wanted, &dangling, &Job::default()).is_err());
    assert!(!folder.path().join("target").exists());
}

#[test]
fn nothing_is_written_through_a_link_of_the_image() {
    let folder = tempdir().unwrap();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let target = outside.to_str().unwrap();
    // The index lets the later entry win; the list of items is made as if it let both stand.
    let links = image(folder.path(), Layer::new().symlink("top/x", target).dir("top/y").file("top/y/file", "evil"));
    let mut wanted = items(&links, "top", &["x", "y/file"]);
    wanted.insert(0, Item { parts: vec![], live: None });
    wanted[2].parts = vec![b"x".to_vec(), b"file".to_vec()];
    let to = folder.path().join("out");
    assert!(extract(&links, &wanted, &to, &Job::default()).is_err());
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
    assert!(!to.exists(), "what was begun is taken away");
    assert!(outside.exists(), "and nothing behind a link with it");

    // As the tar has it: the folder wins, the link is gone.
    let both = image(folder.path(), Layer::new().symlink("top/x", target).file("top/x/file", "evil"));
    let mut wanted = items(&both, "top", &["", "x", "x/file"]);
    wanted[0].parts.clear();
    extract(&both, &wanted, &to, &Job::default()).unwrap();
    assert!(fs::symlink_metadata(to.join("x")).unwrap().is_dir());
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
}

#[test]
fn a_name_that_leads_outside_is_refused() {
    let folder = tempdir().unwrap();
    let loaded = image(folder.path(), Layer::new().file("a", "x"));
    for name in ["..", ".", "", "b/c", "nul\0"] {
        let item = Item { parts: vec![name.as_bytes().to_vec()], live: Some(at(&loaded, 0, "a")) };
        let top = Item { parts: vec![], live: None };
        let to = folder.path().join("out");
        assert!(extract(&loaded, &[top, item], &to, &Job::default()).is_err(), "{name}");
        assert!(!to.exists());
    }
}

#[test]
fn a_hole_stays_a_hole() {
    let folder = tempdir().unwrap();
    let records: [(&str, &[u8]); 3] =
        [("GNU.sparse.size", b"8589934592"), ("GNU.sparse.numblocks", b"0"), ("GNU.sparse.map", b"")];
    let loaded = image(folder.path(), Layer::new().pax(&records).file("d/hole", ""));
    let to = folder.path().join("out");
    let wanted = items(&loaded, "d", &["", "hole"]);
    extract(&loaded, &wanted, &to, &Job::default()).unwrap();
    let made = fs::metadata(to.join("hole")).unwrap();
    assert_eq!((made.len(), made.blocks()), (8 << 30, 0));
}

#[test]
fn a_cancelled_extraction_leaves_nothing() {
    let folder = tempdir().unwrap();
    let loaded = image(folder.path(), Layer::new().file("a/b", "x").file("a/c", "y"));
    let job = Job::default();
    job.cancel();
    let to = folder.path().join("out");
    let error = extract(&loaded, &items(&loaded, "a", &["", "b", "c"]), &to, &job).unwrap_err();
    assert_eq!(error.one_line(), "reading was cancelled");
    assert!(!to.exists());
}
