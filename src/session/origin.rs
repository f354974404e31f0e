//! The image's own source, opened once more: chosen blobs go by again, from an archive or a folder in place, from
//! anything else as the stream comes. Knows no entry of a layer.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::load::Options;
use super::progress::{Counting, Progress};
use super::spool::{Caught, Spool};
use super::store::Store;
use crate::error::{Error, Kind, Result};
use crate::layer::decode;
use crate::source::archive::{ArchiveFile, Passing, pass};
use crate::source::layout::Layout;
use crate::source::part::Part;
use crate::source::pump::Cancel;
use crate::source::reference::Reference;
use crate::source::storage::StoredLayer;
use crate::source::{demo, engine};

/// Where an image was read from.
#[derive(Debug, Clone)]
pub struct Origin {
    pub reference: Reference,
    pub options: Options,
    /// What went by again.
    pub(super) spool: Arc<Spool>,
}

/// A read that another thread watches and may end.
#[derive(Debug, Default)]
pub struct Job {
    /// How far it is.
    pub progress: Arc<Progress>,
    cancelled: AtomicBool,
    /// An engine's export, which may wait long without a byte.
    transfer: Mutex<Option<Cancel>>,
}

impl Job {
    /// Ends the read at its next byte.
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
        if let Some(transfer) = &*self.transfer.lock().unwrap_or_else(PoisonError::into_inner) {
            transfer.cancel();
        }
    }

    /// Whether somebody ended it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    /// The failure that a cancelled job has, whatever it ran into.
    pub(super) fn outcome<T>(&self, outcome: Result<T>) -> Result<T> {
        if outcome.is_err() && self.is_cancelled() {
            return Err(Error::new(Kind::Interrupted, "reading was cancelled"));
        }
        outcome
    }

    fn transfers(&self, transfer: Cancel) {
        *self.transfer.lock().unwrap_or_else(PoisonError::into_inner) = Some(transfer);
        // Cancelled while the engine was asked: then nobody has told the transfer.
        if self.is_cancelled() {
            self.cancel();
        }
    }
}

/// A blob that is there again.
pub(super) enum Blob<'b> {
    /// It goes by.
    Passing(&'b mut dyn Read),
    /// It lies in a file, with so many bytes.
    Placed(Watched<'b, Counting<Part>>, u64),
    /// It lies in an engine's store, as a list and a folder.
    Apart(&'b StoredLayer),
}

impl<'b> Blob<'b> {
    /// One that went by, was counted then, and lies in a file now.
    fn kept(part: &Part, job: &'b Job) -> Self {
        let counting = Counting::new(part.clone(), &job.progress).uncounted();
        Self::Placed(Watched { inner: counting, job }, part.length())
    }

    /// One that lies in a file.
    pub fn placed(part: &Part, job: &'b Job) -> Self {
        let length = part.length();
        Self::Placed(Watched { inner: Counting::new(part.clone(), &job.progress), job }, length)
    }
}

/// Ends with an error once its job is cancelled.
#[derive(Clone)]
pub(super) struct Watched<'j, R> {
    inner: R,
    job: &'j Job,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.job.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.inner.read(buffer)
    }
}

impl<R> Watched<'_, R> {
    pub fn inner(&self) -> &R {
        &self.inner
    }
}

impl<R: Seek> Seek for Watched<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Blobs that are looked for.
struct Sought<'s> {
    left: HashSet<&'s str>,
    /// Those that somebody may look for later, and the same.
    all: &'s HashSet<&'s str>,
}

impl Origin {
    /// Where an image was read from.
    pub fn new(reference: Reference, options: Options) -> Self {
        // Where there is no cache, nothing is to be found later, and a folder that is emptied by itself will do.
        let folder = options.cache.as_ref().map_or_else(std::env::temp_dir, |cache| cache.folder().to_owned());
        Self { reference, options, spool: Arc::new(Spool::new(folder)) }
    }

    /// Hands on the blobs of these names: those that went by once more already, and then, from the source that is opened
    /// again, all others in its order. If it goes by for that, those of `all` that come before are kept as well.
    pub fn blobs(
        &self,
        names: &HashSet<&str>,
        all: &HashSet<&str>,
        job: &Job,
        visit: &mut dyn FnMut(&str, Blob<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut left = names.clone();
        for name in names {
            if let Some(part) = self.spool.find(name) {
                job.progress.expect(part.length(), 0);
                visit(name, Blob::placed(&part, job))?;
                left.remove(name);
            }
        }
        if left.is_empty() { Ok(()) } else { self.open(Sought { left, all }, job, visit) }
    }

    fn open(&self, sought: Sought<'_>, job: &Job, visit: &mut dyn FnMut(&str, Blob<'_>) -> Result<()>) -> Result<()> {
        match &self.reference {
            Reference::Demo => self.through(demo::image(), sought, job, visit),
            Reference::Stdin => Err(Error::image("standard input cannot be read again")
                .hint("save the image to a file and open that, to look into its files")),
            Reference::Archive { path, .. } => self.archive(path, sought, job, visit),
            Reference::Layout { path, .. } => in_place(&Store::Layout(Layout::open(path)?), &sought.left, job, visit),
            Reference::Engine { engine, name } => {
                let opened = engine::open(*engine, name, self.options.wanted.platform.as_ref())?;
                job.progress.expect(opened.facts.size, 0);
                let export = opened.export.start()?;
                job.transfers(export.canceller());
                self.through(Counting::new(export, &job.progress), sought, job, visit)
            }
        }
    }

    fn archive(
        &self,
        path: &Path,
        sought: Sought<'_>,
        job: &Job,
        visit: &mut dyn FnMut(&str, Blob<'_>) -> Result<()>,
    ) -> Result<()> {
        let unreadable =
            |error: &io::Error| Error::image(format!("cannot read {} again", path.display())).caused_by(error);
        let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
        if !metadata.is_file() {
            // Looked at before it is opened: opening a pipe waits for its writer.
            return Err(Error::image(format!("{} is no file and cannot be read again", path.display())));
        }
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        let kind = decode::peek(&file).map_err(|error| unreadable(&error))?.kind;
        file.seek(SeekFrom::Start(0)).map_err(|error| unreadable(&error))?;
        if kind == decode::Kind::Tar {
            return in_place(&Store::Archive(ArchiveFile::open(file, path)?), &sought.left, job, visit);
        }
        job.progress.expect(metadata.len(), 0);
        let counted = Counting::new(file, &job.progress);
        let sniffed = decode::peek(counted).map_err(|error| unreadable(&error))?;
        let stream = sniffed.decode(&self.options.limits);
        let stream = stream.map_err(|error| Error::image("the archive cannot be unpacked").caused_by(&error))?;
        self.through(stream, sought, job, visit)
    }

    /// Lets the stream go by until every blob was there. They are kept for the next time.
    fn through(
        &self,
        stream: impl Read,
        Sought { mut left, all }: Sought<'_>,
        job: &Job,
        visit: &mut dyn FnMut(&str, Blob<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut enough = false;
        let broken = |error: io::Error| Error::image("the image cannot be read again").caused_by(&error);
        let passed = pass(Watched { inner: stream, job }, |name, passing| {
            if let Passing::File(bytes, size) = passing
                && all.contains(name)
            {
                let is_wanted = left.remove(name);
                if !is_wanted && self.spool.find(name).is_some() {
                    return Ok(());
                }
                match self.spool.catch(name, bytes, size).map_err(broken)? {
                    Caught::All(part) if is_wanted => visit(name, Blob::kept(&part, job))?,
                    Caught::Passing(mut bytes) if is_wanted => visit(name, Blob::Passing(&mut bytes))?,
                    Caught::All(_) | Caught::Passing(_) => {}
                }
                enough = left.is_empty();
            }
            // An error is the only way to end a pass before its time.
            if enough { Err(Error::image("no more was wanted")) } else { Ok(()) }
        });
        match left.iter().next() {
            _ if enough => Ok(()),
            Some(name) => passed.and_then(|()| Err(gone(name))),
            None => passed,
        }
    }
}

/// Opens each blob by its name.
fn in_place(
    store: &Store,
    names: &HashSet<&str>,
    job: &Job,
    visit: &mut dyn FnMut(&str, Blob<'_>) -> Result<()>,
) -> Result<()> {
    let mut members = Vec::with_capacity(names.len());
    for name in names {
        members.push((*name, store.member(name)?.ok_or_else(|| gone(name))?));
    }
    job.progress.expect(members.iter().map(|(_, member)| member.length()).sum(), 0);
    for (name, member) in members {
        visit(name, Blob::placed(&member, job))?;
    }
    Ok(())
}

fn gone(name: &str) -> Error {
    super::contents::changed().because(format!("its blob '{name}' is not there any more"))
}
