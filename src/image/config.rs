//! The image config: what runs, on what, and how the layers came to be.
//! Format: OCI image spec, config.md; Docker image spec v1.2. Go reads keys in any case, so this does, too.

use serde_json::Value;

use super::manifest::{field, strings, text};
use crate::platform::Platform;

/// An image config.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What it runs on.
    pub platform: Platform,
    /// When it was made, as it says (RFC 3339).
    pub created: Option<String>,
    /// Digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<String>,
    /// How it came to be, oldest step first, steps without a layer included.
    pub history: Vec<Step>,
    /// The `config` object: environment, entry point, user, labels and the rest, as it stands.
    pub runtime: Value,
}

/// A step of the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// The command, as the builder wrote it.
    pub created_by: String,
    /// When (RFC 3339).
    pub created: Option<String>,
    /// What the builder notes.
    pub comment: Option<String>,
    /// Whether the step made no layer.
    pub empty_layer: bool,
}

impl Config {
    /// Reads a parsed document. `None` when it is no image config: that has layers in a `rootfs`.
    pub fn read(document: &Value) -> Option<Self> {
        let rootfs = field(document, "rootfs")?;
        let steps = field(document, "history").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Some(Self {
            platform: platform(document),
            created: text(document, "created"),
            diff_ids: strings(rootfs, "diff_ids"),
            history: steps.iter().map(step).collect(),
            runtime: field(document, "config").cloned().unwrap_or_default(),
        })
    }

    /// The step of each of `layers` layers. History is optional, may be short, and may be longer than the layers.
    pub fn steps_of_layers(&self, layers: usize) -> Vec<Option<Step>> {
        let mut with_layer = self.history.iter().filter(|step| !step.empty_layer).cloned();
        (0..layers).map(|_| with_layer.next()).collect()
    }
}

/// The platform fields of a config or of a descriptor's `platform` object.
pub fn platform(object: &Value) -> Platform {
    Platform {
        os: text(object, "os").unwrap_or_default(),
        architecture: text(object, "architecture").unwrap_or_default(),
        variant: text(object, "variant").filter(|variant| !variant.is_empty()),
    }
}

fn step(step: &Value) -> Step {
    Step {
        created_by: text(step, "created_by").unwrap_or_default(),
        created: text(step, "created"),
        comment: text(step, "comment").filter(|comment| !comment.is_empty()),
        empty_layer: field(step, "empty_layer").and_then(Value::as_bool).unwrap_or(false),
    }
}
