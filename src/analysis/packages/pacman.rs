//! pacman's database: a folder for each package with the files `desc` and `files`, blocks of `%KEY%` and lines.
//! Format: as libalpm writes it (`lib/libalpm/be_local.c`).

use super::bytes::{lines, number, text};
use super::record::{Asked, Record, bare};

/// The blocks of a file by key.
fn blocks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut key: &[u8] = b"";
    lines(bytes).filter_map(move |line| {
        if line.len() > 2 && line.starts_with(b"%") && line.ends_with(b"%") {
            key = &line[1..line.len() - 1];
            return None;
        }
        (!line.is_empty()).then_some((key, line))
    })
}

/// The package of a `desc` file.
pub fn desc(bytes: &[u8]) -> Option<Record> {
    // `%REASON%` is written only when it is 1: installed as a dependency.
    let mut record = Record { asked: Asked::Explicit, ..Record::default() };
    for (key, line) in blocks(bytes) {
        match key {
            b"NAME" => record.name = text(line),
            b"VERSION" => record.version = text(line),
            b"ARCH" => record.arch = text(line),
            b"BASE" => record.source = text(line),
            b"LICENSE" => {
                let one = text(line);
                record.licence = if record.licence.is_empty() { one } else { format!("{} AND {one}", record.licence) };
            }
            b"PACKAGER" => record.origin = text(line),
            b"SIZE" => record.size = number(line),
            b"REASON" if line.trim_ascii() == b"1" => record.asked = Asked::Automatic,
            b"DEPENDS" => record.wishes.depends.push(vec![bare(&text(line)).to_owned()]),
            // `name: what it is good for`
            b"OPTDEPENDS" => {
                let line = text(line);
                let name = line.split(':').next().unwrap_or_default();
                record.wishes.suggests.push(vec![bare(name).to_owned()]);
            }
            b"PROVIDES" => record.provides.push(bare(&text(line)).to_owned()),
            _ => {}
        }
    }
    (!record.name.is_empty()).then_some(record)
}

/// The paths of a `files` file. Folders end with a slash and are left out.
pub fn files(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    blocks(bytes).filter(|(key, line)| *key == b"FILES" && !line.ends_with(b"/")).map(|(_, line)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_by_key() {
        let record = desc(
            b"%NAME%\nzlib\n\n%VERSION%\n1:1.3.1-2\n\n%BASE%\nzlib\n\n%ARCH%\nx86_64\n\n%SIZE%\n340000\n\n%REASON%\n1\n\n\
              %LICENSE%\nZlib\nMIT\n\n%DEPENDS%\nglibc>=2.33\nsh\n\n%OPTDEPENDS%\nperl: for scripts\n\n%PROVIDES%\nlibz.so=1-64\n",
        )
        .unwrap();
        assert_eq!((record.name.as_str(), record.version.as_str(), record.size), ("zlib", "1:1.3.1-2", Some(340_000)));
        assert_eq!(record.asked, Asked::Automatic);
        assert_eq!(record.licence, "Zlib AND MIT");
        assert_eq!(record.wishes.depends, [["glibc"], ["sh"]]);
        assert_eq!(record.wishes.suggests, [["perl"]]);
        assert_eq!(record.provides, ["libz.so"]);
        assert_eq!(desc(b"%VERSION%\n1\n"), None);
    }

    #[test]
    fn folders_are_left_out() {
        let listed: Vec<_> = files(b"%FILES%\nusr/\nusr/lib/\nusr/lib/libz.so\n\n%BACKUP%\netc/x\tabc\n").collect();
        assert_eq!(listed, [b"usr/lib/libz.so"]);
    }
}
