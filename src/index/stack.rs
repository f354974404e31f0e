//! Which slot is which layer. The manifest says so, often after the slots were read.

use super::walk::Live;
use super::{EntryId, Index, Kind, PathId, SlotId};

/// The layers of an image over the slots of an index, lowest first.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    slots: Vec<Option<SlotId>>,
    layers_of: Vec<Vec<u32>>,
}

impl Stack {
    /// Layers in order; `None` for one that could not be read.
    #[must_use]
    pub fn new(slots: Vec<Option<SlotId>>) -> Self {
        let most = slots.iter().flatten().map(|slot| usize::from(slot.0) + 1).max().unwrap_or(0);
        let mut layers_of = vec![Vec::new(); most];
        for (layer, slot) in slots.iter().enumerate() {
            if let (Some(slot), Ok(layer)) = (slot, u32::try_from(layer)) {
                layers_of[usize::from(slot.0)].push(layer);
            }
        }
        Self { slots, layers_of }
    }

    /// The same without what can be read of a slot.
    #[must_use]
    pub fn without(&self, slot: SlotId) -> Self {
        Self::new(self.slots.iter().map(|own| own.filter(|own| *own != slot)).collect())
    }

    /// How many layers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no layer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The slot of every layer, lowest first.
    #[must_use]
    pub fn slots(&self) -> &[Option<SlotId>] {
        &self.slots
    }

    /// The layers that could be read with their slots, lowest first.
    pub fn read_layers(&self) -> impl Iterator<Item = (u32, SlotId)> {
        (0_u32..).zip(&self.slots).filter_map(|(layer, slot)| Some((layer, (*slot)?)))
    }

    /// The layers that a slot is: none when the image does not use it, several when the image repeats it.
    #[must_use]
    pub fn layers_of(&self, slot: SlotId) -> &[u32] {
        self.layers_of.get(usize::from(slot.0)).map_or(&[], Vec::as_slice)
    }

    /// What stands at the path after all layers up to and including `layer` are applied.
    #[must_use]
    pub fn object_at(&self, index: &Index, path: PathId, layer: u32) -> Option<Live> {
        let (found, since) = self.newest(index, path, layer, Kind::is_object)?;
        // Something may have removed it since, at the path itself or above it.
        let removed_here =
            self.newest(index, path, layer, |kind| kind == Kind::Whiteout).is_some_and(|(_, at)| at > since);
        let removed_above = || {
            index.lineage(path).skip(1).chain([Index::ROOT]).any(|above| {
                let hides = |id: EntryId| {
                    let entry = index.entry(id);
                    let covers = matches!(entry.kind, Kind::Whiteout | Kind::Opaque)
                        || (entry.kind.is_object() && entry.kind != Kind::Dir);
                    covers && self.layers_of(entry.slot).iter().any(|&at| at > since && at <= layer)
                };
                index.entries_of(above).any(hides)
            })
        };
        (!removed_here && !removed_above()).then_some(Live { layer: since, entry: found })
    }

    fn newest(&self, index: &Index, path: PathId, layer: u32, wanted: impl Fn(Kind) -> bool) -> Option<(EntryId, u32)> {
        index
            .entries_of(path)
            .filter(|id| wanted(index.kind(*id)))
            .filter_map(|id| {
                let at = self.layers_of(index.entry(id).slot).iter().rev().find(|at| **at <= layer)?;
                Some((id, *at))
            })
            .max_by_key(|(_, at)| *at)
    }
}
