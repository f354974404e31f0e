//! The parts of the screen. Each draws itself into its area from the state, and changes nothing but where it is scrolled.

pub mod detail;
pub mod files;
pub mod help;
pub mod image;
pub mod layers;
pub mod loading;
pub mod waste;

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

/// Text cut to a width, with a sign that it is.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
