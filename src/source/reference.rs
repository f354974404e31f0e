//! What a person typed to name an image, and where that sends us.
//! One grammar: a scheme and a place (`oci://DIR:TAG`, skopeo's `oci:DIR:TAG`), or just a name or a path.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Which local engine may be asked for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Whichever answers: Docker first, then Podman.
    Any,
    /// Docker only (`docker://`, `docker-daemon:`).
    Docker,
    /// Podman only (`podman://`).
    Podman,
}

/// A source that `--source` can force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// The Docker engine.
    Docker,
    /// Podman's API socket.
    Podman,
    /// A `docker save` archive.
    DockerArchive,
    /// A tar of an OCI layout.
    OciArchive,
    /// A folder that holds an OCI layout.
    Oci,
}

/// Where the image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The small image that the program carries.
    Demo,
    /// A name, id or digest in a local engine.
    Engine {
        /// Which engine may be asked.
        engine: EngineKind,
        /// The name, id or digest as the engine understands it.
        name: String,
    },
    /// A file: a docker-archive or an oci-archive, compressed or not.
    Archive {
        /// The file.
        path: PathBuf,
        /// An image in it, where the reference names one (`docker-archive:FILE:NAME`).
        image: Option<String>,
    },
    /// Standard input carries an archive.
    Stdin,
    /// A folder that holds an OCI layout (or an unpacked docker-archive).
    Layout {
        /// The folder.
        path: PathBuf,
        /// The tag in it, where the reference names one (`oci:DIR:TAG`).
        image: Option<String>,
    },
}

impl Reference {
    /// Reads what was typed. `forced` is `--source`; it decides for a reference that carries no scheme.
    ///
    /// # Errors
    /// A scheme that is not known, a scheme that contradicts `--source`, or nothing behind the scheme.
    pub fn parse(text: &str, forced: Option<SourceKind>) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::usage("the image reference is empty")
                .hint("layerscope IMAGE, for example: layerscope nginx:latest"));
        }
        let (kind, place) = match split_scheme(text)? {
            Some((scheme, place)) => {
                if place.is_empty() {
                    return Err(Error::usage(format!("nothing follows the scheme in '{text}'"))
                        .hint("name an image or a file behind it, for example: docker-archive://image.tar"));
                }
                if let Some(forced) = forced.filter(|forced| *forced != scheme) {
                    return Err(Error::usage(format!(
                        "'{text}' names one source and --source {} another",
                        forced.name()
                    ))
                    .hint("give only one of the two"));
                }
                (Some(scheme), place)
            }
            None => (forced, text),
        };
        Ok(match kind {
            Some(SourceKind::Docker) => Self::Engine { engine: EngineKind::Docker, name: place.to_owned() },
            Some(SourceKind::Podman) => Self::Engine { engine: EngineKind::Podman, name: place.to_owned() },
            Some(SourceKind::DockerArchive | SourceKind::OciArchive) if place == "-" => Self::Stdin,
            Some(SourceKind::DockerArchive | SourceKind::OciArchive) => {
                let (path, image) = split_place(place);
                Self::Archive { path, image }
            }
            Some(SourceKind::Oci) => {
                let (path, image) = split_place(place);
                Self::Layout { path, image }
            }
            None => guess(text),
        })
    }
}

impl SourceKind {
    /// All of them, in the order in which `--help` names them.
    pub const ALL: [Self; 5] = [Self::Docker, Self::Podman, Self::DockerArchive, Self::OciArchive, Self::Oci];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::DockerArchive => "docker-archive",
            Self::OciArchive => "oci-archive",
            Self::Oci => "oci",
        }
    }

    fn from_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            // skopeo's docker-daemon: is the engine; its docker:// is a registry, which for us is the engine's business.
            "docker-daemon" => Some(Self::Docker),
            // dive's second name for an archive.
            "docker-tar" => Some(Self::DockerArchive),
            other => Self::ALL.into_iter().find(|kind| kind.name() == other),
        }
    }
}

/// Splits `scheme://place` and skopeo's `scheme:place`. A word before a bare colon is a scheme only when it is one
/// of ours: `nginx:latest` is a name.
fn split_scheme(text: &str) -> Result<Option<(SourceKind, &str)>> {
    if let Some((scheme, place)) = text.split_once("://") {
        return SourceKind::from_scheme(scheme).map(|kind| Some((kind, place))).ok_or_else(|| {
            let known: Vec<_> = SourceKind::ALL.iter().map(|kind| format!("{}://", kind.name())).collect();
            Error::usage(format!("'{scheme}://' is not a source that layerscope reads"))
                .hint(format!("known: {}", known.join(" ")))
        });
    }
    let Some((scheme, place)) = text.split_once(':') else { return Ok(None) };
    // `docker:24` and `podman:latest` are names of images; skopeo has no such short form either.
    if matches!(scheme, "docker" | "podman") {
        return Ok(None);
    }
    // `oci:1.2` beside a folder is a reference to the folder; an image called `oci` is asked for with docker://oci:1.2.
    Ok(SourceKind::from_scheme(scheme).map(|kind| (kind, place)))
}

/// Splits `PATH[:IMAGE]`: the whole is a path when it exists, else the image stands behind the first colon.
fn split_place(place: &str) -> (PathBuf, Option<String>) {
    if Path::new(place).exists() {
        return (PathBuf::from(place), None);
    }
    match place.split_once(':') {
        Some((path, image)) if !path.is_empty() && !image.is_empty() => (PathBuf::from(path), Some(image.to_owned())),
        _ => (PathBuf::from(place), None),
    }
}

/// A reference without scheme: `-`, something that exists on disk, something that can only be a path, or a name.
fn guess(text: &str) -> Reference {
    if text == "-" {
        return Reference::Stdin;
    }
    let path = PathBuf::from(text);
    if path.is_dir() && holds_image(&path) {
        return Reference::Layout { path, image: None };
    }
    let is_file = path.exists() && !path.is_dir();
    if is_file || looks_like_path(text) {
        return if path.is_dir() {
            Reference::Layout { path, image: None }
        } else {
            Reference::Archive { path, image: None }
        };
    }
    Reference::Engine { engine: EngineKind::Any, name: text.to_owned() }
}

/// A folder called `nginx` in the working folder must not hide the image `nginx`.
fn holds_image(folder: &Path) -> bool {
    folder.join("index.json").exists() || folder.join("oci-layout").exists() || folder.join("manifest.json").exists()
}

fn looks_like_path(text: &str) -> bool {
    let archive = [".tar", ".tgz", ".tar.gz", ".tar.zst"].iter().any(|end| text.ends_with(end));
    archive || text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text.starts_with("~/")
}
