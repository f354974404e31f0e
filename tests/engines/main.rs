//! The program against real engines and the archives that real tools write.
//!
//! Every test builds what it needs here. One that lacks an engine or a tool says `skipped: REASON` on standard error and
//! passes, unless `LAYERSCOPE_REQUIRE_ENGINES=1` is set, as it is in CI.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // These are tests, helpers included.

mod disk;
mod images;
mod odd;
mod program;
mod report;
mod sources;
mod tools;

use std::fs;

use images::Image;
use report::{content, difference, layer};
use serde_json::Value;
use sources::{Source, TAG, text};
use tools::{run, run_into, test, tool};

#[test]
fn the_odd_image_is_the_same_from_everywhere() {
    test(|| images::odd().map(same_from_everywhere));
}

#[test]
fn the_odd_image_of_buildkit_is_the_same_from_everywhere() {
    test(|| images::odd_by_buildkit().map(same_from_everywhere));
}

#[test]
fn the_debian_image_is_the_same_from_everywhere() {
    test(|| images::debian().map(same_from_everywhere));
}

#[test]
fn hard_links_are_the_same_from_everywhere() {
    test(|| images::links().map(same_from_everywhere));
}

#[test]
fn newer_engines_tell_the_same() {
    test(|| {
        for image in [images::odd()?, images::debian()?, images::links()?] {
            let expected = sources::saved(image).report();
            for source in sources::elsewhere(image)? {
                agree(image, &expected, source);
            }
        }
        Ok(())
    });
}

#[test]
fn each_layer_ships_what_tar_lists() {
    test(|| {
        for image in [images::odd()?, images::links()?, images::debian()?] {
            let report = sources::saved(image).report();
            let told: Vec<u64> = layers(&report).iter().map(|layer| number(&layer["shippedBytes"])).collect();
            let listed = disk::shipped(image)?;
            assert_eq!(told, listed, "{}", image.name);
            assert_eq!(number(&report["totals"]["shippedBytes"]), listed.iter().sum::<u64>(), "{}", image.name);
        }
        Ok(())
    });
}

#[test]
fn the_odd_image_shows_what_a_real_unpack_holds() {
    test(|| images::odd().map(visible_is_real));
}

#[test]
fn the_debian_image_shows_what_a_real_unpack_holds() {
    test(|| images::debian().map(visible_is_real));
}

#[test]
fn hard_links_show_what_a_real_unpack_holds() {
    test(|| images::links().map(visible_is_real));
}

#[test]
fn a_layer_that_umoci_adds_lies_on_top() {
    test(|| {
        let image = images::odd()?;
        let layout = sources::umoci_layout(image, "umoci-insert")?;
        let extra = image.folder.join("extra");
        fs::write(&extra, "inserted").unwrap();
        let before = sources::at("umoci before", format!("oci://{layout}:{TAG}")).report();
        run(tool("umoci")?.args([
            "insert",
            "--image",
            &format!("{layout}:{TAG}"),
            "--tag",
            "more",
            &text(&extra),
            "/base/extra",
        ]));
        let after = sources::at("umoci insert", format!("oci:{layout}:more")).report();
        let (before, after) = (layers(&before), layers(&after));
        assert_eq!(after.len(), before.len() + 1);
        for (one, other) in before.iter().zip(after) {
            assert_eq!(difference(&layer(one), &layer(other)), None);
        }
        assert_eq!(number(&after[before.len()]["shippedBytes"]), 8);
        Ok(())
    });
}

#[test]
fn verification_finds_nothing_wrong_with_what_tools_write() {
    test(|| {
        let image = images::odd()?;
        let layout = sources::umoci_layout(image, "verified")?;
        for (label, reference) in [("docker save", text(&image.saved)), ("skopeo oci", format!("oci://{layout}"))] {
            sources::at(label, reference).with(&["--verify"]).report();
        }
        Ok(())
    });
}

#[test]
fn a_container_export_is_named_and_refused() {
    test(|| {
        let export = disk::export(images::odd()?)?;
        let packed = export.with_extension("tar.gz");
        run_into(tool("gzip")?.arg("--stdout").arg(&export), &packed);
        for (label, file) in [("export", &export), ("export-packed", &packed)] {
            let ended = sources::refused(file);
            assert_eq!(ended.code, Some(3), "{label}: {}", ended.told);
            assert!(ended.told.contains("docker export"), "{label} is not named: {}", ended.told);
            assert!(ended.told.contains("hint: "), "{label} comes without a hint: {}", ended.told);
            assert_eq!(ended.out, b"", "{label}: a report about nothing");
        }
        Ok(())
    });
}

#[test]
fn an_archive_that_ends_early_is_no_success() {
    test(|| {
        let image = images::debian()?;
        let whole = fs::read(&image.saved).unwrap();
        for tenths in [1, 5, 9] {
            let file = image.folder.join(format!("cut-{tenths}.tar"));
            fs::write(&file, &whole[..whole.len() / 10 * tenths]).unwrap();
            let ended = sources::refused(&file);
            assert!(matches!(ended.code, Some(3 | 4)), "ended with {:?}: {}", ended.code, ended.told);
            assert!(!ended.told.contains("panicked"), "{}", ended.told);
        }
        Ok(())
    });
}

/// Reads the image from every source and holds each report against that of `docker save`.
fn same_from_everywhere(image: &Image) {
    let expected = sources::saved(image).report();
    assert_eq!(bare(&expected["image"]["id"]), image.id.trim_start_matches("sha256:"), "docker save");
    for source in sources::all(image) {
        match source {
            Ok(source) => agree(image, &expected, source),
            Err(skip) => skip.tell(),
        }
    }
}

fn agree(image: &Image, expected: &Value, source: Source) {
    let label = format!("{} from {}", image.name, source.label);
    let id = source.id.clone();
    let report = source.report();
    if let Some(id) = id {
        assert_eq!(bare(&report["image"]["id"]), id.trim_start_matches("sha256:"), "{label}");
    }
    if let Some(difference) = difference(&content(expected), &content(&report)) {
        panic!("{label}: not as docker save tells it: {difference}");
    }
}

/// Visible bytes are what is on the disk in the end, a file with several names counted once; the rest is hidden.
fn visible_is_real(image: &Image) {
    let report = sources::saved(image).report();
    let totals = &report["totals"];
    let (shipped, visible) = (number(&totals["shippedBytes"]), number(&totals["visibleBytes"]));
    assert_eq!(number(&totals["hiddenBytes"]), shipped - visible);
    let hidden: u64 = layers(&report).iter().map(|layer| number(&layer["hiddenBytes"])).sum();
    assert_eq!(hidden, shipped - visible, "the layers' hidden bytes do not add up");
    for (way, measured) in [("umoci unpack", disk::unpacked(image)), ("docker export", disk::exported(image))] {
        match measured {
            Ok(bytes) => assert_eq!(visible, bytes, "{} by {way}", image.name),
            Err(skip) => skip.tell(),
        }
    }
}

fn layers(report: &Value) -> &[Value] {
    report["layers"].as_array().expect("a report has layers")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number of bytes: {value}"))
}

/// A digest without its algorithm.
fn bare(digest: &Value) -> &str {
    digest.as_str().unwrap_or_default().trim_start_matches("sha256:")
}
