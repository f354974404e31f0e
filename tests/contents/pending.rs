//! What is seen of an image before its contents are compared, and what comes of it.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use layerscope::analysis::efficiency::account;
use layerscope::index::Differs;
use layerscope::index::walk::{Change, story_of};
use layerscope::session::{Loaded, Options, Progress, Shown, open};
use layerscope::source::reference::Reference;

use crate::bytes;
use crate::common::image::{Layer, docker_archive};

/// Files beside those that matter: a smaller image is compared before anybody could look.
const MANY: usize = 20_001;

/// Bytes of a file that is not read while it goes by.
const UNREAD: usize = 40_000;

/// An image in which a layer stores files of the one below again: `same` as it was, `late` with another end, `early` with
/// another beginning.
fn twice() -> Vec<u8> {
    let many = (0..MANY).fold(Layer::new(), |layer, number| layer.file(format!("many/{number}"), ""));
    let file = |beginning: u8, end: u8| {
        let mut bytes = vec![7; UNREAD];
        (bytes[0], bytes[UNREAD - 1]) = (beginning, end);
        bytes
    };
    let layer = |layer: Layer, other: u8| {
        let same = layer.file("same", file(1, 1)).file("late", file(2, other));
        same.file("early", file(other, 3)).finish()
    };
    docker_archive(&[layer(many, 4), layer(Layer::new(), 5)])
}

/// Opens it with somebody who is shown all of it, and keeps the reader waiting while he looks.
fn watched(path: &Path, options: &Options, look: impl Fn(&Loaded) + Send + 'static) -> (Vec<Loaded>, Loaded) {
    watched_by(&Arc::new(Progress::default()), path, options, look)
}

fn watched_by(
    progress: &Arc<Progress>,
    path: &Path,
    options: &Options,
    look: impl Fn(&Loaded) + Send + 'static,
) -> (Vec<Loaded>, Loaded) {
    let shown = progress.watch();
    let watcher = thread::spawn(move || {
        let mut whole = Vec::new();
        for shown in shown {
            if let Shown::Whole(loaded, pause) = shown {
                look(&loaded);
                drop(pause);
                whole.push(loaded);
            }
        }
        whole
    });
    let reference = Reference::Archive { path: path.to_owned(), image: None };
    let loaded = open(&reference, "test", options, progress).unwrap();
    (watcher.join().unwrap(), loaded)
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

/// What the second layer does to files.
fn changes(loaded: &Loaded) -> Vec<(&'static str, Change)> {
    let change = |path: &'static str| {
        let id = loaded.index.find(path.as_bytes()).unwrap();
        (path, story_of(&loaded.index, &loaded.stack, id).last().unwrap().change)
    };
    ["same", "late", "early"].map(change).to_vec()
}

#[test]
fn what_may_be_equal_is_pending_until_it_is_compared() {
    let image = file(&twice());
    let progress = Arc::new(Progress::default());
    let (shown, whole) = watched_by(&progress, image.path(), &Options::default(), |_| {});
    let now = progress.snapshot();
    assert_eq!([now.compared, now.to_compare], [4 * UNREAD as u64; 2]);
    let [before, after] = &shown[..] else { panic!("shown {} times", shown.len()) };
    let pending = Change::Changed(Differs::PENDING);
    let content = Change::Changed(Differs::CONTENT);
    assert_eq!(changes(before), [("same", pending), ("late", pending), ("early", pending)]);
    let compared = [("same", Change::Rewritten(Differs::NOTHING)), ("late", content), ("early", content)];
    assert_eq!(changes(after), compared);
    assert_eq!(changes(&whole), compared);
    assert!(!before.index.is_settled() && after.index.is_settled() && whole.index.is_settled());
    assert!(before.is_unsearched() && after.is_unsearched() && !whole.is_unsearched());
    // Whoever looks into one meanwhile sees it.
    assert_eq!(bytes(before, 1, "late"), bytes(&whole, 1, "late"));

    // What is shipped and what is hidden does not wait for it, and all is what it is without anybody watching.
    let reference = Reference::Archive { path: image.path().to_owned(), image: None };
    let unwatched = open(&reference, "test", &Options::default(), &Arc::default()).unwrap();
    let total = |loaded: &Loaded| account(&loaded.index, &loaded.stack).total;
    assert_eq!([total(after), total(&whole)], [total(&unwatched); 2]);
    assert_eq!(total(before).hidden(), total(after).hidden());
    assert_eq!((total(before).shipped, total(before).visible), (total(after).shipped, total(after).visible));
    assert_eq!(changes(&unwatched), compared);
}

#[test]
fn what_is_kept_of_it_is_compared() {
    let (image, folder) = (file(&twice()), tempfile::tempdir().unwrap());
    // What was written within the last second is not kept.
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    image.as_file().set_modified(long_ago).unwrap();
    thread::sleep(std::time::Duration::from_secs(3));
    let cache = layerscope::cache::Cache::new(folder.path().to_owned(), layerscope::cache::LIMIT);
    let options = Options { cache: Some(cache), ..Options::default() };
    let (_, first) = watched(image.path(), &options, |_| {});
    assert_eq!(first.notes, Vec::<String>::new());
    let reference = Reference::Archive { path: image.path().to_owned(), image: None };
    let again = open(&reference, "test", &options, &Arc::default()).unwrap();
    assert_eq!(changes(&again), changes(&first));
    assert!(again.index.is_settled());
}

#[test]
fn a_file_that_is_cut_off_meanwhile_loses_its_layers_and_nothing_else() {
    let image = file(&twice());
    let path = image.path().to_owned();
    let cut = move |_: &Loaded| OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 20).unwrap();
    let (shown, whole) = watched(image.path(), &Options::default(), cut);
    assert!(shown[0].layers.iter().all(|layer| layer.failed.is_none()));
    let failed: Vec<_> = whole.layers.iter().map(|layer| layer.failed.is_some()).collect();
    assert_eq!(failed, [true, true]);
    assert_eq!(whole.stack.slots(), [None, None]);
}
