//! The program against real engines and the archives that real tools write.
//!
//! Every test builds what it needs here. One that lacks an engine or a tool says `skipped: REASON` on standard error and
//! passes, unless `LAYERSCOPE_REQUIRE_ENGINES=1` is set, as it is in CI.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // These are tests, helpers included.

mod disk;
mod images;
mod odd;
mod platforms;
mod program;
mod report;
mod rootless;
mod sources;
#[path = "../common/told.rs"]
mod told;
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
            agree(image, &read(sources::saved(image)), sources::elsewhere(image)?);
        }
        Ok(())
    });
}

#[test]
fn each_layer_ships_what_tar_lists() {
    test(|| {
        for image in [images::odd()?, images::links()?, images::debian()?] {
            let report = read(sources::saved(image));
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

/// umoci writes such a layer without the padding behind the last file and without an end marker. Engines accept it.
#[test]
fn a_layer_that_umoci_adds_lies_on_top() {
    test(|| {
        let image = images::odd()?;
        let layout = sources::umoci_layout(image, "umoci-insert")?;
        let extra = image.folder.join("extra");
        fs::write(&extra, "inserted").unwrap();
        let before = read(sources::at("umoci before", format!("oci://{layout}:{TAG}")));
        run(tool("umoci")?.args([
            "insert",
            "--image",
            &format!("{layout}:{TAG}"),
            "--tag",
            "more",
            &text(&extra),
            "/base/extra",
        ]));
        let after = read(sources::at("umoci insert", format!("oci:{layout}:more")));
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
fn the_platform_is_chosen_among_several() {
    test(|| {
        let image = images::links()?;
        let expected = read(sources::saved(image));
        for place in platforms::both(image)? {
            for platform in ["linux/amd64", "linux/arm64"] {
                let report = read(sources::at(platform, place.clone()).with(&["--platform", platform]));
                assert_eq!(report["image"]["platform"], platform, "{place}");
                assert_eq!(difference(&expected["totals"], &report["totals"]), None, "{place}");
            }
            let ended = sources::refused(&place, &["--platform", "linux/s390x"]);
            assert_eq!(ended.code, Some(3), "{place}: {}", ended.told);
            assert!(ended.told.contains("linux/arm64"), "what is there is not named: {}", ended.told);
        }
        Ok(())
    });
}

#[test]
fn each_thing_is_told_once() {
    test(|| {
        for image in [images::odd()?, images::odd_by_buildkit()?, images::links()?, images::debian()?] {
            assert_eq!(told::faults(&image.saved), Vec::<String>::new(), "{}", image.name);
        }
        Ok(())
    });
}

#[test]
fn verification_finds_nothing_wrong_with_what_tools_write() {
    test(|| {
        let image = images::odd()?;
        let layout = sources::umoci_layout(image, "verified")?;
        for (label, reference) in [("docker save", text(&image.saved)), ("skopeo oci", format!("oci://{layout}"))] {
            read(sources::at(label, reference).with(&["--verify"]));
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
            let ended = sources::refused(&text(file), &[]);
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
            let ended = sources::refused(&text(&file), &[]);
            assert!(matches!(ended.code, Some(3 | 4)), "ended with {:?}: {}", ended.code, ended.told);
            assert!(!ended.told.contains("panicked"), "{}", ended.told);
        }
        Ok(())
    });
}

/// Reads the image from every source and holds each report against that of `docker save`.
fn same_from_everywhere(image: &Image) {
    let expected = read(sources::saved(image));
    assert_eq!(bare(&expected["image"]["id"]), image.id.trim_start_matches("sha256:"), "docker save");
    let mut ready = Vec::new();
    for source in sources::all(image) {
        match source {
            Ok(source) => ready.push(source),
            Err(skip) => skip.tell(),
        }
    }
    agree(image, &expected, ready);
}

/// Reads all sources before it fails, so that one run tells about all of them.
fn agree(image: &Image, expected: &Value, sources: Vec<Source>) {
    let expected = content(expected);
    let wrong: Vec<String> = sources.into_iter().filter_map(|source| disagreement(&expected, source)).collect();
    assert!(wrong.is_empty(), "{}: not as docker save tells it:\n{}", image.name, wrong.join("\n"));
}

fn disagreement(expected: &Value, source: Source) -> Option<String> {
    let (label, id) = (source.label.clone(), source.id.clone());
    let report = match source.report() {
        Ok(report) => report,
        Err(failure) => return Some(format!("{label}: {failure}")),
    };
    let told = bare(&report["image"]["id"]);
    if let Some(id) = id.filter(|id| id.trim_start_matches("sha256:") != told) {
        return Some(format!("{label}: the id is {told}, not {id}"));
    }
    difference(expected, &content(&report)).map(|difference| format!("{label}: {difference}"))
}

/// The report about an image that must be readable.
fn read(source: Source) -> Value {
    let label = source.label.clone();
    source.report().unwrap_or_else(|failure| panic!("{label}: {failure}"))
}

/// Visible bytes are what is on the disk in the end, a file with several names counted once; the rest is hidden.
fn visible_is_real(image: &Image) {
    let report = read(sources::saved(image));
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
