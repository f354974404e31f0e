//! The parts of the screen. Each draws itself into its area from the state, and changes nothing but where it is scrolled.

pub mod card;
pub mod detail;
pub mod files;
pub mod findings;
pub mod help;
pub mod image;
pub mod layers;
pub mod loading;
pub mod packages;
pub mod palette;
pub mod preview;

pub mod which;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A bar of so many columns, in eighths, for a share of a whole.
#[must_use]
pub fn bar(part: u64, whole: u64, columns: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if whole == 0 || part == 0 {
        return String::new();
    }
    let eighths =
        u64::try_from(u128::from(part.min(whole)) * u128::from(columns) * 8 / u128::from(whole)).unwrap_or(0).max(1);
    let full = usize::try_from(eighths / 8).unwrap_or(0);
    "█".repeat(full) + EIGHTHS[usize::try_from(eighths % 8).unwrap_or(0)]
}

/// Gives a line of a list its style from end to end, also where nothing is written. `line` counts from the top.
pub fn mark(frame: &mut Frame, list: Rect, line: usize, style: Style) {
    let Some(y) = u16::try_from(line).ok().filter(|line| *line < list.height) else { return };
    frame.buffer_mut().set_style(Rect { y: list.y + y, height: 1, ..list }, style);
}

/// Text cut to so many columns, with a sign that it is.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let fits = text.chars().take_while(|character| {
        let columns = character.width().unwrap_or(0);
        let fits = columns <= room;
        room = room.saturating_sub(columns);
        fits
    });
    fits.chain(['…']).collect()
}

/// Text in lines of so many columns, broken at blanks where they come late enough in a line.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for character in text.chars() {
        if line.width() + character.width().unwrap_or(0) > width.max(2) {
            let blank = line.rfind(' ').filter(|blank| blank * 2 > line.len());
            let rest = blank.map_or(String::new(), |blank| line.split_off(blank + 1));
            lines.push(std::mem::replace(&mut line, rest));
        }
        line.push(character);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_and_not_characters() {
        assert_eq!(cut("plain", 5), "plain");
        assert_eq!(cut("plain", 4), "pla…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("日本語", 0), "…");
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("sha256:abcdef", 0).concat(), "sha256:abcdef");
    }

    #[test]
    fn bars_are_never_longer_than_their_column() {
        assert_eq!(bar(0, 100, 4), "");
        assert_eq!(bar(1, 1_000_000, 4), "▏");
        assert_eq!(bar(50, 100, 4), "██");
        assert_eq!(bar(100, 100, 4), "████");
        assert_eq!(bar(200, 100, 4), "████");
        assert_eq!(bar(u64::MAX, u64::MAX, 4), "████");
    }
}
