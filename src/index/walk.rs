//! The story of every path over the layers, and of every file which layer ended it. What ancestors hide is handed down
//! from folder to folder, so no whiteout costs more than its own subtree; then every path can be looked at by itself.

use std::ops::Range;

use super::compare::{Differs, compare, inode};
use super::{EntryId, Index, Kind, PathId, Sparse, Stack};

/// What a layer does to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing stood there below.
    Added,
    /// Something else stood there: other bytes, another type, another link target; for a folder another mode, owner
    /// or attribute. Bytes that are still to be compared count as others.
    Changed(Differs),
    /// The same bytes (or link target, or device) are stored again; what else differs, if anything.
    Rewritten(Differs),
    /// What stood there is gone, by a whiteout, an opaque folder, or something that is no folder above it.
    Removed,
    /// A folder listed again as it was.
    Unchanged,
    /// A whiteout of something that is not there.
    Dangling,
}

/// One layer's word on a path.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// The layer, counted from 0.
    pub layer: u32,
    /// What it does.
    pub change: Change,
    /// What it has there, unless it removes.
    pub entry: Option<EntryId>,
    /// What stood there before, by the layer that has it.
    pub before: Option<Live>,
}

/// Something that stands in the file system, and the layer that brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// The layer.
    pub layer: u32,
    /// The entry.
    pub entry: EntryId,
}

/// A path and its story.
pub struct Story<'w> {
    /// The path.
    pub path: PathId,
    /// What the layers did, lowest first. Empty when no layer of the image knows the path.
    pub events: &'w [Event],
    /// What stands there in the end.
    pub live: Option<Live>,
}

/// In which order paths come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Folders before what they hold; no other promise.
    Any,
    /// Folders before what they hold, siblings by their bytes.
    Sorted,
}

/// What one layer has at one path.
#[derive(Default, Clone, Copy)]
struct Here {
    layer: u32,
    object: Option<EntryId>,
    whiteout: bool,
    opaque: bool,
}

/// Visits every path of the image, the root first.
pub fn walk(index: &Index, stack: &Stack, order: Order, visit: impl FnMut(&Story<'_>)) {
    let walk = Walk::new(index, stack);
    match order {
        Order::Any => walk.part(walk.all(), visit),
        Order::Sorted => walk.sorted(visit),
    }
}

/// An image that can be walked in parts, for those who do it side by side.
pub struct Walk<'i> {
    /// What was read.
    pub index: &'i Index,
    /// Its layers.
    pub stack: &'i Stack,
    cuts: Cuts,
}

impl<'i> Walk<'i> {
    /// Looks at the folders in which layers hide something.
    #[must_use]
    pub fn new(index: &'i Index, stack: &'i Stack) -> Self {
        Self { index, stack, cuts: Cuts::new(index, stack) }
    }

    /// All paths, by their places.
    #[must_use]
    pub fn all(&self) -> Range<u32> {
        0..u32::try_from(self.index.paths()).unwrap_or(u32::MAX)
    }

    /// All paths in two halves.
    #[must_use]
    pub fn halves(&self) -> [Range<u32>; 2] {
        let Range { start, end } = self.all();
        let middle = end / 2;
        [start..middle, middle..end]
    }

    /// Visits some of the paths in the order of their places: the one in which they were read first, folders before what
    /// they hold.
    pub fn part(&self, paths: Range<u32>, visit: impl FnMut(&Story<'_>)) {
        let mut visitor = Visitor::new(self, visit);
        paths.map(PathId::from_place).for_each(|path| visitor.visit(path));
    }

    /// Visits all paths, siblings by their bytes.
    fn sorted(&self, visit: impl FnMut(&Story<'_>)) {
        let mut visitor = Visitor::new(self, visit);
        // Of folders that are open, what was not visited yet: 4 bytes each, for a folder may have a million.
        let mut waiting = vec![Index::ROOT];
        while let Some(path) = waiting.pop() {
            visitor.visit(path);
            let start = waiting.len();
            waiting.extend(self.index.children(path));
            waiting[start..].sort_unstable_by(|a, b| self.index.name(*b).cmp(self.index.name(*a)));
        }
    }
}

/// Whoever goes from path to path, with what is true of all in one folder at hand.
struct Visitor<'w, V> {
    walk: &'w Walk<'w>,
    visit: V,
    here: Vec<Here>,
    events: Vec<Event>,
    folder: Option<PathId>,
    /// What ends what it holds, and the layers of that.
    ends: u32,
    cuts: Vec<u32>,
}

impl<'w, V: FnMut(&Story<'_>)> Visitor<'w, V> {
    fn new(walk: &'w Walk<'w>, visit: V) -> Self {
        Self { walk, visit, here: Vec::new(), events: Vec::new(), folder: None, ends: 0, cuts: Vec::new() }
    }

    fn visit(&mut self, path: PathId) {
        let Walk { index, stack, cuts } = self.walk;
        let above = index.parent(path);
        if above != self.folder {
            self.folder = above;
            let ends = above.map_or(0, |above| cuts.handed.get(above.place()));
            if ends != self.ends {
                self.ends = ends;
                cuts.layers(ends, &mut self.cuts);
            }
        }
        gather(index, stack, path, &mut self.here);
        let live = tell(index, stack, &self.here, &self.cuts, &mut self.events);
        (self.visit)(&Story { path, events: &self.events, live });
    }
}

/// The layers at which the lower contents of folders end. Each is there once, however many folders are below.
struct Cuts {
    ends: Vec<Ends>,
    /// By folder, the newest end of what it holds, counted from 1; most have none.
    handed: Sparse<u32>,
}

/// A layer at which what a folder holds ends.
struct Ends {
    at: u32,
    /// Another one, of the same folder or of one above.
    next: u32,
}

impl Cuts {
    fn new(index: &Index, stack: &Stack) -> Self {
        let mut cuts = Self { ends: Vec::new(), handed: Sparse::default() };
        let mut here = Vec::new();
        for path in index.all_paths().filter(|path| index.has_children(*path)) {
            let mut handed = index.parent(path).map_or(0, |above| cuts.handed.get(above.place()));
            gather(index, stack, path, &mut here);
            for here in here.iter().filter(|here| ends_contents(index, here)) {
                cuts.ends.push(Ends { at: here.layer, next: handed });
                handed = u32::try_from(cuts.ends.len()).unwrap_or_default();
            }
            cuts.handed.set(path.place(), handed);
        }
        cuts
    }

    /// All layers from one end on, lowest first.
    fn layers(&self, newest: u32, layers: &mut Vec<u32>) {
        let find = |place: u32| self.ends.get((place as usize).checked_sub(1)?);
        layers.clear();
        layers.extend(std::iter::successors(find(newest), |ends| find(ends.next)).map(|ends| ends.at));
        layers.sort_unstable();
        layers.dedup();
    }
}

/// The story of one path.
#[must_use]
pub fn story_of(index: &Index, stack: &Stack, path: PathId) -> Vec<Event> {
    let (mut here, mut cuts, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for above in index.lineage(path).skip(1).chain([Index::ROOT]) {
        gather(index, stack, above, &mut here);
        cuts.extend(here.iter().filter(|here| ends_contents(index, here)).map(|here| here.layer));
    }
    cuts.sort_unstable();
    cuts.dedup();
    gather(index, stack, path, &mut here);
    tell(index, stack, &here, &cuts, &mut events);
    events
}

/// Whether what lower layers have below the path ends here: it is removed, hidden, or no folder any more.
fn ends_contents(index: &Index, here: &Here) -> bool {
    here.whiteout || here.opaque || here.object.is_some_and(|id| index.kind(id) != Kind::Dir)
}

/// What each layer has at the path, lowest first.
fn gather(index: &Index, stack: &Stack, path: PathId, here: &mut Vec<Here>) {
    here.clear();
    for id in index.entries_of(path) {
        let entry = index.entry(id);
        for &layer in stack.layers_of(entry.slot) {
            here.push(Here {
                layer,
                object: entry.kind.is_object().then_some(id),
                whiteout: entry.kind == Kind::Whiteout,
                opaque: entry.kind == Kind::Opaque,
            });
        }
    }
    if here.len() > 1 {
        here.sort_unstable_by_key(|here| here.layer);
        here.dedup_by(|next, known| {
            let same = next.layer == known.layer;
            if same {
                known.object = known.object.or(next.object);
                known.whiteout |= next.whiteout;
                known.opaque |= next.opaque;
            }
            same
        });
    }
}

/// Goes through the layers and tells what each does; returns what is left.
fn tell(index: &Index, stack: &Stack, here: &[Here], mut cuts: &[u32], events: &mut Vec<Event>) -> Option<Live> {
    events.clear();
    let mut live: Option<Live> = None;
    let mut here = here.iter().peekable();
    loop {
        if live.is_none() {
            // Until something stands there, there is nothing to end.
            let next = here.peek()?.layer;
            cuts = &cuts[cuts.partition_point(|cut| *cut < next)..];
        }
        let layer = match (here.peek(), cuts.first()) {
            (Some(here), Some(&cut)) => here.layer.min(cut),
            (Some(here), None) => here.layer,
            // Nothing of its own is left: one cut ends what lives.
            (None, Some(&cut)) => cut,
            (None, None) => return live,
        };
        let own = here.next_if(|here| here.layer == layer).copied().unwrap_or_default();
        let inherited = cuts.first() == Some(&layer);
        cuts = &cuts[usize::from(inherited)..];
        let cut = inherited || own.whiteout;
        let before = live;
        let change = match (before, own.object) {
            (None, Some(_)) => Change::Added,
            (Some(before), Some(object)) => {
                match succession(index, stack, before, Live { layer, entry: object }, cut) {
                    Some(change) => change,
                    None => continue,
                }
            }
            (Some(_), None) if cut => Change::Removed,
            (None, None) if own.whiteout => Change::Dangling,
            (_, None) => continue,
        };
        live = match change {
            Change::Removed | Change::Dangling => None,
            _ => own.object.map(|entry| Live { layer, entry }),
        };
        events.push(Event { layer, change, entry: own.object, before });
    }
}

/// What it means that `after` comes over `before`; `None` when nothing happens: a folder that only the names below it
/// mention stays what it was.
fn succession(index: &Index, stack: &Stack, before: Live, after: Live, cut: bool) -> Option<Change> {
    let old = inode(index, stack, before.entry, before.layer);
    let new = inode(index, stack, after.entry, after.layer);
    if new.entry.is_implied() && old.kind == Kind::Dir && !cut {
        return None;
    }
    let differs = compare(index, old, new);
    Some(if new.kind == Kind::Dir && old.kind == Kind::Dir {
        // Every file that a layer adds touches its folder's time; that is no news.
        if differs.any(Differs::MODE | Differs::OWNER | Differs::XATTR) {
            Change::Changed(differs)
        } else {
            Change::Unchanged
        }
    } else if differs.any(Differs::CONTENT | Differs::PENDING | Differs::TYPE | Differs::LINK) {
        Change::Changed(differs)
    } else {
        Change::Rewritten(differs)
    })
}
