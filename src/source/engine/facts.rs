//! What an engine says of an image, in our words. Asks nobody.

use std::io;
use std::path::PathBuf;

use bollard::models::{ImageHistoryResponseItem, ImageInspect, SystemInfo};

use crate::error::Error;
use crate::platform::Platform;
use crate::source::client::Client;
use crate::source::storage::{Contents, Driver};

/// What an engine with containerd's store says of its driver (moby, daemon/info.go).
const SNAPSHOTTER: &str = "io.containerd.snapshotter.v1";

/// What an engine says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFacts {
    /// Which engine answered: `docker 26.1.5 at unix:///run/docker.sock`.
    pub source: String,
    /// How the bytes are got.
    pub method: &'static str,
    /// The image's id, `sha256:…`.
    pub id: String,
    /// Its names.
    pub tags: Vec<String>,
    /// Its names by digest in registries.
    pub repo_digests: Vec<String>,
    /// The operating system it is for.
    pub os: String,
    /// The processor it is for.
    pub architecture: String,
    /// The processor's variant, where one is named.
    pub variant: Option<String>,
    /// When it was made, RFC 3339.
    pub created: Option<String>,
    /// Bytes as the engine counts them, which differs between engines; 0 when it does not say.
    pub size: u64,
    /// The digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<String>,
    /// The steps that made it, oldest first.
    pub history: Vec<EngineHistory>,
    /// Where the engine's own store has it.
    pub driver: Driver,
}

/// One step of an image's history as an engine tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineHistory {
    /// Seconds since 1970.
    pub created: i64,
    /// The command.
    pub created_by: String,
    /// What the builder noted.
    pub comment: String,
    /// Bytes that the step added.
    pub size: u64,
    /// Names of the image as it was after this step.
    pub tags: Vec<String>,
}

impl EngineFacts {
    /// What the image runs on.
    #[must_use]
    pub fn platform(&self) -> Platform {
        let variant = self.variant.clone().filter(|variant| !variant.is_empty());
        Platform { os: self.os.clone(), architecture: self.architecture.clone(), variant }
    }

    /// Whether it comes from a Docker that names layers by ids of an old kind: before 25.
    #[must_use]
    pub fn is_old_docker(&self) -> bool {
        let major = self.source.strip_prefix("docker ").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        major.is_some_and(|major| major < 25)
    }

    /// An export that failed on the way, as it is told to a person.
    #[must_use]
    pub fn export_failed(&self, cause: &io::Error) -> Error {
        let program = self.source.split(' ').next().unwrap_or("docker");
        let name = self.tags.first().unwrap_or(&self.id);
        Error::image(format!("the export of {name} did not arrive whole"))
            .caused_by(cause)
            .hint(format!("try again; or save it to a file and read that: {program} save {name} -o image.tar, then layerscope image.tar"))
    }
}

pub(super) fn facts(
    client: &Client,
    inspect: ImageInspect,
    history: Vec<ImageHistoryResponseItem>,
    driver: Driver,
) -> EngineFacts {
    let step = |item: ImageHistoryResponseItem| EngineHistory {
        created: item.created,
        created_by: item.created_by,
        comment: item.comment,
        size: bytes(item.size),
        tags: item.tags,
    };
    EngineFacts {
        driver,
        source: client.place.clone(),
        method: "export",
        id: inspect.id.map(with_algorithm).unwrap_or_default(),
        tags: named(inspect.repo_tags.unwrap_or_default()),
        repo_digests: named(inspect.repo_digests.unwrap_or_default()),
        os: inspect.os.unwrap_or_default(),
        architecture: inspect.architecture.unwrap_or_default(),
        variant: inspect.variant.filter(|variant| !variant.is_empty()),
        created: inspect.created.filter(|created| !created.is_empty()),
        size: bytes(inspect.size.unwrap_or_default()),
        diff_ids: inspect.root_fs.and_then(|files| files.layers).unwrap_or_default(),
        history: history.into_iter().rev().map(step).collect(),
    }
}

/// Where the image lies, as the engine sees it.
pub(super) fn driver(inspect: &ImageInspect, info: Option<SystemInfo>) -> Driver {
    let graph = inspect.graph_driver.as_ref();
    let folders = |key: &str| {
        let paths = graph.and_then(|graph| graph.data.get(key)).map_or("", String::as_str);
        paths.split(':').filter(|path| !path.is_empty()).map(PathBuf::from)
    };
    // With containerd's store Docker tells so, and since 25 takes the digest of what a name stands for as the id.
    let is_content = |info: &SystemInfo| info.driver_status.iter().flatten().flatten().any(|word| word == SNAPSHOTTER);
    let target = inspect.descriptor.as_ref().and_then(|target| target.digest.clone()).or_else(|| inspect.id.clone());
    let contents = info.filter(is_content).map(|info| Contents {
        target: target.unwrap_or_default(),
        engine: info.docker_root_dir.map(PathBuf::from),
        socket: info.containerd.and_then(|containerd| containerd.address).map(PathBuf::from),
    });
    Driver {
        upper: folders("UpperDir").next(),
        lower: folders("LowerDir").collect(),
        name: graph.map(|graph| graph.name.clone()).unwrap_or_default(),
        contents,
        root: None,
    }
}

/// Podman gives ids without the name of the hash in places.
fn with_algorithm(id: String) -> String {
    if id.contains(':') || id.is_empty() { id } else { format!("sha256:{id}") }
}

/// Old engines write `<none>:<none>` for "no name".
pub(super) fn named(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| !name.starts_with("<none>"));
    names
}

/// A size; engines write -1 for "not counted".
pub(super) fn bytes(size: i64) -> u64 {
    u64::try_from(size).unwrap_or_default()
}
