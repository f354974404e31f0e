//! dive's stack of the layers below, kept up to date layer by layer. dive builds it anew for every whiteout.

use super::tree::{LayerTree, Node, raw};
use crate::index::{Index, Kind, PathId};

/// The stack, by path.
pub struct Stacked {
    nodes: Vec<Node>,
}

impl Stacked {
    pub fn new(paths: usize) -> Self {
        Self { nodes: vec![Node::Absent; paths] }
    }

    /// Starts as a copy of the first layer.
    pub fn copy(&mut self, tree: &LayerTree) {
        for path in tree.touched() {
            self.nodes[path.place()] = tree.node(*path);
        }
    }

    /// Puts a layer on top. dive visits siblings by name, so a whiteout acts before or after the thing it names,
    /// as their raw names fall. A folder that the layer does not list loses what lower layers said of it.
    pub fn stack(&mut self, index: &Index, tree: &LayerTree) {
        let acts_first = |path: PathId| raw(index.name(path), true).lt(raw(index.name(path), false));
        for (path, _) in tree.whiteouts().iter().filter(|(path, _)| acts_first(*path)) {
            self.remove(index, *path);
        }
        for path in tree.touched() {
            self.nodes[path.place()] = tree.node(*path);
        }
        for (path, _) in tree.whiteouts().iter().filter(|(path, _)| !acts_first(*path)) {
            self.remove(index, *path);
        }
    }

    /// What dive counts for the removal of a path: everything below it if it is a folder, nothing for a file, `None`
    /// if it is not there.
    pub fn removed_size(&self, index: &Index, path: PathId) -> Option<u64> {
        match self.nodes[path.place()] {
            Node::Absent => None,
            Node::Entry(id) if index.entry(id).kind == Kind::Dir => {
                let mut size = 0_u64;
                self.below(index, path, |node| {
                    if let Node::Entry(id) = self.nodes[node.place()] {
                        size = size.saturating_add(index.entry(id).size);
                    }
                });
                Some(size)
            }
            Node::Entry(_) | Node::Implied => Some(0),
        }
    }

    fn remove(&mut self, index: &Index, path: PathId) {
        let mut gone = Vec::new();
        self.below(index, path, |node| gone.push(node));
        for node in gone {
            self.nodes[node.place()] = Node::Absent;
        }
    }

    /// The path and everything that stands below it.
    fn below(&self, index: &Index, path: PathId, mut visit: impl FnMut(PathId)) {
        let mut waiting = vec![path];
        while let Some(path) = waiting.pop() {
            if self.nodes[path.place()] != Node::Absent {
                visit(path);
                waiting.extend(index.children(path));
            }
        }
    }
}
