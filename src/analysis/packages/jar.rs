//! Java archives: which artefact a jar is, and which it holds. Read as the archive goes by, by the header that stands
//! before every member; archives inside are seen only where they are stored unpacked, as Spring Boot does.
//! Formats: APPNOTE.TXT 4.3.7 (zip), the JAR file specification, Maven's `pom.properties`.

use super::bytes::{le16, le32, lines, part, split_once, text};
use super::crates::inflate;
use super::record::{PackageKind, Record};
use super::scan::{Component, Look, ending};

/// Begins every member.
pub const MEMBER: &[u8] = b"PK\x03\x04";

/// Bytes of a member's header before its name.
const HEAD: usize = 30;

/// Longest name of a member that may matter.
const MOST_NAME: usize = 1024;

/// Bytes of a packed member that are looked at: both files are short text.
const MOST_PACKED: usize = 32 * 1024;
const MOST_TEXT: usize = 64 * 1024;

/// What a member told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Maven's own file: this artefact is in here.
    Pom(Record),
    /// The main part of a manifest.
    Manifest(Record),
    /// An archive inside, by its file name.
    Inner(Record),
}

/// Looks at bytes that begin like a member.
pub fn look(bytes: &[u8], is_end: bool) -> Look<Told> {
    let need = |length: usize| if bytes.len() < length && !is_end { Some(Look::More) } else { None };
    if let Some(more) = need(HEAD) {
        return more;
    }
    let Some((method, packed, name, extra)) = header(bytes) else { return Look::Nothing };
    if name > MOST_NAME {
        return Look::Nothing;
    }
    if let Some(more) = need(HEAD + name) {
        return more;
    }
    let Some(path) = part(bytes, HEAD, name) else { return Look::Nothing };
    let from = HEAD + name + extra;
    if is_archive(path) {
        let file = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        return Look::Found(vec![Told::Inner(by_name(file))], HEAD + name);
    }
    let is_pom = path.starts_with(b"META-INF/maven/") && path.ends_with(b"/pom.properties");
    if !is_pom && path != b"META-INF/MANIFEST.MF" {
        return Look::Nothing;
    }
    // The size is 0 where it stands behind the member; what is packed says itself where it ends.
    let length = if packed == 0 { MOST_PACKED } else { packed.min(MOST_PACKED) };
    if let Some(more) = need(from + length) {
        return more;
    }
    let member = bytes.get(from..).map(|rest| &rest[..length.min(rest.len())]).unwrap_or_default();
    let contents = match method {
        0 => member.to_vec(),
        8 => inflate(member, MOST_TEXT),
        _ => return Look::Nothing,
    };
    let told = if is_pom { pom(&contents).map(Told::Pom) } else { manifest(&contents).map(Told::Manifest) };
    told.map_or(Look::Nothing, |told| Look::Found(vec![told], HEAD + name))
}

/// Method, packed size, and lengths of name and extra field.
fn header(bytes: &[u8]) -> Option<(usize, usize, usize, usize)> {
    Some((le16(bytes, 8)?, le32(bytes, 18)?, le16(bytes, 26)?, le16(bytes, 28)?))
}

/// Whether a path ends like an archive of Java.
pub fn is_archive(path: &[u8]) -> bool {
    matches!(ending(path), b"jar" | b"war" | b"ear" | b"hpi" | b"jmod")
}

/// Name and version by a file name: `commons-io-2.11.0.jar`.
pub fn by_name(file: &[u8]) -> Record {
    let file = text(file);
    let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
    let version =
        stem.match_indices('-').find(|(at, _)| stem[at + 1..].starts_with(|next: char| next.is_ascii_digit()));
    let (name, version) = version.map_or((stem, ""), |(at, _)| (&stem[..at], &stem[at + 1..]));
    Record { name: name.to_owned(), version: version.to_owned(), ..Record::default() }
}

/// `groupId:artifactId` and version of a `pom.properties`.
fn pom(bytes: &[u8]) -> Option<Record> {
    let value = |key: &[u8]| {
        let mut pairs = lines(bytes).filter_map(|line| split_once(line, b'='));
        pairs.find(|(name, _)| name.trim_ascii() == key).map(|(_, value)| text(value))
    };
    let (group, name, version) = (value(b"groupId")?, value(b"artifactId")?, value(b"version")?);
    Some(Record { name: format!("{group}:{name}"), version, ..Record::default() })
}

/// Name and version of the main part of a manifest. Bundles of OSGi tell best, then implementation, then specification.
fn manifest(bytes: &[u8]) -> Option<Record> {
    let main: Vec<_> = lines(bytes).take_while(|line| !line.is_empty()).collect();
    let value = |keys: &[&str]| {
        keys.iter().find_map(|key| {
            let mut pairs = main.iter().filter_map(|line| split_once(line, b':'));
            let found = pairs.find(|(name, _)| name.eq_ignore_ascii_case(key.as_bytes()));
            // Directives follow a semicolon: `org.x;singleton:=true`.
            found.map(|(_, value)| text(value.split(|&byte| byte == b';').next().unwrap_or_default()))
        })
    };
    let name = value(&["Bundle-SymbolicName", "Implementation-Title", "Specification-Title", "Automatic-Module-Name"]);
    let version = value(&["Bundle-Version", "Implementation-Version", "Specification-Version"]);
    (name.is_some() || version.is_some()).then(|| Record {
        name: name.unwrap_or_default(),
        version: version.unwrap_or_default(),
        licence: value(&["Bundle-License"]).unwrap_or_default(),
        ..Record::default()
    })
}

/// The artefacts of an archive: itself first. Maven's word counts for more than the file name, and that for more
/// than the manifest, whose titles are written for people.
pub fn components(file: &[u8], told: Vec<Told>) -> Vec<Component> {
    let mut itself = by_name(file);
    let mut inside: Vec<Record> = Vec::new();
    let mut has_manifest = false;
    for one in told {
        match one {
            Told::Pom(record) => {
                let artefact = record.name.rsplit(':').next().unwrap_or_default();
                // Inside an archive that is stored, its own file tells it better than its name did.
                if let Some(known) = inside.iter_mut().find(|known| known.name == artefact) {
                    *known = record;
                } else if artefact == itself.name {
                    itself = record;
                } else {
                    inside.push(record);
                }
            }
            Told::Inner(record) => inside.push(record),
            // The first manifest is the archive's own: the others are in archives inside.
            Told::Manifest(record) if !has_manifest => {
                has_manifest = true;
                if itself.version.is_empty() {
                    itself.version = record.version;
                }
                itself.licence = record.licence;
            }
            Told::Manifest(_) => {}
        }
    }
    let all = std::iter::once(itself).chain(inside);
    all.map(|record| Component { kind: PackageKind::Jar, record }).collect()
}

#[cfg(test)]
pub mod tests {
    use std::io::Write;

    use super::*;

    pub fn member(name: &str, contents: &[u8], is_packed: bool) -> Vec<u8> {
        let body = if is_packed {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(contents).unwrap();
            encoder.finish().unwrap()
        } else {
            contents.to_vec()
        };
        let mut bytes = [MEMBER, &[20, 0, 8, 0, u8::from(is_packed) * 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
        // A writer that streams does not know sizes yet.
        let length = if is_packed { 0 } else { u32::try_from(body.len()).unwrap() };
        bytes.extend(length.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend([0, 0]);
        [bytes, name.as_bytes().to_vec(), body].concat()
    }

    pub const POM: &[u8] = b"#Created\ngroupId=commons-io\nartifactId=commons-io\nversion=2.11.0\n";

    #[test]
    fn poms_and_manifests_are_read_packed_and_stored() {
        for is_packed in [true, false] {
            let bytes = member("META-INF/maven/commons-io/commons-io/pom.properties", POM, is_packed);
            let Look::Found(told, _) = look(&bytes, true) else { panic!() };
            let Told::Pom(record) = &told[0] else { panic!() };
            assert_eq!((record.name.as_str(), record.version.as_str()), ("commons-io:commons-io", "2.11.0"));
        }
        let text = b"Manifest-Version: 1.0\r\nBundle-SymbolicName: org.x;singleton:=true\r\nBundle-Version: 1.2\r\n\r\nName: other\r\n";
        let Look::Found(told, _) = look(&member("META-INF/MANIFEST.MF", text, true), true) else { panic!() };
        let Told::Manifest(record) = &told[0] else { panic!() };
        assert_eq!((record.name.as_str(), record.version.as_str()), ("org.x", "1.2"));
        assert!(matches!(look(&member("a/B.class", b"x", true), true), Look::Nothing));
    }

    #[test]
    fn maven_knows_better_than_the_file_name() {
        let pom = pom(POM).unwrap();
        let inner = by_name(b"spring-core-5.3.jar");
        let found = components(b"commons-io-2.9.jar", vec![Told::Inner(inner), Told::Pom(pom)]);
        let told: Vec<_> = found.iter().map(|one| (one.record.name.as_str(), one.record.version.as_str())).collect();
        assert_eq!(told, [("commons-io:commons-io", "2.11.0"), ("spring-core", "5.3")]);
        assert_eq!(by_name(b"app.jar").name, "app");
    }
}
