//! One layer's entries: decompression, tar with all its dialects, whiteout names.
//! Knows neither where the bytes come from nor what is done with the entries.

pub mod decode;
mod error;
mod header;
pub mod limits;
mod pax;
mod sparse;
pub mod tap;
mod tar;
pub mod whiteout;

pub use error::LayerError;
pub use limits::Limits;
pub use tar::{Entry, EntryKind, Summary, Xattr, read, read_tapped};
