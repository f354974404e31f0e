//! From what the user wants to see to the lines of the tree. A little is done at once; much is done beside the screen,
//! the newest wish first, so that no key waits for it.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::Explored;
use super::bits::Paths;
use super::projection::{Projection, View};
use super::rows::{Row, Rows, Wish};
use crate::index::{Index, PathId};

/// Paths that may be looked at while a key waits: a few milliseconds' worth.
const AT_ONCE: usize = 20_000;

/// What the tree is to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Which layers.
    pub view: View,
    /// In what order, and what of it.
    pub wish: Wish,
    /// The folders that are open.
    pub open: Paths,
    /// A folder below which all are to be opened.
    pub unfold: Option<PathId>,
}

/// What came of a plan.
#[derive(Clone)]
pub struct Arranged {
    /// The view.
    pub projection: Arc<Projection>,
    /// The lines of the tree.
    pub rows: Vec<Row>,
    /// The folders that are open now.
    pub open: Paths,
}

impl Plan {
    /// Does it, if it is little; `projection` is its view.
    #[must_use]
    pub fn at_once(&self, image: &Explored, projection: &Arc<Projection>) -> Option<Arranged> {
        self.arrange(&image.loaded.index, projection, AT_ONCE)
    }

    /// Does it, however long it takes. A view that is there already is not computed again.
    #[must_use]
    pub fn at_length(&self, image: &Explored, projection: Option<&Arc<Projection>>) -> Option<Arranged> {
        let (index, stack) = (&image.loaded.index, &image.loaded.stack);
        let compute = || Arc::new(Projection::new(index, stack, &image.account, self.view));
        self.arrange(index, &projection.map_or_else(compute, Arc::clone), usize::MAX)
    }

    fn arrange(&self, index: &Index, projection: &Arc<Projection>, most: usize) -> Option<Arranged> {
        let mut open = self.open.clone();
        let mut left = most;
        let mut folders: Vec<PathId> = self.unfold.into_iter().collect();
        while let Some(folder) = folders.pop() {
            let before = folders.len();
            folders.extend(index.children(folder));
            left = left.checked_sub(folders.len() - before)?;
            if folders.len() > before {
                open.insert(folder);
            }
        }
        let rows = Rows::within(left, index, projection, &self.wish, &open)?;
        Some(Arranged { projection: Arc::clone(projection), rows, open })
    }
}

/// What is asked of the thread beside the screen.
pub struct Order {
    /// Tells the newest order from those before it.
    pub generation: u64,
    /// The image as it was when it was asked.
    pub image: Arc<Explored>,
    /// What to do.
    pub plan: Plan,
    /// Its view, if that is there already.
    pub projection: Option<Arc<Projection>>,
}

/// The thread beside the screen. It ends with the sender of its orders.
#[must_use]
pub fn start(done: impl Fn(u64, Arranged) + Send + 'static) -> Sender<Order> {
    let (ask, asked): (_, Receiver<Order>) = unbounded();
    std::thread::spawn(move || {
        while let Ok(mut order) = asked.recv() {
            // Who asks again does not want what he asked before.
            while let Ok(newer) = asked.try_recv() {
                order = newer;
            }
            if let Some(arranged) = order.plan.at_length(&order.image, order.projection.as_ref()) {
                done(order.generation, arranged);
            }
        }
    });
    ask
}
