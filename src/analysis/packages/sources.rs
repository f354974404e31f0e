//! Where an image tells of packages: the databases of its roots, the small files of languages, and the programs and
//! archives that were scanned; each with what every layer has there.

use std::collections::{BTreeSet, HashMap};

use super::Embedded;
use super::paths::Paths;
use super::record::PackageKind;
use super::role::{Role, parts_of, role};
use crate::index::walk::story_of;
use crate::index::{EntryId, Index, Kind, PathId, Stack};

/// What stands at a path by layers: the entry from a layer on, or nothing.
pub struct History(Vec<(u32, Option<EntryId>)>);

impl History {
    fn new(index: &Index, stack: &Stack, path: PathId) -> Self {
        let events = story_of(index, stack, path);
        let file = |entry: EntryId| {
            let inode = index.inode(entry)?;
            (index.kind(inode) == Kind::File).then_some(inode)
        };
        Self(events.iter().map(|event| (event.layer, event.entry.and_then(file))).collect())
    }

    /// The file that stands there after a layer.
    pub fn at(&self, layer: u32) -> Option<EntryId> {
        let next = self.0.partition_point(|(since, _)| *since <= layer);
        self.0[..next].last().and_then(|(_, entry)| *entry)
    }

    /// Whether a file ever stands there.
    pub fn has_file(&self) -> bool {
        self.0.iter().any(|(_, entry)| entry.is_some())
    }

    /// The layers that change it.
    pub fn layers(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(layer, _)| *layer)
    }
}

/// One file of a source.
pub struct Part {
    pub role: Role,
    pub path: PathId,
    pub history: History,
}

impl Part {
    fn new(index: &Index, stack: &Stack, role: Role, path: PathId) -> Self {
        Self { role, path, history: History::new(index, stack, path) }
    }
}

/// Something that tells of packages.
pub struct Source {
    pub kind: PackageKind,
    /// The root whose paths it means.
    pub root: PathId,
    /// The file or folder that it is known by.
    pub place: PathId,
    pub parts: Vec<Part>,
}

impl Source {
    /// The layers that change any of it, lowest first.
    pub fn layers(&self) -> BTreeSet<u32> {
        self.parts.iter().flat_map(|part| part.history.layers()).collect()
    }

    /// The files of a role after a layer.
    pub fn files(&self, role: Role, layer: u32) -> impl Iterator<Item = (PathId, EntryId)> {
        let of_role = self.parts.iter().filter(move |part| part.role == role);
        of_role.filter_map(move |part| Some((part.path, part.history.at(layer)?)))
    }
}

/// All that an image has.
#[derive(Default)]
pub struct Sources {
    /// Databases of the distribution.
    pub systems: Vec<Source>,
    /// What languages keep, and the programs that were scanned.
    pub others: Vec<Source>,
    /// Files named `os-release` of the image's own root.
    pub releases: Vec<Part>,
}

/// Finds them all.
pub fn find(index: &Index, stack: &Stack, paths: &Paths<'_>, embedded: &Embedded) -> Sources {
    let mut systems: HashMap<(PackageKind, PathId), Vec<Part>> = HashMap::new();
    let mut sources = Sources::default();
    let all = (1..u32::try_from(index.paths()).unwrap_or(u32::MAX)).map(PathId::from_place);
    let known = all.filter_map(|path| Some((path, role(&parts_of(index, path))?)));
    for (path, (role, depth)) in known {
        let part = Part::new(index, stack, role, path);
        if part.history.0.is_empty() {
            continue;
        }
        let root = index.lineage(path).nth(depth).unwrap_or(Index::ROOT);
        match role.kind() {
            None => sources.releases.extend(Some(part).filter(|_| root == Index::ROOT)),
            Some(kind) if kind.is_system() => systems.entry((kind, root)).or_default().push(part),
            // What only adds to the file beside it comes with that.
            Some(_) if !role.is_main() => {}
            Some(kind) => {
                let beside = (role == Role::PythonPackage).then(|| paths.child(root, b"RECORD")).flatten();
                let beside = beside.map(|path| Part::new(index, stack, Role::PythonFiles, path));
                let parts = std::iter::once(part).chain(beside).collect();
                sources.others.push(Source { kind, root, place: path, parts });
            }
        }
    }
    for ((kind, root), parts) in systems {
        let main = parts.iter().find(|part| part.role.is_main()).map(|part| part.path);
        if let Some(place) = main.filter(|_| is_root(paths, root)) {
            sources.systems.push(Source { kind, root, place, parts });
        }
    }
    sources.systems.sort_by_key(|source| (source.root, source.kind));
    sources.others.extend(embedded.paths(index).into_iter().map(|(path, kind)| {
        let parts = vec![Part::new(index, stack, Role::Scanned, path)];
        Source { kind, root: path, place: path, parts }
    }));
    sources
}

/// Whether a folder is a root of its own: a database elsewhere, such as a test's, means no files of this image.
fn is_root(paths: &Paths<'_>, root: PathId) -> bool {
    let has = |folder: &[&[u8]]| folder.iter().try_fold(root, |at, name| paths.child(at, name)).is_some();
    root == Index::ROOT || has(&[b"etc", b"os-release"]) || has(&[b"usr", b"lib", b"os-release"])
}
