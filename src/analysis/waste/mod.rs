//! Bytes that are shipped for nothing: those that later layers hide, by what hides them, and those that a container
//! sees and never needs. Every byte is in one finding at most.

mod hidden;
mod live;
mod packages;
mod repeated;
mod unpacked;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::case::{Case, common_folder};
use super::finding::Finding;
use super::packages::PackageId;
use super::rules::Rule;
use super::subject::Claims;
use crate::index::walk::Live;
use crate::index::{EntryId, PathId};
pub use live::is_live;

/// Bytes from which on waste is worth a level more.
const MUCH: u64 = 50_000_000;

/// Bytes below which waste is only worth knowing, if they are not a good part of the image either.
const LITTLE: u64 = 500_000;

/// Files that are named as evidence.
const NAMED: usize = 5;

/// All waste. `claims` learns which bytes it took.
#[must_use]
pub fn findings(case: &Case<'_>, claims: &mut Claims, duplicates: &[super::duplicates::Duplicate]) -> Vec<Finding> {
    let mut found = hidden::findings(case, claims);
    found.extend(packages::findings(case, claims));
    found.extend(live::findings(case, claims, duplicates));
    found
}

/// Files that are waste for one reason.
struct Group {
    rule: Arc<Rule>,
    layer: u32,
    removed_by: Option<u32>,
    /// What holds its files; the first of them by itself.
    folder: Option<PathId>,
    /// What holds these and those that a secret tells: the finding is the same, whether secrets are looked for or not.
    around: PathId,
    bytes: u64,
    files: Vec<EntryId>,
    /// The packages that it is about, with their bytes.
    packages: BTreeMap<PackageId, u64>,
    /// What else shows it.
    notes: Vec<String>,
    /// The largest, with the bytes of each that are waste.
    largest: Vec<(u64, EntryId)>,
}

impl Group {
    fn new(rule: &Arc<Rule>, layer: u32, removed_by: Option<u32>, path: PathId) -> Self {
        let rule = Arc::clone(rule);
        let (files, largest, packages, notes) = (Vec::new(), Vec::new(), BTreeMap::new(), Vec::new());
        Self { rule, layer, removed_by, folder: None, around: path, bytes: 0, files, packages, notes, largest }
    }

    /// Leaves a file to what tells it already.
    fn pass(&mut self, case: &Case<'_>, path: PathId) {
        self.around = common_folder(case.index(), self.around, path);
    }

    fn add(&mut self, case: &Case<'_>, entry: EntryId, bytes: u64) {
        let path = case.index().entry(entry).path;
        self.pass(case, path);
        self.bytes += bytes;
        self.files.push(entry);
        self.folder = Some(self.folder.map_or(path, |folder| common_folder(case.index(), folder, path)));
        self.largest.push((bytes, entry));
        if self.largest.len() > 64 {
            self.keep_largest();
        }
    }

    fn keep_largest(&mut self) {
        self.largest.sort_by_key(|(bytes, entry)| (std::cmp::Reverse(*bytes), *entry));
        self.largest.truncate(NAMED);
    }

    fn finding(mut self, case: &Case<'_>) -> Option<Finding> {
        self.keep_largest();
        let (_, first) = *self.largest.first()?;
        let mut finding = case.about(&self.rule, self.folder?, Live { layer: self.layer, entry: first });
        if self.removed_by.is_none() {
            finding.state = super::finding::State::Live;
        }
        finding.removed_by = self.removed_by;
        if let Some(by) = self.removed_by {
            // What hides bytes is to blame for it, whoever brought them.
            finding.origin = case.boundary.of(by);
        }
        finding.confidence = super::finding::Confidence::Exact;
        (finding.bytes, finding.reclaimable) = (self.bytes, self.bytes);
        for (bytes, entry) in &self.largest {
            let path = case.index().path(case.index().entry(*entry).path);
            finding.show("path", format!("/{} ({bytes} bytes)", String::from_utf8_lossy(&path)));
        }
        for note in self.notes.iter().take(NAMED) {
            finding.show("content", note.as_str());
        }
        packages::tell(case, &self.packages, self.removed_by, &mut finding);
        let more = self.files.len() - self.largest.len();
        if more > 0 {
            let files = if more == 1 { "file" } else { "files" };
            finding.show("path", format!("and {more} more {files}"));
        }
        finding.entries = self.files;
        weigh(case, &mut finding);
        let instruction = |layer: u32| case.instructions.of(layer).map(super::instructions::Instruction::line);
        let key = [instruction(self.layer), self.removed_by.and_then(instruction)];
        let key = key.map(Option::unwrap_or_default).join("\0");
        let path = case.index().path(self.around);
        // Equal files are several findings of one layer, which such names may tell apart.
        let path = if self.rule.id == "WST-DUPLICATE" { path } else { undated(&path) };
        finding.mark(&[&path, b"\0".as_slice(), key.as_bytes()].concat());
        Some(finding)
    }
}

/// A path of which each name that holds a date has zeros for its digits: `2026-11-26T10_07_55_123Z-debug-0.log` is of
/// another build each time, and is the same finding.
fn undated(path: &[u8]) -> Vec<u8> {
    let is_dated = |name: &[u8]| {
        name.windows(8).any(|part| part.starts_with(b"20") && part.iter().all(u8::is_ascii_digit))
            || name.windows(10).any(|part| {
                let is_sign = |place: usize| matches!(place, 4 | 7);
                let fits = |(place, byte): (usize, &u8)| {
                    if is_sign(place) { b"-_.".contains(byte) } else { byte.is_ascii_digit() }
                };
                part.starts_with(b"20") && part.iter().enumerate().all(fits)
            })
    };
    let names = path.split(|&byte| byte == b'/').map(|name| {
        let zero = |byte: &u8| if byte.is_ascii_digit() { b'0' } else { *byte };
        if is_dated(name) { name.iter().map(zero).collect() } else { name.to_vec() }
    });
    names.collect::<Vec<Vec<u8>>>().join(&b'/')
}

/// Moves the severity by how much it is.
fn weigh(case: &Case<'_>, finding: &mut Finding) {
    let shipped = case.account.total.shipped.max(1);
    let bytes = finding.reclaimable;
    // A twentieth of a small image matters, a tenth of a large one more.
    if bytes < LITTLE && bytes.saturating_mul(20) < shipped {
        finding.shift(-1, "little of the image");
    } else if bytes >= MUCH || (bytes >= LITTLE && bytes.saturating_mul(10) >= shipped) {
        finding.shift(1, "much of the image");
    }
    case.discount(finding);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_date_is_the_same_in_another_build() {
        for (path, same) in [
            (
                "root/.npm/_logs/2026-11-26T10_07_55_123Z-debug-0.log",
                "root/.npm/_logs/0000-00-00T00_00_00_000Z-debug-0.log",
            ),
            ("var/log/app-20261126.log", "var/log/app-00000000.log"),
            ("var/log/2026.11.26/x1", "var/log/0000.00.00/x1"),
            ("usr/lib/python3.11/x-12345678.so", "usr/lib/python3.11/x-12345678.so"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8(undated(path.as_bytes())).unwrap(), same);
        }
    }
}
