//! Which image of several, and which platform of it.

use super::manifest::{self, Candidate};
use super::{Documents, Image};
use crate::error::{Error, Result};
use crate::platform::Platform;

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `--image`, or the tag in the reference.
    pub image: Option<String>,
    /// `--platform`.
    pub platform: Option<Platform>,
}

/// Finds the image among the documents of a source.
///
/// # Errors
/// No image there, several and no choice, no such name, no such platform, or documents that make no sense.
pub fn resolve(documents: &dyn Documents, wanted: &Wanted) -> Result<Image> {
    let docker = manifest::docker(documents)?;
    let (oci, absent) = match manifest::oci(documents) {
        Ok(found) => found,
        // With a manifest.json that works, a broken index.json beside it stops nobody.
        Err(_) if !docker.is_empty() => (Vec::new(), Vec::new()),
        Err(error) => return Err(error),
    };
    if docker.is_empty() && oci.is_empty() {
        return Err(nothing(documents, &absent));
    }
    // manifest.json first: Docker 25 wrote an empty index.json beside it. The index knows more platforms, though.
    let chosen = match select(&docker, wanted, &[]) {
        Ok(chosen) => chosen,
        Err(_) if docker.is_empty() => select(&oci, wanted, &absent)?,
        Err(error) => select(&oci, wanted, &absent).map_err(|_also| error)?,
    };
    let mut image = chosen.read(documents)?;
    if let Some(twin) = oci.iter().find(|candidate| candidate.id.as_ref() == Some(&image.id)) {
        image.digest = image.digest.or_else(|| twin.digest.clone());
        let digests = twin.layer_digests();
        if digests.len() == image.layers.len() {
            for (layer, digest) in image.layers.iter_mut().zip(digests) {
                layer.digest.get_or_insert(digest);
            }
        }
    }
    Ok(image)
}

fn nothing(documents: &dyn Documents, absent: &[Platform]) -> Error {
    if !absent.is_empty() {
        return Error::image("the index names images, but none of them is in the archive")
            .because(format!("missing: {}", list(absent.iter())))
            .hint("save the image again with its contents, for example for one platform");
    }
    if documents.has("index.json") || documents.has("manifest.json") {
        return Error::image("the archive lists no image").hint("save an image into it first");
    }
    Error::image("there is neither a manifest.json nor an index.json, so this is no image")
        .hint("expected: the output of docker save, podman save, skopeo copy, or an OCI layout")
}

fn select<'c>(candidates: &'c [Candidate], wanted: &Wanted, absent: &[Platform]) -> Result<&'c Candidate> {
    let named: Vec<_> = match &wanted.image {
        Some(name) => candidates.iter().filter(|candidate| is_called(candidate, name)).collect(),
        None => candidates.iter().collect(),
    };
    let Some(first) = named.first() else {
        let name = wanted.image.as_deref().unwrap_or_default();
        return Err(
            Error::image(format!("there is no image '{name}' in it")).hint(format!("it holds: {}", names(candidates)))
        );
    };
    let is_other = |candidate: &&&Candidate| {
        candidate.names != first.names || (first.names.is_empty() && candidate.platform == first.platform)
    };
    if named.iter().skip(1).any(|candidate| is_other(&candidate)) {
        return Err(Error::image("it holds several images and none was chosen")
            .hint(format!("choose one with --image: {}", names(candidates))));
    }
    let available = list(named.iter().map(|candidate| &candidate.platform).chain(absent));
    match &wanted.platform {
        Some(platform) => {
            named.iter().find(|candidate| candidate.platform.satisfies(platform)).copied().ok_or_else(|| {
                let missing = absent.iter().any(|absent| absent.satisfies(platform));
                let error = Error::image(format!("the image is not there for {platform}"));
                let error = if missing {
                    error.because("its index lists that platform, but the contents are not in the archive")
                } else {
                    error
                };
                error.hint(format!("it is there for: {}", list(named.iter().map(|candidate| &candidate.platform))))
            })
        }
        None if named.len() == 1 => Ok(first),
        None => {
            named.iter().find(|candidate| candidate.platform.satisfies(&Platform::host())).copied().ok_or_else(|| {
                Error::image(format!(
                    "the image is there for several platforms, but not for this machine's ({})",
                    Platform::host()
                ))
                .hint(format!("choose one with --platform: {available}"))
            })
        }
    }
}

/// Whether `name` means this candidate: its whole name, its name with Docker's usual parts left out, its tag alone,
/// or the beginning of its id or digest.
fn is_called(candidate: &Candidate, name: &str) -> bool {
    let by_name = candidate.names.iter().any(|own| {
        own == name || familiar(own) == familiar(name) || own.rsplit_once(':').is_some_and(|(_, tag)| tag == name)
    });
    let hex = name.strip_prefix("sha256:").unwrap_or(name);
    let long_enough = hex.len() >= 7 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let by_digest = || {
        [&candidate.id, &candidate.digest]
            .into_iter()
            .flatten()
            .any(|digest| digest.strip_prefix("sha256:").is_some_and(|own| own.starts_with(hex)))
    };
    by_name || (long_enough && by_digest())
}

/// A name as people write it: without Docker Hub's host and user, Podman's `localhost/`, and the tag `latest`.
fn familiar(name: &str) -> &str {
    let name = ["docker.io/library/", "docker.io/", "localhost/"]
        .iter()
        .find_map(|start| name.strip_prefix(start))
        .unwrap_or(name);
    name.strip_suffix(":latest").unwrap_or(name)
}

fn names(candidates: &[Candidate]) -> String {
    let mut names: Vec<String> = Vec::new();
    for candidate in candidates {
        let own =
            if candidate.names.is_empty() { candidate.id.iter().cloned().collect() } else { candidate.names.clone() };
        names.extend(own.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
    }
    if names.is_empty() { "images without a name".into() } else { names.join(", ") }
}

fn list<'p>(platforms: impl Iterator<Item = &'p Platform>) -> String {
    let mut words: Vec<String> = platforms.map(ToString::to_string).collect();
    words.dedup();
    words.join(", ")
}
