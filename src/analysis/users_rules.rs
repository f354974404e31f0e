//! A user's own rules: a path, a name, a mode, a size, and a text in what was kept of the contents.

use std::sync::Arc;

use super::case::Case;
use super::finding::{Confidence, Finding};
use super::rules::Rule;
use crate::index::walk::Live;
use crate::index::{Entry, Kind, PathId};

/// Findings of one rule beyond which the rule means too much.
const MOST: usize = 1000;

/// What the user's rules find in the file system that a container sees.
#[must_use]
pub fn findings(case: &Case<'_>) -> Vec<Finding> {
    let rules = case.subject.rules.users();
    let mut found = Vec::new();
    for rule in rules {
        let mut count = 0;
        for (path, live, entry) in case.merged.all() {
            let is_meant = rule.paths.is_empty() || case.meant.rules(path).iter().any(|other| other.id == rule.id);
            if !is_meant || !fits(case, rule, path, live, entry) {
                continue;
            }
            count += 1;
            if count > MOST {
                break;
            }
            let mut finding = case.about(rule, path, live);
            finding.bytes = entry.size;
            finding.confidence = Confidence::Exact;
            finding.show("mode", format!("{:04o}, {} bytes", case.merged.mode(live), entry.size));
            found.push(finding);
        }
    }
    found
}

fn fits(case: &Case<'_>, rule: &Arc<Rule>, path: PathId, live: Live, entry: Entry) -> bool {
    let name = case.index().name(path);
    (rule.names.is_empty() || rule.names.iter().any(|wanted| wanted.as_bytes() == name))
        && (rule.mode.is_empty() || case.merged.mode(live) & rule.mode_bits() != 0)
        && (rule.min_bytes == 0 || (entry.kind == Kind::File && entry.size >= rule.min_bytes))
        && (rule.keywords.is_empty() || holds(case, rule, live))
}

fn holds(case: &Case<'_>, rule: &Rule, live: Live) -> bool {
    let text = case.merged.fact(live).and_then(|fact| fact.whole.as_deref());
    text.is_some_and(|text| rule.keywords.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some()))
}
