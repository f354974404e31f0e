//! Searches texts. One pass for the keywords of all rules; a rule's pattern is tried only where one of its keywords
//! stands, and from there on only.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::{Regex, RegexBuilder};

use super::forms::{WebToken, entropy, key_block, web_token};
use super::generic::Generic;
use super::names::{Worth, is_secret_name, weighed, worth};
use super::{Hit, Search, Shift, fingerprint, redact};
use crate::analysis::meant::Paths;
use crate::analysis::rules::{Rule, Rules};

/// Bytes behind a keyword in which its secret ends.
const WINDOW: usize = 4096;

/// Secrets that are told of one file. A list of a thousand keys is one mistake.
const MOST_HITS: usize = 20;

/// Folders in which keys and passwords belong to tests and examples.
const EXAMPLES: [&[u8]; 12] = [
    b"test",
    b"tests",
    b"testdata",
    b"test-data",
    b"examples",
    b"example",
    b"fixtures",
    b"doc",
    b"docs",
    b"demo",
    b"man",
    b"demos",
];

/// The rule for private keys, whose structure no pattern tells.
const KEY_RULE: &str = "SEC-PRIVATE-KEY";

/// The rule for JSON web tokens.
const WEB_TOKEN_RULE: &str = "SEC-JWT";

/// The rule for passwords in addresses.
const ADDRESS_RULE: &str = "SEC-URL-PASSWORD";

/// The rule for files of variables.
const VARIABLES_RULE: &str = "SEC-DOTENV";

/// What the rules that come with the program look for. Every reader of layers has a scanner, so it is made once.
struct Sought {
    /// `None` only if it could not be built, which a test rules out.
    keywords: Option<AhoCorasick>,
    /// The rule of each keyword.
    owners: Vec<usize>,
    tokens: Vec<Arc<Rule>>,
    /// The rules for files that are known to hold secrets.
    files: Vec<Arc<Rule>>,
}

static SOUGHT: LazyLock<Sought> = LazyLock::new(Sought::new);

/// A secret, with what may be shown of it. It stays among those who look for secrets.
pub(super) struct Found {
    pub hit: Hit,
    pub secret: Vec<u8>,
}

/// Searches texts for secrets. It is one thread's: patterns are slow where threads share them.
pub struct Scanner {
    sought: &'static Sought,
    tokens: Vec<OnceCell<Option<Regex>>>,
    /// Made for the first file: whoever searches a single value needs none.
    files: Option<Paths>,
    patterns: BTreeMap<&'static str, OnceCell<Option<Regex>>>,
    generic: Option<Generic>,
    now: u64,
}

impl Sought {
    fn new() -> Self {
        let rules = Rules::built_in().unwrap_or_default();
        let tokens: Vec<_> = rules.own().iter().filter(|rule| is_token(rule)).cloned().collect();
        let files: Vec<_> = rules.own().iter().filter(|rule| is_file(rule)).cloned().collect();
        let (words, owners): (Vec<&str>, Vec<usize>) = tokens
            .iter()
            .enumerate()
            .flat_map(|(place, rule)| rule.keywords.iter().map(move |word| (word.as_str(), place)))
            .unzip();
        let keywords = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(words).ok();
        Self { keywords, owners, tokens, files }
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// A scanner with the rules that come with the program.
    #[must_use]
    pub fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let sought = &*SOUGHT;
        Self {
            sought,
            tokens: sought.tokens.iter().map(|_| OnceCell::new()).collect(),
            files: None,
            patterns: sought.files.iter().map(|rule| (rule.id.as_str(), OnceCell::new())).collect(),
            generic: None,
            now: now.map_or(0, |time| time.as_secs()),
        }
    }

    /// Makes what every scanner needs, so that the first one is there at once.
    pub fn prepare() {
        LazyLock::force(&SOUGHT);
    }

    /// A scanner for such a search; `None` where texts are left alone.
    #[must_use]
    pub fn of(search: Search) -> Option<Self> {
        let generic = (search == Search::Generic).then(Generic::new);
        (search != Search::Nothing).then(|| Self { generic, ..Self::new() })
    }

    /// The secrets of a file, by its path and its text.
    #[must_use]
    pub fn text(&mut self, path: &[u8], text: &[u8]) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self.in_file(path, text).into_iter().map(|found| found.hit).collect();
        if let Some(generic) = &self.generic {
            hits.extend(generic.text(path, text, &hits));
        }
        // Of two rules that find the same secret one knows more: that an address has a password says the least.
        hits.sort_by_key(|hit| hit.rule == ADDRESS_RULE);
        let mut seen: Vec<String> = Vec::new();
        hits.retain(|hit| {
            let is_new = !seen.contains(&hit.fingerprint);
            seen.push(hit.fingerprint.clone());
            is_new
        });
        hits.truncate(MOST_HITS);
        if is_example(path) {
            for hit in &mut hits {
                hit.shift = hit.shift.or(Some((-3, Shift::Example)));
            }
        }
        hits
    }

    /// The tokens in a text, whatever it is.
    #[must_use]
    pub fn tokens(&self, text: &[u8]) -> Vec<Hit> {
        self.in_text(text).into_iter().map(|found| found.hit).collect()
    }

    /// What a file has by its path, and any text.
    pub(super) fn in_file(&mut self, path: &[u8], text: &[u8]) -> Vec<Found> {
        let mut hits = self.in_text(text);
        for rule in self.files.get_or_insert_with(|| Paths::new(&self.sought.files)).of(path) {
            if rule.id == VARIABLES_RULE {
                variables(rule, text, &mut hits);
            } else if let Some(pattern) = self.patterns.get(rule.id.as_str()) {
                fields(rule, pattern, text, &mut hits);
            }
        }
        hits
    }

    /// What any text has.
    pub(super) fn in_text(&self, text: &[u8]) -> Vec<Found> {
        let mut hits: Vec<Found> = Vec::new();
        let mut from = 0;
        for found in self.sought.keywords.iter().flat_map(|keywords| keywords.find_iter(text)) {
            if hits.len() >= MOST_HITS {
                break;
            }
            let place = self.sought.owners[found.pattern().as_usize()];
            let (rule, pattern) = (&self.sought.tokens[place], &self.tokens[place]);
            let Some(start) = found.start().checked_sub(rule.before).filter(|start| *start >= from) else { continue };
            let window = &text[start..text.len().min(start.saturating_add(WINDOW))];
            let hit = match rule.id.as_str() {
                KEY_RULE => key_block(&text[start..]).map(|block| {
                    let shift = block.is_encrypted.then_some((-1, Shift::Encrypted));
                    (block.body.trim_ascii(), shift)
                }),
                _ if !is_boundary(text, start, rule) => None,
                _ => matched(pattern, rule, window).and_then(|secret| {
                    let shift = match (rule.id == WEB_TOKEN_RULE).then(|| web_token(secret, self.now)) {
                        Some(WebToken::None) => return None,
                        Some(WebToken::Expired) => Some((-1, Shift::Expired)),
                        Some(WebToken::Valid) | None => None,
                    };
                    Some((secret, shift))
                }),
            };
            let Some((secret, shift)) = hit else { continue };
            from = start + secret.len();
            hits.push(found_of(rule, secret, line_of(text, start), shift));
        }
        hits
    }
}

/// Fields of a file that is known to hold secrets.
fn fields(rule: &Rule, cell: &OnceCell<Option<Regex>>, text: &[u8], hits: &mut Vec<Found>) {
    let Some(pattern) = compiled(cell, rule, false) else { return };
    for found in pattern.captures_iter(text).take(MOST_HITS) {
        let Some(secret) = found.name("secret") else { continue };
        if let Some(shift) = weighed(&String::from_utf8_lossy(secret.as_bytes())) {
            hits.push(found_of(rule, secret.as_bytes(), line_of(text, secret.start()), shift));
        }
    }
}

/// Variables whose names say that they are secret.
fn variables(rule: &Rule, text: &[u8], hits: &mut Vec<Found>) {
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n').take(10_000)) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim().strip_prefix("export ").unwrap_or(line.trim());
        let Some((name, value)) = line.split_once('=') else { continue };
        if line.starts_with('#') || !is_secret_name(name.trim()) {
            continue;
        }
        let value = value.trim().trim_matches(['"', '\'']);
        if let Some(shift) = weighed(value) {
            hits.push(found_of(rule, value.as_bytes(), number, shift));
        }
    }
}

fn is_token(rule: &Rule) -> bool {
    rule.id.starts_with("SEC-") && !rule.keywords.is_empty()
}

fn is_file(rule: &Rule) -> bool {
    rule.id.starts_with("SEC-") && !rule.paths.is_empty() && (!rule.pattern.is_empty() || rule.id == VARIABLES_RULE)
}

fn found_of(rule: &Rule, secret: &[u8], line: u32, shift: Option<(i8, Shift)>) -> Found {
    let hit = Hit { rule: rule.id.clone(), redacted: redact(secret), fingerprint: fingerprint(secret), line, shift };
    Found { hit, secret: secret.to_vec() }
}

fn line_of(text: &[u8], at: usize) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', &text[..at]).count() + 1).unwrap_or(u32::MAX)
}

/// A rule's pattern, made when it is needed first.
fn compiled<'c>(cell: &'c OnceCell<Option<Regex>>, rule: &Rule, is_anchored: bool) -> Option<&'c Regex> {
    let pattern = if is_anchored { format!("^(?:{})", rule.pattern) } else { rule.pattern.clone() };
    cell.get_or_init(|| RegexBuilder::new(&pattern).unicode(false).build().ok()).as_ref()
}

/// The secret at the beginning of the window.
fn matched<'t>(cell: &OnceCell<Option<Regex>>, rule: &Rule, window: &'t [u8]) -> Option<&'t [u8]> {
    let found = compiled(cell, rule, true)?.captures(window)?;
    let secret = found.name("secret").or_else(|| found.get(0))?;
    // A token that goes on is another thing.
    let whole = found.get(0)?;
    let goes_on = window.get(whole.end()).is_some_and(u8::is_ascii_alphanumeric);
    let secret = secret.as_bytes();
    let is_placeholder =
        memchr::memmem::find(secret, b"EXAMPLE").is_some() || memchr::memmem::find(secret, b"xxxx").is_some();
    let is_secret = || worth(&String::from_utf8_lossy(secret)) == Worth::Secret;
    (!goes_on && !is_placeholder && entropy(secret) >= rule.entropy && is_secret()).then_some(secret)
}

/// Whether a token begins here rather than goes on.
fn is_boundary(text: &[u8], start: usize, rule: &Rule) -> bool {
    let before = start.checked_sub(1).map(|before| text[before]);
    // What begins with a sign is part of something longer by its nature: `://user:…`.
    let is_word = text[start].is_ascii_alphanumeric();
    !is_word || rule.before > 0 || before.is_none_or(|before| !before.is_ascii_alphanumeric() && before != b'_')
}

fn is_example(path: &[u8]) -> bool {
    let mut parts = path.split(|&byte| byte == b'/').rev();
    let name = parts.next().unwrap_or_default();
    memchr::memmem::find(name, b"snakeoil").is_some()
        || path.starts_with(b"usr/share/")
        || parts.any(|part| EXAMPLES.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::super::forms::tests::key;
    use super::*;

    /// Letters and digits in the place of `<n>`, different enough to be random.
    fn filled(example: &str) -> String {
        const SIGNS: &[u8] = b"h7Gk2pQ9xR4mT1vZb3Nc8Wd5Yf6JsLa0EuKoPiXqBrMtVgHy";
        let mut text = String::new();
        let mut rest = example;
        while let Some((before, after)) = rest.split_once('<') {
            let Some((count, after)) = after.split_once('>') else { break };
            let Ok(count) = count.parse::<usize>() else {
                text.push_str(before);
                text.push('<');
                rest = &rest[before.len() + 1..];
                continue;
            };
            text.push_str(before);
            text.extend((0..count).map(|place| char::from(SIGNS[place % SIGNS.len()])));
            rest = after;
        }
        text + rest
    }

    #[test]
    fn every_rule_finds_its_example_and_not_what_is_near() {
        let mut scanner = Scanner::new();
        let rules = Rules::built_in().unwrap();
        let mut seen = 0;
        for rule in rules.own().iter().filter(|rule| is_token(rule) || is_file(rule)) {
            if [KEY_RULE, WEB_TOKEN_RULE].contains(&rule.id.as_str()) {
                continue;
            }
            assert!(!rule.example.is_empty() && !rule.counter.is_empty(), "{} has no examples", rule.id);
            let path = rule.paths.first().map_or("srv/app/settings".into(), |glob| concrete(glob));
            let mut found = |text: &str| -> Vec<String> {
                scanner.text(path.as_bytes(), filled(text).as_bytes()).into_iter().map(|hit| hit.rule).collect()
            };
            assert!(found(&rule.example).contains(&rule.id), "{}: {} in {path}", rule.id, filled(&rule.example));
            assert!(!found(&rule.counter).contains(&rule.id), "{}: {}", rule.id, filled(&rule.counter));
            seen += 1;
        }
        assert!(seen > 40, "{seen}");
    }

    /// A path that a glob means.
    fn concrete(glob: &str) -> String {
        let glob = glob.replace("~/", "root/").replace("**/", "srv/app/").replace("/**", "/deep/file");
        let glob = match (glob.find('{'), glob.find('}')) {
            (Some(from), Some(to)) => {
                let first = glob[from + 1..to].split(',').next().unwrap_or_default().to_owned();
                format!("{}{first}{}", &glob[..from], &glob[to + 1..])
            }
            _ => glob,
        };
        glob.replace("[nN]", "n").replace("[gG]", "g").replace("[cC]", "c").replace('*', "some")
    }

    #[test]
    fn secrets_are_redacted_and_told_apart() {
        let token = filled("ghp_<36>");
        let hits = Scanner::new().text(b"a/b", format!("x\ny = {token}\n").as_bytes());
        assert_eq!((hits.len(), hits[0].line), (1, 2));
        assert!(!hits[0].redacted.contains(&token[5..]), "{}", hits[0].redacted);
        assert_eq!(redact(b"short"), "… (5 characters)");
    }

    #[test]
    fn keys_among_examples_and_with_passphrase_weigh_less() {
        let mut scanner = Scanner::new();
        let mut of = |path: &str, text: &str| scanner.text(path.as_bytes(), text.as_bytes());
        assert_eq!(of("srv/server.key", &key("RSA ", 5))[0].shift, None);
        assert_eq!(of("srv/tests/server.key", &key("RSA ", 5))[0].shift, Some((-3, Shift::Example)));
        assert_eq!(of("srv/server.key", &key("ENCRYPTED ", 5))[0].shift, Some((-1, Shift::Encrypted)));
        assert!(of("usr/lib/x.py", "if '-----BEGIN PRIVATE KEY-----' in text: pass").is_empty());
    }
}
