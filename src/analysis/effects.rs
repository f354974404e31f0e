//! What layers do to the layers below them: by this an instruction can be moved, or not.

use std::collections::{BTreeSet, HashMap};

use super::case::Case;
use super::instructions::Instruction;
use super::packages::PackageId;
use crate::index::Kind;
use crate::index::walk::{Change, Order, walk};

/// What each layer does to the layers below it, and what else fixes go by.
pub struct Effects {
    layers: Vec<Effect>,
    /// Whether each layer deletes what lower ones have.
    deletes: Vec<bool>,
    /// Files and folders that each layer is the first to have.
    brought: Vec<usize>,
    /// How many of these a later layer is the next to change, by both layers.
    changed: HashMap<(u32, u32), usize>,
    /// Packages that are there because others recommend them.
    pub recommended: BTreeSet<PackageId>,
    /// Packages of what the container uses.
    pub used: BTreeSet<PackageId>,
}

/// What one layer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing.
    Nothing,
    /// It changes, stores again or removes what others brought, the highest of which is this, and nothing else.
    UpTo(u32),
    /// More than that.
    More,
}

impl Effect {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, effect) | (effect, Self::Nothing) => effect,
            (Self::UpTo(one), Self::UpTo(two)) => Self::UpTo(one.max(two)),
            (Self::More, _) | (_, Self::More) => Self::More,
        }
    }
}

impl Effects {
    /// Looks at all layers.
    #[must_use]
    pub fn new(case: &Case<'_>, used: BTreeSet<PackageId>) -> Self {
        let index = case.index();
        let mut layers = vec![Effect::Nothing; case.subject.stack.len()];
        let mut brought = vec![0; layers.len()];
        let mut deletes = vec![false; layers.len()];
        let mut changed: HashMap<(u32, u32), usize> = HashMap::new();
        walk(index, case.subject.stack, Order::Any, |story| {
            for (place, event) in story.events.iter().enumerate() {
                if event.change == Change::Added {
                    brought[event.layer as usize] += 1;
                    if let Some(next) = story.events.get(place + 1).filter(|next| next.entry.is_some()) {
                        *changed.entry((event.layer, next.layer)).or_default() += 1;
                    }
                }
                deletes[event.layer as usize] |= event.change == Change::Removed;
                let is_folder = || event.entry.is_some_and(|entry| index.kind(entry) == Kind::Dir);
                let effect = match event.change {
                    Change::Unchanged | Change::Dangling => continue,
                    // A folder is older than what is in it; that it changes with it is no other thing.
                    Change::Changed(_) | Change::Rewritten(_) if is_folder() => continue,
                    Change::Changed(_) | Change::Rewritten(_) | Change::Removed => {
                        event.before.map_or(Effect::More, |before| Effect::UpTo(before.layer))
                    }
                    Change::Added => Effect::More,
                };
                let known = &mut layers[event.layer as usize];
                *known = known.and(effect);
            }
        });
        let recommended = case.packages.recommends_only().goes.into_iter().map(|(id, _)| id).collect();
        Self { layers, deletes, brought, changed, recommended, used }
    }

    /// Whether a later step does nothing but to what was there when an earlier one was done: then it can be done there.
    #[must_use]
    pub fn is_whole(&self, by: &Instruction, later: &Instruction) -> bool {
        let (Some(first), Some(second)) = (by.layer, later.layer) else { return false };
        matches!(self.layers.get(second as usize), Some(Effect::UpTo(highest)) if *highest <= first)
    }

    /// Whether a step deletes what earlier ones made: without it that would be there.
    #[must_use]
    pub fn deletes(&self, step: &Instruction) -> bool {
        step.layer.is_some_and(|layer| self.deletes.get(layer as usize) == Some(&true))
    }

    /// Whether a later step changes everything that an earlier one brought, removes nothing of it, and does nothing else.
    #[must_use]
    pub fn is_for_all(&self, by: &Instruction, later: &Instruction) -> bool {
        let (Some(first), Some(second)) = (by.layer, later.layer) else { return false };
        let changed = self.changed.get(&(first, second)).copied().unwrap_or_default();
        self.layers.get(second as usize) == Some(&Effect::UpTo(first))
            && self.brought.get(first as usize) == Some(&changed)
    }
}
