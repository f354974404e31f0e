//! What an analysis of findings works on: the image with its index, what is known of contents, and the rules.

use super::content::{Fact, Gathered};
use super::rules::Rules;
use crate::image::Image;
use crate::index::walk::{Live, Order, walk};
use crate::index::{Entry, EntryId, Index, Kind, PathId, Stack};

/// An image to be analysed.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// What it is.
    pub image: &'a Image,
    /// As it was asked for.
    pub reference: &'a str,
    /// What is where.
    pub index: &'a Index,
    /// Which slot is which layer.
    pub stack: &'a Stack,
    /// What is known of contents.
    pub gathered: &'a Gathered,
    /// What is looked for.
    pub rules: &'a Rules,
}

/// Links that are followed before it is a circle, as Linux does (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The file system as a container sees it.
pub struct Merged<'a> {
    subject: Subject<'a>,
    /// What stands at each path.
    live: Vec<Option<Live>>,
}

/// A path that was followed to its end.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Where it ends.
    pub path: PathId,
    /// What stands there.
    pub live: Live,
}

impl<'a> Merged<'a> {
    /// Puts the layers over each other.
    #[must_use]
    pub fn new(subject: Subject<'a>) -> Self {
        let mut live = vec![None; subject.index.paths()];
        walk(subject.index, subject.stack, Order::Any, |story| live[story.path.place()] = story.live);
        Self { subject, live }
    }

    /// What stands at a path.
    #[must_use]
    pub fn at(&self, path: PathId) -> Option<Live> {
        self.live.get(path.place()).copied().flatten()
    }

    /// The file that an entry is, hard links followed.
    #[must_use]
    pub fn file(&self, live: Live) -> Option<Live> {
        let index = self.subject.index;
        if let Some(entry) = index.inode(live.entry) {
            return (index.entry(entry).kind == Kind::File).then_some(Live { layer: live.layer, entry });
        }
        let target = index.hardlink_target(index.entry(live.entry))?;
        let below = self.subject.stack.object_at(index, target, live.layer)?;
        let entry = index.inode(below.entry)?;
        (index.entry(entry).kind == Kind::File).then_some(Live { layer: below.layer, entry })
    }

    /// What is known of the contents of an entry, hard links followed.
    #[must_use]
    pub fn fact(&self, live: Live) -> Option<&'a Fact> {
        self.subject.gathered.fact(self.subject.index, self.file(live)?.entry)
    }

    /// All bytes of the file at a path, symbolic links followed, if they were kept.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&'a [u8]> {
        self.fact(self.resolve(path.as_bytes())?.live)?.whole.as_deref()
    }

    /// Follows a path from the root to what it means.
    #[must_use]
    pub fn resolve(&self, path: &[u8]) -> Option<Found> {
        let index = self.subject.index;
        let mut left: Vec<Vec<u8>> = path.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect();
        let (mut at, mut links) = (Index::ROOT, 0);
        while let Some(part) = left.pop() {
            match part.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    at = index.parent(at).unwrap_or(Index::ROOT);
                    continue;
                }
                _ => {}
            }
            let child = index.children(at).find(|child| index.name(*child) == part && self.at(*child).is_some())?;
            let entry = index.entry(self.at(child)?.entry);
            let Some(target) = index.symlink_target(entry) else {
                at = child;
                continue;
            };
            links += 1;
            if links > MOST_LINKS {
                return None;
            }
            if target.starts_with(b"/") {
                at = Index::ROOT;
            }
            left.extend(target.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec));
        }
        Some(Found { path: at, live: self.at(at)? })
    }

    /// What hangs in a folder, by name.
    pub fn children(&self, folder: PathId) -> impl Iterator<Item = (PathId, Live)> + '_ {
        self.subject.index.children(folder).filter_map(|child| Some((child, self.at(child)?)))
    }

    /// Everything that stands somewhere.
    pub fn all(&self) -> impl Iterator<Item = (PathId, Live, Entry)> + '_ {
        (0_u32..).zip(&self.live).filter_map(|(place, live)| {
            let live = (*live)?;
            Some((PathId::from_place(place), live, self.subject.index.entry(live.entry)))
        })
    }

    /// Permission bits of an entry, hard links followed.
    #[must_use]
    pub fn mode(&self, live: Live) -> u16 {
        let index = self.subject.index;
        let entry = self.file(live).map_or(live.entry, |file| file.entry);
        index.attrs(index.entry(entry)).mode
    }
}

/// Bytes that findings have taken, so that none is taken twice.
#[derive(Debug, Default)]
pub struct Claims {
    taken: std::collections::HashMap<EntryId, u64>,
}

impl Claims {
    /// Takes the bytes of a file that are left, at most `most`; returns how many these are.
    pub fn take(&mut self, entry: EntryId, size: u64, most: u64) -> u64 {
        let taken = self.taken.entry(entry).or_default();
        let left = size.saturating_sub(*taken).min(most);
        *taken += left;
        left
    }

    /// Whether nothing of the file is taken yet.
    #[must_use]
    pub fn is_free(&self, entry: EntryId) -> bool {
        self.taken.get(&entry).is_none_or(|taken| *taken == 0)
    }
}
