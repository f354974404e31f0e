//! Images that the demo is not: broken, empty, and with names that nobody should have.

#![allow(dead_code)] // The file is shared with the tests of the program, which use the rest.

use std::io::Write as _;
use std::sync::Arc;

use crate::session::{self, Loaded, Options, Progress};
use layerscope::source::reference::Reference;

#[path = "../../../tests/common/image.rs"]
mod build;

pub use build::{Layer, docker_archive as archive};

/// Reads layers as `docker save` would write them.
pub fn image(layers: &[Vec<u8>]) -> Loaded {
    read(&build::docker_archive(layers))
}

fn read(archive: &[u8]) -> Loaded {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(archive).unwrap();
    let reference = Reference::Archive { path: file.path().to_owned(), image: None };
    session::open(&reference, "test", &Options::default(), &Arc::new(Progress::default())).unwrap()
}

/// A layer with these files, of so many bytes each.
pub fn files(files: &[(&str, usize)]) -> Vec<u8> {
    files.iter().fold(Layer::new(), |layer, (name, size)| layer.filled(name, *size, b'x')).finish()
}
