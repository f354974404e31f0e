//! Who needs whom: names become packages, and closures over them.

use std::collections::HashMap;

use super::{Asked, Package, PackageId, PackageKind, PathId};
use crate::index::Index;

/// Packages that one wish may mean. A name that hundreds answer to is made to waste time.
const MOST_ANSWERS: usize = 64;

/// Turns what installed packages wish for into packages. `owner` tells who owns a path of a root: rpm's packages may
/// need a file.
pub fn connect(packages: &mut [Package], mut owner: impl FnMut(PathId, &[u8]) -> Option<u32>) {
    let mut names: HashMap<(PackageKind, PathId, &str), Vec<PackageId>> = HashMap::new();
    for (id, package) in (0..).map(PackageId).zip(packages.iter()).filter(|(_, package)| package.is_installed()) {
        let own = std::iter::once(&package.record.name);
        for name in own.chain(&package.record.provides) {
            let answers = names.entry((package.kind, space(package), name)).or_default();
            if answers.len() < MOST_ANSWERS && answers.last() != Some(&id) {
                answers.push(id);
            }
        }
    }
    let mut resolved = Vec::with_capacity(packages.len());
    for (id, package) in (0..).map(PackageId).zip(packages.iter()) {
        let mut wishes = |wishes: &[Vec<String>]| -> Vec<Vec<PackageId>> {
            let mut found: Vec<Vec<PackageId>> = Vec::new();
            for wish in wishes.iter().filter(|_| package.is_installed()) {
                let by_name = wish.iter().filter_map(|name| names.get(&(package.kind, space(package), name.as_str())));
                let mut answers: Vec<PackageId> = by_name.flatten().copied().collect();
                if answers.is_empty() && package.kind.is_system() {
                    let paths = wish.iter().filter_map(|name| name.strip_prefix('/'));
                    answers.extend(paths.filter_map(|path| owner(package.root, path.as_bytes())).map(PackageId));
                }
                answers.sort_unstable();
                answers.dedup();
                if !answers.is_empty() && !answers.contains(&id) {
                    found.push(answers);
                }
            }
            found.sort_unstable();
            found.dedup();
            found
        };
        let told = &package.record.wishes;
        resolved.push([wishes(&told.depends), wishes(&told.recommends), wishes(&told.suggests)]);
    }
    for (package, [depends, recommends, suggests]) in packages.iter_mut().zip(resolved) {
        (package.depends, package.recommends, package.suggests) = (depends, recommends, suggests);
    }
}

/// Where a package's names hold: a distribution's in its root, a language's in the whole image.
fn space(package: &Package) -> PathId {
    if package.kind.is_system() { package.root } else { Index::ROOT }
}

/// Which wishes of other packages keep one that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// Only needs.
    Depends,
    /// Recommendations, too.
    Recommends,
    /// And suggestions: so it is with apt, unless it is told otherwise.
    #[default]
    Suggests,
}

/// Whether something else than another package's wish brought it.
pub fn is_asked(package: &Package) -> bool {
    package.record.asked != Asked::Automatic || package.record.essential
}

/// Whether something else than another package's wish keeps it: dpkg's priority says what no system goes without.
pub fn is_kept(package: &Package) -> bool {
    is_asked(package) || package.record.priority == "required"
}

/// For every package whether `begins` says that it does, or those lead to it. What is gone leads nowhere.
pub fn reach(
    packages: &[Package],
    is_gone: &[bool],
    begins: impl Fn(&Package) -> bool,
    follow: impl Fn(&Package) -> Follow,
) -> Vec<bool> {
    let mut reached = vec![false; packages.len()];
    let mut waiting = Vec::new();
    for place in 0..packages.len() {
        if packages[place].is_installed() && !is_gone[place] && begins(&packages[place]) {
            reached[place] = true;
            waiting.push(place);
        }
    }
    while let Some(place) = waiting.pop() {
        let package = &packages[place];
        for next in follow(package).of(package).map(|id| id.place()) {
            if !reached[next] && !is_gone[next] {
                reached[next] = true;
                waiting.push(next);
            }
        }
    }
    reached
}
