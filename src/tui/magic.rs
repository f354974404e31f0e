//! What a file is, by its first bytes. Few kinds, and none guessed.

use crate::session::contents::Piece;
use crate::units::{bytes as size, counted, printable};

/// Bytes at the start that mean one thing, with its name.
const MAGIC: [(&[u8], &str); 11] = [
    (&[0x1f, 0x8b], "gzip data"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"BZh", "bzip2 data"),
    (b"PK\x03\x04", "zip archive"),
    (b"\x89PNG\r\n\x1a\n", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"%PDF-", "PDF document"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"!<arch>\n", "ar archive"),
    (b"\0asm", "WebAssembly"),
];

/// What it is, in words.
#[must_use]
pub fn words(piece: &Piece) -> String {
    let bytes = &piece.bytes[..];
    if bytes.is_empty() {
        return "empty".into();
    }
    if let Some(rest) = bytes.strip_prefix(b"#!") {
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return format!("script for {}", printable(&line[..line.len().min(80)]).trim());
    }
    if bytes.starts_with(b"\x7fELF") {
        return elf(bytes).unwrap_or_else(|| "ELF, cut short".into());
    }
    if let Some(members) = zip(bytes).or_else(|| tar(bytes)) {
        return members.words(piece.is_whole());
    }
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return (*name).into();
    }
    let is_json = || {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        matches!(first, Some(b'{' | b'['))
            && piece.is_whole()
            && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
    };
    match is_text(bytes) {
        true if is_json() => "JSON".into(),
        true => "text".into(),
        false => "binary".into(),
    }
}

/// What is in an archive, as far as its beginning tells.
struct Members {
    kind: &'static str,
    names: Vec<String>,
    bytes: u64,
    /// Members that are counted and not named.
    more: u64,
}

impl Members {
    /// Names that are told.
    const TOLD: usize = 4;

    fn new(kind: &'static str) -> Self {
        Self { kind, names: Vec::new(), bytes: 0, more: 0 }
    }

    fn add(&mut self, name: &[u8], size: u64) {
        self.bytes = self.bytes.saturating_add(size);
        if self.names.len() < Self::TOLD {
            self.names.push(printable(&name[..name.len().min(60)]).into_owned());
        } else {
            self.more += 1;
        }
    }

    fn words(&self, is_whole: bool) -> String {
        let many = self.names.len() as u64 + self.more;
        let at_least = if is_whole { "" } else { "at least " };
        let more = if self.more > 0 { ", …" } else { "" };
        let names = self.names.join(", ");
        format!(
            "{}, {at_least}{} of {}: {names}{more}",
            self.kind,
            counted(many, "member", "members"),
            size(self.bytes)
        )
    }
}

/// Local headers of a zip (APPNOTE 4.3.7), one behind the other; where a header leaves the size to the end of its data,
/// the next one is sought by its signature.
fn zip(bytes: &[u8]) -> Option<Members> {
    const SIGNATURE: &[u8] = b"PK\x03\x04";
    const HEADER: usize = 30;
    let number = |at: usize, length: usize| {
        let field = bytes.get(at..at.checked_add(length)?)?;
        Some(field.iter().rev().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte)))
    };
    let mut members = Members::new("zip archive");
    let mut at = 0_usize;
    while bytes.get(at..at.saturating_add(SIGNATURE.len())) == Some(SIGNATURE) {
        let (Some(stored), Some(size), Some(length), Some(extra)) =
            (number(at + 18, 4), number(at + 22, 4), number(at + 26, 2), number(at + 28, 2))
        else {
            break;
        };
        let Some(name) = bytes.get(at + HEADER..at + HEADER + length) else { break };
        members.add(name, size as u64);
        let data = at + HEADER + length + extra;
        at = data.saturating_add(stored);
        if bytes.get(at..at.saturating_add(SIGNATURE.len())) != Some(SIGNATURE) {
            let rest = bytes.get(data..).unwrap_or_default();
            at = memchr::memmem::find(rest, SIGNATURE).map_or(usize::MAX, |place| data + place);
        }
    }
    (!members.names.is_empty()).then_some(members)
}

/// Headers of a tar (POSIX ustar), one behind the other.
fn tar(bytes: &[u8]) -> Option<Members> {
    const BLOCK: usize = 512;
    let mut members = Members::new("tar archive");
    let mut at = 0_usize;
    while let Some(header) = bytes.get(at..at.saturating_add(BLOCK)).filter(|header| &header[257..262] == b"ustar") {
        let digits = std::str::from_utf8(&header[124..136]).unwrap_or_default();
        let size = u64::from_str_radix(digits.trim_matches(['\0', ' ']), 8).unwrap_or(0);
        // Long names and attributes stand in members of their own.
        if !matches!(header[156], b'x' | b'g' | b'L' | b'K') {
            let name = &header[..100];
            members.add(&name[..memchr::memchr(0, name).unwrap_or(name.len())], size);
        }
        let blocks = usize::try_from(size.div_ceil(BLOCK as u64)).unwrap_or(usize::MAX);
        at = blocks.saturating_mul(BLOCK).saturating_add(at).saturating_add(BLOCK);
    }
    (!members.names.is_empty()).then_some(members)
}

/// Whether a person can read it: no zero byte, and hardly anything that is not UTF-8.
#[must_use]
pub fn is_text(bytes: &[u8]) -> bool {
    let broken: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    memchr::memchr(0, bytes).is_none() && broken * 10 <= bytes.len()
}

/// System V ABI, chapter 4: class, byte order, type, machine, and whether a program header names an interpreter.
fn elf(bytes: &[u8]) -> Option<String> {
    const INTERPRETER: u64 = 3;
    let (wide, little) = (*bytes.get(4)? == 2, *bytes.get(5)? == 1);
    let number = |at: usize, length: usize| -> Option<u64> {
        let field = bytes.get(at..at.checked_add(length)?)?;
        let join = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
        Some(if little { field.iter().rev().fold(0, join) } else { field.iter().fold(0, join) })
    };
    let machine = match number(18, 2)? {
        3 => "x86".into(),
        8 => "MIPS".into(),
        20 => "PowerPC".into(),
        21 => "PowerPC 64".into(),
        22 => "S/390".into(),
        40 => "ARM".into(),
        62 => "x86-64".into(),
        183 => "AArch64".into(),
        243 => "RISC-V".into(),
        258 => "LoongArch".into(),
        other => format!("machine {other}"),
    };
    let has_interpreter = || {
        let (table, step, count) = if wide {
            (number(32, 8)?, number(54, 2)?, number(56, 2)?)
        } else {
            (number(28, 4)?, number(42, 2)?, number(44, 2)?)
        };
        let mut places = (0..count).filter_map(|place| usize::try_from(table.checked_add(place * step)?).ok());
        Some(places.any(|place| number(place, 4) == Some(INTERPRETER)))
    };
    let kind = match number(16, 2)? {
        1 => "object file",
        2 => "executable",
        3 if has_interpreter()? => "executable",
        3 => "shared library or static executable",
        4 => "core dump",
        _ => "file",
    };
    Some(format!("ELF {}-bit {machine} {kind}", if wide { 64 } else { 32 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> String {
        words(&Piece { bytes: bytes.to_vec(), size: bytes.len() as u64 })
    }

    #[test]
    fn kinds_are_told_by_their_bytes() {
        assert_eq!(told(b""), "empty");
        assert_eq!(told(b"#!/bin/sh -e\necho"), "script for /bin/sh -e");
        assert_eq!(told(b"{\"a\": 1}\n"), "JSON");
        assert_eq!(told(b"{ server }"), "text");
        assert_eq!(told(b"a\0b"), "binary");
        assert_eq!(told(&[0x1f, 0x8b, 8]), "gzip data");
        assert_eq!(told("gr\u{fc}n".as_bytes()), "text");
        assert_eq!(told(b"#!\x1b[2J"), "script for \\u{1b}[2J");
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        tar[..3].copy_from_slice(b"a/b");
        tar[124..135].copy_from_slice(b"00000001000");
        assert_eq!(told(&tar), "tar archive, 1 member of 512 B: a/b");
        let zip = [&b"PK\x03\x04"[..], &[0; 14], &[2, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0], b"nzz"].concat();
        assert_eq!(told(&[&zip[..], &zip].concat()), "zip archive, 2 members of 10 B: n, n");
        for end in 0..zip.len() {
            told(&zip[..end]);
        }
        let begun = Piece { bytes: b"{\"a\": 1}".to_vec(), size: 1 << 30 };
        assert_eq!(words(&begun), "text", "what is not read is not promised");
    }

    #[test]
    fn elf_is_told_in_words_and_never_read_past_its_end() {
        let mut elf = vec![0; 64 + 56];
        elf[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        (elf[16], elf[18], elf[32], elf[54], elf[56]) = (3, 62, 64, 56, 1);
        assert_eq!(told(&elf), "ELF 64-bit x86-64 shared library or static executable");
        elf[64] = 3;
        assert_eq!(told(&elf), "ELF 64-bit x86-64 executable");
        elf[32..40].fill(0xff);
        assert_eq!(told(&elf), "ELF 64-bit x86-64 shared library or static executable");
        for end in 0..elf.len() {
            told(&elf[..end]);
        }
    }

    #[test]
    fn this_program_is_an_executable() {
        let program = std::fs::read("/proc/self/exe").unwrap();
        assert!(told(&program).ends_with(" executable"), "{}", told(&program));
    }
}
