//! Reads an image beside the screen and tells of it in the order in which it becomes known: parts of it, its numbers,
//! what is said of it, and at last what was searched for.

use std::result;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvError, Sender, bounded, select_biased};

use super::{Explored, News};
use crate::analysis::rules::Rules;
use crate::error::Result;
use crate::session::{Loaded, Progress};

/// Entries from which on numbers are shown before findings.
const MANY: usize = 50_000;

/// A search for secrets that takes no longer is waited for.
const SOON: Duration = Duration::from_millis(40);

/// Reads an image with `load`, and holds it against the rules. Returns where news may be put as well, and where they
/// come from.
pub(super) fn beside(
    progress: &Arc<Progress>,
    rules: Rules,
    load: impl FnOnce() -> Result<Loaded> + Send + 'static,
) -> (Sender<News>, Receiver<News>) {
    let (news, arriving) = bounded(16);
    let (watched, mut telling) = (progress.watch(), Telling { news: news.clone(), rules, is_counted: false });
    let (end, ended) = bounded(1);
    // When nobody listens any more the explorer was left; then this image is not wanted.
    thread::spawn(move || drop(end.send(load())));
    thread::spawn(move || {
        loop {
            let goes_on = select_biased! {
                recv(watched) -> loaded => match loaded {
                    Ok(loaded) if !loaded.is_unsearched() => telling.tell(Ok(Explored::growing(loaded))),
                    Ok(loaded) => match ended.recv_timeout(SOON) {
                        // The search was done before anybody could have looked.
                        Ok(whole) => telling.end(Ok(whole)),
                        Err(_) => telling.analysed(Ok(loaded)),
                    },
                    // Nothing more is shown before the whole.
                    Err(_) => telling.end(ended.recv()),
                },
                recv(ended) -> whole => telling.end(whole),
            };
            if !goes_on {
                return;
            }
        }
    });
    (news, arriving)
}

/// Who tells, and whether anybody listens.
struct Telling {
    news: Sender<News>,
    rules: Rules,
    /// Whether the numbers of all of it were told.
    is_counted: bool,
}

impl Telling {
    fn tell(&self, image: Result<Explored>) -> bool {
        self.news.send(News::Loaded(image.map(Box::new))).is_ok()
    }

    /// Tells the numbers of an image that is read, and then what is said of it.
    fn analysed(&mut self, loaded: Result<Loaded>) -> bool {
        let many = loaded.as_ref().ok().filter(|loaded| !self.is_counted && loaded.index.entries() > MANY);
        if let Some(loaded) = many {
            self.tell(Ok(Explored::counted(loaded.clone())));
        }
        self.is_counted = true;
        self.tell(loaded.map(|loaded| Explored::new(loaded, &self.rules)))
    }

    /// Tells the whole, if there is one: whoever reads may have ended without a word. Nothing follows.
    fn end(&mut self, whole: result::Result<Result<Loaded>, RecvError>) -> bool {
        if let Ok(whole) = whole {
            self.analysed(whole);
        }
        false
    }
}
