//! What belongs into `.dockerignore`: files that came with the build context and that nothing in the image needs.
//! Format: the build context documentation of Docker, whose patterns are those of a path from the root of the context.

use std::collections::BTreeSet;

use globset::{Glob, GlobMatcher};

use super::case::Case;
use super::instructions::Instruction;
use super::rules::Rule;
use crate::index::EntryId;

/// The patterns that keep files which a rule means out of the build context, with the instruction that copies them;
/// `None` where they did not all come from there.
#[must_use]
pub fn patterns<'c>(case: &'c Case<'_>, rule: &Rule, files: &[EntryId]) -> Option<(&'c Instruction, Vec<String>)> {
    if rule.ignore.is_empty() || files.is_empty() {
        return None;
    }
    let globs: Vec<(&String, GlobMatcher)> =
        rule.ignore.iter().filter_map(|name| Some((name, Glob::new(name).ok()?.compile_matcher()))).collect();
    let mut found = BTreeSet::new();
    let mut by = None;
    for entry in files {
        let copy = copied_by(case, *entry)?;
        by.get_or_insert(copy);
        let path = case.index().path(case.index().entry(*entry).path);
        let path = String::from_utf8_lossy(&path).into_owned();
        let known = path.split('/').find_map(|part| globs.iter().find(|(_, glob)| glob.is_match(part)));
        found.insert(format!("**/{}", known?.0));
    }
    Some((by?, found.into_iter().collect()))
}

/// The instruction that first brought a file, if that copies it from the build context.
fn copied_by<'c>(case: &'c Case<'_>, entry: EntryId) -> Option<&'c Instruction> {
    let index = case.index();
    let path = index.entry(entry).path;
    let layers = index.entries_of(path).filter_map(|id| {
        let layers = case.subject.stack.layers_of(index.entry(id).slot);
        layers.first().copied()
    });
    let by = case.instructions.of(layers.min()?)?;
    let from_elsewhere = by.text.contains("--from") || by.text.contains("://") || by.text.contains("<<");
    (matches!(by.keyword.as_str(), "COPY" | "ADD") && !from_elsewhere).then_some(by)
}

/// A name as a pattern that means nothing else (Go's `filepath.Match`).
#[must_use]
pub fn escaped(name: &str) -> String {
    name.chars()
        .flat_map(|sign| matches!(sign, '*' | '?' | '[' | '\\').then_some('\\').into_iter().chain([sign]))
        .collect()
}

/// A `.dockerignore` with more patterns at its end; those that it has already are left out.
#[must_use]
pub fn with(text: &str, patterns: &BTreeSet<&str>) -> String {
    let has = |pattern: &str| text.lines().any(|line| line.trim().trim_end_matches('/') == pattern);
    let mut all = text.to_owned();
    if !all.is_empty() && !all.ends_with('\n') {
        all.push('\n');
    }
    for pattern in patterns.iter().filter(|pattern| !has(pattern)) {
        all.push_str(pattern);
        all.push('\n');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_added_once() {
        let add = |text: &str| with(text, &["**/.env", "**/.git"].into_iter().collect());
        assert_eq!(add(""), "**/.env\n**/.git\n");
        assert_eq!(add("node_modules"), "node_modules\n**/.env\n**/.git\n");
        assert_eq!(add("**/.git/\n"), "**/.git/\n**/.env\n");
        // At the top alone is not everywhere.
        assert_eq!(add("/.git\n**/.env\n"), "/.git\n**/.env\n**/.git\n");
        assert_eq!(escaped("a*[b]?"), "a\\*\\[b]\\?");
    }
}
