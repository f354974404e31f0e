//! What happens to the state, and what it wants done outside.

use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::session::Snapshot;
use crate::tui::Explored;
use crate::tui::arrange::{Arranged, Plan};
use crate::tui::palette;
use crate::tui::preview::{Report, Slot, Viewer, Work};
use crate::tui::projection::Projection;
use crate::tui::query::Query;

/// Something that happened.
#[derive(Clone)]
pub enum Msg {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// A text pasted.
    Paste(String),
    /// The time since the explorer was opened. It comes before what happened then.
    Clock(Duration),
    /// The window has another size, or must be drawn again.
    Redraw,
    /// How far reading is.
    Progress(Snapshot),
    /// The image is read, or a part of it.
    Loaded(Arc<Explored>),
    /// The lines of the tree are made. A number that is not the newest is dropped.
    Arranged(u64, Arranged),
    /// What reads the image again has something to say.
    Inside(Report),
    /// What the palette finds, and whether that is all. A number that is not the newest is dropped.
    Found(u64, Vec<palette::Hit>, bool),
    /// The layers that touch what a filter of the list of layers says.
    Touched(Query, Vec<bool>),
}

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Leave, and keep the last frame on the screen.
    Keep,
    /// Leave without a choice.
    Abandon,
    /// Stop until the shell continues us.
    Suspend,
    /// Make the lines of the tree, with the view that is there, or with one to be computed.
    Arrange(u64, Plan, Option<Arc<Projection>>),
    /// Free this beside the screen.
    Free(Old),
    /// Find what fits a text in the palette.
    Seek(u64, String),
    /// Find the layers that touch what a filter says.
    Touch(Query),
    /// Put a text on the clipboard.
    Copy(String),
    /// Read the image again.
    Begin(Work),
    /// End what reads it.
    Cancel(Slot),
    /// Show a file in another program, and take it away afterwards.
    Page(PathBuf, Viewer),
    /// Take away a file that was made for the pager.
    Forget(PathBuf),
}

/// Something large that is not needed any more. To free it takes longer than to draw a frame.
#[derive(Clone)]
pub struct Old(Arc<dyn Any + Send + Sync>);

impl Old {
    /// Holds it until somebody has the time.
    #[must_use]
    pub fn new(thing: impl Any + Send + Sync) -> Self {
        Self(Arc::new(thing))
    }
}

impl PartialEq for Old {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Old {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Old")
    }
}
