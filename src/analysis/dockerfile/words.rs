//! The words of an instruction as it stands in a file, with where they stand, so that some can be taken out and the
//! rest stays as it was written. Format: the Dockerfile reference, "Format" and "Escape".

use std::ops::Range;

/// A word: where it stands, and what it says without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its place in the text, in bytes.
    pub at: Range<usize>,
    /// What it says.
    pub says: String,
}

impl Word {
    /// The name that a word of `ENV`, `ARG` or `LABEL` sets.
    pub fn name(&self) -> &str {
        self.says.split_once('=').map_or(&self.says, |(name, _)| name)
    }
}

/// The words of an instruction, its keyword first. Comments between its lines and the ends of lines that go on are none.
pub fn words(text: &str, escape: char) -> Vec<Word> {
    let mut found = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let mut at_start = false;
    let mut characters = text.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        if at_start && quote.is_none() && character == '#' {
            while characters.next_if(|(_, next)| *next != '\n').is_some() {}
            continue;
        }
        let goes_on = character == escape && ends_line(text.get(place + character.len_utf8()..));
        if goes_on || (quote.is_none() && character.is_whitespace()) {
            if goes_on {
                while characters.next_if(|(_, next)| *next != '\n').is_some() {}
                characters.next();
            }
            at_start |= character == '\n' || goes_on;
            if quote.is_none() {
                found.extend(word.take());
            }
            continue;
        }
        at_start = false;
        let known = word.get_or_insert_with(|| Word { at: place..place, says: String::new() });
        known.at.end = place + character.len_utf8();
        match character {
            _ if quote == Some(character) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(character),
            _ if character == escape && quote != Some('\'') => {
                if let Some((next, escaped)) = characters.next() {
                    known.at.end = next + escaped.len_utf8();
                    known.says.push(escaped);
                }
            }
            _ => known.says.push(character),
        }
    }
    found.extend(word);
    found
}

fn ends_line(rest: Option<&str>) -> bool {
    rest.is_none_or(|rest| rest.chars().take_while(|character| *character != '\n').all(char::is_whitespace))
}

/// The text without some places, which come in order; lines that have nothing left go, and the last line goes on no more.
pub fn without(text: &str, places: impl IntoIterator<Item = Range<usize>>, escape: char) -> String {
    let (mut left, mut at) = (String::new(), 0);
    for place in places {
        let before = text.get(at..place.start).unwrap_or_default();
        let trimmed = before.trim_end_matches([' ', '\t']);
        at = place.end;
        // What follows takes the place of what stood first in its line.
        let is_first = trimmed.ends_with('\n');
        left.push_str(if is_first { before } else { trimmed });
        let rest = text.get(at..).unwrap_or_default();
        at += if is_first { rest.len() - rest.trim_start_matches([' ', '\t']).len() } else { 0 };
    }
    left.push_str(text.get(at..).unwrap_or_default());
    let escaped = escape.to_string();
    let mut lines: Vec<&str> = left.lines().filter(|line| line.trim() != escaped).collect();
    // What is behind the last word is no part of it.
    while lines.len() > 1 && lines.last().is_some_and(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
        lines.pop();
    }
    lines.join("\n").trim_end().trim_end_matches(escape).trim_end().to_owned()
}

/// The names that an `ENV`, `ARG` or `LABEL` sets, with the place of each in the text.
pub fn named(text: &str, keyword: &str, escape: char) -> Vec<Word> {
    let mut words = words(text, escape).into_iter().skip(1).peekable();
    // `ENV NAME any words` is the old form, in which the rest of the line is the value.
    let is_old = keyword != "ARG" && words.peek().is_some_and(|first| !first.says.contains('='));
    let Some(first) = words.next() else { return Vec::new() };
    if is_old {
        let end = words.last().map_or(first.at.end, |last| last.at.end);
        return vec![Word { at: first.at.start..end, says: first.says }];
    }
    std::iter::once(first).chain(words).collect()
}

/// Whether a text has a variable's value in it: `$NAME`, `${NAME}`, `${NAME:-x}`.
pub fn mentions(text: &str, name: &str) -> bool {
    text.match_indices('$').any(|(place, _)| {
        let rest = &text[place + 1..];
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// Whether a text has a name in it as a whole: `$NAME`, `${#NAME}`, `printenv NAME`.
pub fn has_name(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(place, _)| !text[..place].ends_with(is_part) && !text[place + name.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> Vec<String> {
        words(text, '\\').into_iter().map(|word| word.says).collect()
    }

    #[test]
    fn words_are_told_apart_as_a_builder_does() {
        assert_eq!(says("ENV A=1 B=\"x y\" C='$z w' D=a\\ b"), ["ENV", "A=1", "B=x y", "C=$z w", "D=a b"]);
        assert_eq!(says("ENV A=1 \\\n  # B=2\n\n  C=3 \\  \n D=4"), ["ENV", "A=1", "C=3", "D=4"]);
        assert_eq!(says("ENV A=\"x\\\n y\" B=#1"), ["ENV", "A=x y", "B=#1"]);
        assert_eq!(says("ENV A=\"open"), ["ENV", "A=open"]);
        assert!(says("").is_empty());
        let old = named("ENV TOKEN a b c", "ENV", '\\');
        assert_eq!((old.len(), old[0].name(), old[0].at.clone()), (1, "TOKEN", 4..15));
        let args = named("ARG A B=2", "ARG", '\\');
        assert_eq!(args.iter().map(Word::name).collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn what_is_left_is_as_it_was_written() {
        let text = "ENV A=1 \\\n    # the token\n    TOKEN=\"a b\" \\\n    C='3'";
        let left = |name: &str| {
            let places: Vec<_> = named(text, "ENV", '\\').into_iter().filter(|word| word.name() == name).collect();
            without(text, places.into_iter().map(|word| word.at), '\\')
        };
        assert_eq!(left("TOKEN"), "ENV A=1 \\\n    # the token\n    C='3'");
        assert_eq!(left("C"), "ENV A=1 \\\n    # the token\n    TOKEN=\"a b\"");
        assert_eq!(left("A"), "ENV \\\n    # the token\n    TOKEN=\"a b\" \\\n    C='3'");
        assert_eq!(without("ENV A=1", Some(4..7), '\\'), "ENV");
    }

    #[test]
    fn a_variable_is_not_another_with_a_longer_name() {
        for text in ["x $TOKEN", "\"${TOKEN}\"", "${TOKEN:-none}", "a$TOKEN/b"] {
            assert!(mentions(text, "TOKEN"), "{text}");
        }
        for text in ["TOKEN", "$TOKENS", "${TOKEN_FILE}", "$", "${"] {
            assert!(!mentions(text, "TOKEN"), "{text}");
        }
        for text in ["TOKEN", "${#TOKEN}", "printenv TOKEN", "environ['TOKEN']"] {
            assert!(has_name(text, "TOKEN"), "{text}");
        }
        for text in ["TOKENS", "A_TOKEN", "token", ""] {
            assert!(!has_name(text, "TOKEN"), "{text}");
        }
    }
}
