//! What a file is, by its first bytes. Few kinds, and none guessed.

use crate::session::contents::Piece;
use crate::units::printable;

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
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return (*name).into();
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return "tar archive".into();
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
        assert_eq!(told(&tar), "tar archive");
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
