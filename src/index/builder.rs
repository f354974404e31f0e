//! Fills an index, slot by slot. Owns the tables that only filling needs: they are gone when the index is done.

use std::sync::Arc;

use super::attrs::Tables;
use super::compare::MOST_LINKS;
use super::contents::{Known, MOST_BYTES};
use super::entry::{Flags, Link, NONE, Node, pack_device};
use super::names::{self, Memory, NameRef};
use super::paths::Paths;
use super::{Entry, EntryId, Index, Kind, PathId, SlotId};
use crate::layer::whiteout::{self, Mark};
use crate::layer::{self, Content, EntryKind, LayerError, Limits};

/// What a folder gets that no header describes: what an engine gives it when it unpacks the layer.
const IMPLIED_MODE: u16 = 0o755;

/// A layer in which files turn into folders and back this often is made to waste time.
const MOST_CONFLICTS: u32 = 1000;

/// So is one that does it with large folders. Looking at a path costs 20 ns, so this is a second of waste.
const MOST_LOOKED_AT: u64 = 50_000_000;

/// What one slot came to.
#[derive(Debug, Clone, Default)]
pub struct SlotSummary {
    /// Entries of the tar, whiteouts included.
    pub entries: u64,
    /// Sum of all apparent sizes in bytes, whatever the entry is: dive's size of a layer.
    pub header_bytes: u64,
    /// Apparent bytes of regular files.
    pub shipped_bytes: u64,
    /// Names with `..` in them, which were kept inside the root.
    pub clamped: u64,
    pub(super) first: u32,
    pub(super) kept: u32,
}

/// Where a path of a tar stands.
struct Place<'p> {
    /// The folder it is in; for aufs's bookkeeping the folder around that.
    folder: PathId,
    /// Its last part.
    name: &'p [u8],
    /// Whether it is aufs's bookkeeping.
    is_meta: bool,
}

/// Builds an [`Index`].
pub struct Builder {
    index: Index,
    limits: Limits,
    paths: Paths,
    names: Memory,
    attrs: Tables,
    slot: SlotSummary,
    /// The folder of the last entry, by its spelling: tars list a folder's files together.
    folder: Option<(Vec<u8>, PathId)>,
    /// The folder under which everything is known to have its folders in this slot.
    settled: Option<PathId>,
    /// Hard links whose target had not come by yet.
    waiting: Vec<u32>,
    conflicts: u32,
    looked_at: u64,
}

impl Builder {
    /// An empty index that keeps to `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let mut index = Index::default();
        let mut names = Memory::default();
        let name = names.intern(&mut index.names, b"", names::hash(b"")).unwrap_or(NameRef(0));
        index.nodes.push(Node { parent: NONE, name, first_child: NONE, next_sibling: NONE, newest: NONE });
        index.xattrs = Arc::new(vec![Vec::new()]);
        Self {
            index,
            limits,
            paths: Paths::default(),
            names,
            attrs: Tables::default(),
            slot: SlotSummary::default(),
            folder: None,
            settled: None,
            waiting: Vec::new(),
            conflicts: 0,
            looked_at: 0,
        }
    }

    /// Starts the next slot.
    ///
    /// # Errors
    /// More than 65 535 of them.
    pub fn begin(&mut self) -> Result<(), LayerError> {
        let full = || LayerError::TooMuch { what: "the number of layers".into(), limit: u64::from(u16::MAX) };
        u16::try_from(self.index.slots.all().len()).map_err(|_too_large| full())?;
        let first = u32::try_from(self.index.entries.len()).map_err(|_too_large| full())?;
        self.slot = SlotSummary { first, ..SlotSummary::default() };
        (self.folder, self.settled, self.conflicts) = (None, None, 0);
        self.waiting.clear();
        Ok(())
    }

    /// Ends the slot. It counts as one even when its layer broke off: what was read stays, and nobody refers to it.
    pub fn end(&mut self) -> SlotId {
        for place in std::mem::take(&mut self.waiting) {
            let target = PathId(self.index.links.get(place).target);
            self.index.links.get_mut(place).root = self.shared_here(target);
        }
        let id = self.filling();
        self.slot.kept = u32::try_from(self.index.entries.len()).unwrap_or(u32::MAX) - self.slot.first;
        self.index.slots.push(std::mem::take(&mut self.slot));
        id
    }

    /// Notes hashes of files of a slot that were not read, by the byte at which their contents lie, in order.
    pub fn set_contents(&mut self, slot: SlotId, hashes: &[(u64, u128)]) {
        self.index.set_contents(slot, hashes);
    }

    /// The finished index.
    #[must_use]
    pub fn finish(self) -> Index {
        self.index
    }

    /// What is built so far.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The slot that is being filled, or will be the next time.
    #[must_use]
    pub fn filling(&self) -> SlotId {
        self.index.slots.next()
    }

    /// A copy of what is built so far, the slot that is being filled included: it stays as it is while this goes on.
    /// Hard links whose target is still to come lead nowhere in it.
    #[must_use]
    pub fn so_far(&self) -> Index {
        let mut index = self.index.clone();
        let kept = u32::try_from(index.entries.len()).unwrap_or(u32::MAX) - self.slot.first;
        index.slots.push(SlotSummary { kept, ..self.slot.clone() });
        index
    }

    /// Adds an entry to the slot.
    ///
    /// # Errors
    /// A limit that is passed.
    pub fn add(&mut self, entry: &layer::Entry<'_>) -> Result<(), LayerError> {
        self.slot.entries += 1;
        self.slot.header_bytes = self.slot.header_bytes.saturating_add(entry.size);
        let Some(Place { folder, name, is_meta }) = self.place(entry.path)? else {
            // The root itself: its header says mode and owner.
            return if entry.kind == EntryKind::Dir { self.object(entry, Index::ROOT, Kind::Dir) } else { Ok(()) };
        };
        if is_meta {
            return self.mark(entry, folder, Kind::Meta);
        }
        match whiteout::read(name) {
            Mark::Entry => {
                let path = self.child(folder, name)?;
                self.object(entry, path, entry.kind.into())
            }
            Mark::Whiteout(target) => {
                let path = self.child(folder, target)?;
                self.mark(entry, path, Kind::Whiteout)
            }
            Mark::Opaque => self.mark(entry, folder, Kind::Opaque),
            Mark::Meta => self.mark(entry, folder, Kind::Meta),
        }
    }

    /// Finds the folder of a path as the tar spells it, and the path's last part. `.` and empty parts count for
    /// nothing; `..` steps back, but never out of the root. `None` is the root itself.
    fn place<'p>(&mut self, path: &'p [u8]) -> Result<Option<Place<'p>>, LayerError> {
        let trimmed = path.strip_suffix(b"/").unwrap_or(path);
        let (spelled, name) = match memchr::memrchr(b'/', trimmed) {
            Some(slash) => (&trimmed[..slash], &trimmed[slash + 1..]),
            None => (&[][..], trimmed),
        };
        if !matches!(name, b"" | b"." | b"..")
            && let Some((known, folder)) = &self.folder
            && known == spelled
        {
            return Ok(Some(Place { folder: *folder, name, is_meta: false }));
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in path.split(|&byte| byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => {
                    self.slot.clamped += 1;
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        if parts.len() > self.limits.depth {
            return Err(LayerError::TooMuch {
                what: format!("a name {} folders deep", parts.len()),
                limit: self.limits.depth as u64,
            });
        }
        let Some((last, folders)) = parts.split_last() else { return Ok(None) };
        let mut folder = Index::ROOT;
        for part in folders {
            if whiteout::is_meta(part) {
                return Ok(Some(Place { folder, name: part, is_meta: true }));
            }
            folder = self.child(folder, part)?;
        }
        if *last == name {
            self.folder = Some((spelled.to_vec(), folder));
        }
        Ok(Some(Place { folder, name: last, is_meta: false }))
    }

    /// The path of that name in a folder, made now if it is new.
    fn child(&mut self, folder: PathId, name: &[u8]) -> Result<PathId, LayerError> {
        let hash = names::hash(name);
        if let Some(path) = self.paths.find(&self.index, folder, name, hash) {
            return Ok(path);
        }
        let full = || LayerError::TooMuch { what: "the number of paths".into(), limit: u64::from(u32::MAX) };
        let name = self.names.intern(&mut self.index.names, name, hash).ok_or_else(full)?;
        let next_sibling = self.index.nodes.get(folder.0).first_child;
        let node = Node { parent: folder.0, name, first_child: NONE, next_sibling, newest: NONE };
        let id = self.index.nodes.push(node).ok_or_else(full)?;
        self.index.nodes.get_mut(folder.0).first_child = id;
        self.paths.insert(&self.index, id, hash);
        Ok(PathId(id))
    }

    /// Adds a thing of this layer.
    fn object(&mut self, entry: &layer::Entry<'_>, path: PathId, kind: Kind) -> Result<(), LayerError> {
        if kind == Kind::File {
            self.slot.shipped_bytes = self.slot.shipped_bytes.saturating_add(entry.size);
        }
        self.settle(path)?;
        // Looked up before anything is replaced: a hard link may name what stood under its own name.
        let extra = self.extra(entry, kind)?;
        if let Some(earlier) = self.object_here(path) {
            // The last of two entries for one path is the one that an engine leaves on disk.
            if self.index.kind(earlier) == Kind::Dir && kind != Kind::Dir {
                self.supersede_below(path)?;
            }
            self.supersede(earlier);
        }
        self.push(entry, path, kind, extra, Flags::default())
    }

    /// Adds a mark about the layers below. It makes no folder: nothing of this layer stands there.
    fn mark(&mut self, entry: &layer::Entry<'_>, path: PathId, kind: Kind) -> Result<(), LayerError> {
        // Saying it again changes nothing, and lists stay so short that looking through them is free.
        if self.here(path, |known| known == kind).is_some() {
            return Ok(());
        }
        self.push(entry, path, kind, NONE, Flags::default())
    }

    fn extra(&mut self, entry: &layer::Entry<'_>, kind: Kind) -> Result<u32, LayerError> {
        let full = || LayerError::TooMuch { what: "the number of entries".into(), limit: u64::from(u32::MAX) };
        Ok(match kind {
            Kind::File => match entry.content {
                Content::Hash(hash) => self.index.contents.push(Known::hash(hash)).ok_or_else(full)?,
                Content::Unread(unread) => {
                    let far = || LayerError::TooMuch { what: "the size of the layer".into(), limit: MOST_BYTES };
                    self.index.contents.push(Known::unread(unread).ok_or_else(far)?).ok_or_else(full)?
                }
                Content::Nothing => NONE,
            },
            Kind::Symlink => {
                self.names.intern(&mut self.index.names, entry.link, names::hash(entry.link)).ok_or_else(full)?.0
            }
            Kind::Char | Kind::Block => pack_device(entry.device),
            Kind::Hardlink => {
                let target = match self.place(entry.link)? {
                    Some(Place { folder, name, .. }) => self.child(folder, name)?,
                    None => Index::ROOT,
                };
                let root = self.shared_here(target);
                let link = self.index.links.push(Link { target: target.0, root }).ok_or_else(full)?;
                if root == NONE {
                    self.waiting.push(link);
                }
                link
            }
            Kind::Dir | Kind::Fifo | Kind::Whiteout | Kind::Opaque | Kind::Meta => NONE,
        })
    }

    /// Sees to it that every folder above the path exists in this slot: those that no header listed are implied.
    fn settle(&mut self, path: PathId) -> Result<(), LayerError> {
        let Some(mut folder) = self.index.parent(path) else { return Ok(()) };
        if self.settled == Some(folder) {
            return Ok(());
        }
        let settled = folder;
        while folder != Index::ROOT {
            match self.object_here(folder) {
                Some(id) if self.index.kind(id) == Kind::Dir => break,
                Some(other) => self.supersede(other),
                None => {}
            }
            self.push_implied(folder)?;
            let Some(above) = self.index.parent(folder) else { break };
            folder = above;
        }
        self.settled = Some(settled);
        Ok(())
    }

    fn push_implied(&mut self, path: PathId) -> Result<(), LayerError> {
        let folder = layer::Entry { mode: IMPLIED_MODE, ..layer::Entry::bare(EntryKind::Dir) };
        self.push(&folder, path, Kind::Dir, NONE, Flags::IMPLIED)
    }

    fn push(
        &mut self,
        entry: &layer::Entry<'_>,
        path: PathId,
        kind: Kind,
        extra: u32,
        mut flags: Flags,
    ) -> Result<(), LayerError> {
        if entry.typeflag == b'S' {
            flags.set(Flags::SPARSE);
        }
        let attrs = self.attrs.place(&mut self.index, entry);
        let older = self.index.nodes.get(path.0).newest;
        let slot = self.filling();
        let record = Entry { size: entry.size, mtime: entry.mtime, path, attrs, extra, slot, kind, flags };
        let id = self
            .index
            .entries
            .push(&record)
            .ok_or_else(|| LayerError::TooMuch { what: "the number of entries".into(), limit: u64::from(u32::MAX) })?;
        self.index.slots.note(id);
        self.index.entries.set_older(id, older);
        self.index.nodes.get_mut(path.0).newest = id;
        Ok(())
    }

    fn object_here(&self, path: PathId) -> Option<EntryId> {
        self.here(path, Kind::is_object)
    }

    /// What this slot has at the path so far.
    fn here(&self, path: PathId, wanted: impl Fn(Kind) -> bool) -> Option<EntryId> {
        let slot = self.filling();
        let entries = self.index.entries_of(path).map(|id| (id, self.index.entry(id)));
        let mut here = entries.take_while(|(_, entry)| entry.slot == slot);
        here.find(|(_, entry)| wanted(entry.kind)).map(|(id, _)| id)
    }

    /// The place of what a hard link to the path shares, `NONE` for nothing. A link may name a link that waits itself.
    /// Folders have no second names.
    fn shared_here(&self, mut target: PathId) -> u32 {
        for _ in 0..MOST_LINKS {
            let Some(id) = self.object_here(target) else { return NONE };
            if let Some(found) = self.index.inode(id) {
                return if self.index.kind(found) == Kind::Dir { NONE } else { found.0 };
            }
            let Some(next) = self.index.hardlink_target(self.index.entry(id)) else { return NONE };
            target = next;
        }
        NONE
    }

    /// Takes an entry of this slot out of its path's list. Its bytes stay counted: they are shipped all the same.
    fn supersede(&mut self, id: EntryId) {
        self.settled = None;
        let (path, older) = (self.index.entry(id).path, self.index.entries.older(id.0));
        let entries = &mut self.index.entries;
        entries.flag(id.0, Flags::SUPERSEDED);
        entries.set_older(id.0, NONE);
        let newest = &mut self.index.nodes.get_mut(path.0).newest;
        if *newest == id.0 {
            *newest = older;
        } else if let Some(before) = entries.before(*newest, id.0) {
            entries.set_older(before, older);
        }
    }

    /// A folder of this slot becomes something else: what the slot had in it goes.
    fn supersede_below(&mut self, path: PathId) -> Result<(), LayerError> {
        self.conflicts += 1;
        if self.conflicts > MOST_CONFLICTS || self.looked_at > MOST_LOOKED_AT {
            let what = "the number of folders that the same layer turns into files".into();
            return Err(LayerError::TooMuch { what, limit: u64::from(MOST_CONFLICTS) });
        }
        let mut folders = vec![path];
        while let Some(folder) = folders.pop() {
            let mut looked_at = 0;
            let inside: Vec<_> = self
                .index
                .children(folder)
                .inspect(|_| looked_at += 1)
                .filter_map(|child| Some((child, self.object_here(child)?)))
                .collect();
            self.looked_at += looked_at;
            for (child, object) in inside {
                if self.index.kind(object) == Kind::Dir {
                    folders.push(child);
                }
                self.supersede(object);
            }
        }
        Ok(())
    }
}
