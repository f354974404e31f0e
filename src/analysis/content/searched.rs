//! What a search for secrets in the texts of a layer came to. It is kept apart from everything else that is known of
//! contents: it takes longest, so it may come later, and be searched for otherwise another time.

use serde::{Deserialize, Serialize};

use super::Missed;
use crate::analysis::secrets::Hit;
use crate::index::{EntryId, Index, SlotId};

/// Files of one layer whose secrets are kept. An image is told to have a tenth of it.
pub(super) const MOST_FILES: usize = 20_000;

/// Secrets that were found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The file's path without leading slash.
    pub path: Vec<u8>,
    /// Its size in bytes, which tells it from another file of the same path in the same layer.
    pub size: u64,
    /// What is in it.
    pub hits: Vec<Hit>,
}

/// What was found in one layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// The files that have secrets, in the order of the layer.
    pub secrets: Vec<Secret>,
    /// What was not searched.
    pub missed: Missed,
}

impl Searched {
    /// The secrets by the entries that have them. What an index has no entry for, it does not have.
    pub(super) fn by_entry(self, index: &Index, slot: SlotId) -> Vec<(EntryId, Vec<Hit>)> {
        let entry = |secret: &Secret| {
            let path = index.find(&secret.path)?;
            index.entries_of(path).find(|id| {
                let entry = index.entry(*id);
                entry.slot == slot && entry.size == secret.size
            })
        };
        self.secrets.into_iter().filter_map(|secret| Some((entry(&secret)?, secret.hits))).collect()
    }
}
