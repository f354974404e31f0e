//! An engine's own store, read in place where this user may: the lists of headers that Docker's overlay2 and Podman's
//! overlay keep of each layer, and the folders with the layer's files. What is found is held against its digest; anything
//! unexpected is a reason to ask the engine for its export. Knows no tar.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::units::hex;

/// An image in a store.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The config, as its digest says.
    pub config: Vec<u8>,
    /// The layers, lowest first.
    pub layers: Vec<StoredLayer>,
}

/// A layer in a store.
#[derive(Debug, Clone)]
pub struct StoredLayer {
    list: PathBuf,
    folder: Arc<Folder>,
}

/// A folder from which nothing leads out.
#[derive(Debug)]
pub struct Folder(File);

/// Why a store is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// This user may not, or it is on another machine, or of a kind that is not read. Nothing unusual.
    Closed(String),
    /// It is there and not as it should be.
    Odd(String),
}

/// What inspect says of where an image lies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Driver {
    /// `overlay2` in Docker, `overlay` in Podman.
    pub name: String,
    /// The folder of the topmost layer's files.
    pub upper: Option<PathBuf>,
    /// Those of the layers below, topmost first.
    pub lower: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct PodmanLayer {
    id: String,
    #[serde(rename = "diff-digest")]
    diff_digest: Option<String>,
}

/// Finds an image in the store that inspect names.
///
/// # Errors
/// It is not to be read in place.
pub fn find(driver: &Driver, id: &str, diff_ids: &[String]) -> Result<Stored, Refusal> {
    let closed = |why: &str| Refusal::Closed(why.to_owned());
    let upper = driver.upper.as_deref().ok_or_else(|| closed("the engine does not say where its layers lie"))?;
    let folders: Vec<&Path> = driver.lower.iter().rev().map(PathBuf::as_path).chain([upper]).collect();
    // ROOT/overlay2/ID/diff
    let driver_folder =
        upper.parent().and_then(Path::parent).ok_or_else(|| closed("its folders are of no known form"))?;
    let root = driver_folder.parent().ok_or_else(|| closed("its folders are of no known form"))?;
    if let Err(error) = std::fs::read_dir(upper) {
        return Err(match error.kind() {
            io::ErrorKind::PermissionDenied => closed("this user may not read the engine's store"),
            _ => Refusal::Closed(format!("the engine's store is not on this machine ({error})")),
        });
    }
    if folders.len() != diff_ids.len() {
        return Err(Refusal::Odd(format!("{} folders for {} layers", folders.len(), diff_ids.len())));
    }
    match driver.name.as_str() {
        "overlay2" => docker(root, id, diff_ids),
        "overlay" => podman(root, id, diff_ids, &folders),
        other => Err(Refusal::Closed(format!("layers in a store of the kind '{other}' are not read"))),
    }
}

/// Docker's layer store: `image/overlay2/layerdb/sha256/CHAIN` has for each layer its list and the name of its folder
/// (moby, layer/filestore.go); a chain id is made of the diff ids below (OCI image spec, config.md, "Layer ChainID").
fn docker(root: &Path, id: &str, diff_ids: &[String]) -> Result<Stored, Refusal> {
    let base = root.join("image/overlay2");
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
        let files = root.join("overlay2").join(cache_id).join("diff");
        layers.push(StoredLayer { list: folder.join("tar-split.json.gz"), folder: open_folder(&files)? });
    }
    Ok(Stored { config, layers })
}

/// Podman's store: `overlay-layers/layers.json` knows the digests, `overlay-layers/ID.tar-split.gz` is the list, and
/// `overlay-images/ID` has the config under its digest in base64 (containers/storage, layers.go, images.go).
fn podman(root: &Path, id: &str, diff_ids: &[String], folders: &[&Path]) -> Result<Stored, Refusal> {
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
        layers.push(StoredLayer { list, folder: open_folder(files)? });
    }
    Ok(Stored { config, layers })
}

fn digits(digest: &str) -> Result<&str, Refusal> {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    let is_plain = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_plain { Ok(digits) } else { Err(Refusal::Odd("a digest is of no known form".into())) }
}

fn text(path: &Path) -> Result<String, Refusal> {
    std::fs::read_to_string(path).map_err(|error| Refusal::Odd(format!("{}: {error}", path.display())))
}

fn verified(path: &Path, digest: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = std::fs::read(path).map_err(|error| Refusal::Odd(format!("{}: {error}", path.display())))?;
    if hex(&Sha256::digest(&bytes)) == digits(digest)? {
        return Ok(bytes);
    }
    Err(Refusal::Odd(format!("{} does not have its digest", path.display())))
}

fn open_folder(path: &Path) -> Result<Arc<Folder>, Refusal> {
    let folder = File::open(path).map_err(|error| Refusal::Odd(format!("{}: {error}", path.display())))?;
    Ok(Arc::new(Folder(folder)))
}

impl StoredLayer {
    /// The list of its headers, as it is stored.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn list(&self) -> io::Result<File> {
        File::open(&self.list)
    }

    /// The folder with its files.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }
}

impl Folder {
    /// Opens a regular file of so many bytes. Links are not followed: what is meant is what lies there itself.
    ///
    /// # Errors
    /// It is not there, is something else, or has another size.
    pub fn open(&self, name: &[u8], size: u64) -> io::Result<File> {
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        // An absolute name is one from the image's root.
        let name = name.strip_prefix("/").unwrap_or(name);
        let file = open_beneath(&self.0, name)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && metadata.len() == size {
            return Ok(file);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "a file in the engine's store is not what its layer says"))
    }
}

#[cfg(target_os = "linux")]
fn open_beneath(folder: &File, name: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
    // Neither a pipe nor a device may keep anybody waiting.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(folder, name, flags, Mode::empty(), within)?.into())
}

/// Engines keep their images on Linux; elsewhere they are in a virtual machine.
#[cfg(not(target_os = "linux"))]
fn open_beneath(_: &File, _: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}
