//! dive's stack of the layers below, kept up to date layer by layer. dive builds it anew for every whiteout.

use rustc_hash::FxHashMap;

use super::tree::{LayerTree, Node, Nodes, raw};
use crate::index::{Index, Kind, PathId};

/// The stack, by path.
#[derive(Default)]
pub struct Stacked {
    nodes: Nodes,
}

/// A step on the way through a removed folder.
enum Step {
    Enter(PathId),
    /// Everything in the folder was counted; the sum from before it.
    Leave(PathId, u128),
}

impl Stacked {
    /// Takes what a layer has over what it is: the first is copied so before it is stacked.
    pub fn copy(&mut self, tree: &LayerTree) {
        tree.touched().for_each(|path| self.nodes.set(path, tree.node(path)));
    }

    /// Puts a layer on top. dive visits siblings by name, so a whiteout acts before or after the thing it names,
    /// as their raw names fall. A folder that the layer does not list loses what lower layers said of it.
    pub fn stack(&mut self, index: &Index, tree: &LayerTree) {
        let acts_first = |path: PathId| raw(index.name(path), true).lt(raw(index.name(path), false));
        for (path, _) in tree.whiteouts().iter().filter(|(path, _)| acts_first(*path)) {
            self.remove(index, *path);
        }
        self.copy(tree);
        for (path, _) in tree.whiteouts().iter().filter(|(path, _)| !acts_first(*path)) {
            self.remove(index, *path);
        }
    }

    /// Whether anything stands at the path.
    pub fn has(&self, path: PathId) -> bool {
        self.nodes.get(path) != Node::Absent
    }

    /// What dive counts for the layer's removals: for a folder everything in it. All else counts nothing and is left
    /// out. Folders that are removed with folders around them are gone through once.
    pub fn removed_sizes(&self, index: &Index, tree: &LayerTree) -> FxHashMap<PathId, u64> {
        let mut sizes = FxHashMap::default();
        for (path, _) in tree.whiteouts() {
            if self.is_folder(index, *path) && !sizes.contains_key(path) {
                self.measure(index, tree, *path, &mut sizes);
            }
        }
        sizes
    }

    fn measure(&self, index: &Index, tree: &LayerTree, folder: PathId, sizes: &mut FxHashMap<PathId, u64>) {
        // 2^32 entries of 2^64 bytes fit.
        let mut sum = 0_u128;
        let mut steps = vec![Step::Enter(folder)];
        while let Some(step) = steps.pop() {
            let path = match step {
                Step::Leave(path, before) => {
                    sizes.insert(path, u64::try_from(sum - before).unwrap_or(u64::MAX));
                    continue;
                }
                Step::Enter(path) => path,
            };
            let node = self.nodes.get(path);
            if node == Node::Absent {
                continue;
            }
            if tree.is_whited_out(path) && self.is_folder(index, path) {
                if let Some(known) = sizes.get(&path) {
                    sum += u128::from(*known);
                    continue;
                }
                steps.push(Step::Leave(path, sum));
            }
            if let Node::Entry(id) = node {
                sum += u128::from(index.entry(id).size);
            }
            steps.extend(index.children(path).map(Step::Enter));
        }
    }

    fn is_folder(&self, index: &Index, path: PathId) -> bool {
        matches!(self.nodes.get(path), Node::Entry(id) if index.kind(id) == Kind::Dir)
    }

    fn remove(&mut self, index: &Index, path: PathId) {
        let mut waiting = vec![path];
        while let Some(path) = waiting.pop() {
            if self.has(path) {
                self.nodes.set(path, Node::Absent);
                waiting.extend(index.children(path));
            }
        }
    }
}
