//! One test for each kind of archive that tools write. Each reads it in place, from standard input and compressed,
//! and holds the report to exact numbers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // What the tests share may fail as tests do.

#[path = "../common/mod.rs"]
mod common;

mod choice;
mod docker;
mod history;
mod oci;
mod packing;
