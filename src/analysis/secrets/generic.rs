//! Secrets that no format tells: what is assigned to a name that says so, and what is as random as a key. Noise in most
//! files, so that this is only done when it is asked for.

use std::sync::LazyLock;

use globset::GlobSet;
use regex::bytes::{Captures, Regex, RegexBuilder};

use super::forms::entropy;
use super::names::{Worth, is_secret_name, worth};
use super::{Hit, Shift, fingerprint, redact};
use crate::analysis::rules::{Rule, Rules, glob_set};

/// The rule for assignments, and the one for random texts.
const RULES: [&str; 2] = ["SEC-ASSIGNMENT", "SEC-RANDOM"];

/// Bits for a character below which an assigned text may as well be a word.
const RANDOM: f64 = 3.0;

/// Words of a line whose long texts are checksums.
const CHECKSUMS: [&[u8]; 8] =
    [b"sha1", b"sha256", b"sha384", b"sha512", b"integrity", b"checksum", b"digest", b"fingerprint"];

/// Secrets that are told of one file by these rules.
const MOST: usize = 5;

/// Whether a rule is one of these.
pub fn is_generic(rule: &str) -> bool {
    RULES.contains(&rule)
}

/// Looks for what no format tells. One thread's, as patterns are.
pub struct Generic {
    looks: Vec<(Rule, Regex, GlobSet)>,
}

static SOUGHT: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rules = Rules::built_in().unwrap_or_default();
    RULES.iter().filter_map(|id| rules.get(id)).map(|rule| Rule::clone(rule)).collect()
});

impl Generic {
    pub fn new() -> Self {
        let look = |rule: &Rule| {
            let pattern = RegexBuilder::new(&rule.pattern).unicode(false).build().ok()?;
            Some((rule.clone(), pattern, glob_set(&rule.except).unwrap_or_default()))
        };
        Self { looks: SOUGHT.iter().filter_map(look).collect() }
    }

    /// What a file has, beside what is known of it already.
    pub fn text(&self, path: &[u8], text: &[u8], known: &[Hit]) -> Vec<Hit> {
        let mut found: Vec<Hit> = Vec::new();
        for (rule, pattern, except) in &self.looks {
            if except.is_match_candidate(&globset::Candidate::from_bytes(path)) {
                continue;
            }
            let hits = pattern.captures_iter(text).filter_map(|captures| hit(rule, text, &captures));
            for hit in hits.take(MOST) {
                // A random text that is assigned is told as what it is assigned to, and a form that is known knows best.
                if !known.iter().chain(&found).any(|other| other.fingerprint == hit.fingerprint) {
                    found.push(hit);
                }
            }
        }
        found
    }
}

fn hit(rule: &Rule, text: &[u8], captures: &Captures<'_>) -> Option<Hit> {
    let names = ["secret", "double", "single", "plain"];
    let secret = names.iter().find_map(|name| captures.name(name))?;
    let (value, start) = (secret.as_bytes(), secret.start());
    if worth(&String::from_utf8_lossy(value)) != Worth::Secret {
        return None;
    }
    let is_random = entropy(value) >= if rule.entropy > 0.0 { rule.entropy } else { RANDOM };
    let shift = match captures.name("name") {
        Some(name) => {
            let is_secret = is_secret_name(&separated(name.as_bytes()));
            // Code that reads it from elsewhere.
            let is_code = captures.name("plain").is_some() && value.iter().any(|byte| matches!(byte, b'.' | b'$'));
            if !is_secret || is_code {
                return None;
            }
            (!is_random).then_some((-1, Shift::Plain))
        }
        None if is_random && is_mixed(value) && !is_checksum(line(text, start)) => None,
        None => return None,
    };
    let before = memchr::memchr_iter(b'\n', &text[..start]).count();
    let line = u32::try_from(before + 1).unwrap_or(u32::MAX);
    Some(Hit { rule: rule.id.clone(), redacted: redact(value), fingerprint: fingerprint(value), line, shift })
}

/// `apiToken` as `api_Token`.
fn separated(name: &[u8]) -> String {
    let mut words = String::new();
    let mut was_lower = false;
    for letter in String::from_utf8_lossy(name).chars() {
        if was_lower && letter.is_ascii_uppercase() {
            words.push('_');
        }
        words.push(letter);
        was_lower = letter.is_ascii_lowercase();
    }
    words
}

/// Keys have letters of both cases and digits; words and paths do not.
fn is_mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
        && memchr::memchr_iter(b'/', value).count() < 4
}

fn line(text: &[u8], at: usize) -> &[u8] {
    let from = memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
    let to = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
    // A file of one line says nothing by it.
    &text[from.max(at.saturating_sub(200))..to.min(at + 300)]
}

fn is_checksum(line: &[u8]) -> bool {
    let lower = line.to_ascii_lowercase();
    CHECKSUMS.iter().any(|word| memchr::memmem::find(&lower, word).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM_TEXT: &str = "h7Gk2pQ9xR4mT1vZb3Nc8Wd5Yf6JsLa0EuKoPiXqBrMt";

    fn found(text: &str) -> Vec<(String, Option<Shift>)> {
        let hits = Generic::new().text(b"srv/app/settings.py", text.as_bytes(), &[]);
        hits.into_iter().map(|hit| (hit.rule, hit.shift.map(|(_, why)| why))).collect()
    }

    #[test]
    fn every_rule_finds_its_example_and_not_what_is_near() {
        assert_eq!(SOUGHT.len(), RULES.len());
        for rule in SOUGHT.iter() {
            let example = rule.example.replace("<12>", &RANDOM_TEXT[..12]).replace("<44>", RANDOM_TEXT);
            assert_eq!(found(&example), [(rule.id.clone(), None)], "{example}");
            assert!(found(&rule.counter).is_empty(), "{}", rule.counter);
        }
    }

    #[test]
    fn names_and_values_decide() {
        let assignment = |shift| vec![("SEC-ASSIGNMENT".to_owned(), shift)];
        for text in
            ["dbPassword: 'Tr0ub4dor&3x'", "export API_TOKEN=Tr0ub4dor3x9\n", "\"client_secret\" => \"Tr0ub4dor3x9\""]
        {
            assert_eq!(found(text), assignment(None), "{text}");
        }
        assert_eq!(found("password = \"llamas\""), assignment(Some(Shift::Plain)));
        for text in [
            "password = os.environ[\"DB_PASSWORD\"]",
            "password=$DB_PASSWORD\n",
            "token = request.token\n",
            "password: <your password>",
            "tokenizer = \"Tr0ub4dor3x9\"",
            "PASSWORD_FILE=/run/secrets/x\n",
            "if password == other_password:",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
        assert!(found(&format!("sha256 = '{RANDOM_TEXT}'")).is_empty());
        let hits = Generic::new().text(b"srv/yarn.lock", format!("x '{RANDOM_TEXT}'").as_bytes(), &[]);
        assert!(hits.is_empty(), "{hits:?}");
    }
}
