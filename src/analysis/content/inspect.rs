//! Decides which contents are looked at, and finds out what is to be known of them. One file is in memory at a time,
//! and of a large one only its ends.

use std::sync::LazyLock;

use globset::{Candidate, GlobSet};
use memchr::memmem;

use super::elf::{self, Ends};
use super::searched::MOST_FILES;
use super::{Fact, Missed, Program, Searched, Secret, archive, busybox};
use crate::analysis::packages::{self, ending};
use crate::analysis::secrets::Scanner;

/// Bytes of a text that are searched for secrets, of a script or program that are searched for what it is.
const MOST_SEARCHED: usize = 5 * 1024 * 1024;

/// Files larger than this are not opened unless they can be run. Data, almost always.
const MOST_OPENED: u64 = 64 * 1024 * 1024;

/// Bytes kept of the end of a large program: its section table is there.
const TAIL: usize = 64 * 1024;

/// Bytes kept of the beginning of a script.
const SCRIPT: usize = 4096;

/// The beginning that tells text from data, in bytes.
const SNIFFED: usize = 8 * 1024;

/// Bytes of a layer that are searched for secrets in all.
const MOST_SEARCHED_IN_ALL: u64 = 8 * 1024 * 1024 * 1024;

/// Bytes of whole files that are kept of a layer, and of all layers.
pub const MOST_KEPT: u64 = 256 * 1024 * 1024;

/// The largest file that this part of the analysis keeps whole, in bytes.
const MOST_WHOLE: u64 = 1024 * 1024;

/// Why a file is looked at.
#[allow(clippy::struct_excessive_bools)] // Reasons, any of which will do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Purpose {
    whole: bool,
    program: bool,
    search: bool,
    components: bool,
    archive: bool,
}

/// What came of a layer beside the facts of its files.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// What was not looked at.
    pub missed: Missed,
    /// What the search for secrets came to, if there was one.
    pub searched: Option<Searched>,
}

/// Looks at one file after the other.
pub struct Inspector {
    scanner: Option<Scanner>,
    /// Whether it looks for secrets and for nothing else.
    only_searches: bool,
    /// The secrets of this layer.
    secrets: Searched,
    /// Files that a user's rules look into.
    looked_into: GlobSet,
    kept: u64,
    searched: u64,
    missed: Missed,
    packages: packages::Scanner,
    path: Vec<u8>,
    size: u64,
    purpose: Purpose,
    read: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Inspector {
    /// `scanner` searches texts for secrets; without one nobody does. `looked_into` are files that are kept besides.
    #[must_use]
    pub fn new(scanner: Option<Scanner>, looked_into: GlobSet) -> Self {
        Self {
            scanner,
            only_searches: false,
            secrets: Searched::default(),
            looked_into,
            kept: 0,
            searched: 0,
            missed: Missed::default(),
            packages: packages::Scanner::default(),
            path: Vec::new(),
            size: 0,
            purpose: Purpose::default(),
            read: 0,
            head: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// One that looks for secrets and for nothing else, where the rest is known.
    #[must_use]
    pub fn of_secrets(scanner: Option<Scanner>) -> Self {
        Self { only_searches: true, ..Self::new(scanner, GlobSet::empty()) }
    }

    /// Begins a file, by its path without leading slash, its size in bytes and its mode. `false` when its contents are
    /// not needed.
    pub fn begin(&mut self, path: &[u8], size: u64, mode: u16) -> bool {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        if size == 0 || is_mark(path) {
            return false;
        }
        let mut purpose = Purpose {
            whole: is_kept(path, size)
                || packages::wanted(path, size, mode)
                || (size <= MOST_WHOLE
                    && !self.looked_into.is_empty()
                    && self.looked_into.is_match_candidate(&Candidate::from_bytes(path))),
            components: packages::Scanner::may_find(name, size, mode),
            program: mode & 0o111 != 0 || packages::is_library(name) || name.ends_with(b".node") || is_core_dump(name),
            search: self.scanner.is_some() && !is_data(name),
            archive: archive::is_archive(name),
        };
        if purpose.search && size > MOST_OPENED && !purpose.program {
            self.secrets.missed.large += 1;
            purpose.search = false;
        }
        if purpose.search && self.searched > MOST_SEARCHED_IN_ALL {
            self.secrets.missed.unsearched += 1;
            purpose.search = false;
        }
        if self.only_searches {
            purpose = Purpose { search: purpose.search, ..Purpose::default() };
        }
        if purpose.whole && self.kept + size > MOST_KEPT {
            self.missed.no_room += 1;
            purpose.whole = false;
        }
        self.purpose = purpose;
        if purpose == Purpose::default() {
            return false;
        }
        path.clone_into(&mut self.path);
        (self.size, self.read) = (size, 0);
        self.head.clear();
        self.tail.clear();
        self.packages.begin();
        true
    }

    /// Takes the next bytes of the file.
    pub fn part(&mut self, bytes: &[u8]) {
        if self.purpose == Purpose::default() {
            return;
        }
        if self.purpose.components {
            self.packages.part(bytes);
        }
        if self.head.len() < SNIFFED {
            self.sniff(bytes);
        }
        // What the beginning ruled out is not even copied.
        if self.is_sated() {
            return;
        }
        let was = self.head.len();
        let most = if self.purpose.whole { usize::try_from(self.size).unwrap_or(MOST_SEARCHED) } else { MOST_SEARCHED };
        let room = most.saturating_sub(was).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.read += bytes.len() as u64;
        if (self.purpose.program || self.purpose.archive) && room < bytes.len() {
            let bytes = &bytes[room..];
            self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
            if self.tail.len() > 2 * TAIL {
                self.tail.drain(..self.tail.len() - TAIL);
            }
        }
    }

    /// Whether the rest of the file would tell nothing.
    #[must_use]
    pub fn is_sated(&self) -> bool {
        let Purpose { whole, program, search, components, archive } = self.purpose;
        // What is searched is searched up to a limit; that it was cut there is told by its size.
        !whole && !program && !components && !archive && (!search || self.head.len() >= MOST_SEARCHED)
    }

    /// Takes so many zeros.
    pub fn hole(&mut self, bytes: u64) {
        if self.purpose.components {
            self.packages.hole();
        }
        let zeros = [0; 4096];
        let mut left = bytes.min(MOST_SEARCHED as u64);
        self.read += bytes - left;
        while left > 0 && self.purpose != Purpose::default() {
            let now = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
            self.part(&zeros[..now]);
            left -= now as u64;
        }
    }

    /// Gives up what the beginning rules out, of which these are the next bytes. Data is told from text by its first
    /// zero, which is near: of most large files a block is read and no more.
    fn sniff(&mut self, next: &[u8]) {
        let known = self.head.len();
        let next = &next[..next.len().min(SNIFFED - known)];
        self.purpose.search &= memchr::memchr(0, next).is_none();
        let is_known = known + next.len() >= elf::MAGIC.len() || (known + next.len()) as u64 == self.size;
        if self.purpose.program && !self.purpose.search && is_known {
            let begins = |magic: &[u8]| self.head.iter().chain(next).take(magic.len()).eq(magic);
            self.purpose.program = begins(elf::MAGIC) || begins(b"#!") || self.purpose.whole;
        }
    }

    /// Ends the file: what there is to say of it, if anything.
    pub fn end(&mut self) -> Option<Fact> {
        let mut fact = Fact::default();
        if self.purpose.program {
            fact.program = Some(self.program());
        }
        if self.purpose.search
            && let Some(scanner) = &mut self.scanner
        {
            self.searched += self.head.len() as u64;
            self.secrets.missed.cut += u64::from(self.size > self.head.len() as u64);
            let hits = scanner.text(&self.path, &self.head);
            if !hits.is_empty() && self.secrets.secrets.len() < MOST_FILES {
                self.secrets.secrets.push(Secret { path: self.path.clone(), size: self.size, hits });
            }
        }
        let name = self.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        if self.purpose.components {
            fact.components = self.packages.end(name);
        }
        if self.purpose.archive {
            let tail = &self.tail[self.tail.len().saturating_sub(TAIL)..];
            fact.members = archive::members(name, &self.head, tail, self.read);
        }
        if self.purpose.whole && self.head.len() as u64 == self.size {
            self.kept += self.size;
            fact.whole = Some(self.head.clone());
        }
        self.purpose = Purpose::default();
        (fact != Fact::default()).then_some(fact)
    }

    /// Ends the layer. The next one has limits of its own: what is known of a layer depends on no other.
    pub fn looked(&mut self) -> Looked {
        (self.kept, self.searched) = (0, 0);
        let searched = std::mem::take(&mut self.secrets);
        let searched = self.scanner.is_some().then_some(searched);
        Looked { missed: std::mem::take(&mut self.missed), searched }
    }

    fn program(&self) -> Program {
        if self.head.starts_with(b"#!") {
            return Program::Script(self.head[..self.head.len().min(SCRIPT)].to_vec());
        }
        let tail = &self.tail[self.tail.len().saturating_sub(TAIL)..];
        let Some(mut found) = elf::read(Ends { head: &self.head, tail, size: self.read }) else {
            return Program::Other;
        };
        // What is longer than the window is no BusyBox; a miner is judged by its name then.
        if self.read == self.head.len() as u64 {
            found.busybox = busybox::read(&self.head);
        }
        found.is_mining = [&b"stratum+tcp://"[..], b"stratum+ssl://"]
            .iter()
            .any(|protocol| memmem::find(&self.head, protocol).is_some());
        Program::Elf(Box::new(found))
    }
}

/// Whether the analysis of risks and of the configuration reads the file.
fn is_kept(path: &[u8], size: u64) -> bool {
    let is_read = match path.strip_prefix(b"etc/") {
        Some(
            b"passwd" | b"group" | b"shadow" | b"sudoers" | b"os-release" | b"alpine-release" | b"debian_version"
            | b"ld.so.preload",
        ) => true,
        Some(name) if name.starts_with(b"sudoers.d/") => true,
        _ => {
            path == b"usr/lib/os-release"
                || path.ends_with(b"/.ssh/authorized_keys")
                || path.ends_with(b"supervisord.conf")
        }
    };
    is_read && size <= MOST_WHOLE
}

/// Whether it is a whiteout, or lies in a folder of aufs's bookkeeping.
fn is_mark(path: &[u8]) -> bool {
    static MARK: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b".wh."));
    MARK.find_iter(path).any(|place| place == 0 || path[place - 1] == b'/')
}

/// `core`, `core.1234`.
fn is_core_dump(name: &[u8]) -> bool {
    let number = name.strip_prefix(b"core.");
    name == b"core" || number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

/// Whether contents are neither text nor program, by the ending of the name.
fn is_data(name: &[u8]) -> bool {
    let end = ending(name);
    // The longest of them has five letters.
    let mut lower = [0; 5];
    let Some(lower) = lower.get_mut(..end.len()) else { return false };
    lower.copy_from_slice(end);
    lower.make_ascii_lowercase();
    #[rustfmt::skip]
    let is_data = matches!(
        &*lower,
        b"png" | b"jpg" | b"jpeg" | b"gif" | b"webp" | b"ico" | b"gz" | b"xz" | b"bz2" | b"zst" | b"zip" | b"jar" | b"whl"
        | b"mo" | b"pyc" | b"ttf" | b"otf" | b"woff" | b"woff2" | b"eot" | b"pdf" | b"mp3" | b"mp4" | b"ogg" | b"wav"
        | b"avi" | b"db" | b"gem" | b"deb" | b"rpm" | b"apk" | b"tgz" | b"pack" | b"wasm" | b"class" | b"onnx"
    );
    is_data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_layer_depends_on_no_other() {
        let mut inspector = Inspector::new(None, GlobSet::empty());
        let contents = vec![b' '; usize::try_from(MOST_WHOLE).unwrap()];
        let mut layer = || {
            let most = MOST_KEPT / MOST_WHOLE;
            let kept = (0..=most).filter(|_| {
                inspector.begin(b"etc/passwd", MOST_WHOLE, 0o644) && {
                    inspector.part(&contents);
                    inspector.end().is_some_and(|fact| fact.whole.is_some())
                }
            });
            (kept.count() as u64 == most, inspector.looked().missed.no_room)
        };
        assert_eq!([layer(), layer()], [(true, 1), (true, 1)]);
    }
}
