//! What a finding is: one thing that is wasted, risky, secret or badly set, with the layer that brought it, its bytes,
//! the evidence, and how its severity came about. The explorer, the reports and the gate show this and nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::rules::Rule;
use crate::index::{EntryId, PathId};
use crate::units::hex;

/// What kind of thing is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Something that anyone who has the image can read and must not.
    Secret,
    /// Something that helps an attacker.
    Risk,
    /// Something that the config or the build should do otherwise.
    Configuration,
    /// Bytes that are shipped for nothing.
    Waste,
}

impl Category {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Secret, Self::Risk, Self::Configuration, Self::Waste];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Risk => "risk",
            Self::Configuration => "configuration",
            Self::Waste => "waste",
        }
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth mending.
    Low,
    /// Should be mended before the image ships.
    Medium,
    /// Must be mended.
    High,
    /// Must be mended now.
    Critical,
}

impl Severity {
    const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    fn shifted(self, by: i8) -> Self {
        let place = (self as i8).saturating_add(by).clamp(0, 4);
        Self::ALL[usize::try_from(place).unwrap_or_default()]
    }
}

/// One step of the arithmetic that leads to a severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Levels up or down.
    pub by: i8,
    /// Why.
    pub why: &'static str,
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A name says so.
    Low,
    /// A name in the right place.
    Medium,
    /// The contents say so, too.
    High,
    /// Nothing is left to doubt.
    Exact,
}

impl Confidence {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Exact => "exact",
        }
    }
}

/// Whether a container sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does.
    Live,
    /// No, a later layer has something else there; the old bytes are still shipped.
    Shadowed,
    /// No, a later layer deletes it; the bytes are still shipped.
    Deleted,
}

impl State {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Shadowed => "shadowed",
            Self::Deleted => "deleted",
        }
    }
}

/// Who brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The base image.
    Base,
    /// What was built on it.
    Yours,
    /// It cannot be told.
    Unknown,
}

impl Origin {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Yours => "yours",
            Self::Unknown => "unknown",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A file or folder; of several the one that holds them, or the largest.
    Path(PathId),
    /// A field of the config, by its name.
    Config(String),
    /// A step of the history, by its place.
    History(usize),
    /// The image as a whole.
    Image,
}

/// Something that shows it. Secrets in it are redacted before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What kind of thing this is: path, mode, content, history, config.
    pub kind: &'static str,
    /// The thing, which may hold bytes from the image: whoever shows it escapes it.
    pub text: String,
}

/// What to do about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fix {
    /// In words.
    pub advice: String,
    /// The step of the history to change, by its place.
    pub step: Option<usize>,
    /// That instruction as it should be.
    pub proposed: Option<String>,
    /// The same as an edit, which goes together with those of other findings.
    pub edit: Option<Edit>,
}

/// A change of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// This command follows in the same instruction.
    Append(String),
    /// The commands of later steps come here.
    Join {
        /// The steps, the first of them first.
        steps: Vec<usize>,
        /// Whether these do nothing but what can be done here, so that they can be dropped.
        is_whole: bool,
    },
    /// The instruction gets a flag.
    Flag {
        /// The flag.
        flag: String,
        /// The step that does the same later and can go; without one a person has to say what becomes of it.
        instead_of: Option<usize>,
    },
    /// The instruction installs everything but these packages.
    Without(Vec<String>),
    /// The instruction installs without what packages only recommend.
    NoRecommends,
    /// The instruction goes: it does nothing but install what is left out.
    Drop,
    /// The build context goes without some files.
    Ignore {
        /// Patterns of `.dockerignore` that mean them.
        patterns: Vec<String>,
        /// The step that deletes them later, and must not fail for want of them.
        removed_by: Option<usize>,
    },
    /// The variable of this name is not set; commands that name it read it from a secret mount.
    Unset(String),
    /// The label of this name is not set.
    Unlabel(String),
    /// A file is not copied, for it is secret.
    Withhold(Withheld),
}

/// A secret file that came with the build context and must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Where it stands in the image, from the root on.
    pub path: String,
    /// Its path below the target of what copies it: empty where the target is the file, `None` where that is not known.
    pub below: Option<String>,
    /// What means it wherever it lies in the build context: the end of its path that its rule needs.
    pub tail: String,
    /// Whether the instruction copied nothing else.
    pub is_alone: bool,
    /// Whether what it opens is what builds fetch from.
    pub for_building: bool,
    /// The steps that may have read it before it was deleted, and need it still.
    pub read_by: Vec<usize>,
    /// The step that deletes it later, and must not fail for want of it.
    pub removed_by: Option<usize>,
}

impl Withheld {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// How a mount of it is called.
    #[must_use]
    pub fn id(&self) -> &str {
        self.name().trim_start_matches('.')
    }
}

/// A finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it.
    pub rule: Arc<Rule>,
    /// How much it matters.
    pub severity: Severity,
    /// What moved the severity away from the rule's own.
    pub steps: Vec<Step>,
    /// How sure it is.
    pub confidence: Confidence,
    /// Whether a container sees it.
    pub state: State,
    /// What it is about.
    pub about: About,
    /// The layer that brought it.
    pub layer: Option<u32>,
    /// The layer that hides it.
    pub removed_by: Option<u32>,
    /// Who brought it.
    pub origin: Origin,
    /// The package that owns it.
    pub package: Option<String>,
    /// What makes use of it.
    pub in_use: Vec<String>,
    /// The entries that it is about.
    pub entries: Vec<EntryId>,
    /// Bytes that it is about.
    pub bytes: u64,
    /// Bytes that its fix saves. No byte is in two findings.
    pub reclaimable: u64,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub fix: Fix,
    /// The same for the same finding in another build of the image.
    pub fingerprint: String,
}

impl Finding {
    /// A finding of a rule, as the rule has it.
    #[must_use]
    pub fn new(rule: &Arc<Rule>, about: About) -> Self {
        Self {
            rule: Arc::clone(rule),
            severity: rule.severity,
            steps: Vec::new(),
            confidence: Confidence::High,
            state: State::Live,
            about,
            layer: None,
            removed_by: None,
            origin: Origin::Unknown,
            package: None,
            in_use: Vec::new(),
            entries: Vec::new(),
            bytes: 0,
            reclaimable: 0,
            evidence: Vec::new(),
            fix: Fix::default(),
            fingerprint: String::new(),
        }
    }

    /// Moves the severity, and remembers why.
    pub fn shift(&mut self, by: i8, why: &'static str) {
        self.steps.push(Step { by, why });
        let sum: i8 = self.steps.iter().map(|step| step.by).sum();
        self.severity = self.rule.severity.shifted(sum);
    }

    /// Adds something that shows it.
    pub fn show(&mut self, kind: &'static str, text: impl Into<String>) {
        self.evidence.push(Evidence { kind, text: text.into() });
    }

    /// Fixes the fingerprint: the rule and what it is about, never the layer, for that changes with every build.
    pub fn mark(&mut self, key: &[u8]) {
        let mut hash = Sha256::new();
        hash.update(self.rule.id.as_bytes());
        hash.update([0]);
        hash.update(key);
        self.fingerprint = hex(&hash.finalize()[..12]);
    }

    /// The arithmetic of the severity: `medium +1 root user -1 inherited = medium`.
    #[must_use]
    pub fn arithmetic(&self) -> String {
        let first = self.rule.severity.word().to_owned();
        let steps = self.steps.iter().map(|step| format!("{:+} {}", step.by, step.why));
        let sum: Vec<String> = std::iter::once(first).chain(steps).collect();
        format!("{} = {}", sum.join(" "), self.severity.word())
    }
}

/// Findings of one rule that stand alone. A rule that finds more than this in one image says one thing about it.
const MOST_OF_A_RULE: usize = 200;

/// Lets the last finding of a rule stand for all that come after it, where there are very many.
pub fn fold(findings: &mut Vec<Finding>) {
    let mut seen: HashMap<String, (usize, usize)> = HashMap::new();
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings.drain(..) {
        let (count, last) = seen.entry(finding.rule.id.clone()).or_default();
        *count += 1;
        if *count <= MOST_OF_A_RULE {
            *last = kept.len();
            kept.push(finding);
        } else if let Some(last) = kept.get_mut(*last) {
            last.bytes += finding.bytes;
            last.reclaimable += finding.reclaimable;
            last.entries.extend(finding.entries);
        }
    }
    for (count, last) in seen.into_values().filter(|(count, _)| *count > MOST_OF_A_RULE) {
        kept[last].show("path", format!("and {} more findings of this rule", count - MOST_OF_A_RULE));
    }
    *findings = kept;
}

/// Puts findings into the order in which they are told: what matters most, then what saves most.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|one, other| {
        let key = |finding: &Finding| (finding.severity, std::cmp::Reverse(finding.rule.category), finding.reclaimable);
        key(other).cmp(&key(one)).then_with(|| {
            let key = |finding: &Finding| (finding.rule.id.clone(), finding.layer, finding.fingerprint.clone());
            key(one).cmp(&key(other))
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::rules::Rules;

    #[test]
    fn severity_is_arithmetic_that_can_be_read() {
        let rules = Rules::built_in().unwrap();
        let mut finding = Finding::new(rules.get("WST-DELETED").unwrap(), About::Image);
        let base = finding.severity;
        finding.shift(1, "more than a tenth of the image");
        assert!(finding.severity > base);
        finding.shift(-5, "inherited");
        assert_eq!(finding.severity, Severity::Info);
        assert!(finding.arithmetic().ends_with("+1 more than a tenth of the image -5 inherited = info"));
    }

    #[test]
    fn very_many_findings_of_a_rule_are_folded_and_lose_no_byte() {
        let rules = Rules::built_in().unwrap();
        let one = |rule: &str| {
            let mut finding = Finding::new(rules.get(rule).unwrap(), About::Image);
            finding.reclaimable = 1;
            finding
        };
        let mut findings: Vec<Finding> = (0..1000).map(|_| one("WST-CHMOD")).chain([one("WST-DELETED")]).collect();
        fold(&mut findings);
        assert_eq!(findings.len(), MOST_OF_A_RULE + 1);
        assert_eq!(findings.iter().map(|finding| finding.reclaimable).sum::<u64>(), 1001);
        assert_eq!(findings[MOST_OF_A_RULE - 1].evidence[0].text, "and 800 more findings of this rule");
    }

    #[test]
    fn the_fingerprint_is_of_the_rule_and_the_key() {
        let rules = Rules::built_in().unwrap();
        let print = |rule: &str, key: &[u8]| {
            let mut finding = Finding::new(rules.get(rule).unwrap(), About::Image);
            finding.mark(key);
            finding.fingerprint
        };
        assert_eq!(print("WST-DELETED", b"a"), print("WST-DELETED", b"a"));
        assert_ne!(print("WST-DELETED", b"a"), print("WST-DELETED", b"b"));
        assert_ne!(print("WST-DELETED", b"a"), print("WST-CHMOD", b"a"));
    }
}
