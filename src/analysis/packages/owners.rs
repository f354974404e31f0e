//! Whose a file is: at every layer, and in the end.

use super::assemble::{Assembled, Claim, Draft};
use super::paths::Paths;
use crate::analysis::efficiency::{Account, Fate};
use crate::index::{EntryId, Index, Kind, PathId, Sparse, Stack};

/// No package, where one is stored.
const NONE: u32 = u32::MAX;

/// The claims on every path.
pub struct Owners<'a> {
    index: &'a Index,
    account: &'a Account,
    paths: &'a Paths<'a>,
    drafts: &'a [Draft],
    /// By path, the strongest first.
    claims: Vec<Claim>,
    /// For every path that has any, where its claims begin.
    begin: Sparse<u32>,
    /// For every path, the package whose folder it is in.
    folders: Sparse<u32>,
}

impl<'a> Owners<'a> {
    /// Takes the claims out of what sources came to: there may be many.
    pub fn new(index: &'a Index, account: &'a Account, paths: &'a Paths<'a>, made: &'a mut Assembled) -> Self {
        let mut claims = std::mem::take(&mut made.claims);
        let made: &Assembled = made;
        let drafts = &made.drafts;
        let rank = |claim: &Claim| Rank::of(&drafts[claim.package as usize]);
        claims.sort_unstable_by_key(|claim| (claim.path, rank(claim), claim.from, claim.package));
        let mut begin = Sparse::new(NONE);
        let mut place = 0;
        for own in claims.chunk_by(|one, next| one.path == next.path) {
            begin.set(own[0].path.place(), place);
            place += u32::try_from(own.len()).unwrap_or(NONE);
        }
        let folders = inherit(index, made);
        Self { index, account, paths, drafts, claims, begin, folders }
    }

    pub fn drafts(&self) -> &'a [Draft] {
        self.drafts
    }

    fn claims_on(&self, path: PathId) -> &[Claim] {
        let claims = self.claims.get(self.begin.get(path.place()) as usize..).unwrap_or_default();
        claims.chunk_by(|one, next| one.path == next.path).next().unwrap_or_default()
    }

    /// The package that an entry belongs to at a layer. What no package lists but was made from what one lists, as
    /// Python's compiled modules are, belongs to that.
    pub fn of(&self, entry: EntryId, path: PathId, layer: u32) -> Option<u32> {
        self.listed(entry, path, layer).or_else(|| {
            let source = self.compiled_from(path)?;
            let source = self.claims_on(source).iter().find(|claim| claim.from <= layer && layer < claim.until)?;
            Some(source.package)
        })
    }

    fn listed(&self, entry: EntryId, path: PathId, layer: u32) -> Option<u32> {
        let claims = self.claims_on(path);
        let now = claims.iter().find(|claim| claim.from <= layer && layer < claim.until);
        // An image may be put together in another order: first the files, then the database.
        let afterwards = || {
            let next = claims.iter().find(|claim| claim.from > layer)?;
            let survives = match self.account.fate(entry, layer) {
                Fate::Visible => true,
                Fate::Deleted { by } | Fate::Replaced { by } | Fate::Rewritten { by, .. } => by > next.from,
            };
            survives.then_some(next)
        };
        let claim = now.or_else(afterwards).map(|claim| claim.package);
        // Who installed a program comes before what was found in it.
        let strong = claim.filter(|package| self.rank(*package) != Rank::Scanned);
        strong.or_else(|| self.folder(path)).or(claim)
    }

    fn rank(&self, package: u32) -> Rank {
        Rank::of(&self.drafts[package as usize])
    }

    fn folder(&self, path: PathId) -> Option<u32> {
        Some(self.folders.get(path.place())).filter(|package| *package != NONE)
    }

    /// `x.py` for `__pycache__/x.cpython-311.pyc`.
    fn compiled_from(&self, path: PathId) -> Option<PathId> {
        let name = self.index.name(path).strip_suffix(b".pyc")?;
        let cache = self.index.parent(path).filter(|cache| self.index.name(*cache) == b"__pycache__")?;
        let module = name.split(|&byte| byte == b'.').next()?;
        self.paths.child(self.index.parent(cache)?, &[module, b".py"].concat())
    }

    /// The package that brought the file which tells of another: one of the system, or for what was found inside a file
    /// also one of a language.
    pub fn holder(&self, id: u32) -> Option<u32> {
        let draft = &self.drafts[id as usize];
        let own = Rank::of(draft);
        let stronger = self.claims_on(draft.place).iter().filter(|claim| self.rank(claim.package) < own);
        let weakest_first = stronger.rev().map(|claim| claim.package);
        let system = weakest_first.clone().find(|package| self.rank(*package) == Rank::System);
        let any = || weakest_first.clone().next().or_else(|| self.folder(draft.place));
        system.or_else(|| if own == Rank::Scanned { any() } else { None })
    }
}

/// How strong a package's claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    System,
    Language,
    Scanned,
}

impl Rank {
    fn of(draft: &Draft) -> Self {
        match (draft.kind.is_system(), draft.is_scanned) {
            (true, _) => Self::System,
            (false, false) => Self::Language,
            (false, true) => Self::Scanned,
        }
    }
}

/// Hands every folder's package down to what it holds. `node_modules` in a package belongs to no package itself. A
/// folder comes before what it holds in the order of paths.
fn inherit(index: &Index, made: &Assembled) -> Sparse<u32> {
    let mut folders = Sparse::new(NONE);
    for (folder, package) in &made.folders {
        folders.set(folder.place(), *package);
    }
    if made.folders.is_empty() {
        return folders;
    }
    for path in index.all_paths() {
        let above = index.parent(path).map_or(NONE, |parent| folders.get(parent.place()));
        if above != NONE && folders.get(path.place()) == NONE && index.name(path) != b"node_modules" {
            folders.set(path.place(), above);
        }
    }
    folders
}

/// Something that a layer has, and whose it is.
pub struct Owned {
    pub layer: u32,
    pub entry: EntryId,
    pub path: PathId,
    /// Bytes of its own: none for links.
    pub size: u64,
    pub is_visible: bool,
    pub package: Option<u32>,
}

/// Everything but folders and marks that any layer has.
pub fn each(owners: &Owners<'_>, stack: &Stack, mut visit: impl FnMut(&Owned)) {
    for (layer, slot) in stack.read_layers() {
        for id in owners.index.entries_in(slot) {
            let entry = owners.index.entry(id);
            if !entry.kind.is_object() || entry.kind == Kind::Dir {
                continue;
            }
            visit(&Owned {
                layer,
                entry: id,
                path: entry.path,
                size: if entry.kind == Kind::File { entry.size } else { 0 },
                is_visible: owners.account.fate(id, layer) == Fate::Visible,
                package: owners.of(id, entry.path, layer),
            });
        }
    }
}
