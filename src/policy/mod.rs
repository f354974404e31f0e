//! The gate: limits in, verdict out, compatible with dive's settings and its report.
//! Must not know how an image is read or measured; it is given three numbers.

pub mod dive_ci;
mod rule;
mod verdict;

use std::path::Path;

use crate::error::Result;

pub use rule::{Rule, Threshold, Thresholds};
pub use verdict::{Limit, Measure, Measured, Outcome, RuleResult, Verdict, judge};

/// The limits given on the command line, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// A ratio of 0 to 1, or a word that disables the rule.
    pub lowest_efficiency: Option<String>,
    /// A size like `20MB`, or a word that disables the rule.
    pub highest_wasted_bytes: Option<String>,
    /// A ratio of 0 to 1, or a word that disables the rule.
    pub highest_user_wasted_percent: Option<String>,
}

/// The limits that hold: dive's defaults, over them the `.dive-ci` file if there is one, over both the command line.
///
/// This is the order of dive 0.13.1. A mistake in the file is an error even where the command line overrides it.
pub fn thresholds(flags: &Flags, file: Option<&Path>) -> Result<Thresholds> {
    merge(flags, file.map_or(Ok(Vec::new()), dive_ci::read)?)
}

/// The same with the text of a file that is already read. `name` is what error messages call it.
pub fn thresholds_from_text(flags: &Flags, name: &str, text: &str) -> Result<Thresholds> {
    merge(flags, dive_ci::parse(name, text)?)
}

fn merge(flags: &Flags, file: Vec<dive_ci::Setting>) -> Result<Thresholds> {
    let mut thresholds = Thresholds::default();
    for setting in file {
        thresholds.set(setting.rule, &setting.text, &setting.place)?;
    }
    for rule in Rule::ALL {
        let flag = match rule {
            Rule::LowestEfficiency => &flags.lowest_efficiency,
            Rule::HighestWastedBytes => &flags.highest_wasted_bytes,
            Rule::HighestUserWastedPercent => &flags.highest_user_wasted_percent,
        };
        if let Some(text) = flag {
            thresholds.set(rule, text, "on the command line")?;
        }
    }
    Ok(thresholds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit<T>(value: T, text: &str) -> Threshold<T> {
        Threshold::Limit { value, text: text.to_owned() }
    }

    #[test]
    fn the_defaults_are_dives() {
        let thresholds = thresholds(&Flags::default(), None).unwrap();
        assert_eq!(thresholds.lowest_efficiency, limit(0.9, "0.9"));
        assert_eq!(thresholds.highest_wasted_bytes, Threshold::Disabled);
        assert_eq!(thresholds.highest_user_wasted_percent, limit(0.1, "0.1"));
    }

    #[test]
    fn the_file_beats_the_defaults_and_the_command_line_beats_the_file() {
        let flags = Flags { highest_wasted_bytes: Some("1MiB".to_owned()), ..Flags::default() };
        let file = "rules:\n  lowestEfficiency: 0.950\n  highestWastedBytes: 20MB\n";
        let thresholds = thresholds_from_text(&flags, ".dive-ci", file).unwrap();
        assert_eq!(thresholds.lowest_efficiency, limit(0.95, "0.950"));
        assert_eq!(thresholds.highest_wasted_bytes, limit(1_048_576, "1MiB"));
        assert_eq!(thresholds.highest_user_wasted_percent, limit(0.1, "0.1"));

        let flags = Flags { lowest_efficiency: Some("off".to_owned()), ..Flags::default() };
        let thresholds = thresholds_from_text(&flags, ".dive-ci", file).unwrap();
        assert_eq!(thresholds.lowest_efficiency, Threshold::Disabled);
    }

    #[test]
    fn a_wrong_limit_says_where_it_is_written() {
        let flags = Flags::default();
        let error = thresholds_from_text(&flags, ".dive-ci", "rules:\n  lowestEfficiency: 90\n").unwrap_err();
        let expected = "error: lowestEfficiency is \"90\" in .dive-ci, line 2, which is not between 0 and 1\n\
                        hint: it is a ratio: write 0.9 for 90 %";
        assert_eq!(error.to_string(), expected);

        let flags = Flags { lowest_efficiency: Some("0.5".to_owned()), ..Flags::default() };
        assert!(thresholds_from_text(&flags, ".dive-ci", "rules:\n  lowestEfficiency: 90\n").is_err());
    }
}
