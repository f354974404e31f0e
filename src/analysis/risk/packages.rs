//! Programs that came past the package manager, and a package database that was deleted: nobody who looks for known
//! faults by packages sees them.

use std::collections::{BTreeMap, HashMap};

use crate::analysis::case::{Case, common_folder};
use crate::analysis::efficiency::visible_files;
use crate::analysis::finding::{About, Confidence, Finding};
use crate::analysis::fixes::without_package;
use crate::analysis::packages::{PackageId, Reason};
use crate::analysis::subject::Claims;
use crate::index::walk::Live;
use crate::index::{EntryId, PathId};

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

/// What goes with a program whose package is left out of an installation.
#[derive(Default)]
pub struct Removing {
    /// The files of each package that a container sees, with their bytes; made when it is needed first.
    files: Option<HashMap<PackageId, Vec<(EntryId, u64)>>>,
}

impl Removing {
    /// Adds to a finding what is saved when the package of its program is not installed: the package, what came for it
    /// alone, and what cannot do without it. Only where the instruction names the package, so that it can be left out.
    pub fn add(&mut self, case: &Case<'_>, path: PathId, claims: &mut Claims, finding: &mut Finding) {
        let Some(owner) = case.packages.owner(path) else { return };
        let instruction = finding.layer.and_then(|layer| case.instructions.of(layer));
        let name = &case.packages.get(owner).record.name;
        if instruction.and_then(|instruction| without_package(&instruction.text, name)).is_none() {
            return;
        }
        let files = self.files.get_or_insert_with(|| files(case));
        let mut with_it = Vec::new();
        for (id, reason) in case.packages.without(&[owner]).goes {
            if reason == Reason::Leftover {
                continue;
            }
            let bytes = files.get(&id).into_iter().flatten().map(|(entry, size)| claims.take(*entry, *size, *size));
            finding.reclaimable += bytes.sum::<u64>();
            if id != owner {
                with_it.push(case.packages.get(id).record.name.as_str());
            }
        }
        if !with_it.is_empty() {
            let more = with_it.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            with_it.truncate(NAMED);
            finding.show("package", format!("with {name} go {}{more}", with_it.join(", ")));
        }
    }
}

fn files(case: &Case<'_>) -> HashMap<PackageId, Vec<(EntryId, u64)>> {
    let mut files: HashMap<PackageId, Vec<(EntryId, u64)>> = HashMap::new();
    for live in visible_files(case.index(), case.subject.stack, case.account) {
        let entry = case.index().entry(live.entry);
        if let Some(owner) = case.packages.owner(entry.path) {
            files.entry(owner).or_default().push((live.entry, entry.size));
        }
    }
    files
}
