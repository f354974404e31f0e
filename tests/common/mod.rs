//! What the tests share: images built in code, and the program as a child.

#![allow(dead_code)] // Each test file is a crate of its own and uses a part.
#![allow(clippy::unwrap_used)] // What a test needs and does not get ends the test.

pub mod archives;
pub mod image;
pub mod program;
pub mod told;
