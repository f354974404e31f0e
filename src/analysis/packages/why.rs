//! Why a package is there: who needs it, and the way to it from what a person asked for.

use std::collections::VecDeque;

use super::graph::{Follow, is_kept};
use super::{Package, PackageId, Packages};

/// Why a package is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A person asked for it, or the system does not go without; or nothing tells who asked for what.
    Itself,
    /// Each of these needs the next: the first is there for itself, the last needs it.
    Needed(Vec<PackageId>),
    /// As before, but somewhere on the way one only recommends the next.
    Recommended(Vec<PackageId>),
    /// As before, but somewhere on the way one only suggests the next.
    Suggested(Vec<PackageId>),
    /// Nothing leads to it.
    Leftover,
}

impl Packages {
    /// Installed packages that need this one, be it as one of several that will do.
    #[must_use]
    pub fn needed_by(&self, id: PackageId) -> &[PackageId] {
        self.needing.get(id.place()).map_or(&[], Vec::as_slice)
    }

    /// Installed packages that recommend this one.
    #[must_use]
    pub fn recommended_by(&self, id: PackageId) -> Vec<PackageId> {
        self.ids().filter(|other| self.get(*other).recommends.iter().flatten().any(|answer| *answer == id)).collect()
    }

    /// Why a package is there: the strongest reason, and the shortest way for it.
    #[must_use]
    pub fn why(&self, id: PackageId) -> Why {
        if is_kept(self.get(id)) {
            return Why::Itself;
        }
        let needed = self.way(id, Follow::Depends).map(Why::Needed);
        let recommended = || self.way(id, Follow::Recommends).map(Why::Recommended);
        let suggested = || self.way(id, Follow::Suggests).map(Why::Suggested);
        needed.or_else(recommended).or_else(suggested).unwrap_or(Why::Leftover)
    }

    /// The shortest way to a package from one that is there for itself, without the package.
    fn way(&self, to: PackageId, follow: Follow) -> Option<Vec<PackageId>> {
        let mut before: Vec<Option<PackageId>> = vec![None; self.all.len()];
        let begins = |id: &PackageId| self.get(*id).is_installed() && is_kept(self.get(*id));
        let mut waiting: VecDeque<PackageId> = self.ids().filter(begins).collect();
        while let Some(id) = waiting.pop_front() {
            if id == to {
                let way = std::iter::successors(before[to.place()], |id| before[id.place()]);
                let mut way: Vec<PackageId> = way.collect();
                way.reverse();
                return Some(way);
            }
            for next in follow.of(self.get(id)) {
                let is_new = before[next.place()].is_none() && !begins(next);
                if is_new {
                    before[next.place()] = Some(id);
                    waiting.push_back(*next);
                }
            }
        }
        None
    }
}

/// For each package the installed ones that need it.
pub(super) fn needing(all: &[Package]) -> Vec<Vec<PackageId>> {
    let mut needing: Vec<Vec<PackageId>> = vec![Vec::new(); all.len()];
    for (id, package) in (0..).map(PackageId).zip(all).filter(|(_, package)| package.is_installed()) {
        for answer in package.depends.iter().flatten() {
            let needs = &mut needing[answer.place()];
            if needs.last() != Some(&id) {
                needs.push(id);
            }
        }
    }
    needing
}

impl Follow {
    /// The packages that one wishes for, as far as such wishes are followed.
    pub(super) fn of(self, package: &Package) -> impl Iterator<Item = &PackageId> {
        let Package { depends, recommends, suggests, .. } = package;
        let nothing: &[Vec<PackageId>] = &[];
        let (recommends, suggests) = match self {
            Self::Depends => (nothing, nothing),
            Self::Recommends => (recommends.as_slice(), nothing),
            Self::Suggests => (recommends.as_slice(), suggests.as_slice()),
        };
        [depends.as_slice(), recommends, suggests].into_iter().flatten().flatten()
    }
}
