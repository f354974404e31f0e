//! The search for secrets in layers that were read without it: because whoever watches is to see numbers first, or
//! because entries were kept and secrets were not. Layers are read once more, from header to header, and only texts are
//! looked into.

use std::cell::Cell;

use super::blob::Digests;
use super::crew::in_order;
use super::gather::{Gather, Inspectors};
use super::kept;
use super::load::{Loaded, Options};
use super::place::Place;
use super::progress::Progress;
use crate::analysis::content::Searched;
use crate::index::SlotId;
use crate::layer::LayerError;

/// Searches slots where they lie, and takes down what cannot be searched.
pub(super) fn search(loaded: &mut Loaded, unsearched: &[(SlotId, Place)], options: &Options, progress: &Progress) {
    let entries = unsearched.iter().map(|(slot, _)| loaded.index.slot(*slot).entries).sum();
    progress.begin_search(entries);
    let inspectors = Inspectors::of_secrets(options.search);
    in_order(
        unsearched.len(),
        // Each sends one, and all of these may wait.
        unsearched.len() * 2,
        |job, results| {
            // Whoever hears nothing has left.
            let _ = results.send(search_layer(&unsearched[job].1, options, &inspectors, progress));
        },
        |job, results| {
            let (slot, place) = &unsearched[job];
            match results.recv() {
                Ok(Ok(searched)) => {
                    keep(place, options, &searched);
                    loaded.gathered.take_searched(&loaded.index, *slot, searched);
                }
                Ok(Err(error)) => loaded.notes.extend(note(loaded, *slot, &error.to_string())),
                Err(_) => loaded.notes.extend(note(loaded, *slot, "its reader ended")),
            }
        },
    );
    loaded.is_unsearched = false;
}

fn search_layer(
    place: &Place,
    options: &Options,
    inspectors: &Inspectors,
    progress: &Progress,
) -> Result<Searched, LayerError> {
    let (mut inspector, found, begins) = (inspectors.lend(), Cell::new(None), Cell::new(0));
    let mut gather = Gather::new(&mut inspector, &found, &begins);
    let read = place.read(Digests::NONE, &options.limits, &mut gather, |_| {
        progress.searched_one();
        Ok(())
    });
    let looked = inspectors.take_back(inspector);
    read.map(|_| looked.searched.unwrap_or_default())
}

fn keep(place: &Place, options: &Options, searched: &Searched) {
    if let Some((cache, key)) = options.cache.as_ref().zip(place.key()).filter(|(cache, key)| cache.has(key)) {
        // What cannot be kept is searched again.
        let _ = kept::keep_searched(cache, &key, options.search, searched);
    }
}

/// Why a layer was not searched.
fn note(loaded: &Loaded, slot: SlotId, why: &str) -> Option<String> {
    let layer = loaded.stack.layers_of(slot).first()?;
    Some(format!("layer {layer} was not searched for secrets: {why}"))
}
