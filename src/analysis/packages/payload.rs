//! What no package owns: the application itself, once the notes that managers and the system keep are left out.

use rustc_hash::FxHashMap;

use super::role::{Parts, parts_of};
use super::{Database, Owning};
use crate::analysis::efficiency::{Account, Fate};
use crate::index::{EntryId, Index, Kind, PathId, Stack};

/// Files that no package owns and no manager writes.
#[derive(Debug, Default)]
pub struct Payload {
    /// Files in the final file system.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where they are: the highest folders that hold nothing else, and single files; largest first.
    pub places: Vec<Unowned>,
    /// Those in the system's folders for programs that may be run: copied there, or installed past the manager.
    /// None are told of an image that never had a database, for there everything would be one.
    pub programs: Vec<Unowned>,
}

/// Something that no package owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unowned {
    /// The file or folder.
    pub path: PathId,
    /// The layer that has the file; for a folder the lowest that has anything of it.
    pub layer: u32,
    /// How many files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What of a folder is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    Payload,
    More,
}

/// Sums up what no package owns.
pub fn payload(index: &Index, stack: &Stack, account: &Account, owners: &Owning, databases: &[Database]) -> Payload {
    let state = states(index);
    let mut holds = vec![Holds::Nothing; index.paths()];
    let is_payload = |layer: u32, path: PathId| {
        let is_unlisted = |database: &Database| {
            let is_here = !database.is_complete && database.layers.contains(&layer);
            is_here && index.lineage(path).last().is_some_and(|top| index.name(top) == b"etc")
        };
        owners.of(path).is_none() && !state[path.place()] && !databases.iter().any(is_unlisted)
    };
    for (layer, id) in visible(index, stack, account) {
        let path = index.entry(id).path;
        holds[path.place()] = if is_payload(layer, path) { Holds::Payload } else { Holds::More };
    }
    spread(index, &mut holds);
    // Asked a second time: a list of them would be as long as all files are.
    let unowned = visible(index, stack, account).filter(|(layer, id)| is_payload(*layer, index.entry(*id).path));
    sum(index, &holds, unowned, !databases.is_empty())
}

/// Files and links to them in the final file system, by layer.
fn visible<'a>(index: &'a Index, stack: &'a Stack, account: &'a Account) -> impl Iterator<Item = (u32, EntryId)> + 'a {
    let entries = stack.read_layers().flat_map(|(layer, slot)| index.entries_in(slot).map(move |id| (layer, id)));
    entries.filter(|(layer, id)| {
        matches!(index.kind(*id), Kind::File | Kind::Hardlink) && account.fate(*id, *layer) == Fate::Visible
    })
}

/// Tells folders what is in them. What a folder holds comes behind it in the order of paths.
fn spread(index: &Index, holds: &mut [Holds]) {
    for place in (1..holds.len()).rev() {
        let path = PathId::from_place(u32::try_from(place).unwrap_or(u32::MAX));
        let Some(parent) = index.parent(path) else { continue };
        holds[parent.place()] = match (holds[parent.place()], holds[place]) {
            (known, Holds::Nothing) => known,
            (Holds::Nothing, new) => new,
            (Holds::Payload, Holds::Payload) => Holds::Payload,
            (Holds::More, _) | (_, Holds::More) => Holds::More,
        };
    }
}

fn sum(index: &Index, holds: &[Holds], unowned: impl Iterator<Item = (u32, EntryId)>, has_database: bool) -> Payload {
    let is_all = |path: &PathId| holds[path.place()] == Holds::Payload;
    let above = |path: PathId| index.parent(path).filter(is_all);
    // The folder before, and the highest around it that holds nothing but payload: files of a folder come together.
    let mut last = None;
    let mut payload = Payload::default();
    let mut place_of = FxHashMap::default();
    for (layer, id) in unowned {
        let entry = index.entry(id);
        let path = entry.path;
        let bytes = if entry.kind == Kind::File { entry.size } else { 0 };
        payload.files += 1;
        payload.bytes += bytes;
        let top = above(path).map_or(path, |folder| match last {
            Some((known, top)) if known == folder => top,
            _ => {
                let top = std::iter::successors(Some(folder), |folder| above(*folder)).last().unwrap_or(folder);
                last = Some((folder, top));
                top
            }
        });
        let place = *place_of.entry(top).or_insert_with(|| {
            payload.places.push(Unowned { path: top, layer, files: 0, bytes: 0 });
            payload.places.len() - 1
        });
        let place = &mut payload.places[place];
        place.files += 1;
        place.bytes += bytes;
        let inode = index.inode(id).unwrap_or(id);
        let may_run = index.attrs(index.entry(inode)).mode & 0o111 != 0;
        if has_database && may_run && is_program_folder(&parts_of(index, path)) {
            payload.programs.push(Unowned { path, layer, files: 1, bytes: index.entry(inode).size });
        }
    }
    payload.places.sort_by_key(|place| (std::cmp::Reverse(place.bytes), place.path));
    payload
}

/// Whether a file lies in a folder for programs, of the image's own root.
fn is_program_folder(parts: &Parts<'_>) -> bool {
    matches!(
        parts,
        [_, b"bin" | b"sbin", b"", ..]
            | [_, b"bin" | b"sbin" | b"games" | b"libexec", b"usr", b"", ..]
            | [_, b"bin" | b"sbin", b"local", b"usr", b"", ..]
    )
}

/// For every path whether a manager or the system writes it: what is below such a folder is so too.
fn states(index: &Index) -> Vec<bool> {
    let mut states = vec![false; index.paths()];
    for path in STATES.iter().filter_map(|path| index.find(path.as_bytes())) {
        states[path.place()] = true;
    }
    for place in 1..states.len() {
        let path = PathId::from_place(u32::try_from(place).unwrap_or(u32::MAX));
        let is_below = index.parent(path).is_some_and(|parent| states[parent.place()]);
        states[place] = states[place] || is_below || CACHES.contains(&index.name(path));
    }
    states
}

/// Caches that triggers rebuild, wherever they are.
const CACHES: [&[u8]; 6] =
    [b"mime.cache", b"gschemas.compiled", b"icon-theme.cache", b"loaders.cache", b"giomodule.cache", b"locale-archive"];

/// Files and folders that managers, the scripts of their packages, and engines write.
const STATES: &[&str] = &[
    ".dockerenv",
    "dev",
    "etc/.pwd.lock",
    "etc/.updated",
    "etc/alternatives",
    "etc/apk",
    "etc/ca-certificates.conf",
    "etc/environment",
    "etc/fstab",
    "etc/group",
    "etc/group-",
    "etc/gshadow",
    "etc/gshadow-",
    "etc/hostname",
    "etc/hosts",
    "etc/inputrc",
    "etc/ld.so.cache",
    "etc/localtime",
    "etc/machine-id",
    "etc/mailcap",
    "etc/motd",
    "etc/mtab",
    "etc/nsswitch.conf",
    "etc/os-release",
    "etc/pam.d/common-account",
    "etc/pam.d/common-auth",
    "etc/pam.d/common-password",
    "etc/pam.d/common-session",
    "etc/pam.d/common-session-noninteractive",
    "etc/passwd",
    "etc/passwd-",
    "etc/profile",
    "etc/resolv.conf",
    "etc/security/opasswd",
    "etc/shadow",
    "etc/shadow-",
    "etc/shells",
    "etc/ssl/certs",
    "etc/subgid",
    "etc/subgid-",
    "etc/subuid",
    "etc/subuid-",
    "etc/timezone",
    "lib/apk/db",
    "proc",
    // What every user's folder begins with.
    "root/.bashrc",
    "root/.profile",
    "run/.containerenv",
    "sys",
    "usr/lib/apk/db",
    "usr/lib/sysimage/libdnf5",
    "usr/lib/sysimage/rpm",
    "usr/share/info/dir",
    "var/cache/apk",
    "var/cache/apt",
    "var/cache/debconf",
    "var/cache/dnf",
    "var/cache/fontconfig",
    "var/cache/ldconfig",
    "var/cache/libdnf5",
    "var/cache/man",
    "var/cache/pacman",
    "var/cache/tdnf",
    "var/cache/yum",
    "var/cache/zypp",
    "var/lib/apt",
    "var/lib/db",
    "var/lib/dnf",
    "var/lib/dpkg",
    "var/lib/pacman",
    "var/lib/pam",
    "var/lib/python",
    "var/lib/rpm",
    "var/lib/rpmmanifest",
    "var/lib/sgml-base",
    "var/lib/shells.state",
    "var/lib/systemd",
    "var/lib/ucf",
    "var/lib/xml-core",
    "var/lib/yum",
    "var/log/alternatives.log",
    "var/log/apk.log",
    "var/log/apt",
    "var/log/bootstrap.log",
    "var/log/btmp",
    "var/log/dnf.log",
    "var/log/dpkg.log",
    "var/log/faillog",
    "var/log/lastlog",
    "var/log/pacman.log",
    "var/log/wtmp",
];
