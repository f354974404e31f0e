//! One layer that cannot be read: it fails with its reason, the rest is shown.

use serde_json::{Value, json};
use tar::EntryType;

use super::{expect, expect_both};
use crate::common::archives::{Oci, Sample, read_stdin, write_members};
use crate::common::image::{Layer, archive, config, digest, docker_archive, gzip, hex, zstd};
use crate::common::program::{run, run_with_stdin};

/// The sample with its middle layer's blob replaced.
fn with_middle(blob: &[u8]) -> Vec<u8> {
    let sample = Sample::new();
    let manifest = json!([{ "Config": "c.json", "RepoTags": null, "Layers": ["0.tar", "1.tar", "2.tar"] }]);
    archive(&[
        ("0.tar", &sample.0[0][..]),
        ("1.tar", blob),
        ("2.tar", &sample.0[2]),
        ("c.json", &config(&sample.0)),
        ("manifest.json", manifest.to_string().as_bytes()),
    ])
}

/// The middle layer fails for that reason; the others are read; the exit code is 4, or 0 where that is accepted.
#[track_caller]
fn fails(blob: &[u8], words: &str) {
    let tar = with_middle(blob);
    expect_both(&tar, &[], 4, &["layer 1 could not be read", words, "--allow-partial"]);
    expect_both(&tar, &["--allow-partial"], 0, &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.tar");
    std::fs::write(&file, &tar).unwrap();
    let in_place = run(&[file.to_str().unwrap(), "--json", "-"]);
    let reports = [in_place, read_stdin(&tar, &[])].map(|ran| serde_json::from_str::<Value>(&ran.stdout).unwrap());
    assert_eq!(reports[0]["layers"], reports[1]["layers"], "in place and from standard input");
    let layers = &reports[0]["layers"];
    let states = [0, 1, 2].map(|layer: usize| layers[layer]["state"].as_str().unwrap());
    assert_eq!(states, ["read", "failed", "read"]);
    assert!(layers[1]["reason"].as_str().unwrap().contains(words));
    assert_eq!(layers[1]["shippedBytes"], 0);
    // Without the second layer nothing hides anything.
    assert_eq!(reports[0]["totals"]["shippedBytes"], 1800);
    assert_eq!(reports[0]["totals"]["hiddenBytes"], 0);
    assert_eq!(reports[0]["coverage"][0]["what"], "layer 1");
    let text = run_with_stdin(&["-"], &tar).stdout;
    assert!(text.contains("1  not read: ") && text.contains("Not analysed:"), "{text}");
}

#[test]
fn a_header_with_a_bad_checksum() {
    let mut layer = Sample::new().0[1].clone();
    layer[512 + 20] ^= 1;
    fails(&layer, "the tar header at byte 512 has a bad checksum");
    fails(&gzip(&layer), "the tar header at byte 512 has a bad checksum");
    fails(&zstd(&layer), "the tar header at byte 512 has a bad checksum");
}

#[test]
fn what_is_no_tar() {
    fails(b"hello", "it is not a tar archive");
    fails(b"{\"a\":1}", "it is not a tar archive (it begins with \"{\\\"a\\\":1}\")");
    fails(b"", "it is empty");
    fails(&gzip(b"hello, this is not a tar"), "it ends in the middle");
    fails(&[b"BZh91AY&SY".as_slice(), &[0; 600]].concat(), "compressed with bzip2");
    fails(&[b"\xfd7zXZ\0".as_slice(), &[0; 600]].concat(), "compressed with xz");
    fails(&[b"hsqs".as_slice(), &[0; 600]].concat(), "squashfs");
}

#[test]
fn a_layer_that_ends_early() {
    let layer = &Sample::new().0[0];
    fails(&layer[..2000], "it ends in the middle: 536 more bytes were expected at byte 2000");
    fails(&layer[..1700], "it ends in the middle");
    fails(&gzip(layer)[..60], "it ends in the middle");
    fails(&zstd(layer)[..60], "it ends in the middle");
}

#[test]
fn a_layer_with_a_bad_gzip_checksum() {
    let mut packed = gzip(&Sample::new().0[1]);
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    fails(&packed, "checksum");
}

#[test]
fn numbers_and_records_that_are_none() {
    let file = |change: fn(&mut tar::Header)| {
        let mut header = Layer::new().header(EntryType::Regular, 0);
        header.as_old_mut().name[0] = b'x';
        change(&mut header);
        header.set_cksum();
        Layer::new().raw(header, &[]).finish()
    };
    fails(&file(|header| header.as_old_mut().size = *b"12345678x\0\0\0"), "the tar header at byte 0 has a bad size");
    fails(&file(|header| header.as_old_mut().size = [0xff; 12]), "bad size");
    fails(&file(|header| header.as_old_mut().mtime = *b"????????????"), "bad mtime");
    fails(&Layer::new().pax(&[("size", b"-1")]).file("x", "").finish(), "bad size");
    fails(&Layer::new().pax(&[("mtime", b"soon")]).file("x", "").finish(), "bad mtime");
    let mut header = Layer::new().header(EntryType::XHeader, 9);
    header.as_old_mut().name[0] = b'p';
    header.set_cksum();
    fails(&Layer::new().raw(header, b"99 a=b\n\n\n").file("x", "").finish(), "the PAX header at byte 0 is broken");
}

#[test]
fn names_over_the_limits() {
    let long = "d/".repeat(20_000);
    fails(&Layer::new().file(&long, "").finish(), "a name of 40000 bytes is over the limit of 32768");
    let deep = format!("{}f", "d/".repeat(3000));
    fails(&Layer::new().file(&deep, "").finish(), "a name 3001 folders deep is over the limit of 2048");
    let mut header = Layer::new().header(EntryType::GNULongName, 2 << 20);
    header.as_old_mut().name[0] = b'L';
    header.set_cksum();
    fails(
        &Layer::new().raw(header, &vec![b'a'; 2 << 20]).file("x", "").finish(),
        "a header of 2097152 bytes is over the limit",
    );
}

#[test]
fn a_size_that_no_disk_has() {
    let mut header = Layer::new().header(EntryType::Regular, 0);
    header.as_old_mut().name[0] = b'x';
    header.set_size(u64::MAX >> 2);
    header.set_cksum();
    fails(&Layer::new().raw(header, b"little").finish(), "it ends in the middle");
}

#[test]
fn a_blob_that_is_missing() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, gzip);
    let lost = digest(&gzip(&sample.0[1]));
    oci.lose(&json!({ "digest": lost }));
    let name = lost.replace(':', "/");
    let tar = oci.archive(std::slice::from_ref(&image));
    expect_both(&tar, &[], 4, &["layer 1 could not be read", &format!("blob 'blobs/{name}' is missing")]);
    let folder = tempfile::tempdir().unwrap();
    oci.folder(folder.path(), &[image]);
    expect(&run(&[folder.path()]), 4, &["layer 1 could not be read", "is missing"]);
}

#[test]
fn a_foreign_layer() {
    for kind in [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
    ] {
        let sample = Sample::new();
        let mut oci = Oci::default();
        let layers: Vec<_> = sample.0.iter().map(|layer| oci.put(kind, layer)).collect();
        let config = oci.put("", &config(&sample.0));
        let image = oci.document("", &json!({ "config": config, "layers": layers.clone() }));
        // Where it is there, it is a layer as any other.
        expect_both(&oci.archive(std::slice::from_ref(&image)), &[], 0, &[]);
        oci.lose(&layers[0]);
        expect_both(&oci.archive(&[image]), &[], 4, &["layer 0 could not be read", "foreign layer"]);
    }
}

#[test]
fn a_name_that_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["../../../../../../../../etc/passwd", "/etc/passwd", "blobs/../../x", "..", ".", ""] {
        let manifest = json!([{ "Config": "c.json", "RepoTags": null, "Layers": [name] }]);
        let members = [
            ("c.json".to_owned(), config(&[vec![0; 1024]])),
            ("manifest.json".to_owned(), manifest.to_string().into_bytes()),
        ];
        write_members(folder.path(), &members);
        std::fs::write(folder.path().join("x"), vec![0; 1024]).unwrap();
        let missing = format!("'{name}' is missing");
        expect(&run(&[folder.path()]), 4, &["layer 0 could not be read", &missing]);
        expect_both(&archive(&members), &[], 4, &["layer 0 could not be read", &missing]);
        // A config cannot be had from there either.
        let manifest = json!([{ "Config": name, "RepoTags": null, "Layers": [] }]);
        std::fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
        expect(&run(&[folder.path()]), 3, &[&format!("config '{name}' is missing")]);
    }
}

#[test]
fn digests_that_do_not_fit() {
    let sample = Sample::new();
    let good = docker_archive(&sample.0);
    expect_both(&good, &["--verify"], 0, &[]);
    let verified = run_with_stdin(&["-", "--verify"], &good).stdout;
    assert!(verified.contains("all digests that the image states were verified"), "{verified}");

    // The blob is another than its name says.
    let name = |bytes: &[u8]| format!("blobs/sha256/{}", hex(bytes));
    let config = config(&sample.0);
    let manifest = json!([{ "Config": name(&config), "RepoTags": null, "Layers": [name(&sample.0[0]), name(&sample.0[1]), name(&sample.0[2])] }]);
    let members = |middle: &[u8], config_is: &[u8]| {
        archive(&[
            (name(&sample.0[0]), sample.0[0].clone()),
            (name(&sample.0[1]), middle.to_vec()),
            (name(&sample.0[2]), sample.0[2].clone()),
            (name(&config), config_is.to_vec()),
            ("manifest.json".into(), manifest.to_string().into_bytes()),
        ])
    };
    let other = Layer::new().file("evil", "x").finish();
    let swapped = members(&other, &config);
    expect_both(&swapped, &[], 0, &[]);
    let said = format!("its digest is {}, not {} as stated", digest(&other), digest(&sample.0[1]));
    expect_both(&swapped, &["--verify"], 4, &["layer 1 could not be read", &said]);

    // A config that was touched.
    let touched = [&config[..], b" "].concat();
    let swapped = members(&sample.0[1], &touched);
    expect_both(&swapped, &[], 0, &[]);
    let said = format!("its digest is {}, not {} as stated", digest(&touched), digest(&config));
    expect_both(&swapped, &["--verify"], 3, &["the image's config", &said]);
}

#[test]
fn diff_ids_and_manifests_that_do_not_fit() {
    let sample = Sample::new();
    let mut lie: Value = serde_json::from_slice(&config(&sample.0)).unwrap();
    lie["rootfs"]["diff_ids"][2] = json!(digest(b"other"));
    let mut oci = Oci::default();
    let packed: Vec<_> = sample.0.iter().map(|layer| gzip(layer)).collect();
    let image = oci.image_of("linux/amd64", lie.to_string().as_bytes(), &packed);
    let tar = oci.archive(std::slice::from_ref(&image));
    let said = format!("its diff id is {}, not {} as stated", digest(&sample.0[2]), digest(b"other"));
    expect_both(&tar, &["--verify"], 4, &["layer 2 could not be read", &said]);

    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, gzip);
    expect_both(&oci.archive(std::slice::from_ref(&image)), &["--verify"], 0, &[]);
    let manifest = oci.blobs.iter_mut().find(|(digest, _)| image["digest"] == digest.as_str()).unwrap();
    manifest.1.push(b' ');
    let now = digest(&manifest.1);
    let tar = oci.archive(std::slice::from_ref(&image));
    expect_both(&tar, &[], 0, &[]);
    expect_both(&tar, &["--verify"], 3, &["manifest", &now, image["digest"].as_str().unwrap()]);
}
