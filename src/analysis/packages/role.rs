//! Which files tell of packages, by their paths alone. An image may hold a second root somewhere; a database counts
//! below any folder.

use super::record::PackageKind;
use crate::index::{Index, PathId};

/// What a file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    DpkgStatus,
    /// A paragraph of a distroless image.
    DpkgPart,
    /// The files of such a paragraph.
    DpkgSums,
    /// The files of a package.
    DpkgList,
    DpkgDiversions,
    AptMarks,
    AptSettings,
    ApkInstalled,
    ApkWorld,
    RpmBerkeley,
    RpmNdb,
    RpmSqlite,
    RpmLog,
    RpmManifest,
    PacmanPackage,
    PacmanFiles,
    Release,
    PythonPackage,
    PythonFiles,
    NodePackage,
    Gem,
    Composer,
    Dotnet,
    /// Contents that went through a scanner. No path tells.
    Scanned,
}

/// The last parts of a path, the file's name first; empty beyond the root.
pub type Parts<'p> = [&'p [u8]; 8];

/// The parts of a path in bytes.
pub fn parts(path: &[u8]) -> Parts<'_> {
    let mut parts: Parts<'_> = [b""; 8];
    // This is asked of every file. Names are short: to look at each byte is faster than to search.
    let (mut rest, mut filled) = (path, 0);
    while !rest.is_empty() && filled < parts.len() {
        let start = rest.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        parts[filled] = &rest[start..];
        filled += usize::from(start < rest.len());
        rest = &rest[..start.saturating_sub(1)];
    }
    parts
}

/// The parts of a path of the index.
pub fn parts_of(index: &Index, path: PathId) -> Parts<'_> {
    let mut parts: Parts<'_> = [b""; 8];
    parts.iter_mut().zip(index.lineage(path)).for_each(|(part, path)| *part = index.name(path));
    parts
}

/// What a file tells, and how many parts of its path lead to it from the root that it speaks of. For what languages
/// keep, that is the folder of the file.
pub fn role(parts: &Parts<'_>) -> Option<(Role, usize)> {
    Some(match parts {
        [b"status", b"dpkg", b"lib", b"var", ..] => (Role::DpkgStatus, 4),
        [b"diversions", b"dpkg", b"lib", b"var", ..] => (Role::DpkgDiversions, 4),
        [file, b"info", b"dpkg", b"lib", b"var", ..] if file.ends_with(b".list") => (Role::DpkgList, 5),
        [file, b"status.d", b"dpkg", b"lib", b"var", ..] if file.ends_with(b".md5sums") => (Role::DpkgSums, 5),
        [_, b"status.d", b"dpkg", b"lib", b"var", ..] => (Role::DpkgPart, 5),
        [b"extended_states", b"apt", b"lib", b"var", ..] => (Role::AptMarks, 4),
        [_, b"apt.conf.d", b"apt", b"etc", ..] => (Role::AptSettings, 4),
        [b"apt.conf", b"apt", b"etc", ..] => (Role::AptSettings, 3),
        [b"installed", b"db", b"apk", b"lib", b"usr", ..] => (Role::ApkInstalled, 5),
        [b"installed", b"db", b"apk", b"lib", ..] => (Role::ApkInstalled, 4),
        [b"world", b"apk", b"etc", ..] => (Role::ApkWorld, 3),
        [file, b"rpm", b"sysimage", b"lib", b"usr", ..] => (rpm(file)?, 5),
        [file, b"rpm", b"lib", b"var", ..] | [file, b"rpm", b"share", b"usr", ..] => (rpm(file)?, 4),
        [b"container-manifest-2", b"rpmmanifest", b"lib", b"var", ..] => (Role::RpmManifest, 4),
        [b"desc", _, b"local", b"pacman", b"lib", b"var", ..] => (Role::PacmanPackage, 6),
        [b"files", _, b"local", b"pacman", b"lib", b"var", ..] => (Role::PacmanFiles, 6),
        [b"os-release", b"etc", ..] => (Role::Release, 2),
        [b"os-release", b"lib", b"usr", ..] => (Role::Release, 3),
        [b"METADATA", folder, ..] if folder.ends_with(b".dist-info") => (Role::PythonPackage, 1),
        [b"RECORD", folder, ..] if folder.ends_with(b".dist-info") => (Role::PythonFiles, 1),
        [b"PKG-INFO", folder, b"site-packages" | b"dist-packages", ..] if folder.ends_with(b".egg-info") => {
            (Role::PythonPackage, 1)
        }
        [file, b"site-packages" | b"dist-packages", ..] if file.ends_with(b".egg-info") => (Role::PythonPackage, 1),
        [b"package.json", _, b"node_modules", ..] | [b"package.json", _, b"nodejs", b"share", b"usr", ..] => {
            (Role::NodePackage, 1)
        }
        [b"package.json", _, scope, b"node_modules", ..] if scope.starts_with(b"@") => (Role::NodePackage, 1),
        [file, b"specifications", ..] | [file, b"default", b"specifications", ..] if file.ends_with(b".gemspec") => {
            (Role::Gem, 1)
        }
        [b"installed.json", b"composer", b"vendor", ..] => (Role::Composer, 1),
        [file, ..] if file.ends_with(b".deps.json") => (Role::Dotnet, 1),
        _ => return None,
    })
}

fn rpm(file: &[u8]) -> Option<Role> {
    match file {
        b"Packages" => Some(Role::RpmBerkeley),
        b"Packages.db" => Some(Role::RpmNdb),
        b"rpmdb.sqlite" => Some(Role::RpmSqlite),
        b"rpmdb.sqlite-wal" => Some(Role::RpmLog),
        _ => None,
    }
}

const MIB: u64 = 1024 * 1024;

impl Role {
    /// Largest file of its role that is worth keeping whole, in bytes. Real ones are a tenth of it at most.
    pub fn most(self) -> u64 {
        match self {
            Self::RpmBerkeley | Self::RpmNdb | Self::RpmSqlite | Self::RpmLog => 256 * MIB,
            Self::DpkgStatus | Self::ApkInstalled => 32 * MIB,
            Self::DpkgList | Self::DpkgSums | Self::PacmanFiles | Self::PythonFiles | Self::Composer | Self::Dotnet => {
                16 * MIB
            }
            Self::DpkgPart
            | Self::DpkgDiversions
            | Self::AptMarks
            | Self::AptSettings
            | Self::ApkWorld
            | Self::RpmManifest
            | Self::PacmanPackage
            | Self::Release
            | Self::PythonPackage
            | Self::NodePackage
            | Self::Gem => 4 * MIB,
            Self::Scanned => 0,
        }
    }

    /// Whose packages it tells of; `None` where that is said elsewhere.
    pub fn kind(self) -> Option<PackageKind> {
        Some(match self {
            Self::DpkgStatus
            | Self::DpkgPart
            | Self::DpkgSums
            | Self::DpkgList
            | Self::DpkgDiversions
            | Self::AptMarks
            | Self::AptSettings => PackageKind::Deb,
            Self::ApkInstalled | Self::ApkWorld => PackageKind::Apk,
            Self::RpmBerkeley | Self::RpmNdb | Self::RpmSqlite | Self::RpmLog | Self::RpmManifest => PackageKind::Rpm,
            Self::PacmanPackage | Self::PacmanFiles => PackageKind::Pacman,
            Self::PythonPackage | Self::PythonFiles => PackageKind::Python,
            Self::NodePackage => PackageKind::Npm,
            Self::Gem => PackageKind::Gem,
            Self::Composer => PackageKind::Composer,
            Self::Dotnet => PackageKind::Nuget,
            Self::Release | Self::Scanned => return None,
        })
    }

    /// Whether a database is known by it; the other roles only add to one.
    pub fn is_main(self) -> bool {
        match self {
            Self::DpkgStatus
            | Self::DpkgPart
            | Self::ApkInstalled
            | Self::RpmBerkeley
            | Self::RpmNdb
            | Self::RpmSqlite
            | Self::RpmManifest
            | Self::PacmanPackage
            | Self::PythonPackage
            | Self::NodePackage
            | Self::Gem
            | Self::Composer
            | Self::Dotnet
            | Self::Scanned => true,
            Self::DpkgSums
            | Self::DpkgList
            | Self::DpkgDiversions
            | Self::AptMarks
            | Self::AptSettings
            | Self::ApkWorld
            | Self::RpmLog
            | Self::PacmanFiles
            | Self::Release
            | Self::PythonFiles => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<(Role, usize)> {
        role(&parts(path.as_bytes()))
    }

    #[test]
    fn files_are_known_by_their_paths() {
        for (path, wanted) in [
            ("var/lib/dpkg/status", Some((Role::DpkgStatus, 4))),
            ("/./rootfs/var/lib/dpkg/status", Some((Role::DpkgStatus, 4))),
            ("var/lib/dpkg/info/libc6:amd64.list", Some((Role::DpkgList, 5))),
            ("var/lib/dpkg/info/libc6:amd64.postinst", None),
            ("var/lib/dpkg/status.d/tzdata", Some((Role::DpkgPart, 5))),
            ("usr/lib/apk/db/installed", Some((Role::ApkInstalled, 5))),
            ("lib/apk/db/installed", Some((Role::ApkInstalled, 4))),
            ("usr/lib/sysimage/rpm/rpmdb.sqlite", Some((Role::RpmSqlite, 5))),
            ("var/lib/rpm/Packages", Some((Role::RpmBerkeley, 4))),
            ("var/lib/rpm/Name", None),
            ("app/node_modules/@a/b/package.json", Some((Role::NodePackage, 1))),
            ("app/node_modules/b/test/package.json", None),
            ("usr/lib/python3/dist-packages/six-1.16.egg-info", Some((Role::PythonPackage, 1))),
            ("status", None),
            ("", None),
        ] {
            let path_role = of(path);
            assert_eq!(path_role, wanted, "{path}");
        }
    }
}
