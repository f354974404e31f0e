//! A layer as dive sees it: folders that no header lists are empty nodes, names are raw, and what an opaque marker
//! says is lost.

use std::cmp::Ordering;

use crate::index::{EntryId, Index, Kind, PathId, SlotId, Sparse};

/// What a path is in the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Node {
    /// Not in the layer.
    #[default]
    Absent,
    /// Only names below it are in the layer: dive gives it no size, and it is no folder to dive.
    Implied,
    /// The last entry for it.
    Entry(EntryId),
}

/// A node for every path, in 4 bytes: places of entries never reach the last two numbers.
pub(super) struct Nodes(Sparse<u32>);

const ABSENT: u32 = u32::MAX;
const IMPLIED: u32 = u32::MAX - 1;

impl Nodes {
    pub fn get(&self, path: PathId) -> Node {
        match self.0.get(path.place()) {
            ABSENT => Node::Absent,
            IMPLIED => Node::Implied,
            place => Node::Entry(EntryId::from_place(place)),
        }
    }

    pub fn set(&mut self, path: PathId, node: Node) {
        let place = match node {
            Node::Absent => ABSENT,
            Node::Implied => IMPLIED,
            Node::Entry(id) => u32::try_from(id.place()).unwrap_or(IMPLIED),
        };
        self.0.set(path.place(), place);
    }
}

impl Default for Nodes {
    fn default() -> Self {
        Self(Sparse::new(ABSENT))
    }
}

/// One layer's nodes, by path. Filled anew for every layer.
#[derive(Default)]
pub struct LayerTree {
    nodes: Nodes,
    has_child: Sparse<bool>,
    whiteouts: Vec<(PathId, EntryId)>,
    whited_out: Sparse<bool>,
}

/// A node without children: what dive visits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The path, without the whiteout's prefix.
    pub path: PathId,
    /// Whether it is a whiteout.
    pub is_whiteout: bool,
}

impl LayerTree {
    /// Takes the layer of a slot.
    pub fn fill(&mut self, index: &Index, slot: SlotId) {
        self.nodes.0.clear();
        self.has_child.clear();
        self.whiteouts.clear();
        self.whited_out.clear();
        for id in index.entries_in(slot) {
            let entry = index.entry(id);
            let path = entry.path;
            if entry.is_implied() || (path == Index::ROOT && entry.kind != Kind::Whiteout) {
                continue;
            }
            match entry.kind {
                Kind::Whiteout => {
                    self.parents(index, path);
                    if !self.is_whited_out(path) {
                        self.whited_out.set(path.place(), true);
                        self.whiteouts.push((path, id));
                    }
                }
                // Names of the double prefix never become nodes, but the folders on the way to them do.
                Kind::Opaque | Kind::Meta => {
                    self.touch(path);
                    self.parents(index, path);
                }
                _ => {
                    self.nodes.set(path, Node::Entry(id));
                    self.parents(index, path);
                }
            }
        }
    }

    fn touch(&mut self, path: PathId) {
        if self.nodes.get(path) == Node::Absent {
            self.nodes.set(path, Node::Implied);
        }
    }

    fn parents(&mut self, index: &Index, path: PathId) {
        for folder in index.lineage(path).skip(1) {
            if self.has_child.get(folder.place()) {
                return;
            }
            self.has_child.set(folder.place(), true);
            self.touch(folder);
        }
    }

    /// What the path is.
    #[must_use]
    pub fn node(&self, path: PathId) -> Node {
        self.nodes.get(path)
    }

    /// Every path that is a node, whiteouts left out, in no order.
    pub fn touched(&self) -> impl Iterator<Item = PathId> {
        self.nodes.0.iter().filter_map(|(place, _)| u32::try_from(place).ok().map(PathId::from_place))
    }

    /// Every whiteout: the path that it removes and its entry.
    #[must_use]
    pub fn whiteouts(&self) -> &[(PathId, EntryId)] {
        &self.whiteouts
    }

    /// Whether the layer has a whiteout of the path.
    #[must_use]
    pub fn is_whited_out(&self, path: PathId) -> bool {
        self.whited_out.get(path.place())
    }

    /// Whether the layer has both the path and its whiteout.
    #[must_use]
    pub fn has_both(&self, path: PathId) -> bool {
        self.is_whited_out(path) && self.nodes.get(path) != Node::Absent
    }

    /// Size of the node in bytes.
    #[must_use]
    pub fn size(&self, index: &Index, path: PathId) -> u64 {
        match self.node(path) {
            Node::Entry(id) => index.entry(id).size,
            Node::Implied | Node::Absent => 0,
        }
    }

    /// What dive visits, in no order.
    pub fn leaves(&self) -> impl Iterator<Item = Leaf> {
        let objects = self
            .touched()
            .filter(|path| !self.has_child.get(path.place()))
            .map(|path| Leaf { path, is_whiteout: false });
        objects.chain(self.whiteouts.iter().map(|(path, _)| Leaf::whiteout(*path)))
    }
}

impl Leaf {
    /// The whiteout of a path.
    #[must_use]
    pub fn whiteout(path: PathId) -> Self {
        Self { path, is_whiteout: true }
    }

    /// The order of visits: depth first, siblings by the bytes of their raw names.
    #[must_use]
    pub fn order(self, index: &Index, other: Self) -> Ordering {
        let (mut mine, mut theirs) = (self, other);
        // Most leaves that are compared are siblings: then nothing above them need be looked at.
        if index.parent(mine.path) != index.parent(theirs.path) {
            let depth = |leaf: Self| index.lineage(leaf.path).count();
            let (my_depth, their_depth) = (depth(self), depth(other));
            mine = mine.up(index, my_depth.saturating_sub(their_depth));
            theirs = theirs.up(index, their_depth.saturating_sub(my_depth));
            if mine == theirs {
                return my_depth.cmp(&their_depth);
            }
            while index.parent(mine.path) != index.parent(theirs.path) {
                (mine, theirs) = (mine.up(index, 1), theirs.up(index, 1));
            }
        }
        raw(index.name(mine.path), mine.is_whiteout).cmp(raw(index.name(theirs.path), theirs.is_whiteout))
    }

    /// So many folders up.
    fn up(self, index: &Index, steps: usize) -> Self {
        (0..steps)
            .fold(self, |leaf, _| Self { path: index.parent(leaf.path).unwrap_or(Index::ROOT), is_whiteout: false })
    }
}

/// A name as it stands in the tar.
pub fn raw(name: &[u8], is_whiteout: bool) -> impl Iterator<Item = u8> + '_ {
    let prefix: &[u8] = if is_whiteout { b".wh." } else { b"" };
    prefix.iter().chain(name).copied()
}
