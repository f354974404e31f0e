//! Which packages an image has, whose every file is, and what each package weighs in every layer: those of the
//! distribution (dpkg, apk, rpm, pacman), of languages, and those inside programs and Java archives.
//!
//! A database is read after every layer that changes it. A package is introduced where a database first tells of it,
//! and what it owned before it went stays its own: those are the bytes that are shipped for nothing.
//!
//! Wishes go by name: which version of a package will do is not asked, and the patterns of packages that apt is told
//! never to clean up are not read.
//!
//! Not read: opkg, portage, xbps, nix, guix, conda, and what is in archives that are packed inside a Java archive.

mod apk;
mod assemble;
mod bytes;
mod crates;
mod dpkg;
mod golang;
mod graph;
mod jar;
mod languages;
mod owners;
mod pacman;
mod paths;
mod payload;
mod purl;
mod python;
mod record;
mod removal;
mod role;
mod rpm;
mod scan;
mod sources;
mod view;
mod why;

use std::collections::{BTreeMap, HashMap};

pub use graph::Follow;
pub use payload::{Payload, Unowned};
pub use purl::Distribution;
pub use record::{Asked, PackageKind, Record};
pub use removal::{Reason, Removal};
pub use scan::{Component, Scanner, ending, is_library};
pub use view::Fault;
pub use why::Why;

use super::contents::Contents;
use super::efficiency::Account;
use crate::index::{EntryId, Index, PathId, Sparse, Stack};
use assemble::{Assembled, Assembler};
use owners::Owners;
use paths::Paths;
use view::Kept;

/// A package, by its place among all of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageId(u32);

impl PackageId {
    /// Its place.
    #[must_use]
    pub fn place(self) -> usize {
        self.0 as usize
    }
}

/// What a layer does to a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is there, and was not before.
    Installed,
    /// It has another version.
    Changed {
        /// The version before.
        from: String,
    },
    /// It is gone. What it owned in lower layers is shipped all the same.
    Removed,
}

/// One layer's word on a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The layer, counted from 0.
    pub layer: u32,
    /// The version that is meant: the new one, or for a removal the last.
    pub version: String,
    /// What happens.
    pub what: What,
}

/// A package's bytes in one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerBytes {
    /// The layer.
    pub layer: u32,
    /// Bytes of the files that it owns there.
    pub shipped: u64,
    /// How many of these the final file system shows.
    pub visible: u64,
}

/// A package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Whose.
    pub kind: PackageKind,
    /// What its database says of it, as it was last.
    pub record: Record,
    /// The root whose paths it means: another than the image's for a second system inside.
    pub root: PathId,
    /// The file that tells of it.
    pub place: PathId,
    /// The package that holds it: its files are those of a distribution's package, or it is a part of a program.
    pub within: Option<PackageId>,
    /// What layers did to it, lowest first.
    pub story: Vec<Step>,
    /// Files and links of its own in the final file system.
    pub files: u64,
    /// Bytes of the files of its own, by layer, lowest first; layers without any are left out.
    pub layers: Vec<LayerBytes>,
    /// What it cannot do without: of each list, one is enough. Wishes for what is not installed are left out.
    pub depends: Vec<Vec<PackageId>>,
    /// What it recommends.
    pub recommends: Vec<Vec<PackageId>>,
    /// What it suggests.
    pub suggests: Vec<Vec<PackageId>>,
}

impl Package {
    /// Its bytes in all layers.
    #[must_use]
    pub fn shipped(&self) -> u64 {
        self.layers.iter().map(|layer| layer.shipped).sum()
    }

    /// Its bytes in the final file system.
    #[must_use]
    pub fn visible(&self) -> u64 {
        self.layers.iter().map(|layer| layer.visible).sum()
    }

    /// The layer that first brought it, in whichever version.
    #[must_use]
    pub fn introduced(&self) -> Option<u32> {
        self.story.first().map(|step| step.layer)
    }

    /// The layer that brought the version it has now, or had last.
    #[must_use]
    pub fn since(&self) -> Option<u32> {
        self.story.iter().rev().find(|step| step.what != What::Removed).map(|step| step.layer)
    }

    /// The layer that removed it, unless it is there in the end.
    #[must_use]
    pub fn removed(&self) -> Option<u32> {
        self.story.last().filter(|step| step.what == What::Removed).map(|step| step.layer)
    }

    /// Whether it is there in the end.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.removed().is_none()
    }
}

/// A database of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Whose.
    pub kind: PackageKind,
    /// The root whose paths it means.
    pub root: PathId,
    /// The file that it is known by.
    pub place: PathId,
    /// The layers after which it was read: each stores it again.
    pub layers: Vec<u32>,
    /// The layer that deleted it and left its packages in place.
    pub removed: Option<u32>,
    /// Which wishes of others keep a package that nobody asked for, when its manager cleans up.
    pub keeps: Follow,
    /// Whether its packages list all their files. Those of a distroless image leave out what is to be configured.
    pub is_complete: bool,
}

/// A file that would tell of packages and was not read, or not to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// The file.
    pub path: PathId,
    /// The layer after which it should have been read.
    pub layer: u32,
    /// Why not.
    pub fault: Fault,
}

/// How much there is of a kind of package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// Installed packages.
    pub installed: u64,
    /// Packages that a later layer removed.
    pub removed: u64,
    /// Bytes of their files in all layers.
    pub shipped: u64,
    /// Bytes of their files in the final file system.
    pub visible: u64,
}

/// What scanners found in programs and archives, by entry.
#[derive(Debug, Clone, Default)]
pub struct Embedded(HashMap<EntryId, Vec<Component>>);

impl Embedded {
    /// Keeps what a file holds. An empty list is nothing.
    pub fn insert(&mut self, entry: EntryId, components: Vec<Component>) {
        if !components.is_empty() {
            self.0.insert(entry, components);
        }
    }

    fn of(&self, entry: EntryId) -> Option<&[Component]> {
        self.0.get(&entry).map(Vec::as_slice)
    }

    /// The files that hold any, with the kind of the first.
    fn paths(&self, index: &Index) -> BTreeMap<PathId, PackageKind> {
        let with_kind =
            |(entry, found): (&EntryId, &Vec<Component>)| Some((index.entry(*entry).path, found.first()?.kind));
        self.0.iter().filter_map(with_kind).collect()
    }
}

/// Whether packages need the whole contents of a file: their databases, and the small files of languages. Programs and
/// archives are not among them: a [`Scanner`] follows those as they go by.
#[must_use]
pub fn wanted(path: &[u8], size: u64, _mode: u16) -> bool {
    role::role(&role::parts(path)).is_some_and(|(role, _)| size > 0 && size <= role.most())
}

/// The packages of an image.
#[derive(Debug, Default)]
pub struct Packages {
    all: Vec<Package>,
    /// The package of each path.
    owners: Owning,
    /// For each package the installed ones that need it.
    needing: Vec<Vec<PackageId>>,
    /// Files that the final file system does not show, by layer and entry, with their packages.
    hidden: Vec<(u32, EntryId, u32)>,
    /// Databases of distributions.
    pub databases: Vec<Database>,
    /// What was not read.
    pub unread: Vec<Unread>,
    /// What `os-release` says of the distribution.
    pub distribution: Option<Distribution>,
    /// What no package owns.
    pub payload: Payload,
}

/// No package, where one is stored.
const NONE: u32 = u32::MAX;

/// The package that owns what stands at each path in the final file system.
#[derive(Debug)]
struct Owning(Sparse<u32>);

impl Default for Owning {
    fn default() -> Self {
        Self(Sparse::new(NONE))
    }
}

impl Owning {
    fn of(&self, path: PathId) -> Option<u32> {
        Some(self.0.get(path.place())).filter(|owner| *owner != NONE)
    }
}

impl Packages {
    /// Reads every source of packages at every layer.
    #[must_use]
    pub fn new(index: &Index, stack: &Stack, account: &Account, contents: &dyn Contents, embedded: &Embedded) -> Self {
        let kept = Kept { index, contents, embedded };
        let paths = Paths::new(index, stack);
        let sources = sources::find(index, stack, &paths, embedded);
        let mut assembler = Assembler::new(kept, paths);
        sources.systems.iter().chain(&sources.others).for_each(|source| assembler.add(source, stack));
        let (mut made, mut paths) = assembler.finish();
        let last = u32::try_from(stack.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let mut releases = sources.releases.iter().filter_map(|part| contents.of(part.history.at(last)?));
        let distribution = releases.find_map(Distribution::read);

        let mut packages = Self { distribution, ..Self::default() };
        let weighed = weigh(index, stack, account, &paths, &mut made);
        packages.owners = weighed.owners;
        packages.hidden = weighed.hidden;
        packages.all = weighed.packages;
        packages.payload = payload::payload(index, stack, account, &packages.owners, &made.databases);
        let owners = &packages.owners;
        graph::connect(&mut packages.all, |root, path| owners.of(paths.find(root, root, path, last)?));
        packages.needing = why::needing(&packages.all);
        packages.databases = made.databases;
        packages.unread = made.unread;
        packages
    }

    /// All of them, those that a later layer removed included.
    #[must_use]
    pub fn all(&self) -> &[Package] {
        &self.all
    }

    /// Every package's id.
    pub fn ids(&self) -> impl Iterator<Item = PackageId> + use<> {
        (0..u32::try_from(self.all.len()).unwrap_or(u32::MAX)).map(PackageId)
    }

    /// One package.
    #[must_use]
    pub fn get(&self, id: PackageId) -> &Package {
        &self.all[id.place()]
    }

    /// The package that owns what stands at a path in the final file system.
    #[must_use]
    pub fn owner(&self, path: PathId) -> Option<PackageId> {
        self.owners.of(path).map(PackageId)
    }

    /// The package that owned a file of a layer which a later layer hides.
    #[must_use]
    pub fn owner_of_hidden(&self, entry: EntryId, layer: u32) -> Option<PackageId> {
        let found = self.hidden.binary_search_by_key(&(layer, entry), |(layer, entry, _)| (*layer, *entry)).ok()?;
        Some(PackageId(self.hidden[found].2))
    }

    /// How much there is of each kind; kinds without any are left out.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<PackageKind, Total> {
        let mut totals: BTreeMap<PackageKind, Total> = BTreeMap::new();
        for package in &self.all {
            let total = totals.entry(package.kind).or_default();
            *if package.is_installed() { &mut total.installed } else { &mut total.removed } += 1;
            total.shipped += package.shipped();
            total.visible += package.visible();
        }
        totals
    }

    /// The package's URL, as other tools write it.
    #[must_use]
    pub fn purl(&self, id: PackageId) -> String {
        purl::purl(self.get(id), self.distribution.as_ref())
    }
}

/// Packages with their bytes, and whose each path is.
struct Weighed {
    packages: Vec<Package>,
    owners: Owning,
    hidden: Vec<(u32, EntryId, u32)>,
}

/// Goes once over everything that layers have, and gives it to its owners.
fn weigh(index: &Index, stack: &Stack, account: &Account, paths: &Paths<'_>, made: &mut Assembled) -> Weighed {
    let claims = Owners::new(index, account, paths, made);
    let package = |(id, draft): (u32, &assemble::Draft)| Package {
        kind: draft.kind,
        record: draft.record.clone(),
        root: draft.root,
        place: draft.place,
        within: draft.within.or_else(|| claims.holder(id)).map(PackageId),
        story: draft.story.clone(),
        files: 0,
        layers: Vec::new(),
        depends: Vec::new(),
        recommends: Vec::new(),
        suggests: Vec::new(),
    };
    let mut packages: Vec<_> = (0..).zip(claims.drafts()).map(package).collect();
    let (mut owners, mut hidden) = (Owning::default(), Vec::new());
    owners::each(&claims, stack, |owned| {
        let Some(owner) = owned.package else { return };
        let package = &mut packages[owner as usize];
        if owned.is_visible {
            package.files += 1;
            owners.0.set(owned.path.place(), owner);
        } else if owned.size > 0 {
            // Layers and entries come in order.
            hidden.push((owned.layer, owned.entry, owner));
        }
        if package.layers.last().is_none_or(|last| last.layer != owned.layer) {
            package.layers.push(LayerBytes { layer: owned.layer, shipped: 0, visible: 0 });
        }
        if let Some(bytes) = package.layers.last_mut() {
            bytes.shipped += owned.size;
            bytes.visible += if owned.is_visible { owned.size } else { 0 };
        }
    });
    for package in &mut packages {
        package.layers.retain(|layer| layer.shipped > 0);
    }
    Weighed { packages, owners, hidden }
}
