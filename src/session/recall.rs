//! An image that went by once before: its documents and the keys of its layers, kept together, so that it need not go by
//! again. What cannot be found whole is not recalled at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::assemble::assemble;
use super::crew::in_order;
use super::kept;
use super::load::Options;
use super::reading::{Finished, Lot, Outcome, Reading};
use super::rest::{Opened, Rest};
use super::stream::Passed;
use super::whole::{self, Whole};
use crate::analysis::secrets::Search;
use crate::cache::{Cache, Key};
use crate::error::Result;
use crate::image::{self, Image};
use crate::layer::packed::{number, read_number, read_text, text};
use crate::layer::{LayerError, Summary};

/// How an image that goes by, and its layers, are found again.
#[derive(Debug, Clone)]
pub(super) struct Naming {
    /// The image with everything that chooses its bytes.
    pub image: Key,
    /// What the names of its members are told apart by; `None` where the source vouches for its diff ids.
    pub members: Option<String>,
    /// What is kept of contents.
    pub facts: String,
}

impl Naming {
    /// Whether it tells the bytes of members and not only what is in them: what an engine vouches for may be packed
    /// otherwise the next time.
    pub fn is_of_bytes(&self) -> bool {
        self.members.is_some()
    }

    /// The key of a layer.
    pub fn layer(&self, member: &str, layer: &image::Layer) -> Option<Key> {
        match &self.members {
            Some(place) => Some(Key::place(&format!("{place} {} {member}", self.facts))),
            None => Some(Key::layer(&format!("{} {}", layer.diff_id.as_deref()?, self.facts))),
        }
    }
}

/// Keeps the documents. Every layer must have been read.
pub(super) fn keep(cache: &Cache, naming: &Naming, passed: &Passed, keys: &HashMap<String, Key>) -> Option<()> {
    let mut bytes = Vec::new();
    number(&mut bytes, passed.documents.len() as u64);
    for (name, document) in &passed.documents {
        text(&mut bytes, name.as_bytes());
        text(&mut bytes, document);
    }
    let links = passed.links.all();
    number(&mut bytes, links.len() as u64);
    for (name, target) in links {
        text(&mut bytes, name.as_bytes());
        text(&mut bytes, target.as_bytes());
    }
    number(&mut bytes, passed.slots.len() as u64);
    for (name, outcome) in &passed.slots {
        text(&mut bytes, name.as_bytes());
        text(&mut bytes, keys.get(name).map_or("", Key::text).as_bytes());
        text(&mut bytes, outcome.failed.as_deref().unwrap_or_default().as_bytes());
    }
    let mut draft = cache.begin()?;
    draft.bytes(&bytes).ok()?;
    draft.keep(&naming.image, &Summary::default(), &[]).ok()
}

/// The documents that were kept, and the keys of the layers by the names of their members.
fn documents(bytes: &[u8]) -> Option<(Passed, HashMap<String, Key>)> {
    let (mut passed, mut keys, mut bytes) = (Passed::default(), HashMap::new(), bytes);
    let bytes = &mut bytes;
    let string = |bytes: &mut &[u8]| String::from_utf8(read_text(bytes)?.to_vec()).ok();
    for _ in 0..read_number(bytes)? {
        passed.documents.insert(string(bytes)?, read_text(bytes)?.to_vec());
    }
    for _ in 0..read_number(bytes)? {
        passed.links.insert(string(bytes)?, string(bytes)?);
    }
    for _ in 0..read_number(bytes)? {
        let (name, key, failed) = (string(bytes)?, string(bytes)?, string(bytes)?);
        keys.extend(Key::from_text(&key).map(|key| (name.clone(), key)));
        let failed = Some(failed).filter(|failed| !failed.is_empty());
        passed.slots.insert(name, Outcome { failed, ..Outcome::default() });
    }
    Some((passed, keys))
}

/// The image, if it and all its layers are there.
pub(super) fn recall(naming: &Naming, options: &Options, mut reading: Reading<'_>) -> Option<Result<Opened>> {
    let cache = options.cache.as_ref().filter(|_| !options.verify)?;
    let (passed, keys) = documents(&cache.find(&naming.image)?.bytes()?)?;
    let image: Image = image::resolve(&passed, &options.wanted).ok()?;
    // A layer that the image repeats is one blob.
    let (mut blobs, mut blob_of): (Vec<(&Key, Vec<usize>)>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (place, layer) in image.layers.iter().enumerate() {
        let member = passed.links.follow(&layer.blob);
        let key = keys.get(member).filter(|key| cache.has(key) && kept::has_searched(cache, key, options.search))?;
        let blob = *known.entry(member).or_insert_with(|| {
            blobs.push((key, Vec::new()));
            blobs.len() - 1
        });
        blobs[blob].1.push(place);
        blob_of.push(blob);
    }
    let of_layers = |outcomes: &[Outcome]| {
        let outcome = |(layer, blob): (&image::Layer, &usize)| {
            let member = Some(passed.links.follow(&layer.blob).to_owned());
            let noted = kept::noted(Some(cache), Some(blobs[*blob].0).filter(|_| naming.is_of_bytes()));
            Outcome { member, noted, ..outcomes[*blob].clone() }
        };
        image.layers.iter().zip(&blob_of).map(outcome).collect()
    };
    // What was opened before is taken up as it is.
    let whole_key = whole::key(blobs.iter().map(|(key, _)| Some(Key::clone(key))), options);
    if let Some(Whole { index, gathered, outcomes }) =
        whole_key.as_ref().and_then(|key| whole::find(key, blobs.len(), options))
    {
        let outcomes = of_layers(&outcomes);
        return Some(assemble(image, (index, gathered), outcomes, options, None).map(Opened::from));
    }
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(blobs.len());
    in_order(
        blobs.len(),
        kept::WAITING_LOTS,
        |blob, lots| {
            let gone = || LayerError::Incomplete(std::io::ErrorKind::NotFound.into());
            let key = blobs[blob].0;
            let searched = kept::find_searched(cache, key, options.search);
            let is_searched = searched.is_some() || options.search == Search::Nothing;
            let found = cache.find(key).filter(|_| is_searched).ok_or_else(gone);
            let done = found.and_then(|found| kept::send(&found, searched, lots));
            // Whoever hears nothing has left.
            let _ = lots.send(Lot::End(Box::new(done)));
        },
        |blob, lots| {
            let outcome = reading.arriving(&lots, &blobs[blob].1);
            reading.settle(&blobs[blob].1, &outcome);
            outcomes.push(outcome);
        },
    );
    if outcomes.iter().any(|outcome| outcome.failed.is_some()) {
        return None;
    }
    let Finished { index, gathered, unsettled } = reading.finish(BTreeMap::new(), &mut outcomes);
    let keep = whole::Keep::new(whole_key, &outcomes);
    let outcomes = of_layers(&outcomes);
    let loaded = assemble(image, (index, gathered), outcomes, options, None);
    Some(loaded.map(|loaded| Opened { loaded, rest: Rest { unsettled, keep, ..Rest::default() } }))
}

/// A file that is read as a stream, by what shows that it was not written to since.
pub(super) fn of_file(file: &std::fs::File, options: &Options) -> Option<Naming> {
    let length = file.metadata().ok()?.len();
    let part = crate::source::part::Part::new(Arc::new(file.try_clone().ok()?), 0, length);
    let stamp = part.stamp().ok().filter(|stamp| kept::is_settled(*stamp))?;
    let place = kept::told(stamp);
    let facts = kept::facts();
    let image = Key::image(&format!("{place} {:?} {facts}", options.wanted));
    Some(Naming { image, members: Some(place), facts })
}
