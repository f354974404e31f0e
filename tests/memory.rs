//! The index keeps to its budget of memory. Cheap and not timed; `cargo bench --bench memory` measures whole processes.

#![allow(clippy::unwrap_used)] // A test may panic.

#[path = "common/large.rs"]
mod large;

use std::path::Path;
use std::sync::Arc;

use large::{Packing, Shape, image};
use layerscope::session::{self, Options, Progress};
use layerscope::source::reference::Reference;

/// Bytes of the index for an entry, all in.
const BUDGET: usize = 100;

const ENTRIES: u32 = 100_000;

/// What the index of an image takes, and its entries.
fn measured(shape: Shape) -> (usize, usize) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = image(folder, shape, ENTRIES, Packing::Zstd);
    let reference = Reference::Archive { path: path.clone(), image: None };
    let options = Options::default();
    let loaded = session::open(&reference, "image", &options, &Arc::new(Progress::default())).unwrap();
    assert!(loaded.layers.iter().all(|layer| layer.failed.is_none()));
    (loaded.index.memory(), loaded.index.entries())
}

#[test]
fn an_entry_costs_at_most_a_hundred_bytes() {
    for shape in [Shape::Realistic, Shape::LongNames] {
        let (bytes, entries) = measured(shape);
        assert!(entries >= ENTRIES as usize, "{shape:?} has {entries} entries");
        assert!(bytes <= BUDGET * entries, "{shape:?}: {} bytes an entry", bytes / entries);
    }
}
