//! Secrets of all layers, deleted ones too, and those that the config and the history tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::names::{is_secret_name, weighed};
use super::{Hit, Scanner, fingerprint, is_generic, redact, told};
use crate::analysis::case::Case;
use crate::analysis::finding::{About, Category, Confidence, Finding, State};
use crate::analysis::packages::PackageId;
use crate::analysis::rules::Rule;
use crate::analysis::subject::Claims;
use crate::analysis::waste::is_live;
use crate::index::walk::Live;
use crate::index::{EntryId, Kind, PathId};

/// Secrets that one image is told to have. Beyond that it is a collection of them.
const MOST: usize = 2000;

/// The rule for host keys, which have a way of their own to be mended.
const HOST_KEY: &str = "SEC-SSH-HOST-KEY";

/// The rule for keys by what they look like.
const PRIVATE_KEY: &str = "SEC-PRIVATE-KEY";

/// Secrets in the files of all layers. Those that take bytes of a file claim it before anything else does: that it is
/// shipped for nothing is then no second thing to say.
#[must_use]
pub fn in_files(case: &Case<'_>, claims: &mut Claims) -> Vec<Finding> {
    let mut found = by_content(case, claims);
    let named = by_name(case, &found, claims);
    found.extend(named);
    found
}

/// Secrets that the config and the history tell.
#[must_use]
pub fn told(case: &Case<'_>) -> Vec<Finding> {
    let mut found = in_config(case);
    found.extend(in_history(case));
    found
}

/// An entry with its layer.
type Copied = (u32, EntryId);

/// A secret of a file: its path, the rule that found it, and what tells it from others.
type Key = (Vec<u8>, String, String);

/// The copies of the file that have it.
type Seen<'h> = (Vec<Copied>, &'h Hit);

/// A secret in a file, which layers may store again: the first copy brought it, and what became of the last one is what
/// a container sees. All of them are told, and all go with it.
fn in_file(case: &Case<'_>, claims: &mut Claims, rule: &Arc<Rule>, copies: &[Copied]) -> Option<Finding> {
    let index = case.index();
    let ((layer, entry), (last_layer, last)) = (*copies.first()?, *copies.last()?);
    let path = index.entry(entry).path;
    let mut finding = case.about(rule, path, Live { layer, entry });
    (finding.state, finding.removed_by) = case.state(last, last_layer);
    finding.entries = copies.iter().map(|(_, entry)| *entry).collect();
    finding.entries.dedup();
    finding.bytes = index.entry(last).size;
    // A file that a container sees may be more than its secret.
    let can_go = rule.has_name(&String::from_utf8_lossy(index.name(path))) || is_dispensable(case, path);
    for (layer, entry) in copies {
        if can_go || case.state(*entry, *layer).0 != State::Live {
            let size = index.entry(*entry).size;
            finding.reclaimable += claims.take(*entry, size, size);
        }
    }
    Some(finding)
}

/// Whether a file goes as a whole: it is there for its secrets, or waste by itself.
fn is_dispensable(case: &Case<'_>, path: PathId) -> bool {
    let goes = |rule: &Arc<Rule>| is_live(rule) || is_of_secrets(rule);
    case.meant.rules(path).iter().any(goes)
}

/// Whether a rule means files by their names that hold secrets and little else.
#[must_use]
pub fn is_of_secrets(rule: &Rule) -> bool {
    rule.category == Category::Secret && !rule.paths.is_empty()
}

fn by_content(case: &Case<'_>, claims: &mut Claims) -> Vec<Finding> {
    let index = case.index();
    // The same secret in the same place of several layers is one.
    let mut all: BTreeMap<Key, Seen<'_>> = BTreeMap::new();
    for (layer, slot) in case.subject.stack.read_layers() {
        for (entry, hit) in case.subject.gathered.secrets_in(slot) {
            let path = index.entry(entry).path;
            let hidden_owner = case.packages.owner_of_hidden(entry, layer);
            // What a package ships that looks like an assignment is its code.
            if is_generic(&hit.rule) && hidden_owner.or_else(|| case.packages.owner(path)).is_some() {
                continue;
            }
            let spelled = index.path(path);
            // What everybody has is waste and nothing else where no container sees it.
            if hidden_owner.is_some_and(|owner| is_everybodys(case, &spelled, owner)) {
                continue;
            }
            // A host key is told as such, by its name, and not as any key, too.
            if hit.rule == PRIVATE_KEY && case.meant.rules(path).iter().any(|rule| rule.id == HOST_KEY) {
                continue;
            }
            let key = (spelled, hit.rule.clone(), hit.fingerprint.clone());
            if let Some((copies, _)) = all.get_mut(&key) {
                copies.push((layer, entry));
            } else if all.len() < MOST {
                all.insert(key, (vec![(layer, entry)], hit));
            }
        }
    }
    let make = |((path, rule, print), (copies, hit)): (Key, Seen<'_>)| {
        let mut finding = in_file(case, claims, &case.rule(&rule)?, &copies)?;
        finding.confidence = if is_generic(&rule) { Confidence::Low } else { Confidence::High };
        finding.show("content", format!("line {}: {}", hit.line, hit.redacted));
        if let Some((by, why)) = hit.shift {
            finding.shift(by, why.words());
        }
        let owner = case.packages.owner(index.entry(*finding.entries.first()?).path);
        if owner.is_some_and(|owner| is_everybodys(case, &path, owner)) {
            finding.shift(-3, "a package of the distribution ships it");
        }
        case.discount(&mut finding);
        finding.mark(&[path.as_slice(), b"\0", print.as_bytes()].concat());
        Some(finding)
    };
    all.into_iter().filter_map(make).collect()
}

/// Whether a distribution ships a file to everybody: test keys, documents. Settings below etc are another thing.
fn is_everybodys(case: &Case<'_>, path: &[u8], owner: PackageId) -> bool {
    case.packages.get(owner).kind.is_system() && path.starts_with(b"usr/")
}

/// Files whose name says enough: key stores, histories of shells, host keys.
fn by_name(case: &Case<'_>, known: &[Finding], claims: &mut Claims) -> Vec<Finding> {
    let index = case.index();
    let says_enough =
        |rule: &&Arc<Rule>| rule.category == Category::Secret && rule.pattern.is_empty() && rule.id != "SEC-DOTENV";
    let mut all: BTreeMap<PathId, (Vec<Copied>, &Arc<Rule>)> = BTreeMap::new();
    for (layer, slot) in case.subject.stack.read_layers() {
        for entry in index.entries_in(slot) {
            let record = index.entry(entry);
            if record.kind != Kind::File || record.size == 0 || record.is_superseded() || all.len() >= MOST {
                continue;
            }
            let Some(rule) = case.meant.rules(record.path).iter().find(says_enough) else { continue };
            if !known.iter().any(|finding| finding.entries.contains(&entry)) {
                all.entry(record.path).or_insert_with(|| (Vec::new(), rule)).0.push((layer, entry));
            }
        }
    }
    let make = |(copies, rule): (Vec<Copied>, &Arc<Rule>)| {
        let mut finding = in_file(case, claims, rule, &copies)?;
        finding.confidence = Confidence::Medium;
        finding.show("path", format!("{} bytes", finding.bytes));
        case.discount(&mut finding);
        Some(finding)
    };
    all.into_values().filter_map(make).collect()
}

/// A secret of the config: the environment and the labels.
fn in_config(case: &Case<'_>) -> Vec<Finding> {
    let scanner = Scanner::new();
    let mut found = Vec::new();
    let environment = case.runtime.environment().into_iter().map(|pair| ("SEC-VARIABLE", "Env", pair));
    let labels = case.runtime.labels().into_iter().map(|pair| ("SEC-LABEL", "Labels", pair));
    for (rule, field, (name, value)) in environment.chain(labels) {
        let about = About::Config(format!("{field} {name}"));
        found.extend(named(case, &scanner, rule, &about, (name, value)));
    }
    found
}

/// A secret under a name, or one that shows what it is by itself.
fn named(
    case: &Case<'_>,
    scanner: &Scanner,
    rule: &str,
    about: &About,
    (name, value): (&str, &str),
) -> Option<Finding> {
    let hit = scanner.tokens(value.as_bytes()).into_iter().next();
    let (redacted, print, shift) = match hit {
        Some(hit) => (hit.redacted, hit.fingerprint, hit.shift),
        None if is_secret_name(name) => (redact(value.as_bytes()), fingerprint(value.as_bytes()), weighed(value)?),
        None => return None,
    };
    let mut finding = Finding::new(&case.rule(rule)?, about.clone());
    finding.show("config", format!("{name}={redacted}"));
    if let Some((by, why)) = shift {
        finding.shift(by, why.words());
    }
    finding.mark(format!("{name}\0{print}").as_bytes());
    Some(finding)
}

/// Secrets of the history: build arguments, and what commands say.
fn in_history(case: &Case<'_>) -> Vec<Finding> {
    let mut scanner = Scanner::new();
    let mut found: Vec<Finding> = Vec::new();
    for instruction in &case.instructions.all {
        let about = About::History(instruction.step);
        let mut here = Vec::new();
        let own = (instruction.keyword == "ARG").then(|| instruction.text.split_once('=')).flatten();
        let arguments = instruction.arguments.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for pair in arguments.chain(own) {
            here.extend(named(case, &scanner, "SEC-BUILD-ARGUMENT", &about, pair));
        }
        if matches!(instruction.keyword.as_str(), "RUN" | "") {
            here.extend(in_command(case, &mut scanner, instruction.step, &instruction.text));
        }
        for mut finding in here {
            finding.layer = instruction.layer;
            if let Some(layer) = instruction.layer {
                finding.origin = case.boundary.of(layer);
            }
            // An argument stands before each command of its stage; it is told once.
            if !found.iter().any(|known| known.fingerprint == finding.fingerprint) {
                found.push(finding);
            }
        }
    }
    found
}

/// Secrets in a command: tokens, and what follows the flags that take a password.
fn in_command(case: &Case<'_>, scanner: &mut Scanner, step: usize, text: &str) -> Vec<Finding> {
    let Some(rule) = case.rule("SEC-COMMAND") else { return Vec::new() };
    let secrets = told::in_command(scanner, text).into_iter();
    let mut secrets: Vec<(String, String)> = secrets.map(|secret| (redact(&secret), fingerprint(&secret))).collect();
    secrets.sort();
    secrets.dedup();
    let make = |(redacted, print): (String, String)| {
        let mut finding = Finding::new(&rule, About::History(step));
        finding.show("history", redacted);
        finding.mark(print.as_bytes());
        finding
    };
    secrets.into_iter().map(make).collect()
}
