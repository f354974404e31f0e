//! One package as some database tells of it. No layers yet, and no paths of the index.

use serde::{Deserialize, Serialize};

/// Whose package it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PackageKind {
    /// dpkg, of Debian and what comes from it.
    Deb,
    /// apk, of Alpine and Wolfi.
    Apk,
    /// rpm, of Fedora, SUSE and their kin.
    Rpm,
    /// pacman, of Arch Linux.
    Pacman,
    /// A Python distribution.
    Python,
    /// A package of npm, Yarn or pnpm.
    Npm,
    /// A Ruby gem.
    Gem,
    /// A Java archive.
    Jar,
    /// A Go module.
    Go,
    /// A Rust crate.
    Crate,
    /// A .NET package.
    Nuget,
    /// A package of PHP's Composer.
    Composer,
}

impl PackageKind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Deb,
        Self::Apk,
        Self::Rpm,
        Self::Pacman,
        Self::Python,
        Self::Npm,
        Self::Gem,
        Self::Jar,
        Self::Go,
        Self::Crate,
        Self::Nuget,
        Self::Composer,
    ];

    /// Whether the package belongs to the distribution rather than to a language. Its claim on a file is the stronger.
    #[must_use]
    pub fn is_system(self) -> bool {
        match self {
            Self::Deb | Self::Apk | Self::Rpm | Self::Pacman => true,
            Self::Python
            | Self::Npm
            | Self::Gem
            | Self::Jar
            | Self::Go
            | Self::Crate
            | Self::Nuget
            | Self::Composer => false,
        }
    }

    /// The name that reports, package URLs excepted, give it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Pacman => "pacman",
            Self::Python => "python",
            Self::Npm => "npm",
            Self::Gem => "gem",
            Self::Jar => "jar",
            Self::Go => "go",
            Self::Crate => "crate",
            Self::Nuget => "nuget",
            Self::Composer => "composer",
        }
    }
}

/// Whether a person asked for the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Asked {
    /// Nothing tells.
    #[default]
    Unknown,
    /// By name.
    Explicit,
    /// Another package needed or recommended it.
    Automatic,
}

/// What a package wants beside itself: each wish is a list of names, one of which will do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wishes {
    /// Nothing works without.
    pub depends: Vec<Vec<String>>,
    /// Installed unless told otherwise.
    pub recommends: Vec<Vec<String>>,
    /// Never installed by itself, but kept once it is there.
    pub suggests: Vec<Vec<String>>,
}

/// What a database says of a package. An empty text is one that it does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// Its version, with epoch and release as the manager writes them.
    pub version: String,
    /// Processor architecture.
    pub arch: String,
    /// The source package that it was built from.
    pub source: String,
    /// Licence, as the database words it.
    pub licence: String,
    /// The manager refuses to remove it, or the system needs it.
    pub essential: bool,
    /// dpkg's priority.
    pub priority: String,
    /// Who installed it (a language's own tool) or who maintains it (a vendor).
    pub origin: String,
    /// What it wants beside itself.
    pub wishes: Wishes,
    /// Other names that it answers to.
    pub provides: Vec<String>,
    /// Bytes that it takes by its own account.
    pub size: Option<u64>,
    /// Whether a person asked for it.
    pub asked: Asked,
}

/// A package with the files that it owns, as paths of its root without a leading slash.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// The package.
    pub record: Record,
    /// Its files; folders may be among them.
    pub files: Vec<Vec<u8>>,
}

/// A wish for any of these names, without the versions and architectures that follow each.
pub fn wish(names: &str, between: char) -> Vec<String> {
    names.split(between).map(bare).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A name without what limits it: `libc6:any (>= 2.36)`, `busybox>=1.36`, `so:libz.so.1=1.3`.
pub fn bare(wanted: &str) -> &str {
    let wanted = wanted.trim();
    wanted.split(['(', '<', '>', '=', '~', '[', ' ', '\t', '\n']).next().unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_limits_them() {
        for (wanted, name) in [
            ("libc6 (>= 2.36)", "libc6"),
            ("busybox>=1.36", "busybox"),
            ("so:libz.so.1=1.3", "so:libz.so.1"),
            ("perl<!nocheck>", "perl"),
            ("gcc [amd64]", "gcc"),
            (" a~1.2 ", "a"),
            ("", ""),
        ] {
            assert_eq!(bare(wanted), name, "{wanted}");
        }
        assert_eq!(wish("a (>= 1) | b | ", '|'), ["a", "b"]);
    }
}
