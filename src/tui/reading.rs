//! Reads an image beside the screen and tells of it in the order in which it becomes known: parts of it, its numbers,
//! what is said of it, and at last what was searched for.

use std::result;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, Sender, bounded, select_biased};

use super::app::App;
use super::{Explored, News};
use crate::analysis::rules::Rules;
use crate::error::Result;
use crate::session::{Loaded, Progress, Shown};

/// Entries from which on numbers are shown before findings, where both could be had at once.
const MANY: usize = 50_000;

/// A search for secrets that takes no longer is waited for.
const SOON: Duration = Duration::from_millis(40);

/// How often what is read so far is shown at most.
const OFTEN: Duration = Duration::from_millis(250);

/// Looking at it must not take the time of reading it: so many times as long as its numbers took, none are made.
const REST: u32 = 32;

/// When what is read so far is asked for.
pub(super) struct Growth {
    asked: Instant,
}

impl Growth {
    /// Reading begins.
    pub fn begin() -> Self {
        Self { asked: Instant::now() }
    }

    /// Asks for what is read so far, if it is time. What was asked for last is looked at before.
    pub fn go_on(&mut self, app: &App, progress: &Progress) {
        let rest = app.image.as_ref().map_or(Duration::ZERO, |image| image.took.saturating_mul(REST));
        if !app.is_arranging() && self.asked.elapsed() >= OFTEN.max(rest) {
            self.asked = Instant::now();
            progress.ask();
        }
    }
}

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
                    Ok(Shown::Part(loaded)) => telling.tell(Ok(Explored::growing(loaded))),
                    Ok(Shown::Whole(loaded, pause)) => {
                        let is_heard = telling.counted(&loaded);
                        drop(pause);
                        if loaded.index.is_settled() {
                            // What is searched is read once more, and nobody knows how long that takes.
                            match ended.recv_timeout(SOON) {
                                // The search was done before anybody could have looked.
                                Ok(whole) => telling.end(Ok(whole)),
                                Err(_) => telling.analysed(Ok(loaded)),
                            }
                        } else {
                            // Nothing is said of contents before they are compared.
                            is_heard
                        }
                    }
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

    /// Tells the numbers of an image that is read.
    fn counted(&mut self, loaded: &Loaded) -> bool {
        self.is_counted = true;
        self.tell(Ok(Explored::counted(loaded.clone())))
    }

    /// Tells what is said of an image that is read.
    fn analysed(&mut self, loaded: Result<Loaded>) -> bool {
        if let Ok(loaded) = &loaded
            && !self.is_counted
            && loaded.index.entries() > MANY
        {
            self.counted(loaded);
        }
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
