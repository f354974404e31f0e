//! Packages behind hidden bytes: taken away by a later layer, replaced by another version, or installed again.

use std::collections::HashMap;

use super::packages::GHOST;
use crate::analysis::case::Case;
use crate::analysis::efficiency::Fate;
use crate::analysis::managers::Work;
use crate::analysis::packages::{PackageId, What};
use crate::index::{Kind, PathId};

/// Folders of which packages lose files without being gone.
const BESIDES: [&[u8]; 5] =
    [b"usr/share/doc/", b"usr/share/man/", b"usr/share/info/", b"usr/share/locale/", b"var/cache/"];

/// What layers did to whole packages.
pub struct Repeated<'c, 'a> {
    case: &'c Case<'a>,
    /// Packages that a layer installed again, as they were.
    again: HashMap<(PackageId, u32), bool>,
}

impl<'c, 'a> Repeated<'c, 'a> {
    pub fn new(case: &'c Case<'a>) -> Self {
        Self { case, again: again(case) }
    }

    /// The rule for bytes of a package that a layer hides; `None` where it is not the package that this is about.
    pub fn cause(&self, id: PackageId, path: PathId, reason: &str, by: u32) -> Option<&'static str> {
        let package = self.case.packages.get(id);
        match package.story.iter().rev().find(|step| step.layer == by).map(|step| &step.what) {
            Some(What::Removed) => return Some(GHOST),
            Some(What::Changed { .. }) => return Some("WST-UPGRADED"),
            Some(What::Installed) | None => {}
        }
        if self.again.get(&(id, by)).copied().unwrap_or_default() {
            return Some("WST-REINSTALLED");
        }
        // Who deletes the files by hand leaves the package in the database.
        let is_gone = package.is_installed() && package.visible().saturating_mul(20) < package.shipped();
        let path = self.case.index().path(path);
        let is_besides = BESIDES.iter().any(|folder| path.starts_with(folder));
        (reason == "WST-DELETED" && package.kind.is_system() && is_gone && !is_besides).then_some(GHOST)
    }
}

/// Packages of which a layer that installs stores nearly all files again, and the file that tells of them as well.
fn again(case: &Case<'_>) -> HashMap<(PackageId, u32), bool> {
    let index = case.index();
    // For each package and each layer that hides some of its bytes: how many it stores again.
    let mut stored: HashMap<(PackageId, u32), u64> = HashMap::new();
    // For each package: the bytes of every file, with the layer that has it and the one that hides it.
    let mut files: HashMap<PackageId, Vec<(u32, u32, u64)>> = HashMap::new();
    for (layer, slot) in case.subject.stack.read_layers() {
        for id in index.entries_in(slot) {
            let entry = index.entry(id);
            if entry.kind != Kind::File || entry.size == 0 {
                continue;
            }
            let fate = case.account.fate(id, layer);
            let owner = match fate {
                Fate::Visible => case.packages.owner(entry.path),
                _ => case.packages.owner_of_hidden(id, layer),
            };
            let Some(owner) = owner else { continue };
            let end = match fate {
                Fate::Visible => u32::MAX,
                Fate::Deleted { by } => by,
                Fate::Replaced { by } | Fate::Rewritten { by, .. } => {
                    *stored.entry((owner, by)).or_default() += entry.size;
                    by
                }
            };
            files.entry(owner).or_default().push((layer, end, entry.size));
        }
    }
    let judge = |((id, by), bytes): ((PackageId, u32), u64)| {
        let stood = files.get(&id).into_iter().flatten().filter(|(layer, end, _)| *layer < by && *end >= by);
        let stood: u64 = stood.map(|(_, _, size)| size).sum();
        let is_most = bytes.saturating_mul(10) >= stood.saturating_mul(9);
        ((id, by), is_most && is_told(case, id, by) && installs(case, by))
    };
    stored.into_iter().map(judge).collect()
}

/// Whether a layer writes the file that tells of a package, its database or its own.
fn is_told(case: &Case<'_>, id: PackageId, by: u32) -> bool {
    let index = case.index();
    let mut entries = index.entries_of(case.packages.get(id).place);
    entries.any(|entry| case.subject.stack.layers_of(index.entry(entry).slot).contains(&by))
}

/// Whether the instruction of a layer installs; where nothing tells, it may.
fn installs(case: &Case<'_>, layer: u32) -> bool {
    let Some(instruction) = case.instructions.of(layer) else { return true };
    let managers = case.subject.rules.managers();
    instruction.keyword == "RUN" && managers.asked(&instruction.text, Work::Install).is_some()
        || instruction.keyword.is_empty() && instruction.text.is_empty()
}
