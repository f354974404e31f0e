//! Programs that came past the package manager, and a package database that was deleted: nobody who looks for known
//! faults by packages sees them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::programs::Program;
use crate::analysis::case::{Case, common_folder};
use crate::analysis::efficiency::visible_files;
use crate::analysis::finding::{About, Confidence, Finding, Origin};
use crate::analysis::installation::Brought;
use crate::analysis::packages::{PackageId, Reason};
use crate::analysis::subject::Claims;
use crate::index::EntryId;
use crate::index::walk::Live;

/// Programs that one finding names.
const NAMED: usize = 20;

/// Package databases that were deleted.
pub fn databases(case: &Case<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
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

/// Programs in the system's folders that no package owns, one finding for each layer. Of those whose kind is `known`
/// their own finding says that no package owns them.
pub fn unowned(case: &Case<'_>, known: &[Program]) -> Vec<Finding> {
    let Some(rule) = case.rule("RSK-UNOWNED") else { return Vec::new() };
    let known: HashSet<EntryId> = known.iter().map(|program| program.live.entry).collect();
    let mut by_layer: BTreeMap<u32, Finding> = BTreeMap::new();
    for program in &case.packages.payload.programs {
        let Some(at @ Live { entry, .. }) = case.merged.at(program.path) else { continue };
        if case.merged.file(at).is_some_and(|file| known.contains(&file.entry)) {
            continue;
        }
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
pub struct Removing {
    /// The packages of what the container uses.
    pub used: BTreeSet<PackageId>,
    /// The files of each package that a container sees, with their bytes; made when it is needed first.
    files: Option<HashMap<PackageId, Vec<(EntryId, u64)>>>,
}

impl Removing {
    /// Makes ready for an image.
    pub fn new(used: BTreeSet<PackageId>) -> Self {
        Self { used, files: None }
    }

    /// Takes for a finding what is saved when the packages of its programs are not installed: the packages, what came for
    /// them alone, and what cannot do without them. Only where the instruction names what brought them, so that it can
    /// be left out.
    pub fn add(&mut self, case: &Case<'_>, claims: &mut Claims, finding: &mut Finding, brought: &Brought) {
        if brought.owners.len() > 1 && !brought.is_all && finding.origin == Origin::Yours {
            let names = brought.owners.iter().map(|id| case.packages.get(*id).record.name.as_str()).collect();
            finding.show("package", format!("packages: {}", listed(names)));
        }
        super::programs::claim(case, claims, finding);
        if !brought.is_all {
            return;
        }
        let files = self.files.get_or_insert_with(|| files(case));
        let mut with_it = Vec::new();
        for (id, reason) in case.packages.without(&brought.named).goes {
            if reason == Reason::Leftover {
                continue;
            }
            let bytes = files.get(&id).into_iter().flatten().map(|(entry, size)| claims.take(*entry, *size, *size));
            finding.reclaimable += bytes.sum::<u64>();
            if !brought.named.contains(&id) {
                with_it.push(case.packages.get(id).record.name.as_str());
            }
        }
        if !with_it.is_empty() {
            finding.show("package", format!("with {} go {}", brought.names(case).join(", "), listed(with_it)));
        }
    }
}

/// Names, as many as can be read.
fn listed(mut names: Vec<&str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    names.truncate(NAMED);
    format!("{}{more}", names.join(", "))
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
