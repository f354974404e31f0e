//! An image whose numbers are there before its secrets: what is seen meanwhile, and what stays when they come.

use std::sync::Arc;

use super::Sitting;
use crate::analysis::rules::Rules;
use crate::session::{self, Loaded, Options, Progress, Shown, Snapshot};
use crate::tui::Explored;
use crate::tui::app::Msg;
use layerscope::source::demo;
use layerscope::source::reference::Reference;

/// The demo from a file, for who watches: all that was shown, and the whole.
fn watched() -> (Vec<Loaded>, Loaded) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::copy(&mut demo::image(), &mut file).unwrap();
    let reference = Reference::Archive { path: file.path().to_owned(), image: None };
    let progress = Arc::new(Progress::default());
    let watched = progress.watch();
    let loaded = |shown| match shown {
        Shown::Part(loaded) | Shown::Whole(loaded, _) => loaded,
    };
    let listener = std::thread::spawn(move || watched.into_iter().map(loaded).collect());
    let whole = session::open(&reference, "demo", &Options::default(), &progress).unwrap();
    let now = progress.snapshot();
    assert!(now.searched > 0 && now.searched == now.to_search, "{now:?}");
    (listener.join().unwrap(), whole)
}

fn explored(loaded: Loaded) -> Arc<Explored> {
    Arc::new(Explored::new(loaded, &Rules::built_in().unwrap()))
}

fn secrets(image: &Explored) -> usize {
    image.findings.iter().filter(|finding| finding.rule.id.starts_with("SEC-") && finding.entries.len() == 1).count()
}

#[test]
fn numbers_come_first_and_the_search_finds_what_it_would_have_found_at_once() {
    let (mut shown, whole) = watched();
    let first = explored(shown.pop().unwrap());
    assert!(first.loaded.is_unsearched() && !whole.is_unsearched());
    let (whole, at_once) = (explored(whole), super::demo());
    assert_eq!(first.account.total, at_once.account.total);
    assert!(secrets(&first) < secrets(&whole), "{} {}", secrets(&first), secrets(&whole));
    let told = |image: &Explored| -> Vec<String> {
        image.findings.iter().map(|finding| format!("{} {:?}", finding.fingerprint, finding.severity)).collect()
    };
    assert_eq!(told(&whole), told(&at_once));
}

#[test]
fn who_looks_at_findings_meanwhile_keeps_the_place_and_the_marks() {
    let (mut shown, whole) = watched();
    let mut sitting = Sitting::waiting("demo", "ansi", 140, 40);
    sitting.tell(Msg::Loaded(explored(shown.pop().unwrap())));
    sitting.tell(Msg::Progress(Snapshot { searched: 45, to_search: 100, ..Snapshot::default() }));
    sitting.press("2");
    let screen = sitting.frame();
    assert!(screen.contains(" · secrets 45 %") && screen.contains("searching for secrets 45 %"), "{screen}");
    assert!(screen.contains("Secrets"), "{screen}");
    // Two findings further down are thought away, and the cursor is behind them: not those that have a
    // file which its secret tells when that is found.
    let first = sitting.app.findings.items.iter().position(|item| {
        let crate::tui::findings::Item::Finding(place) = item else { return false };
        sitting.app.image.as_ref().unwrap().findings[*place].rule.id == "WST-SOURCEMAP"
    });
    sitting.press(&"j".repeat(first.unwrap())).press("xx");
    let gone = |sitting: &Sitting| -> Vec<String> {
        let findings = &sitting.app.image.as_ref().unwrap().findings;
        sitting.app.findings.gone.iter().map(|place| findings[*place].fingerprint.clone()).collect()
    };
    let on = |sitting: &Sitting| sitting.app.chosen_finding().map(|finding| finding.fingerprint.clone());
    let (before, was_on, then) = (gone(&sitting), on(&sitting), sitting.app.then);
    assert!(before.len() == 2 && was_on.is_some());
    sitting.tell(Msg::Loaded(explored(whole)));
    assert_eq!((gone(&sitting), on(&sitting), sitting.app.then), (before, was_on, then));
    assert!(!sitting.frame().contains("searching") && !sitting.frame().contains("secrets 45"));
}

#[test]
fn numbers_are_there_before_what_is_said_of_them() {
    let (_, whole) = watched();
    let mut sitting = Sitting::waiting("demo", "ansi", 140, 40);
    sitting.tell(Msg::Loaded(Arc::new(Explored::counted(whole.clone()))));
    let (counted, analysed) = (sitting.frame(), Sitting::demo().frame());
    let score = |frame: &str| {
        frame
            .lines()
            .next()
            .unwrap()
            .split(" · ")
            .find(|part| part.starts_with("score"))
            .map(str::trim)
            .map(str::to_owned)
    };
    assert!(score(&counted).is_some());
    assert_eq!(score(&counted), score(&analysed));
    assert!(counted.contains("looking for findings"), "{counted}");
    sitting.press("2");
    assert!(sitting.frame().contains("findings come in a moment") && !sitting.frame().contains("could go"));
    sitting.press("3");
    assert!(sitting.frame().contains("packages are told in a moment"));
    sitting.tell(Msg::Loaded(explored(whole)));
    assert!(!sitting.frame().contains("looking for findings") && !sitting.frame().contains("in a moment"));
}
