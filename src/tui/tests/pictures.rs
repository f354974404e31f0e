//! The pictures of README: frames of the demo as SVG. LAYERSCOPE_PICTURES=write draws them anew.

use std::fmt::Write as _;
use std::path::Path;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::super::app::Msg;
use super::inside::press_and_wait;
use super::{Sitting, demo};

/// Columns and lines of a picture.
const WINDOW: (u16, u16) = (120, 32);

/// Width and height of a cell, the height of letters, and the room around the screen, in tenths of a pixel.
const CELL: (usize, usize) = (84, 180);
const LETTERS: usize = 14;
const EDGE: usize = 140;

/// The terminal's own colours: behind, in front.
const GROUND: &str = "#1a1b26";
const TEXT: &str = "#c0caf5";

const FONTS: &str = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

#[test]
fn pictures_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screens");
    let writes = std::env::var_os("LAYERSCOPE_PICTURES").is_some_and(|value| value == "write");
    let mut stale = Vec::new();
    for (name, title, sitting) in pictures() {
        let (file, picture) = (folder.join(name).with_extension("svg"), svg(title, sitting.buffer()));
        if writes {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &picture).unwrap();
        } else if std::fs::read_to_string(&file).ok().as_deref() != Some(picture.as_str()) {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "draw these anew with LAYERSCOPE_PICTURES=write: {stale:?}");
}

#[test]
fn every_picture_is_shown_in_readme() {
    let readme = include_str!("../../../README.md");
    for (name, _, _) in pictures() {
        assert!(readme.contains(&format!("(assets/screens/{name}.svg)")), "{name}");
    }
}

#[test]
fn a_picture_is_well_formed() {
    let mut sitting = Sitting::waiting("demo", "dark", 80, 24);
    sitting.tell(Msg::Loaded(demo())).press("/<&>\"'");
    let picture = svg("a < b", sitting.buffer());
    assert!(picture.contains("&lt;&amp;&gt;") && picture.contains("<title>a &lt; b</title>"), "{picture}");
    assert!(!picture.contains("<&") && picture.ends_with("</svg>\n"));
    for line in picture.lines().filter(|line| line.starts_with("<text")) {
        assert!(line.ends_with("</text>") && line.matches('<').count() == 2, "{line}");
    }
}

/// Name of the file, what it shows, and the frame.
fn pictures() -> [(&'static str, &'static str, Sitting); 4] {
    let before = || {
        let mut sitting = Sitting::waiting("demo", "dark", WINDOW.0, WINDOW.1);
        sitting.tell(Msg::Loaded(demo()));
        sitting
    };
    let mut files = before();
    files.press("}}").walk_to("app").press("l").walk_to("app/.env");
    let mut findings = before();
    findings.press("2jjj");
    let mut inside = before();
    inside.press("}}}}}}}").walk_to("app").press("l").walk_to("app/.env");
    press_and_wait(&mut inside, "l");
    let mut keys = before();
    keys.press("?");
    [
        ("files", "layerscope: layers, and the files of a layer", files),
        ("findings", "The findings of the demo", findings),
        ("inside", "layerscope: inside a file that a later layer deletes", inside),
        ("keys", "layerscope: the keys", keys),
    ]
}

/// A number in tenths as a decimal.
fn tenths(number: usize) -> String {
    if number.is_multiple_of(10) { (number / 10).to_string() } else { format!("{}.{}", number / 10, number % 10) }
}

fn svg(title: &str, frame: &Buffer) -> String {
    let (columns, rows) = (usize::from(frame.area.width), usize::from(frame.area.height));
    let (width, height) = (tenths(columns * CELL.0 + 2 * EDGE), tenths(rows * CELL.1 + 2 * EDGE));
    let mut out = String::new();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"{FONTS}\" \
         font-size=\"{LETTERS}\" fill=\"{TEXT}\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{GROUND}\"/>",
        escaped(title)
    )
    .unwrap();
    for (row, cells) in frame.content.chunks(columns).enumerate() {
        let mut column = 0;
        while column < columns {
            let alike = |cell: &Cell| cell.style() == cells[column].style() && is_line(cell) == is_line(&cells[column]);
            let end = (column..columns).find(|place| !alike(&cells[*place])).unwrap_or(columns);
            run(&mut out, &cells[column..end], column, row);
            column = end;
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Whether a cell is drawn with lines and boxes, which fonts do not join.
fn is_line(cell: &Cell) -> bool {
    strokes(cell.symbol()).is_some() || eighths(cell.symbol()).is_some()
}

/// Cells of one style, from a column on.
fn run(out: &mut String, cells: &[Cell], column: usize, row: usize) {
    let style = cells[0].style();
    let is = |modifier| style.add_modifier.contains(modifier);
    let (front, behind) = (hex(style.fg, TEXT), style.bg.filter(|colour| *colour != Color::Reset));
    let behind = behind.map(|colour| hex(Some(colour), GROUND));
    let (front, behind) =
        if is(Modifier::REVERSED) { (behind.unwrap_or(GROUND.into()), Some(front)) } else { (front, behind) };
    let at = |column: usize| tenths(EDGE + column * CELL.0);
    let top = EDGE + row * CELL.1;
    if let Some(colour) = behind {
        let (width, height) = (tenths(cells.len() * CELL.0), tenths(CELL.1));
        let (x, y) = (at(column), tenths(top));
        writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"/>").unwrap();
    }
    if is_line(&cells[0]) {
        return lines(out, cells, column, top, &front);
    }
    let mut attributes = if front == TEXT { String::new() } else { format!(" fill=\"{front}\"") };
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, " opacity=\"0.6\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
    ] {
        attributes += if is(modifier) { attribute } else { "" };
    }
    // Words stand where their cells are, whatever the font; blanks take nothing.
    let mut place = 0;
    while place < cells.len() {
        let mut text = String::new();
        let begin = place;
        while place < cells.len() && cells[place].symbol() != " " {
            text += cells[place].symbol();
            place += cells[place].symbol().width().max(1);
        }
        if !text.is_empty() {
            let (x, y) = (at(column + begin), tenths(top + CELL.1 * 3 / 4));
            let length = tenths((place - begin) * CELL.0);
            let text = escaped(&text);
            writeln!(out, "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\"{attributes}>{text}</text>").unwrap();
        }
        place += 1;
    }
}

/// Boxes and bars as paths. Equal neighbours are one stroke.
fn lines(out: &mut String, cells: &[Cell], column: usize, top: usize, colour: &str) {
    let (middle, centre) = (top + CELL.1 / 2, CELL.0 / 2);
    let (mut stroked, mut filled) = (String::new(), String::new());
    let mut place = 0;
    while place < cells.len() {
        let symbol = cells[place].symbol();
        let same = cells[place..].iter().take_while(|cell| cell.symbol() == symbol).count();
        let left = EDGE + (column + place) * CELL.0;
        if symbol == "─" || symbol == "█" {
            let width = same * CELL.0;
            if symbol == "─" {
                write!(stroked, "M{} {}h{}", tenths(left), tenths(middle), tenths(width)).unwrap();
            } else {
                bar(&mut filled, left, top, width);
            }
            place += same;
            continue;
        }
        if let Some(eighths) = eighths(symbol) {
            bar(&mut filled, left, top, CELL.0 * eighths / 8);
        } else if let Some([up, right, down, left_arm]) = strokes(symbol) {
            let (x, y) = (tenths(left + centre), tenths(middle));
            for (drawn, stroke) in [
                (up, format!("M{x} {y}V{}", tenths(top))),
                (right, format!("M{x} {y}H{}", tenths(left + CELL.0))),
                (down, format!("M{x} {y}V{}", tenths(top + CELL.1))),
                (left_arm, format!("M{x} {y}H{}", tenths(left))),
            ] {
                stroked += if drawn { &stroke } else { "" };
            }
        }
        place += 1;
    }
    if !stroked.is_empty() {
        writeln!(out, "<path d=\"{stroked}\" stroke=\"{colour}\" fill=\"none\"/>").unwrap();
    }
    if !filled.is_empty() {
        writeln!(out, "<path d=\"{filled}\" fill=\"{colour}\"/>").unwrap();
    }
}

/// A bar leaves some room above and below.
fn bar(path: &mut String, left: usize, top: usize, width: usize) {
    const ROOM: usize = 30;
    let (x, y) = (tenths(left), tenths(top + ROOM));
    let (width, height) = (tenths(width.max(10)), tenths(CELL.1 - 2 * ROOM));
    write!(path, "M{x} {y}h{width}v{height}h-{width}z").unwrap();
}

/// Which arms a box-drawing character has: up, right, down, left.
fn strokes(symbol: &str) -> Option<[bool; 4]> {
    let arms = match symbol {
        "─" => [false, true, false, true],
        "│" => [true, false, true, false],
        "┌" => [false, true, true, false],
        "┐" => [false, false, true, true],
        "└" => [true, true, false, false],
        "┘" => [true, false, false, true],
        _ => return None,
    };
    Some(arms)
}

/// How many eighths of a cell a block fills, from the left.
fn eighths(symbol: &str) -> Option<usize> {
    ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"].iter().position(|block| *block == symbol).map(|place| place + 1)
}

fn hex(colour: Option<Color>, default: &str) -> String {
    match colour {
        Some(Color::Rgb(red, green, blue)) => format!("#{red:02x}{green:02x}{blue:02x}"),
        None | Some(Color::Reset) => default.to_owned(),
        Some(other) => panic!("the pictures have true colours alone, and not {other}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
