//! Finds the paths of databases in the index. A database says `/bin/sh` where the layer has `usr/bin/sh`: links to
//! folders are followed as they stand at a layer.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use twox_hash::XxHash3_64;

use crate::index::{Index, Kind, PathId, Stack};

/// Links to folders that one path may lead through; Linux stops there too.
const MOST_LINKS: u32 = 40;

/// The paths of an index by folder and name.
pub struct Paths<'i> {
    index: &'i Index,
    stack: &'i Stack,
    known: RefCell<Known>,
    /// Where folders that were links at some layer lead to.
    links: HashMap<(PathId, u32), Option<PathId>, FxBuildHasher>,
    /// The folder of the path before, as it was spelled: lists name a folder's files together.
    last: (PathId, u32, Vec<u8>, Option<PathId>),
}

/// What is in the folders that were asked for. Most of a large image are none: databases do not tell of it.
#[derive(Default)]
struct Known {
    paths: HashTable<PathId>,
    folders: HashSet<PathId, FxBuildHasher>,
}

impl Known {
    fn enter(&mut self, index: &Index, folder: PathId) {
        if self.folders.insert(folder) {
            for child in index.children(folder) {
                let hash = |path: &PathId| hash_of(index.parent(*path).unwrap_or(Index::ROOT), index.name(*path));
                self.paths.insert_unique(hash(&child), child, hash);
            }
        }
    }
}

impl<'i> Paths<'i> {
    pub fn new(index: &'i Index, stack: &'i Stack) -> Self {
        let (known, links) = (RefCell::default(), HashMap::default());
        Self { index, stack, known, links, last: (Index::ROOT, 0, Vec::new(), None) }
    }

    /// What a folder has under a name in any layer.
    pub fn child(&self, folder: PathId, name: &[u8]) -> Option<PathId> {
        let mut known = self.known.borrow_mut();
        known.enter(self.index, folder);
        let is_it = |path: &PathId| self.index.parent(*path) == Some(folder) && self.index.name(*path) == name;
        known.paths.find(hash_of(folder, name), is_it).copied()
    }

    /// A path below a folder, links in it followed as they stand at the layer, a link at its end not.
    pub fn find(&mut self, root: PathId, from: PathId, path: &[u8], layer: u32) -> Option<PathId> {
        let (folder, name) = memchr::memrchr(b'/', path).map_or((&b""[..], path), |at| (&path[..at], &path[at + 1..]));
        let is_last = self.last.0 == from && self.last.1 == layer && self.last.2 == folder;
        if !is_last {
            let found = self.walk(root, from, folder, layer, MOST_LINKS);
            self.last = (from, layer, folder.to_vec(), found);
        }
        match name {
            b"" | b"." => self.last.3,
            b".." => self.index.parent(self.last.3?),
            name => self.child(self.last.3?, name),
        }
    }

    fn walk(&mut self, root: PathId, from: PathId, path: &[u8], layer: u32, links: u32) -> Option<PathId> {
        let mut at = from;
        for part in path.split(|&byte| byte == b'/') {
            at = match part {
                b"" | b"." => continue,
                b".." if at == root => root,
                b".." => self.index.parent(at).unwrap_or(Index::ROOT),
                name => {
                    let child = self.child(at, name)?;
                    self.folder(root, child, layer, links)?
                }
            };
        }
        Some(at)
    }

    /// Where a folder really is.
    fn folder(&mut self, root: PathId, path: PathId, layer: u32, links: u32) -> Option<PathId> {
        let mut kinds = self.index.entries_of(path).map(|id| self.index.kind(id));
        if !kinds.any(|kind| kind == Kind::Symlink) {
            return Some(path);
        }
        if let Some(known) = self.links.get(&(path, layer)) {
            return *known;
        }
        let live = self.stack.object_at(self.index, path, layer);
        let target = live.and_then(|live| self.index.symlink_target(self.index.entry(live.entry)));
        let found = match target {
            // It is no link at this layer.
            None => Some(path),
            Some(_) if links == 0 => None,
            Some(target) => {
                let from = if target.starts_with(b"/") { root } else { self.index.parent(path).unwrap_or(root) };
                self.walk(root, from, target, layer, links - 1)
            }
        };
        self.links.insert((path, layer), found);
        found
    }
}

fn hash_of(folder: PathId, name: &[u8]) -> u64 {
    // xxh3 for the name: an image that is made for it must not make names meet.
    XxHash3_64::oneshot_with_seed(FxBuildHasher.hash_one(folder), name)
}
