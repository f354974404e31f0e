//! What the tests share: images built in code, and the program as a child.

#![allow(dead_code)] // Each test file is a crate of its own and uses a part.

pub mod image;
pub mod program;
