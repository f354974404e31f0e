//! Sizes as people type them, and as dive's report shows them: the two functions of go-humanize that dive uses.
//! `units::bytes` is how layerscope itself writes sizes.

use thiserror::Error;

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SizeError {
    /// It does not begin with a number, or the number has two points.
    #[error("{0:?} does not begin with a number")]
    Number(String),
    /// What follows the number is none of the known units.
    #[error("{0:?} is not a unit of size")]
    Unit(String),
    /// 2^64 bytes or more.
    #[error("{0:?} is more than 64 bits can count")]
    TooLarge(String),
}

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * KIB;
const GIB: f64 = 1024.0 * MIB;
const TIB: f64 = 1024.0 * GIB;
const PIB: f64 = 1024.0 * TIB;
const EIB: f64 = 1024.0 * PIB;

/// The size in bytes that `text` stands for, rounded down: `20MB` is 20,000,000 and `20MiB` is 20,971,520. Case does
/// not matter, the `B` may be left out, commas between digits and space before the unit are skipped.
///
/// The arithmetic is floating point on purpose: beyond 2^53 bytes go-humanize rounds the same way.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let is_number = |character: char| character.is_ascii_digit() || matches!(character, '.' | ',');
    let (number, unit) = text.split_at(text.find(|character| !is_number(character)).unwrap_or(text.len()));
    let Ok(number) = number.replace(',', "").parse::<f64>() else {
        return Err(SizeError::Number(text.to_owned()));
    };
    let unit = unit.trim().to_lowercase();
    let factor = match unit.as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "p" | "pb" => 1e15,
        "e" | "eb" => 1e18,
        "ki" | "kib" => KIB,
        "mi" | "mib" => MIB,
        "gi" | "gib" => GIB,
        "ti" | "tib" => TIB,
        "pi" | "pib" => PIB,
        "ei" | "eib" => EIB,
        _ => return Err(SizeError::Unit(unit)),
    };
    let bytes = number * factor;
    if bytes >= 16.0 * EIB {
        return Err(SizeError::TooLarge(text.to_owned()));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= bytes < 2^64; rounds down")]
    Ok(bytes as u64)
}

/// A number of bytes the way dive prints it: `9 B`, `6.4 kB`, `83 MB`. One decimal below ten, none from there on.
///
/// go-humanize finds the unit by a logarithm, this by exact division. They part only for sizes so near below a power
/// of 1000 that a float cannot tell them apart (999,999,999,999,999 bytes).
#[must_use]
pub fn write(count: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if count < 10 {
        return format!("{count} B");
    }
    let (mut unit, mut scale) = (0, 1_u64);
    while count / scale >= 1000 {
        scale *= 1000;
        unit += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "go-humanize divides floats too")]
    let value = (count as f64 / scale as f64 * 10.0 + 0.5).floor() / 10.0;
    let decimals = usize::from(value < 10.0);
    format!("{value:.decimals$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row was printed by go-humanize 1.0.0's `ParseBytes`, built with Go 1.24.4.
    #[test]
    fn sizes_are_read_like_go_humanize_reads_them() {
        let rows = [
            ("20MB", 20_000_000),
            ("20Mb", 20_000_000),
            ("20mb", 20_000_000),
            ("20  MB ", 20_000_000),
            ("20MiB", 20_971_520),
            ("1B", 1),
            ("50kB", 50_000),
            ("50KB", 50_000),
            ("5\u{212a}B", 5_000),
            ("5\u{2003}MB", 5_000_000),
            ("1,005.03 MB", 1_005_030_000),
            ("1,,0", 10),
            ("42", 42),
            ("0", 0),
            (".5k", 500),
            ("5.k", 5_000),
            ("1.5Ki", 1_536),
            ("100 Ki", 102_400),
            ("0.0000001MB", 0),
            ("1.9999", 1),
            ("2e", 2_000_000_000_000_000_000),
            ("1 e", 1_000_000_000_000_000_000),
            ("1eb", 1_000_000_000_000_000_000),
            ("1eib", 1_152_921_504_606_846_976),
            ("7b", 7),
            ("7k", 7_000),
            ("7m", 7_000_000),
            ("7mi", 7_340_032),
            ("7g", 7_000_000_000),
            ("7gb", 7_000_000_000),
            ("7gi", 7_516_192_768),
            ("7gib", 7_516_192_768),
            ("7t", 7_000_000_000_000),
            ("7tb", 7_000_000_000_000),
            ("7ti", 7_696_581_394_432),
            ("7tib", 7_696_581_394_432),
            ("7p", 7_000_000_000_000_000),
            ("7pb", 7_000_000_000_000_000),
            ("7pi", 7_881_299_347_898_368),
            ("7pib", 7_881_299_347_898_368),
            ("7ei", 8_070_450_532_247_928_832),
            ("15EiB", 17_293_822_569_102_704_640),
            ("16EB", 16_000_000_000_000_000_000),
            ("18.4EB", 18_399_999_999_999_997_952),
            ("18446744073709549568", 18_446_744_073_709_549_568),
        ];
        for (text, bytes) in rows {
            assert_eq!(parse(text), Ok(bytes), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "\t", "MB", ",", ".", "-5MB", "+5MB", " 5MB", "1.2.3", "\u{663}MB", "nan", "inf"] {
            assert_eq!(parse(text), Err(SizeError::Number(text.to_owned())), "{text:?}");
        }
        for (text, unit) in [("5 bytes", "bytes"), ("1e6", "e6"), ("0x10", "x10"), ("1_000", "_000"), ("10%", "%")] {
            assert_eq!(parse(text), Err(SizeError::Unit(unit.to_owned())), "{text:?}");
        }
        let endless = "9".repeat(400);
        for text in ["16EiB", "18.5EB", "18446744073709551615", &endless] {
            assert_eq!(parse(text), Err(SizeError::TooLarge(text.to_owned())), "{text:?}");
        }
    }

    /// Every row was printed by go-humanize 1.0.0's `Bytes`, built with Go 1.24.4.
    #[test]
    fn sizes_are_written_like_go_humanize_writes_them() {
        let rows = [
            (0, "0 B"),
            (9, "9 B"),
            (10, "10 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_049, "1.0 kB"),
            (1_050, "1.1 kB"),
            (6_405, "6.4 kB"),
            (9_949, "9.9 kB"),
            (9_950, "10 kB"),
            (12_500, "12 kB"),
            (12_810, "13 kB"),
            (13_500, "14 kB"),
            (999_499, "1000 kB"),
            (999_999, "1000 kB"),
            (1_000_000, "1.0 MB"),
            (82_854_982, "83 MB"),
            (999_999_999, "1000 MB"),
            (1_000_000_000, "1.0 GB"),
            (1_000_000_000_000, "1.0 TB"),
            (1_000_000_000_000_000, "1.0 PB"),
            (1_000_000_000_000_000_000, "1.0 EB"),
            (u64::MAX, "18 EB"),
        ];
        for (count, text) in rows {
            assert_eq!(write(count), text, "{count}");
        }
    }
}
