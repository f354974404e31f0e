//! Puts together what sources say after each layer: packages with their stories, and their claims on files.

use std::collections::{HashMap, HashSet};

use super::paths::Paths;
use super::record::{PackageKind, Record};
use super::role::Role;
use super::sources::Source;
use super::view::{Fault, Files, Found, Kept, List, MOST_READ, View, view};
use super::{Database, Follow, Step, Unread, What, dpkg, pacman, python};
use crate::index::{EntryId, Index, Kind, PathId, Stack};

/// A package under construction.
pub struct Draft {
    pub kind: PackageKind,
    pub record: Record,
    pub root: PathId,
    pub place: PathId,
    /// The package of the same file that holds it.
    pub within: Option<u32>,
    /// Whether it was found inside a file: whoever installed the file has the stronger claim on it.
    pub is_scanned: bool,
    pub story: Vec<Step>,
}

/// A package's word that a path is its own, from a layer until another.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    pub path: PathId,
    pub package: u32,
    pub from: u32,
    pub until: u32,
}

/// What all sources came to.
#[derive(Default)]
pub struct Assembled {
    pub drafts: Vec<Draft>,
    pub claims: Vec<Claim>,
    /// Folders that belong to a package as a whole.
    pub folders: Vec<(PathId, u32)>,
    pub databases: Vec<Database>,
    pub unread: Vec<Unread>,
    faults: HashSet<(PathId, Fault)>,
}

/// Claims that are kept: ten times those of a large desktop. Lists that say more are made to take memory.
const MOST_CLAIMS: usize = 8_000_000;

impl Assembled {
    /// Notes what was not read, the first time.
    fn fault(&mut self, path: PathId, layer: u32, fault: Fault) {
        if self.faults.insert((path, fault)) {
            self.unread.push(Unread { path, layer, fault });
        }
    }
}

/// What was known of a source's packages after the layer before.
#[derive(Default)]
struct Tracker {
    known: HashMap<Key, Known>,
}

/// Name and architecture, and the how manyeth of them: a kernel may be installed twice.
type Key = (String, String, u32);

struct Known {
    package: u32,
    is_here: bool,
    files: Vec<Files>,
    /// Its newest claims.
    claims: std::ops::Range<usize>,
    /// The layer at which it was last seen.
    seen: u32,
}

/// Puts sources together.
pub struct Assembler<'a> {
    kept: Kept<'a>,
    paths: Paths<'a>,
    left: u64,
    made: Assembled,
}

impl<'a> Assembler<'a> {
    pub fn new(kept: Kept<'a>, paths: Paths<'a>) -> Self {
        Self { kept, paths, left: MOST_READ, made: Assembled::default() }
    }

    pub fn finish(self) -> (Assembled, Paths<'a>) {
        (self.made, self.paths)
    }

    /// Reads a source at every layer that changes it.
    pub fn add(&mut self, source: &'a Source, stack: &Stack) {
        let mut tracker = Tracker::default();
        let is_system = source.kind.is_system();
        let (mut removed, mut layers) = (None, Vec::new());
        for layer in source.layers() {
            let View { packages, faults } = view(self.kept, &self.paths, source, layer, &mut self.left);
            let is_whole = faults.is_empty();
            for (path, fault) in faults {
                self.made.fault(path, layer, fault);
            }
            match packages {
                // What cannot be read tells nothing.
                Some(found) if !is_whole && found.is_empty() => {}
                Some(found) => {
                    layers.push(layer);
                    removed = None;
                    self.step(source, &mut tracker, layer, found);
                    // Nor does it tell that the packages went which it does not name.
                    if is_whole {
                        self.remove(&mut tracker, layer);
                    }
                }
                // Who deletes the database of a system leaves its packages in place.
                None if is_system => removed = removed.or(Some(layer)),
                None => self.remove(&mut tracker, layer),
            }
        }
        // A whiteout of a database that never was is no database.
        let was_there = source.parts.iter().any(|part| part.role.is_main() && part.history.has_file());
        if is_system && was_there {
            let Source { kind, root, place, .. } = *source;
            let last = u32::try_from(stack.len()).unwrap_or(u32::MAX);
            let is_complete = !source.parts.iter().any(|part| part.role == Role::DpkgPart);
            self.made.databases.push(Database {
                kind,
                root,
                place,
                layers,
                removed,
                keeps: self.keeps(source, last),
                is_complete,
            });
        }
    }

    fn step(&mut self, source: &'a Source, tracker: &mut Tracker, layer: u32, found: Vec<Found>) {
        let mut times: HashMap<(String, String), u32> = HashMap::new();
        let diversions = self.diversions(source, layer);
        let mut first = None;
        for one in found {
            let name = (one.record.name.clone(), one.record.arch.clone());
            let time = times.entry(name.clone()).and_modify(|time| *time += 1).or_default();
            let key = (name.0, name.1, *time);
            let package = self.found(source, tracker, key, layer, one, &diversions);
            let holder = *first.get_or_insert(package);
            let draft = &mut self.made.drafts[package as usize];
            if draft.is_scanned && holder != package {
                draft.within = Some(holder);
            }
        }
    }

    /// Notes that the packages are gone which a layer did not name.
    fn remove(&mut self, tracker: &mut Tracker, layer: u32) {
        for known in tracker.known.values_mut().filter(|known| known.is_here && known.seen != layer) {
            known.is_here = false;
            self.made.claims[known.claims.clone()].iter_mut().for_each(|claim| claim.until = layer);
            let draft = &mut self.made.drafts[known.package as usize];
            draft.story.push(Step { layer, version: draft.record.version.clone(), what: What::Removed });
        }
    }

    /// Notes that a package is there after a layer. Returns which one it is.
    fn found(
        &mut self,
        source: &Source,
        tracker: &mut Tracker,
        key: Key,
        layer: u32,
        Found { record, files }: Found,
        diversions: &Diversions,
    ) -> u32 {
        let drafts = &mut self.made.drafts;
        let known = tracker.known.entry(key).or_insert_with(|| {
            let package = u32::try_from(drafts.len()).unwrap_or(u32::MAX);
            let Source { kind, root, place, .. } = *source;
            let is_scanned = source.parts[0].role == Role::Scanned;
            drafts.push(Draft {
                kind,
                record: record.clone(),
                root,
                place,
                within: None,
                is_scanned,
                story: Vec::new(),
            });
            Known { package, is_here: false, files: Vec::new(), claims: 0..0, seen: layer }
        });
        let draft = &mut drafts[known.package as usize];
        let version = record.version.clone();
        let is_same = known.is_here && draft.record.version == version;
        if !known.is_here {
            draft.story.push(Step { layer, version, what: What::Installed });
        } else if !is_same {
            let from = draft.record.version.clone();
            draft.story.push(Step { layer, version, what: What::Changed { from } });
        }
        draft.record = record;
        (known.is_here, known.seen) = (true, layer);
        // A list that was deleted still says what the same version brought.
        if is_same && (known.files == files || files.is_empty()) {
            return known.package;
        }
        let package = known.package;
        let owner = draft.record.name.clone();
        let begin = self.made.claims.len();
        self.made.claims[known.claims.clone()].iter_mut().for_each(|claim| claim.until = layer);
        known.claims = begin..begin;
        let mut own = Vec::new();
        for file in &files {
            match file {
                Files::Folder(folder) => self.made.folders.push((*folder, package)),
                Files::Itself(path) => own.push(*path),
                Files::Listed(from, listed) => {
                    own.extend(listed.iter().filter_map(|path| self.paths.find(source.root, *from, path, layer)));
                }
                Files::List(list, entry) => {
                    self.list(source.root, layer, *list, *entry, (diversions, &owner), &mut own);
                }
            }
        }
        known.files = files;
        // Folders belong to everybody.
        own.retain(|path| is_more_than_a_folder(self.kept.index, *path));
        own.sort_unstable();
        own.dedup();
        if begin + own.len() > MOST_CLAIMS {
            self.made.fault(source.place, layer, Fault::TooMuch);
            return package;
        }
        known.claims.end += own.len();
        let claim = |path| Claim { path, package, from: layer, until: u32::MAX };
        self.made.claims.extend(own.into_iter().map(claim));
        package
    }

    /// The paths of a file that lists them.
    fn list(
        &mut self,
        root: PathId,
        layer: u32,
        list: List,
        entry: EntryId,
        (diversions, owner): (&Diversions, &str),
        own: &mut Vec<PathId>,
    ) {
        let Some(bytes) = self.kept.contents.of(entry) else {
            let entry = self.kept.index.entry(entry);
            if entry.size > 0 {
                self.made.fault(entry.path, layer, Fault::NotKept);
            }
            return;
        };
        let paths = &mut self.paths;
        match list {
            List::Dpkg => own.extend(dpkg::list(bytes).filter_map(|path| {
                let diverted = diversions.get(path).filter(|diversion| diversion.by != owner);
                paths.find(root, root, diverted.map_or(path, |diversion| &diversion.to), layer)
            })),
            List::Sums => own.extend(dpkg::md5sums(bytes).filter_map(|path| paths.find(root, root, path, layer))),
            List::Pacman => own.extend(pacman::files(bytes).filter_map(|path| paths.find(root, root, path, layer))),
            List::Python => {
                // Relative to the folder around the one that holds the list.
                let beside = self.kept.index.parent(root).unwrap_or(Index::ROOT);
                let files = python::files(bytes);
                own.extend(files.filter_map(|path| paths.find(Index::ROOT, beside, &path, layer)));
            }
        }
    }

    /// What apt's settings say of cleaning up, in the end. Files are read in the order of their names.
    fn keeps(&self, source: &Source, layers: u32) -> Follow {
        let mut files: Vec<_> = source.files(Role::AptSettings, layers).collect();
        files.sort_unstable_by_key(|(path, _)| self.kept.index.name(*path));
        let contents: Vec<_> = files.iter().filter_map(|(_, entry)| self.kept.contents.of(*entry)).collect();
        let is_off =
            |name: &str| contents.iter().filter_map(|bytes| dpkg::setting(bytes, name)).next_back() == Some(false);
        if is_off("RecommendsImportant") {
            Follow::Depends
        } else if is_off("SuggestsImportant") {
            Follow::Recommends
        } else {
            Follow::Suggests
        }
    }

    fn diversions(&self, source: &Source, layer: u32) -> Diversions {
        let mut files = source.files(Role::DpkgDiversions, layer);
        let bytes = files.next().and_then(|(_, entry)| self.kept.contents.of(entry));
        bytes.map(dpkg::diversions).unwrap_or_default()
    }
}

type Diversions = HashMap<Vec<u8>, dpkg::Diversion>;

/// Whether any layer has something else than a folder at a path.
fn is_more_than_a_folder(index: &Index, path: PathId) -> bool {
    let is_object = |id: EntryId| {
        let kind = index.kind(id);
        kind.is_object() && kind != Kind::Dir
    };
    index.entries_of(path).any(is_object)
}
