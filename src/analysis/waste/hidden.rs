//! Bytes that a later layer hides, by what it does: deletes, replaces, or stores again for a mode, an owner, a time.

use std::collections::BTreeMap;

use super::Group;
use super::repeated::Repeated;
use crate::analysis::case::Case;
use crate::analysis::efficiency::Fate;
use crate::analysis::finding::Finding;
use crate::analysis::subject::Claims;
use crate::index::walk::{Change, Live, Order, walk};
use crate::index::{Differs, Kind, PathId};

/// State that every installation of packages writes anew.
const CHURN: &str = "WST-DB-CHURN";

/// What hidden bytes have in common that make one finding: the rule, the layer that brought them, the one that hides
/// them, and the cache that they are of.
type Key<'c> = (&'static str, u32, Option<u32>, Option<&'c str>);

/// All hidden bytes. What stays visible through a hard link is claimed where its copy is the waste.
pub fn findings(case: &Case<'_>, claims: &mut Claims) -> Vec<Finding> {
    let mut groups: BTreeMap<Key<'_>, Group> = BTreeMap::new();
    let index = case.index();
    let repeated = Repeated::new(case);
    for (layer, slot) in case.subject.stack.read_layers() {
        for id in index.entries_in(slot) {
            let entry = index.entry(id);
            if entry.kind != Kind::File || entry.size == 0 {
                continue;
            }
            let (reason, by) = match case.account.fate(id, layer) {
                Fate::Visible => continue,
                Fate::Deleted { by } => ("WST-DELETED", by),
                Fate::Replaced { by } if by == layer => ("WST-LISTED-TWICE", by),
                Fate::Replaced { by } => ("WST-OVERWRITTEN", by),
                Fate::Rewritten { by, differs } => (rewritten(differs), by),
            };
            let package = case.packages.owner_of_hidden(id, layer);
            let of_package = package.and_then(|package| repeated.cause(package, entry.path, reason, by));
            let is_churn = reason != "WST-DELETED" && case.meant.rules(entry.path).iter().any(|rule| rule.id == CHURN);
            let cache = if of_package.is_none() && !is_churn { cache(case, entry.path) } else { None };
            let reason = of_package.unwrap_or(if is_churn { CHURN } else { reason });
            let Some(rule) = case.rule(reason) else { continue };
            let group = groups
                .entry((reason, layer, Some(by), cache))
                .or_insert_with(|| Group::new(&rule, layer, Some(by), entry.path));
            // What a secret claims is told with it.
            if !claims.is_free(id) {
                group.pass(case, entry.path);
                continue;
            }
            group.add(case, id, entry.size);
            if let Some(package) = package.filter(|_| of_package.is_some()) {
                *group.packages.entry(package).or_default() += entry.size;
            }
        }
    }
    broken_links(case, claims, &mut groups);
    groups.into_values().filter_map(|group| group.finding(case)).collect()
}

/// The rule for a cache of installations, which is cleaned where it is made whatever hides it later; other files are not,
/// so that the two are not mended alike.
fn cache<'c>(case: &'c Case<'_>, path: PathId) -> Option<&'c str> {
    case.meant.rules(path).iter().find(|rule| rule.is_cleaned_where_made()).map(|rule| rule.id.as_str())
}

fn rewritten(differs: Differs) -> &'static str {
    if differs.any(Differs::OWNER) {
        "WST-CHOWN"
    } else if differs.any(Differs::MODE) {
        "WST-CHMOD"
    } else if differs.any(Differs::XATTR) {
        "WST-XATTR"
    } else if differs.any(Differs::TIME) {
        "WST-TOUCH"
    } else {
        "WST-REPEATED"
    }
}

/// A layer that changes one name of a file with several copies the whole file, and the old one stays visible under its
/// other names.
fn broken_links(case: &Case<'_>, claims: &mut Claims, groups: &mut BTreeMap<Key<'_>, Group>) {
    let (index, stack) = (case.index(), case.subject.stack);
    let Some(rule) = case.rule("WST-HARDLINK-BREAK") else { return };
    walk(index, stack, Order::Any, |story| {
        for event in story.events {
            let (Change::Rewritten(_), Some(before), Some(entry)) = (event.change, event.before, event.entry) else {
                continue;
            };
            let copy = index.entry(entry);
            let Some(old) = index.inode(before.entry) else { continue };
            let is_shown = case.account.fate(old, before.layer) == Fate::Visible;
            let is_copy = copy.kind == Kind::File && case.account.fate(entry, event.layer) == Fate::Visible;
            if !is_shown || !is_copy || copy.size == 0 {
                continue;
            }
            let bytes = claims.take(entry, copy.size, copy.size);
            let live = Live { layer: event.layer, entry };
            groups
                .entry(("WST-HARDLINK-BREAK", live.layer, None, None))
                .or_insert_with(|| Group::new(&rule, live.layer, None, copy.path))
                .add(case, entry, bytes);
        }
    });
}
