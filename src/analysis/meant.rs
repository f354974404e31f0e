//! Which rules mean which path: worked out once for all paths of an index, or for one path after the other.

use std::sync::Arc;

use super::globs::{Globs, Meaning, State};
use super::rules::Rule;
use crate::index::{Index, PathId, Sparse};

/// Rules that have globs, the first of them the most important, and their globs.
struct Ruled {
    rules: Vec<Arc<Rule>>,
    globs: Globs,
}

impl Ruled {
    /// `None` where a glob cannot be read; tests rule that out for ours, and users' are looked at when they are read.
    fn new<'r>(rules: impl IntoIterator<Item = &'r Arc<Rule>>) -> Option<Self> {
        let rules: Vec<Arc<Rule>> = rules.into_iter().filter(|rule| !rule.paths.is_empty()).cloned().collect();
        // A rule's globs are under twice its place, those of what it does not mean under the number behind that.
        let of_rule = |(place, rule): (usize, &Arc<Rule>)| {
            rule.globs().map(move |(glob, is_meant)| (glob, 2 * place + usize::from(!is_meant))).collect::<Vec<_>>()
        };
        let globs: Vec<(String, usize)> = rules.iter().enumerate().flat_map(of_rule).collect();
        let globs = Globs::new(globs.iter().map(|(glob, owner)| (glob.as_str(), *owner))).ok()?;
        Some(Self { rules, globs })
    }

    /// The rules that a meaning comes to, the most important first.
    fn of(&self, meaning: Meaning) -> impl Iterator<Item = &Arc<Rule>> {
        let owners = self.globs.owners(meaning);
        let is_meant = |owner: &&usize| owner.is_multiple_of(2) && !owners.contains(&(**owner + 1));
        owners.iter().filter(is_meant).map(|owner| &self.rules[owner / 2])
    }
}

/// The rules by path.
#[derive(Default)]
pub struct Meant {
    /// The place of the rules of each path. Most have none, which comes first.
    of: Sparse<u32>,
    /// The rules, the most important first.
    rules: Vec<Vec<Arc<Rule>>>,
}

impl Meant {
    /// Holds the globs of rules, the first of them the most important, against all paths.
    #[must_use]
    pub fn new<'r>(index: &Index, rules: impl IntoIterator<Item = &'r Arc<Rule>>) -> Self {
        let Some(mut all) = Ruled::new(rules) else { return Self::default() };
        let mut made = Self { of: Sparse::default(), rules: vec![Vec::new()] };
        // The place of the rules of each meaning: many mean what is excepted, and so nothing.
        let mut places: Vec<Option<u32>> = Vec::new();
        let mut folders = vec![(Index::ROOT, State::ROOT)];
        while let Some((folder, state)) = folders.pop() {
            for path in index.children(folder) {
                let (state, meaning) = all.globs.step(state, index.name(path));
                if places.len() <= meaning.place() {
                    places.resize(meaning.place() + 1, None);
                }
                let place = places[meaning.place()].get_or_insert_with(|| {
                    let rules: Vec<_> = all.of(meaning).cloned().collect();
                    if rules.is_empty() {
                        return 0;
                    }
                    made.rules.push(rules);
                    u32::try_from(made.rules.len() - 1).unwrap_or(0)
                });
                made.of.set(path.place(), *place);
                if index.has_children(path) {
                    folders.push((path, state));
                }
            }
        }
        made
    }

    /// The rules that mean a path, the most important first.
    #[must_use]
    pub fn rules(&self, path: PathId) -> &[Arc<Rule>] {
        self.rules.get(self.of.get(path.place()) as usize).map_or(&[], Vec::as_slice)
    }
}

/// Finds the rules of one path after the other.
pub struct Paths {
    ruled: Option<Ruled>,
    /// The folder of the path before, and its state: what follows mostly lies beside it.
    folder: Vec<u8>,
    state: State,
}

impl Paths {
    /// A finder for rules, the first of them the most important.
    #[must_use]
    pub fn new<'r>(rules: impl IntoIterator<Item = &'r Arc<Rule>>) -> Self {
        Self { ruled: Ruled::new(rules), folder: Vec::new(), state: State::ROOT }
    }

    /// The rules that mean a path without leading slash, the most important first.
    pub fn of(&mut self, path: &[u8]) -> impl Iterator<Item = &Arc<Rule>> {
        let meaning = self.meaning(path);
        self.ruled.iter().flat_map(move |ruled| ruled.of(meaning))
    }

    fn meaning(&mut self, path: &[u8]) -> Meaning {
        let Some(Ruled { globs, .. }) = &mut self.ruled else { return Meaning::default() };
        let slash = memchr::memrchr(b'/', path);
        let folder = &path[..slash.unwrap_or_default()];
        if folder != self.folder {
            let names = folder.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
            self.state = names.fold(State::ROOT, |state, name| globs.step(state, name).0);
            folder.clone_into(&mut self.folder);
        }
        globs.step(self.state, &path[slash.map_or(0, |slash| slash + 1)..]).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::rules::{Rules, glob_set};
    use crate::index::Builder;
    use globset::Candidate;
    use layerscope::layer::{Entry, EntryKind, Limits};

    #[test]
    fn they_say_what_globset_says_of_each_path() {
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
        let (meant, mut paths) = (Meant::new(&index, rules.own()), Paths::new(rules.own()));
        let sets = |globs: fn(&Rule) -> &Vec<String>| -> Vec<_> {
            rules.own().iter().map(|rule| glob_set(globs(rule)).unwrap()).collect()
        };
        let (sets, exceptions) = (sets(|rule| &rule.paths), sets(|rule| &rule.except));
        let mut found = 0;
        for path in index.all_paths().skip(1) {
            let spelled = index.path(path);
            let candidate = Candidate::from_bytes(&spelled);
            let is_meant = |place: &usize| {
                sets[*place].is_match_candidate(&candidate) && !exceptions[*place].is_match_candidate(&candidate)
            };
            let all = 0..rules.own().len();
            let wanted: Vec<&str> = all.filter(is_meant).map(|place| rules.own()[place].id.as_str()).collect();
            let got: Vec<&str> = meant.rules(path).iter().map(|rule| rule.id.as_str()).collect();
            let alone: Vec<&str> = paths.of(&spelled).map(|rule| rule.id.as_str()).collect();
            assert_eq!((&got, &alone), (&wanted, &wanted), "{}", String::from_utf8_lossy(&spelled));
            found += wanted.len();
        }
        assert!(found > 300, "{found}");
    }

    #[test]
    fn paths_find_the_first_rule_and_heed_exceptions() {
        let mut rules = Rules::default();
        rules
            .add(
                "[[rule]]\nid='A'\ntitle='a'\nseverity='low'\npaths=['~/.cache/pip/**']\n\
                 [[rule]]\nid='B'\ntitle='b'\nseverity='low'\npaths=['**/*.map', 'root/**']\nexcept=['**/keep/**']\n",
            )
            .unwrap();
        let mut paths = Paths::new(rules.users());
        let mut of = |path: &str| -> Vec<String> { paths.of(path.as_bytes()).map(|rule| rule.id.clone()).collect() };
        assert_eq!(of("root/.cache/pip/x/y"), ["A", "B"]);
        assert_eq!(of("home/joe/.cache/pip/x"), ["A"]);
        assert_eq!(of("app/keep/a.map"), [""; 0]);
        assert_eq!(of("a.map"), ["B"]);
        assert_eq!(of("root/x"), ["B"]);
    }
}
