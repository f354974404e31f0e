//! One test for each kind of archive that tools write. Each reads it in place, from standard input and compressed,
//! and holds the report to exact numbers.

#[path = "../common/mod.rs"]
mod common;

mod choice;
mod docker;
mod history;
mod oci;
mod packing;
