//! An image whose files that may be equal are still to be compared: what is marked, and what stays when they are.

use std::io::Write as _;
use std::sync::Arc;
use std::thread;

use super::Sitting;
use super::images::{self, Layer};
use crate::session::{self, Loaded, Options, Progress, Shown, Snapshot};
use crate::tui::Explored;
use crate::tui::app::Msg;
use layerscope::source::reference::Reference;

/// An image that is so large that it is shown before, with a file that its second layer stores again as it was; before
/// and after it is compared.
fn shown() -> Vec<Loaded> {
    let many = (0..=20_000).fold(Layer::new(), |layer, number| layer.file(format!("many/{number}"), ""));
    let again = |layer: Layer| layer.filled("again", 40_000, b'x').finish();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&images::archive(&[again(many), again(Layer::new())])).unwrap();
    let progress = Arc::new(Progress::default());
    let watched = progress.watch();
    let whole = |shown| match shown {
        Shown::Part(_) => None,
        Shown::Whole(loaded, _) => Some(loaded),
    };
    let listener = thread::spawn(move || watched.into_iter().filter_map(whole).collect());
    let reference = Reference::Archive { path: file.path().to_owned(), image: None };
    session::open(&reference, "test", &Options::default(), &progress).unwrap();
    listener.join().unwrap()
}

#[test]
fn what_is_still_to_be_compared_is_marked_until_it_is() {
    let mut shown = shown().into_iter().map(|loaded| Arc::new(Explored::counted(loaded)));
    let (before, after) = (shown.next().unwrap(), shown.next().unwrap());
    let mut sitting = Sitting::waiting("test", "ansi", 140, 40);
    sitting.tell(Msg::Loaded(before));
    sitting.tell(Msg::Progress(Snapshot { compared: 12, to_compare: 100, ..Snapshot::default() }));
    sitting.press("}");
    let screen = sitting.frame();
    assert!(screen.contains(" · comparing 12 %") && !screen.contains("looking for findings"), "{screen}");
    let line = |screen: &str| screen.lines().find(|line| line.contains(" again ")).unwrap().to_owned();
    assert!(line(&screen).contains('~') && line(&screen).contains("content?"), "{screen}");

    // A narrow window has room for it.
    let mut narrow = Sitting::waiting("registry.example.com/shop/checkout:1.2.3", "ansi", 60, 16);
    narrow.tell(Msg::Loaded(sitting.app.image.clone().unwrap()));
    narrow.tell(Msg::Progress(Snapshot { compared: 12, to_compare: 100, ..Snapshot::default() }));
    let title = narrow.frame().lines().next().unwrap().to_owned();
    assert!(title.contains("80.0 kB · score 50.00 % · comparing 12 %"), "{title}");

    // Its page says the same, and follows what becomes known while it is open.
    sitting.press("<tab><enter>");
    assert!(sitting.frame().contains("changes or stores again 1"), "{}", sitting.frame());
    assert!(sitting.frame().contains("contents are still to be compared"));
    sitting.tell(Msg::Loaded(after));
    assert!(sitting.frame().contains("changes 0, stores again 1"), "{}", sitting.frame());
    sitting.press("<esc>");
    let screen = sitting.frame();
    assert!(screen.contains("looking for findings") && !screen.contains("comparing"), "{screen}");
    assert!(line(&screen).contains('=') && line(&screen).contains("stored again, nothing"), "{screen}");
}
