//! Archives around a `manifest.json`: Docker of all ages, Podman, skopeo, kaniko, crane, jib.

use serde_json::json;

use crate::common::archives::{
    DOCKER_KEYS, Oci, Sample, agree, agree_with, classic, docker_members, expect_order, json_of, named, plain, podman,
    read_file, write_members,
};
use crate::common::image::{Layer, archive, config, digest, docker_archive, gzip, hex, zstd};
use crate::common::program::run;

#[test]
fn classic_docker_save() {
    let sample = Sample::new();
    let report = agree(&classic(&sample.0));
    sample.expect(&report);
    assert_eq!(report["image"]["id"], digest(&config(&sample.0)));
    assert_eq!(report["image"]["platform"], "linux/amd64");
    assert!(report["layers"][0]["digest"].is_null(), "a folder's name is no digest");
}

#[test]
fn a_repeated_layer_is_a_link_that_comes_before_its_target() {
    let one = Layer::new().filled("a", 1000, 1).finish();
    let two = Layer::new().filled("b", 10, 2).finish();
    let layers = [one.clone(), two, one];
    let report = agree(&classic(&layers));
    expect_order(&report, &layers);
    assert_eq!(report["totals"]["shippedBytes"], 2010);
    // The same bytes again, nothing else: rewritten.
    assert_eq!(report["totals"]["rewrittenBytes"], 1000);
    assert_eq!(report["totals"]["visibleBytes"], 1010);
    assert_eq!(report["layers"][2]["changes"], json!({ "added": 0, "changed": 0, "rewritten": 1, "removed": 0 }));
}

#[test]
fn docker_25_with_blobs_and_a_manifest_beside_the_index() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, plain);
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", hex(bytes));
    let manifest = json!([{
        "Config": blob(&config(&sample.0)), "RepoTags": ["test/image:latest"],
        "Layers": sample.0.iter().map(|layer| blob(layer)).collect::<Vec<_>>(), "LayerSources": {},
    }]);
    let mut members = oci.members(&[named(image.clone(), "docker.io/test/image:latest")]);
    members.push(("manifest.json".into(), manifest.to_string().into_bytes()));
    members.push(("repositories".into(), b"{}".to_vec()));
    let report = agree(&archive(&members));
    sample.expect(&report);
    // The manifest's digest is known by the index only.
    assert_eq!(report["image"]["digest"], image["digest"]);
    assert_eq!(report["layers"][1]["digest"], digest(&sample.0[1]));
}

#[test]
fn docker_25_with_an_index_that_lists_nothing() {
    let sample = Sample::new();
    for index in [r#"{"schemaVersion":2,"manifests":null}"#, r#"{"schemaVersion":2,"manifests":[]}"#, "{}", "not JSON"]
    {
        let tar = docker_archive(&sample.0);
        let mut members = members_of(&tar);
        members.insert(0, ("index.json".into(), index.as_bytes().to_vec()));
        sample.expect(&agree(&archive(&members)));
    }
}

#[test]
fn podman_and_skopeo() {
    let sample = Sample::new();
    let report = agree(&podman(&sample.0));
    sample.expect(&report);
    assert_eq!(report["layers"][0]["digest"], digest(&sample.0[0]));
}

#[test]
fn podman_by_its_old_names() {
    let sample = Sample::new();
    let mut members = members_of(&podman(&sample.0));
    let manifest = members.iter_mut().find(|(name, _)| name == "manifest.json").unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&manifest.1).unwrap();
    document[0]["Layers"] = (0..3)
        .map(|number| format!("{}/layer.tar", hex(format!("v1 id {number}").as_bytes())))
        .collect::<Vec<_>>()
        .into();
    manifest.1 = document.to_string().into_bytes();
    // The links got lost in `members_of`; they come back in front of what they lead to.
    let mut tar = Layer::new();
    for (number, layer) in sample.0.iter().enumerate() {
        let folder = hex(format!("v1 id {number}").as_bytes());
        tar = tar.symlink(&format!("{folder}/layer.tar"), &format!("../{}.tar", hex(layer)));
    }
    let tar = members.iter().fold(tar, |tar, (name, bytes)| tar.file(name, bytes)).finish();
    sample.expect(&agree(&tar));
}

#[test]
fn layers_may_be_hard_links_in_the_archive() {
    let sample = Sample::new();
    let mut tar = Layer::new();
    for (number, layer) in sample.0.iter().enumerate() {
        tar = tar.file(format!("store/{number}"), layer).hardlink(&format!("{number}.tar"), &format!("store/{number}"));
    }
    let manifest = json!([{ "Config": "c.json", "RepoTags": null, "Layers": ["0.tar", "1.tar", "2.tar"] }]);
    let tar = tar.file("c.json", config(&sample.0)).file("manifest.json", manifest.to_string()).finish();
    sample.expect(&agree(&tar));
}

#[test]
fn kaniko_and_crane() {
    let sample = Sample::new();
    let members =
        docker_members(&sample.0, gzip, |hex| format!("{hex}.tar.gz"), |hex| format!("sha256:{hex}"), DOCKER_KEYS);
    let report = agree(&archive(&members));
    sample.expect(&report);
    assert_eq!(report["layers"][0]["digest"], digest(&gzip(&sample.0[0])));
}

#[test]
fn kaniko_with_the_same_layer_46_times() {
    let empty = Layer::new().finish();
    let base = Layer::new().filled("a", 1000, 1).finish();
    let layers: Vec<_> = std::iter::once(base).chain(std::iter::repeat_n(empty, 46)).collect();
    let members =
        docker_members(&layers, gzip, |hex| format!("{hex}.tar.gz"), |hex| format!("sha256:{hex}"), DOCKER_KEYS);
    let report = agree(&archive(&members));
    expect_order(&report, &layers);
    assert_eq!(
        (report["totals"]["layers"].as_u64(), report["totals"]["shippedBytes"].as_u64()),
        (Some(47), Some(1000))
    );
    assert_eq!(report["totals"]["efficiency"], 1.0);
}

#[test]
fn jib_writes_keys_in_lower_case() {
    let sample = Sample::new();
    let keys = ["config", "repoTags", "layers"];
    let members = docker_members(&sample.0, gzip, |hex| format!("{hex}.tar.gz"), |_| "config.json".to_owned(), keys);
    sample.expect(&agree(&archive(&members)));
}

#[test]
fn the_containerd_store() {
    let sample = Sample::new();
    for pack in [gzip as fn(&[u8]) -> Vec<u8>, zstd] {
        let mut oci = Oci::default();
        let image = oci.image("linux/amd64", &sample.0, pack);
        let attestation = oci.attestation(&image);
        // `docker save` keeps the whole index and just the platform that is here.
        let mut elsewhere = Oci::default();
        let arm = elsewhere.image("linux/arm64", &sample.0, pack);
        let index = oci.index(&[image.clone(), attestation, arm]);
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", hex(bytes));
        let manifest = json!([{
            "Config": blob(&config(&sample.0)), "RepoTags": ["test/image:latest"],
            "Layers": sample.0.iter().map(|layer| blob(&pack(layer))).collect::<Vec<_>>(),
        }]);
        let mut members = oci.members(&[named(index, "docker.io/test/image:latest")]);
        // Without a manifest.json the index alone tells everything, too.
        let report = agree_with(&archive(&members), &["--platform", "linux/amd64"]);
        sample.expect(&report);
        assert_eq!(report["image"]["digest"], image["digest"]);
        members.push(("manifest.json".into(), manifest.to_string().into_bytes()));
        assert_eq!(agree(&archive(&members)), report);
    }
}

#[test]
fn a_docker_archive_unpacked_into_a_folder() {
    let sample = Sample::new();
    let folder = tempfile::tempdir().unwrap();
    write_members(folder.path(), &members_of(&docker_archive(&sample.0)));
    sample.expect(&json_of(&read_file(folder.path(), &[])));
}

#[test]
fn the_manifest_may_stand_anywhere() {
    let sample = Sample::new();
    let last = members_of(&docker_archive(&sample.0));
    let expected = agree(&archive(&last));
    sample.expect(&expected);
    for place in [0, 1, 3] {
        let mut members = last.clone();
        let manifest = members.pop().unwrap();
        members.insert(place, manifest);
        assert_eq!(agree(&archive(&members)), expected, "{place}");
    }
    let mut upside_down = last;
    upside_down.reverse();
    assert_eq!(agree(&archive(&upside_down)), expected, "the last layer first");
}

#[test]
fn a_scheme_in_front_of_the_path_changes_nothing() {
    let sample = Sample::new();
    let folder = tempfile::tempdir().unwrap();
    // The name tells nothing about what is in it.
    let file = folder.path().join("image.zip");
    std::fs::write(&file, docker_archive(&sample.0)).unwrap();
    let path = file.to_str().unwrap();
    for reference in [
        format!("docker-archive://{path}"),
        format!("docker-archive:{path}"),
        format!("docker-archive:{path}:test/image:latest"),
        format!("oci-archive:{path}"),
        format!("docker-tar://{path}"),
    ] {
        sample.expect(&json_of(&run(&[reference.as_str(), "--json", "-"])));
    }
}

#[test]
fn digests_fit_in_every_dialect() {
    let sample = Sample::new();
    let kaniko = |hex: &str| format!("{hex}.tar.gz");
    let kaniko = docker_members(&sample.0, gzip, kaniko, |hex| format!("sha256:{hex}"), DOCKER_KEYS);
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, zstd);
    let dialects =
        [classic(&sample.0), podman(&sample.0), docker_archive(&sample.0), archive(&kaniko), oci.archive(&[image])];
    for tar in dialects {
        sample.expect(&agree_with(&tar, &["--verify"]));
    }
}

/// The files of an archive; links and folders are left out.
fn members_of(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let mut members = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            members.push((entry.path().unwrap().to_str().unwrap().to_owned(), bytes));
        }
    }
    members
}
