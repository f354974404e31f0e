//! What no package owns: the application itself, once the notes that managers and the system keep are left out.

use super::role::{Parts, parts_of};
use super::{Database, NONE};
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
pub fn payload(index: &Index, stack: &Stack, account: &Account, owners: &[u32], databases: &[Database]) -> Payload {
    let state = states(index);
    let mut holds = vec![Holds::Nothing; index.paths()];
    let mut unowned: Vec<(EntryId, PathId, u32)> = Vec::new();
    for (layer, slot) in (0_u32..).zip(stack.slots()) {
        for id in slot.map(|slot| index.entries_in(slot)).into_iter().flatten() {
            let entry = index.entry(id);
            if !matches!(entry.kind, Kind::File | Kind::Hardlink) || account.fate(id, layer) != Fate::Visible {
                continue;
            }
            let is_unlisted = |database: &Database| {
                let is_here = !database.is_complete && database.layers.contains(&layer);
                is_here && index.lineage(entry.path).last().is_some_and(|top| index.name(top) == b"etc")
            };
            let is_payload =
                owners[entry.path.place()] == NONE && !state[entry.path.place()] && !databases.iter().any(is_unlisted);
            holds[entry.path.place()] = if is_payload { Holds::Payload } else { Holds::More };
            if is_payload {
                unowned.push((id, entry.path, layer));
            }
        }
    }
    spread(index, &mut holds);
    sum(index, &holds, &unowned, !databases.is_empty())
}

/// Tells folders what is in them. What a folder holds comes behind it in the order of paths.
fn spread(index: &Index, holds: &mut [Holds]) {
    for place in (1..holds.len()).rev() {
        let path = PathId::from_place(u32::try_from(place).unwrap_or(NONE));
        let Some(parent) = index.parent(path) else { continue };
        holds[parent.place()] = match (holds[parent.place()], holds[place]) {
            (known, Holds::Nothing) => known,
            (Holds::Nothing, new) => new,
            (Holds::Payload, Holds::Payload) => Holds::Payload,
            (Holds::More, _) | (_, Holds::More) => Holds::More,
        };
    }
}

fn sum(index: &Index, holds: &[Holds], unowned: &[(EntryId, PathId, u32)], has_database: bool) -> Payload {
    // For every path the highest folder that holds nothing but payload.
    let mut highest: Vec<u32> = vec![NONE; holds.len()];
    for place in 0..u32::try_from(holds.len()).unwrap_or(NONE) {
        let path = PathId::from_place(place);
        if holds[path.place()] == Holds::Payload {
            let above = index.parent(path).map_or(NONE, |parent| highest[parent.place()]);
            highest[path.place()] = if above == NONE { place } else { above };
        }
    }
    let mut payload = Payload::default();
    let mut place_of = std::collections::HashMap::new();
    for &(id, path, layer) in unowned {
        let entry = index.entry(id);
        let bytes = if entry.kind == Kind::File { entry.size } else { 0 };
        payload.files += 1;
        payload.bytes += bytes;
        let top = highest[path.place()];
        let place = *place_of.entry(top).or_insert_with(|| {
            payload.places.push(Unowned { path: PathId::from_place(top), layer, files: 0, bytes: 0 });
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
    for place in 1..states.len() {
        let path = PathId::from_place(u32::try_from(place).unwrap_or(NONE));
        let is_below = index.parent(path).is_some_and(|parent| states[parent.place()]);
        states[place] = is_below || is_state(&parts_of(index, path));
    }
    states
}

/// Files and folders that managers, their scripts and engines write.
fn is_state(parts: &Parts<'_>) -> bool {
    match parts {
        [
            b"dpkg" | b"apt" | b"rpm" | b"rpmmanifest" | b"dnf" | b"yum" | b"pacman" | b"ucf" | b"pam" | b"systemd",
            b"lib",
            b"var",
            b"",
            ..,
        ]
        | [
            b"apt" | b"debconf" | b"ldconfig" | b"dnf" | b"yum" | b"libdnf5" | b"tdnf" | b"zypp" | b"apk" | b"pacman"
            | b"man" | b"fontconfig",
            b"cache",
            b"var",
            b"",
            ..,
        ]
        | [
            b"apt" | b"dpkg.log" | b"alternatives.log" | b"bootstrap.log" | b"pacman.log" | b"dnf.log" | b"apk.log",
            b"log",
            b"var",
            b"",
            ..,
        ]
        | [b"rpm" | b"libdnf5", b"sysimage", b"lib", b"usr", b"", ..]
        | [b"db", b"apk", b"lib", b"", ..]
        | [b"db", b"apk", b"lib", b"usr", b"", ..]
        | [b"db", b"sgml-base" | b"xml-core", b"lib", b"var", b"", ..]
        | [b"apk" | b"alternatives", b"etc", b"", ..]
        | [b"certs", b"ssl", b"etc", b"", ..]
        | [
            b"mime.cache" | b"gschemas.compiled" | b"icon-theme.cache" | b"loaders.cache" | b"giomodule.cache"
            | b"locale-archive",
            ..,
        ]
        | [b"dev" | b"proc" | b"sys", b"", ..] => true,
        [b".dockerenv" | b".containerenv", folder, ..] => matches!(*folder, b"" | b"run"),
        [file, b"etc", b"", ..] => is_system_file(file),
        [file, b"pam.d", b"etc", b"", ..] => file.starts_with(b"common-"),
        [b"opasswd", b"security", b"etc", b"", ..]
        | [b"btmp" | b"wtmp" | b"lastlog" | b"faillog", b"log", b"var", b"", ..]
        | [b"shells.state" | b"python", b"lib", b"var", b"", ..]
        | [b"dir", b"info", b"share", b"usr", b"", ..]
        // What every user's folder begins with.
        | [b".bashrc" | b".profile", b"root", b"", ..] => true,
        _ => false,
    }
}

/// Files in `etc` that scripts write when a system is set up.
fn is_system_file(file: &[u8]) -> bool {
    matches!(
        file,
        b"ld.so.cache"
            | b"passwd"
            | b"passwd-"
            | b"group"
            | b"group-"
            | b"shadow"
            | b"shadow-"
            | b"gshadow"
            | b"gshadow-"
            | b"subuid"
            | b"subuid-"
            | b"subgid"
            | b"subgid-"
            | b"hosts"
            | b"hostname"
            | b"resolv.conf"
            | b"machine-id"
            | b"mtab"
            | b"localtime"
            | b"timezone"
            | b"environment"
            | b"shells"
            | b".pwd.lock"
            | b".updated"
            | b"ca-certificates.conf"
            | b"mailcap"
            | b"fstab"
            | b"os-release"
            | b"profile"
            | b"nsswitch.conf"
            | b"motd"
            | b"inputrc"
    )
}
