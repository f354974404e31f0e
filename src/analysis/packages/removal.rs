//! What would go: packages that are there by recommendation alone, that nothing needs any more, and what falls with
//! others that are taken away.

use super::graph::{Follow, is_asked, is_kept, reach};
use super::{Database, PackageId, Packages};

/// Why a package goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is one of those to take away.
    Asked,
    /// It cannot do without this one, which goes.
    Needs(PackageId),
    /// Nothing that stays needs, recommends or suggests it, and nobody asked for it.
    Unneeded,
    /// That is so already, whatever is taken away.
    Leftover,
}

/// What goes together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removal {
    /// The packages, those to take away first, each with its reason.
    pub goes: Vec<(PackageId, Reason)>,
    /// Bytes of theirs in the final file system.
    pub bytes: u64,
}

impl Packages {
    /// Takes packages away, with all that cannot do without them, and then what the manager would clean up.
    #[must_use]
    pub fn without(&self, asked: &[PackageId]) -> Removal {
        let mut gone = vec![false; self.all.len()];
        let mut goes = Vec::new();
        for &id in asked.iter().filter(|id| id.place() < self.all.len()) {
            if self.get(id).is_installed() && !std::mem::replace(&mut gone[id.place()], true) {
                goes.push((id, Reason::Asked));
            }
        }
        self.fall(&mut gone, &mut goes);
        let nothing = vec![false; self.all.len()];
        let needed_before = self.needed(&nothing);
        let needed = self.needed(&gone);
        for id in self.ids().filter(|id| !gone[id.place()] && !needed[id.place()] && self.get(*id).is_installed()) {
            goes.push((id, if needed_before[id.place()] { Reason::Unneeded } else { Reason::Leftover }));
        }
        self.removal(goes)
    }

    /// Installed packages that nobody asked for and nothing needs, recommends or suggests.
    #[must_use]
    pub fn unneeded(&self) -> Removal {
        self.without(&[])
    }

    /// Installed packages that are there by recommendation alone: what an installation without recommendations would
    /// have left out.
    #[must_use]
    pub fn recommends_only(&self) -> Removal {
        let nothing = vec![false; self.all.len()];
        let needed = reach(&self.all, &nothing, is_asked, |_| Follow::Depends);
        let recommended = reach(&self.all, &nothing, is_asked, |_| Follow::Recommends);
        let only = self.ids().filter(|id| recommended[id.place()] && !needed[id.place()]);
        self.removal(only.map(|id| (id, Reason::Asked)).collect())
    }

    /// Lets go whatever needs one of several that are all gone.
    fn fall(&self, gone: &mut [bool], goes: &mut Vec<(PackageId, Reason)>) {
        // For every package the wishes that it is an answer to, and for every wish how many answers are left.
        let mut left: Vec<(PackageId, usize)> = Vec::new();
        let mut answers: Vec<Vec<usize>> = vec![Vec::new(); self.all.len()];
        for id in self.ids() {
            for wish in &self.get(id).depends {
                for answer in wish {
                    answers[answer.place()].push(left.len());
                }
                left.push((id, wish.len()));
            }
        }
        let mut next = 0;
        while let Some(&(id, _)) = goes.get(next) {
            next += 1;
            for &wish in &answers[id.place()] {
                let (needs, count) = &mut left[wish];
                *count -= 1;
                if *count == 0 && !std::mem::replace(&mut gone[needs.place()], true) {
                    goes.push((*needs, Reason::Needs(id)));
                }
            }
        }
    }

    fn needed(&self, gone: &[bool]) -> Vec<bool> {
        reach(&self.all, gone, is_kept, |package| {
            let is_its = |database: &&Database| (database.kind, database.root) == (package.kind, package.root);
            self.databases.iter().find(is_its).map_or(Follow::default(), |database| database.keeps)
        })
    }

    fn removal(&self, goes: Vec<(PackageId, Reason)>) -> Removal {
        let bytes = goes.iter().map(|(id, _)| self.get(*id).visible()).sum();
        Removal { goes, bytes }
    }
}
