//! What a view of the image shows of every path: its state, its bytes with everything below, how much of it is hidden.
//! Computed beside the screen in one walk; the screen shows the one before until it is there.

use crate::analysis::efficiency::{Account, Fate};
use crate::index::walk::{Change, Event, Live, Order, Story, walk};
use crate::index::{Differs, Index, Kind, PathId, Sparse, Stack};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What one layer does, and nothing else.
    Layer(u32),
    /// The file system after a layer, with what the layers since `from` did marked.
    UpTo {
        /// First layer whose doing is marked.
        from: u32,
        /// Last layer that counts.
        to: u32,
    },
}

/// What a path is in a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Not there.
    #[default]
    Absent,
    /// There, and not touched.
    Unchanged,
    /// New.
    Added,
    /// Something else stood there.
    Changed(Differs),
    /// The same contents stood there.
    Rewritten(Differs),
    /// Gone; the bytes are still in the layer that brought them.
    Removed,
}

/// What is known of a path in a view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its state.
    pub state: State,
    /// What stands there, or what stood there if it is removed.
    pub live: Option<Live>,
    /// Apparent bytes, with everything below that is not removed.
    pub size: u64,
    /// Of these, bytes that the final image hides.
    pub hidden: u64,
    /// Things below.
    pub count: u32,
}

/// A view, computed. One layer has few of an image's paths, so those of others take no memory.
#[derive(Debug, PartialEq)]
pub struct Projection {
    cells: Sparse<Cell>,
}

impl Projection {
    /// Computes a view.
    #[must_use]
    pub fn new(index: &Index, stack: &Stack, account: &Account, view: View) -> Self {
        let mut cells = Sparse::default();
        walk(index, stack, Order::Any, |story| {
            let cell = Some(story).filter(|story| story.path != Index::ROOT);
            if let Some(cell) = cell.and_then(|story| cell_of(index, account, story, view)) {
                cells.set(story.path.place(), cell);
            }
        });
        // Children have their places after their folder, so backwards every folder is complete when its turn comes.
        for place in (1..u32::try_from(index.paths()).unwrap_or(u32::MAX)).rev() {
            let path = PathId::from_place(place);
            let own: Cell = cells.get(path.place());
            if own.state == State::Absent {
                continue;
            }
            let Some(above) = index.parent(path).map(PathId::place) else { continue };
            let mut folder = cells.get(above);
            if folder.state == State::Absent {
                folder.state = State::Unchanged;
            }
            folder.count += own.count + 1;
            if own.state != State::Removed || folder.state == State::Removed {
                folder.size += own.size;
                folder.hidden += own.hidden;
            }
            cells.set(above, folder);
        }
        Self { cells }
    }

    /// Whether the view shows the path.
    #[must_use]
    pub fn has(&self, path: PathId) -> bool {
        self.cell(path).state != State::Absent
    }

    /// What is known of a path; of one that came after the view was computed, nothing.
    #[must_use]
    pub fn cell(&self, path: PathId) -> Cell {
        self.cells.get(path.place())
    }
}

fn cell_of(index: &Index, account: &Account, story: &Story<'_>, view: View) -> Option<Cell> {
    let (from, to) = match view {
        View::Layer(layer) => (layer, layer),
        View::UpTo { from, to } => (from, to),
    };
    let before = live_after(story.events.iter().filter(|event| event.layer < from));
    let after = live_after(story.events.iter().filter(|event| event.layer <= to));
    // What came and went within the range is still shipped.
    let gone =
        || within(story, from, to).rev().find_map(|event| event.before.filter(|_| event.change == Change::Removed));
    let (before, after) = match (before, after) {
        (None, None) => (gone(), None),
        known => known,
    };
    let touched = within(story, from, to).rev().find(|event| is_news(event));
    let state = match (before, after, touched) {
        (_, _, None) if matches!(view, View::Layer(_)) => return None,
        (None, None, _) => return None,
        (None, Some(_), _) => State::Added,
        (Some(_), None, _) => State::Removed,
        (Some(_), Some(_), None) => State::Unchanged,
        (Some(_), Some(_), Some(event)) => match event.change {
            Change::Rewritten(differs) => State::Rewritten(differs),
            Change::Changed(differs) => State::Changed(differs),
            // Removed and added again within the range.
            Change::Added => State::Changed(Differs::CONTENT),
            Change::Removed | Change::Unchanged | Change::Dangling => State::Unchanged,
        },
    };
    let live = after.or(before)?;
    let entry = index.entry(live.entry);
    let size = if entry.kind == Kind::File { entry.size } else { 0 };
    let hidden = if account.fate(live.entry, live.layer) == Fate::Visible { 0 } else { size };
    Some(Cell { state, live: Some(live), size, hidden, count: 0 })
}

/// What the layers of a range do.
fn within<'s>(story: &'s Story<'_>, from: u32, to: u32) -> impl DoubleEndedIterator<Item = &'s Event> {
    story.events.iter().filter(move |event| (from..=to).contains(&event.layer))
}

fn is_news(event: &Event) -> bool {
    !matches!(event.change, Change::Unchanged | Change::Dangling)
}

/// What stands after some layers.
fn live_after<'e>(events: impl Iterator<Item = &'e Event>) -> Option<Live> {
    events.fold(None, |live, event| match event.change {
        Change::Removed => None,
        Change::Dangling => live,
        Change::Added | Change::Changed(_) | Change::Rewritten(_) | Change::Unchanged => {
            event.entry.map(|entry| Live { layer: event.layer, entry })
        }
    })
}
