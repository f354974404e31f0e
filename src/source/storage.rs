//! An engine's own store, read in place where this user may: the lists of headers that Docker's overlay2 and
//! fuse-overlayfs and Podman's overlay keep of each layer with the folders of its files, and the blobs of containerd's
//! content store. What is found is held against its digest; anything unexpected is a reason to ask the engine for its
//! export. Knows no tar.

mod content;
mod overlay;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

pub use content::Content;

use super::part::Part;
use crate::units::hex;

/// Where an image was found.
#[derive(Debug, Clone)]
pub enum Found {
    /// Its layers lie apart, as lists and folders.
    Layers(Stored),
    /// Its documents and layers lie as blobs.
    Blobs(Content),
}

/// An image whose layers lie apart.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The config, as its digest says.
    pub config: Vec<u8>,
    /// The layers, lowest first.
    pub layers: Vec<StoredLayer>,
}

/// A layer that lies apart.
#[derive(Debug, Clone)]
pub struct StoredLayer {
    list: PathBuf,
    folder: Arc<Folder>,
}

/// Where a layer lies in a store.
#[derive(Debug, Clone)]
pub enum Lies {
    /// As a list and a folder.
    Apart(StoredLayer),
    /// As a blob.
    Blob(Part),
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

/// What an engine says of where an image lies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Driver {
    /// `overlay2` or `fuse-overlayfs` in Docker, `overlay` in Podman, a snapshotter's name with containerd's store.
    pub name: String,
    /// The folder of the topmost layer's files.
    pub upper: Option<PathBuf>,
    /// Those of the layers below, topmost first.
    pub lower: Vec<PathBuf>,
    /// The content store, where the engine keeps its images in one.
    pub contents: Option<Contents>,
    /// Where the engine's root folder is seen from here, where it is not ours as well: it runs in a container or a mount
    /// namespace of its own.
    pub root: Option<PathBuf>,
}

/// What an engine says of its content store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contents {
    /// Digest of the image's manifest, or of the index that lists it.
    pub target: String,
    /// The engine's own folder.
    pub engine: Option<PathBuf>,
    /// The socket of its containerd.
    pub socket: Option<PathBuf>,
}

impl Driver {
    /// A path as the engine sees it, seen from here.
    fn seen(&self, path: &Path) -> PathBuf {
        match &self.root {
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        }
    }
}

/// Finds an image in the store that its engine names.
///
/// # Errors
/// It is not to be read in place.
pub fn find(driver: &Driver, id: &str, diff_ids: &[String]) -> Result<Found, Refusal> {
    if let Some(contents) = &driver.contents {
        return content::find(driver, contents).map(Found::Blobs);
    }
    let closed = |why: &str| Refusal::Closed(why.to_owned());
    let upper = driver.upper.as_deref().ok_or_else(|| closed("the engine does not say where its layers lie"))?;
    let folders: Vec<PathBuf> =
        driver.lower.iter().rev().map(PathBuf::as_path).chain([upper]).map(|folder| driver.seen(folder)).collect();
    // ROOT/overlay2/ID/diff
    let root = upper.ancestors().nth(3).ok_or_else(|| closed("its folders are of no known form"))?;
    let root = driver.seen(root);
    readable(&driver.seen(upper))?;
    if folders.len() != diff_ids.len() {
        return Err(Refusal::Odd(format!("{} folders for {} layers", folders.len(), diff_ids.len())));
    }
    match driver.name.as_str() {
        driver @ ("overlay2" | "fuse-overlayfs") => overlay::docker(&root, driver, id, diff_ids).map(Found::Layers),
        "overlay" => overlay::podman(&root, id, diff_ids, &folders).map(Found::Layers),
        other => Err(Refusal::Closed(format!("layers in a store of the kind '{other}' are not read"))),
    }
}

/// Whether this user may read a folder that the engine names.
fn readable(folder: &Path) -> Result<(), Refusal> {
    std::fs::read_dir(folder).map(drop).map_err(|error| refused(&error))
}

fn refused(error: &io::Error) -> Refusal {
    Refusal::Closed(match error.kind() {
        io::ErrorKind::PermissionDenied => "this user may not read the engine's store".to_owned(),
        _ => format!("the engine's store is not on this machine ({error})"),
    })
}

fn digits(digest: &str) -> Result<&str, Refusal> {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    let is_plain = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_plain { Ok(digits) } else { Err(Refusal::Odd("a digest is of no known form".into())) }
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(path).map_err(|error| Refusal::Odd(format!("{}: {error}", path.display())))
}

fn text(path: &Path) -> Result<String, Refusal> {
    String::from_utf8(read(path)?).map_err(|_bytes| Refusal::Odd(format!("{} is no text", path.display())))
}

fn verified(path: &Path, digest: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = read(path)?;
    if hex(&Sha256::digest(&bytes)) == digits(digest)? {
        return Ok(bytes);
    }
    Err(Refusal::Odd(format!("{} does not have its digest", path.display())))
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
    fn open_at(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    fn at(path: &Path) -> Result<Arc<Self>, Refusal> {
        let folder = Self::open_at(path).map_err(|error| Refusal::Odd(format!("{}: {error}", path.display())))?;
        Ok(Arc::new(folder))
    }

    /// Opens a regular file of so many bytes. Links are not followed: what is meant is what lies there itself.
    ///
    /// # Errors
    /// It is not there, is something else, or has another size.
    pub fn open(&self, name: &[u8], size: u64) -> io::Result<File> {
        let (file, length) = self.open_any(name)?;
        if length == size {
            return Ok(file);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "a file in the engine's store is not what its layer says"))
    }

    /// Opens a regular file, and tells its bytes.
    fn open_any(&self, name: &[u8]) -> io::Result<(File, u64)> {
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        // An absolute name is one from the image's root.
        let name = name.strip_prefix("/").unwrap_or(name);
        let file = open_beneath(&self.0, name).map_err(|error| unopened(name, error))?;
        let metadata = file.metadata()?;
        if metadata.is_file() {
            return Ok((file, metadata.len()));
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "what should be a file in the engine's store is none"))
    }
}

/// A rootless engine's user owns its folders, and not the files of the other users in an image: those belong to numbers
/// that only the engine's user namespace gives away (subuid(5)).
fn unopened(name: &Path, error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error;
    }
    let why =
        format!("this user may not read '{}' there, and could inside the engine's user namespace", name.display());
    io::Error::new(error.kind(), format!("{why} (podman unshare, nsenter --user)"))
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
