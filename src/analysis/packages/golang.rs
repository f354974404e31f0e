//! What Go's linker leaves in a program: its version and the modules it is built from.
//! Format: Go's `debug/buildinfo` and `runtime/debug.ParseBuildInfo`.

use super::bytes::{lines, part, text};
use super::record::{PackageKind, Record};
use super::scan::{Component, Look};

/// Begins the block. Programs hold it once, on a boundary of 16 bytes, anywhere in the file.
pub const MAGIC: &[u8] = b"\xff Go buildinf:";

/// Bytes before the two texts, and the flag for texts that follow in place (Go 1.18 and later).
const HEAD: usize = 32;
const FLAGS: usize = 15;
const IN_PLACE: u8 = 2;

/// Longest text that is believed. Large programs have some 100 KiB.
const MOST_TEXT: usize = 1024 * 1024;

/// Marks around the modules: sixteen bytes before and behind.
const MARK: usize = 16;

/// Looks at bytes that begin with the magic.
pub fn look(bytes: &[u8]) -> Look {
    let Some(&flags) = bytes.get(FLAGS) else { return Look::More };
    if flags & IN_PLACE == 0 {
        // Older programs hold addresses here; what these point to is found by the mark before it.
        return Look::Nothing;
    }
    let (version, at) = match counted(bytes, HEAD) {
        Ok(found) => found,
        Err(look) => return look,
    };
    match counted(bytes, at) {
        Ok((modules, end)) => Look::Found(components(&text(version), modules), end),
        Err(look) => look,
    }
}

/// A text behind its length, seven bits a byte, lowest first.
fn counted(bytes: &[u8], mut at: usize) -> Result<(&[u8], usize), Look> {
    let mut length = 0;
    for shift in [0, 7, 14] {
        let byte = *bytes.get(at).ok_or(Look::More)?;
        at += 1;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let found = part(bytes, at, length).ok_or(Look::More)?;
            return if length <= MOST_TEXT { Ok((found, at + length)) } else { Err(Look::Nothing) };
        }
    }
    Err(Look::Nothing)
}

/// Lines `path PATH`, `mod PATH VERSION SUM`, `dep …`, `=> REPLACEMENT VERSION SUM`, parted by tabs. The program comes
/// first, then the standard library, then what it is built from.
fn components(version: &str, modules: &[u8]) -> Vec<Component> {
    let modules = modules.get(MARK..modules.len().saturating_sub(MARK)).unwrap_or_default();
    let go = |name: &str, version: &str| Component {
        kind: PackageKind::Go,
        record: Record { name: name.to_owned(), version: version.to_owned(), ..Record::default() },
    };
    let mut found: Vec<Component> = Vec::new();
    let mut path = String::new();
    for line in lines(modules) {
        let line = String::from_utf8_lossy(line);
        let columns: Vec<_> = line.split('\t').collect();
        match columns[..] {
            ["path", name, ..] => name.clone_into(&mut path),
            ["mod", name, version, ..] => found.insert(0, go(name, version)),
            ["dep", name, version, ..] => found.push(go(name, version)),
            ["=>", name, version, ..] => {
                if let Some(replaced) = found.last_mut() {
                    *replaced = go(name, version);
                }
            }
            _ => {}
        }
    }
    let has_main = lines(modules).any(|line| line.starts_with(b"mod\t"));
    if !has_main {
        // Programs of the toolchain itself, and those built from single files, have no module.
        found.insert(0, go(if path.is_empty() { "command-line-arguments" } else { &path }, ""));
    }
    // `go1.22.1 X:experiment`
    let library = version.split(' ').next().unwrap_or_default();
    found.insert(1, go("stdlib", library.strip_prefix("go").unwrap_or(library)));
    found
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn block(version: &str, modules: &str) -> Vec<u8> {
        let mark = [b'#'; MARK];
        let modules = [&mark[..], modules.as_bytes(), &mark[..]].concat();
        let mut bytes = [MAGIC, &[8, IN_PLACE]].concat();
        bytes.resize(HEAD, 0);
        for text in [version.as_bytes(), &modules] {
            let mut length = text.len();
            while length > 0x7f {
                bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
                length >>= 7;
            }
            bytes.push(u8::try_from(length).unwrap());
            bytes.extend_from_slice(text);
        }
        bytes
    }

    #[test]
    fn modules_come_behind_the_program() {
        let bytes = block(
            "go1.22.1",
            "path\tx.org/app/cmd\nmod\tx.org/app\tv1.2.3\th1:a=\ndep\tx.org/a\tv0.1.0\th1:b=\n=>\tx.org/b\tv0.2.0\th1:c=\nbuild\tCGO_ENABLED=0\n",
        );
        let Look::Found(found, end) = look(&bytes) else { panic!() };
        assert_eq!(end, bytes.len());
        let told: Vec<_> = found.iter().map(|one| (one.record.name.as_str(), one.record.version.as_str())).collect();
        assert_eq!(told, [("x.org/app", "v1.2.3"), ("stdlib", "1.22.1"), ("x.org/b", "v0.2.0")]);
        for length in MAGIC.len()..bytes.len() {
            assert!(matches!(look(&bytes[..length]), Look::More), "{length}");
        }
    }
}
