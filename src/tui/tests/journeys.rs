//! What somebody does and sees: keys in, state and frames out.

use super::super::app::{Effect, Look, Msg, Pane, Screen};
use super::super::arrange::Arranged;
use super::super::bits::Paths;
use super::super::rows::Sort;
use super::images::{Layer, files, image};
use super::{Sitting, mouse};
use crossterm::event::{MouseButton, MouseEventKind};

#[test]
fn it_opens_on_the_lowest_layer_with_the_largest_first() {
    let mut sitting = Sitting::demo();
    sitting.expect(&["[1 Files]", "Files · layer 0 only", "▸  0", "ADD file:debian-slim-rootfs.tar"]);
    assert_eq!(sitting.paths(), ["usr", "bin", "etc", "tmp"], "folders stand closed, in the order of their bytes");
    assert_eq!((sitting.app.pane, sitting.at().as_str()), (Pane::Files, "usr"));
}

#[test]
fn another_layer_shows_another_tree() {
    let mut sitting = Sitting::demo();
    sitting.press("}").expect(&["Files · layer 1 only", "▸  1"]);
    assert_eq!(sitting.paths(), ["usr", "var/lib/apt/lists"], "single folders are joined");
    sitting.press("<tab>jj").expect(&["Files · layer 3 only"]);
    assert_eq!(sitting.app.pane, Pane::Layers);
    sitting.press("{{{{{{").expect(&["Files · layer 0 only"]);
    sitting.press("G").expect(&["Files · layer 9 only", "10 of 10"]);
    sitting.press("}").expect(&["Files · layer 9 only"]);
}

#[test]
fn folders_open_and_close() {
    let mut sitting = Sitting::demo();
    sitting.press("l").expect(&["▾ usr/", "▸ lib/ (1)"]);
    assert_eq!(sitting.at(), "usr");
    sitting.press("l");
    assert_eq!(sitting.at(), "usr/lib", "into what is open already");
    sitting.press("<enter>j").expect(&["libc.so.6"]);
    assert_eq!(sitting.at(), "usr/lib/libc.so.6");
    sitting.press("h");
    assert_eq!(sitting.at(), "usr/lib", "out of a file to its folder");
    sitting.press("h").expect_none(&["libc.so.6"]);
    assert_eq!(sitting.at(), "usr/lib");
    sitting.press("hh").expect_none(&["▾"]);
    assert_eq!(sitting.at(), "usr");
    sitting.press("<space>").expect(&["▾ usr/"]);
    sitting.press("<space>").expect_none(&["▾ usr/"]);
}

#[test]
fn everything_below_opens_at_once_and_closes_at_once() {
    let mut sitting = Sitting::demo();
    sitting.press("*").expect(&["libc.so.6", "copyright"]);
    sitting.walk_to("usr/lib/libc.so.6").press("_").expect_none(&["libc.so.6"]);
    assert_eq!(sitting.paths(), ["usr", "bin", "etc", "tmp"]);
    assert_eq!(sitting.at(), "usr", "on what is left of where one was");
}

#[test]
fn the_cursor_stays_on_its_path() {
    let mut sitting = Sitting::demo();
    sitting.press("}}l").walk_to("app/server");
    for (keys, why) in [
        ("s", "sorted by name"),
        ("s", "sorted by count"),
        ("S", "the other way round"),
        ("v", "the image up to here"),
        ("~", "without what is changed"),
        ("~", "with it"),
        ("u", "without what is unchanged"),
        ("u", "with it"),
        ("f", "without joining folders"),
        ("}", "a layer further"),
        ("}", "and one more"),
        ("v", "only that layer"),
        ("z", "alone"),
        ("2", "the other screen"),
        ("1", "and back"),
    ] {
        sitting.press(keys);
        assert_eq!(sitting.at(), "app/server", "{why}\n{}", sitting.frame());
    }
}

#[test]
fn the_cursor_comes_back_to_a_path_that_was_not_there_for_a_while() {
    let mut sitting = Sitting::demo();
    sitting.press("}}l").walk_to("app/server").press("}");
    assert_eq!(sitting.at(), "app", "layer 3 does not touch the server: its folder is the nearest that is shown");
    sitting.press("}");
    assert_eq!(sitting.at(), "app/server", "layer 4 does");
    sitting.press("}lj{");
    assert_eq!(sitting.at(), "app", "who moved on meant what they moved to");
}

#[test]
fn it_sorts_by_what_is_asked_for() {
    let mut sitting = Sitting::demo();
    sitting.press("s").expect(&["sorted by name"]);
    assert_eq!(sitting.paths(), ["bin", "etc", "tmp", "usr"]);
    sitting.press("S");
    assert_eq!(sitting.paths(), ["usr", "tmp", "etc", "bin"]);
    sitting.press("Ss").expect(&["sorted by count"]);
    assert_eq!(sitting.paths(), ["usr", "etc", "bin", "tmp"]);
    sitting.press("s").expect(&["sorted by hidden bytes"]);
    assert_eq!(sitting.paths()[0], "etc", "its motd is replaced later");
    sitting.press("s").expect(&["sorted by time"]);
    sitting.press("s");
    assert_eq!(sitting.app.wish.sort, Sort::Size);
}

#[test]
fn a_filter_narrows_as_one_types() {
    let mut sitting = Sitting::demo();
    sitting.press("v}}/").expect(&[" / ▏"]);
    sitting.press("l").press("o").press("g").expect(&["logo.png", "logo-copy.png", "2 shown"]);
    sitting.expect_none(&["▸ usr/", "gcc"]);
    assert_eq!(sitting.at(), "app/assets/logo-copy.png", "on the first match");
    sitting.press("<enter>").expect(&["filter log", "logo.png"]);
    sitting.press("n");
    assert_eq!(sitting.at(), "app/assets/logo.png");
    sitting.press("n");
    assert_eq!(sitting.at(), "app/assets/logo-copy.png", "round to the first");
    sitting.press("N");
    assert_eq!(sitting.at(), "app/assets/logo.png", "and back");
    sitting.press("<esc>").expect(&["▸ usr/"]).expect_none(&["filter log"]);
    assert_eq!(sitting.at(), "app/assets/logo.png", "leaving the filter keeps the place");
}

#[test]
fn large_letters_in_a_filter_are_meant() {
    let mut sitting = Sitting::of(image(&[files(&[("README", 1), ("readme.txt", 1)])]));
    sitting.press("/readme").expect(&["2 shown"]);
    sitting.press("<esc>/READ").expect(&["1 shown"]);
}

#[test]
fn a_folder_that_the_filter_finds_can_be_opened() {
    let mut sitting = Sitting::of(image(&[files(&[("srv/modules/a/one", 10), ("srv/modules/two", 5), ("other", 1)])]));
    sitting.press("/modules<enter>").expect(&["modules/"]).expect_none(&["other"]);
    assert_eq!(sitting.at(), "srv/modules");
    sitting.press("l").expect(&["two"]).expect_none(&["other"]);
}

#[test]
fn a_filter_finds_folders_that_are_joined_with_others() {
    let mut sitting = Sitting::of(image(&[files(&[("srv/middle/deep/one", 10), ("other", 1)])]));
    sitting.press("/middle").expect(&["1 shown", "srv/middle"]).expect_none(&["other"]);
}

#[test]
fn control_keys_write_nothing_into_the_filter() {
    let mut sitting = Sitting::demo();
    sitting.press("/ab<ctrl-d><ctrl-z>");
    assert_eq!(sitting.typed(), Some("ab"));
    sitting.press("<ctrl-u>");
    assert_eq!(sitting.typed(), Some(""));
    sitting.press("<backspace>");
    assert_eq!(sitting.app.typing, None, "an empty filter is left by wiping once more");
    sitting.press("/<ctrl-c>");
    assert_eq!(sitting.effects, [Effect::Abandon]);
}

#[test]
fn what_finds_nothing_says_so() {
    let mut sitting = Sitting::demo();
    sitting.press("/nowhere").expect(&["nothing here fits the filter", "0 shown"]);
    sitting.press("<esc>n").expect(&["no filter is set: / sets one"]);
}

#[test]
fn single_folders_are_joined_unless_one_says_otherwise() {
    let mut sitting = Sitting::demo();
    sitting.press("}").expect(&["▸ var/lib/apt/lists/"]);
    sitting.press("f").expect_none(&["▸ var/lib"]).expect(&["▸ var/"]);
    sitting.press("f").expect(&["▸ var/lib/apt/lists/"]).walk_to("var/lib/apt/lists").press("lf");
    sitting.expect(&["▾ var/", "▾ lists/", "packages_main"]);
    assert_eq!(sitting.at(), "var/lib/apt/lists", "what was open together is open one by one");
}

#[test]
fn the_image_up_to_a_layer_holds_what_was_there_before() {
    let mut sitting = Sitting::demo();
    sitting.press("}v").expect(&["Files · image up to layer 1", "▸ bin/", "▸ usr/"]);
    sitting.press("v").expect(&["Files · layer 1 only"]).expect_none(&["▸ bin/"]);
}

#[test]
fn a_range_shows_what_its_layers_did_together() {
    let mut sitting = Sitting::demo();
    sitting.press("<tab>jjm").expect(&["range from layer 2"]);
    sitting.press("jjj").expect(&["image up to layer 5, changes since layer 2"]);
    assert_eq!(sitting.app.look, Look::Since(2));
    sitting.press("<tab>u").expect_none(&["▸ bin/"]);
    sitting.walk_to("app").press("l").expect(&["+  700.0 kB"]);
    sitting.press("<esc>").expect(&["Files · image up to layer 5"]);
}

#[test]
fn what_is_removed_is_shown_with_the_layer_that_still_ships_it() {
    let mut sitting = Sitting::demo();
    sitting.press("<tab>jjjjjjj<tab>").walk_to("app").press("l").expect(&["−", ".git/", "still in layer 2"]);
    sitting.press("-").expect_none(&["still in layer 2"]);
}

#[test]
fn kinds_of_change_are_left_out_and_the_screen_says_which() {
    let mut sitting = Sitting::demo();
    sitting.press("+").expect(&["without added"]).expect_none(&["this layer changes no file"]);
    assert!(sitting.paths().is_empty(), "{:?}", sitting.paths());
    sitting.press("+").expect_none(&["without added"]);
}

#[test]
fn one_step_back_is_one_step() {
    let mut sitting = Sitting::demo();
    sitting.press("/s<enter>2?").expect(&["esc closes"]);
    sitting.press("<esc>").expect(&["[2 Findings"]).expect_none(&["esc closes"]);
    sitting.press("<esc>").expect(&["[1 Files]", "filter s"]);
    sitting.press("<esc>").expect_none(&["filter s"]);
    sitting.press("<esc>").expect(&["[1 Files]"]);
    assert!(sitting.effects.is_empty(), "it never leaves by itself");
}

#[test]
fn a_copied_path_is_safe_to_paste() {
    let mut sitting = Sitting::of(image(&[files(&[("a\nb\x1b[2J", 3)])]));
    sitting.press("y").expect(&["copied /a\\nb\\u{1b}[2J"]);
    assert_eq!(sitting.effects, [Effect::Copy("/a\\nb\\u{1b}[2J".into())]);
    sitting.press("Y");
    assert!(matches!(&sitting.effects[..], [Effect::Copy(digest)] if digest.starts_with("sha256:")));
}

#[test]
fn help_lists_every_action_and_says_where_it_works() {
    let mut sitting = Sitting::sized(240, 60);
    sitting.press("?");
    for action in super::super::action::Action::ALL {
        sitting.expect(&[action.doc()]);
    }
    sitting.expect(&["(in findings)", "(in layers)"]).expect_none(&["(in files)"]);
    sitting.press("?").expect_none(&["esc closes"]);
}

#[test]
fn help_is_walked_when_it_does_not_fit() {
    let mut sitting = Sitting::sized(80, 24);
    sitting.press("?").expect(&["Here: files"]).expect_none(&["back to the shell"]);
    sitting.press("G").expect(&["text or bytes (in preview)"]);
    sitting.press("gg").expect(&["Here: files"]);
    sitting.press("<ctrl-d><ctrl-d>").expect_none(&["Here: files"]);
}

#[test]
fn a_sequence_waits_for_its_end() {
    let mut sitting = Sitting::demo();
    sitting.press("jjj");
    assert_eq!(sitting.at(), "tmp");
    sitting.press("g");
    assert_eq!(sitting.at(), "tmp");
    sitting.press("g");
    assert_eq!(sitting.at(), "usr");
    sitting.press("Gg<esc>j");
    assert_eq!(sitting.at(), "tmp", "a sequence that is left does nothing");
}

#[test]
fn the_mouse_chooses_opens_and_scrolls() {
    let mut sitting = Sitting::demo();
    let etc = sitting.line_of("etc/ (3)");
    sitting.click(100, etc);
    assert_eq!(sitting.at(), "etc");
    sitting.click(100, etc).expect(&["os-release"]);
    sitting.click(100, 30);
    assert_eq!(sitting.at(), "etc", "there is nothing below the last line");
    let layer = sitting.line_of("npm run build");
    sitting.click(10, layer).expect(&["Files · layer 5 only"]);
    assert_eq!(sitting.app.pane, Pane::Layers);
    sitting.wheel(false, 10, layer);
    assert!(sitting.app.layer() < 5);
    sitting.press("{{{{{{<tab>gg*").wheel(true, 100, 10);
    assert_eq!(sitting.app.row.at, 3);
    sitting.press("2");
    let server = sitting.line_of("/app/server");
    sitting.click(20, server).click(20, server);
    assert_eq!(sitting.at(), "app/server");
}

#[test]
fn the_mouse_chooses_a_layer_in_the_strip() {
    let mut sitting = Sitting::sized(80, 24);
    let strip = sitting.line_of("[0");
    let column = sitting.lines()[usize::from(strip)].chars().position(|cell| cell == '4').unwrap();
    sitting.click(u16::try_from(column).unwrap(), strip).expect(&["Files · layer 4 only", "[4"]);
}

#[test]
fn the_mouse_finds_only_what_is_on_the_screen() {
    let mut sitting = Sitting::demo();
    sitting.press("z").click(5, 5);
    assert_eq!((sitting.app.pane, sitting.app.layer()), (Pane::Files, 0), "the layers are not shown");
    sitting.press("4").click(5, 5).tell(mouse(MouseEventKind::Up(MouseButton::Right), 5, 5));
    assert_eq!(sitting.app.screen, Screen::Image);
}

#[test]
fn the_facts_of_the_image_can_be_read_to_their_end_in_a_small_window() {
    let mut sitting = Sitting::sized(60, 16);
    sitting.press("4").expect(&["source"]).expect_none(&["ENTRYPOINT"]);
    sitting.press("G").expect(&["ENTRYPOINT"]);
    sitting.press("gg").expect(&["source"]);
}

#[test]
fn it_is_left_by_q_and_by_ctrl_c() {
    for (keys, how) in [
        ("q", Effect::Quit),
        ("<ctrl-c>", Effect::Abandon),
        ("Q", Effect::Keep),
        ("2q", Effect::Quit),
        ("?qq", Effect::Quit),
        ("/x<enter>q", Effect::Quit),
    ] {
        let mut sitting = Sitting::demo();
        sitting.press(keys);
        assert_eq!(sitting.effects, [how], "{keys}");
    }
    let mut early = Sitting::waiting("demo", "ansi", 80, 24);
    early.press("jkv}2/a<enter>?<esc>1q");
    assert_eq!(early.effects, [Effect::Quit], "no key does harm before the image is there");
}

#[test]
fn a_layer_that_cannot_be_read_says_why() {
    let whole = files(&[("kept", 100)]);
    let mut sitting = Sitting::of(image(&[whole, b"{\"not\": \"a layer\"}".to_vec()]));
    sitting.expect(&["1 not read", "not read: "]);
    sitting.press("}").expect(&["this layer could not be read"]).expect_none(&["changes no file"]);
    sitting.press("v").expect(&["kept"]);
}

#[test]
fn names_never_drive_the_terminal() {
    let names = ["a\x1b[2J", "b\u{202e}exe.txt", "c\rd", "e\u{9b}31m"];
    let layer = names.iter().fold(Layer::new(), |layer, name| layer.filled(name, 1, b'x'));
    let layer = layer.file(b"f\xff\xfe", b"x").symlink("link", "/x\x1b]0;title\x07").finish();
    let mut sitting = Sitting::of(image(&[layer]));
    for keys in ["", "jjjjj", "y", "/\x1b", "<enter>", "2", "3", "4"] {
        sitting.press(keys);
        for cell in &sitting.buffer().content {
            let control = cell.symbol().chars().find(|character| character.is_control() || *character == '\u{202e}');
            assert_eq!(control, None, "after {keys:?}");
        }
    }
}

#[test]
fn wide_names_do_not_break_the_frame() {
    let mut sitting = Sitting::of(image(&[files(&[(
        "日本語のとても長い名前のファイルです日本語のとても長い名前のファイルです日本語のとても長い名前",
        10,
    )])]));
    for width in [140, 100, 80, 60] {
        sitting.resize(width, 24);
        for keys in ["v", "<tab>", "<tab>", "2", "1"] {
            sitting.press(keys);
            let buffer = sitting.buffer();
            let edge: Vec<&str> =
                (4..10).filter_map(|row| buffer.cell((width - 1, row))).map(ratatui::buffer::Cell::symbol).collect();
            assert!(edge.iter().all(|symbol| "│┐┘┤".contains(*symbol)), "{edge:?}\n{}", sitting.frame());
        }
    }
}

#[test]
fn an_image_without_layers_has_nothing_to_show_and_says_so() {
    let mut sitting = Sitting::of(image(&[]));
    sitting.expect(&["0 layers", "this image has no layers"]).expect_none(&["1 of 0"]);
    sitting.press("jjklhv}{m*_/x<enter><esc>2<enter>y3<enter>y4").expect(&["platform"]);
    sitting.resize(80, 24).press("1");
    sitting.expect_none(&["1 of 0"]);
}

#[test]
fn a_layer_that_changes_nothing_says_so() {
    let mut sitting = Sitting::of(image(&[files(&[("a", 1)]), files(&[])]));
    sitting.press("}").expect(&["this layer changes no file"]);
    sitting.press("v").expect(&["+", "a"].map(|_| "image up to layer 1"));
    assert_eq!(sitting.paths(), ["a"]);
}

#[test]
fn a_view_that_comes_late_is_dropped() {
    let mut sitting = Sitting::demo();
    let projection = sitting.app.projection.clone().unwrap();
    let old = Arranged { projection, rows: sitting.app.rows.clone(), open: Paths::default() };
    sitting.press("}}");
    let before = sitting.frame();
    sitting.tell(Msg::Arranged(1, old));
    assert_eq!(sitting.frame(), before);
}
