//! Joins the rooms: bytes from a source, an image that gives them meaning, layers that go into the index.
//! Owns progress. Knows no screen and no format of a report.

mod access;
mod assemble;
mod blob;
mod candidates;
pub mod contents;
mod crew;
pub mod extract;
mod gather;
mod images;
mod kept;
mod load;
mod marks;
mod origin;
mod outline;
mod place;
mod progress;
mod reading;
mod recall;
mod rest;
mod search;
mod spool;
mod store;
mod stored;
mod stream;
mod whole;

pub use images::{EngineImage, engine_images};
pub use load::{Arrival, Loaded, LoadedLayer, Method, Options, open};
pub use origin::Job;
pub use progress::{Pause, Progress, Shown, Snapshot};
