//! Sizes, counts, times and names as text. Serves every room; knows none of them.

pub mod humanize;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use humansize::{BINARY, DECIMAL, FormatSizeOptions, SizeFormatter};

/// Whether sizes are written in powers of 1024. It is chosen once, before anything is written: sizes are written in a
/// hundred places, and all of them must agree.
static IEC: AtomicBool = AtomicBool::new(false);

/// From now on sizes are written in powers of 1024 (`91.8 MiB`).
pub fn use_iec() {
    IEC.store(true, Ordering::Relaxed);
}

/// Bytes the way `docker images` writes them: powers of 1000, one decimal (`96.3 MB`), whole numbers below 1 kB. With
/// [`use_iec`] in powers of 1024.
#[must_use]
pub fn bytes(count: u64) -> String {
    if IEC.load(Ordering::Relaxed) { binary(count) } else { written(count, 1000, DECIMAL) }
}

/// Bytes in powers of 1024, in as many columns as in powers of 1000: from 1000 units on without the decimal.
fn binary(count: u64) -> String {
    let text = written(count, 1024, BINARY);
    let whole = text.split_once('.').filter(|(whole, _)| whole.len() > 3).map(|(whole, _)| whole.to_owned());
    whole.map_or_else(|| text.clone(), |whole| format!("{whole}{}", &text[text.find(' ').unwrap_or(text.len())..]))
}

fn written(count: u64, unit: u64, options: FormatSizeOptions) -> String {
    let decimals = usize::from(count >= unit);
    SizeFormatter::new(count, options.decimal_places(decimals).decimal_zeroes(decimals)).to_string()
}

/// A count with a comma between thousands: `41,337`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

/// A count with its noun: `1 name`, `2 names`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A ratio as a percentage with two decimals: `98.44 %`.
#[must_use]
pub fn percent(ratio: f64) -> String {
    format!("{:.2} %", ratio * 100.0)
}

/// How long something took or will take: `0.4 s`, `12 s`, `3 min 05 s`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// How long ago something was: `3 hours ago`. What lies in the future was made just now.
#[must_use]
pub fn ago(time: Duration) -> String {
    const UNITS: [(u64, &str, &str); 5] = [
        (365 * 86400, "year", "years"),
        (30 * 86400, "month", "months"),
        (86400, "day", "days"),
        (3600, "hour", "hours"),
        (60, "minute", "minutes"),
    ];
    let seconds = time.as_secs();
    let unit = UNITS.iter().find(|(length, _, _)| seconds >= *length);
    unit.map_or_else(
        || "just now".to_owned(),
        |(length, one, many)| format!("{} ago", counted(seconds / length, one, many)),
    )
}

/// A name from an image as text that a terminal shows and never obeys: control characters, the characters that turn
/// the writing direction, and bytes that are not UTF-8 are written as escapes.
#[must_use]
pub fn printable(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(name)
        && !text.chars().any(is_unsafe)
    {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(name.len() + 16);
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => safe.push_str("\\n"),
                '\r' => safe.push_str("\\r"),
                '\t' => safe.push_str("\\t"),
                other if is_unsafe(other) => {
                    // Writing to a String cannot fail.
                    let _ = write!(safe, "\\u{{{:x}}}", u32::from(other));
                }
                other => safe.push(other),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(safe, "\\x{byte:02x}");
        }
    }
    Cow::Owned(safe)
}

/// Characters that move the cursor, start an escape sequence, break a line or turn the writing direction.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_like_docker() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_000), "1.0 kB");
        assert_eq!(bytes(96_300_000), "96.3 MB");
    }

    #[test]
    fn powers_of_1024_take_no_more_room() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1023 * 1024, "1023 KiB"),
            (96_300_000, "91.8 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(binary(count), text);
        }
    }

    #[test]
    fn counts_have_commas() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(41_337), "41,337");
        assert_eq!(count(1_000_000), "1,000,000");
    }

    #[test]
    fn times_read_like_speech() {
        assert_eq!(duration(Duration::from_millis(400)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(12)), "12 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn ages_read_like_speech() {
        assert_eq!(ago(Duration::from_secs(5)), "just now");
        assert_eq!(ago(Duration::from_secs(3600)), "1 hour ago");
        assert_eq!(ago(Duration::from_secs(3 * 86400)), "3 days ago");
        assert_eq!(ago(Duration::from_secs(800 * 86400)), "2 years ago");
    }

    #[test]
    fn names_never_drive_the_terminal() {
        assert_eq!(printable(b"plain"), "plain");
        assert_eq!(printable("gr\u{fc}n".as_bytes()), "gr\u{fc}n");
        assert_eq!(printable(b"a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(printable(b"tab\tnew\nline"), "tab\\tnew\\nline");
        assert_eq!(printable(b"latin-\xe9"), "latin-\\xe9");
        assert_eq!(printable("exe\u{202e}gpj".as_bytes()), "exe\\u{202e}gpj");
        assert_eq!(printable("c1\u{9b}".as_bytes()), "c1\\u{9b}");
    }
}
