//! Python's installed distributions. Formats: packaging.python.org, "Core metadata" and "Recording installed projects".

use super::bytes::{lines, split_once, text};
use super::record::{Record, bare};

/// The distribution of a `METADATA` or `PKG-INFO` file: headers as in mail, up to the first empty line.
pub fn metadata(bytes: &[u8]) -> Option<Record> {
    let mut record = Record::default();
    for line in lines(bytes).take_while(|line| !line.is_empty()) {
        let Some((field, value)) = split_once(line, b':') else { continue };
        match field.to_ascii_lowercase().as_slice() {
            b"name" => record.name = text(value),
            b"version" => record.version = text(value),
            b"license" if record.licence.is_empty() => record.licence = text(value),
            b"license-expression" => record.licence = text(value),
            // A marker behind `;` limits it to an extra or a platform: whether it holds is not decided here.
            b"requires-dist" if !value.contains(&b';') => {
                record.wishes.depends.push(vec![normal(bare(&text(value)))]);
            }
            _ => {}
        }
    }
    record.provides = vec![normal(&record.name)];
    (!record.name.is_empty()).then_some(record)
}

/// A name as others ask for it: lower case, one hyphen for every run of hyphens, underscores and dots.
fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.extend(other.to_lowercase()),
        }
    }
    normal
}

/// The paths of a `RECORD` file, relative to the folder around `*.dist-info`: the first column of comma-separated values.
pub fn files(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    lines(bytes).map(first_column).filter(|path| !path.is_empty())
}

fn first_column(line: &[u8]) -> Vec<u8> {
    let Some(quoted) = line.strip_prefix(b"\"") else {
        return split_once(line, b',').map_or(line, |(path, _)| path).to_vec();
    };
    let mut path = Vec::new();
    let mut rest = quoted.iter().peekable();
    while let Some(&byte) = rest.next() {
        // Two quotes are one of the name; a single one ends it.
        if byte == b'"' && rest.next_if(|next| **next == b'"').is_none() {
            break;
        }
        path.push(byte);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_at_the_empty_line() {
        let record = metadata(
            b"Metadata-Version: 2.1\r\nName: Jinja2\r\nVersion: 3.1.4\r\nLicense: BSD\r\nRequires-Dist: MarkupSafe >=2.0\r\n\
              Requires-Dist: Babel>=2.7 ; extra == 'i18n'\r\n\r\nName: not this\r\n",
        )
        .unwrap();
        assert_eq!((record.name.as_str(), record.version.as_str()), ("Jinja2", "3.1.4"));
        assert_eq!(record.licence, "BSD");
        assert_eq!(record.wishes.depends, [["markupsafe"]]);
        assert_eq!(metadata(b"Version: 1\n"), None);
        assert_eq!(normal("Foo__Bar.baz"), "foo-bar-baz");
    }

    #[test]
    fn records_quote_what_has_commas() {
        let read: Vec<_> = files(b"a/b.py,sha256=x,12\n\"c,\"\"d\"\".py\",,\n../../bin/x,,\n").collect();
        assert_eq!(read, [b"a/b.py".to_vec(), b"c,\"d\".py".to_vec(), b"../../bin/x".to_vec()]);
    }
}
