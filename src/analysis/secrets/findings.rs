//! Secrets of all layers, deleted ones too, and those that the config and the history tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::names::{Worth, is_secret_name, worth};
use super::{Hit, Scanner, Shift, fingerprint, is_generic, redact};
use crate::analysis::case::Case;
use crate::analysis::finding::{About, Category, Confidence, Finding};
use crate::analysis::packages::PackageKind;
use crate::analysis::rules::Rule;
use crate::index::walk::Live;
use crate::index::{EntryId, Kind};

/// Secrets that one image is told to have. Beyond that it is a collection of them.
const MOST: usize = 2000;

/// All secrets.
#[must_use]
pub fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut found = in_files(case);
    found.extend(by_name(case, &found));
    found.extend(in_config(case));
    found.extend(in_history(case));
    found
}

/// Where a secret was seen: in the first layer that has it, and in the last.
struct Seen<'h> {
    first: (u32, EntryId),
    last: (u32, EntryId),
    hit: &'h Hit,
}

fn in_files(case: &Case<'_>) -> Vec<Finding> {
    let index = case.index();
    // The same secret in the same place of several layers is one: the first layer brought it, and what became of the
    // last copy is what a container sees.
    let mut all: BTreeMap<(Vec<u8>, String, String), Seen<'_>> = BTreeMap::new();
    for (layer, slot) in (0_u32..).zip(case.subject.stack.slots()) {
        let Some(slot) = *slot else { continue };
        for (entry, hit) in case.subject.gathered.secrets_in(slot) {
            // What a package ships that looks like an assignment is its code.
            let is_packaged = || {
                let owner = case.packages.owner_of_hidden(entry, layer);
                owner.or_else(|| case.packages.owner(index.entry(entry).path)).is_some()
            };
            if is_generic(&hit.rule) && is_packaged() {
                continue;
            }
            let key = (index.path(index.entry(entry).path), hit.rule.clone(), hit.fingerprint.clone());
            if let Some(seen) = all.get_mut(&key) {
                seen.last = (layer, entry);
            } else if all.len() < MOST {
                all.insert(key, Seen { first: (layer, entry), last: (layer, entry), hit });
            }
        }
    }
    let make = |((path, rule, print), seen): ((Vec<u8>, String, String), Seen<'_>)| {
        let (layer, entry) = seen.first;
        let mut finding = case.about(&case.rule(&rule)?, index.entry(entry).path, Live { layer, entry });
        (finding.state, finding.removed_by) = case.state(seen.last.1, seen.last.0);
        finding.bytes = index.entry(entry).size;
        finding.confidence = if is_generic(&rule) { Confidence::Low } else { Confidence::High };
        finding.show("content", format!("line {}: {}", seen.hit.line, seen.hit.redacted));
        if let Some((by, why)) = seen.hit.shift {
            finding.shift(by, why.words());
        }
        let owner = case.packages.owner(index.entry(entry).path).map(|owner| case.packages.get(owner).kind);
        if owner.is_some_and(PackageKind::is_system) && path.starts_with(b"usr/") {
            // Whatever a distribution ships everybody has: test keys, documents. Settings below etc are another thing.
            finding.shift(-3, "a package of the distribution ships it");
        }
        case.discount(&mut finding);
        finding.mark(&[path.as_slice(), b"\0", print.as_bytes()].concat());
        Some(finding)
    };
    all.into_iter().filter_map(make).collect()
}

/// Files whose name says enough: key stores, histories of shells, host keys.
fn by_name(case: &Case<'_>, known: &[Finding]) -> Vec<Finding> {
    let index = case.index();
    let says_enough =
        |rule: &&Arc<Rule>| rule.category == Category::Secret && rule.pattern.is_empty() && rule.id != "SEC-DOTENV";
    let mut found: Vec<Finding> = Vec::new();
    for (layer, slot) in (0_u32..).zip(case.subject.stack.slots()) {
        for entry in slot.iter().flat_map(|slot| index.entries_in(*slot)) {
            let record = index.entry(entry);
            if record.kind != Kind::File || record.size == 0 || record.is_superseded() || found.len() >= MOST {
                continue;
            }
            let Some(rule) = case.meant.rules(record.path).iter().find(says_enough) else { continue };
            let about = About::Path(record.path);
            let is_known = |finding: &Finding| finding.about == about && finding.layer == Some(layer);
            // A host key that the scanner read is told as such, and not twice.
            if rule.id != "SEC-SSH-HOST-KEY" && known.iter().any(is_known) {
                continue;
            }
            let mut finding = case.about(rule, record.path, Live { layer, entry });
            finding.bytes = record.size;
            finding.confidence = Confidence::Medium;
            finding.show("path", format!("{} bytes", record.size));
            case.discount(&mut finding);
            found.retain(|other| other.fingerprint != finding.fingerprint || other.state < finding.state);
            if !found.iter().any(|other| other.fingerprint == finding.fingerprint) {
                found.push(finding);
            }
        }
    }
    found
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
        None if is_secret_name(name) => {
            let shift = match worth(value) {
                Worth::Nothing => return None,
                Worth::Default => Some((-2, Shift::Default)),
                Worth::Secret => None,
            };
            (redact(value.as_bytes()), fingerprint(value.as_bytes()), shift)
        }
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
    let scanner = Scanner::new();
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
            here.extend(in_command(case, &scanner, instruction.step, &instruction.text));
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
fn in_command(case: &Case<'_>, scanner: &Scanner, step: usize, text: &str) -> Vec<Finding> {
    let Some(rule) = case.rule("SEC-COMMAND") else { return Vec::new() };
    let mut secrets: Vec<(String, String)> =
        scanner.tokens(text.as_bytes()).into_iter().map(|hit| (hit.redacted, hit.fingerprint)).collect();
    for command in crate::analysis::instructions::commands(text) {
        let program = command.first().map_or("", |name| name.rsplit('/').next().unwrap_or_default());
        for (place, word) in command.iter().enumerate() {
            let value = match (program, word.as_str()) {
                ("curl", "-u" | "--user") => {
                    command.get(place + 1).and_then(|next| next.split_once(':')).map(|(_, password)| password)
                }
                ("sshpass" | "docker" | "podman" | "skopeo" | "az" | "mysql" | "psql", "-p" | "--password") => {
                    command.get(place + 1).map(String::as_str)
                }
                (_, word) => match word.split_once('=') {
                    Some((name, value)) if is_secret_name(name.trim_start_matches('-')) => Some(value),
                    _ => None,
                },
            };
            if let Some(value) = value.filter(|value| worth(value) == Worth::Secret && !value.contains('$')) {
                secrets.push((redact(value.as_bytes()), fingerprint(value.as_bytes())));
            }
        }
    }
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
