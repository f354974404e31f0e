//! Lists that are narrowed, pages of facts, and the mouse on what lies between the panes.

use super::super::app::Effect;
use super::images::{Layer, files, image};
use super::{Sitting, mouse};
use crossterm::event::{MouseButton, MouseEventKind};

#[test]
fn every_list_is_narrowed_by_what_is_typed() {
    let mut sitting = Sitting::demo();
    sitting.press("<tab>/rm").expect(&["2 shown", "rm -rf /var/lib/apt/lists"]).expect_none(&["npm run build"]);
    assert_eq!(sitting.app.layer(), 6, "the first that fits from where the cursor was");
    sitting.press("<enter>j").expect(&["filter rm · 2 of 2"]);
    assert_eq!(sitting.app.layer(), 7);
    sitting.press("<esc>").expect(&["npm run build"]);
    assert_eq!(sitting.app.layer(), 7, "who clears the filter stays where he is");
    sitting.press("/{}").expect(&["no layer fits the filter", "Files · layer 7 only"]);
    sitting.press("<esc>2/deleted").expect_none(&["stored again"]).expect(&["filter deleted · "]);
    sitting.press("<esc>").expect(&["stored again"]);
    sitting.press("3/nothing").expect(&["no package database was found"]).press("<esc>");
    sitting.press("4/").expect(&["there is no list here to filter"]);
}

#[test]
fn the_layers_that_touch_a_path_are_listed() {
    let mut sitting = Sitting::demo();
    sitting.press("}}").walk_to("app").press("l").walk_to("app/.env").press("L");
    sitting.expect(&["/app/.env · 1 of 2", "COPY . /app", "rm -rf /var/lib/apt/lists"]).expect_none(&["npm run build"]);
    sitting.press("}").expect(&["Files · layer 7 only"]);
    assert_eq!(sitting.at(), "app/.env", "the cursor stays on the path");
    sitting.press("<esc>").expect(&["npm run build"]);
    sitting.press("<tab>/").press("/.git").expect(&["2 shown"]);
}

#[test]
fn a_wrong_filter_says_why_and_changes_nothing() {
    let mut sitting = Sitting::demo();
    let before = sitting.press("}}}}/serv size").paths();
    sitting.press(">").expect(&["for example size>10M"]);
    assert_eq!(sitting.paths(), before);
    sitting.press("=700k").expect(&["1 shown"]);
    sitting.press("<ctrl-w>");
    assert_eq!(sitting.typed(), Some("serv "));
    sitting.press("<ctrl-u>").expect(&["a part of a name"]);
}

#[test]
fn a_layer_and_a_path_have_their_page() {
    let mut sitting = Sitting::demo();
    sitting.press("}}}}}}}<tab><enter>").expect(&["Layer 7", "diff id", "removes"]);
    sitting.press("c").expect(&["copied the command of layer 7"]);
    assert!(matches!(&sitting.effects[..], [Effect::Copy(command)] if command.starts_with("rm -rf")));
    sitting.press("v").expect(&["esc closes the page first"]);
    sitting.press("<esc><tab>").walk_to("app").press("l").walk_to("app/.env").press("D");
    sitting.expect(&["/app/.env", "layer 2   added", "COPY . /app", "layer 7   removed"]);
    sitting.press("<esc>").expect_none(&["layer 2   added"]);
}

#[test]
fn a_folder_closes_with_all_in_it() {
    let mut sitting = Sitting::demo();
    sitting.press("}}").walk_to("app").press("*");
    let all = sitting.paths().len();
    sitting.walk_to("app").press("H");
    assert_eq!(sitting.at(), "app");
    sitting.press("l");
    assert!(sitting.paths().len() < all, "what was open below is closed");
}

#[test]
fn the_mouse_moves_the_line_between_the_panes_and_chooses_screens() {
    let mut sitting = Sitting::demo();
    let split = sitting.app.areas.split.unwrap();
    sitting.click(split.x, 10);
    sitting.tell(mouse(MouseEventKind::Drag(MouseButton::Left), 70, 10));
    assert_eq!(sitting.app.split, 50);
    sitting.tell(mouse(MouseEventKind::Drag(MouseButton::Left), 139, 10));
    assert_eq!(sitting.app.split, 70);
    sitting.tell(mouse(MouseEventKind::Up(MouseButton::Left), 139, 10));
    sitting.tell(mouse(MouseEventKind::Drag(MouseButton::Left), 30, 10));
    assert_eq!(sitting.app.split, 70, "only while it is held");
    sitting.click(14, 1).expect(&["[2 Findings"]);
    sitting.click(3, 1).expect(&["[1 Files]"]);
}

#[test]
fn the_palette_goes_anywhere() {
    let mut sitting = Sitting::demo();
    sitting.press(":").expect(&["Go to", "command", "what this layer does"]);
    sitting.press("lft pad").expect(&["/app/node_modules/left-pad/index.js"]);
    sitting.press("<ctrl-w>index<enter>").expect_none(&["Go to"]);
    assert!(sitting.at().starts_with("app/node_modules/left-pad"), "{}", sitting.at());
    sitting.press("<ctrl-p>npm run build").press("<enter>").expect(&["Files · layer 5 only"]);
    sitting.press(":other pane").press("<enter>");
    assert_eq!(sitting.app.pane, super::super::app::Pane::Files);
    sitting.press(":.env").expect(&["file     /app/.env"]).press("<enter>");
    assert_eq!(sitting.at(), "app/.env", "what is deleted is found in the layer that deletes it");
    sitting.press(":zzzzzz").expect(&["nothing fits"]).press("<enter>").expect(&["nothing fits"]);
    sitting.press("<esc>").expect_none(&["Go to"]);
    sitting.press(":runs as root").expect(&["finding  runs as root"]).press("<enter>").expect(&["[2 Findings"]);
    assert_eq!(sitting.app.chosen_finding().unwrap().rule.id, "CFG-ROOT");
}

#[test]
fn a_folder_that_hides_what_was_there_says_so() {
    let below = files(&[("d/old", 10), ("e/kept", 1)]);
    let above = Layer::new().file("d/.wh..wh..opq", b"").file("d/new", b"x").file("e/.wh..wh..opq.not", b"").finish();
    // A mark where nothing was below means nothing.
    let marked = Layer::new().dir("f").file("f/.wh..wh..opq", b"").file("f/x", b"x").finish();
    let mut sitting = Sitting::of(image(&[below, above, marked]));
    sitting.press("}").walk_to("d").expect(&["⊘", "opaque: hides what was here"]);
    sitting.press("}").expect_none(&["⊘"]);
}
