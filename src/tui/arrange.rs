//! From what the user wants to see to the lines of the tree. A little is done at once; much is done beside the screen,
//! the newest wish first, so that no key waits for it.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::Explored;
use super::app::Old;
use super::bits::Paths;
use super::projection::{Projection, View};
use super::query::{Query, Spelling};
use super::rows::{Row, Rows, Wish};
use crate::index::PathId;
use crate::index::walk::{self, Change, walk};

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
        self.arrange(image, projection, AT_ONCE)
    }

    /// Does it, however long it takes. A view that is there already is not computed again.
    #[must_use]
    pub fn at_length(&self, image: &Explored, projection: Option<&Arc<Projection>>) -> Option<Arranged> {
        let (index, stack) = (&image.loaded.index, &image.loaded.stack);
        let compute = || Arc::new(Projection::new(index, stack, &image.account, self.view));
        self.arrange(image, &projection.map_or_else(compute, Arc::clone), usize::MAX)
    }

    fn arrange(&self, image: &Explored, projection: &Arc<Projection>, most: usize) -> Option<Arranged> {
        let index = &image.loaded.index;
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
        let rows = Rows::within(left, image, projection, &self.wish, &open)?;
        Some(Arranged { projection: Arc::clone(projection), rows, open })
    }
}

/// What is asked of the thread beside the screen, with the image as it was when it was asked.
pub enum Order {
    /// To make the lines of the tree.
    Tree {
        /// Tells the newest order from those before it.
        generation: u64,
        /// The image.
        image: Arc<Explored>,
        /// What to do.
        plan: Plan,
        /// Its view, if that is there already.
        projection: Option<Arc<Projection>>,
    },
    /// To free what is not needed any more.
    Free(Old),
    /// To find the layers that touch what a filter says.
    Touched(Arc<Explored>, Query),
}

/// What the thread beside the screen has to say.
pub enum Done {
    /// The lines of the tree.
    Tree(u64, Arranged),
    /// For each layer whether it touches what the filter says.
    Touched(Query, Vec<bool>),
}

/// The thread beside the screen. It ends with the sender of its orders.
#[must_use]
pub fn start(done: impl Fn(Done) + Send + 'static) -> Sender<Order> {
    let (ask, asked): (_, Receiver<Order>) = unbounded();
    std::thread::spawn(move || {
        while let Ok(first) = asked.recv() {
            // Who asks again does not want what he asked before.
            let (mut tree, mut touched) = (None, None);
            for order in std::iter::once(first).chain(asked.try_iter()) {
                match order {
                    Order::Tree { .. } => tree = Some(order),
                    Order::Free(old) => drop(old),
                    Order::Touched(image, query) => touched = Some((image, query)),
                }
            }
            if let Some((image, query)) = touched {
                let layers = touched_layers(&image, &query);
                done(Done::Touched(query, layers));
            }
            if let Some(Order::Tree { generation, image, plan, projection }) = tree
                && let Some(arranged) = plan.at_length(&image, projection.as_ref())
            {
                done(Done::Tree(generation, arranged));
            }
        }
    });
    ask
}

/// For each layer whether it does something at a path that fits what the filter says about paths.
#[must_use]
pub fn touched_layers(image: &Explored, query: &Query) -> Vec<bool> {
    let (index, stack) = (&image.loaded.index, &image.loaded.stack);
    let mut touched = vec![false; stack.slots().len()];
    let mut spelling = Spelling::default();
    walk(index, stack, walk::Order::Any, |story| {
        let does = |event: &walk::Event| !matches!(event.change, Change::Unchanged | Change::Dangling);
        let news = || story.events.iter().filter(|event| does(event)).map(|event| event.layer as usize);
        if news().any(|layer| !touched[layer]) && query.fits_path(index, story.path, &mut spelling) {
            for layer in news() {
                touched[layer] = true;
            }
        }
    });
    touched
}
