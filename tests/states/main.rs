//! Every path at every layer, and every byte, against a naive unpack of random images.
//! `PROPTEST_CASES=10000 cargo test --test states` runs more of them.

#![allow(clippy::unwrap_used)] // What a test needs and does not get ends the test.

#[path = "../common/mod.rs"]
mod common;
mod dive;
mod generate;
mod naive;

use std::collections::{BTreeMap, BTreeSet};

use layerscope::analysis::efficiency::{Account, account};
use layerscope::index::walk::{Change, Order, walk};
use layerscope::index::{Builder, Index, SlotId, Stack};
use layerscope::layer::{self, Limits};
use proptest::prelude::*;

use generate::Op;
use naive::Unpacked;

/// Reads layers as the product does. A layer that stands twice is one slot.
fn read(layers: &[Vec<Op>]) -> (Index, Stack) {
    let mut builder = Builder::new(Limits::default());
    let mut known: Vec<(Vec<u8>, SlotId)> = Vec::new();
    let mut slots = Vec::new();
    for ops in layers {
        let tar = generate::tar(ops);
        let slot = known.iter().find(|(bytes, _)| *bytes == tar).map_or_else(
            || {
                builder.begin().unwrap();
                layer::read(&tar[..], &Limits::default(), |entry| builder.add(entry)).unwrap();
                builder.end()
            },
            |(_, slot)| *slot,
        );
        known.push((tar, slot));
        slots.push(Some(slot));
    }
    (builder.finish(), Stack::new(slots))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What the index says each layer does.
fn changes(index: &Index, stack: &Stack) -> Vec<BTreeMap<String, naive::Change>> {
    let mut changes = vec![BTreeMap::new(); stack.len()];
    walk(index, stack, Order::Sorted, |story| {
        for event in story.events.iter().filter(|_| story.path != Index::ROOT) {
            let words = |differs: layerscope::index::Differs| differs.words().collect::<BTreeSet<_>>();
            let change = match event.change {
                Change::Added => naive::Change::Added,
                Change::Changed(differs) => naive::Change::Changed(words(differs)),
                Change::Rewritten(differs) => naive::Change::Rewritten(words(differs)),
                Change::Removed => naive::Change::Removed,
                Change::Unchanged => naive::Change::Unchanged,
                Change::Dangling => continue,
            };
            changes[event.layer as usize].insert(text(&index.path(story.path)), change);
        }
    });
    changes
}

/// Which paths the index says stand after each layer, asked path by path.
fn standing(index: &Index, stack: &Stack) -> Vec<BTreeSet<String>> {
    let mut paths = Vec::new();
    walk(index, stack, Order::Any, |story| paths.push(story.path));
    (0..u32::try_from(stack.len()).unwrap())
        .map(|layer| {
            let stands =
                paths.iter().filter(|path| **path != Index::ROOT && stack.object_at(index, **path, layer).is_some());
            stands.map(|path| text(&index.path(*path))).collect()
        })
        .collect()
}

fn bytes(account: &Account) -> Vec<naive::Bytes> {
    let own = |layer: &layerscope::analysis::efficiency::LayerAccount| naive::Bytes {
        shipped: layer.bytes.shipped,
        visible: layer.bytes.visible,
        deleted: layer.bytes.deleted,
        replaced: layer.bytes.replaced,
        rewritten: layer.bytes.rewritten,
    };
    account.layers.iter().map(own).collect()
}

/// Enough for every run of the tests; the environment asks for more.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(1000), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_state_and_every_byte_equal_a_naive_unpack(layers in generate::image()) {
        let (index, stack) = read(&layers);
        let Unpacked { changes: expected, after, bytes: expected_bytes } = naive::unpack(&layers);
        prop_assert_eq!(changes(&index, &stack), expected);
        let expected_paths: Vec<BTreeSet<String>> = after.iter().map(|files| files.keys().cloned().collect()).collect();
        prop_assert_eq!(standing(&index, &stack), expected_paths);
        prop_assert_eq!(bytes(&account(&index, &stack)), expected_bytes);
    }

    #[test]
    fn dives_numbers_equal_a_naive_model_of_dive(layers in generate::image()) {
        let (index, stack) = read(&layers);
        let numbers = layerscope::analysis::dive::numbers(&index, &stack);
        let expected = dive::model(&layers);
        let files: Vec<_> = numbers.inefficient_files.iter().map(|file| (format!("/{}", text(&index.path(file.path))), file.count, file.bytes)).collect();
        prop_assert_eq!(numbers.size_bytes, expected.size);
        prop_assert_eq!(numbers.user_size_bytes, expected.user_size);
        prop_assert_eq!(numbers.wasted_bytes, expected.wasted);
        prop_assert_eq!(numbers.efficiency.to_bits(), expected.efficiency.to_bits());
        prop_assert_eq!(files, expected.files);
    }
}
