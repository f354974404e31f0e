//! Which command made which layer, with a history of every length, and images without layers.

use serde_json::{Value, json};

use crate::common::archives::{Oci, Sample, agree};
use crate::common::image::{Layer, archive, config, digest, gzip, hex};
use crate::common::program::run;

/// An image with a config that was changed.
fn image(layers: &[Vec<u8>], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(&config(layers)).unwrap();
    change(&mut document);
    let config = document.to_string().into_bytes();
    let names: Vec<_> = (0..layers.len()).map(|number| format!("{number}.tar")).collect();
    let manifest = json!([{ "Config": format!("{}.json", hex(&config)), "RepoTags": null, "Layers": names }]);
    let tar = names.iter().zip(layers).fold(Layer::new(), |tar, (name, layer)| tar.file(name, layer));
    tar.file(format!("{}.json", hex(&config)), &config).file("manifest.json", manifest.to_string()).finish()
}

fn commands(report: &Value) -> Vec<Option<&str>> {
    report["layers"].as_array().unwrap().iter().map(|layer| layer["command"].as_str()).collect()
}

fn gaps(report: &Value) -> Vec<&str> {
    report["coverage"].as_array().unwrap().iter().map(|gap| gap["what"].as_str().unwrap()).collect()
}

fn steps(commands: &[(&str, bool)]) -> Value {
    commands.iter().map(|(command, empty)| json!({ "created_by": command, "empty_layer": empty })).collect()
}

#[test]
fn steps_without_a_layer_take_none() {
    let sample = Sample::new();
    let history =
        steps(&[("ENV a", true), ("one", false), ("CMD b", true), ("two", false), ("three", false), ("USER c", true)]);
    let report = agree(&image(&sample.0, |config| config["history"] = history));
    assert_eq!(commands(&report), [Some("one"), Some("two"), Some("three")]);
}

#[test]
fn a_history_that_is_short_or_long() {
    let sample = Sample::new();
    let short = agree(&image(&sample.0, |config| config["history"] = steps(&[("one", false)])));
    assert_eq!(commands(&short), [Some("one"), None, None]);
    let long = steps(&[("one", false), ("two", false), ("three", false), ("four", false), ("five", false)]);
    let long = agree(&image(&sample.0, |config| config["history"] = long));
    assert_eq!(commands(&long), [Some("one"), Some("two"), Some("three")]);
    // The numbers do not depend on it.
    assert_eq!(short["totals"], long["totals"]);
}

#[test]
fn no_history_at_all() {
    let sample = Sample::new();
    for history in [Value::Null, json!([])] {
        let report = agree(&image(&sample.0, |config| config["history"] = history.clone()));
        assert_eq!(commands(&report), [None, None, None]);
        assert_eq!(gaps(&report), ["commands of the layers"]);
        assert_eq!(report["totals"]["shippedBytes"], 2100);
    }
    let report = agree(&image(&sample.0, |config| {
        config.as_object_mut().unwrap().remove("history");
    }));
    assert_eq!(commands(&report), [None, None, None]);
}

#[test]
fn a_history_of_empty_steps_only() {
    let sample = Sample::new();
    let report =
        agree(&image(&sample.0, |config| config["history"] = steps(&[("ENV", true), ("CMD", true), ("USER", true)])));
    assert_eq!(commands(&report), [None, None, None]);
    assert_eq!(report["totals"]["layers"], 3);
}

#[test]
fn an_empty_layer_that_is_a_real_one() {
    // BuildKit and Podman keep `RUN true` as a layer.
    let empty = Layer::new().finish();
    let one = Layer::new().filled("a", 5, 1).finish();
    let layers = [empty.clone(), one, empty];
    let report =
        agree(&image(&layers, |config| config["history"] = steps(&[("true", false), ("one", false), ("true", false)])));
    assert_eq!(commands(&report), [Some("true"), Some("one"), Some("true")]);
    let shipped: Vec<_> =
        report["layers"].as_array().unwrap().iter().map(|layer| layer["shippedBytes"].as_u64()).collect();
    assert_eq!(shipped, [Some(0), Some(5), Some(0)]);
    assert_eq!(report["layers"][0]["diffId"], report["layers"][2]["diffId"]);
}

#[test]
fn diff_ids_that_do_not_fit_the_layers() {
    let sample = Sample::new();
    let report = agree(&image(&sample.0, |config| config["rootfs"]["diff_ids"] = json!([digest(&sample.0[0])])));
    assert_eq!(gaps(&report), ["diff ids of the layers"]);
    assert_eq!(report["layers"][0]["diffId"], digest(&sample.0[0]));
    assert!(report["layers"][1]["diffId"].is_null());
    assert_eq!(report["totals"]["shippedBytes"], 2100);
}

#[test]
fn an_image_without_layers() {
    let report = agree(&image(&[], |_| ()));
    let totals = json!({
        "layers": 0, "entries": 0, "shippedBytes": 0, "visibleBytes": 0, "hiddenBytes": 0, "deletedBytes": 0,
        "replacedBytes": 0, "rewrittenBytes": 0, "duplicateBytes": 0, "efficiency": 1.0,
    });
    assert_eq!(report["totals"], totals);
    assert_eq!(report["layers"], json!([]));
    assert_eq!(report["files"], json!([]));
    assert_eq!(report["coverage"], json!([]));
    // `FROM scratch` with nothing but settings, by every name that a list of nothing has.
    for nothing in [json!(null), json!([])] {
        let report = agree(&image(&[], |config| config["rootfs"]["diff_ids"] = nothing.clone()));
        assert_eq!(report["totals"], totals);
    }
    let mut oci = Oci::default();
    let manifest = oci.image("linux/amd64", &[], gzip);
    assert_eq!(agree(&oci.archive(&[manifest]))["totals"], totals);
}

#[test]
fn the_text_report_of_an_image_without_layers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nothing.tar");
    std::fs::write(&file, image(&[], |_| ())).unwrap();
    let ran = run(&[file.to_str().unwrap(), "--ci"]);
    // Nothing shipped, nothing wasted: 0/0 is no waste, as in dive.
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("linux/amd64  0 layers"), "{}", ran.stdout);
    assert_eq!(archive::<&str, &[u8]>(&[]).len(), 1024);
}
