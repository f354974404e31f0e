//! BusyBox in one program: its version, and the table of its applets, whether or not a link exists for them.

use memchr::memmem;
use serde::{Deserialize, Serialize};

/// Shorter runs of names than this are something else; the smallest build that anybody ships has more.
const FEWEST_APPLETS: usize = 30;

/// The longest name of an applet, in bytes.
const LONGEST_NAME: usize = 20;

/// What a BusyBox can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyBox {
    /// Its version.
    pub version: String,
    /// The names of its applets, ascending.
    pub applets: Vec<String>,
}

/// Finds BusyBox in the bytes of a program: its banner, and its table of names, which is the longest run of names that
/// ascend (applet_tables.c of BusyBox writes them NUL-terminated and sorted, for it searches them by halves).
pub fn read(bytes: &[u8]) -> Option<BusyBox> {
    let banner = memmem::find(bytes, b"BusyBox v")? + b"BusyBox v".len();
    let is_version = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let version: Vec<u8> = bytes[banner..].iter().take(32).take_while(is_version).copied().collect();
    let version =
        String::from_utf8(version).ok().filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))?;
    let (mut best, mut run): (Vec<&[u8]>, Vec<&[u8]>) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    while let Some(end) = memchr::memchr(0, rest) {
        let token = &rest[..end];
        rest = &rest[end + 1..];
        if !is_name(token) || run.last().is_some_and(|last| *last >= token) {
            if run.len() > best.len() {
                best = std::mem::take(&mut run);
            }
            run.clear();
        }
        if is_name(token) {
            run.push(token);
        }
    }
    let best = if run.len() > best.len() { run } else { best };
    let applets = best.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    (best.len() >= FEWEST_APPLETS).then_some(BusyBox { version, applets })
}

fn is_name(token: &[u8]) -> bool {
    let is_part = |byte: &u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'+' | b'-' | b'[' | b']')
    };
    !token.is_empty() && token.len() <= LONGEST_NAME && token.iter().all(is_part)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Bytes like those of a BusyBox with some applets.
    pub fn busybox(applets: &[&str]) -> Vec<u8> {
        let mut all: Vec<String> = (0..40).map(|number| format!("m{number:02}")).collect();
        all.extend(applets.iter().map(ToString::to_string));
        all.sort();
        let mut bytes = b"\x7fELF some code BusyBox v1.35.0 (Debian)\0zz\0".to_vec();
        for name in all {
            bytes.extend(name.as_bytes());
            bytes.push(0);
        }
        bytes.extend(b"UPPER\0a\0");
        bytes
    }

    #[test]
    fn the_table_is_read_from_the_program() {
        let found = read(&busybox(&["wget", "nc", "sh", "["])).unwrap();
        assert_eq!(found.version, "1.35.0");
        assert_eq!(found.applets.len(), 44);
        for name in ["[", "nc", "sh", "wget"] {
            assert!(found.applets.iter().any(|applet| applet == name), "{name}");
        }
    }

    #[test]
    fn a_text_about_busybox_is_none() {
        assert_eq!(read(b"BusyBox v1.2.3 is mentioned\0here\0"), None);
        assert_eq!(read(&busybox(&[])[20..]), None);
    }
}
