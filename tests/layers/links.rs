//! Hard links in every order, and what becomes of the bytes behind them.

use serde_json::json;

use super::{report, versions};
use crate::common::image::Layer;

#[test]
fn links_ship_nothing() {
    let layer = Layer::new().filled("a", 1000, 1).hardlink("b", "a").hardlink("c", "b").hardlink("d", "./a").finish();
    let report = report(&[layer]);
    let totals = &report["totals"];
    assert_eq!(
        (&totals["shippedBytes"], &totals["visibleBytes"], &totals["entries"]),
        (&json!(1000), &json!(1000), &json!(4))
    );
    assert_eq!(totals["duplicateBytes"], 0, "one file is no copy of itself");
    assert_eq!(versions(&report, "/c")[0]["linkTarget"], "/b");
}

#[test]
fn bytes_stay_visible_while_a_name_of_theirs_does() {
    let base = Layer::new().filled("a", 1000, 1).hardlink("b", "a").hardlink("c", "b").finish();
    let gone = |names: &[&str]| names.iter().fold(Layer::new(), |layer, name| layer.whiteout(name)).finish();
    let hidden = |names: &[&str]| report(&[base.clone(), gone(names)])["totals"]["hiddenBytes"].as_u64().unwrap();
    assert_eq!(hidden(&["a"]), 0);
    assert_eq!(hidden(&["a", "b"]), 0);
    assert_eq!(hidden(&["a", "b", "c"]), 1000);
}

#[test]
fn a_link_before_its_target() {
    let early = Layer::new().hardlink("b", "a").hardlink("c", "b").filled("a", 1000, 1).finish();
    let hidden = |names: &[&str]| {
        let gone = names.iter().fold(Layer::new(), |layer, name| layer.whiteout(name)).finish();
        report(&[early.clone(), gone])["totals"]["hiddenBytes"].as_u64().unwrap()
    };
    assert_eq!(hidden(&["a"]), 0);
    assert_eq!(hidden(&["a", "b", "c"]), 1000);
}

#[test]
fn a_link_to_nothing_and_one_to_itself() {
    let layer = Layer::new().hardlink("a", "nowhere").hardlink("self", "self").file("x", "1").finish();
    let report = report(&[layer]);
    assert_eq!(versions(&report, "/a")[0]["linkTarget"], "/nowhere");
    assert_eq!(report["totals"]["shippedBytes"], 1);
    assert_eq!(report["layers"][0]["state"], "read");
}

#[test]
fn a_changed_name_is_a_copy() {
    let base = Layer::new().filled("a", 1000, 1).hardlink("b", "a").finish();
    let change = Layer::new().filled("b", 400, 2).finish();
    let report = report(&[base, change]);
    let totals = &report["totals"];
    assert_eq!(
        (&totals["shippedBytes"], &totals["visibleBytes"], &totals["hiddenBytes"]),
        (&json!(1400), &json!(1400), &json!(0))
    );
    assert_eq!(versions(&report, "/b")[1]["state"], "changed");
}

#[test]
fn a_symlink_that_changes_its_target() {
    let report = report(&[Layer::new().symlink("l", "one").finish(), Layer::new().symlink("l", "two").finish()]);
    let link = versions(&report, "/l");
    assert_eq!((&link[1]["state"], &link[1]["differs"]), (&json!("changed"), &json!(["link target"])));
}
