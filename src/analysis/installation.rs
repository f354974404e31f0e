//! Which words of an instruction brought the packages of a finding: what to leave out of it.

use std::collections::BTreeSet;

use super::case::Case;
use super::finding::Finding;
use super::instructions::{Instruction, commands};
use super::managers::program;
use super::packages::{PackageId, Reason};
use super::risk::known_as;
use crate::index::EntryId;

/// A package whose files are smaller than this in all only names others, in bytes: Debian's `build-essential`.
const NAMES_OTHERS: u64 = 64 * 1024;

/// How packages came.
#[derive(Debug, Default)]
pub struct Brought {
    /// The packages that the instruction names and that bring them.
    pub named: Vec<PackageId>,
    /// Whether these bring all of them.
    pub is_all: bool,
    /// The packages themselves.
    pub owners: Vec<PackageId>,
}

impl Brought {
    /// How the packages came whose programs a finding is about. What brings something that is `used` is not to be left
    /// out.
    #[must_use]
    pub fn new(case: &Case<'_>, finding: &Finding, used: &BTreeSet<PackageId>) -> Self {
        let owner = |entry: &_| case.packages.owner(case.index().entry(*entry).path);
        let owners: BTreeSet<PackageId> = finding.entries.iter().filter_map(owner).collect();
        let owners: Vec<PackageId> = owners.into_iter().collect();
        let Some(by) = finding.layer.and_then(|layer| case.instructions.of(layer)) else {
            return Self { owners, ..Self::default() };
        };
        let is_named = named(by);
        let all = case.packages.ids().filter(|id| {
            let package = case.packages.get(*id);
            package.is_installed() && package.kind.is_system() && is_named(&package.record.name)
        });
        let (mut named, mut left): (Vec<PackageId>, BTreeSet<PackageId>) =
            (Vec::new(), owners.iter().copied().collect());
        for id in all {
            let names_others = case.packages.get(id).visible() < NAMES_OTHERS;
            let brings: Vec<PackageId> = if names_others {
                let goes = case.packages.without(&[id]).goes.into_iter();
                goes.filter(|(_, reason)| *reason != Reason::Leftover).map(|(id, _)| id).collect()
            } else {
                vec![id]
            };
            if brings.iter().any(|id| owners.contains(id)) {
                named.push(id);
                left.retain(|id| !brings.contains(id));
            }
        }
        let mut goes = case.packages.without(&named).goes.into_iter();
        let is_free = !goes.any(|(id, reason)| reason != Reason::Leftover && used.contains(&id));
        Self { is_all: !owners.is_empty() && left.is_empty() && is_free, named, owners }
    }

    /// What an instruction can leave out with which a finding's programs go; `None` where a command of the build calls
    /// one of them.
    #[must_use]
    pub fn left_out(&self, case: &Case<'_>, finding: &Finding) -> Option<Vec<String>> {
        let index = case.index();
        let name_of = |entry: &EntryId| String::from_utf8_lossy(index.name(index.entry(*entry).path)).into_owned();
        let programs: Vec<String> = finding.entries.iter().map(name_of).collect();
        let mut names: Vec<&str> = programs.iter().flat_map(|name| known_as(name)).collect();
        // Without a database the package is likely to be called like its program.
        let packages = if self.owners.is_empty() { programs.clone() } else { self.names(case) };
        names.extend(packages.iter().map(String::as_str));
        (!is_called(case, &names)).then_some(packages)
    }

    /// The names of the packages that the instruction names.
    #[must_use]
    pub fn names(&self, case: &Case<'_>) -> Vec<String> {
        self.named.iter().map(|id| case.packages.get(*id).record.name.clone()).collect()
    }
}

/// Whether an instruction installs a package by its name. Those of pip and npm are names of other things.
fn named(by: &Instruction) -> impl Fn(&str) -> bool {
    let all: BTreeSet<String> = commands(&by.text)
        .into_iter()
        .filter(|command| command.iter().any(|word| matches!(word.as_str(), "install" | "add")))
        .flatten()
        // `curl=8.5*` and `curl:amd64` are curl.
        .map(|word| word.split(['=', ':']).next().unwrap_or_default().to_owned())
        .collect();
    move |name: &str| all.contains(name)
}

/// Whether a command of the build calls one of these programs: then the build fails without it.
#[must_use]
pub fn is_called(case: &Case<'_>, names: &[&str]) -> bool {
    let managers = case.subject.rules.managers();
    let calls = |word: &str| names.contains(&word.rsplit('/').next().unwrap_or_default());
    let runs = case.instructions.all.iter().filter(|instruction| instruction.keyword == "RUN");
    let called = |command: &Vec<String>| {
        let is_any = || !managers.is_called(command) && command.iter().any(|word| calls(word));
        program(command).is_some_and(calls) || is_any()
    };
    runs.flat_map(|instruction| commands(&instruction.text)).any(|command| called(&command))
}

/// Whether an instruction installs these packages, cleans up, and does nothing else.
#[must_use]
pub fn installs_nothing_else(case: &Case<'_>, by: &Instruction, packages: &[String]) -> bool {
    let managers = case.subject.rules.managers();
    let all = commands(&by.text);
    let is_beside = |command: &Vec<String>| {
        managers.is_called(command) || matches!(command.first().map(String::as_str), Some("rm" | "set" | "true"))
    };
    let mut installed: Vec<&str> = Vec::new();
    for command in all.iter().filter(|command| managers.is_called(command)) {
        let verb = command.iter().position(|word| matches!(word.as_str(), "install" | "add"));
        let words = verb.map_or(&[][..], |verb| &command[verb + 1..]);
        installed.extend(words.iter().map(String::as_str).filter(|word| !word.starts_with('-')));
    }
    all.iter().all(is_beside)
        && !installed.is_empty()
        && installed.iter().all(|name| packages.iter().any(|package| package == name))
}

/// An installation without some of its packages; `None` when it does not name them, or names nothing else.
#[must_use]
pub fn without_packages(text: &str, names: &[String]) -> Option<String> {
    let first = text.to_owned();
    (!names.is_empty()).then_some(())?;
    names.iter().try_fold(first, |text, name| without_package(&text, name))
}

/// The same without one of its packages.
fn without_package(text: &str, name: &str) -> Option<String> {
    let place = commands(text).into_iter().find(|command| {
        let installs = command.iter().any(|word| matches!(word.as_str(), "install" | "add"));
        installs && command.iter().any(|word| word == name)
    })?;
    let verb = place.iter().position(|word| matches!(word.as_str(), "install" | "add"))?;
    let others = place[verb + 1..].iter().filter(|word| *word != name && !word.starts_with('-')).count();
    if others == 0 {
        return None;
    }
    let mut shorter = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let before = rest[..at].chars().next_back();
        let after = rest[at + name.len()..].chars().next();
        let is_word = before.is_none_or(char::is_whitespace) && after.is_none_or(char::is_whitespace);
        if is_word {
            shorter.push_str(rest[..at].trim_end_matches(' '));
            shorter.push_str(&rest[at + name.len()..]);
            return Some(shorter);
        }
        shorter.push_str(&rest[..at + name.len()]);
        rest = &rest[at + name.len()..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_taken_out_of_an_installation() {
        let without = |text: &str, names: &[&str]| {
            without_packages(text, &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        let text = "apt-get update && apt-get install -y curl vim git";
        assert_eq!(without(text, &["vim"]).unwrap(), "apt-get update && apt-get install -y curl git");
        assert_eq!(without(text, &["vim", "git"]).unwrap(), "apt-get update && apt-get install -y curl");
        assert_eq!(without(text, &["curl", "vim", "git"]), None);
        assert_eq!(without(text, &["curlish"]), None);
        assert_eq!(without("apk add curl", &["curl"]), None);
        assert_eq!(without("curl x | tar xz", &["curl"]), None);
    }
}
