//! What is still to be done to an image of which all layers are read, in this order: contents are compared, texts
//! searched for secrets, and what took long is kept. Whoever watches sees its numbers before, and what is still unknown.

use std::collections::BTreeMap;

use super::candidates::{Hashed, hash};
use super::kept::Keeping;
use super::load::{Loaded, Options};
use super::place::Place;
use super::progress::Progress;
use super::search::search;
use super::whole;
use crate::cache::Cache;
use crate::index::{Index, SlotId};

/// An image, read.
pub(super) struct Opened {
    pub loaded: Loaded,
    pub rest: Rest,
}

/// What is still to be done to it.
#[derive(Default)]
pub(super) struct Rest {
    /// Contents of which an answer depends on some.
    pub unsettled: Option<Unsettled>,
    /// Slots that are to be searched for secrets, with where they lie.
    pub unsearched: Vec<(SlotId, Place)>,
    /// What is to be kept of it as one piece.
    pub keep: Option<whole::Keep>,
}

/// Contents that nobody read yet, and what waits for them.
pub(super) struct Unsettled {
    /// Where the slots lie.
    pub places: BTreeMap<SlotId, Place>,
    /// What the cache gets once they are known.
    pub keeping: Keeping,
}

impl Unsettled {
    /// Reads what an answer depends on. Returns the slots that cannot be read any more, with the reason.
    pub fn settle(self, index: &mut Index, cache: Option<&Cache>, progress: &Progress) -> Vec<(SlotId, String)> {
        let Hashed { found, failed } = hash(index, &self.places, self.keeping.slots(), progress);
        if let Some(cache) = cache {
            self.keeping.finish(cache, &found);
        }
        failed
    }
}

impl From<Loaded> for Opened {
    fn from(loaded: Loaded) -> Self {
        Self { loaded, rest: Rest::default() }
    }
}

impl Opened {
    /// Does it all.
    pub fn finish(self, options: &Options, progress: &Progress) -> Loaded {
        let Self { mut loaded, rest: Rest { unsettled, unsearched, keep } } = self;
        loaded.is_unsearched = !unsearched.is_empty();
        // What follows would take the cores of whoever counts.
        if unsettled.is_some() {
            progress.present(Loaded { index: loaded.index.without_contents(), ..loaded.clone() }).wait();
        } else if loaded.is_unsearched {
            progress.present(loaded.clone()).wait();
        }
        if let Some(unsettled) = unsettled {
            for (slot, why) in unsettled.settle(&mut loaded.index, options.cache.as_ref(), progress) {
                loaded.lose(slot, &why);
            }
            if options.method.is_none() && loaded.lost_in_store().is_some() {
                // It is read from elsewhere now.
                return loaded;
            }
            if loaded.is_unsearched {
                progress.present(loaded.clone());
            }
        }
        search(&mut loaded, &unsearched, options, progress);
        if let (Some(cache), Some(keep)) = (&options.cache, &keep) {
            // What cannot be kept is built again.
            let _ = whole::keep(cache, keep, &loaded.index, &loaded.gathered);
        }
        loaded
    }
}
