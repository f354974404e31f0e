//! dpkg's database, and the mark that apt keeps beside it. Formats: deb822(5), dpkg-query(1), deb-control(5).

use std::collections::HashMap;

use super::bytes::{lines, number, split_once, text};
use super::record::{Asked, Record, Wishes, wish};

/// A paragraph's fields by name. Names compare without case.
struct Paragraph<'b> {
    fields: Vec<(&'b [u8], Vec<u8>)>,
}

impl Paragraph<'_> {
    fn get(&self, name: &str) -> Option<&[u8]> {
        let named = |field: &[u8]| field.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().find(|(field, _)| named(field)).map(|(_, value)| value.as_slice())
    }

    fn text(&self, name: &str) -> String {
        self.get(name).map(text).unwrap_or_default()
    }

    fn is_yes(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"yes"))
    }

    fn wishes(&self, name: &str) -> Vec<Vec<String>> {
        let value = self.text(name);
        value.split(',').map(alternatives).filter(|wish| !wish.is_empty()).collect()
    }
}

/// `libc6:any (>= 2.36) | libc` as names alone.
fn alternatives(wanted: &str) -> Vec<String> {
    let mut names = wish(wanted, '|');
    for name in &mut names {
        name.truncate(name.find(':').unwrap_or(name.len()));
    }
    names
}

/// The fields that anything is done with; the rest of a paragraph is most of it, and is not kept.
const FIELDS: [&str; 18] = [
    "Package",
    "Version",
    "Architecture",
    "Source",
    "Status",
    "Essential",
    "Protected",
    "Important",
    "Priority",
    "Maintainer",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Provides",
    "Installed-Size",
    "Auto-Installed",
    "License",
];

fn paragraphs(bytes: &[u8]) -> impl Iterator<Item = Paragraph<'_>> {
    let mut lines = lines(bytes);
    std::iter::from_fn(move || {
        let mut fields: Vec<(&[u8], Vec<u8>)> = Vec::new();
        let mut is_kept = false;
        let mut has_any = false;
        for line in lines.by_ref() {
            if line.trim_ascii().is_empty() {
                if has_any {
                    return Some(Paragraph { fields });
                }
                continue;
            }
            has_any = true;
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                if let Some((_, value)) = fields.last_mut().filter(|_| is_kept) {
                    value.push(b' ');
                    value.extend_from_slice(line.trim_ascii());
                }
            } else if let Some((name, value)) = split_once(line, b':') {
                is_kept = FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes()));
                if is_kept {
                    fields.push((name, value.trim_ascii().to_vec()));
                }
            } else {
                is_kept = false;
            }
        }
        has_any.then_some(Paragraph { fields })
    })
}

/// Whether the files of a package in this state are in the file system.
fn is_unpacked(status: &[u8]) -> bool {
    let state = status.trim_ascii().rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    matches!(state, b"installed" | b"triggers-pending" | b"triggers-awaited" | b"unpacked" | b"half-configured")
}

fn record(paragraph: &Paragraph<'_>) -> Option<Record> {
    let name = paragraph.text("Package");
    if name.is_empty() {
        return None;
    }
    let mut depends = paragraph.wishes("Depends");
    depends.extend(paragraph.wishes("Pre-Depends"));
    // `Source: glibc (2.36-9)` where versions differ.
    let source = paragraph.text("Source");
    let source = source.split(' ').next().unwrap_or_default();
    Some(Record {
        source: if source.is_empty() { name.clone() } else { source.to_owned() },
        name,
        version: paragraph.text("Version"),
        arch: paragraph.text("Architecture"),
        licence: paragraph.text("License"),
        essential: ["Essential", "Protected", "Important"].iter().any(|field| paragraph.is_yes(field)),
        priority: paragraph.text("Priority"),
        origin: paragraph.text("Maintainer"),
        wishes: Wishes { depends, recommends: paragraph.wishes("Recommends"), suggests: paragraph.wishes("Suggests") },
        provides: paragraph.wishes("Provides").into_iter().flatten().collect(),
        // It says KiB.
        size: paragraph.get("Installed-Size").and_then(number).and_then(|size| size.checked_mul(1024)),
        asked: Asked::Unknown,
    })
}

/// The packages of a `status` file that are unpacked.
pub fn status(bytes: &[u8]) -> Vec<Record> {
    paragraphs(bytes)
        .filter(|paragraph| paragraph.get("Status").is_some_and(is_unpacked))
        .filter_map(|paragraph| record(&paragraph))
        .collect()
}

/// The packages of a file below `status.d`, which has no state: what is there is installed.
pub fn status_d(bytes: &[u8]) -> Vec<Record> {
    paragraphs(bytes).filter_map(|paragraph| record(&paragraph)).collect()
}

/// The paths of a `.list` file.
pub fn list(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(bytes).filter_map(|line| line.strip_prefix(b"/")).filter(|path| !matches!(*path, b"" | b"."))
}

/// The paths of a `.md5sums` file: 32 hex digits, white space, a path without leading slash or with `./`.
pub fn md5sums(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(bytes).filter_map(|line| {
        let (_, path) = line.split_at_checked(32)?;
        let path = path.trim_ascii_start();
        let path = path.strip_prefix(b"./").unwrap_or(path);
        (!path.is_empty()).then(|| path.strip_prefix(b"/").unwrap_or(path))
    })
}

/// A file that is elsewhere for every package but one.
#[derive(Debug, PartialEq, Eq)]
pub struct Diversion {
    /// Where it is.
    pub to: Vec<u8>,
    /// The package for which nothing is diverted; `:` for none.
    pub by: String,
}

/// The `diversions` file by original path: three lines a record.
pub fn diversions(bytes: &[u8]) -> HashMap<Vec<u8>, Diversion> {
    let mut lines = lines(bytes);
    let mut diversions = HashMap::new();
    while let (Some(from), Some(to), Some(by)) = (lines.next(), lines.next(), lines.next()) {
        if let (Some(from), Some(to)) = (from.strip_prefix(b"/"), to.strip_prefix(b"/")) {
            diversions.insert(from.to_vec(), Diversion { to: to.to_vec(), by: text(by) });
        }
    }
    diversions
}

/// The packages that apt's `extended_states` marks as automatic, with the architectures for which it does.
pub fn automatic(bytes: &[u8]) -> HashMap<String, Vec<String>> {
    let mut marks: HashMap<String, Vec<String>> = HashMap::new();
    for paragraph in paragraphs(bytes).filter(|paragraph| paragraph.get("Auto-Installed") == Some(b"1")) {
        marks.entry(paragraph.text("Package")).or_default().push(paragraph.text("Architecture"));
    }
    marks
}

/// Whether apt's settings in a file turn one on or off, by the last word of its name: settings may be nested or not.
/// Format: apt.conf(5).
pub fn setting(bytes: &[u8], name: &str) -> Option<bool> {
    let said = lines(bytes).map(text).filter(|line| !line.starts_with(['#', '/']));
    let values = said.filter_map(|line| {
        let at = line.to_ascii_lowercase().find(&name.to_ascii_lowercase())?;
        let value = line.get(at + name.len()..)?.trim_start_matches(['"', ' ', '\t', ':']).to_ascii_lowercase();
        match value.split(['"', ';', ' ', '}']).next()? {
            "false" | "no" | "0" | "off" | "without" | "disable" => Some(false),
            "true" | "yes" | "1" | "on" | "with" | "enable" => Some(true),
            _ => None,
        }
    });
    values.last()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: libc6\nStatus: install ok installed\nPriority: optional\nInstalled-Size: 12986\n\
        Architecture: amd64\nSource: glibc (2.36-9)\nVersion: 2.36-9+deb12u8\nProvides: libc6-any (= 1), x\n\
        Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10~) | libcrypt:any,\n other\nDescription: text\n more: text\n .\n\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
        Package: bash\nEssential: yes\nStatus: install ok triggers-pending\nVersion: 5\nPre-Depends: libc6\nRecommends: a | b";

    #[test]
    fn a_status_tells_what_is_unpacked() {
        let records = status(STATUS.as_bytes());
        let names: Vec<_> = records.iter().map(|record| record.name.as_str()).collect();
        assert_eq!(names, ["libc6", "bash"]);
        assert_eq!(records[0].version, "2.36-9+deb12u8");
        assert_eq!(records[0].source, "glibc");
        assert_eq!(records[0].size, Some(12986 * 1024));
        assert_eq!(
            records[0].wishes.depends,
            [vec!["libgcc-s1".to_owned()], vec!["libcrypt1".into(), "libcrypt".into()], vec!["other".into()]]
        );
        assert_eq!(records[0].provides, ["libc6-any", "x"]);
        assert!(records[1].essential);
        assert_eq!(records[1].wishes.depends, [["libc6"]]);
        assert_eq!(records[1].wishes.recommends, [["a", "b"]]);
        assert_eq!(status_d(b"Package: tzdata\nVersion: 1")[0].name, "tzdata");
    }

    #[test]
    fn lists_and_sums_are_paths() {
        assert_eq!(list(b"/.\n/usr\n/usr/bin/a b\n").collect::<Vec<_>>(), [&b"usr"[..], b"usr/bin/a b"]);
        let sums = b"0123456789abcdef0123456789abcdef  usr/bin/x\nshort\n0123456789abcdef0123456789abcdef  ./etc/y\n";
        assert_eq!(md5sums(sums).collect::<Vec<_>>(), [&b"usr/bin/x"[..], b"etc/y"]);
    }

    #[test]
    fn settings_are_nested_or_not() {
        let read = |text: &str| setting(text.as_bytes(), "SuggestsImportant");
        assert_eq!(
            read("# SuggestsImportant \"false\";\nApt::AutoRemove::SuggestsImportant \"false\";\n"),
            Some(false)
        );
        assert_eq!(read("APT { AutoRemove {\n suggestsimportant 1; };\n};"), Some(true));
        assert_eq!((read("Other \"false\";"), read("SuggestsImportant")), (None, None));
    }

    #[test]
    fn diversions_come_in_threes() {
        let read = diversions(b"/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n:\n/half\n");
        assert_eq!(read.len(), 2);
        assert_eq!(read[&b"bin/sh"[..]], Diversion { to: b"bin/sh.distrib".to_vec(), by: "dash".into() });
    }

    #[test]
    fn apt_marks_what_it_pulled_in() {
        let marks =
            b"Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nArchitecture: all\nAuto-Installed: 0\n";
        assert_eq!(automatic(marks), HashMap::from([("a".to_owned(), vec!["amd64".to_owned()])]));
    }
}
