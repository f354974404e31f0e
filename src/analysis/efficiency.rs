//! The exact accounting: what every layer ships, what of it the final file system still shows, and what hides the
//! rest. Sizes are apparent. A hard link ships nothing; bytes with several names in a layer stay visible while any
//! of these names does.

use super::both::both;
use crate::index::walk::{Change, Event, Live, Walk};
use crate::index::{Differs, EntryId, Index, Kind, SlotId, Sparse, Stack};

/// How the bytes of an entry end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// The final file system shows them.
    #[default]
    Visible,
    /// A later layer removes the name and has nothing there itself.
    Deleted {
        /// The layer that does.
        by: u32,
    },
    /// A later layer has something else under the name.
    Replaced {
        /// The layer that does; the same layer for an entry that its own tar repeats.
        by: u32,
    },
    /// A later layer stores the same bytes again.
    Rewritten {
        /// The layer that does.
        by: u32,
        /// What changes beside: nothing, or some of mode, owner, time and attributes.
        differs: Differs,
    },
}

impl Fate {
    /// The layer that ends it; layers beyond all others for what is visible.
    fn end(self) -> u32 {
        match self {
            Self::Visible => u32::MAX,
            Self::Deleted { by } | Self::Replaced { by } | Self::Rewritten { by, .. } => by,
        }
    }
}

/// Bytes by what became of them. All in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bytes {
    /// All regular files.
    pub shipped: u64,
    /// Still in the final file system.
    pub visible: u64,
    /// Deleted by a later layer.
    pub deleted: u64,
    /// Replaced by something else.
    pub replaced: u64,
    /// Stored again with the same contents.
    pub rewritten: u64,
}

impl Bytes {
    /// What is shipped and not visible.
    #[must_use]
    pub fn hidden(&self) -> u64 {
        self.deleted + self.replaced + self.rewritten
    }

    /// Visible over shipped; 1 for an image without bytes.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // A ratio of byte counts below 2^53 is exact enough by far.
    pub fn efficiency(&self) -> f64 {
        if self.shipped == 0 { 1.0 } else { self.visible as f64 / self.shipped as f64 }
    }

    fn add(&mut self, other: Self) {
        let Self { shipped, visible, deleted, replaced, rewritten } = other;
        self.shipped += shipped;
        self.visible += visible;
        self.deleted += deleted;
        self.replaced += replaced;
        self.rewritten += rewritten;
    }

    fn count(&mut self, size: u64, fate: Fate) {
        self.shipped += size;
        *match fate {
            Fate::Visible => &mut self.visible,
            Fate::Deleted { .. } => &mut self.deleted,
            Fate::Replaced { .. } => &mut self.replaced,
            Fate::Rewritten { .. } => &mut self.rewritten,
        } += size;
    }
}

/// How many paths a layer touches, by what it does to them. The root itself is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// Nothing was there.
    pub added: u64,
    /// Something else was there.
    pub changed: u64,
    /// The same contents were there.
    pub rewritten: u64,
    /// It is gone, each thing in a removed folder counted.
    pub removed: u64,
    /// Whiteouts of what was not there. They change nothing.
    pub dangling: u64,
}

impl Changes {
    fn add(&mut self, other: Self) {
        let Self { added, changed, rewritten, removed, dangling } = other;
        self.added += added;
        self.changed += changed;
        self.rewritten += rewritten;
        self.removed += removed;
        self.dangling += dangling;
    }
}

/// One layer's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerAccount {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its paths.
    pub changes: Changes,
    /// Entries of its tar.
    pub entries: u64,
}

/// The whole image's account.
#[derive(Debug, Default)]
pub struct Account {
    /// All layers together.
    pub total: Bytes,
    /// Each layer, lowest first; a layer that could not be read has nothing.
    pub layers: Vec<LayerAccount>,
    /// Rewritten bytes by what changed beside, largest first.
    pub rewritten_by: Vec<(Differs, u64)>,
    fates: Fates,
}

impl Account {
    /// What became of an entry's bytes at a layer. For a hard link: of its name.
    #[must_use]
    pub fn fate(&self, entry: EntryId, layer: u32) -> Fate {
        self.fates.get(entry, layer)
    }
}

/// A fate in 4 bytes, for there may be one for every entry: 2 bits say which, 7 what differs, 23 by which layer. A
/// manifest of the largest size that is read has fewer layers than 2^23.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Packed(u32);

impl From<Fate> for Packed {
    fn from(fate: Fate) -> Self {
        Self(match fate {
            Fate::Visible => 0,
            Fate::Deleted { by } => by << 9 | 1,
            Fate::Replaced { by } => by << 9 | 2,
            Fate::Rewritten { by, differs } => by << 9 | u32::from(differs.bits()) << 2 | 3,
        })
    }
}

impl From<Packed> for Fate {
    fn from(Packed(packed): Packed) -> Self {
        let by = packed >> 9;
        match packed & 3 {
            0 => Self::Visible,
            1 => Self::Deleted { by },
            2 => Self::Replaced { by },
            _ => Self::Rewritten { by, differs: Differs::from_bits((packed >> 2).to_le_bytes()[0]) },
        }
    }
}

/// A fate for every entry of every layer, by the place of the entry in its layer.
#[derive(Debug, Default)]
struct Fates {
    all: Sparse<Packed>,
    /// For each layer, what to add to an entry's place to find its fate.
    shift: Vec<isize>,
}

impl Fates {
    fn new(index: &Index, stack: &Stack) -> Self {
        let (mut length, mut shift) = (0_usize, Vec::with_capacity(stack.len()));
        for slot in stack.slots() {
            let mut entries = slot.map(|slot| index.entries_in(slot)).into_iter().flatten();
            let first = entries.next().map_or(0, EntryId::place);
            shift.push(length.cast_signed() - first.cast_signed());
            length += slot.map_or(0, |slot| index.entries_in(slot).count());
        }
        Self { all: Sparse::default(), shift }
    }

    fn place(&self, entry: EntryId, layer: u32) -> usize {
        entry.place().wrapping_add_signed(self.shift[layer as usize])
    }

    fn get(&self, entry: EntryId, layer: u32) -> Fate {
        self.all.get(self.place(entry, layer)).into()
    }

    fn set(&mut self, Live { layer, entry }: Live, fate: Fate) {
        self.all.set(self.place(entry, layer), fate.into());
    }

    /// Bytes with several names live as long as the name that lives longest.
    fn join(&mut self, index: &Index, Live { layer, entry: name }: Live) {
        let Some(inode) = index.inode(name) else { return };
        let (by_name, known) = (self.get(name, layer), self.get(inode, layer));
        if by_name.end() > known.end() {
            self.set(Live { layer, entry: inode }, by_name);
        }
    }

    /// Takes those of other entries of the same image.
    fn take(&mut self, other: &Self) {
        for (place, fate) in other.all.iter() {
            self.all.set(place, fate);
        }
    }
}

/// Accounts for every byte of the image.
#[must_use]
pub fn account(index: &Index, stack: &Stack) -> Account {
    let walk = Walk::new(index, stack);
    let (one, other) = both(|| Tally::new(&walk, 0), || Tally::new(&walk, 1));
    let Tally { changes, fates, .. } = one.and(other, index);
    let (one, other) = both(|| Sum::new(index, stack, &fates, 0), || Sum::new(index, stack, &fates, 1));
    let Sum { layers: bytes, rewritten_by } = one.and(&other);
    let total = bytes.iter().fold(Bytes::default(), |mut total, own| {
        total.add(*own);
        total
    });
    let entries = |slot: &Option<SlotId>| slot.map_or(0, |slot| index.slot(slot).entries);
    let layers = stack.slots().iter().zip(bytes).zip(changes);
    let layers =
        layers.map(|((slot, bytes), changes)| LayerAccount { bytes, changes, entries: entries(slot) }).collect();
    Account { total, layers, rewritten_by, fates }
}

/// One half of the entries of all layers: 0 or 1.
fn half_of(index: &Index, stack: &Stack, half: usize) -> impl Iterator<Item = Live> {
    stack.read_layers().flat_map(move |(layer, slot)| {
        let halves = index.halves_of(slot).into_iter().nth(half);
        halves.into_iter().flatten().map(move |entry| Live { layer, entry })
    })
}

/// What layers do to a half of the paths, and what that ends.
struct Tally {
    /// By layer.
    changes: Vec<Changes>,
    fates: Fates,
    /// Entries of one half whose fate is not that of their path.
    odd: Vec<Live>,
}

impl Tally {
    fn new(walk: &Walk<'_>, half: usize) -> Self {
        let (index, stack) = (walk.index, walk.stack);
        let (mut fates, mut changes) = (Fates::new(index, stack), vec![Changes::default(); stack.len()]);
        walk.part(walk.halves()[half].clone(), |story| {
            for event in story.events {
                if let Some(before) = event.before {
                    fates.set(before, fate_of_before(event));
                }
                if story.path != Index::ROOT {
                    count(&mut changes[event.layer as usize], event);
                }
            }
        });
        let is_odd = |id| index.kind(id) == Kind::Hardlink || index.entry(id).is_superseded();
        let odd = half_of(index, stack, half).filter(|live| is_odd(live.entry)).collect();
        Self { changes, fates, odd }
    }

    /// Both halves.
    fn and(mut self, other: Self, index: &Index) -> Self {
        self.fates.take(&other.fates);
        for (own, other) in self.changes.iter_mut().zip(other.changes) {
            own.add(other);
        }
        self.odd.extend(other.odd);
        // Before names are joined: one that was replaced ends with that.
        for live in self.odd.iter().filter(|live| index.entry(live.entry).is_superseded()) {
            // What its own tar repeats was never on disk: the later one replaced it at once.
            self.fates.set(*live, Fate::Replaced { by: live.layer });
        }
        for live in self.odd.iter().filter(|live| index.kind(live.entry) == Kind::Hardlink) {
            self.fates.join(index, *live);
        }
        self
    }
}

fn fate_of_before(event: &Event) -> Fate {
    let by = event.layer;
    match event.change {
        Change::Removed => Fate::Deleted { by },
        Change::Rewritten(differs) => Fate::Rewritten { by, differs },
        Change::Changed(_) | Change::Added | Change::Unchanged | Change::Dangling => Fate::Replaced { by },
    }
}

fn count(changes: &mut Changes, event: &Event) {
    *match event.change {
        Change::Added => &mut changes.added,
        Change::Changed(_) => &mut changes.changed,
        Change::Rewritten(_) => &mut changes.rewritten,
        Change::Removed => &mut changes.removed,
        Change::Dangling => &mut changes.dangling,
        Change::Unchanged => return,
    } += 1;
}

/// The bytes of a half of the entries.
struct Sum {
    /// By layer.
    layers: Vec<Bytes>,
    rewritten_by: Vec<(Differs, u64)>,
}

impl Sum {
    fn new(index: &Index, stack: &Stack, fates: &Fates, half: usize) -> Self {
        let mut sum = Self { layers: vec![Bytes::default(); stack.len()], rewritten_by: Vec::new() };
        for Live { layer, entry: id } in half_of(index, stack, half) {
            let entry = index.entry(id);
            if entry.kind != Kind::File || entry.size == 0 {
                continue;
            }
            let fate = fates.get(id, layer);
            sum.layers[layer as usize].count(entry.size, fate);
            if let Fate::Rewritten { differs, .. } = fate {
                sum.rewritten(differs, entry.size);
            }
        }
        sum
    }

    fn rewritten(&mut self, differs: Differs, size: u64) {
        match self.rewritten_by.iter_mut().find(|(known, _)| *known == differs) {
            Some((_, bytes)) => *bytes += size,
            None => self.rewritten_by.push((differs, size)),
        }
    }

    /// Both halves.
    fn and(mut self, other: &Self) -> Self {
        for (own, other) in self.layers.iter_mut().zip(&other.layers) {
            own.add(*other);
        }
        for (differs, size) in &other.rewritten_by {
            self.rewritten(*differs, *size);
        }
        self.rewritten_by.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        self
    }
}

/// Entries whose bytes are visible in the end, with the layer that has them.
pub fn visible_files<'a>(index: &'a Index, stack: &'a Stack, account: &'a Account) -> impl Iterator<Item = Live> + 'a {
    stack.read_layers().flat_map(move |(layer, slot)| {
        index
            .entries_in(slot)
            .filter(move |id| {
                let entry = index.entry(*id);
                entry.kind == Kind::File && entry.size > 0 && account.fate(*id, layer) == Fate::Visible
            })
            .map(move |entry| Live { layer, entry })
    })
}
