//! dive's scoring in its plainest form: a tree for every layer, stacked anew for every whiteout. Follows the formulas
//! as they are documented (names sorted by bytes, leaves only, folders that no entry lists are empty nodes).

use std::collections::BTreeMap;

use super::generate::Op;

#[derive(Debug, Default, Clone)]
struct Node {
    size: u64,
    is_dir: bool,
    children: BTreeMap<String, Node>,
}

pub struct Model {
    pub size: u64,
    pub user_size: u64,
    pub wasted: u64,
    pub efficiency: f64,
    pub files: Vec<(String, u32, u64)>,
}

struct Data {
    path: String,
    least: i64,
    bytes: u64,
    count: u32,
}

/// A path of the tar with what dive keeps of it; marks of the double prefix make folders and no node.
fn entry(op: &Op) -> (String, u64, bool) {
    let sized = |path: &String, size: usize, is_dir| (path.clone(), size as u64, is_dir);
    match op {
        Op::Dir { path, .. } => sized(path, 0, true),
        Op::File { path, size, .. } => sized(path, *size, false),
        Op::Symlink { path, .. } | Op::Hardlink { path, .. } | Op::Fifo { path } | Op::Device { path, .. } => {
            sized(path, 0, false)
        }
        Op::Whiteout { path } => {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            (format!("{folder}/.wh.{name}"), 0, false)
        }
        Op::Opaque { path } => (format!("{path}/.wh..wh..opq"), 0, false),
    }
}

fn add(root: &mut Node, path: &str, size: u64, is_dir: bool) {
    let mut node = root;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        if name.starts_with(".wh..wh..") {
            return;
        }
        node = node.children.entry(name.to_owned()).or_default();
    }
    node.size = size;
    node.is_dir = is_dir;
}

fn tree(ops: &[Op]) -> Node {
    let mut root = Node::default();
    for op in ops {
        let (path, size, is_dir) = entry(op);
        add(&mut root, &path, size, is_dir);
    }
    root
}

fn find<'n>(root: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('/').filter(|name| !name.is_empty()).try_fold(root, |node, name| node.children.get(name))
}

fn remove(root: &mut Node, path: &str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder =
        folder.split('/').filter(|name| !name.is_empty()).try_fold(root, |node, name| node.children.get_mut(name));
    if let Some(folder) = folder {
        folder.children.remove(name);
    }
}

/// Visits children before their folder, with path and raw name.
fn visit<'n>(node: &'n Node, path: &str, each: &mut impl FnMut(&'n Node, &str, &str) -> bool) -> bool {
    node.children.iter().all(|(name, child)| visit(child, &format!("{path}/{name}"), each) && each(child, path, name))
}

fn stack(below: &mut Node, layer: &Node) {
    visit(layer, "", &mut |node, folder, name| {
        match name.strip_prefix(".wh.") {
            Some(target) => remove(below, &format!("{folder}/{target}")),
            None => add(below, &format!("{folder}/{name}"), node.size, node.is_dir),
        }
        true
    });
}

fn sum(node: &Node) -> u64 {
    node.size + node.children.values().map(sum).sum::<u64>()
}

pub fn model(layers: &[Vec<Op>]) -> Model {
    let trees: Vec<Node> = layers.iter().map(|ops| tree(ops)).collect();
    let (mut all, mut matches): (Vec<Data>, Vec<usize>) = (Vec::new(), Vec::new());
    for (number, layer) in trees.iter().enumerate() {
        visit(layer, "", &mut |node, folder, name| {
            if !node.children.is_empty() {
                return true;
            }
            let path = format!("{folder}/{}", name.strip_prefix(".wh.").unwrap_or(name));
            let place = all.iter().position(|data| data.path == path).unwrap_or_else(|| {
                all.push(Data { path: path.clone(), least: -1, bytes: 0, count: 0 });
                all.len() - 1
            });
            let size = if name.starts_with(".wh.") {
                let mut below = trees[0].clone();
                trees[..number].iter().for_each(|layer| stack(&mut below, layer));
                // A whiteout of nothing ends the visits of this layer.
                let Some(gone) = find(&below, &path) else { return false };
                if gone.is_dir { sum(gone) } else { 0 }
            } else {
                node.size
            };
            let data = &mut all[place];
            data.bytes += size;
            let signed = i64::try_from(size).unwrap();
            if data.least < 0 || signed < data.least {
                data.least = signed;
            }
            data.count += 1;
            if data.count == 2 {
                matches.push(place);
            }
            true
        });
    }
    let least: i64 = all.iter().map(|data| data.least).sum();
    let bytes: u64 = all.iter().map(|data| data.bytes).sum();
    // Random images have few matches: below 13 Go's sort is an insertion sort, which is stable.
    matches.sort_by_key(|place| all[*place].bytes);
    let sizes: Vec<u64> = layers.iter().map(|ops| ops.iter().map(|op| entry(op).1).sum()).collect();
    Model {
        size: sizes.iter().sum(),
        user_size: sizes[1..].iter().sum(),
        wasted: matches.iter().map(|place| all[*place].bytes).sum(),
        #[allow(clippy::cast_precision_loss)]
        efficiency: if bytes == 0 { 1.0 } else { least as f64 / bytes as f64 },
        files: matches
            .iter()
            .rev()
            .map(|place| (all[*place].path.clone(), all[*place].count, all[*place].bytes))
            .collect(),
    }
}
