//! Which image of several and which platform of it.

use serde_json::json;

use crate::common::archives::{Oci, Sample, agree_with, json_of, named, read_file, read_stdin, tagged, write_members};
use crate::common::image::{Layer, archive, config, digest, docker_archive, gzip, hex};
use crate::common::program::layerscope;

/// An archive with a big and a small image, by `manifest.json`.
fn two_images() -> (Vec<u8>, String) {
    let big = Sample::new();
    let small = vec![Layer::new().filled("only", 7, 7).finish()];
    let (big_config, small_config) = (config(&big.0), config(&small));
    let manifest = json!([
        { "Config": format!("{}.json", hex(&big_config)), "RepoTags": ["test/big:latest", "test/big:1"],
          "Layers": ["0.tar", "1.tar", "2.tar"] },
        { "Config": format!("{}.json", hex(&small_config)), "RepoTags": ["docker.io/library/small:v2"], "Layers": ["s.tar"] },
    ]);
    let tar =
        big.0.iter().enumerate().fold(Layer::new(), |tar, (number, layer)| tar.file(format!("{number}.tar"), layer));
    let tar = tar
        .file("s.tar", &small[0])
        .file(format!("{}.json", hex(&big_config)), &big_config)
        .file(format!("{}.json", hex(&small_config)), &small_config)
        .file("manifest.json", manifest.to_string())
        .finish();
    (tar, digest(&small_config))
}

#[test]
fn an_image_is_chosen_by_name_tag_or_id() {
    let (tar, small) = two_images();
    let big = Sample::new();
    for name in ["test/big:latest", "test/big", "test/big:1", "1", "docker.io/test/big"] {
        big.expect(&agree_with(&tar, &["--image", name]));
    }
    let hex = small.trim_start_matches("sha256:");
    for name in ["small:v2", "v2", "docker.io/library/small:v2", &small, hex, &hex[..12], &small[..19]] {
        let report = agree_with(&tar, &["--image", name]);
        assert_eq!((&report["image"]["id"], &report["totals"]["shippedBytes"]), (&json!(small), &json!(7)), "{name}");
    }
}

#[test]
fn several_images_and_no_choice() {
    let (tar, _) = two_images();
    let ran = read_stdin(&tar, &[]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("several images") && ran.stderr.contains("--image"), "{}", ran.stderr);
    assert!(ran.stderr.contains("test/big:latest, test/big:1, docker.io/library/small:v2"), "{}", ran.stderr);
}

#[test]
fn no_such_image() {
    let (tar, small) = two_images();
    // Too short a piece of an id is no id.
    for name in ["other", "big", &small[7..11]] {
        let ran = read_stdin(&tar, &["--image", name]);
        assert_eq!(ran.code, 3);
        assert!(
            ran.stderr.contains(&format!("no image '{name}'")) && ran.stderr.contains("it holds: test/big"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn several_tags_in_a_layout() {
    let big = Sample::new();
    let small = vec![Layer::new().filled("only", 7, 7).finish()];
    let mut oci = Oci::default();
    let one = named(oci.image("linux/amd64", &big.0, gzip), "docker.io/test/big:1");
    let two = tagged(oci.image("linux/amd64", &small, gzip), "small");
    let tar = oci.archive(&[one, two]);
    big.expect(&agree_with(&tar, &["--image", "test/big:1"]));
    big.expect(&agree_with(&tar, &["--image", "1"]));
    assert_eq!(agree_with(&tar, &["--image", "small"])["totals"]["shippedBytes"], 7);
    assert_eq!(read_stdin(&tar, &[]).code, 3);
}

#[test]
fn several_platforms() {
    let sample = Sample::new();
    let arm = vec![Layer::new().filled("arm", 42, 7).finish()];
    let mut oci = Oci::default();
    let manifests = [
        oci.image("linux/amd64", &sample.0, gzip),
        oci.image("linux/arm64/v8", &arm, gzip),
        oci.image("linux/arm/v7", &[Layer::new().filled("v7", 7, 7).finish()], gzip),
        oci.image("linux/arm/v6", &[Layer::new().filled("v6", 6, 7).finish()], gzip),
    ];
    let flat = oci.archive(&manifests);
    let index = oci.index(&manifests);
    let nested = oci.archive(&[tagged(index, "latest")]);
    for tar in [&flat, &nested] {
        sample.expect(&agree_with(tar, &["--platform", "linux/amd64"]));
        sample.expect(&agree_with(tar, &["--platform", "Linux/x86_64"]));
        let shipped =
            |platform: &str| agree_with(tar, &["--platform", platform])["totals"]["shippedBytes"].as_u64().unwrap();
        assert_eq!(shipped("linux/arm64"), 42);
        assert_eq!(shipped("linux/aarch64"), 42);
        assert_eq!(shipped("linux/arm/v6"), 6);
        assert_eq!(shipped("linux/arm/v7"), 7);
        let ran = read_stdin(tar, &["--platform", "windows/amd64"]);
        assert_eq!(ran.code, 3);
        assert!(ran.stderr.contains("not there for windows/amd64"), "{}", ran.stderr);
        assert!(ran.stderr.contains("linux/amd64, linux/arm64/v8, linux/arm/v7, linux/arm/v6"), "{}", ran.stderr);
    }
}

#[test]
fn this_machines_platform_is_taken_by_itself() {
    let sample = Sample::new();
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let host = format!("linux/{architecture}");
    let mut oci = Oci::default();
    let other = oci.image("linux/s390x", &[Layer::new().finish()], gzip);
    let own = oci.image(&host, &sample.0, gzip);
    let mut report = agree_with(&oci.archive(&[other.clone(), own]), &[]);
    assert_eq!(report["image"]["platform"].take(), host.as_str());
    assert_eq!(report["totals"]["shippedBytes"], 2100);
    // A single image is read whatever it is for.
    assert_eq!(agree_with(&oci.archive(std::slice::from_ref(&other)), &[])["image"]["platform"], "linux/s390x");
    let foreign = oci.image("linux/riscv64", &[Layer::new().filled("r", 1, 1).finish()], gzip);
    let ran = read_stdin(&oci.archive(&[other, foreign]), &[]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.contains("not for this machine's") && ran.stderr.contains("linux/s390x, linux/riscv64"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_platform_that_only_the_index_knows() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let here = oci.image("linux/amd64", &sample.0, gzip);
    let absent = Oci::default().image("linux/arm64", &sample.0, gzip);
    let index = oci.index(&[here, absent]);
    let tar = oci.archive(&[tagged(index, "latest")]);
    sample.expect(&agree_with(&tar, &["--platform", "linux/amd64"]));
    let ran = read_stdin(&tar, &["--platform", "linux/arm64"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("not there for linux/arm64"), "{}", ran.stderr);
    assert!(ran.stderr.contains("the contents are not in the archive"), "{}", ran.stderr);
    assert!(ran.stderr.contains("it is there for: linux/amd64"), "{}", ran.stderr);
}

#[test]
fn a_platform_of_a_manifest_json_that_has_one() {
    let tar = docker_archive(&Sample::new().0);
    Sample::new().expect(&agree_with(&tar, &["--platform", "linux/amd64"]));
    let ran = read_stdin(&tar, &["--platform", "linux/arm64"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("not there for linux/arm64") && ran.stderr.contains("linux/amd64"), "{}", ran.stderr);
    let ran = read_stdin(&tar, &["--platform", "arm"]);
    assert_eq!(ran.code, 2);
}

#[test]
fn a_folder_named_like_an_image() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("nginx")).unwrap();
    let read = || {
        layerscope()
            .arg("nginx")
            .current_dir(folder.path())
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .output()
            .unwrap()
    };
    let output = read();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("docker"), "the engine was asked: {said}");
    // A folder that holds an image is what was meant.
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &Sample::new().0, gzip);
    write_members(&folder.path().join("nginx"), &oci.members(&[image]));
    assert_eq!(read().status.code(), Some(0));
    Sample::new().expect(&json_of(&read_file(&folder.path().join("nginx"), &[])));
    // So does the path of a folder without one: the answer is about the folder.
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let output = layerscope().arg("./empty").current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && said.contains("./empty holds no image"), "{said}");
}

#[test]
fn an_archive_in_an_archive_is_not_looked_into() {
    let (tar, _) = two_images();
    let members = archive(&[("image.tar", tar)]);
    // An archive in an archive is not looked into.
    let ran = read_stdin(&members, &[]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("neither a manifest.json nor an index.json"), "{}", ran.stderr);
}
