//! Packages that are shipped for nothing: those that came by recommendation alone, those that nothing needs, and those
//! that a later layer took away or replaced.

use std::collections::{BTreeMap, HashMap};

use super::Group;
use crate::analysis::case::Case;
use crate::analysis::efficiency::visible_files;
use crate::analysis::finding::Finding;
use crate::analysis::packages::{PackageId, Reason, What};
use crate::analysis::subject::Claims;

/// The rule for packages that a later layer took away.
pub const GHOST: &str = "WST-GHOST-PACKAGE";

/// Packages that one finding names.
const NAMED: usize = 12;

/// Whole packages that an installation without recommendations, or a cleanup, would leave out.
pub fn findings(case: &Case<'_>, claims: &mut Claims) -> Vec<Finding> {
    let recommended = case.packages.recommends_only().goes.into_iter().map(|(id, _)| id).collect();
    let unneeded = case.packages.unneeded().goes;
    let leftover = unneeded.into_iter().filter(|(_, reason)| *reason == Reason::Leftover).map(|(id, _)| id).collect();
    let mut found = together(case, claims, "WST-RECOMMENDS", recommended);
    found.extend(together(case, claims, "WST-AUTOREMOVE", leftover));
    found
}

/// The files of packages, one finding for each layer that brought some of the packages.
fn together(case: &Case<'_>, claims: &mut Claims, rule: &'static str, packages: Vec<PackageId>) -> Vec<Finding> {
    let Some(rule) = case.rule(rule).filter(|_| !packages.is_empty()) else { return Vec::new() };
    let layer_of: HashMap<PackageId, u32> =
        packages.into_iter().filter_map(|id| Some((id, case.packages.get(id).introduced()?))).collect();
    let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
    for live in visible_files(case.index(), case.subject.stack, case.account) {
        let entry = case.index().entry(live.entry);
        let owner = case.packages.owner(entry.path).and_then(|owner| layer_of.get(&owner));
        let Some(layer) = owner.copied().filter(|_| claims.is_free(live.entry)) else { continue };
        let bytes = claims.take(live.entry, entry.size, entry.size);
        let group = groups.entry(layer).or_insert_with(|| Group::new(&rule, layer, None, entry.path));
        group.add(case, live.entry, bytes);
    }
    let finding = |group: Group| {
        let layer = group.layer;
        let mut finding = group.finding(case)?;
        let mut names: Vec<(u64, &str)> = layer_of
            .iter()
            .filter(|(_, own)| **own == layer)
            .map(|(id, _)| (case.packages.get(*id).visible(), case.packages.get(*id).record.name.as_str()))
            .collect();
        names.sort_unstable_by(|one, other| other.cmp(one));
        finding.evidence.clear();
        show(&mut finding, "packages", &names);
        Some(finding)
    };
    groups.into_values().filter_map(finding).collect()
}

/// Names the packages behind bytes that a later layer hides, with what that layer did to them.
pub fn tell(case: &Case<'_>, packages: &BTreeMap<PackageId, u64>, by: Option<u32>, finding: &mut Finding) {
    let mut told: BTreeMap<&str, Vec<(u64, String)>> = BTreeMap::new();
    for (id, bytes) in packages {
        let package = case.packages.get(*id);
        let step = package.story.iter().rev().find(|step| Some(step.layer) == by);
        let (what, name) = match step.map(|step| &step.what) {
            Some(What::Removed) => ("taken away", package.record.name.clone()),
            Some(What::Changed { from }) => (
                "upgraded",
                format!("{} from {from} to {}", package.record.name, step.map_or("", |step| &step.version)),
            ),
            Some(What::Installed) | None if finding.rule.id == GHOST => {
                ("deleted, and still in the package database", package.record.name.clone())
            }
            Some(What::Installed) | None => ("installed again", package.record.name.clone()),
        };
        told.entry(what).or_default().push((*bytes, name));
    }
    for (what, mut names) in told {
        names.sort_unstable_by(|one, other| other.cmp(one));
        let names: Vec<(u64, &str)> = names.iter().map(|(bytes, name)| (*bytes, name.as_str())).collect();
        show(finding, what, &names);
    }
}

fn show(finding: &mut Finding, what: &str, packages: &[(u64, &str)]) {
    if packages.is_empty() {
        return;
    }
    let names: Vec<&str> = packages.iter().take(NAMED).map(|(_, name)| *name).collect();
    let more = packages.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    finding.show("package", format!("{what}: {}{more}", names.join(", ")));
}
