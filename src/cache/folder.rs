//! The cache's folder as a whole: what it holds, and how it is kept below its limit. Knows nothing of what is in a file.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::Cache;
use crate::error::{Error, Result};

/// How the names of what is being written begin.
pub const DRAFT: &str = "draft-";

/// A file that nobody finished in this time is nobody's any more.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// After the limit was passed, room is made for a tenth of it, so that it is not passed again at once.
const TENTHS_LEFT: u64 = 9;

/// What the folder holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Layers.
    pub layers: u64,
    /// Documents of images.
    pub images: u64,
    /// Bytes in all.
    pub bytes: u64,
}

/// What was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

struct Kept {
    path: PathBuf,
    name: String,
    bytes: u64,
    used: SystemTime,
}

impl Cache {
    /// Bytes that it holds at most.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Looks what is there. A folder that is not there holds nothing.
    #[must_use]
    pub fn held(&self) -> Held {
        self.files().iter().fold(Held::default(), |held, file| Held {
            layers: held.layers + u64::from(file.is_layer()),
            images: held.images + u64::from(file.name.starts_with("image-")),
            bytes: held.bytes + file.bytes,
        })
    }

    /// Takes away what was left unfinished, and what was not used for the longest time until the rest is below the
    /// limit.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn prune(&self) -> Result<Pruned> {
        let now = SystemTime::now();
        let (drafts, mut files): (Vec<_>, Vec<_>) = self.files().into_iter().partition(|file| !file.is_ours());
        let mut pruned = Pruned::default();
        let is_forgotten = |file: &&Kept| now.duration_since(file.used).is_ok_and(|age| age > FORGOTTEN);
        for draft in drafts.iter().filter(is_forgotten) {
            pruned.take(draft)?;
        }
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        if bytes <= self.limit {
            return Ok(pruned);
        }
        files.sort_by_key(|file| file.used);
        for file in &files {
            if bytes <= self.limit / 10 * TENTHS_LEFT {
                break;
            }
            pruned.take(file)?;
            bytes -= file.bytes;
        }
        Ok(pruned)
    }

    /// Takes away everything that it ever wrote.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn clear(&self) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        for file in self.files() {
            pruned.take(&file)?;
        }
        Ok(pruned)
    }

    /// Its files, drafts included. What else somebody put there is none of its business.
    fn files(&self) -> Vec<Kept> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let kept = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let (name, metadata) = (entry.file_name().into_string().ok()?, entry.metadata().ok()?);
            let kept = Kept { path: entry.path(), name, bytes: metadata.len(), used: metadata.modified().ok()? };
            (metadata.is_file() && (kept.is_ours() || kept.name.starts_with(DRAFT))).then_some(kept)
        });
        kept.collect()
    }
}

impl Kept {
    fn is_layer(&self) -> bool {
        self.name.starts_with("layer-") || self.name.starts_with("place-")
    }

    fn is_ours(&self) -> bool {
        self.is_layer() || ["image-", "index-", "points-", "secrets-"].iter().any(|kind| self.name.starts_with(kind))
    }
}

impl Pruned {
    fn take(&mut self, file: &Kept) -> Result<()> {
        match fs::remove_file(&file.path) {
            Ok(()) => {
                self.files += 1;
                self.bytes += file.bytes;
                Ok(())
            }
            // Somebody else was faster.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::output(&file.path.display().to_string(), &error)),
        }
    }
}
