//! Packages inside programs and Java archives, found while the file goes by once, whatever its size. What is kept of
//! it is a window of a few KiB, and up to a MiB only where something was found whose end has not come yet.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::record::{PackageKind, Record};
use super::{crates, golang, jar};

/// A package inside a file. The first of a file is what the file itself is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Whose package.
    pub kind: PackageKind,
    /// What is known of it.
    pub record: Record,
}

/// What a place in a file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Look<T = Component> {
    /// Nothing of interest.
    Nothing,
    /// More bytes are needed to say.
    More,
    /// These, and how many bytes they take.
    Found(Vec<T>, usize),
}

/// Bytes that are looked at together; also what is kept of a file at most where nothing is found.
const WINDOW: usize = 64 * 1024;

/// Bytes that something found may take before it is given up.
const MOST_HELD: usize = 1024 * 1024 + WINDOW;

/// Most packages of one file.
const MOST: usize = 20_000;

/// Most texts of one file that are unpacked: sound files have a few, and one made of such beginnings would waste time.
const MOST_UNPACKED: u32 = 4096;

/// Follows one file.
pub struct Scanner {
    window: Vec<u8>,
    what: What,
    found: Vec<Component>,
    told: Vec<jar::Told>,
    /// Texts that were unpacked whole, and those whose beginning was.
    unpacked: u32,
    begun: u32,
    finders: [Finder<'static>; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Unknown,
    Program,
    Archive,
    Other,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            window: Vec::new(),
            what: What::Unknown,
            found: Vec::new(),
            told: Vec::new(),
            unpacked: 0,
            begun: 0,
            finders: [Finder::new(golang::MAGIC), Finder::new(jar::MEMBER)],
        }
    }
}

/// What follows the last dot of a name; nothing without one.
#[must_use]
pub fn ending(name: &[u8]) -> &[u8] {
    memchr::memrchr(b'.', name).map_or(&[], |dot| &name[dot + 1..])
}

/// `libc.so.6`, `module.so`: whether a name is that of a library.
#[must_use]
pub fn is_library(name: &[u8]) -> bool {
    // This is asked of every file.
    static VERSIONED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b".so."));
    name.ends_with(b".so") || VERSIONED.find(name).is_some()
}

impl Scanner {
    /// Whether a file may hold packages: a program or library by mode or name, or a Java archive.
    #[must_use]
    pub fn may_find(path: &[u8], size: u64, mode: u16) -> bool {
        size >= 512 && (mode & 0o111 != 0 || jar::is_archive(path) || is_library(path))
    }

    /// Makes ready for another file.
    pub fn begin(&mut self) {
        self.window.clear();
        self.what = What::Unknown;
        self.found.clear();
        self.told.clear();
        (self.unpacked, self.begun) = (0, 0);
    }

    /// The next bytes of the file.
    pub fn part(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.what != What::Other {
            let room = WINDOW.saturating_sub(self.window.len()).max(WINDOW / 2);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.window.extend_from_slice(now);
            bytes = later;
            if self.window.len() >= WINDOW {
                self.look(false);
            }
        }
    }

    /// So many zeros that no tar stores. Nothing that is looked for spans them.
    pub fn hole(&mut self) {
        self.look(true);
    }

    /// What was found, by the file's own name. The scanner is ready for another file then.
    pub fn end(&mut self, file: &[u8]) -> Vec<Component> {
        self.look(true);
        let found = match self.what {
            What::Archive => jar::components(file, std::mem::take(&mut self.told)),
            What::Program | What::Unknown | What::Other => std::mem::take(&mut self.found),
        };
        self.begin();
        found
    }

    fn look(&mut self, is_end: bool) {
        if self.what == What::Unknown {
            self.what = match self.window.get(..4) {
                Some(b"\x7fELF") => What::Program,
                Some(jar::MEMBER) => What::Archive,
                _ => What::Other,
            };
        }
        let done = match self.what {
            What::Program => self.program(is_end),
            What::Archive => self.archive(is_end),
            What::Unknown | What::Other => self.window.len(),
        };
        self.window.drain(..done);
    }

    /// Looks through the window of a program. Returns how many bytes are done with.
    fn program(&mut self, is_end: bool) -> usize {
        let (window, mut at) = (&self.window, 0);
        let mut go = self.finders[0].find(window);
        while let Some(zlib) = memchr::memchr(crates::FIRST, &window[at..]).map(|place| at + place).or(go) {
            let place = go.map_or(zlib, |go| go.min(zlib));
            let rest = &window[place..];
            let is_go = go == Some(place);
            let look = if is_go {
                golang::look(rest)
            } else if !crates::may_begin(rest) || self.begun >= crates::MOST_BEGUN {
                Look::Nothing
            } else {
                self.begun += 1;
                match crates::begins(rest, is_end) {
                    Look::Found(..) if self.unpacked < crates::MOST_TRIED => {
                        self.unpacked += 1;
                        crates::look(rest, is_end)
                    }
                    Look::Found(..) | Look::Nothing => Look::Nothing,
                    Look::More => Look::More,
                }
            };
            at = match look {
                Look::More if !is_end && rest.len() < MOST_HELD => return place,
                Look::Nothing | Look::More => place + 1,
                Look::Found(more, used) => {
                    self.found.extend(more);
                    self.found.truncate(MOST);
                    place + used.max(1)
                }
            };
            if go.is_some_and(|go| go < at) {
                go = self.finders[0].find(&window[at..]).map(|place| at + place);
            }
        }
        Self::done(window.len(), at, golang::MAGIC.len(), is_end)
    }

    fn archive(&mut self, is_end: bool) -> usize {
        let (window, mut at) = (&self.window, 0);
        while let Some(place) = self.finders[1].find(&window[at..]).map(|place| at + place) {
            if self.unpacked >= MOST_UNPACKED {
                return window.len();
            }
            let rest = &window[place..];
            at = match jar::look(rest, is_end) {
                Look::More if !is_end && rest.len() < MOST_HELD => return place,
                Look::Nothing | Look::More => place + jar::MEMBER.len(),
                Look::Found(more, used) => {
                    self.unpacked += 1;
                    self.told.extend(more);
                    self.told.truncate(MOST);
                    place + used.max(1)
                }
            };
        }
        Self::done(window.len(), at, jar::MEMBER.len(), is_end)
    }

    /// All but what may be the beginning of a mark that goes on in the next bytes.
    fn done(length: usize, at: usize, mark: usize, is_end: bool) -> usize {
        if is_end { length } else { (length - (mark - 1).min(length)).max(at.min(length)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state: u32 = 1;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect()
    }

    fn scanned(file: &[u8], bytes: &[u8], chunk: usize) -> Vec<String> {
        let mut scanner = Scanner::default();
        bytes.chunks(chunk).for_each(|chunk| scanner.part(chunk));
        let found = scanner.end(file);
        found.iter().map(|one| format!("{} {} {}", one.kind.name(), one.record.name, one.record.version)).collect()
    }

    #[test]
    fn programs_tell_their_modules_wherever_chunks_part_them() {
        let block = golang::tests::block("go1.22.1", "path\tx.org/app\nmod\tx.org/app\tv1.2.3\th1:a=\n");
        let packed = crates::tests::packed(crates::tests::TEXT);
        let mut program = [b"\x7fELF".as_slice(), &noise(200_000)].concat();
        program.extend(&block);
        program.extend(noise(100_000));
        program.extend(&packed);
        program.extend(noise(10));
        let wanted = ["go x.org/app v1.2.3", "go stdlib 1.22.1", "crate app 0.3.1", "crate adler 1.0.2"];
        for chunk in [1000, 65_536, 1 << 20] {
            assert_eq!(scanned(b"app", &program, chunk), wanted, "{chunk}");
        }
        let near = &program[199_990..];
        let near = [b"\x7fELF", near].concat();
        for chunk in 1..50 {
            assert_eq!(scanned(b"app", &near, chunk), wanted, "{chunk}");
        }
    }

    #[test]
    fn archives_tell_what_they_are_and_hold() {
        let inner = jar::tests::member(
            "META-INF/maven/g/inner/pom.properties",
            b"groupId=g\nartifactId=inner\nversion=2\n",
            true,
        );
        let archive = [
            jar::tests::member("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\nImplementation-Version: 7\n\n", true),
            jar::tests::member("x/Noise.class", &noise(100_000), true),
            jar::tests::member("BOOT-INF/lib/inner-1.jar", &inner, false),
            jar::tests::member("BOOT-INF/lib/other-3.0.jar", b"", false),
        ]
        .concat();
        let wanted = ["jar app 7", "jar g:inner 2", "jar other 3.0"];
        for chunk in [7, 1000, 1 << 20] {
            assert_eq!(scanned(b"app.jar", &archive, chunk), wanted, "{chunk}");
        }
    }

    #[test]
    fn beginnings_without_end_are_given_up() {
        let mut scanner = Scanner::default();
        scanner.part(b"\x7fELF");
        // What zlib packs begins so, and nothing of it goes on.
        let begin = [0x78, 0x9c, 0x00].repeat(100_000);
        (0..4).for_each(|_| scanner.part(&begin));
        assert_eq!(scanner.begun, crates::MOST_BEGUN);
        assert!(scanner.end(b"x").is_empty() && scanner.begun == 0);
    }

    #[test]
    fn other_files_cost_nothing() {
        let mut scanner = Scanner::default();
        scanner.part(&noise(1 << 20));
        assert!(scanner.window.is_empty() && scanner.end(b"x").is_empty());
        assert!(Scanner::may_find(b"usr/lib/libx.so.1", 5000, 0o644));
        assert!(!Scanner::may_find(b"usr/share/doc/x", 5000, 0o644));
    }
}
