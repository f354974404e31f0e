//! What an image's documents mean: which image of several, which platform, its config, its layers in order.
//! Knows no engine, no archive and no layer contents; documents come by name through [`Documents`].

mod choose;
mod config;
mod digest;
mod manifest;

pub use choose::{Wanted, resolve};
pub use config::{Config, Step};
pub use digest::{from_name as digest_from_name, sha256};

use crate::error::Result;
use crate::platform::Platform;

/// Largest JSON document that is read, in bytes. Configs of real images stay below 1 MiB.
pub const MOST_JSON_BYTES: u64 = 32 * 1024 * 1024;

/// Where documents come from: an archive's members or a folder's files, by the names that manifests use.
pub trait Documents {
    /// The document of that name, `None` if there is no such thing.
    ///
    /// # Errors
    /// It is there and cannot be read, or is larger than [`MOST_JSON_BYTES`].
    fn document(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// Whether there is anything of that name.
    fn has(&self, name: &str) -> bool;
}

/// One image, chosen and understood.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its names in this source.
    pub tags: Vec<String>,
    /// Digest of the config: the image id.
    pub id: String,
    /// Digest of the manifest, where there is one.
    pub digest: Option<String>,
    /// What it runs on.
    pub platform: Platform,
    /// Everything else the config says.
    pub config: Config,
    /// Its layers, lowest first.
    pub layers: Vec<Layer>,
    /// How a document differs from the digest that is stated for it, when it does.
    pub mismatch: Option<String>,
}

/// One layer as the documents describe it.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// Digest of the uncompressed tar.
    pub diff_id: Option<String>,
    /// Digest of the blob as it is stored, where the name or the manifest says so.
    pub digest: Option<String>,
    /// Name under which the source has the blob.
    pub blob: String,
    /// What the manifest calls it. For messages only: names and media types lie.
    pub media_type: Option<String>,
    /// The history step that made it.
    pub step: Option<Step>,
}

/// A command of the history without what builders put around it, its lines as they are.
#[must_use]
pub fn bare_command(created_by: &str) -> &str {
    let text = created_by.trim();
    let bare = ["/bin/sh -c #(nop)", "RUN /bin/sh -c", "/bin/sh -c"]
        .iter()
        .find_map(|start| text.strip_prefix(start))
        .unwrap_or(text);
    bare.strip_suffix("# buildkit").unwrap_or(bare).trim()
}
