//! Looking inside: the preview over the tree, the question where to extract to, and what is going on meanwhile.
//! State and its changes only; reading happens beside the screen.

use std::path::PathBuf;

use crossterm::event::KeyEvent;

use super::app::{App, Effect};
use super::difference::Difference;
use super::line::{Typed, edit};
use super::list::Cursor;
use super::magic;
use super::pane::files::mode;
use super::projection::State;
use crate::index::walk::Live;
use crate::index::{Kind, PathId};
use crate::session::Snapshot;
use crate::session::contents::{Piece, behind};
use crate::session::extract::{Extracted, Item};
use crate::units::{bytes, counted, printable};

/// What runs in one place: a newer one ends the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// What is read to be shown.
    Read,
    /// What is written.
    Extract,
}

/// A program of the user's that shows a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// `$PAGER`.
    Pager,
    /// `$VISUAL` or `$EDITOR`, on a copy.
    Editor,
}

/// Something that reads the image again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Read the beginning of a file.
    Read(u64, Live),
    /// Write a file for another program.
    Page(u64, Live, Viewer),
    /// Read two versions of a file, the older one first.
    Compare(u64, Live, Live),
    /// Write files to a place.
    Extract(u64, Vec<Item>, PathBuf),
}

impl Work {
    /// Where it runs.
    #[must_use]
    pub fn slot(&self) -> Slot {
        match self {
            Self::Read(..) | Self::Page(..) | Self::Compare(..) => Slot::Read,
            Self::Extract(..) => Slot::Extract,
        }
    }
}

/// What a work has to say.
#[derive(Debug, Clone)]
pub enum Report {
    /// How far they are, by slot.
    Progress([Snapshot; 2]),
    /// A file was read.
    Read(u64, Result<Piece, String>),
    /// A file is there for another program.
    Paged(u64, Viewer, Result<PathBuf, String>),
    /// Two versions were compared.
    Compared(u64, Result<Difference, String>),
    /// An extraction ended.
    Extracted(u64, PathBuf, Result<Extracted, String>),
}

/// What the preview shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing yet.
    Reading,
    /// Why there is nothing.
    Failed(String),
    /// What stands there instead of contents.
    Words(String),
    /// Contents, with the places at which lines begin.
    Contents(Piece, Vec<usize>),
}

/// A file that is looked into.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Its path.
    pub path: PathId,
    /// Which version of it.
    pub live: Live,
    /// What is known of it before it is read: layer, size, mode.
    pub facts: String,
    /// What it is, once it is read.
    pub what: String,
    /// What is shown.
    pub body: Body,
    /// Bytes rather than text.
    pub hex: bool,
    /// What changed since the version before, when that is shown.
    pub difference: Option<Difference>,
    /// The line at the top is `at`.
    pub cursor: Cursor,
}

/// The question where to extract to.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The answer so far.
    pub text: String,
    items: Vec<Item>,
}

/// All state of looking inside.
#[derive(Debug, Default)]
pub struct Inside {
    /// The open preview.
    pub preview: Option<Preview>,
    /// The question that is asked.
    pub prompt: Option<Prompt>,
    /// Whether a file is read for the pager.
    pub paging: bool,
    /// The place that is extracted to.
    pub extracting: Option<PathBuf>,
    /// How far the jobs are, by slot.
    pub now: [Snapshot; 2],
    generation: u64,
    /// The newest job of each slot.
    newest: [u64; 2],
}

impl Inside {
    /// A number for the next job.
    pub(super) fn next(&mut self, slot: Slot) -> u64 {
        self.generation += 1;
        self.newest[slot as usize] = self.generation;
        self.now[slot as usize] = Snapshot::default();
        self.generation
    }

    /// Closes what is open and asked. What is extracted goes on.
    pub(super) fn leave(&mut self) {
        (self.preview, self.prompt, self.paging) = (None, None, false);
        self.forget(Slot::Read);
    }

    fn forget(&mut self, slot: Slot) {
        self.newest[slot as usize] = 0;
    }

    fn is_newest(&self, slot: Slot, generation: u64) -> bool {
        self.newest[slot as usize] == generation
    }

    /// What goes on beside the screen, in words.
    #[must_use]
    pub fn busy(&self) -> Option<String> {
        let far = |slot: Slot| {
            let Snapshot { bytes: read, expected, .. } = self.now[slot as usize];
            let of = if expected > 0 { format!(" of {}", bytes(expected)) } else { String::new() };
            format!("{}{of}   esc cancels", bytes(read))
        };
        if self.paging {
            return Some(format!("reading the file … {}", far(Slot::Read)));
        }
        let to = self.extracting.as_ref()?;
        Some(format!("extracting to {} … {}", shown(to), far(Slot::Extract)))
    }
}

/// Reading contents would read the source a second time, beside the first.
const TOO_EARLY: &str = "contents can be looked into when the image is read to its end";

impl App {
    /// The version of a file that a key means: the one in the preview, or the one under the cursor.
    fn chosen(&self) -> Option<(PathId, Option<Live>)> {
        if let Some(preview) = &self.inside.preview {
            return Some((preview.path, Some(preview.live)));
        }
        let path = self.path()?;
        Some((path, self.projection.as_ref().and_then(|projection| projection.cell(path).live)))
    }

    /// What stands at the chosen path, hard links followed; or why it has no contents.
    fn with_contents(&self) -> Result<(PathId, Live, Kind), String> {
        let (Some(image), Some((path, live))) = (&self.image, self.chosen()) else { return Err("nothing here".into()) };
        if !image.is_whole {
            return Err(TOO_EARLY.into());
        }
        let live = live.ok_or("a folder has no contents of its own")?;
        let behind = behind(&image.loaded, live).map_err(|error| error.one_line())?;
        match image.loaded.index.entry(behind.entry).kind {
            kind @ (Kind::File | Kind::Symlink) => Ok((path, live, kind)),
            Kind::Dir => {
                let below = self.projection.as_ref().map_or(0, |projection| projection.cell(path).count);
                Err(if below > 0 {
                    "nothing in the folder fits the filter: esc clears it"
                } else {
                    "the folder is empty"
                }
                .into())
            }
            Kind::Fifo => Err("a pipe has no contents".into()),
            _ => Err("a device has no contents".into()),
        }
    }

    /// Opens the preview.
    pub(super) fn look_inside(&mut self) -> Vec<Effect> {
        let (path, live, kind) = match self.with_contents() {
            Ok(found) => found,
            Err(why) => {
                self.notice = Some(why);
                return Vec::new();
            }
        };
        let Some(image) = &self.image else { return Vec::new() };
        let index = &image.loaded.index;
        let source = behind(&image.loaded, live).unwrap_or(live);
        let entry = index.entry(source.entry);
        let linked = if source == live {
            String::new()
        } else {
            format!(" · hard link to /{}", printable(&index.path(entry.path)))
        };
        let facts = format!(
            "layer {} · {} · {}{linked}",
            live.layer,
            bytes(entry.size),
            mode(entry.kind, index.attrs(entry).mode)
        );
        let body = match index.symlink_target(entry) {
            Some(target) => Body::Words(format!("a symbolic link to {}", printable(target))),
            None => Body::Reading,
        };
        let what = if kind == Kind::Symlink { "symbolic link".into() } else { String::new() };
        self.inside.preview =
            Some(Preview { path, live, facts, what, body, hex: false, difference: None, cursor: Cursor::default() });
        self.inside.paging = false;
        if kind == Kind::Symlink {
            return Vec::new();
        }
        vec![Effect::Begin(Work::Read(self.inside.next(Slot::Read), live))]
    }

    /// Reads the chosen file for another program.
    pub(super) fn page_inside(&mut self, viewer: Viewer) -> Vec<Effect> {
        match self.with_contents() {
            Ok((_, live, Kind::File)) => {
                // The preview's own read gives way, for there is one place to read in.
                self.inside.preview.take_if(|preview| preview.body == Body::Reading);
                self.inside.paging = true;
                vec![Effect::Begin(Work::Page(self.inside.next(Slot::Read), live, viewer))]
            }
            Ok(_) => {
                self.notice = Some("a symbolic link has no contents".into());
                Vec::new()
            }
            Err(why) => {
                self.notice = Some(why);
                Vec::new()
            }
        }
    }

    /// Asks where the chosen file or folder is to be written.
    pub(super) fn ask_where_to_extract(&mut self) {
        if let Some(to) = &self.inside.extracting {
            self.notice = Some(format!("still extracting to {}: esc cancels that", shown(to)));
            return;
        }
        let (Some(image), Some((path, _))) = (&self.image, self.chosen()) else { return };
        if !image.is_whole {
            self.notice = Some(TOO_EARLY.into());
            return;
        }
        let items = self.items();
        let index = &image.loaded.index;
        let is_folder = |item: &Item| item.live.is_none_or(|live| index.entry(live.entry).kind == Kind::Dir);
        let below = self.projection.as_ref().map_or(0, |projection| projection.cell(path).count);
        if below > 0 && items.iter().all(is_folder) {
            self.notice = Some("no file stands below here in this view; a removed one is extracted by itself".into());
            return;
        }
        let text = format!("./{}", printable(index.name(path)));
        self.inside.prompt = Some(Prompt { text, items });
    }

    /// The chosen thing with everything that stands below it in this view; folders before what they hold.
    fn items(&self) -> Vec<Item> {
        let (Some(image), Some((top, live)), Some(projection)) = (&self.image, self.chosen(), &self.projection) else {
            return Vec::new();
        };
        let index = &image.loaded.index;
        if self.inside.preview.is_some() {
            return vec![Item { parts: Vec::new(), live }];
        }
        // Of something removed, what was removed with it is wanted.
        let with_removed = projection.cell(top).state == State::Removed;
        let mut items = Vec::new();
        let mut waiting = vec![(top, Vec::new())];
        while let Some((path, parts)) = waiting.pop() {
            let cell = projection.cell(path);
            if cell.state == State::Absent || (cell.state == State::Removed && !with_removed) {
                continue;
            }
            let is_folder = cell.live.is_none_or(|live| index.entry(live.entry).kind == Kind::Dir);
            if is_folder {
                waiting.extend(index.children(path).map(|child| {
                    let mut below: Vec<Vec<u8>> = parts.clone();
                    below.push(index.name(child).to_vec());
                    (child, below)
                }));
            }
            items.push(Item { parts, live: cell.live });
        }
        items
    }

    /// A key while the place is typed.
    pub(super) fn type_place(&mut self, event: KeyEvent) -> Vec<Effect> {
        let Some(prompt) = &mut self.inside.prompt else { return Vec::new() };
        match edit(&mut prompt.text, event) {
            Typed::Quit => return vec![Effect::Abandon],
            Typed::Leave => self.inside.prompt = None,
            Typed::Enter if !prompt.text.is_empty() => {
                let Some(Prompt { text, items }) = self.inside.prompt.take() else { return Vec::new() };
                let to = PathBuf::from(text);
                self.inside.extracting = Some(to.clone());
                return vec![Effect::Begin(Work::Extract(self.inside.next(Slot::Extract), items, to))];
            }
            Typed::Enter | Typed::Changed | Typed::Step(_) | Typed::Nothing => {}
        }
        Vec::new()
    }

    /// Takes what a job has to say.
    pub(super) fn report(&mut self, report: Report) -> Vec<Effect> {
        match report {
            Report::Progress(now) => self.inside.now = now,
            Report::Read(generation, outcome) if self.inside.is_newest(Slot::Read, generation) => {
                if let Some(preview) = &mut self.inside.preview {
                    preview.show(outcome);
                }
            }
            Report::Compared(generation, outcome) if self.inside.is_newest(Slot::Read, generation) => {
                let shown = self.inside.preview.as_mut().and_then(|preview| preview.difference.as_mut());
                if let Some(shown) = shown {
                    *shown = outcome.unwrap_or_else(|why| Difference::Failed(printable(why.as_bytes()).into_owned()));
                }
            }
            Report::Paged(generation, viewer, outcome) => {
                let wanted = self.inside.is_newest(Slot::Read, generation) && self.inside.paging;
                self.inside.paging &= !wanted;
                match outcome {
                    Ok(path) if wanted => return vec![Effect::Page(path, viewer)],
                    Ok(path) => return vec![Effect::Forget(path)],
                    Err(why) if wanted => self.complain(printable(why.as_bytes()).into_owned()),
                    Err(_) => {}
                }
            }
            Report::Extracted(generation, to, outcome) if self.inside.is_newest(Slot::Extract, generation) => {
                self.inside.extracting = None;
                match outcome {
                    Ok(done) => self.notice = Some(extracted(&done, &to)),
                    Err(why) => self.complain(format!("nothing extracted: {}", printable(why.as_bytes()))),
                }
            }
            Report::Read(..) | Report::Extracted(..) | Report::Compared(..) => {}
        }
        Vec::new()
    }

    /// One step back here: the preview closes, or a job ends. `None` when there is nothing to go back from.
    pub(super) fn back_inside(&mut self) -> Option<Vec<Effect>> {
        if self.inside.paging {
            self.inside.paging = false;
            self.inside.forget(Slot::Read);
            return Some(vec![Effect::Cancel(Slot::Read)]);
        }
        if self.inside.preview.take().is_some() {
            self.inside.forget(Slot::Read);
            return Some(vec![Effect::Cancel(Slot::Read)]);
        }
        // What it began is taken away and told by its own report.
        self.inside.extracting.as_ref().map(|_| vec![Effect::Cancel(Slot::Extract)])
    }

    /// Text or bytes.
    pub(super) fn toggle_hex(&mut self) {
        if let Some(preview) = &mut self.inside.preview {
            preview.difference = None;
            preview.hex = !preview.hex;
            preview.cursor = Cursor::default();
        }
    }
}

impl Preview {
    fn show(&mut self, outcome: Result<Piece, String>) {
        match outcome {
            Ok(piece) => {
                self.what = magic::words(&piece);
                self.hex = !magic::is_text(&piece.bytes);
                let mut lines = vec![0];
                lines.extend(memchr::memchr_iter(b'\n', &piece.bytes).map(|end| end + 1));
                // What ends with a line break has no further line.
                if lines.len() > 1 && lines.last() == Some(&piece.bytes.len()) {
                    lines.pop();
                }
                self.body = Body::Contents(piece, lines);
            }
            Err(why) => self.body = Body::Failed(printable(why.as_bytes()).into_owned()),
        }
    }
}

fn shown(path: &std::path::Path) -> String {
    printable(path.as_os_str().as_encoded_bytes()).into_owned()
}

/// What came of an extraction, in a line.
fn extracted(done: &Extracted, to: &std::path::Path) -> String {
    let mut parts = vec![format!("extracted {}, {}", counted(done.files, "file", "files"), bytes(done.bytes))];
    if done.symlinks > 0 {
        parts.push(format!(", {}", counted(done.symlinks, "symbolic link", "symbolic links")));
    }
    parts.push(format!(" to {}", shown(to)));
    if done.skipped > 0 {
        parts.push(format!("; {} left out", counted(done.skipped, "device or pipe", "devices or pipes")));
    }
    if done.set_ids > 0 {
        parts.push(format!("; set-id bits of {} not kept", counted(done.set_ids, "file", "files")));
    }
    parts.concat()
}
