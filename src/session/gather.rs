//! Hands contents to the inspector while a layer is read. Knows what a tap is and nothing of what is looked for.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use globset::GlobSet;

use crate::analysis::content::{Fact, Inspector, Looked};
use crate::analysis::secrets::{Scanner, Search};
use crate::layer::LayerError;
use crate::layer::tap::{Feed, Tap, Want, spell};

/// Those who look into contents, one for each thread that reads: making one takes longer than reading a small layer.
pub(super) struct Inspectors {
    search: Search,
    only_search: bool,
    /// Files that are kept beside those that every analysis needs.
    looked_into: GlobSet,
    idle: Mutex<Vec<Inspector>>,
}

impl Inspectors {
    pub fn new(search: Search, looked_into: GlobSet) -> Self {
        Self { search, only_search: false, looked_into, idle: Mutex::default() }
    }

    /// Those who look for secrets and for nothing else.
    pub fn of_secrets(search: Search) -> Self {
        Self { only_search: true, ..Self::new(search, GlobSet::empty()) }
    }

    pub fn lend(&self) -> Inspector {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| match Scanner::of(self.search) {
            scanner if self.only_search => Inspector::of_secrets(scanner),
            scanner => Inspector::new(scanner, self.looked_into.clone()),
        })
    }

    /// Takes one back; returns what came of its layer beside facts.
    pub fn take_back(&self, mut inspector: Inspector) -> Looked {
        let looked = inspector.looked();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(inspector);
        looked
    }
}

/// A tap for one layer.
pub(super) struct Gather<'g> {
    inspector: &'g mut Inspector,
    /// What was found in the file that just passed. Its entry comes next and takes it.
    found: &'g Cell<Option<Fact>>,
    path: Vec<u8>,
    /// Where the headers of the entry that comes next begin.
    begins: &'g Cell<u64>,
}

impl<'g> Gather<'g> {
    pub fn new(inspector: &'g mut Inspector, found: &'g Cell<Option<Fact>>, begins: &'g Cell<u64>) -> Self {
        Self { inspector, found, path: Vec::new(), begins }
    }
}

impl Feed for Gather<'_> {
    fn part(&mut self, bytes: &[u8]) -> Result<(), LayerError> {
        self.inspector.part(bytes);
        Ok(())
    }

    fn hole(&mut self, bytes: u64) -> Result<(), LayerError> {
        self.inspector.hole(bytes);
        Ok(())
    }
}

impl Tap for Gather<'_> {
    fn begins(&mut self, at: u64) {
        self.begins.set(at);
    }

    fn wants(&mut self, path: &[u8], size: u64, mode: u16) -> Result<Want, LayerError> {
        spell(path, &mut self.path);
        Ok(if self.inspector.begin(&self.path, size, mode) { Want::Contents } else { Want::Hash })
    }

    fn complete(&mut self, _: Option<u128>) -> Result<(), LayerError> {
        self.found.set(self.inspector.end());
        Ok(())
    }

    fn is_sated(&self) -> bool {
        self.inspector.is_sated()
    }

    fn has_enough(&self) -> bool {
        false
    }
}
