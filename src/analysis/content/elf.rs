//! Programs and libraries of Linux, from their beginning and end alone: what a file is, what it needs to run, and how
//! much of it only debuggers read. Format: the ELF part of the System V ABI, read by the `object` crate.

use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, SectionTable};
use object::{Endianness, ReadRef, elf};
use serde::{Deserialize, Serialize};

use super::BusyBox;

/// What an ELF file is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // Facts that are yes or no.
pub struct Elf {
    /// The machine that it is for, `e_machine`.
    pub machine: u16,
    /// What kind of file it is, `e_type`.
    pub kind: u16,
    /// 32 or 64.
    pub bits: u8,
    /// Whether its numbers are stored with the lowest byte first.
    pub is_little: bool,
    /// The program that loads it, of a program that is linked dynamically.
    pub interpreter: Option<String>,
    /// Bytes of sections that only debuggers and linkers read.
    pub strippable: u64,
    /// Whether a Go compiler made it.
    pub is_go: bool,
    /// Whether it carries the list of its Rust crates (cargo-auditable).
    pub is_auditable: bool,
    /// What it can do, of a BusyBox.
    pub busybox: Option<BusyBox>,
    /// Whether it speaks the protocol of mining pools.
    pub is_mining: bool,
}

impl Elf {
    /// Whether it is what a crashed program leaves.
    #[must_use]
    pub fn is_core_dump(&self) -> bool {
        self.kind == elf::ET_CORE.0
    }

    /// The names that image configs have for the machine; none for one that is not known here.
    #[must_use]
    pub fn architectures(&self) -> &'static [&'static str] {
        match (elf::Machine(self.machine), self.is_little) {
            (elf::EM_X86_64, _) => &["amd64"],
            (elf::EM_386, _) => &["386"],
            (elf::EM_AARCH64, _) => &["arm64"],
            (elf::EM_ARM, _) => &["arm"],
            (elf::EM_RISCV, _) => &["riscv64"],
            (elf::EM_S390, _) => &["s390x"],
            (elf::EM_PPC64, true) => &["ppc64le"],
            (elf::EM_PPC64, false) => &["ppc64"],
            (elf::EM_MIPS, _) => &["mips", "mipsle", "mips64", "mips64le"],
            (elf::EM_LOONGARCH, _) => &["loong64"],
            _ => &[],
        }
    }
}

/// A file of which the beginning and the end are known.
#[derive(Clone, Copy)]
pub struct Ends<'b> {
    /// The beginning.
    pub head: &'b [u8],
    /// The end; it may overlap the beginning or be missing.
    pub tail: &'b [u8],
    /// Bytes of the file.
    pub size: u64,
}

impl<'b> Ends<'b> {
    fn range(self, offset: u64, size: u64) -> Option<&'b [u8]> {
        let cut = |bytes: &'b [u8], from: u64| {
            let from = usize::try_from(from).ok()?;
            bytes.get(from..from.checked_add(usize::try_from(size).ok()?)?)
        };
        let tail_from = self.size.checked_sub(self.tail.len() as u64)?;
        cut(self.head, offset).or_else(|| cut(self.tail, offset.checked_sub(tail_from)?))
    }
}

impl<'b> ReadRef<'b> for Ends<'b> {
    fn len(self) -> Result<u64, ()> {
        Ok(self.size)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'b [u8], ()> {
        self.range(offset, size).ok_or(())
    }

    fn read_bytes_at_until(self, range: std::ops::Range<u64>, delimiter: u8) -> Result<&'b [u8], ()> {
        let known = self.range(range.start, 1).ok_or(())?;
        let most = range.end.saturating_sub(range.start);
        // Names are short; what is known from here on is enough.
        let lengths = [most, 4096, 256, 64];
        let bytes = lengths.into_iter().filter(|size| *size <= most).find_map(|size| self.range(range.start, size));
        let bytes = bytes.unwrap_or(known);
        memchr::memchr(delimiter, bytes).map(|end| &bytes[..end]).ok_or(())
    }
}

/// What every ELF file begins with.
pub const MAGIC: &[u8] = &elf::ELFMAG;

/// Reads what an ELF file says of itself; `None` for anything else.
pub fn read(ends: Ends<'_>) -> Option<Elf> {
    if !ends.head.starts_with(MAGIC) {
        return None;
    }
    match ends.head.get(4) {
        Some(1) => summary::<elf::FileHeader32<Endianness>>(ends, 32),
        Some(2) => summary::<elf::FileHeader64<Endianness>>(ends, 64),
        _ => None,
    }
}

fn summary<H: FileHeader<Endian = Endianness>>(ends: Ends<'_>, bits: u8) -> Option<Elf> {
    let header = H::parse(ends).ok()?;
    let endian = header.endian().ok()?;
    let mut found = Elf {
        machine: header.e_machine(endian).0,
        kind: header.e_type(endian).0,
        bits,
        is_little: endian == Endianness::Little,
        ..Elf::default()
    };
    let segments = header.program_headers(endian, ends).unwrap_or_default();
    let interpreter = segments.iter().find_map(|segment| segment.interpreter(endian, ends).ok().flatten());
    found.interpreter = interpreter.map(|path| String::from_utf8_lossy(path).into_owned());
    let Ok(sections) = header.section_headers(endian, ends) else { return Some(found) };
    // Where the names of sections lie outside of what is known, their types say enough.
    let names = header.section_strings(endian, ends, sections).unwrap_or_default();
    let sections: SectionTable<'_, H, _> = SectionTable::new(sections, names);
    for section in sections.iter() {
        let name = sections.section_name(endian, section).unwrap_or_default();
        found.is_go |= name == b".go.buildinfo" || name == b".gopclntab";
        found.is_auditable |= name == b".dep-v0";
        if is_strippable::<H>(endian, section, name) {
            found.strippable += Into::<u64>::into(section.sh_size(endian));
        }
    }
    // A header may lie; no section is larger than the file.
    found.strippable = found.strippable.min(ends.size);
    Some(found)
}

/// Whether `strip` takes the section out: symbols and debug information that are not loaded.
fn is_strippable<H: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    section: &H::SectionHeader,
    name: &[u8],
) -> bool {
    if Into::<u64>::into(section.sh_flags(endian).0) & elf::SHF_ALLOC.0 != 0 {
        return false;
    }
    match section.sh_type(endian) {
        elf::SHT_SYMTAB => true,
        elf::SHT_STRTAB => name != b".shstrtab",
        elf::SHT_PROGBITS => name.starts_with(b".debug_") || name.starts_with(b".zdebug_"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_program_itself_is_read() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let size = bytes.len() as u64;
        let whole = read(Ends { head: &bytes, tail: &[], size }).unwrap();
        assert_eq!((whole.bits, whole.is_little), (64, true));
        assert!(whole.interpreter.as_deref().is_some_and(|path| path.contains("ld")), "{whole:?}");
        assert!(whole.strippable > 1000 && whole.strippable < size, "{whole:?}");
        assert_eq!(whole.architectures().len(), 1);
        // Of a file whose middle was not kept the same is known, but for names of sections.
        let window = 64 * 1024;
        let ends = read(Ends { head: &bytes[..window], tail: &bytes[bytes.len() - window..], size }).unwrap();
        assert_eq!((ends.machine, ends.interpreter), (whole.machine, whole.interpreter));
    }

    #[test]
    fn what_is_broken_is_none_or_says_little() {
        assert_eq!(read(Ends { head: b"#!/bin/sh", tail: &[], size: 9 }), None);
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for end in 0..200 {
            let _ = read(Ends { head: &bytes[..end], tail: &[], size: end as u64 });
        }
        let mut mangled = bytes[..4096].to_vec();
        for place in 16..64 {
            let before = mangled[place];
            mangled[place] = 0xff;
            let _ = read(Ends { head: &mangled, tail: &[], size: 4096 });
            mangled[place] = before;
        }
    }
}
