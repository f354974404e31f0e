//! Package URLs. Format: the package-url specification, with the types that scanners use.

use std::fmt::Write;

use super::bytes::{lines, split_once, text};
use super::{Package, PackageKind};

/// What `os-release` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Distribution {
    /// `ID`: `debian`, `alpine`.
    pub id: String,
    /// `ID_LIKE`: what it comes from, several by spaces.
    pub like: String,
    /// `VERSION_ID`; rolling distributions have none.
    pub version: String,
    /// `VERSION_CODENAME`.
    pub codename: String,
    /// `PRETTY_NAME`, for people.
    pub name: String,
}

impl Distribution {
    /// Reads an `os-release` file; `None` without an id.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        for (key, value) in lines(bytes).filter_map(|line| split_once(line, b'=')) {
            let value = text(value);
            let value = value.trim_matches(['"', '\'']).to_owned();
            match key {
                b"ID" => read.id = value,
                b"ID_LIKE" => read.like = value,
                b"VERSION_ID" => read.version = value,
                b"VERSION_CODENAME" => read.codename = value,
                b"PRETTY_NAME" => read.name = value,
                _ => {}
            }
        }
        (!read.id.is_empty()).then_some(read)
    }
}

/// The URL of a package.
pub fn purl(package: &Package, distribution: Option<&Distribution>) -> String {
    let record = &package.record;
    let id = distribution.map_or("", |distribution| distribution.id.as_str());
    let lower = record.name.to_lowercase();
    let (kind, name) = match package.kind {
        PackageKind::Deb => ("deb", in_space(or(id, "debian"), &lower)),
        PackageKind::Apk => ("apk", in_space(or(id, "alpine"), &lower)),
        PackageKind::Rpm => ("rpm", in_space(id, &record.name)),
        PackageKind::Pacman => ("alpm", in_space(or(id, "arch"), &lower)),
        PackageKind::Python => ("pypi", lower.replace('_', "-")),
        PackageKind::Npm => ("npm", lower),
        PackageKind::Gem => ("gem", record.name.clone()),
        PackageKind::Jar => ("maven", record.name.replace(':', "/")),
        PackageKind::Go => ("golang", lower),
        PackageKind::Crate => ("cargo", record.name.clone()),
        PackageKind::Nuget => ("nuget", record.name.clone()),
        PackageKind::Composer => ("composer", lower),
    };
    let mut url = format!("pkg:{kind}/");
    let parts: Vec<_> = name.split('/').filter(|part| !part.is_empty()).map(encoded).collect();
    url.push_str(&parts.join("/"));
    // rpm's epoch is told beside the version.
    let (epoch, version) = match record.version.split_once(':') {
        Some((epoch, version)) if package.kind == PackageKind::Rpm => (epoch, version),
        _ => ("", record.version.as_str()),
    };
    if !version.is_empty() {
        url.push('@');
        url.push_str(&encoded(version));
    }
    let release = distribution
        .filter(|_| package.kind.is_system())
        .map(|told| if told.version.is_empty() { told.id.clone() } else { format!("{}-{}", told.id, told.version) });
    let arch_key = if package.kind == PackageKind::Gem { "platform" } else { "arch" };
    let qualifiers =
        [(arch_key, record.arch.as_str()), ("distro", release.as_deref().unwrap_or_default()), ("epoch", epoch)];
    let mut mark = '?';
    for (key, value) in qualifiers.into_iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a String cannot fail.
        let _ = write!(url, "{mark}{key}={}", encoded(value));
        mark = '&';
    }
    url
}

fn or<'s>(text: &'s str, other: &'s str) -> &'s str {
    if text.is_empty() { other } else { text }
}

fn in_space(space: &str, name: &str) -> String {
    format!("{space}/{name}")
}

/// All but letters, digits and `.-_~:` as `%` and two digits.
fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::packages::Record;
    use crate::index::Index;

    fn of(kind: PackageKind, name: &str, version: &str, arch: &str) -> String {
        let record = Record { name: name.into(), version: version.into(), arch: arch.into(), ..Record::default() };
        let package = Package {
            kind,
            record,
            root: Index::ROOT,
            place: Index::ROOT,
            within: None,
            story: Vec::new(),
            files: 0,
            layers: Vec::new(),
            depends: Vec::new(),
            recommends: Vec::new(),
            suggests: Vec::new(),
        };
        let debian = Distribution::read(b"PRETTY_NAME=\"Debian 12\"\nID=debian\nVERSION_ID=\"12\"\n");
        purl(&package, debian.as_ref())
    }

    #[test]
    fn urls_are_those_of_the_specification() {
        assert_eq!(
            of(PackageKind::Deb, "libstdc++6", "12.2.0-14+b1", "amd64"),
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bb1?arch=amd64&distro=debian-12"
        );
        assert_eq!(of(PackageKind::Npm, "@mui/material", "5.1.0", ""), "pkg:npm/%40mui/material@5.1.0");
        assert_eq!(of(PackageKind::Jar, "org.x:y", "1", ""), "pkg:maven/org.x/y@1");
        assert_eq!(
            of(PackageKind::Rpm, "bind", "32:9.16-1.el9", "x86_64"),
            "pkg:rpm/debian/bind@9.16-1.el9?arch=x86_64&distro=debian-12&epoch=32"
        );
        assert_eq!(of(PackageKind::Go, "github.com/a/B", "v1.0.0", ""), "pkg:golang/github.com/a/b@v1.0.0");
    }
}
