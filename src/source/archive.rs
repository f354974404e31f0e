//! An archive as a set of named members: a file that is read in place, or a stream that goes by once.
//! Knows names and bytes of members, nothing of what they mean.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use tar::{Archive, EntryType};

use super::part::Part;
use crate::error::{Error, Result};

/// How many links one may lead to before it is a circle.
const MOST_HOPS: usize = 16;

/// Read at once while hopping from header to header, in bytes: two, for a long name takes more than one.
const HEADERS: usize = 1024;

/// Folders at the top of a root file system. An image archive has none of them.
const ROOT_FOLDERS: [&str; 9] = ["bin", "etc", "usr", "lib", "proc", "sys", "dev", "sbin", "root"];

/// An uncompressed archive file. Its headers were read by hopping from one to the next; members are read in place.
pub struct ArchiveFile {
    file: Arc<File>,
    /// Offset and size of each file.
    members: HashMap<String, (u64, u64)>,
    links: Links,
    /// Why the list of members ends early, when it does.
    broken: Option<String>,
}

impl ArchiveFile {
    /// Reads the headers of the archive.
    ///
    /// # Errors
    /// The first header cannot be read, or the archive is a bare root file system.
    pub fn open(file: File, path: &Path) -> Result<Self> {
        let unreadable = |error: &io::Error| Error::image(format!("cannot read {}", path.display())).caused_by(error);
        let length = file.metadata().map_err(|error| unreadable(&error))?.len();
        let file = Arc::new(file);
        let mut archive = Archive::new(BufReader::with_capacity(HEADERS, Part::new(Arc::clone(&file), 0, length)));
        let (mut members, mut links, mut broken) = (HashMap::new(), Links::default(), None);
        for entry in archive.entries_with_seek().map_err(|error| unreadable(&error))? {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if members.is_empty() => return Err(unreadable(&error)),
                Err(error) => {
                    broken = Some(error.to_string());
                    break;
                }
            };
            let name = member_name(&entry.path_bytes());
            refuse_root_filesystem(&name, entry.header().entry_type())?;
            match entry.header().entry_type() {
                EntryType::Symlink => {
                    links.insert(name.clone(), beside(&name, &entry.link_name_bytes().unwrap_or_default()));
                }
                EntryType::Link => links.insert(name, member_name(&entry.link_name_bytes().unwrap_or_default())),
                kind if kind.is_file() || kind.is_contiguous() => {
                    let (offset, size) = (entry.raw_file_position(), entry.size());
                    let missing = offset.saturating_add(size).saturating_sub(length);
                    if missing > 0 {
                        broken = Some(format!("the file ends {missing} bytes before its member '{name}' does"));
                    }
                    members.insert(name, (offset, size));
                }
                _ => {}
            }
        }
        Ok(Self { file, members, links, broken })
    }

    /// Why the list of members ends early, when it does.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Whether there is a member of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Opens a member, links followed.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Part> {
        let (offset, size) = self.find(name)?;
        Some(Part::new(Arc::clone(&self.file), offset, size))
    }

    fn find(&self, name: &str) -> Option<(u64, u64)> {
        self.members.get(self.links.follow(name)).copied()
    }
}

/// Members that are links, by name, with the name they lead to. The target may come later in the archive.
#[derive(Default)]
pub struct Links(HashMap<String, String>);

impl Links {
    /// Notes a link.
    pub fn insert(&mut self, name: String, target: String) {
        self.0.insert(name, target);
    }

    /// Every link with where it leads.
    #[must_use]
    pub fn all(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, target)| (name.as_str(), target.as_str())).collect()
    }

    /// The name behind all links; in a circle, any of its names.
    #[must_use]
    pub fn follow<'n>(&'n self, name: &'n str) -> &'n str {
        let mut name = name.strip_prefix("./").unwrap_or(name);
        for _ in 0..MOST_HOPS {
            match self.0.get(name) {
                Some(target) => name = target,
                None => break,
            }
        }
        name
    }
}

/// What a stream's member is.
pub enum Passing<'m> {
    /// A file with its contents, and how many bytes they are.
    File(&'m mut dyn Read, u64),
    /// Another name for the member of that name.
    Link(String),
}

/// Lets every member of a stream go by once.
///
/// # Errors
/// The stream is no tar, is a bare root file system, breaks off, or `visit` fails.
pub fn pass(stream: impl Read, mut visit: impl FnMut(&str, Passing<'_>) -> Result<()>) -> Result<()> {
    let mut archive = Archive::new(stream);
    let broken = |error: &io::Error| {
        Error::image("the archive cannot be read to its end")
            .caused_by(error)
            .hint("it is damaged or was cut off; save the image again")
    };
    for entry in archive.entries().map_err(|error| broken(&error))? {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let name = member_name(&entry.path_bytes());
        let kind = entry.header().entry_type();
        refuse_root_filesystem(&name, kind)?;
        match kind {
            EntryType::Symlink => {
                let target = beside(&name, &entry.link_name_bytes().unwrap_or_default());
                visit(&name, Passing::Link(target))?;
            }

            EntryType::Link => {
                let target = member_name(&entry.link_name_bytes().unwrap_or_default());
                visit(&name, Passing::Link(target))?;
            }

            kind if kind.is_file() || kind.is_contiguous() => {
                let size = entry.size();
                visit(&name, Passing::File(&mut entry, size))?;
            }
            _ => {}
        }
    }
    // What follows the end still counts: a checksum of the compression, and a writer that must not meet a closed pipe.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| broken(&error))?;
    Ok(())
}

/// People feed the output of `docker export` and wonder.
fn refuse_root_filesystem(name: &str, kind: EntryType) -> Result<()> {
    let top = name.split('/').next().unwrap_or_default();
    let is_root = (ROOT_FOLDERS.contains(&top) && (kind.is_dir() || kind.is_symlink() || name.contains('/')))
        || name == ".dockerenv";
    if !is_root {
        return Ok(());
    }
    Err(Error::image("this is a plain root file system, not an image: it has no layers")
        .because(format!("it holds '{name}', as the output of docker export or podman export does"))
        .hint("save the image instead: docker save NAME -o image.tar\nor make an image of it first: docker import FILE NAME, then: layerscope NAME"))
}

/// A member's name without `./` and closing slash. Names in manifests are UTF-8, so others need not be told apart.
fn member_name(bytes: &[u8]) -> String {
    let name = String::from_utf8_lossy(bytes);
    let parts: Vec<_> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    parts.join("/")
}

/// The target of a symbolic link, seen from the folder of the link.
fn beside(name: &str, target: &[u8]) -> String {
    let target = String::from_utf8_lossy(target);
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { name.split('/').collect() };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_from_their_folder() {
        assert_eq!(beside("aa/layer.tar", b"../bb/layer.tar"), "bb/layer.tar");
        assert_eq!(beside("aa/layer.tar", b"other.tar"), "aa/other.tar");
        assert_eq!(beside("x", b"../../etc/passwd"), "etc/passwd");
    }

    #[test]
    fn circles_end() {
        let mut links = Links::default();
        links.insert("a".into(), "b".into());
        links.insert("b".into(), "a".into());
        assert!(["a", "b"].contains(&links.follow("a")));
        assert_eq!(links.follow("./c"), "c");
    }
}
