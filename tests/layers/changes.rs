//! Entries that meet in one layer, and what layers do to each other.

use serde_json::{Value, json};

use super::{paths, report, versions};
use crate::common::image::{Layer, docker_archive};
use crate::common::program::run_with_stdin;

fn states(report: &Value, path: &str) -> Vec<String> {
    versions(report, path).iter().map(|version| version["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn of_entries_for_one_path_the_last_wins() {
    let layer = Layer::new().filled("a", 1000, 1).filled("a", 30, 2).finish();
    let report = report(std::slice::from_ref(&layer));
    assert_eq!(versions(&report, "/a").len(), 1);
    assert_eq!(versions(&report, "/a")[0]["size"], 30);
    let totals = &report["totals"];
    assert_eq!(
        (&totals["shippedBytes"], &totals["visibleBytes"], &totals["replacedBytes"]),
        (&json!(1030), &json!(30), &json!(1000))
    );
    assert_eq!(totals["entries"], 2);
    let text = run_with_stdin(&["-"], &docker_archive(&[layer])).stdout;
    assert!(text.contains("/a  layer 0, listed twice in it"), "{text}");
}

#[test]
fn a_path_that_turns_into_something_else_within_a_layer() {
    let layer = Layer::new().dir("x/").filled("x/in", 100, 1).filled("x", 7, 2).finish();
    let totals = report(&[layer])["totals"].clone();
    assert_eq!((&totals["shippedBytes"], &totals["visibleBytes"]), (&json!(107), &json!(7)));
    let layer = Layer::new().filled("x", 7, 2).filled("x/in", 100, 1).finish();
    let totals = report(&[layer])["totals"].clone();
    assert_eq!((&totals["shippedBytes"], &totals["visibleBytes"]), (&json!(107), &json!(100)));
}

#[test]
fn whiteouts_count_each_thing_that_goes() {
    let base =
        Layer::new().dir("d/").filled("d/a", 10, 1).dir("d/e/").filled("d/e/b", 20, 1).filled("keep", 5, 1).finish();
    let report = report(&[base, Layer::new().whiteout("d").finish()]);
    assert_eq!(report["layers"][1]["changes"], json!({ "added": 0, "changed": 0, "rewritten": 0, "removed": 4 }));
    assert_eq!(states(&report, "/d/e/b"), ["added", "removed"]);
    assert_eq!(report["totals"]["deletedBytes"], 30);
}

#[test]
fn an_opaque_marker_stands_anywhere_in_its_layer() {
    let base = Layer::new().dir("d/").filled("d/a", 10, 1).filled("d/b", 20, 1).finish();
    let first = Layer::new().dir("d/").opaque("d").filled("d/b", 7, 2).finish();
    let last = Layer::new().dir("d/").filled("d/b", 7, 2).opaque("d").finish();
    let reports = [report(&[base.clone(), first]), report(&[base, last])];
    assert_eq!(reports[0]["totals"], reports[1]["totals"]);
    assert_eq!(reports[0]["files"], reports[1]["files"]);
    assert_eq!(states(&reports[0], "/d/a"), ["added", "removed"]);
    assert_eq!(states(&reports[0], "/d/b"), ["added", "changed"]);
    assert_eq!(reports[0]["totals"]["deletedBytes"], 10);
    assert_eq!(reports[0]["totals"]["replacedBytes"], 20);
}

#[test]
fn a_whiteout_of_nothing_is_a_note() {
    let layer = Layer::new().whiteout("nowhere/x").whiteout("y").file("a", "1").finish();
    let report = report(std::slice::from_ref(&layer));
    assert_eq!(report["layers"][0]["changes"], json!({ "added": 1, "changed": 0, "rewritten": 0, "removed": 0 }));
    let text = run_with_stdin(&["-"], &docker_archive(&[layer])).stdout;
    assert!(text.contains("layer 0: 2 whiteouts remove nothing, because nothing is there"), "{text}");
}

#[test]
fn a_whiteout_and_a_new_thing_of_the_same_name() {
    let base = Layer::new().dir("d/").filled("d/a", 10, 1).filled("f", 20, 1).finish();
    let again = Layer::new().whiteout("d").filled("d", 3, 1).whiteout("f").dir("f/").filled("f/in", 4, 1).finish();
    let report = report(&[base, again]);
    assert_eq!(versions(&report, "/d")[1]["kind"], "file");
    assert_eq!(versions(&report, "/f")[1]["kind"], "folder");
    assert_eq!(states(&report, "/d/a"), ["added", "removed"]);
    assert_eq!(report["totals"]["visibleBytes"], 7);
}

#[test]
fn owner_time_and_nothing_are_told_apart() {
    let base = Layer::new().filled("o", 10, 1).filled("t", 10, 2).filled("n", 10, 3).finish();
    let same = Layer::new().filled("n", 10, 3).owner(5).filled("o", 10, 1).owner(0).time(1).filled("t", 10, 2).finish();
    let report = report(&[base, same]);
    let differs = |path: &str| versions(&report, path)[1]["differs"].clone();
    assert_eq!(differs("/o"), json!(["owner"]));
    assert_eq!(differs("/t"), json!(["time"]));
    assert_eq!(differs("/n"), Value::Null);
    assert_eq!(report["totals"]["rewrittenBytes"], 30);
    assert_eq!(report["layers"][1]["changes"]["rewritten"], 3);
}

#[test]
fn a_layer_that_the_image_repeats_stores_the_same_again() {
    let (base, other) = (Layer::new().filled("a", 15_000, 1).finish(), Layer::new().filled("b", 15_000, 2).finish());
    let report = report(&[base.clone(), other, base]);
    assert_eq!(states(&report, "/a"), ["added", "rewritten"]);
    assert_eq!(report["totals"]["rewrittenBytes"], 15_000);
}

#[test]
fn files_that_begin_alike_are_told_apart() {
    let alike = |end: &str| format!("{}{end}", "x".repeat(5000));
    let base = Layer::new().file("a", alike("1")).file("b", alike("1")).file("c", alike("1")).finish();
    let next = Layer::new().file("a", alike("1")).file("b", alike("2")).file("c", alike("22")).finish();
    let report = report(&[base, next]);
    assert_eq!(["/a", "/b", "/c"].map(|path| states(&report, path)[1].clone()), ["rewritten", "changed", "changed"]);
    assert_eq!(report["totals"]["duplicateBytes"], 0);
}

#[test]
fn aufs_bookkeeping_is_no_file() {
    let layer =
        Layer::new().dir(".wh..wh.plnk/").file(".wh..wh.plnk/1.2", "").file(".wh..wh.aufs", "").file("a", "1").finish();
    assert_eq!(paths(&report(&[layer])), ["/a"]);
}
