//! The numbers of a report: exact bytes in tables, the JSON held to its schema, dive's export and dive's own numbers.

#![allow(clippy::unwrap_used)] // What a test needs and does not get ends the test.

mod common;

use std::path::PathBuf;

use common::image::{Layer, docker_archive};
use common::program::{report, run};
use serde_json::{Value, json};
use tar::EntryType;

fn file_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The report of an image made of these layers.
fn report_of(layers: Vec<Layer>) -> Value {
    let layers: Vec<_> = layers.into_iter().map(Layer::finish).collect();
    let (_folder, path) = file_with("image.tar", &docker_archive(&layers));
    report(&path)
}

/// shipped, visible, deleted, replaced, rewritten of the whole image.
fn bytes(layers: Vec<Layer>) -> [u64; 5] {
    let totals = &report_of(layers)["totals"];
    let field = |name: &str| totals[name].as_u64().unwrap();
    assert_eq!(field("hiddenBytes"), field("shippedBytes") - field("visibleBytes"));
    assert_eq!(field("hiddenBytes"), field("deletedBytes") + field("replacedBytes") + field("rewrittenBytes"));
    ["shippedBytes", "visibleBytes", "deletedBytes", "replacedBytes", "rewrittenBytes"].map(field)
}

fn base() -> Layer {
    Layer::new().dir("d/").filled("d/a", 100, 1).filled("d/b", 20, 2).filled("f", 3, 3)
}

#[test]
fn every_byte_has_one_fate() {
    let table: Vec<(&str, Vec<Layer>, [u64; 5])> = vec![
        ("one layer", vec![base()], [123, 123, 0, 0, 0]),
        ("nothing at all", vec![Layer::new()], [0, 0, 0, 0, 0]),
        ("a file is deleted", vec![base(), Layer::new().whiteout("d/a")], [123, 23, 100, 0, 0]),
        ("a folder is deleted", vec![base(), Layer::new().whiteout("d")], [123, 3, 120, 0, 0]),
        ("a folder is hidden", vec![base(), Layer::new().dir("d/").opaque("d")], [123, 3, 120, 0, 0]),
        ("the root is hidden", vec![base(), Layer::new().filled("new", 7, 7).opaque("")], [130, 7, 123, 0, 0]),
        ("a file is replaced", vec![base(), Layer::new().filled("d/a", 50, 9)], [173, 73, 0, 100, 0]),
        ("same size, other bytes", vec![base(), Layer::new().filled("d/a", 100, 9)], [223, 123, 0, 100, 0]),
        ("a file is written again", vec![base(), Layer::new().filled("d/a", 100, 1)], [223, 123, 0, 0, 100]),
        ("chmod", vec![base(), Layer::new().mode(0o600).filled("d/a", 100, 1)], [223, 123, 0, 0, 100]),
        (
            "deleted and added again later",
            vec![base(), Layer::new().whiteout("d/a"), Layer::new().filled("d/a", 100, 1)],
            [223, 123, 100, 0, 0],
        ),
        (
            "removed and added in one layer",
            vec![base(), Layer::new().whiteout("d").dir("d/").filled("d/a", 40, 1)],
            [163, 43, 20, 100, 0],
        ),
        (
            "the marker comes last",
            vec![base(), Layer::new().dir("d/").filled("d/a", 40, 1).opaque("d")],
            [163, 43, 20, 100, 0],
        ),
        ("a file becomes a folder", vec![base(), Layer::new().dir("f/").filled("f/x", 5, 5)], [128, 125, 0, 3, 0]),
        ("a folder becomes a file", vec![base(), Layer::new().filled("d", 5, 5)], [128, 8, 120, 0, 0]),
        ("a folder becomes a link", vec![base(), Layer::new().symlink("d", "f")], [123, 3, 120, 0, 0]),
        ("listed twice", vec![Layer::new().filled("a", 10, 1).filled("a", 4, 2)], [14, 4, 0, 10, 0]),
        (
            "a whiteout of nothing",
            vec![base(), Layer::new().whiteout("d/none").filled("d/a", 50, 9)],
            [173, 73, 0, 100, 0],
        ),
        (
            "folders that nothing lists",
            vec![Layer::new().filled("x/y/z", 9, 1), Layer::new().whiteout("x/y")],
            [9, 0, 9, 0, 0],
        ),
        ("the same layer twice", vec![base(), base()], [246, 123, 0, 0, 123]),
    ];
    for (what, layers, expected) in table {
        assert_eq!(bytes(layers), expected, "{what}");
    }
}

#[test]
fn bytes_with_several_names_live_as_long_as_one_of_them() {
    let linked = || Layer::new().filled("a", 100, 1).hardlink("b", "a").hardlink("c", "b");
    assert_eq!(bytes(vec![linked()]), [100, 100, 0, 0, 0]);
    assert_eq!(bytes(vec![linked(), Layer::new().whiteout("a")]), [100, 100, 0, 0, 0]);
    assert_eq!(bytes(vec![linked(), Layer::new().whiteout("a").whiteout("b").whiteout("c")]), [100, 0, 100, 0, 0]);
    // The name that lives longest says how the bytes end.
    let replaced_last = vec![linked(), Layer::new().whiteout("a").whiteout("b"), Layer::new().filled("c", 7, 7)];
    assert_eq!(bytes(replaced_last), [107, 7, 0, 100, 0]);
    // One name changes above: it becomes a copy, and the others keep the old bytes alive.
    let copied = vec![linked(), Layer::new().mode(0o4755).filled("b", 100, 1)];
    assert_eq!(bytes(copied), [200, 200, 0, 0, 0]);
    let other_names_only = vec![Layer::new().filled("a", 100, 1), Layer::new().hardlink("b", "a")];
    assert_eq!(bytes(other_names_only), [100, 100, 0, 0, 0]);
}

#[test]
fn layers_say_what_they_do() {
    let layers = vec![
        base(),
        Layer::new().mode(0o600).filled("d/a", 100, 1).whiteout("d/b").filled("new", 1, 1),
        Layer::new().whiteout("d").special(EntryType::Fifo, "f", 0, 0),
    ];
    let report = report_of(layers);
    let changes: Vec<_> = report["layers"].as_array().unwrap().iter().map(|layer| layer["changes"].clone()).collect();
    assert_eq!(changes[0], json!({ "added": 4, "changed": 0, "rewritten": 0, "removed": 0 }));
    assert_eq!(changes[1], json!({ "added": 1, "changed": 0, "rewritten": 1, "removed": 1 }));
    assert_eq!(changes[2], json!({ "added": 0, "changed": 1, "rewritten": 0, "removed": 2 }));
    let hidden: Vec<_> =
        report["layers"].as_array().unwrap().iter().map(|layer| layer["hiddenBytes"].clone()).collect();
    assert_eq!(hidden, [json!(123), json!(100), json!(0)]);
    let story = report["files"].as_array().unwrap().iter().find(|file| file["path"] == "/d/a").unwrap();
    let versions = story["versions"].as_array().unwrap();
    let states: Vec<_> = versions.iter().map(|version| version["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["added", "rewritten", "removed"]);
    assert_eq!(versions[1]["differs"], json!(["mode"]));
    assert_eq!(versions[1]["mode"], "0600");
}

#[test]
fn equal_contents_are_told_beside_the_accounting() {
    let layers = vec![
        Layer::new()
            .filled("a", 100, 1)
            .filled("b", 100, 1)
            .hardlink("c", "a")
            .filled("gone", 100, 1)
            .filled("empty", 0, 0)
            .filled("void", 0, 0),
        Layer::new().whiteout("gone").filled("d", 100, 1),
    ];
    let report = report_of(layers);
    // a (with its second name c), b and d are three files of 100 bytes each.
    assert_eq!(report["totals"]["duplicateBytes"], 200);
    assert_eq!(report["totals"]["hiddenBytes"], 100);
}

#[test]
fn the_json_keeps_to_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../assets/schema/report-1.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let odd = vec![
        Layer::new()
            .file(b"\xff\n\x1b[2J", b"x")
            .special(EntryType::Char, "tty", 5, 1)
            .special(EntryType::Block, "disk", 8, 0)
            .symlink("l", "f"),
        Layer::new()
            .pax(&[("SCHILY.xattr.user.x", b"1")])
            .filled("x", 1, 1)
            .whiteout("none")
            .whiteout("l")
            .hardlink("h", "x"),
    ];
    let layers: Vec<_> = odd.into_iter().map(Layer::finish).collect();
    let (_folder, path) = file_with("image.tar", &docker_archive(&layers));
    let path = path.to_str().unwrap();
    for arguments in [
        vec!["demo", "--json", "-"],
        vec!["demo", "--json", "-", "--files"],
        vec!["demo", "--json", "-", "--ci", "--quiet"],
        vec![path, "--json", "-", "--files", "--ci", "--quiet"],
    ] {
        let ran = run(&arguments);
        let report: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error} {}", ran.stderr));
        let faults: Vec<_> =
            schema.iter_errors(&report).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{arguments:?}: {faults:#?}");
    }
}

/// The steps of the sample image that dive's own test measures, with its sizes: a file of 6405 bytes that is copied,
/// moved and changed. The numbers are those that dive's test asserts.
#[test]
fn dives_numbers_for_dives_own_sample() {
    let root = || Layer::new().dir("root/");
    let copy = |path: &str| root().filled(path, 6405, 1);
    let layers = vec![
        Layer::new().filled("bin/busybox", 1_154_361, 9),
        Layer::new().filled("somefile.txt", 6405, 1),
        root().dir("root/example/").dir("root/example/really/").dir("root/example/really/nested/"),
        copy("root/example/somefile1.txt"),
        root().mode(0o444).filled("root/example/somefile1.txt", 6405, 1),
        copy("root/example/somefile2.txt"),
        copy("root/example/somefile3.txt"),
        root().dir("root/example/").whiteout("root/example/somefile3.txt").filled("root/saved.txt", 6405, 1),
        copy("root/.saved.txt"),
        root().whiteout("root/example"),
        root().dir("root/.data/").filled("root/.data/tests.sh", 2187, 5),
        Layer::new().filled("tmp/saved.again1.txt", 6405, 1),
        copy("root/.data/saved.again2.txt"),
        root().mode(0o755).filled("root/saved.txt", 6405, 1),
    ];
    let expected = json!({
        "efficiency": 0.984_421_213_418_430_9,
        "sizeBytes": 1_220_598,
        "userSizeBytes": 66_237,
        "wastedBytes": 32_025,
        "userWastedPercent": 0.483_491_100_140_404_9,
        "inefficientFiles": [
            { "path": "/root/saved.txt", "count": 2, "bytes": 12_810 },
            { "path": "/root/example/somefile1.txt", "count": 2, "bytes": 12_810 },
            { "path": "/root/example/somefile3.txt", "count": 2, "bytes": 6_405 },
        ],
    });
    assert_eq!(report_of(layers)["dive"], expected);
}

#[test]
fn dives_export_has_its_shape() {
    let ran = run(&["demo", "--format", "dive-json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stdout.ends_with('\n'), "dive ends its file without a newline");
    let export: Value = serde_json::from_str(&ran.stdout).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut layer = keys(&export["layer"][0]);
    layer.sort();
    assert_eq!(layer, ["command", "digestId", "fileList", "id", "index", "sizeBytes"]);
    let mut file = keys(&export["layer"][0]["fileList"][0]);
    file.sort();
    assert_eq!(file, ["fileMode", "gid", "isDir", "linkName", "path", "size", "typeFlag", "uid"]);
    let ours: Value = serde_json::from_str(&run(&["demo", "--json", "-"]).stdout).unwrap();
    assert_eq!(export["image"]["efficiencyScore"], ours["dive"]["efficiency"]);
    assert_eq!(export["image"]["inefficientBytes"], ours["dive"]["wastedBytes"]);
    assert_eq!(export["image"]["sizeBytes"], ours["dive"]["sizeBytes"]);
}

#[test]
fn dives_export_lists_files_children_first() {
    let layers = vec![
        Layer::new().mode(0o4755).filled("b/x", 5, 1).dir("a/").symlink("a/l", "../b/x"),
        Layer::new().dir("b/").whiteout("b/x").opaque("a"),
    ];
    let layers: Vec<_> = layers.into_iter().map(Layer::finish).collect();
    let (_folder, path) = file_with("image.tar", &docker_archive(&layers));
    let export: Value = serde_json::from_str(&run(&[path.to_str().unwrap(), "--format", "dive-json"]).stdout).unwrap();
    let list = |layer: usize| {
        let files = export["layer"][layer]["fileList"].as_array().unwrap();
        files
            .iter()
            .map(|file| {
                (
                    file["path"].as_str().unwrap().to_owned(),
                    file["typeFlag"].as_u64().unwrap(),
                    file["fileMode"].as_u64().unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    let setuid = (1 << 23) + 0o755;
    let expected = [("a/l", 50, (1 << 27) + setuid), ("a", 53, (1 << 31) + setuid), ("b/x", 48, setuid), ("", 0, 0)];
    assert_eq!(list(0), expected.map(|(path, flag, mode)| (path.to_owned(), flag, mode)));
    // The opaque marker leaves only its folder, as an empty record.
    let expected = [("", 0, 0), ("b/.wh.x", 48, 0o644), ("b", 53, (1 << 31) + 0o755)];
    assert_eq!(list(1), expected.map(|(path, flag, mode)| (path.to_owned(), flag, mode)));
}
