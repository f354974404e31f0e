//! The three rules of dive's gate: their names, their limits, and how a limit is read from text.
//! Must not know where the text was written, nor what an image measures.

use crate::error::{Error, Result};
use crate::units::humanize;

/// One of dive's rules. The variants stand in the order of their names, which is the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// How much of what the layers after the first add may be wasted, as a ratio.
    HighestUserWastedPercent,
    /// How many bytes may be wasted.
    HighestWastedBytes,
    /// How efficient the image has to be, as a ratio.
    LowestEfficiency,
}

impl Rule {
    /// All rules, in the order of the report.
    pub const ALL: [Self; 3] = [Self::HighestUserWastedPercent, Self::HighestWastedBytes, Self::LowestEfficiency];

    /// The name dive gives the rule, in settings and in the report.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::HighestUserWastedPercent => "highestUserWastedPercent",
            Self::HighestWastedBytes => "highestWastedBytes",
            Self::LowestEfficiency => "lowestEfficiency",
        }
    }

    /// The same name in kebab-case, as dive's application settings spell it.
    #[must_use]
    pub fn kebab(self) -> &'static str {
        match self {
            Self::HighestUserWastedPercent => "highest-user-wasted-percent",
            Self::HighestWastedBytes => "highest-wasted-bytes",
            Self::LowestEfficiency => "lowest-efficiency",
        }
    }

    /// The rule of this name, in either spelling.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| name == rule.id() || name == rule.kebab())
    }

    /// The rule that a misspelt name most likely means.
    #[must_use]
    pub fn resembling(name: &str) -> Option<Self> {
        let plain = plain(name);
        // dive's own examples once called a rule `lowest-efficiency-threshold`.
        let extended = Self::ALL.into_iter().find(|rule| plain.starts_with(&rule.id().to_lowercase()));
        extended.or_else(|| {
            let distances = Self::ALL.into_iter().map(|rule| (distance(&plain, &rule.id().to_lowercase()), rule));
            distances.min().filter(|(distance, _)| *distance <= MAX_DISTANCE).map(|(_, rule)| rule)
        })
    }
}

/// Up to this many wrong letters, a name still counts as a misspelling and not as another word.
const MAX_DISTANCE: usize = 4;
/// No name that resembles a rule is longer: what is compared letter by letter stays small.
const MAX_NAME: usize = 64;

/// A name without what the spellings differ in.
fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).take(MAX_NAME).collect::<String>().to_lowercase()
}

/// How many letters have to be added, removed or replaced to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, &wanted) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// The limit of one rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Threshold<T> {
    /// The rule is judged against `value`.
    Limit {
        /// The limit as a number: a ratio of 0 to 1, or bytes.
        value: T,
        /// The limit as it was written, without the space around it.
        text: String,
    },
    /// The rule is not judged.
    Disabled,
}

/// The limits of all rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// A ratio of 0 to 1; an image below it fails.
    pub lowest_efficiency: Threshold<f64>,
    /// Bytes; an image that wastes more fails.
    pub highest_wasted_bytes: Threshold<u64>,
    /// A ratio of 0 to 1, whatever its name says; an image that wastes more of its user bytes fails.
    pub highest_user_wasted_percent: Threshold<f64>,
}

impl Default for Thresholds {
    /// dive's own defaults.
    fn default() -> Self {
        Self {
            lowest_efficiency: Threshold::Limit { value: 0.9, text: "0.9".to_owned() },
            highest_wasted_bytes: Threshold::Disabled,
            highest_user_wasted_percent: Threshold::Limit { value: 0.1, text: "0.1".to_owned() },
        }
    }
}

impl Thresholds {
    /// Sets the limit of `rule` to what `text` says. `place` tells a reader of the error where the text is written.
    pub fn set(&mut self, rule: Rule, text: &str, place: &str) -> Result<()> {
        match rule {
            Rule::LowestEfficiency => self.lowest_efficiency = ratio(rule, text, place)?,
            Rule::HighestWastedBytes => self.highest_wasted_bytes = size(rule, text, place)?,
            Rule::HighestUserWastedPercent => self.highest_user_wasted_percent = ratio(rule, text, place)?,
        }
        Ok(())
    }
}

/// Whether a limit says that its rule is off. Like dive after 0.13.1, which itself knew `disabled` only.
fn is_disabled(text: &str) -> bool {
    ["", "disabled", "off", "false"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn ratio(rule: Rule, text: &str, place: &str) -> Result<Threshold<f64>> {
    let text = text.trim();
    if is_disabled(text) {
        return Ok(Threshold::Disabled);
    }
    let wrong = |why: &str| Error::usage(format!("{} is {text:?} {place}, {why}", rule.id()));
    let (number, is_percentage) = text.strip_suffix('%').map_or((text, false), |number| (number.trim(), true));
    let Ok(value) = number.parse::<f64>() else {
        return Err(wrong("which is no number").hint("write a number from 0 to 1, or `disabled`"));
    };
    if !is_percentage && (0.0..=1.0).contains(&value) {
        return Ok(Threshold::Limit { value, text: text.to_owned() });
    }
    let why = if is_percentage { "but has to be a number from 0 to 1" } else { "which is not between 0 and 1" };
    let hint = if (0.0..=100.0).contains(&value) {
        format!("it is a ratio: write {} for {value} %", value / 100.0)
    } else {
        "write a number from 0 to 1, or `disabled`".to_owned()
    };
    Err(wrong(why).hint(hint))
}

fn size(rule: Rule, text: &str, place: &str) -> Result<Threshold<u64>> {
    let text = text.trim();
    if is_disabled(text) {
        return Ok(Threshold::Disabled);
    }
    match humanize::parse(text) {
        Ok(value) => Ok(Threshold::Limit { value, text: text.to_owned() }),
        Err(cause) => Err(Error::usage(format!("{} is {text:?} {place}, which is no size", rule.id()))
            .caused_by(&cause)
            .hint("write a size like 20MB, 20MiB or 1000, or `disabled`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(rule: Rule, text: &str) -> Result<Thresholds> {
        let mut thresholds = Thresholds::default();
        thresholds.set(rule, text, "on the command line").map(|()| thresholds)
    }

    #[test]
    fn names_are_known_in_both_spellings() {
        for rule in Rule::ALL {
            assert_eq!(Rule::named(rule.id()), Some(rule));
            assert_eq!(Rule::named(rule.kebab()), Some(rule));
        }
        assert_eq!(Rule::named("lowestefficiency"), None);
        assert!(Rule::ALL.is_sorted_by_key(|rule| rule.id()));
    }

    #[test]
    fn a_misspelt_name_is_recognised() {
        let rows = [
            ("lowestEfficency", Some(Rule::LowestEfficiency)),
            ("LowestEfficiency", Some(Rule::LowestEfficiency)),
            ("lowest_efficiency", Some(Rule::LowestEfficiency)),
            ("lowest-efficiency-threshold", Some(Rule::LowestEfficiency)),
            ("highestWasteBytes", Some(Rule::HighestWastedBytes)),
            ("highestUserWastedPercentage", Some(Rule::HighestUserWastedPercent)),
            ("plugin1/rule1", None),
            ("", None),
        ];
        for (name, rule) in rows {
            assert_eq!(Rule::resembling(name), rule, "{name}");
        }
    }

    #[test]
    fn a_rule_can_be_switched_off() {
        for text in ["", "  ", "disabled", " Disabled ", "off", "OFF", "false", "False"] {
            for rule in Rule::ALL {
                let thresholds = set(rule, text).unwrap();
                let is_off = match rule {
                    Rule::LowestEfficiency => thresholds.lowest_efficiency == Threshold::Disabled,
                    Rule::HighestWastedBytes => thresholds.highest_wasted_bytes == Threshold::Disabled,
                    Rule::HighestUserWastedPercent => thresholds.highest_user_wasted_percent == Threshold::Disabled,
                };
                assert!(is_off, "{rule:?} {text:?}");
            }
        }
    }

    #[test]
    fn limits_keep_their_text() {
        for (text, value) in [("0", 0.0), ("1", 1.0), (" 0.95 ", 0.95), (".5", 0.5), ("1.0", 1.0), ("1e-1", 0.1)] {
            let limit = Threshold::Limit { value, text: text.trim().to_owned() };
            assert_eq!(set(Rule::LowestEfficiency, text).unwrap().lowest_efficiency, limit);
            assert_eq!(set(Rule::HighestUserWastedPercent, text).unwrap().highest_user_wasted_percent, limit);
        }
        let limit = Threshold::Limit { value: 20_000_000, text: "20Mb".to_owned() };
        assert_eq!(set(Rule::HighestWastedBytes, "20Mb ").unwrap().highest_wasted_bytes, limit);
    }

    #[test]
    fn what_is_no_limit_is_refused_with_advice() {
        let rows = [
            (Rule::LowestEfficiency, "high", "write a number from 0 to 1"),
            (Rule::LowestEfficiency, "nan", "write a number from 0 to 1"),
            (Rule::LowestEfficiency, "inf", "write a number from 0 to 1"),
            (Rule::LowestEfficiency, "-0.1", "write a number from 0 to 1"),
            (Rule::LowestEfficiency, "1.01", "write 0.0101 for 1.01 %"),
            (Rule::LowestEfficiency, "90%", "write 0.9 for 90 %"),
            (Rule::HighestUserWastedPercent, "10", "write 0.1 for 10 %"),
            (Rule::HighestUserWastedPercent, "true", "write a number from 0 to 1"),
            (Rule::HighestWastedBytes, "20 bytes", "write a size like 20MB"),
            (Rule::HighestWastedBytes, "-1", "write a size like 20MB"),
            (Rule::HighestWastedBytes, "16EiB", "write a size like 20MB"),
        ];
        for (rule, text, advice) in rows {
            let error = set(rule, text).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2, "{text}");
            let shown = error.to_string();
            assert!(shown.contains(advice) && shown.contains("on the command line"), "{shown}");
        }
    }
}
