//! What the image would be without what is thought away: findings, packages and files, no byte of them twice.

use std::collections::{BTreeSet, HashSet};

use super::Explored;
use super::app::{App, Screen};
use crate::analysis::efficiency::Fate;
use crate::analysis::finding::State;
use crate::index::{EntryId, Index, Kind, PathId};

/// What the image would be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WhatIf {
    /// Bytes shipped.
    pub shipped: u64,
    /// Bytes hidden.
    pub hidden: u64,
    /// Visible over shipped.
    pub score: f64,
}

impl App {
    /// Thinks away what the cursor is on, or back again.
    pub(super) fn think_away(&mut self) {
        match self.screen {
            Screen::Findings => self.toggle_finding(),
            Screen::Packages => self.mark_package(),
            Screen::Files => {
                if let Some(path) = self.path()
                    && !self.gone_files.remove(&path)
                {
                    self.gone_files.insert(path);
                }
            }
            Screen::Image => {}
        }
        self.think();
    }

    /// Thinks everything back.
    pub(super) fn think_back(&mut self) {
        self.findings.gone.clear();
        self.gone_files.clear();
        self.unmark_packages();
        self.think();
    }

    /// Whether a path is thought away, by itself or with a folder around it.
    #[must_use]
    pub fn is_gone(&self, index: &Index, path: PathId) -> bool {
        !self.gone_files.is_empty() && index.lineage(path).any(|above| self.gone_files.contains(&above))
    }

    /// Computes what would be. It is done when a mark changes, not for every frame.
    pub(super) fn think(&mut self) {
        let is_marked =
            !self.findings.gone.is_empty() || !self.packages.marked.is_empty() || !self.gone_files.is_empty();
        self.then = self.image.as_ref().filter(|_| is_marked).map(|image| self.without(image));
    }

    #[allow(clippy::cast_precision_loss)] // A ratio of byte counts below 2^53 is exact enough by far.
    fn without(&self, image: &Explored) -> WhatIf {
        let index = &image.loaded.index;
        let mut gone: HashSet<EntryId> = HashSet::new();
        // What a fix saves beside the files that it names, or of them.
        let (mut shipped, mut hidden) = (0_u64, 0_u64);
        for finding in self.findings.gone.iter().filter_map(|place| image.findings.get(*place)) {
            let whole: u64 = finding.entries.iter().map(|entry| index.entry(*entry).size).sum();
            let more = if finding.reclaimable >= whole {
                gone.extend(&finding.entries);
                finding.reclaimable - whole
            } else {
                finding.reclaimable
            };
            shipped = shipped.saturating_add(more);
            hidden = hidden.saturating_add(if finding.state == State::Live { 0 } else { more });
        }
        if !self.packages.marked.is_empty() {
            for path in (1..u32::try_from(index.paths()).unwrap_or(u32::MAX)).map(PathId::from_place) {
                if image.packages.owner(path).is_some_and(|owner| self.packages.goes(owner)) {
                    gone.extend(index.entries_of(path));
                }
            }
        }
        gone.extend(below(index, &self.gone_files));
        for id in gone {
            let entry = index.entry(id);
            if entry.kind != Kind::File {
                continue;
            }
            for layer in image.loaded.stack.layers_of(entry.slot) {
                shipped = shipped.saturating_add(entry.size);
                let is_visible = image.account.fate(id, *layer) == Fate::Visible;
                hidden = hidden.saturating_add(if is_visible { 0 } else { entry.size });
            }
        }
        let shipped = image.account.total.shipped.saturating_sub(shipped);
        let hidden = image.account.total.hidden().saturating_sub(hidden).min(shipped);
        let score = if shipped == 0 { 1.0 } else { (shipped - hidden) as f64 / shipped as f64 };
        WhatIf { shipped, hidden, score }
    }
}

/// All entries at and below some paths.
fn below(index: &Index, paths: &BTreeSet<PathId>) -> Vec<EntryId> {
    let mut entries = Vec::new();
    let mut waiting: Vec<PathId> = paths.iter().copied().collect();
    while let Some(path) = waiting.pop() {
        entries.extend(index.entries_of(path));
        waiting.extend(index.children(path));
    }
    entries
}
