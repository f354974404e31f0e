//! Bytes that a container sees and does not need: caches, documentation, symbols, leftovers of the build, equal files.

use std::collections::BTreeMap;

use super::Group;
use super::unpacked::Unpacked;
use crate::analysis::case::Case;
use crate::analysis::content::Program;
use crate::analysis::duplicates::Duplicate;
use crate::analysis::efficiency::visible_files;
use crate::analysis::finding::{Category, Finding};
use crate::analysis::rules::Rule;
use crate::analysis::subject::Claims;
use crate::index::EntryId;
use crate::index::walk::Live;

/// Bytes of a rule in a layer below which nothing is said, unless the rule has its own limit.
const LEAST: u64 = 16 * 1024;

/// Symbols and debug information of one file from which on it is worth the while.
const LEAST_SYMBOLS: u64 = 64 * 1024;

/// Sets of equal files that stand alone, if they are worth it; the rest are one finding for each layer.
const MOST_SETS: usize = 10;

/// Bytes from which on a set of equal files stands alone.
const WORTH_A_LINE: u64 = 1_000_000;

/// Equal files below this size are not told: a block of a file system is as large.
const LEAST_EQUAL: u64 = 4096;

/// All of it.
pub fn findings(case: &Case<'_>, claims: &mut Claims, duplicates: &[Duplicate]) -> Vec<Finding> {
    let index = case.index();
    let mut groups: BTreeMap<(String, u32), Group> = BTreeMap::new();
    let mut programs: Vec<(Live, u64)> = Vec::new();
    let unpacked = Unpacked::new(case);
    for live in visible_files(index, case.subject.stack, case.account) {
        let entry = index.entry(live.entry);
        if !claims.is_free(live.entry) {
            continue;
        }
        let fact = case.subject.gathered.fact(index, live.entry);
        let elf = fact.and_then(|fact| match &fact.program {
            Some(Program::Elf(elf)) => Some(elf),
            Some(Program::Script(_) | Program::Other) | None => None,
        });
        let name = index.name(entry.path);
        let mut notes = None;
        let rule =
            case.meant.rules(entry.path).iter().filter(|rule| is_live(rule)).find(|rule| match rule.id.as_str() {
                // What a crashed program leaves says so itself.
                "WST-CORE" => elf.is_some_and(|elf| elf.is_core_dump()) || name.ends_with(b".hprof"),
                "WST-ARCHIVE" => {
                    notes = unpacked.what(case, live);
                    notes.is_some()
                }
                _ => true,
            });
        if let Some(rule) = rule {
            let bytes = claims.take(live.entry, entry.size, entry.size);
            let group = groups
                .entry((rule.id.clone(), live.layer))
                .or_insert_with(|| Group::new(rule, live.layer, None, entry.path));
            group.add(case, live.entry, bytes);
            group.notes.extend(notes);
        } else if let Some(elf) = elf.filter(|elf| elf.strippable >= LEAST_SYMBOLS) {
            programs.push((live, elf.strippable));
        }
    }
    let mut found = equal(case, claims, duplicates);
    if let Some(rule) = case.rule("WST-DEBUG-ELF") {
        for (live, strippable) in programs {
            let entry = index.entry(live.entry);
            let bytes = claims.take(live.entry, entry.size, strippable);
            if bytes > 0 {
                let group = groups
                    .entry((rule.id.clone(), live.layer))
                    .or_insert_with(|| Group::new(&rule, live.layer, None, entry.path));
                group.add(case, live.entry, bytes);
            }
        }
    }
    let is_enough = |group: &Group| group.bytes >= if group.rule.min_bytes > 0 { group.rule.min_bytes } else { LEAST };
    found.extend(groups.into_values().filter(is_enough).filter_map(|group| group.finding(case)));
    found
}

/// Whether a rule means files that a container sees and does not need.
pub fn is_live(rule: &Rule) -> bool {
    rule.category == Category::Waste && rule.id != "WST-DB-CHURN"
}

/// Equal files of which one would do. Those that something else claims are left to it.
fn equal(case: &Case<'_>, claims: &mut Claims, duplicates: &[Duplicate]) -> Vec<Finding> {
    let index = case.index();
    let Some(rule) = case.rule("WST-DUPLICATE") else { return Vec::new() };
    let (mut alone, mut together): (Vec<Group>, BTreeMap<u32, Group>) = (Vec::new(), BTreeMap::new());
    for set in duplicates.iter().filter(|set| set.size >= LEAST_EQUAL) {
        let layer = |entry| {
            let layers = case.subject.stack.layers_of(index.entry(entry).slot);
            layers.last().copied().unwrap_or_default()
        };
        let mut free: Vec<_> = set.files.iter().copied().filter(|file| claims.is_free(*file)).collect();
        // The copy that came first stays; the one that came last is the one to leave out.
        free.sort_by_key(|file| (layer(*file), *file));
        let Some((_, others)) = free.split_first().filter(|(_, others)| !others.is_empty()) else { continue };
        let last = layer(others[others.len() - 1]);
        // What one package of the distribution has twice is its maker's, and one of many.
        let owner = |file: &EntryId| {
            let owner = case.packages.owner(index.entry(*file).path);
            owner.filter(|owner| case.packages.get(*owner).kind.is_system())
        };
        let is_packaged = others.iter().all(|file| owner(file).is_some());
        let is_alone = alone.len() < MOST_SETS && set.bytes() >= WORTH_A_LINE && !is_packaged;
        let mut own = Group::new(&rule, last, None, index.entry(others[0]).path);
        let group = if is_alone {
            &mut own
        } else {
            together.entry(last).or_insert_with(|| Group::new(&rule, last, None, index.entry(others[0]).path))
        };
        for file in others {
            let bytes = claims.take(*file, set.size, set.size);
            group.add(case, *file, bytes);
        }
        if is_alone {
            alone.push(own);
        }
    }
    let findings = alone.into_iter().chain(together.into_values().filter(|group| group.bytes >= LEAST));
    findings.filter_map(|group| group.finding(case)).collect()
}
