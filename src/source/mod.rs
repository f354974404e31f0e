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
mod outlook;
pub mod part;
pub mod pump;
pub mod reference;
pub mod scratch;
mod ssh;
pub mod storage;
mod trouble;
