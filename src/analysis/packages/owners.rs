//! Whose a file is: at every layer, and in the end.

use super::assemble::{Assembled, Claim, Draft};
use super::paths::Paths;
use crate::analysis::efficiency::{Account, Fate};
use crate::index::{EntryId, Index, Kind, PathId, Stack};

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
    /// For every path, where its claims begin.
    begin: Vec<u32>,
    /// For every path, the package whose folder it is in.
    folders: Vec<u32>,
}

impl<'a> Owners<'a> {
    pub fn new(index: &'a Index, account: &'a Account, paths: &'a Paths<'a>, made: &'a Assembled) -> Self {
        let drafts = &made.drafts;
        let rank = |claim: &Claim| Rank::of(&drafts[claim.package as usize]);
        let mut claims = made.claims.clone();
        claims.sort_unstable_by_key(|claim| (claim.path, rank(claim), claim.from, claim.package));
        let mut begin = vec![0; index.paths() + 1];
        for claim in &claims {
            begin[claim.path.place() + 1] += 1;
        }
        for place in 1..begin.len() {
            begin[place] += begin[place - 1];
        }
        let folders = inherit(index, made);
        Self { index, account, paths, drafts, claims, begin, folders }
    }

    fn claims_on(&self, path: PathId) -> &[Claim] {
        let [from, to] = [path.place(), path.place() + 1].map(|place| self.begin[place] as usize);
        &self.claims[from..to]
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
        Some(self.folders[path.place()]).filter(|package| *package != NONE)
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
fn inherit(index: &Index, made: &Assembled) -> Vec<u32> {
    let mut folders = vec![NONE; index.paths()];
    for (folder, package) in &made.folders {
        folders[folder.place()] = *package;
    }
    for place in 1..folders.len() {
        let path = PathId::from_place(u32::try_from(place).unwrap_or(NONE));
        if folders[place] == NONE && index.name(path) != b"node_modules" {
            folders[place] = index.parent(path).map_or(NONE, |parent| folders[parent.place()]);
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
    for (layer, slot) in (0_u32..).zip(stack.slots()) {
        let Some(slot) = *slot else { continue };
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
