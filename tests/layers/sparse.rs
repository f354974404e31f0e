//! Sparse files in all four forms: their apparent size counts, and they equal their plain copy.

use tar::EntryType;

use super::{paths, report, versions};
use crate::common::image::Layer;

/// 8 kB with two pieces of data, as it reads.
fn plain() -> Vec<u8> {
    let mut bytes = vec![0; 8192];
    bytes[1024..1536].fill(b'a');
    bytes[5120..5632].fill(b'b');
    bytes
}

/// The stored pieces.
fn stored() -> Vec<u8> {
    [[b'a'; 512], [b'b'; 512]].concat()
}

/// A layer with the file in a sparse form and as it reads: the contents are equal, so a second layer that swaps them
/// only rewrites.
fn equals_its_copy(sparse: Vec<u8>) {
    let copy = Layer::new().file("sparse", plain()).file("after", "x").finish();
    let report = report(&[sparse, copy]);
    assert_eq!(paths(&report), ["/after", "/sparse"]);
    let found = versions(&report, "/sparse");
    assert_eq!((&found[0]["size"], &found[0]["kind"]), (&8192.into(), &"file".into()));
    assert_eq!(found[1]["state"], "rewritten");
    let totals = &report["totals"];
    assert_eq!((&totals["shippedBytes"], &totals["rewrittenBytes"]), (&16_386.into(), &8193.into()));
}

fn old_gnu(segments: &[(u64, u64)], extended: bool) -> tar::Header {
    let mut header = Layer::new().header(EntryType::GNUSparse, 1024);
    header.as_old_mut().name[..6].copy_from_slice(b"sparse");
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(8192);
    gnu.set_is_extended(extended);
    for (field, (offset, length)) in gnu.sparse.iter_mut().zip(segments) {
        field.set_offset(*offset);
        field.set_length(*length);
    }
    header.set_cksum();
    header
}

#[test]
fn old_gnu_in_the_header() {
    let header = old_gnu(&[(1024, 512), (5120, 512), (8192, 0)], false);
    equals_its_copy(Layer::new().raw(header, &stored()).file("after", "x").finish());
}

#[test]
fn old_gnu_with_extension_blocks() {
    // 512 bytes in 32-byte pieces: 4 in the header, 21 in the first block, the rest in a second.
    let mut segments: Vec<(u64, u64)> = (0..16).map(|piece| (1024 + piece * 32, 32)).collect();
    segments.extend((0..16).map(|piece| (5120 + piece * 32, 32)));
    segments.push((8192, 0));
    let block = |segments: &[(u64, u64)], more: bool| {
        let mut block = [0; 512];
        for (place, (offset, length)) in segments.iter().enumerate() {
            block[place * 24..][..12].copy_from_slice(format!("{offset:011o}\0").as_bytes());
            block[place * 24 + 12..][..12].copy_from_slice(format!("{length:011o}\0").as_bytes());
        }
        block[504] = u8::from(more);
        block
    };
    let contents = [&block(&segments[4..25], true)[..], &block(&segments[25..], false), &stored()].concat();
    equals_its_copy(Layer::new().raw(old_gnu(&segments[..4], true), &contents).file("after", "x").finish());
}

#[test]
fn pax_0_0() {
    let records: [(&str, &[u8]); 6] = [
        ("GNU.sparse.size", b"8192"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.offset", b"1024"),
        ("GNU.sparse.numbytes", b"512"),
        ("GNU.sparse.offset", b"5120"),
        ("GNU.sparse.numbytes", b"512"),
    ];
    equals_its_copy(Layer::new().pax(&records).file("sparse", stored()).file("after", "x").finish());
}

#[test]
fn pax_0_1() {
    let records: [(&str, &[u8]); 4] = [
        ("GNU.sparse.size", b"8192"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.map", b"1024,512,5120,512"),
    ];
    equals_its_copy(Layer::new().pax(&records).file("GNUSparseFile.7/sparse", stored()).file("after", "x").finish());
}

#[test]
fn pax_1_0() {
    let records: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.realsize", b"8192"),
    ];
    let mut map = b"2\n1024\n512\n5120\n512\n".to_vec();
    map.resize(512, 0);
    let contents = [map, stored()].concat();
    equals_its_copy(Layer::new().pax(&records).file("GNUSparseFile.7/sparse", contents).file("after", "x").finish());
}

#[test]
fn a_file_that_is_one_hole() {
    let records: [(&str, &[u8]); 3] =
        [("GNU.sparse.size", b"1000000"), ("GNU.sparse.numblocks", b"0"), ("GNU.sparse.map", b"")];
    let layer = Layer::new().pax(&records).file("hole", "").finish();
    let report = report(&[layer, Layer::new().filled("hole", 1_000_000, 0).finish()]);
    assert_eq!(versions(&report, "/hole")[1]["state"], "rewritten");
    assert_eq!(report["layers"][0]["shippedBytes"], 1_000_000);
}
