//! The same frame in ASCII, for terminals whose fonts have no more. It is done on the finished frame, so that no pane
//! can forget it: each of our own glyphs takes one column, and so does what stands for it.

use ratatui::buffer::Buffer;

/// Our glyphs, and what stands for each.
const ASCII: [(&str, &str); 44] = [
    ("─", "-"),
    ("│", "|"),
    ("┌", "+"),
    ("┐", "+"),
    ("└", "+"),
    ("┘", "+"),
    ("├", "+"),
    ("┤", "+"),
    ("┬", "+"),
    ("┴", "+"),
    ("┼", "+"),
    ("█", "#"),
    ("▉", "#"),
    ("▊", "#"),
    ("▋", "#"),
    ("▌", "="),
    ("▍", "="),
    ("▎", "-"),
    ("▏", "|"),
    ("▸", ">"),
    ("▾", "v"),
    ("▲", "^"),
    ("▼", "v"),
    ("△", "^"),
    ("●", "*"),
    ("■", "#"),
    ("⚠", "!"),
    ("⊘", "o"),
    ("✓", "y"),
    ("✗", "x"),
    ("−", "-"),
    ("–", "-"),
    ("—", "-"),
    ("·", "."),
    ("•", "*"),
    ("…", "~"),
    ("×", "x"),
    ("→", ">"),
    ("←", "<"),
    ("↑", "^"),
    ("↓", "v"),
    ("≤", "<"),
    ("≥", ">"),
    ("µ", "u"),
];

/// Writes our glyphs in ASCII. Names from the image stay as they are, but for these very characters in them.
pub fn to_ascii(frame: &mut Buffer) {
    for cell in &mut frame.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        if let Some((_, plain)) = ASCII.iter().find(|(glyph, _)| *glyph == cell.symbol()) {
            cell.set_symbol(plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn each_takes_one_column_and_stands_once() {
        for (place, (glyph, plain)) in ASCII.iter().enumerate() {
            assert_eq!((glyph.width(), plain.width(), plain.is_ascii()), (1, 1, true), "{glyph}");
            assert!(ASCII[..place].iter().all(|(other, _)| other != glyph), "{glyph}");
        }
    }
}
