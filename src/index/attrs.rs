//! Finds mode, owner and extended attributes again: images have few different ones, and each is stored once.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::entry::NONE;
use super::{Attrs, Index};
use crate::layer::{self, Xattr};

/// The tables, needed only while an index is filled. They hold places: keys of their own would be a second copy.
#[derive(Default)]
pub struct Tables {
    attrs: HashTable<u32>,
    xattrs: HashTable<u32>,
}

impl Tables {
    /// The place of an entry's attributes, stored now if they are new.
    pub fn place(&mut self, index: &mut Index, entry: &layer::Entry<'_>) -> u32 {
        let xattrs = match entry.xattrs {
            // Place 0 holds none.
            [] => 0,
            some => place_of(&mut self.xattrs, &mut index.xattrs, some, <[Xattr]>::to_vec),
        };
        let attrs = Attrs { mode: entry.mode, uid: entry.uid, gid: entry.gid, xattrs };
        place_of(&mut self.attrs, &mut index.attrs, &attrs, |attrs| *attrs)
    }
}

fn place_of<T: Borrow<K>, K: Hash + Eq + ?Sized>(
    table: &mut HashTable<u32>,
    stored: &mut Vec<T>,
    value: &K,
    own: impl Fn(&K) -> T,
) -> u32 {
    let hash = |value: &K| FxBuildHasher.hash_one(value);
    if let Some(place) = table.find(hash(value), |place| stored[*place as usize].borrow() == value) {
        return *place;
    }
    let place = u32::try_from(stored.len()).unwrap_or(NONE);
    stored.push(own(value));
    table.insert_unique(hash(value), place, |place| hash(stored[*place as usize].borrow()));
    place
}
