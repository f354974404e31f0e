//! Programs that came past the package manager, and a package database that was deleted: nobody who looks for known
//! faults by packages sees them.

use std::collections::BTreeMap;

use crate::analysis::case::{Case, common_folder};
use crate::analysis::finding::{About, Confidence, Finding};
use crate::index::walk::Live;

/// Programs that one finding names.
const NAMED: usize = 20;

/// All of it.
pub fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = unowned(case);
    for database in &case.packages.databases {
        let (Some(by), Some(rule)) = (database.removed, case.rule("CFG-PACKAGE-DATABASE")) else { continue };
        let mut finding = Finding::new(&rule, About::Path(database.place));
        finding.layer = Some(by);
        finding.origin = case.boundary.of(by);
        finding.confidence = Confidence::Exact;
        finding.show("package", format!("the database of {} is deleted", database.kind.name()));
        finding.mark(&case.index().path(database.place));
        case.discount(&mut finding);
        found.push(finding);
    }
    found
}

/// Programs in the system's folders that no package owns, one finding for each layer.
fn unowned(case: &Case<'_>) -> Vec<Finding> {
    let Some(rule) = case.rule("RSK-UNOWNED") else { return Vec::new() };
    let mut by_layer: BTreeMap<u32, Finding> = BTreeMap::new();
    for program in &case.packages.payload.programs {
        let Some(Live { entry, .. }) = case.merged.at(program.path) else { continue };
        let live = Live { layer: program.layer, entry };
        let finding = by_layer.entry(program.layer).or_insert_with(|| {
            let mut first = case.about(&rule, program.path, live);
            first.entries.clear();
            first.package = None;
            first.confidence = Confidence::Exact;
            case.discount(&mut first);
            first
        });
        if let About::Path(folder) = finding.about {
            finding.about = About::Path(common_folder(case.index(), folder, program.path));
        }
        finding.entries.push(entry);
        finding.bytes += program.bytes;
        if finding.evidence.len() < NAMED {
            let path = case.index().path(program.path);
            finding.show("path", format!("/{} ({} bytes)", String::from_utf8_lossy(&path), program.bytes));
        }
    }
    let mut found: Vec<Finding> = by_layer.into_values().collect();
    for finding in &mut found {
        let names: Vec<&str> = finding.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
        let key = names.join("\0");
        finding.mark(key.as_bytes());
    }
    found
}
