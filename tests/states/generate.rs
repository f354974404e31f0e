//! Random layers over few names, so that everything happens to everything.

use proptest::prelude::*;
use tar::EntryType;

use super::common::image::{BUILT, Layer};

/// One entry of a layer.
#[derive(Debug, Clone)]
pub enum Op {
    Dir { path: String, mode: u32, owner: u64 },
    File { path: String, contents: u8, size: usize, mode: u32, owner: u64, time: u64 },
    Symlink { path: String, target: String },
    Hardlink { path: String, target: String },
    Fifo { path: String },
    Device { path: String, minor: u32 },
    Whiteout { path: String },
    Opaque { path: String },
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("c"), Just("-x"), Just(".y")]
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(name(), 1..=3).prop_map(|parts| parts.join("/"))
}

fn op() -> impl Strategy<Value = Op> {
    let mode = prop_oneof![3 => Just(0o644_u32), 1 => Just(0o4755), 1 => Just(0o600)];
    let owner = prop_oneof![3 => Just(0_u64), 1 => Just(1000)];
    let time = prop_oneof![3 => Just(BUILT), 1 => Just(BUILT + 5)];
    prop_oneof![
        3 => (path(), mode.clone(), owner.clone()).prop_map(|(path, mode, owner)| Op::Dir { path, mode, owner }),
        6 => (path(), 0..3_u8, prop_oneof![Just(0_usize), Just(100), Just(1000)], mode, owner, time)
            .prop_map(|(path, contents, size, mode, owner, time)| Op::File { path, contents, size, mode, owner, time }),
        1 => (path(), path()).prop_map(|(path, target)| Op::Symlink { path, target }),
        2 => (path(), path()).prop_map(|(path, target)| Op::Hardlink { path, target }),
        1 => path().prop_map(|path| Op::Fifo { path }),
        1 => (path(), 0..2_u32).prop_map(|(path, minor)| Op::Device { path, minor }),
        2 => path().prop_map(|path| Op::Whiteout { path }),
        1 => prop_oneof![4 => path(), 1 => Just(String::new())].prop_map(|path| Op::Opaque { path }),
    ]
}

/// An image: layers, and which of them stand where. A layer may stand twice.
pub fn image() -> impl Strategy<Value = Vec<Vec<Op>>> {
    let layers = prop::collection::vec(prop::collection::vec(op(), 0..10), 1..5);
    (layers, prop::option::weighted(0.2, any::<prop::sample::Index>())).prop_map(|(mut layers, repeat)| {
        if let Some(repeat) = repeat {
            let again = repeat.get(&layers).clone();
            layers.push(again);
        }
        layers
    })
}

/// The tar of a layer.
pub fn tar(ops: &[Op]) -> Vec<u8> {
    let plain = |layer: Layer| layer.mode(0o644).owner(0).time(BUILT);
    ops.iter()
        .fold(Layer::new(), |layer, op| match op {
            Op::Dir { path, mode, owner } => plain(layer).mode(*mode | 0o111).owner(*owner).dir(format!("{path}/")),
            Op::File { path, contents, size, mode, owner, time } => {
                plain(layer).mode(*mode).owner(*owner).time(*time).filled(path, *size, *contents)
            }
            Op::Symlink { path, target } => plain(layer).symlink(path, target),
            Op::Hardlink { path, target } => plain(layer).hardlink(path, target),
            Op::Fifo { path } => plain(layer).special(EntryType::Fifo, path, 0, 0),
            Op::Device { path, minor } => plain(layer).special(EntryType::Char, path, 1, *minor),
            Op::Whiteout { path } => plain(layer).whiteout(path),
            Op::Opaque { path } => plain(layer).opaque(path),
        })
        .finish()
}
