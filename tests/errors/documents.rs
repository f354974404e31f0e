//! Manifests, indexes and configs that are missing, broken, too large, of wrong types, or not those of an image.

use serde_json::{Value, json};

use super::expect_both;
use crate::common::archives::{Oci, Sample, tagged};
use crate::common::image::{archive, config, docker_archive, gzip};
use crate::common::program::run_with_stdin;

fn docker_with(config: &[u8], manifest: &[u8]) -> Vec<u8> {
    archive(&[("0.tar", &Sample::new().0[0][..]), ("c.json", config), ("manifest.json", manifest)])
}

const MANIFEST: &str = r#"[{"Config":"c.json","RepoTags":null,"Layers":["0.tar"]}]"#;

#[test]
fn documents_that_are_no_json() {
    let good = config(&Sample::new().0[..1]);
    for broken in [&b"hello"[..], b"{", b"[{\"Config\":", b"\xff\xfe", b"{\"a\":\"\xff\"}", b"", b" ", b"nul"] {
        expect_both(
            &docker_with(&good, broken),
            &[],
            3,
            &["'manifest.json' is not valid JSON", "the archive is damaged"],
        );
        expect_both(&docker_with(broken, MANIFEST.as_bytes()), &[], 3, &["'c.json' is not valid JSON"]);
    }
    let deep = "[".repeat(100_000);
    expect_both(&docker_with(&good, deep.as_bytes()), &[], 3, &["'manifest.json' is not valid JSON"]);
}

#[test]
fn documents_that_are_missing() {
    let tar = archive(&[("0.tar", &Sample::new().0[0][..]), ("manifest.json", MANIFEST.as_bytes())]);
    expect_both(&tar, &[], 3, &["config 'c.json' is missing", "save the image again"]);
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &Sample::new().0, gzip);
    oci.lose(&image);
    expect_both(&oci.archive(&[image]), &[], 3, &["none of them is in the archive", "missing: linux/amd64"]);
    expect_both(&docker_with(b"{}", b"[]"), &[], 3, &["the archive lists no image"]);
}

#[test]
fn a_document_that_is_too_large() {
    let mut large = config(&Sample::new().0[..1]);
    large.resize(33 << 20, b' ');
    expect_both(
        &docker_with(&large, MANIFEST.as_bytes()),
        &[],
        3,
        &["'c.json' is too large for a JSON document", "the limit is 33554432"],
    );
}

#[test]
fn indexes_that_are_nested_too_deep_or_in_a_circle() {
    let mut oci = Oci::default();
    let mut inner = oci.image("linux/amd64", &Sample::new().0, gzip);
    for _ in 0..9 {
        inner = oci.index(&[inner]);
    }
    expect_both(&oci.archive(&[inner]), &[], 3, &["'index.json' makes no sense", "nested too deep"]);
    // A digest cannot be made to fit, but nobody has to compute it: an index that lists itself.
    let digest = format!("sha256:{}", "a".repeat(64));
    let circle = json!({ "manifests": [{ "digest": digest }, { "digest": digest }] }).to_string();
    let tar = archive(&[(format!("blobs/sha256/{}", "a".repeat(64)), circle.clone()), ("index.json".into(), circle)]);
    expect_both(&tar, &[], 3, &["nested too deep"]);
}

#[test]
fn an_index_that_multiplies() {
    // Each index lists the next one ten times: a million manifests in a kilobyte.
    let mut oci = Oci::default();
    let mut inner = oci.image("linux/amd64", &Sample::new().0, gzip);
    for _ in 0..6 {
        inner = oci.index(&vec![inner; 10]);
    }
    expect_both(&oci.archive(&[inner]), &[], 3, &["it lists too many manifests"]);
    // And the same with nothing at the end.
    let mut oci = Oci::default();
    let mut inner = oci.index(&[]);
    for _ in 0..7 {
        inner = oci.index(&vec![inner; 12]);
    }
    expect_both(&oci.archive(&[inner]), &[], 3, &["it lists too many manifests"]);
}

#[test]
fn artifacts() {
    let mut oci = Oci::default();
    let layer = oci.put("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &gzip(&Sample::new().0[0]));
    let config = oci.put("application/vnd.cncf.helm.config.v1+json", br#"{"name":"chart","version":"1.0"}"#);
    let chart = oci.document("", &json!({ "schemaVersion": 2, "config": config, "layers": [layer] }));
    let words =
        ["not a container image but an artifact of type application/vnd.cncf.helm.config.v1+json", "reads images"];
    expect_both(&oci.archive(&[tagged(chart, "1.0")]), &[], 3, &words);
    let mut oci = Oci::default();
    let layer = oci.put("text/plain", b"hello");
    let config = oci.put("application/vnd.oci.empty.v1+json", b"{}");
    let artifact = json!({ "artifactType": "application/vnd.example", "config": config, "layers": [layer] });
    let artifact = oci.document("", &artifact);
    expect_both(&oci.archive(&[artifact]), &[], 3, &["an artifact of type application/vnd.example"]);
}

#[test]
fn an_artifact_beside_an_image_stops_nobody() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, gzip);
    let signature = oci.put("application/vnd.dev.cosign.simplesigning.v1+json", b"{\"critical\":{}}");
    let config = oci.put("application/vnd.oci.empty.v1+json", b"{}");
    let artifact = json!({ "config": config, "layers": [signature], "subject": { "digest": image["digest"] } });
    let artifact = oci.document("", &artifact);
    let ran = run_with_stdin(&["-", "--json", "-"], &oci.archive(&[tagged(image, "latest"), artifact]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    sample.expect(&serde_json::from_str(&ran.stdout).unwrap());
}

/// Every value of a document, replaced by a value of each JSON type.
fn variations(document: &Value) -> Vec<Value> {
    let mut pointers = vec![String::new()];
    let mut place = 0;
    while place < pointers.len() {
        let pointer = pointers[place].clone();
        let key = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        match document.pointer(&pointer).unwrap() {
            Value::Object(object) => pointers.extend(object.keys().map(|name| key(name))),
            Value::Array(list) => pointers.extend((0..list.len()).map(|number| key(&number.to_string()))),
            _ => {}
        }
        place += 1;
    }
    let long = "x".repeat(5000);
    let others = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("\u{1b}[2J/../\0"),
        json!([]),
        json!({}),
        json!([[null]]),
        json!({"a": {}}),
        json!(long),
    ];
    let mut all = Vec::new();
    for pointer in &pointers {
        for other in &others {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).unwrap() = other.clone();
            all.push(changed);
        }
    }
    all
}

/// Opens an archive with the library and writes every report, which must neither panic nor say nothing.
fn survives(tar: &[u8], what: &Value) {
    if let Err(error) = super::mangled::open_and_report(tar) {
        assert!(error.to_string().starts_with("error: "), "{what}");
        assert!(!error.to_string().contains('\u{1b}'), "{what}");
    }
}

#[test]
fn no_value_of_a_document_makes_it_panic() {
    let sample = Sample::new();
    let config: Value = serde_json::from_slice(&config(&sample.0[..1])).unwrap();
    for changed in variations(&config) {
        survives(&docker_with(changed.to_string().as_bytes(), MANIFEST.as_bytes()), &changed);
    }
    let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    for changed in variations(&manifest) {
        survives(&docker_with(config.to_string().as_bytes(), changed.to_string().as_bytes()), &changed);
    }
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0[..1], gzip);
    let listed = tagged(image.clone(), "latest");
    for changed in variations(&json!({ "manifests": [listed.clone(), oci.attestation(&image)] })) {
        let mut members = oci.members(&[]);
        members.last_mut().unwrap().1 = changed.to_string().into_bytes();
        survives(&archive(&members), &changed);
    }
    let (_, bytes) = oci.blobs.iter().find(|(digest, _)| image["digest"] == digest.as_str()).unwrap().clone();
    for changed in variations(&serde_json::from_slice(&bytes).unwrap()) {
        let mut members = oci.members(std::slice::from_ref(&listed));
        let member = members.iter_mut().find(|(_, contents)| *contents == bytes).unwrap();
        member.1 = changed.to_string().into_bytes();
        survives(&archive(&members), &changed);
    }
}

#[test]
fn a_broken_index_beside_a_good_manifest_stops_nobody() {
    let sample = Sample::new();
    let good = docker_archive(&sample.0);
    let index = archive(&[("index.json", r#"{"manifests":[{"digest":"sha256:zz"}]}"#)]);
    let tar = [&index[..index.len() - 1024], &good].concat();
    sample.expect(&crate::common::archives::agree(&tar));
}
