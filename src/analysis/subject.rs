//! What an analysis of findings works on: the image with its index, what is known of contents, and the rules.

use rustc_hash::FxHashMap;

use super::content::{Fact, Gathered};
use super::rules::Rules;
use crate::image::Image;
use crate::index::walk::{Live, Order, walk};
use crate::index::{Entry, EntryId, Index, Kind, PathId, Sparse, Stack};

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
    /// What stands at each path, as far as that is not what was read last of it.
    odd: Sparse<Standing>,
    /// Layers of what stands there, where its slot is several and this is not the highest of them.
    lower: FxHashMap<PathId, u32>,
}

/// What stands at a path, in 4 bytes: places of entries never reach the last two numbers.
#[derive(Clone, Copy, PartialEq)]
struct Standing(u32);

impl Standing {
    const NOTHING: Self = Self(u32::MAX);
    const LAST_READ: Self = Self(u32::MAX - 1);

    fn new(live: Option<Live>) -> Self {
        live.and_then(|live| u32::try_from(live.entry.place()).ok()).map_or(Self::NOTHING, Self)
    }
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
        let mut merged = Self { subject, odd: Sparse::new(Standing::LAST_READ), lower: FxHashMap::default() };
        walk(subject.index, subject.stack, Order::Any, |story| {
            if merged.last_read(story.path) != story.live {
                merged.odd.set(story.path.place(), Standing::new(story.live));
                let lower = story.live.filter(|live| merged.highest(live.entry) != Some(*live));
                merged.lower.extend(lower.map(|live| (story.path, live.layer)));
            }
        });
        merged
    }

    /// What stands at a path.
    #[must_use]
    pub fn at(&self, path: PathId) -> Option<Live> {
        match self.odd.get(path.place()) {
            Standing::NOTHING => None,
            Standing::LAST_READ => self.last_read(path),
            Standing(place) => {
                let live = self.highest(EntryId::from_place(place))?;
                Some(Live { layer: self.lower.get(&path).copied().unwrap_or(live.layer), ..live })
            }
        }
    }

    /// What stands at nearly every path: what was read last of it.
    fn last_read(&self, path: PathId) -> Option<Live> {
        let entry = self.subject.index.entries_of(path).next()?;
        if self.subject.index.kind(entry).is_object() { self.highest(entry) } else { None }
    }

    /// An entry as the highest layer has it that is its slot.
    fn highest(&self, entry: EntryId) -> Option<Live> {
        let slot = self.subject.index.entry(entry).slot;
        self.subject.stack.layers_of(slot).last().map(|layer| Live { layer: *layer, entry })
    }

    /// The file that an entry is, hard links followed.
    #[must_use]
    pub fn file(&self, live: Live) -> Option<Live> {
        let index = self.subject.index;
        if let Some(entry) = index.inode(live.entry) {
            return (index.kind(entry) == Kind::File).then_some(Live { layer: live.layer, entry });
        }
        let target = index.hardlink_target(index.entry(live.entry))?;
        let below = self.subject.stack.object_at(index, target, live.layer)?;
        let entry = index.inode(below.entry)?;
        (index.kind(entry) == Kind::File).then_some(Live { layer: below.layer, entry })
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
        self.subject.index.all_paths().filter_map(|path| {
            let live = self.at(path)?;
            Some((path, live, self.subject.index.entry(live.entry)))
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
