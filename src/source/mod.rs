//! Where bytes come from: engines, files, folders, standard input. Knows no layer entry and no tree.

pub mod archive;
mod client;
mod context;
pub mod demo;
pub mod engine;
mod export;
#[cfg(test)]
mod fake;
mod host;
pub mod layout;
pub mod pump;
pub mod reference;
mod ssh;
mod trouble;

use std::io::Read;

/// A named piece of an image: a blob or a document.
pub struct Member {
    /// Its size in bytes.
    pub size: u64,
    /// Its bytes, from the first.
    pub bytes: Box<dyn Read + Send>,
}
