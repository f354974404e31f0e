//! The exact accounting: what every layer ships, what of it the final file system still shows, and what hides the
//! rest. Sizes are apparent. A hard link ships nothing; bytes with several names in a layer stay visible while any
//! of these names does.

use crate::index::walk::{Change, Event, Live, Order, walk};
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

    fn add(&mut self, size: u64, fate: Fate) {
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
}

/// Accounts for every byte of the image.
#[must_use]
pub fn account(index: &Index, stack: &Stack) -> Account {
    let mut layers = vec![LayerAccount::default(); stack.len()];
    let mut fates = Fates::new(index, stack);
    walk(index, stack, Order::Any, |story| {
        for event in story.events {
            if let Some(before) = event.before {
                fates.set(before, fate_of_before(event));
            }
            if story.path != Index::ROOT {
                count(&mut layers[event.layer as usize].changes, event);
            }
        }
    });
    for (layer, slot) in (0_u32..).zip(stack.slots()) {
        let Some(slot) = *slot else { continue };
        layers[layer as usize].entries = index.slot(slot).entries;
        end_superseded(index, slot, layer, &mut fates);
        join_groups(index, slot, layer, &mut fates);
    }
    let (total, rewritten_by) = sum(index, stack, &fates, &mut layers);
    Account { total, layers, rewritten_by, fates }
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

/// An entry that its own tar repeats was never on disk: the later one replaced it at once.
fn end_superseded(index: &Index, slot: SlotId, layer: u32, fates: &mut Fates) {
    for entry in index.entries_in(slot).filter(|entry| index.entry(*entry).is_superseded()) {
        fates.set(Live { layer, entry }, Fate::Replaced { by: layer });
    }
}

/// Bytes with several names live as long as the name that lives longest.
fn join_groups(index: &Index, slot: SlotId, layer: u32, fates: &mut Fates) {
    for name in index.entries_in(slot).filter(|entry| index.kind(*entry) == Kind::Hardlink) {
        let Some(inode) = index.inode(name) else { continue };
        let (by_name, known) = (fates.get(name, layer), fates.get(inode, layer));
        if by_name.end() > known.end() {
            fates.set(Live { layer, entry: inode }, by_name);
        }
    }
}

fn sum(index: &Index, stack: &Stack, fates: &Fates, layers: &mut [LayerAccount]) -> (Bytes, Vec<(Differs, u64)>) {
    let mut total = Bytes::default();
    let mut rewritten: Vec<(Differs, u64)> = Vec::new();
    for (layer, slot) in (0_u32..).zip(stack.slots()) {
        let Some(slot) = *slot else { continue };
        for id in index.entries_in(slot) {
            let entry = index.entry(id);
            if entry.kind != Kind::File || entry.size == 0 {
                continue;
            }
            let fate = fates.get(id, layer);
            layers[layer as usize].bytes.add(entry.size, fate);
            total.add(entry.size, fate);
            if let Fate::Rewritten { differs, .. } = fate {
                match rewritten.iter_mut().find(|(known, _)| *known == differs) {
                    Some((_, bytes)) => *bytes += entry.size,
                    None => rewritten.push((differs, entry.size)),
                }
            }
        }
    }
    rewritten.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    (total, rewritten)
}

/// Entries whose bytes are visible in the end, with the layer that has them.
pub fn visible_files<'a>(index: &'a Index, stack: &'a Stack, account: &'a Account) -> impl Iterator<Item = Live> + 'a {
    (0_u32..).zip(stack.slots()).filter_map(|(layer, slot)| Some((layer, (*slot)?))).flat_map(move |(layer, slot)| {
        index
            .entries_in(slot)
            .filter(move |id| {
                let entry = index.entry(*id);
                entry.kind == Kind::File && entry.size > 0 && account.fate(*id, layer) == Fate::Visible
            })
            .map(move |entry| Live { layer, entry })
    })
}
