//! Words that go by themselves, leaving that asks, pasting, and what is chosen in the end.

use std::sync::Arc;
use std::time::Duration;

use super::images::{self, files};
use super::{Sitting, outlined};
use crate::tui::Explored;
use crate::tui::app::{Effect, Msg};

fn clock(sitting: &mut Sitting, seconds: u64) -> &mut Sitting {
    sitting.tell(Msg::Clock(Duration::from_secs(seconds)))
}

#[test]
fn a_word_goes_by_itself_and_a_complaint_with_the_next_key() {
    let mut sitting = Sitting::demo();
    clock(&mut sitting, 100).press("{").expect(&["this is the first layer"]);
    assert_eq!(sitting.app.fades(), Some(Duration::from_secs(104)));
    clock(&mut sitting, 103).expect(&["this is the first layer"]);
    clock(&mut sitting, 104).expect_none(&["this is the first layer"]);
    assert_eq!(sitting.app.fades(), None);
    sitting.app.complain("it went wrong".into());
    clock(&mut sitting, 1000).expect(&["it went wrong"]).press("j").expect_none(&["it went wrong"]);
    // A word after a complaint goes again.
    sitting.app.complain("it went wrong".into());
    sitting.press("{");
    assert_eq!(sitting.app.fades(), Some(Duration::from_secs(1004)));
}

#[test]
fn leaving_asks_where_much_would_be_lost() {
    let mut sitting = Sitting::waiting("test", "ansi", 100, 30);
    sitting.tell(Msg::Loaded(outlined(&[(1, "FROM a"), (1, "RUN b")])));
    clock(&mut sitting, 31).press("q").expect(&["31 s of reading would be lost: once more leaves"]);
    assert_eq!(sitting.effects, []);
    sitting.press("jq").expect(&["once more leaves"]);
    assert_eq!(sitting.effects, [], "it asks again after another key");
    sitting.press("q");
    assert_eq!(sitting.effects, [Effect::Quit]);
    sitting.press("j<ctrl-c>");
    assert_eq!(sitting.effects, [Effect::Abandon], "ctrl-c always leaves");
    let mut whole = Sitting::demo();
    clock(&mut whole, 31).press("q");
    assert_eq!(whole.effects, [Effect::Quit], "nothing is lost that is read");
}

#[test]
fn a_paste_is_text_and_never_keys() {
    let mut sitting = Sitting::demo();
    sitting.tell(Msg::Paste("q2v".into())).expect(&["[1 Files]", "layer 0 only"]);
    assert_eq!(sitting.effects, []);
    sitting.press("/").tell(Msg::Paste("li\u{1b}\nb".into()));
    assert_eq!(sitting.app.typing.as_ref().map(|typing| typing.text.as_str()), Some("lib"));
    sitting.press("<esc>?/").tell(Msg::Paste("filter".into())).expect(&["/ filter"]);
}

#[test]
fn what_was_copied_says_how() {
    let mut sitting = Sitting::demo();
    sitting.press("y").expect(&["copied /"]);
    sitting.app.tell_copied(true, 4);
    sitting.tell(Msg::Redraw).expect(&["OSC 52"]);
    sitting.app.tell_copied(false, 100_001);
    sitting.tell(Msg::Redraw).expect(&["100.0 kB are too many for a terminal's clipboard"]);
}

#[test]
fn the_path_under_the_cursor_is_chosen() {
    let mut sitting = Sitting::demo();
    sitting.press("}}").walk_to("app");
    assert_eq!(sitting.app.selection().as_deref(), Some(&b"/app"[..]));
    sitting.press("2j");
    assert_eq!(sitting.app.selection().as_deref(), Some(&b"/app/.env"[..]));
    assert_eq!(Sitting::waiting("test", "ansi", 80, 24).app.selection(), None);
}

#[test]
fn an_image_that_is_read_once_more_from_elsewhere_is_looked_at_from_its_top() {
    // What an engine has in its store may go away while it is read; then its export is read from the beginning.
    let names: Vec<String> = (0..9000).map(|number| format!("usr/lib/{number}")).collect();
    let many: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let before = images::image(&[files(&[("etc/a", 5)]), files(&many)]);
    let mut sitting = Sitting::waiting("test", "ansi", 100, 30);
    sitting.tell(Msg::Loaded(Arc::new(Explored::counted(before))));
    for opened in ["", "w", "<enter>", ":usr", "/lib<enter>", "e"] {
        // The cursor is on a path that the image does not have when it is begun again.
        sitting.press(":lib/8999<enter>").expect(&["/usr/lib/8999"]).press(opened);
        let begun = images::image(&[files(&[("etc/a", 5)]), files(&[])]);
        sitting.tell(Msg::Loaded(Arc::new(Explored::growing(begun))));
        sitting.expect(&["2 layers"]).press("jk");
        let whole = images::image(&[files(&[("etc/a", 5)]), files(&many)]);
        sitting.tell(Msg::Loaded(Arc::new(Explored::counted(whole))));
        sitting.expect(&["2 layers"]).press("<esc><esc>");
    }
}
