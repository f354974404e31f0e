//! Manifests and indexes of both families, as candidates to choose from.
//! Formats: Docker image spec v1.2 ("Combined Image JSON"), OCI image spec manifest.md and image-index.md.

use std::collections::HashMap;

use serde_json::Value;

use super::config::{self, Config};
use super::digest::{self, from_name};
use super::{Documents, Image, Layer};
use crate::error::{Error, Result};
use crate::platform::Platform;

/// How deep indexes may nest.
const MOST_NESTING: usize = 8;

/// How many manifests and indexes one source may list, each counted as often as it is listed: indexes that list one
/// another multiply.
const MOST_MANIFESTS: usize = 10_000;

/// Bytes of documents that are read to find out what there is. Real indexes with their configs stay below a hundredth.
const MOST_BYTES_SEARCHED: usize = 256 * 1024 * 1024;

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
    /// How its manifest differs from what lists it.
    mismatch: Option<String>,
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
        let mut search = Search::new(documents);
        search.manifest(manifest, Vec::new(), None, digest, None)?;
        return Ok(search.found);
    };
    images
        .iter()
        .take(MOST_MANIFESTS)
        .map(|image| {
            let config =
                text(image, "Config").ok_or_else(|| broken("manifest.json", "an image in it has no Config"))?;
            // A config that cannot be read is a fault of that image only; whoever chooses it is told.
            let bytes = documents.document(&config).ok().flatten();
            let document: Option<Value> = bytes.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok());
            Ok(Candidate {
                names: strings(image, "RepoTags"),
                platform: document.as_ref().map(config::platform).unwrap_or_default(),
                id: bytes.map(|bytes| digest::sha256(&bytes)),
                digest: None,
                mismatch: None,
                body: Body::Docker { config, layers: strings(image, "Layers") },
            })
        })
        .collect()
}

/// The candidates of `index.json`, nested indexes followed. Attestations are left out, and manifests whose blob is
/// not here: `docker save` keeps the whole index of an image of which it has one platform. What is left out for that
/// reason is returned beside, for messages.
pub fn oci(documents: &dyn Documents) -> Result<(Vec<Candidate>, Vec<Platform>)> {
    let mut search = Search::new(documents);
    if let Some(index) = json(documents, "index.json")? {
        search.descend(&index, &[], 0)?;
    }
    let Search { mut found, absent, artifacts, .. } = search;
    // Signatures and other artifacts stand beside the image that they are about. Alone, they are told by their type.
    if found.is_empty() {
        found = artifacts;
    }
    Ok((found, absent))
}

/// Goes through indexes.
struct Search<'d> {
    documents: &'d dyn Documents,
    found: Vec<Candidate>,
    /// Which of `found` has a digest.
    known: HashMap<String, usize>,
    artifacts: Vec<Candidate>,
    absent: Vec<Platform>,
    visited: usize,
    bytes: usize,
}

impl<'d> Search<'d> {
    fn new(documents: &'d dyn Documents) -> Self {
        Self {
            documents,
            found: Vec::new(),
            known: HashMap::new(),
            artifacts: Vec::new(),
            absent: Vec::new(),
            visited: 0,
            bytes: 0,
        }
    }

    fn descend(&mut self, index: &Value, names: &[String], depth: usize) -> Result<()> {
        if depth > MOST_NESTING {
            return Err(broken("index.json", "its indexes are nested too deep"));
        }
        for descriptor in list(index, "manifests") {
            self.visited += 1;
            if self.visited > MOST_MANIFESTS {
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
            // One manifest under two tags is one image with two names.
            if let Some(known) = self.known.get(&digest) {
                self.found[*known].names.extend(names);
                continue;
            }
            let name = blob_name(self.documents, &digest);
            let Some(bytes) = self.read(&name)? else {
                self.absent.extend(platform);
                continue;
            };
            let document = parse(&name, &bytes)?;
            let is_index = field(&document, "manifests").is_some() && field(&document, "layers").is_none();
            if is_index {
                self.descend(&document, &names, depth + 1)?;
            } else if field(&document, "layers").is_some() || field(&document, "config").is_some() {
                let mismatch = digest::mismatch(&digest, &bytes);
                self.manifest(document, names, platform, Some(digest), mismatch)?;
            } else {
                return Err(broken(&name, "it is neither a manifest nor an index"));
            }
        }
        Ok(())
    }

    /// Adds what a manifest describes.
    fn manifest(
        &mut self,
        manifest: Value,
        names: Vec<String>,
        platform: Option<Platform>,
        digest: Option<String>,
        mismatch: Option<String>,
    ) -> Result<()> {
        let id = field(&manifest, "config").and_then(|config| text(config, "digest"));
        let config = match &id {
            Some(id) => self.read(&blob_name(self.documents, id))?,
            None => None,
        };
        // What is wrong with it is told when it is chosen.
        let config: Option<Value> = config.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_artifact = config.as_ref().is_some_and(|config| Config::read(config).is_none());
        let platform = platform.or_else(|| config.as_ref().map(config::platform)).unwrap_or_default();
        let candidate = Candidate { names, platform, id, digest, mismatch, body: Body::Oci { manifest } };
        if is_artifact {
            self.artifacts.push(candidate);
        } else {
            self.known.extend(candidate.digest.clone().map(|digest| (digest, self.found.len())));
            self.found.push(candidate);
        }
        Ok(())
    }

    fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let bytes = self.documents.document(name)?;
        self.bytes += bytes.as_ref().map_or(0, Vec::len);
        if self.bytes > MOST_BYTES_SEARCHED {
            return Err(broken("index.json", "the documents that it lists are too large"));
        }
        Ok(bytes)
    }
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
                let layers = list(manifest, "layers").iter().map(|descriptor| {
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
        let stated = match &self.body {
            Body::Docker { config, .. } => from_name(config),
            Body::Oci { .. } => self.id.clone(),
        };
        let about = |what: &str, why: String| format!("the image's {what}: {why}");
        let mismatch =
            self.mismatch.clone().map(|why| about("manifest", why)).or_else(|| {
                stated.and_then(|stated| digest::mismatch(&stated, &bytes)).map(|why| about("config", why))
            });
        let platform = if config.platform.os.is_empty() { self.platform.clone() } else { config.platform.clone() };
        Ok(Image {
            tags: self.names.clone(),
            id: digest::sha256(&bytes),
            digest: self.digest.clone(),
            platform,
            config,
            layers,
            mismatch,
        })
    }

    /// The digests of the stored layers, for an image that was chosen by other documents.
    pub fn layer_digests(&self) -> Vec<String> {
        match &self.body {
            Body::Docker { .. } => Vec::new(),
            Body::Oci { manifest } => {
                list(manifest, "layers").iter().filter_map(|layer| text(layer, "digest")).collect()
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

/// A field that is a list; empty when it is not there.
fn list<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    field(object, name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A field that is a list of texts; empty when it is not there.
pub fn strings(object: &Value, name: &str) -> Vec<String> {
    list(object, name).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
