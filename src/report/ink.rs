//! Colours for the text report on a terminal: headings, sizes, verdicts. It sees lines alone; the words are the same.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

const HEADING: Style = Style::new().bold();
const SIZE: Style = AnsiColor::Cyan.on_default();
const PASSED: Style = AnsiColor::Green.on_default();
const FAILED: Style = AnsiColor::Red.on_default().bold();
const SKIPPED: Style = Style::new().dimmed();

/// Units of sizes.
const UNITS: [&str; 12] = ["B", "kB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Colours what is written through it, line by line.
pub struct Ink<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Ink<W> {
    /// Colours what goes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }

    fn line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let verdict = text.trim_start().trim_start_matches("Result:");
        let whole = match verdict.split([':', ' ']).next() {
            Some("FAIL") => Some(FAILED),
            Some("PASS") => Some(PASSED),
            Some("SKIP") => Some(SKIPPED),
            _ if !text.is_empty() && !text.starts_with(' ') => Some(HEADING),
            _ => None,
        };
        match whole {
            Some(style) => write!(self.out, "{style}{text}{style:#}"),
            None => self.sizes(&text),
        }
    }

    /// Writes a line with its sizes coloured: a number, a blank, and a unit.
    fn sizes(&mut self, line: &str) -> io::Result<()> {
        let mut rest = line;
        while let Some((before, size)) = first_size(rest) {
            write!(self.out, "{before}{SIZE}{size}{SIZE:#}")?;
            rest = &rest[before.len() + size.len()..];
        }
        self.out.write_all(rest.as_bytes())
    }
}

/// What stands before the first size of a line, and the size.
fn first_size(line: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(blank) = line[from..].find(' ').map(|place| from + place) {
        let begin = line[..blank].rfind(' ').map_or(0, |place| place + 1);
        let is_number = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_digit())
                && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
        };
        let unit = line[blank + 1..].split(|end: char| !end.is_ascii_alphabetic()).next().unwrap_or_default();
        if is_number(&line[begin..blank]) && UNITS.contains(&unit) {
            return Some((&line[..begin], &line[begin..=blank + unit.len()]));
        }
        from = blank + 1;
    }
    None
}

impl<W: Write> Write for Ink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    self.line.extend_from_slice(end);
                    self.line()?;
                    self.out.write_all(b"\n")?;
                }
                None => self.line.extend_from_slice(part),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.line()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inked(text: &str) -> String {
        let mut ink = Ink::new(Vec::new());
        // It comes in pieces, as from write!.
        for piece in text.as_bytes().chunks(3) {
            ink.write_all(piece).unwrap();
        }
        ink.flush().unwrap();
        String::from_utf8(ink.out).unwrap()
    }

    #[test]
    fn headings_sizes_and_verdicts_are_coloured() {
        assert_eq!(inked("Bytes\n"), "\u{1b}[1mBytes\u{1b}[0m\n");
        assert_eq!(
            inked("  shipped   8.6 MB  8,625,213 B  all\n"),
            "  shipped   \u{1b}[36m8.6 MB\u{1b}[0m  \u{1b}[36m8,625,213 B\u{1b}[0m  all\n"
        );
        assert_eq!(inked("  FAIL: rule: 2 MB\n"), "\u{1b}[1m\u{1b}[31m  FAIL: rule: 2 MB\u{1b}[0m\n");
        assert_eq!(inked("  PASS: rule"), "\u{1b}[32m  PASS: rule\u{1b}[0m");
    }

    #[test]
    fn what_is_no_size_stays() {
        for plain in ["", "\n", "  3 Bytes\n", "  a B\n", "  12 layers\n", "  x 1 \n", "  é 1\u{a0}MB\n"] {
            assert_eq!(inked(plain), plain);
        }
    }
}
