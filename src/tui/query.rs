//! The language of filters: what somebody types after `/`, understood, and whether a path fits it.
//!
//! Words stand side by side and all must fit: `size>10M is:setuid !usr *.so re:^/opt`. A plain word is a part of a name,
//! of the whole path if it has a slash. Small letters find large ones too, large ones only themselves.

use globset::{GlobBuilder, GlobMatcher};
use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use super::Explored;
use super::projection::{Cell, State};
use crate::analysis::finding::Category;
use crate::index::{Entry, Index, Kind, PathId};
use crate::units::humanize;

/// The largest state machine that a pattern may become, in bytes. What people type needs a hundredth of it.
const MOST_PATTERN: usize = 1 << 20;

/// A filter, understood.
#[derive(Debug, Clone, Default)]
pub struct Query {
    text: String,
    words: Vec<Word>,
}

/// A filter is what was typed: the rest follows from it.
impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Debug, Clone)]
struct Word {
    not: bool,
    term: Term,
}

#[derive(Debug, Clone)]
enum Term {
    /// A part of the name, or of the whole path.
    Text {
        finder: Box<Finder<'static>>,
        sensitive: bool,
        whole: bool,
    },
    /// A pattern with `*` and `?` for the name, or for the whole path.
    Glob {
        glob: Box<GlobMatcher>,
        whole: bool,
    },
    /// A regular expression for the whole path.
    Regex(Regex),
    /// Bytes.
    Size {
        least: u64,
        most: u64,
    },
    /// A layer that has something at the path.
    Layer(u32),
    /// A trait.
    Is(Trait),
    /// The package that owns it: a part of its name, or none.
    Owner(Option<String>),
    /// Numbers of user or group.
    Uid(u32),
    Gid(u32),
}

/// Something that a path is or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trait {
    Added,
    Changed,
    Rewritten,
    Removed,
    Unchanged,
    Hidden,
    Folder,
    File,
    Link,
    Device,
    Setuid,
    Setgid,
    Executable,
    Writable,
    Empty,
    Secret,
    Risky,
    Wasted,
}

/// What stands behind `is:`.
const TRAITS: [(&str, Trait); 22] = [
    ("secret", Trait::Secret),
    ("risky", Trait::Risky),
    ("wasted", Trait::Wasted),
    ("added", Trait::Added),
    ("changed", Trait::Changed),
    ("rewritten", Trait::Rewritten),
    ("deleted", Trait::Removed),
    ("removed", Trait::Removed),
    ("unchanged", Trait::Unchanged),
    ("hidden", Trait::Hidden),
    ("dir", Trait::Folder),
    ("folder", Trait::Folder),
    ("file", Trait::File),
    ("link", Trait::Link),
    ("device", Trait::Device),
    ("setuid", Trait::Setuid),
    ("suid", Trait::Setuid),
    ("setgid", Trait::Setgid),
    ("exec", Trait::Executable),
    ("executable", Trait::Executable),
    ("writable", Trait::Writable),
    ("empty", Trait::Empty),
];

/// A path with what a view says of it.
pub struct Seen<'s> {
    /// The image.
    pub image: &'s Explored,
    /// The path.
    pub path: PathId,
    /// Its cell.
    pub cell: &'s Cell,
}

/// Room for spelling names, used again for every path.
#[derive(Default)]
pub struct Spelling {
    name: Vec<u8>,
    path: Vec<u8>,
}

impl Query {
    /// Understands what was typed.
    ///
    /// # Errors
    /// What is wrong with it, in a line for the one who types.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = split(text).map(|word| Word::parse(&word)).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), words })
    }

    /// The paths at and below a place, as it would be typed.
    #[must_use]
    pub fn under(path: &[u8]) -> Self {
        let typed = format!("/{}", String::from_utf8_lossy(path));
        let finder = Finder::new(&[b"/", path].concat()).into_owned();
        let term = Term::Text { finder: Box::new(finder), sensitive: true, whole: true };
        Self { text: typed, words: vec![Word { not: false, term }] }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets everything through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a path fits.
    #[must_use]
    pub fn fits(&self, seen: &Seen<'_>, spelling: &mut Spelling) -> bool {
        let entry = seen.cell.live.map(|live| seen.image.loaded.index.entry(live.entry));
        // A folder is as large as what it holds: who asks for sizes means files, unless he says otherwise.
        let may_be_folder = !self.has_size() || self.wants_folders();
        if !may_be_folder && entry.is_none_or(|entry| entry.kind == Kind::Dir) {
            return false;
        }
        self.words.iter().all(|word| word.term.fits(seen, entry, spelling) != word.not)
    }

    /// Whether a line of another list fits: its text, its bytes and the layers that it is about.
    #[must_use]
    pub fn fits_line(&self, line: &str, bytes: u64, layers: &[u32]) -> bool {
        fit_line(self.words.iter(), line, bytes, layers)
    }

    /// Whether a layer fits: by its line, its bytes, its number, and whether it touches the paths that are asked for.
    #[must_use]
    pub fn fits_layer(&self, line: &str, bytes: u64, layer: u32, touches: bool) -> bool {
        let others = self.words.iter().filter(|word| !word.term.is_of_paths());
        (touches || !self.has_paths()) && fit_line(others, line, bytes, &[layer])
    }

    /// Whether something in it is about whole paths.
    #[must_use]
    pub fn has_paths(&self) -> bool {
        self.words.iter().any(|word| word.term.is_of_paths())
    }

    /// Whether a path fits what is said about whole paths.
    #[must_use]
    pub fn fits_path(&self, index: &Index, path: PathId, spelling: &mut Spelling) -> bool {
        let path = spelling.path(index, path);
        let mut of_paths = self.words.iter().filter(|word| word.term.is_of_paths());
        of_paths.all(|word| word.term.finds(path) != word.not)
    }

    fn has_size(&self) -> bool {
        self.words.iter().any(|word| matches!(word.term, Term::Size { .. }))
    }

    fn wants_folders(&self) -> bool {
        self.words.iter().any(|word| !word.not && matches!(word.term, Term::Is(Trait::Folder)))
    }
}

fn fit_line<'q>(mut words: impl Iterator<Item = &'q Word>, line: &str, bytes: u64, layers: &[u32]) -> bool {
    words.all(|word| {
        let fits = match &word.term {
            Term::Text { .. } | Term::Glob { .. } | Term::Regex(_) => word.term.finds(&mut line.as_bytes().to_vec()),
            Term::Size { least, most } => (*least..=*most).contains(&bytes),
            Term::Layer(layer) => layers.contains(layer),
            Term::Is(_) | Term::Owner(_) | Term::Uid(_) | Term::Gid(_) => false,
        };
        fits != word.not
    })
}

/// Words at blanks; what stands between quotes is one word.
fn split(text: &str) -> impl Iterator<Item = String> {
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        characters.peek()?;
        let (mut word, mut quoted) = (String::new(), false);
        while let Some(character) = characters.next_if(|character| quoted || !character.is_whitespace()) {
            if character == '"' { quoted = !quoted } else { word.push(character) }
        }
        Some(word)
    })
}

impl Word {
    fn parse(word: &str) -> Result<Self, String> {
        let (not, rest) = match word.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, word),
        };
        Ok(Self { not, term: Term::parse(rest)? })
    }
}

impl Term {
    fn parse(word: &str) -> Result<Self, String> {
        if let Some(rest) = word.strip_prefix("size").filter(|rest| rest.starts_with(['<', '>', '='])) {
            return size(rest);
        }
        let number = |name: &str, value: &str| {
            value.parse().ok().ok_or_else(|| format!("{name}: wants a number, for example {name}:0"))
        };
        match word.split_once(':') {
            Some(("re", pattern)) => regex(pattern),
            Some(("glob", pattern)) => glob(pattern),
            Some(("layer", value)) => Ok(Self::Layer(number("layer", value)?)),
            Some(("owner" | "pkg", "none")) => Ok(Self::Owner(None)),
            Some(("owner" | "pkg", name)) if !name.is_empty() => Ok(Self::Owner(Some(name.to_ascii_lowercase()))),
            Some(("owner" | "pkg", _)) => Err("owner: wants a package, or none".into()),
            Some(("uid", value)) => Ok(Self::Uid(number("uid", value)?)),
            Some(("gid", value)) => Ok(Self::Gid(number("gid", value)?)),
            Some(("is", value)) => {
                let known = TRAITS.iter().find(|(name, _)| *name == value);
                known.map(|(_, known)| Self::Is(*known)).ok_or_else(|| format!("is: {}", traits(value)))
            }
            _ if word.contains(['*', '?', '[']) => glob(word),
            _ => Ok(text(word)),
        }
    }

    fn is_of_paths(&self) -> bool {
        matches!(self, Self::Text { whole: true, .. } | Self::Glob { whole: true, .. } | Self::Regex(_))
    }

    /// Whether it is found in a text, which may come back in small letters. What is no pattern finds nothing.
    fn finds(&self, text: &mut [u8]) -> bool {
        match self {
            Self::Text { finder, sensitive, .. } => {
                if !sensitive {
                    text.make_ascii_lowercase();
                }
                finder.find(text).is_some()
            }
            Self::Glob { glob, .. } => glob.is_match(as_path(text)),
            Self::Regex(regex) => regex.is_match(text),
            Self::Size { .. } | Self::Layer(_) | Self::Is(_) | Self::Owner(_) | Self::Uid(_) | Self::Gid(_) => false,
        }
    }

    fn fits(&self, seen: &Seen<'_>, entry: Option<Entry>, spelling: &mut Spelling) -> bool {
        let Seen { image, path, cell } = *seen;
        let (index, stack, packages) = (&image.loaded.index, &image.loaded.stack, &image.packages);
        let attrs = || entry.map(|entry| index.attrs(entry));
        let kind = entry.map(|entry| entry.kind);
        let is_program = matches!(kind, Some(Kind::File | Kind::Hardlink));
        match self {
            Self::Text { whole: false, .. } | Self::Glob { whole: false, .. } => self.finds(spelling.name(index, path)),
            Self::Text { .. } | Self::Glob { .. } | Self::Regex(_) => self.finds(spelling.path(index, path)),
            Self::Size { least, most } => (*least..=*most).contains(&cell.size),
            Self::Layer(layer) => index.entries_of(path).any(|id| {
                let entry = index.entry(id);
                !entry.is_implied() && stack.layers_of(entry.slot).contains(layer)
            }),
            Self::Owner(wanted) => {
                let owner = packages.owner(path).map(|id| packages.get(id));
                match wanted {
                    Some(name) => owner.is_some_and(|owner| owner.record.name.to_ascii_lowercase().contains(name)),
                    None => owner.is_none() && is_program && cell.state != State::Removed,
                }
            }
            Self::Uid(uid) => attrs().is_some_and(|attrs| attrs.uid == *uid),
            Self::Gid(gid) => attrs().is_some_and(|attrs| attrs.gid == *gid),
            Self::Is(wanted) => {
                let has = |bits: u16| attrs().is_some_and(|attrs| attrs.mode & bits != 0);
                match wanted {
                    Trait::Secret | Trait::Risky | Trait::Wasted => {
                        let category = match wanted {
                            Trait::Secret => Category::Secret,
                            Trait::Risky => Category::Risk,
                            _ => Category::Waste,
                        };
                        image.finding_at(path).is_some_and(|finding| finding.rule.category == category)
                    }
                    Trait::Added => cell.state == State::Added,
                    Trait::Changed => matches!(cell.state, State::Changed(_)),
                    Trait::Rewritten => matches!(cell.state, State::Rewritten(_)),
                    Trait::Removed => cell.state == State::Removed,
                    Trait::Unchanged => cell.state == State::Unchanged,
                    Trait::Hidden => cell.hidden > 0 && kind != Some(Kind::Dir),
                    Trait::Folder => kind.is_none_or(|kind| kind == Kind::Dir),
                    Trait::File => is_program,
                    Trait::Link => matches!(kind, Some(Kind::Symlink | Kind::Hardlink)),
                    Trait::Device => matches!(kind, Some(Kind::Char | Kind::Block | Kind::Fifo)),
                    Trait::Setuid => is_program && has(0o4000),
                    Trait::Setgid => is_program && has(0o2000),
                    Trait::Executable => is_program && has(0o111),
                    Trait::Writable => kind != Some(Kind::Symlink) && has(0o002),
                    Trait::Empty => cell.size == 0 && cell.count == 0 && matches!(kind, Some(Kind::File | Kind::Dir)),
                }
            }
        }
    }
}

impl Spelling {
    fn name(&mut self, index: &Index, path: PathId) -> &mut [u8] {
        self.name.clear();
        self.name.extend_from_slice(index.name(path));
        &mut self.name
    }

    /// The whole path with its leading slash.
    fn path(&mut self, index: &Index, path: PathId) -> &mut [u8] {
        // From the last byte to the first, for a path is known from its end.
        self.path.clear();
        for part in index.lineage(path) {
            self.path.extend(index.name(part).iter().rev());
            self.path.push(b'/');
        }
        self.path.reverse();
        &mut self.path
    }
}

#[cfg(unix)]
fn as_path(bytes: &[u8]) -> &std::path::Path {
    use std::os::unix::ffi::OsStrExt as _;
    std::path::Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// Whether large letters are meant as they are.
fn is_sensitive(word: &str) -> bool {
    word.chars().any(char::is_uppercase)
}

fn text(word: &str) -> Term {
    let sensitive = is_sensitive(word);
    let wanted = if sensitive { word.to_owned() } else { word.to_ascii_lowercase() };
    Term::Text { finder: Box::new(Finder::new(wanted.as_bytes()).into_owned()), sensitive, whole: word.contains('/') }
}

fn glob(pattern: &str) -> Result<Term, String> {
    if pattern.is_empty() {
        return Err("glob: wants a pattern, for example glob:*.so".into());
    }
    let whole = pattern.contains('/');
    // What begins in the middle of a path may stand anywhere in it.
    let anchored = if whole && !pattern.starts_with('/') { format!("**/{pattern}") } else { pattern.to_owned() };
    let built = GlobBuilder::new(&anchored).case_insensitive(!is_sensitive(pattern)).literal_separator(true).build();
    let glob = built.map_err(|error| format!("no pattern yet: {}", error.kind()))?.compile_matcher();
    Ok(Term::Glob { glob: Box::new(glob), whole })
}

fn regex(pattern: &str) -> Result<Term, String> {
    // `\S` and its like are no large letters that somebody means.
    let mut escaped = false;
    let sensitive = pattern.chars().any(|character| {
        let counts = !escaped && character.is_uppercase();
        escaped = !escaped && character == '\\';
        counts
    });
    let built = RegexBuilder::new(pattern)
        .case_insensitive(!sensitive)
        .size_limit(MOST_PATTERN)
        .dfa_size_limit(MOST_PATTERN)
        .build();
    built.map(Term::Regex).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        format!("no regular expression yet: {last}")
    })
}

/// `>10M`, `<=4k`, `=0`.
fn size(rest: &str) -> Result<Term, String> {
    let (sign, value) = rest.split_at(rest.len() - rest.trim_start_matches(['<', '>', '=']).len());
    let wrong = || "size wants a number of bytes, for example size>10M".to_owned();
    let bytes = humanize::parse(value).ok().ok_or_else(wrong)?;
    let (least, most) = match sign {
        ">" => (bytes.checked_add(1).ok_or_else(wrong)?, u64::MAX),
        ">=" => (bytes, u64::MAX),
        "<" => (0, bytes.checked_sub(1).ok_or_else(wrong)?),
        "<=" => (0, bytes),
        "=" => (bytes, bytes),
        _ => return Err(wrong()),
    };
    Ok(Term::Size { least, most })
}

/// The traits that begin with what was typed, or all.
fn traits(begun: &str) -> String {
    let names = || TRAITS.iter().map(|(name, _)| *name);
    let fitting: Vec<_> = names().filter(|name| name.starts_with(begun)).collect();
    if fitting.is_empty() { names().collect::<Vec<_>>().join(" ") } else { fitting.join(" ") }
}
