//! The story of every path over the layers, and of every file which layer ended it. One pass over the arena; what
//! ancestors hide is handed down, so no whiteout costs more than its own subtree.

use super::compare::{Differs, compare, inode};
use super::{EntryId, Index, Kind, PathId, Stack};

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

/// A folder whose children are being visited.
struct Open {
    /// Where its children begin among those that wait.
    waiting: usize,
    /// The cuts that hold for its children, by the first place and the one behind the last.
    cuts: (usize, usize),
    /// How many cuts there were before it added its own.
    cuts_before: usize,
}

/// Visits every path of the image, the root first.
pub fn walk(index: &Index, stack: &Stack, order: Order, mut visit: impl FnMut(&Story<'_>)) {
    // Layers at which the lower contents of a folder end, one run for every folder that adds to its parent's.
    let mut cuts: Vec<u32> = Vec::new();
    // Children of all open folders, the deepest folder's last: 4 bytes each, for a folder may have a million.
    let mut waiting = vec![Index::ROOT];
    let mut open = vec![Open { waiting: 0, cuts: (0, 0), cuts_before: 0 }];
    let (mut here, mut own_cuts, mut events) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(&Open { waiting: start, cuts: inherited, cuts_before }) = open.last() {
        if waiting.len() == start {
            cuts.truncate(cuts_before);
            open.pop();
            continue;
        }
        let Some(path) = waiting.pop() else { return };
        gather(index, stack, path, &mut here);
        let live = tell(index, stack, &here, &cuts[inherited.0..inherited.1], &mut events);
        visit(&Story { path, events: &events, live });

        let start = waiting.len();
        waiting.extend(index.children(path));
        if waiting.len() == start {
            continue;
        }
        if order == Order::Sorted {
            waiting[start..].sort_unstable_by(|a, b| index.name(*b).cmp(index.name(*a)));
        }
        let cuts_before = cuts.len();
        own_cuts.extend(here.iter().filter(|here| ends_contents(index, here)).map(|here| here.layer));
        let handed_down = if own_cuts.is_empty() {
            inherited
        } else {
            own_cuts.extend_from_slice(&cuts[inherited.0..inherited.1]);
            own_cuts.sort_unstable();
            own_cuts.dedup();
            cuts.append(&mut own_cuts);
            (cuts_before, cuts.len())
        };
        open.push(Open { waiting: start, cuts: handed_down, cuts_before });
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
