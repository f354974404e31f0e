//! Stores that keep each layer as a folder of files and a list of headers: Docker's overlay2 and fuse-overlayfs, and
//! Podman's overlay. Whiteouts and opaque markers are in the list, so that it does not matter how a store writes them.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Folder, Refusal, Stored, StoredLayer, digits, text, verified};
use crate::units::hex;

#[derive(Deserialize)]
struct PodmanLayer {
    id: String,
    #[serde(rename = "diff-digest")]
    diff_digest: Option<String>,
}

/// Docker's layer store: `image/DRIVER/layerdb/sha256/CHAIN` has for each layer its list and the name of its folder in
/// `DRIVER` (moby, layer/filestore.go); a chain id is made of the diff ids below (OCI image spec, config.md, "Layer
/// ChainID").
pub(super) fn docker(root: &Path, driver: &str, id: &str, diff_ids: &[String]) -> Result<Stored, Refusal> {
    let base = root.join("image").join(driver);
    let config = verified(&base.join("imagedb/content/sha256").join(digits(id)?), id)?;
    let (mut layers, mut chain) = (Vec::with_capacity(diff_ids.len()), String::new());
    for diff_id in diff_ids {
        chain = if chain.is_empty() {
            diff_id.clone()
        } else {
            format!("sha256:{}", hex(&Sha256::digest(format!("{chain} {diff_id}"))))
        };
        let folder = base.join("layerdb/sha256").join(digits(&chain)?);
        if text(&folder.join("diff"))?.trim() != diff_id {
            return Err(Refusal::Odd(format!("{} is another layer", folder.display())));
        }
        let cache_id = text(&folder.join("cache-id"))?;
        let cache_id = cache_id.trim();
        if cache_id.is_empty() || !cache_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Refusal::Odd("a layer's folder has a name of no known form".into()));
        }
        let files = root.join(driver).join(cache_id).join("diff");
        layers.push(StoredLayer { list: folder.join("tar-split.json.gz"), folder: Folder::at(&files)? });
    }
    Ok(Stored { config, layers })
}

/// Podman's store: `overlay-layers/layers.json` knows the digests, `overlay-layers/ID.tar-split.gz` is the list, and
/// `overlay-images/ID` has the config under its digest in base64 (containers/storage, layers.go, images.go).
pub(super) fn podman(root: &Path, id: &str, diff_ids: &[String], folders: &[PathBuf]) -> Result<Stored, Refusal> {
    let images = root.join("overlay-images").join(digits(id)?);
    let config = verified(&images.join(format!("={}", STANDARD.encode(id))), id)?;
    let known = text(&root.join("overlay-layers/layers.json"))?;
    let known: Vec<PodmanLayer> =
        serde_json::from_str(&known).map_err(|error| Refusal::Odd(format!("layers.json: {error}")))?;
    let mut layers = Vec::with_capacity(diff_ids.len());
    for (files, diff_id) in folders.iter().zip(diff_ids) {
        let name = files.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        let layer = known.iter().find(|layer| layer.id == name);
        if layer.and_then(|layer| layer.diff_digest.as_ref()) != Some(diff_id) {
            return Err(Refusal::Odd(format!("{} is another layer", files.display())));
        }
        let list = root.join("overlay-layers").join(format!("{name}.tar-split.gz"));
        layers.push(StoredLayer { list, folder: Folder::at(files)? });
    }
    Ok(Stored { config, layers })
}
