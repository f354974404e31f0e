//! Contents read back from every kind of source, and extractions. The library's own functions, for no report has bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // What the tests share may fail as tests do.

#[path = "../common/mod.rs"]
mod common;

mod extract;
mod middle;
mod pending;
mod read;

use std::path::Path;
use std::sync::Arc;

use layerscope::index::walk::Live;
use layerscope::session::contents::{Piece, preview};
use layerscope::session::{Job, Loaded, Options, Progress, open};
use layerscope::source::reference::Reference;

fn load(reference: &Reference) -> Loaded {
    open(reference, "test", &Options::default(), &Arc::new(Progress::default())).unwrap()
}

fn archive(path: &Path) -> Loaded {
    load(&Reference::Archive { path: path.to_owned(), image: None })
}

/// What a layer has at a path.
#[track_caller]
fn at(loaded: &Loaded, layer: u32, path: &str) -> Live {
    let index = &loaded.index;
    let id = index.find(path.as_bytes()).unwrap_or_else(|| panic!("no {path}"));
    let slot = loaded.stack.slots()[layer as usize].unwrap();
    let mut here = index.entries_of(id).filter(|id| {
        let entry = index.entry(*id);
        entry.slot == slot && entry.kind.is_object()
    });
    Live { layer, entry: here.next().unwrap_or_else(|| panic!("no {path} in layer {layer}")) }
}

fn piece(loaded: &Loaded, layer: u32, path: &str, most: usize) -> Result<Piece, String> {
    preview(loaded, at(loaded, layer, path), most, &Job::default()).map_err(|error| error.one_line())
}

#[track_caller]
fn bytes(loaded: &Loaded, layer: u32, path: &str) -> Vec<u8> {
    let piece = piece(loaded, layer, path, 1 << 20).unwrap();
    assert!(piece.is_whole());
    piece.bytes
}
