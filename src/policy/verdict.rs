//! Measured numbers held against limits: what passes, what fails, and the lines that say so.
//! Must not know how the numbers were measured, nor where the limits were written.

use std::fmt::Write as _;

use crate::policy::rule::{Rule, Threshold, Thresholds};
use crate::units::{counted, humanize, printable};

/// What dive measures of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// A ratio of 0 to 1.
    pub efficiency: f64,
    /// Bytes of all copies of every path that is in more than one layer.
    pub wasted_bytes: u64,
    /// Wasted bytes per byte of the layers after the first: a ratio, NaN for 0/0, infinite for x/0.
    pub user_wasted_percent: f64,
}

/// A number that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// 1.0 is the whole.
    Ratio(f64),
    /// A number of bytes.
    Bytes(u64),
    /// A number of things.
    Count(u64),
}

/// The limit a rule was judged against.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The limit as a number.
    pub value: Measure,
    /// The limit as it was written.
    pub text: String,
}

/// How one rule came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The image is within the limit.
    Pass,
    /// The image is beyond the limit.
    Fail,
    /// The rule is disabled.
    Skip,
}

impl Outcome {
    /// The word dive's report begins the line with.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Skip => "SKIP",
        }
    }
}

/// One judged rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleResult {
    /// The rule's name as dive spells it.
    pub id: &'static str,
    /// What the image measures.
    pub measured: Measure,
    /// The limit, unless the rule is disabled.
    pub limit: Option<Limit>,
    /// How the rule came out.
    pub verdict: Outcome,
    /// Why. Empty for a rule that passed.
    pub message: String,
}

/// The rules judged, and whether the image was read completely enough to judge it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    rules: Vec<RuleResult>,
    incomplete: Option<String>,
}

/// What the report calls the rule about findings.
const FINDINGS: &str = "findings";

/// What the report calls the check that the whole image was read. dive has no such check and no such line.
const COMPLETE: &str = "imageComplete";

impl Verdict {
    /// A verdict on an image of which nothing could be measured: it fails. `reason` says why.
    #[must_use]
    pub fn not_judged(reason: impl Into<String>) -> Self {
        Self { rules: Vec::new(), incomplete: Some(reason.into()) }
    }

    /// The same verdict on an image that was read only in part: it fails, whatever the part that was read measures.
    #[must_use]
    pub fn incomplete(mut self, reason: impl Into<String>) -> Self {
        self.incomplete = Some(reason.into());
        self
    }

    /// Whether the gate is open.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.incomplete.is_none() && self.count(Outcome::Fail) == 0
    }

    /// The same verdict, held against findings as well: it fails if any is as grave as `severity`. `grave` says what
    /// those are, a line for each. dive has no such rule; it stands behind dive's.
    #[must_use]
    pub fn with_findings(mut self, severity: &str, grave: &[String]) -> Self {
        const TOLD: usize = 5;
        let many = grave.len() as u64;
        let more = grave.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let told = grave.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
        let (verdict, message) = if grave.is_empty() {
            (Outcome::Pass, String::new())
        } else {
            let noun = counted(many, "finding is", "findings are");
            (Outcome::Fail, format!("{noun} {severity} or worse: {told}{more}"))
        };
        self.rules.push(RuleResult {
            id: FINDINGS,
            measured: Measure::Count(many),
            limit: Some(Limit { value: Measure::Count(0), text: format!("none {severity} or worse") }),
            verdict,
            message,
        });
        self
    }

    /// The rules in the order of their names.
    #[must_use]
    pub fn rules(&self) -> &[RuleResult] {
        &self.rules
    }

    /// Why the image counts as read only in part, if it does.
    #[must_use]
    pub fn incomplete_reason(&self) -> Option<&str> {
        self.incomplete.as_deref()
    }

    /// The lines dive 0.13.1 ends its report with, without colours. Scripts search for them: the beginnings of the
    /// lines and the last line are dive's, the explanations are ours. Every line ends with a line feed.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = String::new();
        for rule in &self.rules {
            line(&mut text, rule.verdict, rule.id, &rule.message);
        }
        if let Some(reason) = &self.incomplete {
            line(&mut text, Outcome::Fail, COMPLETE, &format!("the image was not read completely: {reason}"));
        }
        // What was not read counts as one more failed check, so that the numbers agree with the word before them.
        let unread = usize::from(self.incomplete.is_some());
        let word = if self.passed() { Outcome::Pass } else { Outcome::Fail }.word();
        let (passed, skipped) = (self.count(Outcome::Pass), self.count(Outcome::Skip));
        let (total, failed) = (self.rules.len() + unread, self.count(Outcome::Fail) + unread);
        // dive counts warnings and never gives one. Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Result:{word} [Total:{total}] [Passed:{passed}] [Failed:{failed}] [Warn:0] [Skipped:{skipped}]"
        );
        text
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.rules.iter().filter(|rule| rule.verdict == outcome).count()
    }
}

/// Adds one line of the report. The message is escaped: a limit or a name in it could forge another line.
fn line(text: &mut String, outcome: Outcome, id: &str, message: &str) {
    let colon = if message.is_empty() { "" } else { ": " };
    let _ = writeln!(text, "  {}: {id}{colon}{}", outcome.word(), printable(message.as_bytes()));
}

/// Judges what was measured. A number equal to its limit passes, and so does one that is not a number.
#[must_use]
pub fn judge(thresholds: &Thresholds, measured: &Measured) -> Verdict {
    let rules = Rule::ALL.map(|rule| match rule {
        Rule::HighestUserWastedPercent => {
            let share = measured.user_wasted_percent;
            let is_beyond = |limit: f64| share > limit;
            result(rule, Measure::Ratio(share), &thresholds.highest_user_wasted_percent, Measure::Ratio, is_beyond)
        }
        Rule::HighestWastedBytes => {
            let wasted = measured.wasted_bytes;
            let is_beyond = |limit: u64| wasted > limit;
            result(rule, Measure::Bytes(wasted), &thresholds.highest_wasted_bytes, Measure::Bytes, is_beyond)
        }
        Rule::LowestEfficiency => {
            let efficiency = measured.efficiency;
            let is_beyond = |limit: f64| limit > efficiency;
            result(rule, Measure::Ratio(efficiency), &thresholds.lowest_efficiency, Measure::Ratio, is_beyond)
        }
    });
    Verdict { rules: rules.into(), incomplete: None }
}

fn result<T: Copy>(
    rule: Rule,
    measured: Measure,
    threshold: &Threshold<T>,
    measure: impl Fn(T) -> Measure,
    is_beyond: impl Fn(T) -> bool,
) -> RuleResult {
    let (limit, verdict) = match threshold {
        Threshold::Disabled => (None, Outcome::Skip),
        Threshold::Limit { value, text } => {
            let verdict = if is_beyond(*value) { Outcome::Fail } else { Outcome::Pass };
            (Some(Limit { value: measure(*value), text: text.clone() }), verdict)
        }
    };
    let message = match (verdict, &limit) {
        (Outcome::Fail, Some(limit)) => failure(rule, measured, limit),
        (Outcome::Skip, _) => "rule disabled".to_owned(),
        (Outcome::Pass | Outcome::Fail, _) => String::new(),
    };
    RuleResult { id: rule.id(), measured, limit, verdict, message }
}

/// Why a rule failed, with both numbers. The measured one is in full: rounded, it could look equal to the limit.
fn failure(rule: Rule, measured: Measure, limit: &Limit) -> String {
    let limit = &limit.text;
    match (measured, rule) {
        (Measure::Bytes(wasted), _) => {
            format!("{wasted} bytes ({}) are wasted, more than {limit}", humanize::write(wasted))
        }
        (Measure::Ratio(efficiency), Rule::LowestEfficiency) => {
            format!("the efficiency is {efficiency}, less than {limit}")
        }
        (Measure::Ratio(share), _) if share.is_infinite() => {
            format!("bytes are wasted and the layers after the first add none, which is more than {limit}")
        }
        (Measure::Count(many), _) => format!("{many}, more than {limit}"),
        (Measure::Ratio(share), _) => {
            format!("{share} of what the layers after the first add is wasted, more than {limit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_one_more_rule() {
        let measured = Measured { efficiency: 1.0, wasted_bytes: 0, user_wasted_percent: 0.0 };
        let verdict = judge(&Thresholds::default(), &measured);
        let clean = verdict.clone().with_findings("high", &[]);
        assert!(clean.passed() && clean.report().contains("  PASS: findings\n"));
        let grave: Vec<String> = (0..7).map(|number| format!("R-{number} /x\n")).collect();
        let failed = verdict.with_findings("high", &grave);
        assert!(!failed.passed());
        let report = failed.report();
        assert!(report.contains("  FAIL: findings: 7 findings are high or worse: R-0 /x\\n, "), "{report}");
        assert!(report.contains("R-4 /x\\n, and 2 more\n") && report.contains("[Total:4]"), "{report}");
    }

    fn thresholds(efficiency: &str, bytes: &str, percent: &str) -> Thresholds {
        let mut thresholds = Thresholds::default();
        thresholds.set(Rule::LowestEfficiency, efficiency, "").unwrap();
        thresholds.set(Rule::HighestWastedBytes, bytes, "").unwrap();
        thresholds.set(Rule::HighestUserWastedPercent, percent, "").unwrap();
        thresholds
    }

    fn outcomes(limits: [&str; 3], efficiency: f64, wasted_bytes: u64, user_wasted_percent: f64) -> String {
        let measured = Measured { efficiency, wasted_bytes, user_wasted_percent };
        let verdict = judge(&thresholds(limits[0], limits[1], limits[2]), &measured);
        let words: Vec<_> = verdict.rules().iter().rev().map(|rule| rule.verdict.word()).collect();
        assert_eq!(verdict.passed(), !words.contains(&"FAIL"));
        words.join(" ")
    }

    #[test]
    fn equal_passes_and_beyond_fails() {
        let limits = ["0.9", "1000", "0.1"];
        let rows = [
            (0.9, 1000, 0.1, "PASS PASS PASS"),
            (0.9_f64.next_down(), 1000, 0.1, "FAIL PASS PASS"),
            (0.9, 1001, 0.1, "PASS FAIL PASS"),
            (0.9, 1000, 0.1_f64.next_up(), "PASS PASS FAIL"),
            (0.0, u64::MAX, f64::INFINITY, "FAIL FAIL FAIL"),
            (1.0, 0, f64::NAN, "PASS PASS PASS"),
            (1.0, 0, 0.0, "PASS PASS PASS"),
        ];
        for (efficiency, bytes, percent, expected) in rows {
            assert_eq!(outcomes(limits, efficiency, bytes, percent), expected, "{efficiency} {bytes} {percent}");
        }
        assert_eq!(outcomes(["1", "0", "1"], 1.0, 0, 1.2), "PASS PASS FAIL");
        assert_eq!(outcomes(["off", "off", "off"], 0.0, u64::MAX, f64::INFINITY), "SKIP SKIP SKIP");
    }

    /// The reference values of dive's own sample image, judged by its defaults.
    const SAMPLE: Measured = Measured {
        efficiency: 0.984_421_213_418_430_9,
        wasted_bytes: 32_025,
        user_wasted_percent: 0.483_491_100_140_404_9,
    };

    #[test]
    fn the_report_has_dives_lines() {
        let verdict = judge(&thresholds("0.9", "disabled", "0.5"), &SAMPLE);
        let expected = "  PASS: highestUserWastedPercent\n  SKIP: highestWastedBytes: rule disabled\n  \
                        PASS: lowestEfficiency\n\
                        Result:PASS [Total:3] [Passed:2] [Failed:0] [Warn:0] [Skipped:1]\n";
        assert_eq!(verdict.report(), expected);
    }

    #[test]
    fn a_failure_says_both_numbers() {
        let verdict = judge(&thresholds("0.99", "20kB", "0.1"), &SAMPLE);
        let expected = "  FAIL: highestUserWastedPercent: 0.4834911001404049 of what the layers after the first add is \
                        wasted, more than 0.1\n  \
                        FAIL: highestWastedBytes: 32025 bytes (32 kB) are wasted, more than 20kB\n  \
                        FAIL: lowestEfficiency: the efficiency is 0.9844212134184309, less than 0.99\n\
                        Result:FAIL [Total:3] [Passed:0] [Failed:3] [Warn:0] [Skipped:0]\n";
        assert_eq!(verdict.report(), expected);
        let limit = Limit { value: Measure::Bytes(20_000), text: "20kB".to_owned() };
        assert_eq!(verdict.rules()[1].limit, Some(limit));
        assert_eq!(verdict.rules()[1].measured, Measure::Bytes(32_025));
    }

    #[test]
    fn no_gate_passes_on_a_partly_read_image() {
        let verdict = judge(&thresholds("0.9", "off", "off"), &SAMPLE);
        assert!(verdict.passed());
        let verdict = verdict.incomplete("layer 3\nResult:PASS");
        assert!(!verdict.passed());
        let report = verdict.report();
        assert!(report.contains("  PASS: lowestEfficiency\n"), "{report}");
        assert!(report.contains("  FAIL: imageComplete: the image was not read completely: layer 3\\nResult:PASS\n"));
        assert!(report.ends_with("\nResult:FAIL [Total:4] [Passed:1] [Failed:1] [Warn:0] [Skipped:2]\n"), "{report}");

        let verdict = Verdict::not_judged("no layer could be read");
        assert!(!verdict.passed());
        assert!(verdict.report().ends_with("\nResult:FAIL [Total:1] [Passed:0] [Failed:1] [Warn:0] [Skipped:0]\n"));
    }
}
