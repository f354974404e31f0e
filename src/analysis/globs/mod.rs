//! Globs over the paths of an index. A path is a way down from the root, and what the globs make of a folder is known
//! before its children are asked: a step takes the state of the folder and a name to the state of the child. As most
//! names mean nothing, few states and few steps occur, and each is worked out once.
//!
//! Held to globset by a test: both say the same of every path.

mod names;
mod spelling;

use std::hash::Hash;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::Result;
use names::{Names, PatternId};

/// One part of a glob.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Any number of names: `**`.
    Any,
    /// A name that a pattern means.
    Name(PatternId),
}

/// A place in a glob: which part of it comes next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct At {
    glob: u32,
    part: u32,
}

/// A glob, with whose it is.
struct Glob {
    parts: Vec<Part>,
    owner: usize,
}

/// What is known of a folder, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State(u32);

impl State {
    /// The state of the root.
    pub const ROOT: Self = Self(0);
}

/// Which globs mean a path, by number; none by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Meaning(u32);

impl Meaning {
    /// Its place among the meanings.
    #[must_use]
    pub fn place(self) -> usize {
        self.0 as usize
    }
}

/// Many globs at once.
pub struct Globs {
    names: Names,
    all: Vec<Glob>,
    /// Where globs are in every folder that begin with `**`, by the pattern that moves them.
    everywhere: FxHashMap<PatternId, Vec<At>>,
    /// Where globs are in a folder besides, by state.
    states: Numbered<At>,
    /// Sets of patterns that mean a name.
    classes: FxHashMap<Vec<PatternId>, u32>,
    steps: FxHashMap<(u32, u32), (State, Meaning)>,
    /// Owners of the globs that mean a path, ascending.
    meanings: Numbered<usize>,
    scratch: Vec<PatternId>,
}

impl Globs {
    /// Globs with whose each is. A star stays in its folder, `**` does not.
    ///
    /// # Errors
    /// One of them is no glob, or stands for too many others.
    pub fn new<'g>(globs: impl IntoIterator<Item = (&'g str, usize)>) -> Result<Self> {
        let mut made = Self {
            names: Names::default(),
            all: Vec::new(),
            everywhere: FxHashMap::default(),
            states: Numbered::default(),
            classes: FxHashMap::default(),
            steps: FxHashMap::default(),
            meanings: Numbered::default(),
            scratch: Vec::new(),
        };
        for (glob, owner) in globs {
            for one in spelling::alternatives(glob)? {
                let part = |part: &str| match part {
                    "**" => Ok(Part::Any),
                    name => made.names.add(name).map(Part::Name),
                };
                let mut parts = spelling::parts(&one).into_iter().map(part).collect::<Result<Vec<_>>>()?;
                // Any number of any number is any number.
                parts.dedup_by(|one, other| *one == Part::Any && *other == Part::Any);
                made.all.push(Glob { parts, owner });
            }
        }
        made.begin();
        Ok(made)
    }

    /// Works out the state of the root.
    fn begin(&mut self) {
        let mut root = Vec::new();
        for (glob, Glob { parts, .. }) in (0..).zip(&self.all) {
            match parts.as_slice() {
                [Part::Any, Part::Name(name), ..] => {
                    self.everywhere.entry(*name).or_default().push(At { glob, part: 1 });
                }
                _ => root.push(At { glob, part: 0 }),
            }
        }
        self.states.number(root);
        self.meanings.number(Vec::new());
    }

    /// The state of a child of a folder, and which globs mean it.
    pub fn step(&mut self, folder: State, name: &[u8]) -> (State, Meaning) {
        let mut scratch = std::mem::take(&mut self.scratch);
        self.names.of(name, &mut scratch);
        let class = self.classes.get(&scratch).copied().unwrap_or_else(|| {
            let class = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
            self.classes.insert(scratch.clone(), class);
            class
        });
        let known = self.steps.get(&(folder.0, class)).copied();
        let step = known.unwrap_or_else(|| {
            let step = self.work_out(folder, &scratch);
            self.steps.insert((folder.0, class), step);
            step
        });
        self.scratch = scratch;
        step
    }

    /// Whose globs mean a path, ascending.
    #[must_use]
    pub fn owners(&self, meaning: Meaning) -> &[usize] {
        &self.meanings.all[meaning.place()]
    }

    fn work_out(&mut self, State(folder): State, patterns: &[PatternId]) -> (State, Meaning) {
        let (mut next, mut owners) = (Vec::new(), Vec::new());
        let mut forward = |At { glob, part }: At| {
            let Glob { parts, owner } = &self.all[glob as usize];
            if part as usize == parts.len() {
                owners.push(*owner);
            } else {
                next.push(At { glob, part });
            }
        };
        let onward = |at: &At| At { part: at.part + 1, ..*at };
        for at in patterns.iter().filter_map(|pattern| self.everywhere.get(pattern)).flatten() {
            forward(onward(at));
        }
        for at in &*Arc::clone(&self.states.all[folder as usize]) {
            let parts = &self.all[at.glob as usize].parts;
            match parts[at.part as usize] {
                Part::Name(name) if patterns.contains(&name) => forward(onward(at)),
                Part::Name(_) => {}
                Part::Any => {
                    // It stays, for it may take more names; as the last part it has what it needs.
                    forward(*at);
                    match parts.get(at.part as usize + 1) {
                        None => forward(onward(at)),
                        Some(Part::Name(name)) if patterns.contains(name) => forward(onward(&onward(at))),
                        Some(_) => {}
                    }
                }
            }
        }
        (State(self.states.number(next)), Meaning(self.meanings.number(owners)))
    }
}

/// Sets of things, each with the number of its first coming.
struct Numbered<T> {
    all: Vec<Arc<[T]>>,
    numbers: FxHashMap<Arc<[T]>, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { all: Vec::new(), numbers: FxHashMap::default() }
    }
}

impl<T: Ord + Hash> Numbered<T> {
    /// The number of a set, whose things may come in any order and more than once.
    fn number(&mut self, mut set: Vec<T>) -> u32 {
        set.sort_unstable();
        set.dedup();
        if let Some(known) = self.numbers.get(set.as_slice()) {
            return *known;
        }
        let (set, number): (Arc<[T]>, _) = (set.into(), u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(Arc::clone(&set));
        self.numbers.insert(set, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use globset::{Candidate, GlobBuilder};

    use super::*;

    fn owners(globs: &mut Globs, path: &str) -> Vec<usize> {
        let (mut state, mut meaning) = (State::ROOT, Meaning::default());
        for name in path.split('/') {
            (state, meaning) = globs.step(state, name.as_bytes());
        }
        globs.owners(meaning).to_vec()
    }

    /// Globs and paths over a small alphabet, so that they meet often.
    #[test]
    fn they_say_what_globset_says() {
        let parts = ["a", "b", "*", "**", "a*", "*b", "a*b", "?", "{a,b}", "{a/,}b", "[ab]", "[!a]c", "*.{a,b}", "\\*"];
        let names = ["a", "b", "ab", "aab", "c", "bc", "x.a", ".b", "*"];
        let mut seed = 7_u64;
        let mut pick = |most: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % most
        };
        for round in 0..200 {
            let mut spell = |words: &[&str], longest: usize| {
                let length = pick(longest) + 1;
                (0..length).map(|_| words[pick(words.len())]).collect::<Vec<_>>().join("/")
            };
            let all: Vec<String> = (0..6).map(|_| spell(&parts, 4)).collect();
            let mut globs = Globs::new(all.iter().map(String::as_str).zip(0..)).unwrap();
            let matchers: Vec<_> = all
                .iter()
                .map(|glob| {
                    let mut glob = GlobBuilder::new(glob);
                    glob.literal_separator(true).empty_alternates(true);
                    glob.build().unwrap().compile_matcher()
                })
                .collect();
            for _ in 0..100 {
                let path = spell(&names, 5);
                let is_meant = |place: &usize| matchers[*place].is_match_candidate(&Candidate::from_bytes(&path));
                let wanted: Vec<usize> = (0..all.len()).filter(is_meant).collect();
                assert_eq!(owners(&mut globs, &path), wanted, "round {round}: {all:?} of {path}");
            }
        }
    }

    #[test]
    fn few_states_serve_many_paths() {
        let mut globs = Globs::new([("**/.git/**", 0), ("usr/share/doc/**", 1), ("**/*.map", 2)]).unwrap();
        for number in 0..10_000 {
            assert_eq!(owners(&mut globs, &format!("srv/{number}/file")), [0; 0]);
        }
        assert!(globs.states.all.len() < 8, "{}", globs.states.all.len());
        assert_eq!(owners(&mut globs, "usr/share/doc/a/b.map"), [1, 2]);
        assert_eq!(owners(&mut globs, "x/.git/c"), [0]);
        assert_eq!(owners(&mut globs, ".git"), [0; 0]);
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        for bad in ["a[", "**/[z-a]", &"{a,b}".repeat(30)] {
            assert!(Globs::new([(bad, 0)]).is_err(), "{bad}");
        }
    }
}
