//! Whole frames, as they were agreed on. `cargo insta review`, or INSTA_UPDATE=always, takes new ones.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use super::super::app::Msg;
use super::{Sitting, demo, outlined};
use crate::session::Snapshot;

const SIZES: [(u16, u16); 3] = [(140, 40), (80, 24), (59, 15)];

/// Keys that lead to each screen from the beginning.
const SCREENS: [(&str, &str); 7] = [
    ("files", "}}l"),
    ("layers", "<tab>jj"),
    ("up-to", "}}v"),
    ("filter", "v}}/lo"),
    ("findings", "2jj"),
    ("image", "4"),
    ("help", "?"),
];

fn agree(name: &str, sitting: &Sitting) {
    let area = sitting.buffer().area;
    let name = format!("{name}-{}x{}", area.width, area.height);
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, sitting.frame());
    });
}

#[test]
fn frames_are_as_agreed() {
    for (width, height) in SIZES {
        // In a window that is too small, every screen is the same one line.
        let screens = if width < 60 { &SCREENS[..1] } else { &SCREENS[..] };
        for (name, keys) in screens {
            agree(name, Sitting::sized(width, height).press(keys));
        }
    }
}

#[test]
fn the_frame_while_reading_is_as_agreed() {
    for (width, height) in SIZES {
        let mut sitting = Sitting::waiting("registry.example/shop/api:2.4", "ansi", width, height);
        let steps = [
            (28_200_000, "FROM debian:12-slim"),
            (96_000_000, "apt-get install build-essential"),
            (287_800_000, "COPY . /app"),
        ];
        let now = Snapshot {
            bytes: 120_000_000,
            expected: 412_000_000,
            layer: 2,
            layers: 3,
            current: Some(1),
            current_bytes: 72_000_000,
            current_expected: 96_000_000,
            ..Snapshot::default()
        };
        sitting.tell(Msg::Progress(now));
        sitting.tell(Msg::Loaded(outlined(&steps)));
        // The rate depends on the clock.
        let steady: Vec<_> = sitting.lines().into_iter().filter(|line| !line.contains("/s")).collect();
        let name = format!("loading-{width}x{height}");
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, steady.join("\n"));
        });
    }
}

#[test]
fn without_colour_nothing_is_lost() {
    for (width, height) in SIZES {
        for (name, keys) in SCREENS {
            let mut sitting = Sitting::waiting("demo", "mono", width, height);
            sitting.tell(Msg::Loaded(demo())).press(keys);
            let is_plain = |colour: Color| colour == Color::Reset;
            let coloured = sitting.buffer().content.iter().find(|cell| !is_plain(cell.fg) || !is_plain(cell.bg));
            assert_eq!(coloured, None, "{name} at {width}x{height}");
            let reversed = sitting.buffer().content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED));
            assert!(
                reversed || ["image", "help"].contains(&name) || width < 60,
                "the cursor is not seen: {name} at {width}x{height}"
            );
        }
    }
}

#[test]
fn in_ascii_nothing_else_is_drawn() {
    const MORE: [(&str, &str); 8] = [
        ("which-key", "g"),
        ("palette", ":"),
        ("page", "D"),
        ("filter of layers", "<tab>/x"),
        ("notice", "m"),
        ("range", "}}<tab>m}"),
        ("preview", "}}*Gl"),
        ("extract", "}}e"),
    ];
    for (width, height) in [(140, 40), (100, 30), (80, 24), (60, 12), (59, 15)] {
        for (name, keys) in SCREENS.iter().chain(&MORE) {
            let mut sitting = Sitting::waiting("demo", "ansi", width, height);
            sitting.app.ascii = true;
            sitting.app.keymap = sitting.app.keymap.clone().spelled_out(true);
            sitting.tell(Msg::Loaded(demo())).press(keys);
            let strange: Vec<_> =
                sitting.buffer().content.iter().map(Cell::symbol).filter(|cell| !cell.is_ascii()).collect();
            assert!(strange.is_empty(), "{name} at {width}x{height}: {strange:?}\n{}", sitting.frame());
        }
        let mut early = Sitting::waiting("demo", "ansi", width, height);
        early.app.ascii = true;
        early.tell(Msg::Loaded(outlined(&[(1_000_000, "FROM a"), (2_000_000, "RUN b")]))).press("<tab>");
        assert!(early.frame().is_ascii(), "{}", early.frame());
    }
}

#[test]
fn in_ascii_an_arrow_is_no_other_key() {
    let mut sitting = Sitting::demo();
    sitting.app.keymap = sitting.app.keymap.clone().spelled_out(true);
    sitting.press("?").expect(&["h, left"]).expect_none(&["←", "→"]);
}
