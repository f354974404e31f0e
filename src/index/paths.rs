//! Finds paths by their folder and name while an index is filled.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::{Index, PathId, names};

/// Paths for which there is room from the first.
const LEAST: usize = 128;

/// All paths of an index but the root, which is in no folder.
#[derive(Default)]
pub struct Paths(HashTable<u32>);

impl Paths {
    /// The path of that name, whose hash is given, in a folder.
    pub fn find(&self, index: &Index, folder: PathId, name: &[u8], hash: u64) -> Option<PathId> {
        let is_it = |id: &u32| {
            let node = index.nodes.get(*id);
            node.parent == folder.0 && index.names.get(node.name) == name
        };
        self.0.find(in_folder(folder.0, hash), is_it).map(|id| PathId(*id))
    }

    /// Takes a path that the index has and that is not here yet, by the hash of its name.
    pub fn insert(&mut self, index: &Index, id: u32, hash: u64) {
        if self.0.len() == self.0.capacity() {
            self.grow(index);
        }
        let folder = index.nodes.get(id).parent;
        self.0.insert_unique(in_folder(folder, hash), id, |id| hash_of(index, *id));
    }

    /// Makes the table anew, twice as large. Going through the paths in their order, whose names lie in nearly the same,
    /// takes a fraction of the time that going through the old table would, and needs none beside the new one.
    fn grow(&mut self, index: &Index) {
        let paths = self.0.len();
        self.0 = HashTable::new();
        self.0 = HashTable::with_capacity((paths * 2).max(LEAST));
        for id in (Index::ROOT.0 + 1..).take(paths) {
            self.0.insert_unique(hash_of(index, id), id, |id| hash_of(index, *id));
        }
    }
}

fn hash_of(index: &Index, id: u32) -> u64 {
    let node = index.nodes.get(id);
    in_folder(node.parent, names::hash(index.names.get(node.name)))
}

/// Equal names in different folders must not meet.
fn in_folder(folder: u32, name: u64) -> u64 {
    FxBuildHasher.hash_one((folder, name))
}
