//! Which rules mean which path, worked out once for all paths of an index.

use std::sync::Arc;

use super::globs::{Globs, Meaning, State};
use super::rules::Rule;
use crate::index::{Index, PathId};

/// The rules by path.
#[derive(Default)]
pub struct Meant {
    /// The meaning of each path.
    of: Vec<Meaning>,
    /// The rules of each meaning, the most important first.
    rules: Vec<Vec<Arc<Rule>>>,
}

impl Meant {
    /// Holds the globs of rules, the first of them the most important, against all paths. Globs that cannot be read
    /// mean nothing; tests rule that out for ours, and users' are looked at when they are read.
    #[must_use]
    pub fn new<'r>(index: &Index, rules: impl IntoIterator<Item = &'r Arc<Rule>>) -> Self {
        let rules: Vec<&Arc<Rule>> = rules.into_iter().filter(|rule| !rule.paths.is_empty()).collect();
        // A rule's globs are under twice its place, those of what it does not mean under the number behind that.
        let of_rule = |(place, rule): (usize, &&Arc<Rule>)| {
            rule.globs().map(move |(glob, is_meant)| (glob, 2 * place + usize::from(!is_meant))).collect::<Vec<_>>()
        };
        let globs: Vec<(String, usize)> = rules.iter().enumerate().flat_map(of_rule).collect();
        let Ok(mut globs) = Globs::new(globs.iter().map(|(glob, owner)| (glob.as_str(), *owner))) else {
            return Self::default();
        };
        let mut states = vec![State::ROOT; index.paths()];
        let mut of = vec![Meaning::NONE; index.paths()];
        for path in index.all_paths() {
            // A folder has its place before what is in it.
            let Some(folder) = index.parent(path) else { continue };
            (states[path.place()], of[path.place()]) = globs.step(states[folder.place()], index.name(path));
        }
        let meant = |meaning: Meaning| {
            let owners = globs.owners(meaning);
            let is_meant = |owner: &&usize| owner.is_multiple_of(2) && !owners.contains(&(**owner + 1));
            owners.iter().filter(is_meant).map(|owner| Arc::clone(rules[owner / 2])).collect()
        };
        let rules = globs.meanings().map(meant).collect();
        Self { of, rules }
    }

    /// The rules that mean a path, the most important first.
    #[must_use]
    pub fn rules(&self, path: PathId) -> &[Arc<Rule>] {
        self.of.get(path.place()).map_or(&[], |meaning| &self.rules[meaning.place()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::rules::{Paths, Rules};
    use crate::index::Builder;
    use layerscope::layer::{Entry, EntryKind, Limits};

    #[test]
    fn it_says_what_is_said_of_each_path_alone() {
        let rules = Rules::built_in().unwrap();
        let mut builder = Builder::new(Limits::default());
        builder.begin().unwrap();
        // Every glob as it stands, filled in two ways, and something else beside and below it.
        for glob in rules.own().iter().flat_map(|rule| rule.globs()).map(|(glob, _)| glob) {
            let plain = glob.replace(['{', '}', '[', ']', ','], "x");
            for path in [plain.replace('*', "a"), plain.replace("**", "srv/a/b").replace('*', "c"), glob] {
                for path in [path.clone(), format!("{path}/d"), format!("e/{path}.f")] {
                    let path = path.as_bytes();
                    builder.add(&Entry { path, ..Entry::bare(EntryKind::File) }).unwrap();
                }
            }
        }
        builder.end();
        let index = builder.finish();
        let (meant, paths) = (Meant::new(&index, rules.own()), Paths::new(rules.own()));
        let mut found = 0;
        for path in index.all_paths().skip(1) {
            let spelled = index.path(path);
            let wanted: Vec<&str> = paths.of(&spelled, &mut Vec::new()).map(|rule| rule.id.as_str()).collect();
            let got: Vec<&str> = meant.rules(path).iter().map(|rule| rule.id.as_str()).collect();
            assert_eq!(got, wanted, "{}", String::from_utf8_lossy(&spelled));
            found += wanted.len();
        }
        assert!(found > 300, "{found}");
    }
}
