//! An image read where its engine has it.

use std::sync::Arc;

use super::load::Options;
use super::progress::Progress;
use super::rest::Opened;
use super::store::{ContentStore, EngineStore, Store, load};
use crate::error::Error;
use crate::image::Wanted;
use crate::source::engine::{self, EngineFacts};
use crate::source::storage::{self, Found, Refusal};

/// Reads the image where the engine has it. All of it must be as the engine says.
pub(super) fn stored(
    facts: &EngineFacts,
    name: &str,
    sizes: &[u64],
    options: &Options,
    progress: &Arc<Progress>,
) -> Result<Opened, Refusal> {
    let tag = engine::whole_name(name, &facts.tags);
    let tag = facts.tags.iter().any(|known| known == tag).then_some(tag);
    let odd = |error: Error| Refusal::Odd(error.one_line());
    let opened = match storage::find(&facts.driver, &facts.id, &facts.diff_ids)? {
        Found::Layers(_) if options.verify => {
            return Err(Refusal::Closed(
                "its layers lie apart in it, and --verify needs their bytes as they were".into(),
            ));
        }
        Found::Layers(found) => {
            let store = EngineStore::new(found, facts, tag, sizes.to_vec());
            load(&Store::Engine(store), options, progress).map_err(odd)?
        }
        Found::Blobs(content) => {
            let store = Store::Content(ContentStore::new(content, tag));
            // The engine chose one of several platforms, and nothing else has these names.
            let wanted = Wanted { platform: Some(facts.platform()), image: None };
            load(&store, &Options { wanted, ..options.clone() }, progress).map_err(odd)?
        }
    };
    let loaded = &opened.loaded;
    if loaded.image.config.diff_ids != facts.diff_ids {
        return Err(Refusal::Odd("its image has other layers than the engine says".into()));
    }
    match loaded.image.mismatch.clone().or_else(|| loaded.layers.iter().find_map(|layer| layer.failed.clone())) {
        Some(why) => Err(Refusal::Odd(why)),
        None => Ok(opened),
    }
}

#[cfg(test)]
mod tests;
