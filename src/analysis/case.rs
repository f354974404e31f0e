//! Everything that is worked out once before rules are held against an image.

use std::sync::Arc;

use super::both::both;
use super::content::Kept;
use super::efficiency::{Account, Fate};
use super::finding::{About, Finding, Origin, State};
use super::instructions::Instructions;
use super::meant::Meant;
use super::origin::Boundary;
use super::packages::Packages;
use super::rules::Rule;
use super::runtime::Runtime;
use super::subject::{Merged, Subject};
use crate::index::walk::Live;
use crate::index::{EntryId, Index, PathId};

/// The distribution that an image says it is (os-release(5)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    /// `debian`, `alpine`; empty where it is not said.
    pub id: String,
    /// `13`, `3.20.1`; empty for a rolling one.
    pub version: String,
    /// What it is like.
    pub like: String,
}

impl Distribution {
    fn read(text: &[u8]) -> Self {
        let mut found = Self::default();
        for line in String::from_utf8_lossy(text).lines() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            match key.trim() {
                "ID" => found.id = value,
                "VERSION_ID" => found.version = value,
                "ID_LIKE" => found.like = value,
                _ => {}
            }
        }
        found
    }

    /// The first part of its version.
    #[must_use]
    pub fn release(&self) -> &str {
        self.version.split('.').next().unwrap_or_default()
    }
}

/// An image, prepared.
pub struct Case<'a> {
    /// The image.
    pub subject: Subject<'a>,
    /// Its bytes.
    pub account: &'a Account,
    /// What a container sees.
    pub merged: Merged<'a>,
    /// Which rules mean which path.
    pub meant: Meant,
    /// How it was built.
    pub instructions: Instructions,
    /// What a container does.
    pub runtime: Runtime<'a>,
    /// Where the base ends.
    pub boundary: Boundary,
    /// Its packages.
    pub packages: Packages,
    /// What it is made of.
    pub distribution: Distribution,
}

impl<'a> Case<'a> {
    /// Prepares an image.
    #[must_use]
    pub fn new(subject: Subject<'a>, account: &'a Account) -> Self {
        let instructions = Instructions::new(subject.image);
        let runtime = Runtime(&subject.image.config.runtime);
        let Subject { index, stack, gathered, rules, .. } = subject;
        let packages = || {
            let embedded = gathered.embedded(index);
            Packages::new(index, stack, account, &Kept { index, gathered }, &embedded)
        };
        let others = || (Merged::new(subject), Meant::new(index, rules.own().iter().chain(rules.users())));
        let (packages, (merged, meant)) = both(packages, others);
        let release = merged.text("etc/os-release").or_else(|| merged.text("usr/lib/os-release"));
        Self {
            boundary: Boundary::new(subject.image, runtime, &instructions),
            distribution: release.map(Distribution::read).unwrap_or_default(),
            meant,
            packages,
            subject,
            account,
            merged,
            instructions,
            runtime,
        }
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &'a Index {
        self.subject.index
    }

    /// The rule of that name; tests hold the rules to what is asked for.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<Arc<Rule>> {
        self.subject.rules.get(id).cloned()
    }

    /// A finding about an entry, with its layer, state and origin.
    #[must_use]
    pub fn about(&self, rule: &Arc<Rule>, path: PathId, Live { layer, entry }: Live) -> Finding {
        let mut finding = Finding::new(rule, About::Path(path));
        finding.layer = Some(layer);
        finding.origin = self.boundary.of(layer);
        (finding.state, finding.removed_by) = self.state(entry, layer);
        finding.entries.push(entry);
        let owner = self.packages.owner(path).filter(|_| finding.state == State::Live);
        finding.package = owner.map(|owner| self.packages.get(owner).record.name.clone());
        finding.mark(&self.index().path(path));
        finding
    }

    /// Whether a container sees the contents of an entry, and the layer that hides them.
    #[must_use]
    pub fn state(&self, entry: EntryId, layer: u32) -> (State, Option<u32>) {
        match self.account.fate(entry, layer) {
            Fate::Visible => (State::Live, None),
            Fate::Deleted { by } => (State::Deleted, Some(by)),
            Fate::Replaced { by } | Fate::Rewritten { by, .. } => (State::Shadowed, Some(by)),
        }
    }

    /// Takes a level off what the base brought: it is not the edit at hand that mends it.
    pub fn discount(&self, finding: &mut Finding) {
        if finding.origin == Origin::Base {
            finding.shift(-1, "inherited from the base");
        }
    }
}

/// The nearest folder that holds both.
#[must_use]
pub fn common_folder(index: &Index, one: PathId, other: PathId) -> PathId {
    if one == other {
        return one;
    }
    let above: Vec<PathId> = index.lineage(one).chain([Index::ROOT]).collect();
    index.lineage(other).chain([Index::ROOT]).find(|path| above.contains(path)).unwrap_or(Index::ROOT)
}
