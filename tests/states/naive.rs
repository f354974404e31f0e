//! The plain way: unpack layer after layer into a map of paths, and look what changed.
//! Written from the OCI image spec's rules for applying changesets, and from nothing in the product.

use std::collections::{BTreeMap, BTreeSet};

use super::common::image::BUILT;
use super::generate::Op;

/// Where the bytes of a thing come from: layer and place in its tar.
pub type Inode = (usize, usize);

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    pub kind: Kind,
    pub mode: u32,
    pub owner: u64,
    pub time: u64,
    pub inode: Inode,
    /// The entry that put the name there; for a hard link another than the inode's.
    pub name: Inode,
    /// A folder that no entry lists.
    pub implied: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Dir,
    File {
        contents: u8,
        size: usize,
    },
    Symlink(String),
    Fifo,
    Device(u32),
    /// A hard link to nothing.
    Nothing,
}

/// What a layer did to a path, in the words of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    Added,
    Changed(BTreeSet<&'static str>),
    Rewritten(BTreeSet<&'static str>),
    Removed,
    Unchanged,
}

/// How a name ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Deleted,
    Replaced,
    Rewritten,
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
pub struct Bytes {
    pub shipped: u64,
    pub visible: u64,
    pub deleted: u64,
    pub replaced: u64,
    pub rewritten: u64,
}

type Files = BTreeMap<String, Thing>;

/// The whole image, unpacked.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// For every layer, what it did to which path.
    pub changes: Vec<BTreeMap<String, Change>>,
    /// The file system after every layer.
    pub after: Vec<Files>,
    pub bytes: Vec<Bytes>,
}

pub fn unpack(layers: &[Vec<Op>]) -> Unpacked {
    let mut unpacked = Unpacked::default();
    let mut files = Files::new();
    // Layer at which each name ended, and how. Names of one inode are told by their entries.
    let mut ends: BTreeMap<Inode, (usize, End)> = BTreeMap::new();
    let mut groups: BTreeMap<Inode, Vec<Inode>> = BTreeMap::new();
    for (number, ops) in layers.iter().enumerate() {
        let before = files.clone();
        let (own, lost) = own_files(number, ops, &before, &mut groups);
        for name in lost {
            ends.insert(name, (number, End::Replaced));
        }
        let cut = remove_lower(ops, &mut files);
        let mut changes = BTreeMap::new();
        for (path, thing) in &own {
            if !is_dir(thing) {
                files.retain(|other, _| !is_below(other, path));
            }
            // A folder that nothing lists leaves the folder below it as it is.
            let keeps = thing.implied && files.get(path).is_some_and(is_dir);
            if !keeps {
                files.insert(path.clone(), thing.clone());
            }
            match before.get(path) {
                None => drop(changes.insert(path.clone(), Change::Added)),
                Some(_) if keeps && !cut.contains(path) => {}
                Some(old) => drop(changes.insert(path.clone(), compare(old, thing))),
            }
        }
        for path in before.keys().filter(|path| !files.contains_key(*path)) {
            changes.insert(path.clone(), Change::Removed);
        }
        for (path, old) in &before {
            let end = match changes.get(path) {
                Some(Change::Removed) => End::Deleted,
                Some(Change::Rewritten(_)) => End::Rewritten,
                Some(Change::Changed(_) | Change::Unchanged | Change::Added) => End::Replaced,
                None => continue,
            };
            ends.insert(old.name, (number, end));
        }
        unpacked.changes.push(changes);
        unpacked.after.push(files.clone());
    }
    unpacked.bytes = (0..layers.len()).map(|number| account(number, &layers[number], &groups, &ends)).collect();
    unpacked
}

fn is_dir(thing: &Thing) -> bool {
    thing.kind == Kind::Dir
}

/// Folders have no second names.
fn is_linkable(thing: &Thing) -> bool {
    !matches!(thing.kind, Kind::Nothing | Kind::Dir)
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Takes away what the layer removes or hides of those below; returns the paths that went.
fn remove_lower(ops: &[Op], files: &mut Files) -> BTreeSet<String> {
    let mut gone = BTreeSet::new();
    for op in ops {
        files.retain(|path, _| {
            let goes = match op {
                Op::Whiteout { path: removed } => path == removed || is_below(path, removed),
                Op::Opaque { path: folder } => is_below(path, folder),
                _ => false,
            };
            if goes {
                gone.insert(path.clone());
            }
            !goes
        });
    }
    gone
}

/// What the layer itself unpacks to, and the names that it overwrote itself.
fn own_files(
    number: usize,
    ops: &[Op],
    before: &Files,
    groups: &mut BTreeMap<Inode, Vec<Inode>>,
) -> (Files, Vec<Inode>) {
    let (mut own, mut lost) = (Files::new(), Vec::new());
    let mut unresolved: Vec<(String, String, Inode)> = Vec::new();
    for (place, op) in ops.iter().enumerate() {
        let name = (number, place);
        let thing = |kind, mode, owner, time| Thing { kind, mode, owner, time, inode: name, name, implied: false };
        let (path, thing) = match op {
            Op::Dir { path, mode, owner } => (path, thing(Kind::Dir, mode | 0o111, *owner, BUILT)),
            Op::File { path, contents, size, mode, owner, time } => {
                let contents = if *size == 0 { 0 } else { *contents };
                (path, thing(Kind::File { contents, size: *size }, *mode, *owner, *time))
            }
            Op::Symlink { path, target } => (path, thing(Kind::Symlink(target.clone()), 0o644, 0, BUILT)),
            Op::Fifo { path } => (path, thing(Kind::Fifo, 0o644, 0, BUILT)),
            Op::Device { path, minor } => (path, thing(Kind::Device(*minor), 0o644, 0, BUILT)),
            Op::Hardlink { path, target } => {
                // The folders of the name come first, and may be what it links to.
                make_room(&mut own, path, &mut lost);
                if let Some(found) = own.get(target).filter(|found| is_linkable(found)) {
                    (path, Thing { name, implied: false, ..found.clone() })
                } else {
                    unresolved.push((path.clone(), target.clone(), name));
                    (path, thing(Kind::Nothing, 0o644, 0, BUILT))
                }
            }
            Op::Whiteout { .. } | Op::Opaque { .. } => continue,
        };
        make_room(&mut own, path, &mut lost);
        if let Some(earlier) = own.get(path) {
            lost.push(earlier.name);
            if is_dir(earlier) && !is_dir(&thing) {
                lost.extend(own.iter().filter(|(other, _)| is_below(other, path)).map(|(_, thing)| thing.name));
                own.retain(|other, _| !is_below(other, path));
            }
        }
        groups.entry(thing.inode).or_default().push(name);
        own.insert(path.clone(), thing);
    }
    resolve_late(&mut own, unresolved, before, groups);
    (own, lost)
}

/// Links whose target came later in the tar, or stands in the layers below. What the layer itself has under the name is
/// meant first, even if that is a link that waits, too; so this goes round until nothing more is resolved.
fn resolve_late(
    own: &mut Files,
    mut unresolved: Vec<(String, String, Inode)>,
    before: &Files,
    groups: &mut BTreeMap<Inode, Vec<Inode>>,
) {
    loop {
        let waiting = unresolved.len();
        unresolved.retain(|(path, target, name)| {
            let here = own.get(target).filter(|found| found.name != *name).cloned();
            let found = match here {
                Some(found) if is_linkable(&found) => {
                    groups.entry(found.inode).or_default().push(*name);
                    found
                }
                Some(_) => return true,
                None => match before.get(target).filter(|found| is_linkable(found)) {
                    // A link into another layer shows its contents and belongs to no group.
                    Some(found) => Thing { inode: *name, ..found.clone() },
                    None => return true,
                },
            };
            if let Some(thing) = own.get_mut(path).filter(|thing| thing.name == *name) {
                *thing = Thing { name: *name, implied: false, ..found };
            }
            false
        });
        if unresolved.len() == waiting {
            return;
        }
    }
}

/// Makes the folders above a path; what is no folder there goes.
fn make_room(own: &mut Files, path: &str, lost: &mut Vec<Inode>) {
    for (place, _) in path.match_indices('/') {
        let folder = &path[..place];
        match own.get(folder) {
            Some(thing) if is_dir(thing) => continue,
            Some(other) => lost.push(other.name),
            None => {}
        }
        let nowhere = (usize::MAX, own.len());
        let implied =
            Thing { kind: Kind::Dir, mode: 0o755, owner: 0, time: 0, inode: nowhere, name: nowhere, implied: true };
        own.insert(folder.to_owned(), implied);
    }
}

fn compare(old: &Thing, new: &Thing) -> Change {
    let mut differs = BTreeSet::new();
    let mut note = |word, differs_in: bool| {
        if differs_in {
            differs.insert(word);
        }
    };
    note("mode", old.mode != new.mode);
    note("owner", old.owner != new.owner);
    note("time", old.time != new.time);
    let (both_dirs, same_type) = match (&old.kind, &new.kind) {
        (Kind::Dir, Kind::Dir) => (true, true),
        (Kind::File { .. } | Kind::Nothing, Kind::File { .. } | Kind::Nothing) => {
            let bytes = |kind: &Kind| match kind {
                Kind::File { contents, size } => (*contents, *size),
                _ => (0, 0),
            };
            note("content", bytes(&old.kind) != bytes(&new.kind));
            (false, true)
        }
        (Kind::Symlink(one), Kind::Symlink(other)) => {
            note("link target", one != other);
            (false, true)
        }
        (Kind::Device(one), Kind::Device(other)) => {
            note("content", one != other);
            (false, true)
        }
        (Kind::Fifo, Kind::Fifo) => (false, true),
        _ => (false, false),
    };
    note("type", !same_type);
    if both_dirs {
        let matters = differs.contains("mode") || differs.contains("owner");
        return if matters { Change::Changed(differs) } else { Change::Unchanged };
    }
    let is_new = ["type", "content", "link target"].iter().any(|word| differs.contains(word));
    if is_new { Change::Changed(differs) } else { Change::Rewritten(differs) }
}

/// The bytes of a layer by what became of them: a group of names ends with its last name.
fn account(
    number: usize,
    ops: &[Op],
    groups: &BTreeMap<Inode, Vec<Inode>>,
    ends: &BTreeMap<Inode, (usize, End)>,
) -> Bytes {
    let mut bytes = Bytes::default();
    for (place, op) in ops.iter().enumerate() {
        let Op::File { size, .. } = op else { continue };
        let size = *size as u64;
        bytes.shipped += size;
        let names = &groups[&(number, place)];
        let mut last: Option<&(usize, End)> = None;
        let mut alive = false;
        for name in names {
            match ends.get(name) {
                None => alive = true,
                // Of names that end together the first one says how.
                Some(end) if last.is_none_or(|last| end.0 > last.0) => last = Some(end),
                Some(_) => {}
            }
        }
        *match last {
            _ if alive => &mut bytes.visible,
            Some((_, End::Deleted)) => &mut bytes.deleted,
            Some((_, End::Replaced)) => &mut bytes.replaced,
            Some((_, End::Rewritten)) => &mut bytes.rewritten,
            None => &mut bytes.visible,
        } += size;
    }
    bytes
}
