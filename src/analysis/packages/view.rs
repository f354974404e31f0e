//! What a source says after a layer.

use std::collections::{HashMap, HashSet};

use super::paths::Paths;
use super::record::{Asked, Listed, PackageKind, Record};
use super::role::Role;
use super::rpm::Damage;
use super::sources::Source;
use super::{Embedded, apk, dpkg, languages, pacman, python, rpm};
use crate::analysis::contents::Contents;
use crate::index::{EntryId, Index, PathId};

/// A package at a layer, and how it says which files are its own.
pub struct Found {
    pub record: Record,
    pub files: Vec<Files>,
}

/// How a package says which files are its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// By their paths, from a folder on.
    Listed(PathId, Vec<Vec<u8>>),
    /// By a file that lists them.
    List(List, EntryId),
    /// All below a folder.
    Folder(PathId),
    /// One.
    Itself(PathId),
}

/// How a file lists paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// One a line.
    Dpkg,
    /// One a line, behind a checksum.
    Sums,
    /// In a block of others.
    Pacman,
    /// In the first column, relative to the folder above that of the file.
    Python,
}

/// What was read.
pub struct View {
    /// The packages; `None` when nothing stands there after the layer.
    pub packages: Option<Vec<Found>>,
    /// What of it could not be read.
    pub faults: Vec<(PathId, Fault)>,
}

/// Why a file was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Its contents were not kept: it is too large, or its layer was read without them.
    NotKept,
    /// It does not begin as its name says.
    NotOne,
    /// It breaks off, or something in it points outside or in a circle.
    Broken,
    /// It is encrypted.
    Encrypted,
    /// So much was read already, by this image's many layers, that this was left out.
    TooMuch,
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::NotOne => Self::NotOne,
            Damage::Broken => Self::Broken,
            Damage::Encrypted => Self::Encrypted,
        }
    }
}

/// Where contents come from.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    pub index: &'a Index,
    pub contents: &'a dyn Contents,
    pub embedded: &'a Embedded,
}

/// Bytes that are read of one image, a file counted each time: real images stay below a tenth. One with very many
/// layers could ask for the same large database at each.
pub const MOST_READ: u64 = 2 * 1024 * 1024 * 1024;

/// What looking for a file costs, in bytes that could be read instead.
const LOOK: u64 = 256;

/// Reads sources at layers.
struct Reader<'a, 'p> {
    kept: Kept<'a>,
    paths: &'p Paths<'a>,
    left: &'p mut u64,
    source: &'a Source,
    layer: u32,
    faults: Vec<(PathId, Fault)>,
}

/// What a source says after a layer. Takes what it reads from `left`.
pub fn view<'a>(kept: Kept<'a>, paths: &Paths<'a>, source: &'a Source, layer: u32, left: &mut u64) -> View {
    let Some(rest) = left.checked_sub(LOOK * source.parts.len() as u64) else {
        return View { packages: Some(Vec::new()), faults: vec![(source.place, Fault::TooMuch)] };
    };
    *left = rest;
    let mut reader = Reader { kept, paths, left, source, layer, faults: Vec::new() };
    let is_there = source.parts.iter().any(|part| part.role.is_main() && part.history.at(layer).is_some());
    let packages = is_there.then(|| match source.kind {
        _ if source.parts[0].role == Role::Scanned => reader.scanned(),
        PackageKind::Deb => reader.deb(),
        PackageKind::Apk => reader.apk(),
        PackageKind::Rpm => reader.rpm(),
        PackageKind::Pacman => reader.pacman(),
        PackageKind::Python => reader.python(),
        PackageKind::Npm => reader.npm(),
        PackageKind::Gem => reader.gem(),
        PackageKind::Composer => reader.composer(),
        PackageKind::Nuget => reader.nuget(),
        PackageKind::Jar | PackageKind::Go | PackageKind::Crate => Vec::new(),
    });
    View { packages, faults: reader.faults }
}

/// How packages come out of a database's bytes.
type Reading<'r> = &'r dyn Fn(&[u8]) -> rpm::Read;

impl<'a> Reader<'a, '_> {
    /// The contents of every file of a role.
    fn read(&mut self, role: Role) -> Vec<(PathId, &'a [u8])> {
        let mut read = Vec::new();
        for (path, entry) in self.source.files(role, self.layer) {
            if self.kept.index.entry(entry).size == 0 {
                read.push((path, &b""[..]));
            } else if let Some(bytes) = self.kept.contents.of(entry) {
                match self.left.checked_sub(bytes.len() as u64) {
                    Some(left) => {
                        *self.left = left;
                        read.push((path, bytes));
                    }
                    None => self.faults.push((path, Fault::TooMuch)),
                }
            } else {
                self.faults.push((path, Fault::NotKept));
            }
        }
        read
    }

    fn read_one(&mut self, role: Role) -> Option<(PathId, &'a [u8])> {
        self.read(role).into_iter().next()
    }

    /// The name of a file without what it ends with.
    fn stem(&self, path: PathId, end: &str) -> &'a [u8] {
        let name = self.kept.index.name(path);
        name.strip_suffix(end.as_bytes()).unwrap_or(name)
    }

    fn deb(&mut self) -> Vec<Found> {
        let marks = self.read_one(Role::AptMarks).map(|(_, bytes)| dpkg::automatic(bytes));
        let lists: HashMap<&[u8], EntryId> = (self.source.files(Role::DpkgList, self.layer))
            .map(|(path, entry)| (self.stem(path, ".list"), entry))
            .collect();
        let sums: HashMap<&[u8], EntryId> = (self.source.files(Role::DpkgSums, self.layer))
            .map(|(path, entry)| (self.stem(path, ".md5sums"), entry))
            .collect();
        let mut found = Vec::new();
        for (_, bytes) in self.read(Role::DpkgStatus) {
            for mut record in dpkg::status(bytes) {
                if let Some(marks) = &marks {
                    // apt notes a package for every architecture under that of the machine.
                    let is_it = |arch: &String| record.arch == "all" || *arch == record.arch;
                    let is_marked = marks.get(&record.name).is_some_and(|known| known.iter().any(is_it));
                    record.asked = if is_marked { Asked::Automatic } else { Asked::Explicit };
                }
                // Packages that may be installed for several architectures have theirs in the name.
                let with_arch = format!("{}:{}", record.name, record.arch);
                let list = lists.get(record.name.as_bytes()).or_else(|| lists.get(with_arch.as_bytes()));
                let files = list.map(|list| Files::List(List::Dpkg, *list)).into_iter().collect();
                found.push(Found { record, files });
            }
        }
        for (path, bytes) in self.read(Role::DpkgPart) {
            for record in dpkg::status_d(bytes) {
                let sums = sums.get(self.stem(path, "")).or_else(|| sums.get(record.name.as_bytes()));
                let files = sums.map(|sums| Files::List(List::Sums, *sums)).into_iter().collect();
                found.push(Found { record, files });
            }
        }
        found
    }

    fn listed(&self, packages: Vec<Listed>) -> Vec<Found> {
        let found = |listed: Listed| Found {
            record: listed.record,
            files: vec![Files::Listed(self.source.root, listed.files)],
        };
        packages.into_iter().map(found).collect()
    }

    fn apk(&mut self) -> Vec<Found> {
        let world = self.read_one(Role::ApkWorld).map(|(_, bytes)| apk::world(bytes));
        let world = world.map(|world| world.into_iter().collect::<HashSet<_>>());
        let mut packages: Vec<_> =
            self.read(Role::ApkInstalled).into_iter().flat_map(|(_, bytes)| apk::installed(bytes)).collect();
        for package in &mut packages {
            if let Some(world) = &world {
                let is_asked = world.contains(&package.record.name);
                package.record.asked = if is_asked { Asked::Explicit } else { Asked::Automatic };
            }
        }
        self.listed(packages)
    }

    /// The newest format that has anything: an upgrade may leave the file of the older one behind.
    fn rpm(&mut self) -> Vec<Found> {
        let log = self.read_one(Role::RpmLog).map(|(_, log)| log);
        let formats: [(Role, Reading<'_>); 3] = [
            (Role::RpmSqlite, &|bytes| rpm::sqlite(bytes, log)),
            (Role::RpmNdb, &|bytes| rpm::ndb(bytes)),
            (Role::RpmBerkeley, &|bytes| rpm::berkeley(bytes)),
        ];
        for (role, read) in formats {
            for (path, bytes) in self.read(role).into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
                let (packages, damage) = read(bytes);
                self.faults.extend(damage.map(|damage| (path, damage.into())));
                if !packages.is_empty() {
                    return self.listed(packages);
                }
            }
        }
        let manifests = self.read(Role::RpmManifest);
        let records = manifests.into_iter().flat_map(|(_, bytes)| rpm::manifest(bytes));
        records.map(|record| Found { record, files: Vec::new() }).collect()
    }

    fn pacman(&mut self) -> Vec<Found> {
        let lists: HashMap<Option<PathId>, EntryId> = (self.source.files(Role::PacmanFiles, self.layer))
            .map(|(path, entry)| (self.kept.index.parent(path), entry))
            .collect();
        let packages = self.read(Role::PacmanPackage).into_iter();
        packages
            .filter_map(|(path, bytes)| {
                let list = lists.get(&self.kept.index.parent(path));
                let files = list.map(|list| Files::List(List::Pacman, *list)).into_iter().collect();
                Some(Found { record: pacman::desc(bytes)?, files })
            })
            .collect()
    }

    /// The one file that a package of a language is known by.
    fn own<T>(&mut self, role: Role, read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let (path, bytes) = self.read_one(role)?;
        let found = read(bytes);
        // A `package.json` without a version is nothing unusual.
        if found.is_none() && role != Role::NodePackage {
            self.faults.push((path, Fault::NotOne));
        }
        found
    }

    fn python(&mut self) -> Vec<Found> {
        let list = self.source.files(Role::PythonFiles, self.layer).next();
        let Some(record) = self.own(Role::PythonPackage, python::metadata) else { return Vec::new() };
        let is_file = self.kept.index.name(self.source.place).ends_with(b".egg-info");
        let mut files = vec![if is_file { Files::Itself(self.source.place) } else { Files::Folder(self.source.root) }];
        files.extend(list.map(|(_, list)| Files::List(List::Python, list)));
        vec![Found { record, files }]
    }

    fn npm(&mut self) -> Vec<Found> {
        let record = self.own(Role::NodePackage, languages::node);
        let files = vec![Files::Folder(self.source.root)];
        record.map(|record| Found { record, files }).into_iter().collect()
    }

    fn gem(&mut self) -> Vec<Found> {
        let index = self.kept.index;
        let name = index.name(self.source.place);
        let Some((record, folder)) = self.own(Role::Gem, |bytes| languages::gem(name, bytes)) else {
            return Vec::new();
        };
        // `specifications/default` has what comes with Ruby itself.
        let mut above = index.lineage(self.source.place).skip_while(|path| index.name(*path) != b"specifications");
        let home = above.nth(1).unwrap_or(Index::ROOT);
        let folder = self.paths.child(home, b"gems").and_then(|gems| self.paths.child(gems, &folder));
        let files = folder.map(Files::Folder).into_iter().chain([Files::Itself(self.source.place)]).collect();
        vec![Found { record, files }]
    }

    fn composer(&mut self) -> Vec<Found> {
        let packages = self.own(Role::Composer, languages::composer).unwrap_or_default();
        let folder = |path: Vec<u8>| {
            let vendor = self.kept.index.parent(self.source.root)?;
            let path = path.strip_prefix(b"../")?;
            let mut parts = path.split(|&byte| byte == b'/');
            parts.try_fold(vendor, |at, name| self.paths.child(at, name))
        };
        packages
            .into_iter()
            .map(|(record, path)| Found { record, files: folder(path).map(Files::Folder).into_iter().collect() })
            .collect()
    }

    fn nuget(&mut self) -> Vec<Found> {
        let packages = self.own(Role::Dotnet, languages::dotnet).unwrap_or_default();
        self.listed(packages)
    }

    /// The first package is the file; the others are within it.
    fn scanned(&mut self) -> Vec<Found> {
        let files = self.source.files(Role::Scanned, self.layer);
        let components = files.filter_map(|(path, entry)| Some((path, self.kept.embedded.of(entry)?)));
        components
            .flat_map(|(path, components)| {
                components.iter().enumerate().map(move |(place, component)| Found {
                    record: component.record.clone(),
                    files: if place == 0 { vec![Files::Itself(path)] } else { Vec::new() },
                })
            })
            .collect()
    }
}
