//! Findings on images made in code: what is planted is found, in its layer, with its bytes, once; what is near is not.

#![allow(clippy::unwrap_used)] // What a test needs and does not get ends the test.

#[path = "../common/mod.rs"]
mod common;

mod configuration;
mod dockerfile;
mod edits;
mod more;
mod packages;
mod risks;
mod secrets;
mod users_rules;
mod waste;

use std::path::Path;

use common::image::{Layer, archive, digest, hex};
use common::program::run;
use serde_json::{Value, json};

/// An image with a config of one's own: layers with the commands that made them, `None` for steps without a layer.
fn image(config: &Value, steps: Vec<(&str, Option<Layer>)>) -> Vec<u8> {
    let mut layers: Vec<Vec<u8>> = Vec::new();
    let mut history = Vec::new();
    for (command, layer) in steps {
        history.push(json!({ "created_by": command, "empty_layer": layer.is_none() }));
        layers.extend(layer.map(Layer::finish));
    }
    let config = json!({
        "os": "linux", "architecture": "amd64", "config": config, "history": history,
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| digest(layer)).collect::<Vec<_>>() },
    });
    let config = config.to_string().into_bytes();
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", hex(bytes));
    let manifest = json!([{
        "Config": blob(&config), "RepoTags": ["test/image:1"],
        "Layers": layers.iter().map(|layer| blob(layer)).collect::<Vec<_>>(),
    }]);
    let mut members: Vec<(String, Vec<u8>)> = layers.iter().map(|layer| (blob(layer), layer.clone())).collect();
    members.push((blob(&config), config));
    members.push(("manifest.json".into(), manifest.to_string().into_bytes()));
    archive(&members)
}

/// The whole report of an image, with more arguments.
fn report_with(image: &[u8], arguments: &[&str]) -> Value {
    let mut file = tempfile::Builder::new().suffix(".tar").tempfile().unwrap();
    std::io::Write::write_all(&mut file, image).unwrap();
    report_of(file.path(), arguments)
}

fn report_of(path: &Path, arguments: &[&str]) -> Value {
    let ran = run(&[&[path.to_str().unwrap(), "--json", "-"], arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    sums_hold(&report);
    assert_eq!(common::told::faults(path), Vec::<String>::new());
    report
}

/// No byte is in two findings, so that all of them together save no more than is shipped.
fn sums_hold(report: &Value) {
    let number = |value: &Value| value.as_u64().unwrap();
    let saved: u64 = findings(report).iter().map(|finding| number(&finding["reclaimableBytes"])).sum();
    assert!(saved <= number(&report["totals"]["shippedBytes"]), "{saved}");
    let hidden: u64 = findings(report)
        .iter()
        .filter(|finding| finding["category"] == "secret" || !finding["removedBy"].is_null())
        .map(|finding| number(&finding["reclaimableBytes"]))
        .sum();
    // Secrets that a container sees have bytes that are not hidden.
    assert!(hidden >= number(&report["totals"]["hiddenBytes"]), "every hidden byte has a cause");
    let prints: Vec<_> = findings(report).iter().map(|finding| finding["fingerprint"].as_str().unwrap()).collect();
    let mut unique = prints.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), prints.len(), "a finding is told twice: {report:#}");
}

/// All findings.
fn findings(report: &Value) -> &Vec<Value> {
    report["findings"].as_array().unwrap()
}

/// The findings of a rule.
fn of<'r>(report: &'r Value, rule: &str) -> Vec<&'r Value> {
    findings(report).iter().filter(|finding| finding["rule"] == rule).collect()
}

/// The only finding of a rule.
fn one<'r>(report: &'r Value, rule: &str) -> &'r Value {
    let found = of(report, rule);
    assert_eq!(found.len(), 1, "{rule}: {found:#?}\nall: {:?}", rules(report));
    found[0]
}

/// The rules that found something.
fn rules(report: &Value) -> Vec<&str> {
    findings(report).iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

/// A config that nothing is to be said about.
fn clean_config() -> Value {
    json!({ "User": "1000", "Entrypoint": ["/app/server"], "Labels": { "org.opencontainers.image.version": "1" } })
}

/// Something that is an ELF program by its head, and for the machine of these images.
fn program(size: usize) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    // The sizes of the headers, at their places; no sections and no segments.
    bytes.resize(64, 0);
    bytes[52] = 64;
    bytes.extend((0..size - 64).map(|place| u8::try_from((place * 7 + size) % 251).unwrap()));
    bytes
}

/// A base with a shell, as nearly every image has one.
fn base() -> Layer {
    Layer::new()
        .dir("bin/")
        .dir("etc/")
        .dir("usr/")
        .dir("usr/bin/")
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"13\"\n")
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\napp:x:1000:1000::/app:/bin/sh\n")
        .mode(0o755)
        .file("usr/bin/bash", program(5000))
        .mode(0o644)
}

/// The command of a base's first layer.
const ROOT: &str = "/bin/sh -c #(nop) ADD file:1234 in / ";
/// The command that ends a base.
const CMD: &str = "/bin/sh -c #(nop)  CMD [\"bash\"]";

#[test]
fn a_clean_image_has_nothing_above_info() {
    let layer = Layer::new()
        .dir("app/")
        .mode(0o755)
        .file("app/server", program(20_000))
        .mode(0o644)
        .file("etc/passwd", "root:x:0:0::/root:/sbin/nologin\napp:x:1000:1000::/app:/sbin/nologin\n");
    let report = report_with(&image(&clean_config(), vec![("COPY server /app/ # buildkit", Some(layer))]), &[]);
    let above: Vec<_> = findings(&report).iter().filter(|finding| finding["severity"] != "info").collect();
    assert!(above.is_empty(), "{above:#?}");
    assert_eq!(report["matrix"]["grade"], "A");
}
