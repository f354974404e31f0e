//! The contents of a file over the tree: text with line numbers, or bytes. Only what is seen is made, and nothing of it
//! can drive the terminal.

use std::fmt::Write as _;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Wrap};

use super::cut;
use super::files::path_line;
use crate::session::contents::Piece;
use crate::tui::app::App;
use crate::tui::difference::Difference;
use crate::tui::frame::boxed;
use crate::tui::preview::Body;
use crate::tui::theme::Role;
use crate::units::{bytes, printable};

/// Columns from one tab stop to the next.
const TAB: usize = 8;
/// From here on 16 bytes stand on a line; otherwise 8.
const WIDE_HEX: u16 = 78;

/// Draws the preview.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let block = boxed(app, "Look inside", "esc closes", true);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let theme = app.theme;
    let reading = bytes(app.inside.now[0].bytes);
    let (Some(image), Some(preview)) = (&app.image, &mut app.inside.preview) else { return };
    let [head, body] = Layout::vertical([Constraint::Length(2), Constraint::Min(1)]).areas(inner);
    let width = usize::from(inner.width);
    let what = if preview.what.is_empty() { String::new() } else { format!("{} · ", preview.what) };
    let begun = match &preview.body {
        Body::Contents(piece, _) if !piece.is_whole() => {
            format!(" · the first {} of {}", bytes(piece.bytes.len() as u64), bytes(piece.size))
        }
        _ => String::new(),
    };
    let path = path_line(&image.loaded.index, preview.path, width);
    let head_lines = vec![
        Line::from(Span::styled(path, theme.style(Role::Title))),
        Line::from(Span::styled(cut(&format!("{what}{}{begun}", preview.facts), width), theme.style(Role::Dim))),
    ];
    frame.render_widget(Paragraph::new(head_lines), head);
    let words =
        |text: String, role: Role| Paragraph::new(Span::styled(text, theme.style(role))).wrap(Wrap { trim: true });
    match &preview.difference {
        None => {}
        Some(Difference::Reading) => {
            return frame.render_widget(words(format!("reading … {reading}"), Role::Text), body);
        }
        Some(Difference::Failed(why)) => return frame.render_widget(words(why.clone(), Role::Error), body),
        Some(Difference::Lines(lines)) => {
            preview.cursor.scroll(lines.len(), body.height);
            let shown = lines.iter().skip(preview.cursor.at).take(preview.cursor.height);
            let shown: Vec<Line> =
                shown.map(|(role, text)| Line::from(Span::styled(cut(text, width), theme.style(*role)))).collect();
            return frame.render_widget(Paragraph::new(shown), body);
        }
    }
    let (piece, starts) = match &preview.body {
        Body::Reading => return frame.render_widget(words(format!("reading … {reading}"), Role::Text), body),
        Body::Failed(why) => return frame.render_widget(words(why.clone(), Role::Error), body),
        Body::Words(text) => return frame.render_widget(words(text.clone(), Role::Text), body),
        Body::Contents(piece, _) if piece.size == 0 => {
            return frame.render_widget(words("the file is empty".into(), Role::Dim), body);
        }
        Body::Contents(piece, starts) => (piece, starts),
    };
    let in_line = if body.width >= WIDE_HEX { 16 } else { 8 };
    let height = usize::from(body.height);
    let count = if preview.hex { piece.bytes.len().div_ceil(in_line) } else { starts.len() };
    // The cursor is the line at the top, so that every step scrolls.
    let cursor = &mut preview.cursor;
    (cursor.count, cursor.height) = (count.saturating_sub(height) + 1, height);
    cursor.at = cursor.at.min(cursor.count - 1);
    let shown = cursor.at..(cursor.at + height).min(count);
    let lines: Vec<Line> = if preview.hex {
        shown.map(|line| Line::from(hex_line(&piece.bytes, line * in_line, in_line))).collect()
    } else {
        let digits = count.to_string().len().max(3);
        let numbered = |line: usize| {
            let number = Span::styled(format!("{:>digits$} ", line + 1), theme.style(Role::Dim));
            Line::from(vec![
                number,
                Span::raw(text_line(line_of(piece, starts, line), width.saturating_sub(digits + 1))),
            ])
        };
        shown.map(numbered).collect()
    };
    frame.render_widget(Paragraph::new(lines), body);
}

/// The bytes of a line without its end.
fn line_of<'p>(piece: &'p Piece, starts: &[usize], line: usize) -> &'p [u8] {
    let end = starts.get(line + 1).copied().unwrap_or(piece.bytes.len());
    let bytes = &piece.bytes[starts[line]..end];
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

/// A line of text, tabs spread, cut to a width.
fn text_line(line: &[u8], width: usize) -> String {
    // Four bytes are the longest character, so this holds more than is seen.
    let line = &line[..line.len().min(width * 4 + 4)];
    let mut text = String::new();
    for (place, part) in line.split(|byte| *byte == b'\t').enumerate() {
        if place > 0 {
            let column = text.chars().count();
            text.extend(std::iter::repeat_n(' ', TAB - column % TAB));
        }
        text += &printable(part);
    }
    cut(&text, width)
}

/// Bytes from a place: the place, each byte in hexadecimal digits, and those that are printable ASCII.
fn hex_line(bytes: &[u8], from: usize, count: usize) -> String {
    let here = &bytes[from..(from + count).min(bytes.len())];
    let mut text = format!("{from:08x}  ");
    for place in 0..count {
        // Writing to a String cannot fail.
        let _ = match here.get(place) {
            Some(byte) => write!(text, "{byte:02x} "),
            None => write!(text, "   "),
        };
        if place % 8 == 7 {
            text.push(' ');
        }
    }
    let ascii = here.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' });
    text.push('|');
    text.extend(ascii);
    text.push('|');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_never_drives_the_terminal() {
        assert_eq!(text_line(b"a\tb\t\tc", 80), "a       b               c");
        assert_eq!(text_line(b"\x1b[2Jx\r", 80), "\\u{1b}[2Jx\\r");
        assert_eq!(text_line(b"\xff\xfe", 80), "\\xff\\xfe");
        assert_eq!(text_line("exe\u{202e}gpj".as_bytes(), 80), "exe\\u{202e}gpj");
    }

    #[test]
    fn long_lines_are_cut_and_say_so() {
        assert_eq!(text_line(b"abcdef", 6), "abcdef");
        assert_eq!(text_line(b"abcdefg", 6), "abcde\u{2026}");
        assert_eq!(text_line(&vec![b'x'; 1 << 20], 4).chars().count(), 4);
        let wide = "\u{1f4e6}".repeat(100);
        assert!(text_line(wide.as_bytes(), 10).ends_with('\u{2026}'));
    }

    #[test]
    fn bytes_stand_in_columns() {
        let bytes: Vec<u8> = (0x3e..0x50).collect();
        assert_eq!(
            hex_line(&bytes, 0, 16),
            "00000000  3e 3f 40 41 42 43 44 45  46 47 48 49 4a 4b 4c 4d  |>?@ABCDEFGHIJKLM|"
        );
        let last = hex_line(&bytes, 16, 16);
        assert!(last.starts_with("00000010  4e 4f    ") && last.ends_with("|NO|"), "{last}");
        assert_eq!(hex_line(&[0x1b, 0x80, b'a'], 0, 8), format!("00000000  1b 80 61{}|..a|", " ".repeat(17)));
    }
}
