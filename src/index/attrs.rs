//! Finds mode, owner and extended attributes again: images have few different ones, and each is stored once.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

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
    /// What the last entry has; most have the same as the one before.
    last: Option<(Attrs, u32)>,
}

impl Tables {
    /// The place of an entry's attributes, stored now if they are new.
    pub fn place(&mut self, index: &mut Index, entry: &layer::Entry<'_>) -> u32 {
        let xattrs = match entry.xattrs {
            // Place 0 holds none.
            [] => 0,
            some => self.xattrs_place(index, some),
        };
        let attrs = Attrs { mode: entry.mode, uid: entry.uid, gid: entry.gid, xattrs };
        if let Some((_, place)) = self.last.filter(|(last, _)| *last == attrs) {
            return place;
        }
        let known = find(&self.attrs, &attrs, |place| index.attrs.get(place));
        let place = known.unwrap_or_else(|| {
            let place = index.attrs.push(attrs).unwrap_or(NONE);
            insert(&mut self.attrs, place, |place| index.attrs.get(place));
            place
        });
        self.last = Some((attrs, place));
        place
    }

    fn xattrs_place(&mut self, index: &mut Index, xattrs: &[Xattr]) -> u32 {
        if let Some(known) = find(&self.xattrs, xattrs, |place| index.xattrs[place as usize].as_slice()) {
            return known;
        }
        let stored = Arc::make_mut(&mut index.xattrs);
        let place = u32::try_from(stored.len()).unwrap_or(NONE);
        stored.push(xattrs.to_vec());
        insert(&mut self.xattrs, place, |place| stored[place as usize].as_slice());
        place
    }
}

fn find<'s, T: Hash + Eq + ?Sized + 's>(table: &HashTable<u32>, value: &T, at: impl Fn(u32) -> &'s T) -> Option<u32> {
    table.find(FxBuildHasher.hash_one(value), |place| at(*place) == value).copied()
}

/// Remembers a place that was just filled.
fn insert<'s, T: Hash + ?Sized + 's>(table: &mut HashTable<u32>, place: u32, at: impl Fn(u32) -> &'s T) {
    table.insert_unique(FxBuildHasher.hash_one(at(place)), place, |place| FxBuildHasher.hash_one(at(*place)));
}
