//! OCI layouts, as an archive and as a folder, and skopeo's `dir:`.

use serde_json::json;

use crate::common::archives::{
    CONFIG, Oci, Sample, agree, agree_with, json_of, plain, read_file, tagged, write_members,
};
use crate::common::image::{archive, config, digest, gzip, hex, zstd};
use crate::common::program::run;

#[test]
fn an_archive_with_several_layers() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, gzip);
    let report = agree(&oci.archive(&[tagged(image.clone(), "latest")]));
    sample.expect(&report);
    assert_eq!(report["image"]["digest"], image["digest"]);
    assert_eq!(report["image"]["id"], digest(&config(&sample.0)));
    assert_eq!(report["layers"][2]["digest"], digest(&gzip(&sample.0[2])));
}

#[test]
fn a_folder_with_and_without_a_tag() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, zstd);
    let folder = tempfile::tempdir().unwrap();
    oci.folder(folder.path(), &[tagged(image, "v1.2")]);
    let path = folder.path().to_str().unwrap();
    for reference in [
        path.to_owned(),
        format!("oci://{path}"),
        format!("oci:{path}"),
        format!("oci:{path}:v1.2"),
        format!("oci://{path}:v1.2"),
    ] {
        sample.expect(&json_of(&run(&[reference.as_str(), "--json", "-"])));
    }
    let ran = run(&[format!("oci:{path}:v9").as_str()]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("no image 'v9'") && ran.stderr.contains("it holds: v1.2"), "{}", ran.stderr);
}

#[test]
fn nested_indexes() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let mut inner = oci.image("linux/amd64", &sample.0, gzip);
    for _ in 0..7 {
        inner = oci.index(&[inner]);
    }
    sample.expect(&agree(&oci.archive(&[tagged(inner, "latest")])));
}

#[test]
fn members_with_a_dot_in_front_and_no_layout_file() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, plain);
    let expected = agree(&oci.archive(std::slice::from_ref(&image)));
    sample.expect(&expected);
    let mut members = oci.members(&[image]);
    members.retain(|(name, _)| name != "oci-layout");
    assert_eq!(agree(&archive(&members)), expected);
    for (name, _) in &mut members {
        name.insert_str(0, "./");
    }
    assert_eq!(agree(&archive(&members)), expected);
}

#[test]
fn the_index_may_stand_first_or_between() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, gzip);
    let last = oci.members(&[image]);
    let expected = agree(&archive(&last));
    for place in [0, 2] {
        let mut members = last.clone();
        let index = members.pop().unwrap();
        members.insert(place, index);
        assert_eq!(agree(&archive(&members)), expected, "{place}");
    }
}

#[test]
fn what_macos_adds_is_passed_over() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, gzip);
    let mut members = oci.members(&[image]);
    let expected = agree(&archive(&members));
    // AppleDouble, RFC 1740.
    let double = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ".to_vec();
    let names: Vec<_> = members.iter().map(|(name, _)| name.clone()).collect();
    for name in names {
        let own =
            name.rsplit_once('/').map_or_else(|| format!("._{name}"), |(folder, name)| format!("{folder}/._{name}"));
        let place = members.iter().position(|(known, _)| *known == name).unwrap();
        members.insert(place, (own, double.clone()));
    }
    assert_eq!(agree(&archive(&members)), expected);
}

#[test]
fn a_manifest_without_a_platform_takes_its_configs() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let mut image = oci.image("linux/arm64/v8", &sample.0, gzip);
    image.as_object_mut().unwrap().remove("platform");
    let report = agree(&oci.archive(&[image]));
    sample.expect(&report);
    assert_eq!(report["image"]["platform"], "linux/arm64/v8");
}

#[test]
fn skopeos_dir() {
    let sample = Sample::new();
    let config = config(&sample.0);
    let folder = tempfile::tempdir().unwrap();
    let layer = |layer: &Vec<u8>| json!({ "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": digest(&gzip(layer)) });
    let manifest = json!({
        "schemaVersion": 2, "config": { "mediaType": CONFIG, "digest": digest(&config) },
        "layers": sample.0.iter().map(layer).collect::<Vec<_>>(),
    });
    let mut members: Vec<_> = sample.0.iter().map(|layer| (hex(&gzip(layer)), gzip(layer))).collect();
    members.push((hex(&config), config));
    members.push(("manifest.json".into(), manifest.to_string().into_bytes()));
    members.push(("version".into(), b"Directory Transport Version: 1.1\n".to_vec()));
    write_members(folder.path(), &members);
    let report = json_of(&read_file(folder.path(), &[]));
    sample.expect(&report);
    assert_eq!(report["image"]["digest"], digest(manifest.to_string().as_bytes()));
    // Packed into an archive it is the same.
    assert_eq!(agree(&archive(&members)), report);
}

#[test]
fn one_manifest_under_several_tags_is_one_image() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, gzip);
    let tar = oci.archive(&[tagged(image.clone(), "latest"), tagged(image, "v1")]);
    sample.expect(&agree(&tar));
    sample.expect(&agree_with(&tar, &["--image", "v1"]));
}
