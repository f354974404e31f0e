//! One layer's entries: decompression, tar with all its dialects, whiteout names.
//! Knows neither where the bytes come from nor what is done with the entries.

mod bits;
mod blocks;
pub mod decode;
mod error;
mod gunzip;
mod header;
pub mod limits;
pub mod packed;
mod pax;
pub mod points;
mod sequences;
mod sparse;
pub mod split;
mod stream;
pub mod tap;
mod tar;
mod unzstd;
pub mod whiteout;
mod within;

pub use blocks::{hash_file, hash_in_place};
pub use error::LayerError;
pub use limits::Limits;
pub use tar::{Content, Entry, EntryKind, Summary, Unread, Xattr, read, read_in_place, read_tapped};
