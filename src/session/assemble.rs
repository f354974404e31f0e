//! Puts an image together from its documents and what became of its blobs.

use super::load::{Loaded, LoadedLayer, Options};
use super::reading::Outcome;
use crate::analysis::content::Gathered;
use crate::error::{Error, Result};
use crate::image::{self, Image};
use crate::index::{Index, Stack};

/// Entries of all layers together, a layer counted as often as the image names it. Each costs a few bytes when it is
/// accounted for, and a manifest may name one large layer ten thousand times.
const MOST_ENTRIES: u64 = 200_000_000;

/// Puts the image's layers over what was read. `outcomes` has one for each layer, in order.
///
/// # Errors
/// Digests are verified and a document does not fit its own.
pub(super) fn assemble(
    image: Image,
    (index, gathered): (Index, Gathered),
    outcomes: Vec<Outcome>,
    options: &Options,
    broken: Option<String>,
) -> Result<Loaded> {
    if let Some(mismatch) = image.mismatch.as_ref().filter(|_| options.verify) {
        return Err(Error::image("a digest does not fit")
            .because(mismatch)
            .hint("the image was changed after it was made, or it is damaged; get it again"));
    }
    let mut slots = Vec::with_capacity(outcomes.len());
    let mut layers = Vec::with_capacity(outcomes.len());
    for (layer, outcome) in image.layers.iter().zip(outcomes) {
        let failed = outcome.failed.clone().or_else(|| mismatch(layer, &outcome));
        slots.push(if failed.is_some() { None } else { outcome.slot });
        let member = outcome.member.unwrap_or_else(|| layer.blob.clone());
        layers.push(LoadedLayer {
            failed,
            notes: outcome.notes,
            member,
            stamp: outcome.stamp,
            stored: outcome.stored,
            marks: outcome.marks,
            noted: outcome.noted,
            ..LoadedLayer::default()
        });
    }
    let told: u64 = slots.iter().flatten().map(|slot| index.slot(*slot).entries).sum();
    if told > MOST_ENTRIES {
        return Err(Error::image("the image repeats its layers too often")
            .because(format!("its layers have {told} entries in all; the limit is {MOST_ENTRIES}"))
            .hint("no real image needs this; the archive is damaged or hostile"));
    }
    Ok(Loaded {
        image,
        source: String::new(),
        reference: String::new(),
        index,
        stack: Stack::new(slots),
        layers,
        gathered,
        verified: options.verify,
        broken,
        notes: Vec::new(),
        is_unsearched: false,
        origin: None,
    })
}

/// The algorithm that everybody uses, and the one that is computed here.
fn is_sha256(digest: &str) -> bool {
    digest.starts_with("sha256:")
}

/// In what the computed digests differ from the stated ones. Both are computed, or none is held against anything.
fn mismatch(layer: &image::Layer, outcome: &Outcome) -> Option<String> {
    let (blob, tar) = outcome.digest.as_ref().zip(outcome.diff_id.as_ref())?;
    if let Some(stated) = layer.digest.as_ref().filter(|stated| is_sha256(stated) && *stated != blob && *stated != tar)
    {
        return Some(format!("its digest is {blob}, not {stated} as stated"));
    }
    layer
        .diff_id
        .as_ref()
        .filter(|stated| is_sha256(stated) && *stated != tar)
        .map(|stated| format!("its diff id is {tar}, not {stated} as stated"))
}
