//! The rooms of the house keep to their arrows: what a room may know is listed here and nowhere else.

#![allow(clippy::unwrap_used)] // What a test needs and does not get ends the test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every room with the rooms that it may know. `error`, `units` and `platform` serve everybody.
const ROOMS: [(&str, &[&str]); 17] = [
    ("error", &[]),
    ("units", &[]),
    ("platform", &[]),
    ("source", &[]),
    ("image", &[]),
    ("layer", &[]),
    ("index", &["layer"]),
    ("cache", &["layer"]),
    ("analysis", &["index", "image"]),
    ("policy", &[]),
    ("report", &["analysis", "policy", "index", "image"]),
    ("session", &["analysis", "source", "image", "layer", "index", "cache"]),
    ("cli", &[]),
    ("settings", &["analysis", "cache", "cli", "image", "policy", "session", "source"]),
    ("ticker", &["session"]),
    ("run", &["analysis", "cache", "cli", "policy", "report", "session", "settings", "source", "ticker", "tui"]),
    ("tui", &["analysis", "image", "index", "session"]),
];

/// Libraries that only some rooms may name.
const LIBRARIES: [(&str, &[&str]); 11] = [
    ("bollard", &["source"]),
    ("tokio", &["source"]),
    ("hyper", &["source"]),
    ("tar", &["layer", "source"]),
    // What is packed inside programs and archives is no layer's business.
    ("flate2", &["analysis", "layer", "source"]),
    ("zstd", &["analysis", "layer", "source"]),
    ("zlib_rs", &["layer"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("anstyle", &["report"]),
    ("etcetera", &["settings"]),
];

/// A file that grows beyond this holds two things.
const MOST_LINES: usize = 450;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    files.sort();
    files
}

/// The code of a file without comments, line by line.
fn code(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let without_comment = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().map(without_comment).collect()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// `source/host.rs` and `source.rs` are in the room `source`.
fn room(file: &Path) -> String {
    let first = file.strip_prefix(src()).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Names that follow `before` in a line: `crate::error`, and each name in `crate::{error, units}`.
fn names_after(line: &str, before: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (place, _) in line.match_indices(before) {
        let rest = &line[place + before.len()..];
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
        let list: Vec<&str> = inside.map_or_else(|| vec![rest], |inside| inside.split(',').collect());
        for name in list {
            let name: String =
                name.trim().chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
            names.extend(Some(name).filter(|name| !name.is_empty()));
        }
    }
    names
}

#[test]
fn rooms_know_only_what_they_may() {
    let everybody = ["error", "units", "platform"];
    let mut faults = BTreeSet::new();
    for file in sources(&src()) {
        let room = room(&file);
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            faults.insert(format!("{room}: this room is not listed"));
            continue;
        };
        for known in code(&file).iter().flat_map(|line| names_after(line, "crate::")) {
            let is_room = ROOMS.iter().any(|(name, _)| *name == known);
            if is_room && known != room && !everybody.contains(&known.as_str()) && !allowed.contains(&known.as_str()) {
                faults.insert(format!("{} knows {known}", file.strip_prefix(src()).unwrap().display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut faults = BTreeSet::new();
    for file in sources(&src()) {
        let room = room(&file);
        for line in code(&file) {
            for (library, rooms) in LIBRARIES {
                let begins = |prefix: &str| line.trim_start().starts_with(&format!("{prefix}{library}::"));
                // `self::`, `super::` and `crate::` are modules of our own that share a library's name.
                let is_named = begins("use ")
                    || begins("pub use ")
                    || line.contains(&format!(" {library}::"))
                    || line.contains(&format!("({library}::"));
                if is_named && !rooms.contains(&room.as_str()) {
                    faults.insert(format!("{} names {library}", file.strip_prefix(src()).unwrap().display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_file_says_what_it_is_and_holds_one_thing() {
    let mut faults = BTreeSet::new();
    for file in sources(&src()) {
        let text = fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(src()).unwrap().display().to_string();
        if !text.starts_with("//!") {
            faults.insert(format!("{shown} does not say what it is"));
        }
        if text.lines().count() > MOST_LINES {
            faults.insert(format!("{shown} has {} lines", text.lines().count()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_test_sees_what_it_looks_for() {
    assert_eq!(names_after("use crate::error::Error;", "crate::"), ["error"]);
    assert_eq!(names_after("use crate::{error::Error, units};", "crate::"), ["error", "units"]);
    assert_eq!(names_after("let x = crate::index::walk::walk(crate::layer::read);", "crate::"), ["index", "layer"]);
}
