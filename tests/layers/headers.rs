//! Headers of all ages: numbers in both forms, types that nobody knows, ends that are missing.

use serde_json::json;
use tar::{EntryType, Header};

use super::{paths, report, versions};
use crate::common::image::{Layer, docker_archive};
use crate::common::program::run_with_stdin;

/// A header of the oldest kind, without magic.
fn old(kind: u8, name: &str, size: u64) -> Header {
    let mut header = Header::new_old();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkflag = [kind];
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header
}

fn changed(name: &str, size: u64, change: impl FnOnce(&mut Header)) -> Header {
    let mut header = Layer::new().header(EntryType::Regular, size);
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    change(&mut header);
    header.set_cksum();
    header
}

#[test]
fn numbers_in_base_256() {
    let number = |bytes: &[u8], width: usize, sign: u8| {
        let mut field = vec![sign; width - bytes.len()];
        field[0] |= 0x80;
        field.extend(bytes);
        field
    };
    let layer = Layer::new()
        .raw(
            changed("owner", 0, |header| {
                header.as_old_mut().uid.copy_from_slice(&number(&[0x1e, 0x84, 0x80], 8, 0));
                header.as_old_mut().gid.copy_from_slice(&number(&[0xff, 0xff, 0xff, 0xfe], 8, 0));
            }),
            &[],
        )
        .raw(
            changed("old", 0, |header| header.as_old_mut().mtime.copy_from_slice(&number(&[0x80, 0, 0, 0], 12, 0xff))),
            &[],
        )
        .raw(changed("size", 0, |header| header.as_old_mut().size.copy_from_slice(&number(&[3], 12, 0))), b"abc")
        .raw(
            changed("year-2242", 0, |header| {
                header.as_old_mut().mtime.copy_from_slice(&number(&[2, 0, 0, 0, 0], 12, 0));
            }),
            &[],
        )
        .finish();
    let report = report(&[layer]);
    let owner = &versions(&report, "/owner")[0];
    assert_eq!((&owner["uid"], &owner["gid"]), (&json!(2_000_000), &json!(4_294_967_294_u64)));
    assert_eq!(versions(&report, "/old")[0]["mtime"], -2_147_483_648_i64);
    assert_eq!(versions(&report, "/year-2242")[0]["mtime"], 8_589_934_592_i64);
    assert_eq!(versions(&report, "/size")[0]["size"], 3);
}

#[test]
fn times_before_1970_in_a_record() {
    let report = report(&[Layer::new().pax(&[("mtime", b"-86400.25")]).file("x", "").finish()]);
    assert_eq!(versions(&report, "/x")[0]["mtime"], -86_401);
}

#[test]
fn a_size_in_a_record_wins() {
    let header = changed("x", 0, |_| ());
    let report = report(&[Layer::new().pax(&[("size", b"700")]).raw(header, &[9; 700]).file("y", "z").finish()]);
    assert_eq!(versions(&report, "/x")[0]["size"], 700);
    assert_eq!(paths(&report), ["/x", "/y"]);
    assert_eq!(report["totals"]["shippedBytes"], 701);
}

#[test]
fn the_oldest_tars() {
    let layer = Layer::new()
        .raw(old(0, "folder/", 0), &[])
        .raw(old(0, "folder/file", 5), b"hello")
        .raw(old(b'7', "contiguous", 3), b"abc")
        .finish();
    let report = report(&[layer]);
    let kinds = ["/folder", "/folder/file", "/contiguous"]
        .map(|path| versions(&report, path)[0]["kind"].as_str().unwrap().to_owned());
    assert_eq!(kinds, ["folder", "file", "file"]);
    assert_eq!(report["totals"]["shippedBytes"], 8);
}

#[test]
fn a_volume_label_is_no_file() {
    let layer = Layer::new()
        .raw(changed("backup", 0, |header| header.set_entry_type(EntryType::new(b'V'))), &[])
        .file("x", "1")
        .finish();
    let report = report(&[layer]);
    assert_eq!(paths(&report), ["/x"]);
    assert_eq!(report["totals"]["entries"], 1);
}

#[test]
fn types_that_nobody_knows_are_files() {
    let layer = Layer::new()
        .raw(changed("odd", 4, |header| header.set_entry_type(EntryType::new(b'Z'))), b"data")
        .file("x", "1")
        .finish();
    let report = report(std::slice::from_ref(&layer));
    assert_eq!(versions(&report, "/odd")[0]["kind"], "file");
    assert_eq!(report["totals"]["shippedBytes"], 5);
    let text = run_with_stdin(&["-"], &docker_archive(&[layer])).stdout;
    assert!(text.contains("layer 0: 1 entry of an unknown type, read as files"), "{text}");
}

#[test]
fn devices_and_pipes() {
    let layer = Layer::new()
        .special(EntryType::Char, "dev/null", 1, 3)
        .special(EntryType::Block, "dev/sda", 8, 0)
        .special(EntryType::Fifo, "run/pipe", 0, 0)
        .finish();
    let change = Layer::new().special(EntryType::Char, "dev/null", 1, 5).finish();
    let report = report(&[layer, change]);
    let null = versions(&report, "/dev/null");
    assert_eq!((&null[0]["kind"], &null[0]["device"]), (&json!("character device"), &json!([1, 3])));
    assert_eq!((&null[1]["state"], &null[1]["device"]), (&json!("changed"), &json!([1, 5])));
    assert_eq!(versions(&report, "/dev/sda")[0]["kind"], "block device");
    assert_eq!(versions(&report, "/run/pipe")[0]["kind"], "pipe");
    assert_eq!(report["totals"]["shippedBytes"], 0);
    assert_eq!(report["totals"]["efficiency"], 1.0);
}

#[test]
fn what_has_a_size_and_no_contents() {
    // Folders and links of old tools state sizes that nothing follows (Go: isHeaderOnly).
    let layer = Layer::new()
        .raw(changed("folder/", 4096, |header| header.set_entry_type(EntryType::Directory)), &[])
        .raw(
            changed("link", 9, |header| {
                header.set_entry_type(EntryType::Symlink);
                header.set_link_name_literal("file").unwrap();
            }),
            &[],
        )
        .file("file", "abc")
        .finish();
    let report = report(&[layer]);
    assert_eq!(paths(&report), ["/file", "/folder", "/link"]);
    assert_eq!(report["totals"]["shippedBytes"], 3);
}

#[test]
fn ends_that_are_missing_or_doubled() {
    let whole = Layer::new().file("a", "1").file("b", "22").finish();
    let without = whole[..whole.len() - 1024].to_vec();
    let half = whole[..whole.len() - 512].to_vec();
    let long = [&whole[..], &[0; 9216]].concat();
    // One block of zeros ends nothing.
    let gap = [&without[..], &[0; 512], &Layer::new().file("c", "333").finish()].concat();
    let totals = |layer: Vec<u8>| report(&[layer])["totals"].clone();
    let expected = totals(whole);
    assert_eq!(totals(without), expected);
    assert_eq!(totals(half), expected);
    assert_eq!(totals(long), expected);
    assert_eq!(totals(gap)["shippedBytes"], 6);
}

#[test]
fn what_follows_the_end_does_not_count() {
    let layer = [Layer::new().file("a", "1").finish(), Layer::new().file("b", "22").finish()].concat();
    assert_eq!(paths(&report(&[layer])), ["/a"]);
}

#[test]
fn an_empty_layer() {
    let report = report(&[vec![0; 1024], Layer::new().file("a", "1").finish(), vec![0; 10_240]]);
    let numbers: Vec<_> = report["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| (layer["state"].as_str(), layer["shippedBytes"].as_u64()))
        .collect();
    assert_eq!(numbers, [(Some("read"), Some(0)), (Some("read"), Some(1)), (Some("read"), Some(0))]);
}

#[test]
fn modes_with_all_twelve_bits() {
    let layer = Layer::new().mode(0o4755).file("su", "x").mode(0o1777).dir("tmp/").finish();
    let change = Layer::new().mode(0o755).file("su", "x").finish();
    let report = report(&[layer, change]);
    assert_eq!(versions(&report, "/tmp")[0]["mode"], "1777");
    let su = versions(&report, "/su");
    assert_eq!((&su[0]["mode"], &su[1]["mode"]), (&json!("4755"), &json!("0755")));
    assert_eq!((&su[1]["state"], &su[1]["differs"]), (&json!("rewritten"), &json!(["mode"])));
    assert_eq!(report["totals"]["rewrittenBytes"], 1);
}
