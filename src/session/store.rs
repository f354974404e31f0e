//! An image whose pieces can be opened by name: the documents first, then just the layers that it has.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crossbeam_channel::Sender;
use serde_json::json;

use super::assemble::assemble;
use super::blob::{Digests, Done};
use super::crew::in_order;
use super::gather::{Gather, Inspectors};
use super::kept::{self, Copying};
use super::load::Options;
use super::place::Place;
use super::progress::{Counting, Progress};
use super::reading::{Finished, Lot, Outcome, Reading};
use super::rest::{Opened, Rest};
use super::whole::{self, Whole};
use crate::error::{Error, Result};
use crate::image::{self, Documents, MOST_JSON_BYTES};
use crate::layer::LayerError;
use crate::source::archive::ArchiveFile;
use crate::source::engine::EngineFacts;
use crate::source::layout::Layout;
use crate::source::part::Part;
use crate::source::storage::{Content, Lies, Stored, StoredLayer};

/// Where the pieces are.
pub enum Store {
    Archive(ArchiveFile),
    Layout(Layout),
    Engine(EngineStore),
    Content(ContentStore),
}

/// An image in an engine's own store, with the documents that an export of it would have.
pub struct EngineStore {
    documents: HashMap<String, Vec<u8>>,
    layers: HashMap<String, StoredLayer>,
    /// Bytes of each layer, as the engine says.
    sizes: Vec<u64>,
}

impl EngineStore {
    /// `tag` is the name that the image is read by, where it is one.
    pub(super) fn new(stored: Stored, facts: &EngineFacts, tag: Option<&str>, sizes: Vec<u64>) -> Self {
        // Docker names blobs by their digest since it is 25; before, by ids of an old kind that nobody needs.
        let name = |diff_id: &String| {
            let digits = diff_id.trim_start_matches("sha256:");
            if facts.is_old_docker() { format!("{digits}/layer.tar") } else { format!("blobs/sha256/{digits}") }
        };
        let names: Vec<String> = facts.diff_ids.iter().map(name).collect();
        let config = format!("{}.json", facts.id.trim_start_matches("sha256:"));
        let tags: Vec<&str> = tag.into_iter().collect();
        let manifest = json!([{ "Config": config, "RepoTags": tags, "Layers": names }]);
        let documents =
            HashMap::from([("manifest.json".to_owned(), manifest.to_string().into_bytes()), (config, stored.config)]);
        Self { documents, layers: names.into_iter().zip(stored.layers).collect(), sizes }
    }
}

/// An image in a content store, with the index that an export of it would have.
pub struct ContentStore {
    index: Vec<u8>,
    content: Content,
}

impl ContentStore {
    /// `tag` is the name that the image is read by, where it is one.
    pub(super) fn new(content: Content, tag: Option<&str>) -> Self {
        let names = tag.map_or_else(|| json!({}), |tag| json!({ "io.containerd.image.name": tag }));
        let index = json!({ "manifests": [{ "digest": content.target, "annotations": names }] });
        Self { index: index.to_string().into_bytes(), content }
    }

    fn member(&self, name: &str) -> Result<Option<Part>> {
        let unreadable = |error| Error::image(format!("cannot read '{name}' in the engine's store")).caused_by(&error);
        self.content.blob(name).map_err(unreadable)
    }
}

impl Store {
    /// Where a layer lies.
    fn place(&self, name: &str, progress: &Arc<Progress>, own: &Arc<AtomicU64>) -> Result<Option<Place>> {
        if let Self::Engine(store) = self {
            return Ok(store.layers.get(name).cloned().map(Place::Store));
        }
        let part = self.member(name)?;
        Ok(part.map(|part| Place::File(Counting::new(part, progress).for_layer(own))))
    }

    pub(super) fn member(&self, name: &str) -> Result<Option<Part>> {
        match self {
            Self::Archive(archive) => Ok(archive.member(name)),
            Self::Layout(layout) => layout.member(name),
            Self::Content(store) => store.member(name),
            Self::Engine(_) => Ok(None),
        }
    }

    /// Where a layer lies in an engine's store, if this is one.
    fn stored(&self, place: &Place) -> Option<Lies> {
        match (self, place) {
            (Self::Content(_), Place::File(part)) => Some(Lies::Blob(part.inner().clone())),
            (_, Place::File(_)) => None,
            (_, Place::Store(layer)) => Some(Lies::Apart(layer.clone())),
        }
    }

    fn broken(&self) -> Option<&str> {
        match self {
            Self::Archive(archive) => archive.broken(),
            Self::Layout(_) | Self::Engine(_) | Self::Content(_) => None,
        }
    }
}

impl Documents for Store {
    fn document(&self, name: &str) -> Result<Option<Vec<u8>>> {
        if let Self::Engine(store) = self {
            return Ok(store.documents.get(name).cloned());
        }
        if let (Self::Content(store), "index.json") = (self, name) {
            return Ok(Some(store.index.clone()));
        }
        let Some(member) = self.member(name)? else { return Ok(None) };
        if member.length() > MOST_JSON_BYTES {
            return Err(too_large(name, member.length()));
        }
        let mut bytes = Vec::new();
        let read = member.take(MOST_JSON_BYTES).read_to_end(&mut bytes);
        read.map_err(|error| Error::image(format!("cannot read '{name}'")).caused_by(&error))?;
        Ok(Some(bytes))
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Archive(archive) => archive.has(name),
            Self::Layout(layout) => layout.has(name),
            Self::Engine(store) => store.documents.contains_key(name) || store.layers.contains_key(name),
            Self::Content(store) => matches!(store.member(name), Ok(Some(_))),
        }
    }
}

pub(super) fn too_large(name: &str, size: u64) -> Error {
    Error::image(format!("'{name}' is too large for a JSON document"))
        .because(format!("it has {size} bytes; the limit is {MOST_JSON_BYTES}"))
        .hint("no real image needs this; the archive is damaged or hostile")
}

/// Reads the image.
pub fn load(store: &Store, options: &Options, progress: &Arc<Progress>) -> Result<Opened> {
    let image = image::resolve(store, &options.wanted).map_err(|error| match store.broken() {
        Some(why) => Error::image("the archive is cut off or damaged")
            .because(why)
            .because(error.one_line())
            .hint("save the image again"),
        None => error,
    })?;
    let mut sizes = Vec::with_capacity(image.layers.len());
    if let Store::Engine(store) = store {
        sizes.clone_from(&store.sizes);
    } else {
        for layer in &image.layers {
            sizes.push(store.member(&layer.blob)?.map_or(0, |member| member.length()));
        }
    }
    progress.expect(sizes.iter().sum(), image.layers.len());
    let mut reading = Reading::new(options, progress);
    reading.outline(&image, &sizes);
    if progress.is_watched() && !options.verify {
        reading.search_later();
    }
    // A layer that the image repeats is read once.
    let mut known: HashMap<&str, usize> = HashMap::new();
    let (mut blobs, mut blob_of): (Vec<(&image::Layer, Vec<usize>)>, _) = (Vec::new(), Vec::new());
    for (place, layer) in image.layers.iter().enumerate() {
        let blob = *known.entry(&layer.blob).or_insert_with(|| {
            blobs.push((layer, Vec::new()));
            blobs.len() - 1
        });
        blobs[blob].1.push(place);
        blob_of.push(blob);
    }
    let inspectors = reading.inspectors();
    let digests = Digests { blob: options.verify, tar: options.verify };
    let (mut outcomes, mut places) = (Vec::with_capacity(blobs.len()), BTreeMap::new());
    let open = |blob: usize, own: &Arc<AtomicU64>| -> Result<Place, String> {
        let layer: &image::Layer = blobs[blob].0;
        match store.place(&layer.blob, progress, own) {
            Ok(Some(place)) => Ok(place),
            Ok(None) => Err(missing(layer)),
            Err(error) => Err(error.one_line()),
        }
    };
    // What was opened before is taken up as it is.
    let place = |blob: usize| open(blob, &Arc::default()).ok();
    let key = whole::key((0..blobs.len()).map(|blob| place(blob)?.key()), options);
    if let Some(Whole { index, gathered, outcomes }) =
        key.as_ref().and_then(|key| whole::find(key, blobs.len(), options))
    {
        let lies = |blob: &usize| {
            let (place, outcome) = (place(*blob), outcomes[*blob].clone());
            let place = place.as_ref();
            let stored = place.and_then(|place| store.stored(place));
            let noted = kept::noted(options.cache.as_ref(), place.and_then(Place::key).as_ref());
            Outcome { stamp: place.and_then(Place::stamp), stored, noted, ..outcome }
        };
        let outcomes = blob_of.iter().map(lies).collect();
        let broken = store.broken().map(str::to_owned);
        return assemble(image, (index, gathered), outcomes, options, broken).map(Opened::from);
    }
    in_order(
        blobs.len(),
        kept::WAITING_LOTS,
        |blob, lots| {
            let own = Arc::default();
            let opened = open(blob, &own);
            // Whoever hears nothing has left, and so does this.
            let Ok(()) = lots.send(Lot::Begin(own, opened.clone())) else { return };
            let Ok(place) = opened else { return };
            let _ = lots.send(Lot::End(Box::new(read_or_find(&place, digests, options, &inspectors, lots))));
        },
        |blob, lots| {
            let layers = &blobs[blob].1;
            let mut outcome = Outcome::default();
            match lots.recv() {
                Ok(Lot::Begin(own, Ok(place))) => {
                    progress.begin_layer(layers.first().copied(), place.length(), Some(&own));
                    let (stamp, stored) = (place.stamp(), store.stored(&place));
                    outcome = Outcome { stamp, stored, ..reading.arriving(&lots, layers) };
                    places.extend(outcome.slot.map(|slot| (slot, place.uncounted())));
                }
                Ok(Lot::Begin(_, Err(why))) => outcome.failed = Some(why),
                Ok(_) | Err(_) => outcome.failed = Some("its reader ended".into()),
            }
            reading.settle(layers, &outcome);
            outcomes.push(outcome);
        },
    );
    let mut unsearched = places.clone();
    let Finished { index, gathered, unsettled } = reading.finish(places, &mut outcomes);
    let keep = whole::Keep::new(key, &outcomes);
    let outcomes = blob_of.into_iter().map(|blob| outcomes[blob].clone()).collect();
    drop(known);
    drop(blobs);
    let loaded = assemble(image, (index, gathered), outcomes, options, store.broken().map(str::to_owned))?;
    unsearched.retain(|slot, _| loaded.gathered.is_unsearched(*slot) && !loaded.stack.layers_of(*slot).is_empty());
    Ok(Opened { loaded, rest: Rest { unsettled, unsearched: unsearched.into_iter().collect(), keep } })
}

/// Sends the packed entries of a blob: as they were kept, or as they are read.
fn read_or_find(
    place: &Place,
    digests: Digests,
    options: &Options,
    inspectors: &Inspectors,
    lots: &Sender<Lot>,
) -> Result<Done, LayerError> {
    let cache = options.cache.as_ref().filter(|_| !options.verify);
    let key = cache.and_then(|_| place.key());
    if let Some((found, key)) = cache.zip(key.as_ref()).and_then(|(cache, key)| Some((cache.find(key)?, key))) {
        lots.send(Lot::Found(key.clone())).map_err(|_gone| LayerError::Enough)?;
        place.count();
        let searched = cache.and_then(|cache| kept::find_searched(cache, key, options.search));
        let noted = kept::noted(cache, Some(key));
        return Ok(Done { noted, ..kept::send(&found, searched, lots)? });
    }
    let (mut inspector, found, begins) = (inspectors.lend(), Cell::new(None), Cell::new(0));
    let mut gather = Gather::new(&mut inspector, &found, &begins);
    let mut copying = Copying::begin(cache.filter(|_| key.is_some())).sending_to(lots);
    let done = place.read(digests, &options.limits, &mut gather, |entry| {
        copying.push(entry, found.take(), begins.get());
        if copying.is_heard() { Ok(()) } else { Err(LayerError::Enough) }
    });
    let looked = inspectors.take_back(inspector);
    copying.end(looked.missed);
    let mut done = Done { looked, ..done? };
    if let Some((cache, key)) = cache.zip(key.as_ref()) {
        done.noted = done.noted.keep(cache, key);
    }
    if let Some(keep) = key.and_then(|key| copying.finish(key, &done.summary, true)) {
        lots.send(Lot::Keep(Box::new(keep))).map_err(|_gone| LayerError::Enough)?;
    }
    Ok(done)
}

/// Why a layer's blob may not be there.
pub(super) fn missing(layer: &image::Layer) -> String {
    let foreign =
        layer.media_type.as_deref().is_some_and(|kind| kind.contains("foreign") || kind.contains("nondistributable"));
    if foreign {
        return "it is a foreign layer, which is not part of the image but fetched from elsewhere".into();
    }
    format!("its blob '{}' is missing from the archive", layer.blob)
}
