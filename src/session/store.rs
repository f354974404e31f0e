//! An image whose pieces can be opened by name: the documents first, then just the layers that it has.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use super::load::{Loaded, Options, assemble};
use super::progress::{Counting, Progress};
use super::reading::{Outcome, Reading};
use crate::error::{Error, Result};
use crate::image::{self, Documents, MOST_JSON_BYTES};
use crate::source::Member;
use crate::source::archive::ArchiveFile;
use crate::source::layout::Layout;

/// Where the pieces are.
pub enum Store {
    Archive(ArchiveFile),
    Layout(Layout),
}

impl Store {
    pub(super) fn member(&self, name: &str) -> Result<Option<Member>> {
        match self {
            Self::Archive(archive) => Ok(archive.member(name)),
            Self::Layout(layout) => layout.member(name),
        }
    }

    fn broken(&self) -> Option<&str> {
        match self {
            Self::Archive(archive) => archive.broken(),
            Self::Layout(_) => None,
        }
    }
}

impl Documents for Store {
    fn document(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(member) = self.member(name)? else { return Ok(None) };
        if member.size > MOST_JSON_BYTES {
            return Err(too_large(name, member.size));
        }
        let mut bytes = Vec::new();
        let read = member.bytes.take(MOST_JSON_BYTES).read_to_end(&mut bytes);
        read.map_err(|error| Error::image(format!("cannot read '{name}'")).caused_by(&error))?;
        Ok(Some(bytes))
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Archive(archive) => archive.has(name),
            Self::Layout(layout) => layout.has(name),
        }
    }
}

pub(super) fn too_large(name: &str, size: u64) -> Error {
    Error::image(format!("'{name}' is too large for a JSON document"))
        .because(format!("it has {size} bytes; the limit is {MOST_JSON_BYTES}"))
        .hint("no real image needs this; the archive is damaged or hostile")
}

/// Reads the image.
pub fn load(store: &Store, options: &Options, progress: &Arc<Progress>) -> Result<Loaded> {
    let image = image::resolve(store, &options.wanted).map_err(|error| match store.broken() {
        Some(why) => Error::image("the archive is cut off or damaged")
            .because(why)
            .because(error.one_line())
            .hint("save the image again"),
        None => error,
    })?;
    let mut sizes = Vec::with_capacity(image.layers.len());
    for layer in &image.layers {
        sizes.push(store.member(&layer.blob)?.map_or(0, |member| member.size));
    }
    progress.expect(sizes.iter().sum(), image.layers.len());
    let mut reading = Reading::new(options, progress);
    reading.outline(&image, &sizes);
    let mut known: HashMap<&str, Outcome> = HashMap::new();
    let mut outcomes = Vec::with_capacity(image.layers.len());
    for (place, layer) in image.layers.iter().enumerate() {
        // A layer that the image repeats is read once.
        let outcome = match known.get(layer.blob.as_str()) {
            Some(outcome) => outcome.clone(),
            None => match store.member(&layer.blob) {
                Ok(Some(member)) => reading.layer(Counting::new(member.bytes, progress), member.size, vec![place]),
                Ok(None) => Outcome { failed: Some(missing(layer)), ..Outcome::default() },
                Err(error) => Outcome { failed: Some(error.one_line()), ..Outcome::default() },
            },
        };
        reading.settle(&[place], &outcome);
        known.insert(&layer.blob, outcome.clone());
        outcomes.push(outcome);
    }
    drop(known);
    assemble(image, reading.finish(), outcomes, options, store.broken().map(str::to_owned))
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
