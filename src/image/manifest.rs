//! Manifests and indexes of both families, as candidates to choose from.
//! Formats: Docker image spec v1.2 ("Combined Image JSON"), OCI image spec manifest.md and image-index.md.

use serde_json::Value;

use super::config::{self, Config};
use super::digest::{self, from_name};
use super::{Documents, Image, Layer};
use crate::error::{Error, Result};
use crate::platform::Platform;

/// How deep indexes may nest.
const MOST_NESTING: usize = 8;

/// How many manifests one source may list.
const MOST_MANIFESTS: usize = 10_000;

/// Something that can be chosen.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Names that it has in this source.
    pub names: Vec<String>,
    /// What it runs on, where it says so.
    pub platform: Platform,
    /// Digest of its config.
    pub id: Option<String>,
    /// Digest of its manifest.
    pub digest: Option<String>,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    /// An element of `manifest.json`: names of members.
    Docker { config: String, layers: Vec<String> },
    /// A manifest document.
    Oci { manifest: Value },
}

/// The candidates of `manifest.json`, none when there is no such document.
pub fn docker(documents: &dyn Documents) -> Result<Vec<Candidate>> {
    let Some(manifest) = json(documents, "manifest.json")? else { return Ok(Vec::new()) };
    let Value::Array(images) = manifest else {
        // skopeo's `dir:` keeps one manifest under that name, its blobs beside it.
        let digest = documents.document("manifest.json")?.map(|bytes| digest::sha256(&bytes));
        return Ok(vec![from_manifest(documents, manifest, Vec::new(), None, digest)?]);
    };
    images
        .iter()
        .take(MOST_MANIFESTS)
        .map(|image| {
            let config =
                text(image, "Config").ok_or_else(|| broken("manifest.json", "an image in it has no Config"))?;
            let document = json(documents, &config)?;
            Ok(Candidate {
                names: strings(image, "RepoTags"),
                platform: document.as_ref().map(config::platform).unwrap_or_default(),
                id: documents.document(&config)?.map(|bytes| digest::sha256(&bytes)),
                digest: None,
                body: Body::Docker { config, layers: strings(image, "Layers") },
            })
        })
        .collect()
}

/// The candidates of `index.json`, nested indexes followed. Attestations are left out, and manifests whose blob is
/// not here: `docker save` keeps the whole index of an image of which it has one platform. What is left out for that
/// reason is returned beside, for messages.
pub fn oci(documents: &dyn Documents) -> Result<(Vec<Candidate>, Vec<Platform>)> {
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    if let Some(index) = json(documents, "index.json")? {
        descend(documents, &index, &[], 0, &mut found, &mut absent)?;
    }
    // One manifest under two tags is one image with two names.
    let mut merged: Vec<Candidate> = Vec::new();
    for candidate in found {
        match merged.iter_mut().find(|known| known.digest.is_some() && known.digest == candidate.digest) {
            Some(known) => known.names.extend(candidate.names),
            None => merged.push(candidate),
        }
    }
    let found = merged;
    Ok((found, absent))
}

fn descend(
    documents: &dyn Documents,
    index: &Value,
    names: &[String],
    depth: usize,
    found: &mut Vec<Candidate>,
    absent: &mut Vec<Platform>,
) -> Result<()> {
    if depth > MOST_NESTING {
        return Err(broken("index.json", "its indexes are nested too deep"));
    }
    let descriptors = field(index, "manifests").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for descriptor in descriptors {
        if found.len() >= MOST_MANIFESTS {
            return Err(broken("index.json", "it lists too many manifests"));
        }
        let annotations = field(descriptor, "annotations").unwrap_or(&Value::Null);
        let platform = field(descriptor, "platform").map(config::platform);
        if platform.as_ref().is_some_and(Platform::is_unknown)
            || text(annotations, "vnd.docker.reference.type").is_some()
        {
            continue;
        }
        let mut names = names.to_vec();
        // containerd writes the whole name beside the tag; the whole name says more.
        let whole = text(annotations, "io.containerd.image.name");
        names.extend(whole.or_else(|| text(annotations, "org.opencontainers.image.ref.name")));
        let Some(digest) = text(descriptor, "digest") else { continue };
        let Some((name, document)) = blob_json(documents, &digest)? else {
            absent.extend(platform);
            continue;
        };
        let is_index = field(&document, "manifests").is_some() && field(&document, "layers").is_none();
        if is_index {
            descend(documents, &document, &names, depth + 1, found, absent)?;
        } else if field(&document, "layers").is_some() || field(&document, "config").is_some() {
            found.push(from_manifest(documents, document, names, platform, Some(digest))?);
        } else {
            return Err(broken(&name, "it is neither a manifest nor an index"));
        }
    }
    Ok(())
}

fn from_manifest(
    documents: &dyn Documents,
    manifest: Value,
    names: Vec<String>,
    platform: Option<Platform>,
    digest: Option<String>,
) -> Result<Candidate> {
    let id = field(&manifest, "config").and_then(|config| text(config, "digest"));
    let platform = match (platform, &id) {
        (Some(platform), _) => platform,
        (None, Some(id)) => blob_json(documents, id)?.map(|(_, config)| config::platform(&config)).unwrap_or_default(),
        (None, None) => Platform::default(),
    };
    Ok(Candidate { names, platform, id, digest, body: Body::Oci { manifest } })
}

impl Candidate {
    /// Reads the whole image.
    pub fn read(&self, documents: &dyn Documents) -> Result<Image> {
        let (config_name, mut layers) = match &self.body {
            Body::Docker { config, layers } => {
                let layer = |name: &String| Layer { blob: name.clone(), digest: from_name(name), ..Layer::default() };
                (config.clone(), layers.iter().map(layer).collect::<Vec<_>>())
            }
            Body::Oci { manifest } => {
                let id = self.id.as_deref().ok_or_else(|| broken("the manifest", "it names no config"))?;
                let descriptors =
                    field(manifest, "layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let layers = descriptors.iter().map(|descriptor| {
                    let digest = text(descriptor, "digest").unwrap_or_default();
                    Layer {
                        blob: blob_name(documents, &digest),
                        digest: Some(digest),
                        media_type: text(descriptor, "mediaType"),
                        ..Layer::default()
                    }
                });
                (blob_name(documents, id), layers.collect())
            }
        };
        let bytes = documents.document(&config_name)?.ok_or_else(|| {
            Error::image(format!("the image's config '{config_name}' is missing"))
                .hint("the archive is incomplete; save the image again")
        })?;
        let document = parse(&config_name, &bytes)?;
        let config = Config::read(&document).ok_or_else(|| self.not_an_image(&config_name))?;
        let count = layers.len();
        for (layer, step) in layers.iter_mut().zip(config.steps_of_layers(count)) {
            layer.step = step;
        }
        for (layer, diff_id) in layers.iter_mut().zip(&config.diff_ids) {
            layer.diff_id = Some(diff_id.clone());
        }
        let platform = if config.platform.os.is_empty() { self.platform.clone() } else { config.platform.clone() };
        Ok(Image {
            tags: self.names.clone(),
            id: digest::sha256(&bytes),
            digest: self.digest.clone(),
            platform,
            config,
            layers,
        })
    }

    /// The digests of the stored layers, for an image that was chosen by other documents.
    pub fn layer_digests(&self) -> Vec<String> {
        match &self.body {
            Body::Docker { .. } => Vec::new(),
            Body::Oci { manifest } => {
                let layers = field(manifest, "layers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                layers.iter().filter_map(|layer| text(layer, "digest")).collect()
            }
        }
    }

    fn not_an_image(&self, config: &str) -> Error {
        let kind = match &self.body {
            Body::Oci { manifest } => {
                text(manifest, "artifactType").or_else(|| text(field(manifest, "config")?, "mediaType"))
            }
            Body::Docker { .. } => None,
        };
        match kind {
            Some(kind) if !kind.contains("image.config") && !kind.contains("container.image") => {
                Error::image(format!("this is not a container image but an artifact of type {kind}"))
                    .hint("layerscope reads images: something that has a root file system in layers")
            }
            _ => broken(config, "it has no rootfs, so it is no image config"),
        }
    }
}

/// The name under which a source has the blob of a digest: an OCI layout's, or `dir:`'s bare digits.
fn blob_name(documents: &dyn Documents, digest: &str) -> String {
    match digest::split(digest) {
        Some((algorithm, hex)) => {
            let layout = format!("blobs/{algorithm}/{hex}");
            if !documents.has(&layout) && documents.has(hex) { hex.to_owned() } else { layout }
        }
        None => digest.to_owned(),
    }
}

fn blob_json(documents: &dyn Documents, digest: &str) -> Result<Option<(String, Value)>> {
    let name = blob_name(documents, digest);
    Ok(json(documents, &name)?.map(|document| (name, document)))
}

fn json(documents: &dyn Documents, name: &str) -> Result<Option<Value>> {
    documents.document(name)?.map(|bytes| parse(name, &bytes)).transpose()
}

fn parse(name: &str, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::image(format!("'{name}' is not valid JSON"))
            .caused_by(&error)
            .hint("the archive is damaged, or it is no image archive")
    })
}

fn broken(name: &str, why: &str) -> Error {
    Error::image(format!("'{name}' makes no sense"))
        .because(why)
        .hint("the archive is damaged, or it is no image archive")
}

/// A field by its name, in any case when the exact name is not there: jib writes `config` where Docker writes `Config`.
pub fn field<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let object = object.as_object()?;
    let value = object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value));
    value.filter(|value| !value.is_null())
}

/// A field that is text.
pub fn text(object: &Value, name: &str) -> Option<String> {
    field(object, name)?.as_str().map(str::to_owned)
}

/// A field that is a list of texts; empty when it is not there.
pub fn strings(object: &Value, name: &str) -> Vec<String> {
    let list = field(object, name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
