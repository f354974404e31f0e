//! An image that goes by once. Blobs usually come before the manifest that orders them, so every blob that is a tar
//! goes into a slot as it passes, and the manifest decides afterwards which slots are layers.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use super::assemble::assemble;
use super::blob::refusal;
use super::load::Options;
use super::reading::{Finished, Outcome, Reading};
use super::recall::{self, Naming};
use super::rest::{Opened, Rest};
use super::store::{missing, too_large};
use super::whole;
use crate::error::{Error, Result};
use crate::image::{self, Documents, MOST_JSON_BYTES};
use crate::layer::decode::{self, Kind};
use crate::source::archive::{Links, Passing, pass};

/// JSON kept from one stream in all, in bytes. A manifest list with attestations stays below a tenth of it.
const MOST_JSON_IN_ALL: u64 = 2 * MOST_JSON_BYTES;

/// What passed by.
#[derive(Default)]
pub(super) struct Passed {
    pub documents: HashMap<String, Vec<u8>>,
    /// Documents that were not kept, with their size.
    dropped: HashMap<String, u64>,
    /// What each member is as a layer: read, or refused with the reason.
    pub slots: HashMap<String, Outcome>,
    pub links: Links,
    kept: u64,
}

impl Documents for Passed {
    fn document(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let name = self.links.follow(name);
        if let Some(size) = self.dropped.get(name) {
            return Err(too_large(name, *size));
        }
        Ok(self.documents.get(name).cloned())
    }

    fn has(&self, name: &str) -> bool {
        let name = self.links.follow(name);
        self.slots.contains_key(name)
    }
}

/// Reads the image from an uncompressed archive.
pub(super) fn load(
    stream: impl Read,
    options: &Options,
    mut reading: Reading<'_>,
    naming: Option<&Naming>,
) -> Result<Opened> {
    if naming.is_some() {
        reading.copy_layers();
    }
    let mut passed = Passed::default();
    let whole = pass(stream, |name, passing| {
        match passing {
            Passing::Link(target) => passed.links.insert(name.to_owned(), target),
            Passing::File(bytes, size) => passed.file(name, bytes, size, &mut reading)?,
        }
        Ok(())
    });
    // An archive that breaks off is still worth what it held, if its manifest came by.
    let (image, broken) = match (image::resolve(&passed, &options.wanted), whole) {
        (Ok(image), whole) => (image, whole.err()),
        (Err(_), Err(broken)) => return Err(broken),
        (Err(error), Ok(())) => return Err(error),
    };
    let mut outcomes: Vec<_> = image.layers.iter().map(|layer| passed.layer(layer, broken.as_ref())).collect();
    let mut keep = None;
    if let (Some(naming), Some(cache), None) = (naming, &options.cache, &broken) {
        let (mut keys, mut blobs) = (HashMap::new(), Vec::new());
        let whole = |(_, outcome): &(&image::Layer, &mut Outcome)| outcome.failed.is_none();
        for (layer, outcome) in image.layers.iter().zip(&mut outcomes).filter(whole) {
            let member = passed.links.follow(&layer.blob);
            if let Some(key) = naming.layer(member, layer) {
                reading.keep(outcome, &key);
                if naming.is_of_bytes() {
                    outcome.noted = std::mem::take(&mut outcome.noted).keep(cache, &key);
                }
                if keys.insert(member.to_owned(), key.clone()).is_none() {
                    blobs.push((key, outcome.clone()));
                }
            }
        }
        let is_whole = passed.dropped.is_empty() && outcomes.iter().all(|outcome| outcome.failed.is_none());
        if is_whole {
            // What cannot be kept is read again.
            let _ = recall::keep(cache, naming, &passed, &keys);
            // Where layers came in their order, the index is the one that another reading of them makes.
            let (keys, outcomes): (Vec<_>, Vec<_>) =
                blobs.into_iter().map(|(key, outcome)| (Some(key), outcome)).unzip();
            keep = whole::Keep::new(whole::key(keys, options), &outcomes);
        }
    }
    let Finished { index, gathered, unsettled } = reading.finish(BTreeMap::new(), &mut outcomes);
    let broken = broken.map(|broken| broken.one_line());
    let loaded = assemble(image, (index, gathered), outcomes, options, broken)?;
    Ok(Opened { loaded, rest: Rest { unsettled, keep, ..Rest::default() } })
}

impl Passed {
    fn file(&mut self, name: &str, bytes: &mut dyn Read, size: u64, reading: &mut Reading<'_>) -> Result<()> {
        let sniffed = decode::peek(bytes)
            .map_err(|error| Error::image(format!("cannot read '{name}' in the archive")).caused_by(&error))?;
        // What can be no layer is remembered with its reason: the manifest may call it one. What can be no document
        // is remembered by its beginning, which is enough to say so.
        let outcome = match refusal(sniffed.kind, &sniffed.head) {
            Some(reason) if sniffed.kind == Kind::Json => {
                self.keep(name, sniffed.whole())?;
                Outcome { failed: Some(reason.to_string()), ..Outcome::default() }
            }
            Some(reason) => {
                self.documents.insert(name.to_owned(), sniffed.head);
                Outcome { failed: Some(reason.to_string()), ..Outcome::default() }
            }
            None => {
                self.documents.insert(name.to_owned(), sniffed.head.clone());
                let layers = reading.layers_called(name);
                reading.layer(sniffed.whole(), size, layers)
            }
        };
        self.slots.insert(name.to_owned(), outcome);
        Ok(())
    }

    fn keep(&mut self, name: &str, mut bytes: impl Read) -> Result<()> {
        let mut document = Vec::new();
        let most = MOST_JSON_BYTES.min(MOST_JSON_IN_ALL - self.kept);
        let read = bytes.by_ref().take(most + 1).read_to_end(&mut document);
        read.map_err(|error| Error::image(format!("cannot read '{name}' in the archive")).caused_by(&error))?;
        let size = document.len() as u64;
        if size > most {
            self.dropped.insert(name.to_owned(), size);
        } else {
            self.kept += size;
            self.documents.insert(name.to_owned(), document);
        }
        Ok(())
    }

    fn layer(&self, layer: &image::Layer, broken: Option<&Error>) -> Outcome {
        let name = self.links.follow(&layer.blob);
        if let Some(outcome) = self.slots.get(name) {
            return Outcome { member: Some(name.to_owned()), ..outcome.clone() };
        }
        let failed = missing(layer);
        let why = broken.map_or_else(String::new, |broken| format!(" ({})", broken.one_line()));
        Outcome { failed: Some(failed + &why), ..Outcome::default() }
    }
}
