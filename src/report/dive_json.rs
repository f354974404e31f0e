//! dive's own JSON export, equal in value to what dive writes (`dive --json`, 0.13.1).

use std::collections::HashMap;
use std::io::Write;

use serde::Serialize;

use super::Facts;
use crate::analysis::dive::tree::{LayerTree, Node, raw};
use crate::analysis::secrets::shown;
use crate::index::{EntryId, Index, Kind, PathId};

/// Writes the export.
///
/// # Errors
/// Whatever writing gives.
pub fn write(facts: &Facts<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let mut tree = LayerTree::default();
    let layers = (0..facts.image.layers.len()).map(|layer| layer_of(facts, layer, &mut tree)).collect();
    let dive = &facts.analysis.dive;
    let files = dive.inefficient_files.iter().map(|file| FileReference {
        count: file.count,
        size_bytes: file.bytes,
        file: format!("/{}", lossy(&facts.index.path(file.path))),
    });
    let image = Image {
        size_bytes: dive.size_bytes,
        inefficient_bytes: dive.wasted_bytes,
        efficiency_score: dive.efficiency,
        file_reference: files.collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &Export { layer: layers, image })?;
    Ok(())
}

#[derive(Serialize)]
struct Export {
    layer: Vec<Layer>,
    image: Image,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    index: usize,
    id: String,
    digest_id: String,
    size_bytes: u64,
    command: String,
    file_list: Vec<FileInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    size_bytes: u64,
    inefficient_bytes: u64,
    efficiency_score: f64,
    file_reference: Vec<FileReference>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileReference {
    count: u32,
    size_bytes: u64,
    file: String,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct FileInfo {
    path: String,
    type_flag: u8,
    link_name: String,
    size: u64,
    file_mode: u32,
    uid: u32,
    gid: u32,
    is_dir: bool,
}

fn layer_of(facts: &Facts<'_>, place: usize, tree: &mut LayerTree) -> Layer {
    let layer = &facts.image.layers[place];
    let slot = facts.stack.slots()[place];
    let file_list = slot.map_or_else(Vec::new, |slot| {
        tree.fill(facts.index, slot);
        file_list(facts.index, tree)
    });
    // dive takes the digest from the config by way of the history: without a step there is none.
    let step = layer.step.as_ref();
    let command = step.map_or("(missing)".into(), |step| {
        shown(step.created_by.strip_prefix("/bin/sh -c ").unwrap_or(&step.created_by))
    });
    Layer {
        index: place,
        id: layer.blob.split('/').next().unwrap_or_default().to_owned(),
        digest_id: step.and(layer.diff_id.clone()).unwrap_or_default(),
        size_bytes: slot.map_or(0, |slot| facts.index.slot(slot).header_bytes),
        command: command.into_owned(),
        file_list,
    }
}

/// A node of dive's tree. A path and its whiteout are two.
#[derive(Clone, Copy)]
struct Item {
    path: PathId,
    /// The entry of a whiteout.
    whiteout: Option<EntryId>,
}

/// All nodes, children before their folder, siblings by the bytes of their names.
fn file_list(index: &Index, tree: &LayerTree) -> Vec<FileInfo> {
    let mut children: HashMap<PathId, Vec<Item>> = HashMap::new();
    let objects = tree.touched().map(|path| Item { path, whiteout: None });
    let whiteouts = tree.whiteouts().iter().map(|(path, entry)| Item { path: *path, whiteout: Some(*entry) });
    for item in objects.chain(whiteouts) {
        children.entry(index.parent(item.path).unwrap_or(Index::ROOT)).or_default().push(item);
    }
    for siblings in children.values_mut() {
        // Taken from the end, so the last comes first.
        siblings.sort_by(|one, other| {
            raw(index.name(other.path), other.whiteout.is_some()).cmp(raw(index.name(one.path), one.whiteout.is_some()))
        });
    }
    let mut list = Vec::new();
    let mut open: Vec<Option<Item>> = vec![None];
    while let Some(item) = open.last().copied() {
        let folder = match item {
            None => Some(Index::ROOT),
            Some(Item { path, whiteout: None }) => Some(path),
            Some(_) => None,
        };
        if let Some(next) = folder.and_then(|folder| children.get_mut(&folder)?.pop()) {
            open.push(Some(next));
            continue;
        }
        open.pop();
        list.extend(item.map(|item| file_info(index, tree, item)));
    }
    list
}

fn file_info(index: &Index, tree: &LayerTree, item: Item) -> FileInfo {
    let id = match (item.whiteout, tree.node(item.path)) {
        (Some(id), _) | (None, Node::Entry(id)) => id,
        // A folder that no header lists is an empty record to dive.
        (None, Node::Implied | Node::Absent) => return FileInfo::default(),
    };
    let entry = index.entry(id);
    let attrs = index.attrs(entry);
    let mut path = index.path(item.path);
    if item.whiteout.is_some() {
        let name = path.len() - index.name(item.path).len();
        path.splice(name..name, *b".wh.");
    }
    let link = index
        .symlink_target(entry)
        .map(<[u8]>::to_vec)
        .or_else(|| index.hardlink_target(entry).map(|target| index.path(target)));
    FileInfo {
        path: lossy(&path),
        type_flag: entry.typeflag(),
        link_name: link.map(|link| lossy(&link)).unwrap_or_default(),
        size: entry.size,
        file_mode: go_mode(entry.kind, attrs.mode),
        uid: attrs.uid,
        gid: attrs.gid,
        is_dir: entry.kind == Kind::Dir,
    }
}

/// Go's `os.FileMode`: permission bits as they are, everything else in bits of its own (Go, `io/fs`, "FileMode").
fn go_mode(kind: Kind, mode: u16) -> u32 {
    let kind = match kind {
        Kind::Dir => 1 << 31,
        Kind::Symlink => 1 << 27,
        Kind::Block => 1 << 26,
        Kind::Char => 1 << 26 | 1 << 21,
        Kind::Fifo => 1 << 25,
        Kind::File | Kind::Hardlink | Kind::Whiteout | Kind::Opaque | Kind::Meta => 0,
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    special.iter().filter(|(bit, _)| mode & bit != 0).fold(kind | u32::from(mode & 0o777), |all, (_, go)| all | go)
}

/// What Go writes for a name that is not UTF-8.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_gos() {
        assert_eq!(go_mode(Kind::Dir, 0o1777), 2_148_532_735);
        assert_eq!(go_mode(Kind::Dir, 0o755), 2_147_484_141);
        assert_eq!(go_mode(Kind::File, 0o644), 420);
        assert_eq!(go_mode(Kind::File, 0o4755), 8_388_608 + 0o755);
    }
}
