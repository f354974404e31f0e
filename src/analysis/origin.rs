//! Which layers are the base image and which were built on it. Until the base itself is at hand this is the best
//! evidence that the image carries, and said to be a guess where it is one.

use serde_json::Value;

use super::finding::Origin;
use super::instructions::Instructions;
use super::runtime::Runtime;
use crate::image::Image;

/// Where the base ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// How many layers are the base; `None` where nothing tells.
    pub layers: Option<u32>,
    /// What tells it.
    pub evidence: &'static str,
    /// Whether that may be wrong.
    pub is_guess: bool,
}

impl Boundary {
    /// Finds it.
    #[must_use]
    pub fn new(image: &Image, runtime: Runtime<'_>, instructions: &Instructions) -> Self {
        let layers = u32::try_from(image.layers.len()).unwrap_or(u32::MAX);
        if let Some(top) = run_image_top(runtime)
            && let Some(place) = (0..).zip(&image.layers).find(|(_, layer)| layer.diff_id.as_deref() == Some(&*top))
        {
            return Self { layers: Some(place.0 + 1), evidence: "the buildpacks label", is_guess: false };
        }
        // buildah notes what the first instruction was built from.
        let from = instructions.all.iter().find(|step| step.comment.starts_with("FROM "));
        if let Some(from) = from {
            let before = instructions.all[..from.step].iter().filter(|step| step.layer.is_some()).count();
            let layers = u32::try_from(before).ok();
            return Self { layers, evidence: "the FROM that buildah notes", is_guess: false };
        }
        let made_before = |end: usize| {
            let made = instructions.all[..end].iter().filter(|step| step.layer.is_some()).count();
            u32::try_from(made).unwrap_or(u32::MAX)
        };
        // Nearly every base ends with a command; what follows and makes layers was built on it.
        let ends_base = |step: &&super::instructions::Instruction| {
            step.keyword == "CMD" && made_before(step.step) > 0 && made_before(step.step) < layers
        };
        if let Some(last) = instructions.all.iter().rev().find(ends_base) {
            let layers = Some(made_before(last.step));
            return Self { layers, evidence: "the last command that layers follow", is_guess: true };
        }
        let Some(first) = instructions.of(0) else {
            return Self { layers: None, evidence: "the image has no history", is_guess: true };
        };
        let is_root = (first.keyword == "ADD" && first.text.ends_with(" in /"))
            || first.text.starts_with("# debian.sh")
            || first.comment.starts_with("debuerreotype");
        if is_root && layers > 1 {
            return Self { layers: Some(1), evidence: "a root file system in the first layer", is_guess: true };
        }
        if matches!(first.keyword.as_str(), "COPY" | "RUN" | "WORKDIR") {
            return Self { layers: Some(0), evidence: "the history begins with an own step", is_guess: true };
        }
        Self { layers: None, evidence: "nothing tells the base", is_guess: true }
    }

    /// Whose a layer is.
    #[must_use]
    pub fn of(&self, layer: u32) -> Origin {
        match self.layers {
            Some(base) if layer < base => Origin::Base,
            Some(_) => Origin::Yours,
            None => Origin::Unknown,
        }
    }
}

/// The last layer of the run image (Buildpacks platform specification, `io.buildpacks.lifecycle.metadata`).
fn run_image_top(runtime: Runtime<'_>) -> Option<String> {
    let labels = runtime.labels();
    let (_, text) = labels.iter().find(|(name, _)| *name == "io.buildpacks.lifecycle.metadata")?;
    let metadata: Value = serde_json::from_str(text).ok()?;
    Some(metadata.get("runImage")?.get("topLayer")?.as_str()?.to_owned())
}
