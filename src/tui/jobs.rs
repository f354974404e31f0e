//! What reads the image again beside the screen: previews, what a pager is given, extractions. The newest of a kind wins.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::Sender;

use super::difference::difference;
use super::preview::{Report, Slot, Work};
use super::{Explored, News};
use crate::error::{Error, Result};
use crate::index::walk::Live;
use crate::session::Job;
use crate::session::contents::preview;
use crate::session::extract::{Item, extract};

/// The most that a preview shows of a file, in bytes.
pub const MOST_SHOWN: usize = 256 * 1024;

/// The jobs that run.
pub struct Jobs {
    news: Sender<News>,
    running: [Option<(Arc<Job>, JoinHandle<()>)>; 2],
}

impl Jobs {
    /// None yet.
    #[must_use]
    pub fn new(news: &Sender<News>) -> Self {
        Self { news: news.clone(), running: [None, None] }
    }

    /// Begins a work; what ran in its place is cancelled.
    pub fn begin(&mut self, image: &Arc<Explored>, work: Work) {
        let slot = work.slot();
        self.cancel(slot);
        let (job, image, news) = (Arc::new(Job::default()), Arc::clone(image), self.news.clone());
        let running = Arc::clone(&job);
        let thread = thread::spawn(move || {
            // Nobody listens once the explorer is left.
            let _ = news.send(News::Inside(run(&image, work, &running)));
        });
        self.running[slot as usize] = Some((job, thread));
    }

    /// Ends what runs in a place.
    pub fn cancel(&mut self, slot: Slot) {
        if let Some((job, _)) = &self.running[slot as usize] {
            job.cancel();
        }
    }

    /// How far each job is; `None` when none runs.
    #[must_use]
    pub fn progress(&self) -> Option<Report> {
        let now = |slot: Slot| {
            let (job, thread) = self.running[slot as usize].as_ref()?;
            (!thread.is_finished()).then(|| job.progress.snapshot())
        };
        let (read, extract) = (now(Slot::Read), now(Slot::Extract));
        (read.is_some() || extract.is_some())
            .then(|| Report::Progress([read.unwrap_or_default(), extract.unwrap_or_default()]))
    }
}

impl Drop for Jobs {
    /// An extraction that is cut off takes away what it began before the program ends.
    fn drop(&mut self) {
        for (job, _) in self.running.iter().flatten() {
            job.cancel();
        }
        let [_, extracting] = &mut self.running;
        if let Some((_, thread)) = extracting.take() {
            // It cannot fail in a way that anybody still wants to hear of.
            let _ = thread.join();
        }
    }
}

fn run(image: &Explored, work: Work, job: &Job) -> Report {
    let told = |error: Error| error.one_line();
    match work {
        Work::Read(generation, live) => {
            Report::Read(generation, preview(&image.loaded, live, MOST_SHOWN, job).map_err(told))
        }
        Work::Page(generation, live, viewer) => {
            Report::Paged(generation, viewer, page(image, live, generation, job).map_err(told))
        }
        Work::Compare(generation, before, after) => {
            let read = |live| preview(&image.loaded, live, MOST_SHOWN, job).map_err(told);
            let both = read(before).and_then(|old| Ok((old, read(after)?)));
            let compared = both.map(|(old, new)| difference((before.layer, &old), (after.layer, &new)));
            Report::Compared(generation, compared)
        }
        Work::Extract(generation, items, to) => {
            let outcome = extract(&image.loaded, &items, &to, job).map_err(told);
            Report::Extracted(generation, to, outcome)
        }
    }
}

/// Writes the file into a folder that nobody else may enter, under its own name.
fn page(image: &Explored, live: Live, generation: u64, job: &Job) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("layerscope-{}-{generation}", std::process::id()));
    let made = DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|error| Error::output(&folder.display().to_string(), &error))?;
    let index = &image.loaded.index;
    let path = folder.join(std::ffi::OsStr::from_bytes(index.name(index.entry(live.entry).path)));
    let item = Item { parts: Vec::new(), live: Some(live) };
    let written = extract(&image.loaded, &[item], &path, job).and_then(|_| {
        fs::set_permissions(&path, Permissions::from_mode(0o600))
            .map_err(|error| Error::output(&path.display().to_string(), &error))
    });
    if let Err(error) = written {
        forget(&path);
        return Err(error);
    }
    Ok(path)
}

/// Takes away what a pager was given.
pub fn forget(path: &Path) {
    // What stays in the temporary folder harms nobody; there is nobody to tell.
    let _ = path.parent().map(fs::remove_dir_all);
}
