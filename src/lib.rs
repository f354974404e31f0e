//! layerscope: what is in a container image, layer by layer, exactly.
//!
//! Bytes come from a [`source`], an [`image`] gives them meaning, a [`layer`] is read entry by entry, an [`index`]
//! remembers what is where, an [`analysis`] says what it means, a [`policy`] judges it, a [`report`] tells it, and the [`tui`] lets a
//! person explore it:
//!
//! ```text
//!  source ──► image ──► layer ──► index ──► analysis ──┬──► report ──► standard output, files
//!  (where)   (which)   (entries)  (what is where)      ├──► policy ──► exit code
//!                                                      └──► tui    ──► the person
//!             session joins them
//! ```
//!
//! Data flows one way; nothing upstream knows anything downstream. [`session`] joins source, image, layer and index;
//! [`cli`] is what was typed and [`settings`] what it means; [`run`] does it. [`error`], [`units`] and [`platform`] serve everybody.
//! `tests/architecture.rs` holds the rooms to these arrows.
//!
//! The same from a program:
//!
//! ```
//! use std::sync::Arc;
//! use layerscope::analysis::efficiency::account;
//! use layerscope::session::{self, Options, Progress};
//! use layerscope::source::reference::Reference;
//!
//! let image = session::open(&Reference::Demo, "demo", &Options::default(), &Arc::new(Progress::default()))?;
//! let bytes = account(&image.index, &image.stack).total;
//! assert_eq!(bytes.shipped, bytes.visible + bytes.hidden());
//! # Ok::<(), layerscope::error::Error>(())
//! ```

// Helpers that the program's tests share with ours name the crate as those do.
#[cfg(test)]
extern crate self as layerscope;

pub mod analysis;
pub mod cache;
pub mod cli;
pub mod error;
pub mod image;
pub mod index;
pub mod layer;
pub mod platform;
pub mod policy;
pub mod report;
pub mod run;
pub mod session;
pub mod settings;
pub mod source;
mod ticker;
pub mod tui;
pub mod units;
