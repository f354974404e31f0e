//! Looking inside files and extracting them, with the jobs run beside a sitting and waited for.

use crossbeam_channel::unbounded;

use super::super::News;
use super::super::app::{Effect, Msg};
use super::super::jobs::Jobs;
use super::Sitting;

/// Presses keys, and lets what they begin come to its end.
pub fn press_and_wait(sitting: &mut Sitting, keys: &str) {
    sitting.press(keys);
    let (sender, news) = unbounded();
    let mut jobs = Jobs::new(&sender);
    let mut begun = 0;
    for effect in std::mem::take(&mut sitting.effects) {
        if let Effect::Begin(work) = effect {
            let image = sitting.app.image.clone().unwrap();
            jobs.begin(&image, work);
            begun += 1;
        }
    }
    assert_eq!(begun, 1, "the keys begin one job");
    match news.recv().unwrap() {
        News::Inside(report) => sitting.tell(Msg::Inside(report)),
        News::Loaded(_) | News::Done(_) | News::Found(..) => unreachable!("no job says this"),
    };
}

#[test]
fn a_deleted_file_is_looked_into_where_its_layer_ships_it() {
    let mut sitting = Sitting::demo();
    // Layer 7 removes it, layer 2 has it.
    sitting.press("}}}}}}}").walk_to("app").press("l").walk_to("app/.env");
    press_and_wait(&mut sitting, "l");
    sitting.expect(&["/app/.env", "layer 2", "API_TOKEN=demo-token-that-is-not-real"]);
    sitting.press("h").expect(&["41 50 49 5f"]);
    sitting.press("<esc>").expect_none(&["API_TOKEN"]);
    assert_eq!(sitting.at(), "app/.env");
}

#[test]
fn a_file_is_extracted_once_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("env");
    let keys = format!("e<ctrl-u>{}<enter>", target.display());
    let mut sitting = Sitting::demo();
    sitting.press("}}").walk_to("app").press("l").walk_to("app/.env");
    press_and_wait(&mut sitting, &keys);
    sitting.expect(&["extracted 1 file"]);
    assert_eq!(std::fs::read(&target).unwrap(), b"API_TOKEN=demo-token-that-is-not-real\n");

    std::fs::write(&target, "mine").unwrap();
    press_and_wait(&mut sitting, &keys);
    sitting.expect(&["already there"]);
    assert_eq!(std::fs::read(&target).unwrap(), b"mine");
}

#[test]
fn keys_do_nothing_to_what_is_covered() {
    let mut sitting = Sitting::demo();
    let before = sitting.press("}}").paths();
    sitting.press("?v").expect(&["/ v"]);
    sitting.press("<esc><esc>");
    assert_eq!(sitting.paths(), before);
    sitting.walk_to("app").press("l").walk_to("app/.env");
    press_and_wait(&mut sitting, "l");
    sitting.press("}").expect(&["esc closes the preview first"]);
}

#[test]
fn a_file_is_held_against_the_version_before() {
    let mut sitting = Sitting::demo();
    sitting.press("}}}}}}}}}").press("/motd").press("<enter>");
    assert_eq!(sitting.at(), "etc/motd");
    press_and_wait(&mut sitting, "l");
    press_and_wait(&mut sitting, "d");
    sitting.expect(&["--- layer 0", "+++ layer 9", "@@ -1", "changes"]);
    sitting.press("d").expect_none(&["--- layer 0"]);
    let mut first = Sitting::demo();
    first.press("}}").walk_to("app").press("l").walk_to("app/.env");
    press_and_wait(&mut first, "l");
    first.press("d").expect(&["no lower layer has a version of this file"]);
}
