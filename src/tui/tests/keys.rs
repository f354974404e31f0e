//! Keys explain themselves: the list of keys, sequences that are begun, and why something is not possible.

use super::Sitting;
use crate::tui::app::Effect;

#[test]
fn a_sequence_that_is_begun_says_how_it_goes_on() {
    let mut sitting = Sitting::demo();
    sitting.expect_none(&["what is wasted, risky, secret or badly set"]);
    sitting.press("g").expect(&[
        "┌ g … ",
        "g  to the first line",
        "w  what is wasted, risky, secret or badly set",
        "l  to the layers",
    ]);
    sitting.press("w").expect(&["[2 Findings"]).expect_none(&["┌ g … "]);
    sitting.press("g").expect(&["┌ g … "]).press("<esc>").expect_none(&["┌ g … ", "does nothing"]);
    sitting.expect(&["[2 Findings"]).press("gx").expect(&["g x does nothing"]);
    // Also where it does not fit whole.
    sitting.resize(60, 12).press("g").expect(&["┌ g … "]);
}

#[test]
fn sequences_do_what_they_say() {
    let mut sitting = Sitting::demo();
    sitting.press("ge");
    assert_eq!(sitting.app.row.at + 1, sitting.app.row.count);
    sitting.press("gg");
    assert_eq!(sitting.app.row.at, 0);
    sitting.press("gi").expect(&["[4 Image]"]).press("gl").expect(&["[1 Files]", "m range"]);
    sitting.press("gu").expect(&["image up to layer 0"]).press("gv").expect(&["layer 0 only"]);
}

#[test]
fn help_tells_this_place_first_and_can_be_searched() {
    let mut sitting = Sitting::demo();
    sitting.press("?").expect(&["Here: files", "Elsewhere", "Move", "Leave", "show it among the files (in findings)"]);
    let (here, moving) = (sitting.line_of("Here: files"), sitting.line_of(" Move"));
    assert!(here <= moving);
    sitting.press("/extract").expect(&["extract the file or folder to a place", "/ extract"]);
    sitting.expect_none(&["to the first line", "move up"]);
    // Esc goes back one step at a time: what is searched, then the list.
    sitting.press("<esc>").expect(&["move up"]).press("<esc>").expect_none(&["Here: files"]);
    // Letters that are no key of the list are searched; it does not touch what lies below.
    let look = sitting.app.look;
    sitting.press("?view").expect(&["/ view"]).press("<enter>zz").expect(&["no key does this"]);
    assert_eq!(sitting.app.look, look);
    sitting.press("<esc><esc>?q").expect_none(&["Here: files"]);
    assert!(sitting.effects.is_empty(), "q closes the list and not the explorer");
    sitting.press("?<ctrl-c>");
    assert_eq!(sitting.effects, [Effect::Abandon]);
}

#[test]
fn help_fits_every_width() {
    for (width, height) in [(60, 12), (80, 24), (140, 40), (200, 60), (300, 100)] {
        let mut sitting = Sitting::sized(width, height);
        sitting.press("?").expect(&["Here: files", "esc closes"]);
        // The end can be reached.
        sitting.press("G").expect(&["text or bytes (in preview)"]);
    }
}

#[test]
fn why_not_is_said() {
    let mut sitting = Sitting::demo();
    sitting.press("m").expect(&["m does nothing here; in layers: start a range of layers here"]);
    sitting.press("{").expect(&["this is the first layer"]);
    sitting.press("n").expect(&["no filter is set: / sets one"]);
    sitting.press("4z").expect(&["there is one pane only"]);
    sitting.press("1z>").expect(&["layers and files do not stand side by side"]);
    sitting.press("?").expect(&["the layer before (this is the first layer)"]);
}
