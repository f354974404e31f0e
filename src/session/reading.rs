//! One reading of an image: the index that it fills, and what of it can be shown while it goes on.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::gather::Gather;
use super::load::{Arrival, Loaded, LoadedLayer, Options};
use super::progress::Progress;
use crate::analysis::content::{Gathered, Inspector, SlotFacts};
use crate::analysis::secrets::Scanner;
use crate::image::{self, Config, Image};
use crate::index::{Builder, Index, SlotId, Stack};
use crate::layer::decode::{self, Kind};
use crate::layer::{self, LayerError};
use crate::platform::Platform;
use crate::units::{self, hex};

/// Entries between two looks at whether somebody wants to see what is there.
const LOOK: u32 = 512;

/// What came of reading one blob.
#[derive(Debug, Clone, Default)]
pub(super) struct Outcome {
    pub slot: Option<SlotId>,
    pub failed: Option<String>,
    pub notes: Vec<String>,
    /// Digest of the stored blob and of its tar, when they are to be verified.
    pub digests: Option<(String, String)>,
    /// Name of the blob in the source, where links lead to it.
    pub member: Option<String>,
}

/// What is known of an image before and while its layers are read.
struct Outline {
    image: Image,
    layers: Vec<LoadedLayer>,
    slots: Vec<Option<SlotId>>,
    /// Nobody has said yet what image this is: what comes by stands for its layers, in the order in which it comes.
    is_guessed: bool,
}

/// Reads blobs into an index, and lets others look at it meanwhile.
pub(super) struct Reading<'r> {
    builder: Builder,
    inspector: Inspector,
    /// What is known of contents, by slot.
    facts: Vec<SlotFacts>,
    options: &'r Options,
    progress: &'r Arc<Progress>,
    outline: Option<Outline>,
}

impl<'r> Reading<'r> {
    /// Nothing is read yet.
    pub fn new(options: &'r Options, progress: &'r Arc<Progress>) -> Self {
        let scanner = (!options.no_scan).then(Scanner::new);
        Self {
            builder: Builder::new(options.limits.clone()),
            inspector: Inspector::new(scanner, options.looked_into.clone()),
            facts: Vec::new(),
            options,
            progress,
            outline: None,
        }
    }

    /// Says what image this is, before its layers are read: `sizes` has the bytes of each as far as they are known.
    pub fn outline(&mut self, image: &Image, sizes: &[u64]) {
        if !self.progress.is_watched() {
            return;
        }
        let expected = |layer: usize| sizes.get(layer).copied().unwrap_or(0);
        let layers = (0..image.layers.len())
            .map(|layer| LoadedLayer { arrival: Arrival::Waiting, expected: expected(layer), ..LoadedLayer::default() })
            .collect();
        let slots = vec![None; image.layers.len()];
        self.outline = Some(Outline { image: image.clone(), layers, slots, is_guessed: false });
        self.show(&[]);
    }

    /// The layers that a blob of this name is, as far as the name tells. Where nobody has said what image this is, the
    /// blob stands for one of its layers until the manifest comes.
    pub fn layers_called(&mut self, name: &str) -> Vec<usize> {
        let digest = image::digest_from_name(name);
        if let Some(outline) = self.outline.as_ref().filter(|outline| !outline.is_guessed) {
            return digest.map_or_else(Vec::new, |diff_id| outline.layers_with(&diff_id));
        }
        if !self.progress.is_watched() {
            return Vec::new();
        }
        let outline = self.outline.get_or_insert_with(Outline::guessed);
        outline.image.layers.push(image::Layer { digest, blob: name.to_owned(), ..image::Layer::default() });
        outline.layers.push(LoadedLayer::default());
        outline.slots.push(None);
        vec![outline.slots.len() - 1]
    }

    /// Reads a blob of so many bytes as the next slot. `layers` says which layers it is, as far as that is known.
    pub fn layer(&mut self, blob: impl Read, size: u64, mut layers: Vec<usize>) -> Outcome {
        self.progress.begin_layer(layers.first().copied(), size);
        if let Some(outline) = &mut self.outline {
            for layer in &layers {
                outline.layers[*layer].arrival = Arrival::Reading;
            }
        }
        let mut outcome = Outcome::default();
        match self.read(blob, &mut outcome, &mut layers) {
            Ok(slot) => outcome.slot = Some(slot),
            Err(error) => outcome.failed = Some(error.to_string()),
        }
        self.settle(&layers, &outcome);
        outcome
    }

    /// Takes down what became of layers, also of those that could not even be begun.
    pub fn settle(&mut self, layers: &[usize], outcome: &Outcome) {
        let Some(outline) = &mut self.outline else { return };
        for &layer in layers {
            outline.slots[layer] = outcome.slot;
            let known = &mut outline.layers[layer];
            known.arrival = Arrival::Read;
            known.failed.clone_from(&outcome.failed);
        }
        if self.progress.is_asked() {
            self.show(&[]);
        }
    }

    fn read(&mut self, blob: impl Read, outcome: &mut Outcome, layers: &mut Vec<usize>) -> Result<SlotId, LayerError> {
        // Who watches wants to know which layer this is; its own digest tells, where its name does not.
        let is_sought = self.outline.is_some() && layers.is_empty();
        let verify = self.options.verify;
        let mut blob = Hashing { inner: blob, hash: verify.then(Sha256::new) };
        let sniffed = decode::peek(&mut blob)?;
        if let Some(reason) = refusal(sniffed.kind, &sniffed.head) {
            return Err(reason);
        }
        let limits = &self.options.limits;
        let mut tar = Hashing { inner: sniffed.decode(limits)?, hash: (verify || is_sought).then(Sha256::new) };
        self.builder.begin()?;
        let (builder, outline, progress) = (&mut self.builder, &self.outline, self.progress);
        let first = builder.index().entries();
        let (mut facts, found) = (SlotFacts::default(), Cell::new(None));
        let mut gather = Gather::new(&mut self.inspector, &found);
        let mut seen: u32 = 0;
        let summary = layer::read_tapped(&mut tar, limits, &mut gather, |entry| {
            builder.add(entry)?;
            if let Some(fact) = found.take() {
                // A file is the last thing that its entry adds.
                let place = builder.index().entries() - first - 1;
                facts.push(u32::try_from(place).unwrap_or(u32::MAX), fact);
            }
            seen = seen.wrapping_add(1);
            if seen.is_multiple_of(LOOK)
                && progress.is_asked()
                && let Some(outline) = outline
            {
                progress.show(outline.with(builder.so_far(), layers, Some(builder.filling())));
            }
            Ok(())
        });
        facts.missed = self.inspector.missed();
        self.facts.push(facts);
        let slot = self.builder.end();
        let summary = summary?;
        let tar_hash = tar.hash.take();
        drop(tar);
        if let Some(hash) = tar_hash {
            let text = |hash: Sha256| format!("sha256:{}", hex(&hash.finalize()));
            let diff_id = text(hash);
            if is_sought {
                *layers = self.outline.as_ref().map_or_else(Vec::new, |outline| outline.layers_with(&diff_id));
            }
            outcome.digests = blob.hash.take().map(|hash| (text(hash), diff_id));
        }
        let clamped = self.builder.index().slot(slot).clamped;
        if clamped > 0 {
            outcome.notes.push(format!("{} with '..', kept inside the root", units::counted(clamped, "name", "names")));
        }
        if summary.global_headers > 0 {
            let headers = units::counted(summary.global_headers, "PAX global header", "PAX global headers");
            outcome.notes.push(format!("{headers} ignored, as engines do"));
        }
        if summary.unknown_types > 0 {
            let entries = units::counted(summary.unknown_types, "entry", "entries");
            outcome.notes.push(format!("{entries} of an unknown type, read as files"));
        }
        Ok(slot)
    }

    fn show(&self, reading: &[usize]) {
        if let Some(outline) = &self.outline {
            self.progress.show(outline.with(self.builder.index().clone(), reading, None));
        }
    }

    /// The index with all that was read, and what is known of contents.
    pub fn finish(self) -> (Index, Gathered) {
        let searched = self.inspector.searches();
        let index = self.builder.finish();
        let gathered = Gathered::new(&index, self.facts, searched);
        (index, gathered)
    }
}

impl Outline {
    fn guessed() -> Self {
        let image = Image {
            tags: Vec::new(),
            id: String::new(),
            digest: None,
            platform: Platform::default(),
            config: Config::default(),
            layers: Vec::new(),
            mismatch: None,
        };
        Self { image, layers: Vec::new(), slots: Vec::new(), is_guessed: true }
    }

    /// The layers whose tar has this digest.
    fn layers_with(&self, diff_id: &str) -> Vec<usize> {
        let stated = self.image.layers.iter().enumerate();
        stated.filter(|(_, layer)| layer.diff_id.as_deref() == Some(diff_id)).map(|(place, _)| place).collect()
    }

    /// The image as far as it is read; the layers that are being read are what the index has of them in `slot`.
    fn with(&self, index: Index, reading: &[usize], slot: Option<SlotId>) -> Loaded {
        let mut slots = self.slots.clone();
        for &layer in reading {
            slots[layer] = slot;
        }
        Loaded {
            image: self.image.clone(),
            source: String::new(),
            reference: String::new(),
            index,
            stack: Stack::new(slots),
            layers: self.layers.clone(),
            gathered: Gathered::default(),
            verified: false,
            broken: None,
            origin: None,
        }
    }
}

/// Why a blob that begins like this can be no layer.
pub(super) fn refusal(kind: Kind, head: &[u8]) -> Option<LayerError> {
    match kind {
        Kind::Tar | Kind::Gzip | Kind::Zstd => None,
        Kind::Unsupported(name) => Some(LayerError::Compression(name)),
        Kind::Empty => Some(LayerError::Empty),
        Kind::Json | Kind::Unknown => Some(LayerError::NotTar(beginning(head))),
    }
}

/// The first bytes as a person can read them.
pub(super) fn beginning(head: &[u8]) -> String {
    format!("\"{}\"", head[..head.len().min(12)].escape_ascii())
}

/// Hashes what goes by, if asked to.
struct Hashing<R> {
    inner: R,
    hash: Option<Sha256>,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(hash) = &mut self.hash {
            hash.update(&buffer[..read]);
        }
        Ok(read)
    }
}
