//! Packages of languages that tell of themselves in one small file: Node, Ruby, PHP and .NET.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::bytes::{lines, text};
use super::record::{Listed, Record};

/// A value that may have any shape, of which a text or the `type` of an object is taken.
#[derive(Deserialize)]
#[serde(untagged)]
enum Licence {
    Text(String),
    Typed {
        #[serde(rename = "type")]
        name: String,
    },
    Other(serde::de::IgnoredAny),
}

impl Licence {
    fn text(self) -> String {
        match self {
            Self::Text(text) | Self::Typed { name: text } => text,
            Self::Other(_) => String::new(),
        }
    }
}

#[derive(Deserialize)]
struct NodePackage {
    name: String,
    version: String,
    license: Option<Licence>,
}

/// The package of a `package.json`; `None` without name and version, as stubs for bundlers are.
pub fn node(bytes: &[u8]) -> Option<Record> {
    let package: NodePackage = serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()?;
    let licence = package.license.map(Licence::text).unwrap_or_default();
    let record = Record { name: package.name, version: package.version, licence, ..Record::default() };
    (!record.name.is_empty() && !record.version.is_empty()).then_some(record)
}

/// The gem of an installed specification, and the name of its folder. RubyGems writes a first line
/// `# stub: NAME VERSION PLATFORM PATHS`; the file's own name is `NAME-VERSION[-PLATFORM].gemspec`.
pub fn gem(file: &[u8], bytes: &[u8]) -> Option<(Record, Vec<u8>)> {
    let folder = file.strip_suffix(b".gemspec")?;
    let stub = lines(bytes).take(5).find_map(|line| line.strip_prefix(b"# stub: "));
    let record = |name: &str, version: &str, platform: &str| Record {
        name: name.to_owned(),
        version: version.to_owned(),
        arch: platform.to_owned(),
        ..Record::default()
    };
    let record = if let Some(stub) = stub {
        let stub = text(stub);
        let mut words = stub.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (name, version, platform) = (word(), word(), word());
        record(name, version, if platform == "ruby" { "" } else { platform })
    } else {
        // The version begins at the last hyphen before a digit.
        let name = text(folder);
        let at =
            name.rmatch_indices('-').find(|(at, _)| name[at + 1..].starts_with(|next: char| next.is_ascii_digit()));
        let (at, _) = at?;
        record(&name[..at], &name[at + 1..], "")
    };
    (!record.name.is_empty()).then(|| (record, folder.to_vec()))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    Now { packages: Vec<PhpPackage> },
    Composer1(Vec<PhpPackage>),
}

#[derive(Deserialize)]
struct PhpPackage {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: Vec<String>,
    #[serde(rename = "install-path")]
    place: Option<String>,
}

/// The packages of `vendor/composer/installed.json`, each with its folder relative to `vendor/composer`.
pub fn composer(bytes: &[u8]) -> Option<Vec<(Record, Vec<u8>)>> {
    let (Installed::Now { packages } | Installed::Composer1(packages)) = serde_json::from_slice(bytes).ok()?;
    let with_folder = |package: PhpPackage| {
        // A metapackage has no folder; Composer 1 does not tell it.
        let folder = package.place.unwrap_or_else(|| format!("../{}", package.name));
        let record = Record {
            name: package.name,
            version: package.version,
            licence: package.license.join(" OR "),
            ..Record::default()
        };
        (record, folder.into_bytes())
    };
    Some(packages.into_iter().filter(|package| !package.name.is_empty()).map(with_folder).collect())
}

#[derive(Deserialize)]
struct Dependencies {
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
#[allow(clippy::zero_sized_map_values)] // The keys of an object; what they lead to is not kept.
struct Target {
    #[serde(default)]
    runtime: BTreeMap<String, serde::de::IgnoredAny>,
    #[serde(default)]
    native: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}

/// The packages of a `*.deps.json`, each with the names of its files beside that. The program's own project is not one.
pub fn dotnet(bytes: &[u8]) -> Option<Vec<Listed>> {
    let Dependencies { targets, libraries } = serde_json::from_slice(bytes).ok()?;
    let packages = libraries.iter().filter(|(_, library)| library.kind != "project");
    let listed = packages.filter_map(|(key, _)| {
        let (name, version) = key.split_once('/')?;
        let targets = targets.values().filter_map(|target| target.get(key));
        let files = targets.flat_map(|target| target.runtime.keys().chain(target.native.keys()));
        // `lib/net6.0/Serilog.dll` of the package lies beside the program as `Serilog.dll`.
        let files = files.filter_map(|file| file.rsplit('/').next()).map(|file| file.as_bytes().to_vec()).collect();
        let record = Record { name: name.to_owned(), version: version.to_owned(), ..Record::default() };
        Some(Listed { record, files })
    });
    Some(listed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_package_has_name_and_version() {
        let record =
            node(br#"{"name":"@mui/material","version":"5.1.0","license":{"type":"MIT"},"exports":{}}"#).unwrap();
        assert_eq!(
            (record.name.as_str(), record.version.as_str(), record.licence.as_str()),
            ("@mui/material", "5.1.0", "MIT")
        );
        assert_eq!(node(br#"{"type":"module"}"#), None);
        assert_eq!(node(br#"{"name":"x","version":"1","license":["a"]}"#).unwrap().licence, "");
    }

    #[test]
    fn a_gem_is_in_its_stub_or_its_name() {
        let (record, folder) = gem(
            b"nokogiri-1.16.2-x86_64-linux.gemspec",
            b"# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.16.2 x86_64-linux lib\n",
        )
        .unwrap();
        assert_eq!(
            (record.name.as_str(), record.version.as_str(), record.arch.as_str()),
            ("nokogiri", "1.16.2", "x86_64-linux")
        );
        assert_eq!(folder, b"nokogiri-1.16.2-x86_64-linux");
        let (record, _) = gem(b"net-http-0.4.1.gemspec", b"").unwrap();
        assert_eq!((record.name.as_str(), record.version.as_str()), ("net-http", "0.4.1"));
        assert_eq!(gem(b"no-version.gemspec", b""), None);
    }

    #[test]
    fn composer_tells_folders() {
        let read = composer(br#"{"packages":[{"name":"monolog/monolog","version":"3.5.0","license":["MIT"],"install-path":"../monolog/monolog"}]}"#).unwrap();
        assert_eq!(read[0].1, b"../monolog/monolog");
        assert_eq!(composer(br#"[{"name":"a/b","version":"1"}]"#).unwrap()[0].1, b"../a/b");
        assert!(composer(b"{}").is_none());
    }

    #[test]
    fn dotnet_tells_files() {
        let read = dotnet(
            br#"{"targets":{"net8":{"App/1.0.0":{"runtime":{"App.dll":{}}},"Serilog/3.1.1":{"runtime":{"lib/net7.0/Serilog.dll":{"assemblyVersion":"2"}}}}},
                "libraries":{"App/1.0.0":{"type":"project"},"Serilog/3.1.1":{"type":"package"}}}"#,
        )
        .unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].record.name.as_str(), &read[0].files), ("Serilog", &vec![b"Serilog.dll".to_vec()]));
    }
}
