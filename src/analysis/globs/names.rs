//! Which patterns mean a name. There are hundreds of patterns and most names have none, so a name is held only against
//! those that share its first or its last byte.

use globset::{Candidate, GlobBuilder, GlobMatcher};
use rustc_hash::FxHashMap;

use super::spelling::literal;
use crate::error::{Error, Result};

/// A pattern for one name, by its number.
pub(super) type PatternId = u32;

/// What a pattern asks of a name.
enum Test {
    /// It begins so and ends so, and is no shorter than both.
    Ends(Vec<u8>, Vec<u8>),
    /// Whatever globset makes of it.
    Glob(Box<GlobMatcher>),
}

/// All patterns.
pub(super) struct Names {
    known: FxHashMap<String, PatternId>,
    literals: FxHashMap<Vec<u8>, PatternId>,
    /// Those that mean every name.
    every: Option<PatternId>,
    by_first: Vec<Vec<(PatternId, Test)>>,
    by_last: Vec<Vec<(PatternId, Test)>>,
    others: Vec<(PatternId, Test)>,
}

impl Default for Names {
    fn default() -> Self {
        let none = || (0..=u8::MAX).map(|_| Vec::new()).collect();
        Self {
            known: FxHashMap::default(),
            literals: FxHashMap::default(),
            every: None,
            by_first: none(),
            by_last: none(),
            others: Vec::new(),
        }
    }
}

impl Names {
    /// Takes a pattern in, once.
    pub fn add(&mut self, pattern: &str) -> Result<PatternId> {
        if let Some(known) = self.known.get(pattern) {
            return Ok(*known);
        }
        let id = PatternId::try_from(self.known.len()).unwrap_or(PatternId::MAX);
        let stars = pattern.matches('*').count();
        let halves = (stars == 1).then(|| pattern.split_once('*')).flatten();
        if let Some(plain) = literal(pattern) {
            self.literals.insert(plain, id);
        } else if stars > 0 && pattern.len() == stars {
            // However many stars, it is one pattern.
            let every = *self.every.get_or_insert(id);
            self.known.insert(pattern.to_owned(), every);
            return Ok(every);
        } else if let Some((begin, end)) = halves.and_then(|(begin, end)| Some((literal(begin)?, literal(end)?))) {
            match (begin.first().copied(), end.last().copied()) {
                (_, Some(last)) => self.by_last[usize::from(last)].push((id, Test::Ends(begin, end))),
                (Some(first), None) => self.by_first[usize::from(first)].push((id, Test::Ends(begin, end))),
                (None, None) => {}
            }
        } else {
            let glob = GlobBuilder::new(pattern).literal_separator(true).build();
            let glob = glob.map_err(|error| Error::usage("a glob cannot be read").caused_by(&error))?;
            let near = match pattern.bytes().next_back() {
                Some(last) if last.is_ascii_alphanumeric() => &mut self.by_last[usize::from(last)],
                _ => &mut self.others,
            };
            near.push((id, Test::Glob(Box::new(glob.compile_matcher()))));
        }
        self.known.insert(pattern.to_owned(), id);
        Ok(id)
    }

    /// The patterns that mean a name, in no order.
    pub fn of(&self, name: &[u8], found: &mut Vec<PatternId>) {
        found.clear();
        let (Some(first), Some(last)) = (name.first(), name.last()) else { return };
        found.extend(self.literals.get(name));
        found.extend(self.every);
        let near = self.by_first[usize::from(*first)].iter().chain(&self.by_last[usize::from(*last)]);
        found.extend(near.chain(&self.others).filter(|(_, test)| test.means(name)).map(|(id, _)| *id));
    }
}

impl Test {
    fn means(&self, name: &[u8]) -> bool {
        match self {
            Self::Ends(begin, end) => {
                name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
            }
            Self::Glob(glob) => glob.is_match_candidate(&Candidate::from_bytes(name)),
        }
    }
}
