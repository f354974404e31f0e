//! Privileges that files carry: set-id bits against what the distribution ships, capabilities, devices, and what
//! anybody may write. Only what a container sees.

use std::collections::BTreeMap;

use super::Usage;
use crate::analysis::case::{Case, common_folder};
use crate::analysis::content::Program;
use crate::analysis::finding::{About, Confidence, Finding, Origin, Severity};
use crate::index::walk::Live;
use crate::index::{Entry, Index, Kind, PathId};

const SETUID: u16 = 0o4000;
const SETGID: u16 = 0o2000;
const STICKY: u16 = 0o1000;
const GROUP_RUNS: u16 = 0o010;
const OTHERS_WRITE: u16 = 0o002;

/// Set-id programs of the distributions' own packages: Debian and its like, Alpine, Fedora and its like.
const KNOWN: [&str; 34] = [
    "chfn",
    "chsh",
    "gpasswd",
    "mount",
    "newgrp",
    "passwd",
    "su",
    "umount",
    "chage",
    "expiry",
    "unix_chkpwd",
    "newuidmap",
    "newgidmap",
    "fusermount",
    "fusermount3",
    "dbus-daemon-launch-helper",
    "ssh-keysign",
    "polkit-agent-helper-1",
    "ssh-agent",
    "utempter",
    "bbsuid",
    "pam_timestamp_check",
    "grub2-set-bootflag",
    "wall",
    "write",
    "bsd-write",
    "pppd",
    "crontab",
    "userhelper",
    "write.ul",
    "dotlockfile",
    "mlocate",
    "locate",
    "postdrop",
];

/// Programs that hand their rights to a shell or to any file, when they run as their owner.
const GIVE_SHELL: [&str; 62] = [
    "ash", "awk", "bash", "busybox", "capsh", "cat", "chmod", "chown", "cp", "cpan", "curl", "dash", "dd", "docker",
    "ed", "emacs", "env", "expect", "find", "flock", "ftp", "gawk", "gdb", "git", "install", "ksh", "less", "lua",
    "make", "man", "mawk", "more", "mv", "nano", "nawk", "nice", "nmap", "node", "openssl", "perl", "php", "pic",
    "python", "rsync", "ruby", "sed", "sh", "socat", "ssh", "stdbuf", "strace", "tar", "taskset", "tclsh", "tee",
    "time", "timeout", "unshare", "vi", "vim", "wget", "xargs",
];

/// Names of capabilities by their bits (capabilities(7), linux/capability.h).
const CAPABILITIES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// Capabilities with which a program is as good as root.
const LIKE_ROOT: [&str; 18] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "sys_module",
    "sys_rawio",
    "sys_ptrace",
    "sys_admin",
    "mknod",
    "setfcap",
    "mac_override",
    "mac_admin",
    "perfmon",
    "bpf",
];

/// All privileges that files carry.
pub fn findings(case: &Case<'_>, usage: &Usage) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut known: Vec<(PathId, Live)> = Vec::new();
    let mut open: Vec<Finding> = Vec::new();
    for (path, live, entry) in case.merged.all() {
        // Almost all entries have nothing of it, and say so themselves; a hard link is what it names.
        let attrs = case.index().attrs(entry);
        let is_plain = attrs.mode & (SETUID | SETGID | OTHERS_WRITE) == 0 && case.index().xattrs(attrs).is_empty();
        match entry.kind {
            Kind::File | Kind::Dir if is_plain => {}
            Kind::File | Kind::Hardlink => {
                found.extend(set_id(case, usage, path, live, &mut known));
                found.extend(capabilities(case, path, live, entry));
                open.extend(written_by_anybody(case, path, live, entry));
            }
            Kind::Dir => found.extend(written_by_anybody(case, path, live, entry)),
            Kind::Char | Kind::Block => found.extend(device(case, path, live, entry)),
            Kind::Symlink | Kind::Fifo | Kind::Whiteout | Kind::Opaque | Kind::Meta => {}
        }
    }
    found.extend(baseline(case, &known));
    found.extend(by_folder(case, open));
    found
}

/// Files of one folder and one layer that anybody may write are one finding.
fn by_folder(case: &Case<'_>, open: Vec<Finding>) -> Vec<Finding> {
    let mut folders: BTreeMap<(PathId, Option<u32>, Severity), Vec<Finding>> = BTreeMap::new();
    for finding in open {
        if let About::Path(path) = finding.about {
            let folder = case.index().parent(path).unwrap_or(Index::ROOT);
            folders.entry((folder, finding.layer, finding.severity)).or_default().push(finding);
        }
    }
    let join = |((folder, _, _), files): ((PathId, Option<u32>, Severity), Vec<Finding>)| {
        let count = files.len();
        let mut files = files.into_iter();
        let mut first = files.next()?;
        if count > 1 {
            first.about = About::Path(folder);
            first.mark(&[&case.index().path(folder), &b"/*"[..]].concat());
            for file in files {
                first.bytes += file.bytes;
                first.entries.extend(file.entries);
            }
            first.show("path", format!("{count} files"));
        }
        Some(first)
    };
    folders.into_iter().filter_map(join).collect()
}

fn name_of(case: &Case<'_>, path: PathId) -> String {
    String::from_utf8_lossy(case.index().name(path)).into_owned()
}

/// A program that runs as its owner or group. Those that the distribution ships are told together.
fn set_id(
    case: &Case<'_>,
    usage: &Usage,
    path: PathId,
    live: Live,
    known: &mut Vec<(PathId, Live)>,
) -> Option<Finding> {
    let mode = case.merged.mode(live);
    let by_user = mode & SETUID != 0;
    // Without the right to run, set-gid once meant locking.
    let by_group = mode & SETGID != 0 && mode & GROUP_RUNS != 0;
    if (!by_user && !by_group) || mode & 0o111 == 0 {
        return None;
    }
    let file = case.merged.file(live)?;
    let name = name_of(case, path);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
    let program = case.merged.fact(live).and_then(|fact| fact.program.as_ref());
    let is_script = matches!(program, Some(Program::Script(_)));
    let attrs = case.index().attrs(case.index().entry(file.entry));
    let owner = if by_user { attrs.uid } else { attrs.gid };
    let is_base = case.boundary.of(live.layer) != Origin::Yours;
    let is_system = case.index().path(path).starts_with(b"usr/") || case.index().path(path).starts_with(b"bin/");
    if KNOWN.contains(&name.as_str()) && is_system && !is_script {
        known.push((path, live));
        return None;
    }
    let id = if is_script {
        "RSK-UNREADABLE-SETID"
    } else if GIVE_SHELL.contains(&name.as_str()) || GIVE_SHELL.contains(&bare) {
        "RSK-SETID-SHELL"
    } else {
        "RSK-SETID"
    };
    let mut finding = case.about(&case.rule(id)?, path, Live { layer: live.layer, entry: file.entry });
    finding.layer = Some(live.layer);
    finding.confidence = Confidence::Exact;
    finding.bytes = case.index().entry(file.entry).size;
    finding.in_use = usage.of(file.entry).to_vec();
    let what = if by_user { "user" } else { "group" };
    finding.show("mode", format!("{mode:04o}, runs as {what} {owner}"));
    if is_script {
        return Some(finding);
    }
    if owner != 0 {
        finding.shift(-1, "not as root");
    } else if !is_base {
        finding.shift(1, "added to the base");
    }
    case.discount(&mut finding);
    Some(finding)
}

/// One line for all set-id programs of a layer that belong to the distribution.
fn baseline(case: &Case<'_>, known: &[(PathId, Live)]) -> Vec<Finding> {
    let Some(rule) = case.rule("RSK-SETID-KNOWN") else { return Vec::new() };
    let mut by_layer: BTreeMap<u32, Finding> = BTreeMap::new();
    for (path, live) in known {
        let index = case.index();
        let folder = index.parent(*path).unwrap_or(Index::ROOT);
        let finding = by_layer.entry(live.layer).or_insert_with(|| {
            let mut first = case.about(&rule, folder, *live);
            first.entries.clear();
            first.package = None;
            first.confidence = Confidence::Exact;
            case.discount(&mut first);
            first
        });
        if let About::Path(about) = finding.about {
            finding.about = About::Path(common_folder(index, about, folder));
        }
        finding.entries.push(live.entry);
        let mode = case.merged.mode(*live);
        finding.show("path", format!("/{} {mode:04o}", String::from_utf8_lossy(&index.path(*path))));
    }
    for finding in by_layer.values_mut() {
        let members: Vec<&str> = finding.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
        let key = members.join("\0");
        finding.mark(key.as_bytes());
    }
    by_layer.into_values().collect()
}

/// Reads `security.capability` (linux/capability.h, `vfs_cap_data`): the bits that are permitted, and whether they
/// count at once.
fn read_capability(value: &[u8]) -> Option<(u64, bool)> {
    let word =
        |place: usize| -> Option<u32> { value.get(place * 4..place * 4 + 4)?.try_into().ok().map(u32::from_le_bytes) };
    let magic = word(0)?;
    let high = match (magic >> 24, value.len()) {
        (1, 12) => 0,
        (2, 20) | (3, 24) => word(3)?,
        _ => return None,
    };
    Some((u64::from(high) << 32 | u64::from(word(1)?), magic & 1 != 0))
}

fn capabilities(case: &Case<'_>, path: PathId, live: Live, entry: Entry) -> Option<Finding> {
    let index = case.index();
    let attrs = index.attrs(index.entry(case.merged.file(live).map_or(live.entry, |file| file.entry)));
    let (_, value) = index.xattrs(attrs).iter().find(|(name, _)| name == b"security.capability")?;
    let (bits, is_effective) = read_capability(value)?;
    let names: Vec<&str> =
        (0..).zip(CAPABILITIES).filter(|(bit, _)| bits >> bit & 1 != 0).map(|(_, name)| name).collect();
    let mut finding = case.about(&case.rule("RSK-CAPABILITY")?, path, live);
    finding.confidence = Confidence::Exact;
    finding.bytes = entry.size;
    finding.show("xattr", format!("cap_{}={}", names.join(",cap_"), if is_effective { "ep" } else { "p" }));
    let name = name_of(case, path);
    let gives_shell =
        GIVE_SHELL.iter().any(|known| name.trim_end_matches(|c: char| !c.is_ascii_alphabetic()) == *known);
    if names.iter().any(|name| LIKE_ROOT.contains(name)) {
        finding.shift(if gives_shell { 2 } else { 1 }, "as good as root");
    } else if names == ["net_bind_service"] {
        finding.shift(-2, "only low ports");
    } else if names == ["net_raw"] && name == "ping" {
        finding.shift(-1, "what ping needs");
    }
    case.discount(&mut finding);
    Some(finding)
}

fn device(case: &Case<'_>, path: PathId, live: Live, entry: Entry) -> Option<Finding> {
    let (major, minor) = case.index().device(entry)?;
    // 0/0 is how overlayfs writes a whiteout; the first devices of /dev are what every root file system has.
    let is_usual = case.index().path(path).starts_with(b"dev/");
    if (major, minor) == (0, 0) || is_usual {
        return None;
    }
    let mut finding = case.about(&case.rule("RSK-DEVICE")?, path, live);
    finding.confidence = Confidence::Exact;
    finding.show("mode", format!("device {major}:{minor}"));
    case.discount(&mut finding);
    Some(finding)
}

/// What others than owner and group may write. Folders for everybody have the sticky bit.
fn written_by_anybody(case: &Case<'_>, path: PathId, live: Live, entry: Entry) -> Option<Finding> {
    let mode = case.merged.mode(live);
    let is_folder = entry.kind == Kind::Dir;
    if mode & OTHERS_WRITE == 0 || (is_folder && mode & STICKY != 0) || path == Index::ROOT {
        return None;
    }
    let spelled = case.index().path(path);
    let is_temporary = [&b"tmp"[..], b"var/tmp", b"dev", b"run", b"var/run", b"proc", b"sys"]
        .iter()
        .any(|folder| spelled == *folder || spelled.strip_prefix(*folder).is_some_and(|rest| rest.starts_with(b"/")));
    // In a folder that is told already its files add nothing.
    let is_inside = case.index().parent(path).and_then(|folder| case.merged.at(folder)).is_some_and(|above| {
        let mode = case.merged.mode(above);
        mode & OTHERS_WRITE != 0 && mode & STICKY == 0
    });
    if is_temporary || is_inside {
        return None;
    }
    let mut finding = case.about(&case.rule("RSK-WORLD-WRITABLE")?, path, live);
    finding.confidence = Confidence::Exact;
    finding.bytes = if is_folder { 0 } else { entry.size };
    finding.show("mode", format!("{mode:04o}"));
    let is_grave = [&b"etc/"[..], b"usr/lib", b"usr/local/lib", b"lib/", b"usr/bin", b"usr/local/bin", b"bin/"]
        .iter()
        .any(|folder| spelled.starts_with(folder));
    if is_grave || (!is_folder && mode & 0o111 != 0) {
        finding.shift(1, "runs or is loaded");
    }
    case.discount(&mut finding);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_in_all_versions() {
        let v2 = [0x01, 0, 0, 2, 0, 0x24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(read_capability(&v2), Some((1 << 10 | 1 << 13, true)));
        // dac_override and fowner are a line feed.
        let newline = [0, 0, 0, 2, 0x0a, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(read_capability(&newline), Some((1 << 32 | 0x0a, false)));
        let mut v3 = v2.to_vec();
        v3[3] = 3;
        v3.extend([0; 4]);
        assert_eq!(read_capability(&v3), Some((1 << 10 | 1 << 13, true)));
        assert_eq!(read_capability(&[1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0]), Some((1, true)));
        for broken in [&v2[..19], &v2[..3], &[], &[0; 20]] {
            assert_eq!(read_capability(broken), None);
        }
    }
}
