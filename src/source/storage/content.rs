//! containerd's content store: blobs by their digests, `blobs/ALGORITHM/DIGITS` below the folder of its content plugin
//! (containerd, plugins/content/local/store.go). Namespaces are kept in a database beside it and share the blobs, so
//! that a digest is all that one needs. The store may lack blobs: those of other platforms, and those of layers that
//! were thrown away once they were unpacked (`discard_unpacked_layers`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::{Contents, Driver, Folder, Refusal, digits, refused};
use crate::source::part::Part;

/// The folder of the content plugin in containerd's own.
const PLUGIN: &str = "io.containerd.content.v1.content";

/// containerd's folder in that of a Docker engine that starts one for itself (moby, libcontainerd/supervisor).
const STARTED_BY_DOCKER: &str = "containerd/daemon";

/// Where containerd keeps its things unless it is told otherwise, and where it is told (containerd, defaults).
const USUAL_FOLDER: &str = "/var/lib/containerd";
const USUAL_CONFIG: &str = "/etc/containerd/config.toml";

/// The name that Docker gives the configuration of a containerd that it starts, beside its socket.
const CONFIG_BY_DOCKER: &str = "containerd.toml";

/// Longest configuration that is looked at.
const MOST_CONFIG_BYTES: u64 = 1024 * 1024;

/// An image in a content store.
#[derive(Debug, Clone)]
pub struct Content {
    /// Digest of its manifest, or of the index that lists it.
    pub target: String,
    folder: Arc<Folder>,
}

#[derive(Deserialize)]
struct Config {
    root: Option<PathBuf>,
}

/// Finds the content store that has the image.
pub(super) fn find(driver: &Driver, contents: &Contents) -> Result<Content, Refusal> {
    let target = format!("sha256:{}", digits(&contents.target)?);
    let mut why = io::Error::from(io::ErrorKind::NotFound);
    for folder in folders(driver, contents) {
        let content = Folder::open_at(&folder.join(PLUGIN))
            .map(|folder| Content { target: target.clone(), folder: Arc::new(folder) });
        match content.and_then(|content| content.blob(&name(&target)).map(|found| found.map(|_| content))) {
            Ok(Some(content)) => return Ok(content),
            // What one may not look at says more than what is not there.
            Err(error) if why.kind() != io::ErrorKind::PermissionDenied => why = error,
            Ok(None) | Err(_) => {}
        }
    }
    Err(refused(&why))
}

/// Where containerd may keep its things, seen from here, the likeliest first.
fn folders(driver: &Driver, contents: &Contents) -> Vec<PathBuf> {
    let beside = contents.socket.as_deref().and_then(Path::parent).map(|folder| folder.join(CONFIG_BY_DOCKER));
    let told = beside.iter().map(PathBuf::as_path).chain([Path::new(USUAL_CONFIG)]);
    let told = told.filter_map(|config| told_by(&driver.seen(config)));
    let own = contents.engine.iter().map(|folder| folder.join(STARTED_BY_DOCKER));
    own.chain(told).chain([USUAL_FOLDER.into()]).map(|folder| driver.seen(&folder)).collect()
}

fn told_by(config: &Path) -> Option<PathBuf> {
    let length = std::fs::metadata(config).ok().filter(std::fs::Metadata::is_file)?.len();
    let text =
        Some(config).filter(|_| length <= MOST_CONFIG_BYTES).and_then(|path| std::fs::read_to_string(path).ok())?;
    toml::from_str::<Config>(&text).ok()?.root.filter(|root| root.is_absolute())
}

/// The name of a blob, as in an OCI layout.
fn name(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

impl Content {
    /// Opens a blob by its name in an OCI layout; `None` when there is none.
    ///
    /// # Errors
    /// It is there and cannot be read, or is no file.
    pub fn blob(&self, name: &str) -> io::Result<Option<Part>> {
        match self.folder.open_any(name.as_bytes()) {
            Ok((file, length)) => Ok(Some(Part::new(Arc::new(file), 0, length))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
