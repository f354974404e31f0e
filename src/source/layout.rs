//! A folder that holds an OCI layout, skopeo's `dir:` or an unpacked docker-archive.
//! Knows names and bytes of files, nothing of what they mean.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::part::Part;
use crate::error::{Error, Result};

/// The folder.
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// Looks whether the folder can be an image.
    ///
    /// # Errors
    /// It is not there, is no folder, or holds neither `index.json` nor `manifest.json`.
    pub fn open(folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let metadata = std::fs::metadata(folder)
            .map_err(|error| Error::image(format!("cannot read {shown}")).caused_by(&error))?;
        if !metadata.is_dir() {
            return Err(Error::image(format!("{shown} is not a folder"))
                .hint(format!("for an archive file: layerscope oci-archive://{shown}")));
        }
        let layout = Self { folder: folder.to_owned() };
        if ["index.json", "manifest.json"].iter().any(|name| layout.has(name)) {
            return Ok(layout);
        }
        let error =
            Error::image(format!("{shown} holds no image: there is neither an index.json nor a manifest.json in it"));
        Err(if folder.join("etc").is_dir() || folder.join("usr").is_dir() {
            error.because("it looks like an unpacked root file system").hint("layerscope reads images, not unpacked containers; save the image instead: docker save NAME -o image.tar")
        } else {
            error.hint("expected: an OCI layout, as skopeo copy … oci:DIR or umoci write it")
        })
    }

    /// Whether there is a file of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_some_and(|path| path.is_file())
    }

    /// Opens a file; `None` when there is none.
    ///
    /// # Errors
    /// It is there and cannot be opened.
    pub fn member(&self, name: &str) -> Result<Option<Part>> {
        let Some(path) = self.path(name).filter(|path| path.is_file()) else { return Ok(None) };
        let unreadable =
            |error: &std::io::Error| Error::image(format!("cannot read {}", path.display())).caused_by(error);
        let file = File::open(&path).map_err(|error| unreadable(&error))?;
        let size = file.metadata().map_err(|error| unreadable(&error))?.len();
        Ok(Some(Part::new(Arc::new(file), 0, size)))
    }

    /// The file of a name that a manifest states. A manifest comes from strangers: it may not name what lies outside.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let name = Path::new(name);
        let is_inside = name.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        is_inside.then(|| self.folder.join(name))
    }
}
