//! Takes a glob apart: alternatives are written out, and what is left is split at its slashes.

use crate::error::{Error, Result};

/// Alternatives that one glob may stand for, written out.
const MOST: usize = 1024;

/// All globs without alternatives that a glob stands for: `{a,b/}c` is `ac` and `b/c`. Braces may be nested; what is
/// escaped by a backslash, or stands in a class, is left alone, as globset does.
///
/// # Errors
/// There are too many of them.
pub(super) fn alternatives(glob: &str) -> Result<Vec<String>> {
    let (mut left, mut done) = (vec![glob.to_owned()], Vec::new());
    while let Some(glob) = left.pop() {
        if left.len() + done.len() > MOST {
            return Err(Error::usage(format!("a glob stands for more than {MOST} others")));
        }
        match group(&glob) {
            Some((begin, end, alternatives)) => {
                let (before, behind) = (&glob[..begin], &glob[end..]);
                left.extend(alternatives.iter().map(|one| format!("{before}{one}{behind}")));
            }
            None => done.push(glob),
        }
    }
    Ok(done)
}

/// The first group in braces: where it begins and ends, and what it offers.
fn group(glob: &str) -> Option<(usize, usize, Vec<&str>)> {
    let (mut opened, mut depth, mut from, mut found) = (0, 0_usize, 0, Vec::new());
    for (place, character) in outside_classes(glob) {
        match character {
            '{' => {
                if depth == 0 {
                    (opened, from) = (place, place + 1);
                }
                depth += 1;
            }
            ',' if depth == 1 => {
                found.push(&glob[from..place]);
                from = place + 1;
            }
            '}' if depth == 1 => {
                found.push(&glob[from..place]);
                return Some((opened, place + 1, found));
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The characters that mean something, with their places: neither escaped nor in a class.
fn outside_classes(glob: &str) -> impl Iterator<Item = (usize, char)> {
    let mut characters = glob.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (place, character) = characters.next()?;
            match character {
                '\\' => {
                    characters.next();
                }
                '[' => {
                    characters.next_if(|(_, next)| matches!(next, '!' | '^'));
                    // A bracket that comes first is one of the class.
                    characters.next_if(|(_, next)| *next == ']');
                    while characters.next().is_some_and(|(_, next)| next != ']') {}
                }
                _ => return Some((place, character)),
            }
        }
    })
}

/// The parts of a glob without alternatives.
pub(super) fn parts(glob: &str) -> Vec<&str> {
    let (mut from, mut parts) = (0, Vec::new());
    for (place, _) in outside_classes(glob).filter(|(_, character)| *character == '/') {
        parts.push(&glob[from..place]);
        from = place + 1;
    }
    parts.push(&glob[from..]);
    parts
}

/// A part that means itself, with its escapes resolved; `None` if it has a wildcard.
pub(super) fn literal(part: &str) -> Option<Vec<u8>> {
    let (mut plain, mut characters) = (String::new(), part.chars());
    while let Some(character) = characters.next() {
        match character {
            '*' | '?' | '[' => return None,
            '\\' => plain.push(characters.next()?),
            other => plain.push(other),
        }
    }
    Some(plain.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_written_out_and_parts_split() {
        let of = |glob: &str| {
            let mut all = alternatives(glob).unwrap();
            all.sort();
            all
        };
        assert_eq!(of("a/b"), ["a/b"]);
        assert_eq!(
            of("usr/{local/,}lib/*.{a,o}"),
            ["usr/lib/*.a", "usr/lib/*.o", "usr/local/lib/*.a", "usr/local/lib/*.o"]
        );
        assert_eq!(of("{a,{b,c}d}"), ["a", "bd", "cd"]);
        assert_eq!(of("a\\{b,c}"), ["a\\{b,c}"]);
        assert_eq!(of("[{]a,b"), ["[{]a,b"]);
        assert!(alternatives(&"{a,b}".repeat(30)).is_err());
        assert_eq!(parts("a/[/]b/**"), ["a", "[/]b", "**"]);
        assert_eq!(literal("a\\*b").as_deref(), Some(&b"a*b"[..]));
        assert_eq!(literal("a*"), None);
    }
}
