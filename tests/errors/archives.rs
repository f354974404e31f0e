//! Archives that are damaged, cut off, or no archives; files and folders that hold no image.

use std::process::{Command, Stdio};

use super::{expect, expect_both};
use crate::common::archives::Sample;
use crate::common::image::{Layer, archive, docker_archive, gzip, zstd};
use crate::common::program::{layerscope, run, run_with_stdin};

/// An archive of which the first layer is too large to be near the end.
fn large() -> Vec<u8> {
    let noise: Vec<u8> = (0_u32..100_000).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    docker_archive(&[Layer::new().file("noise", noise).finish(), Layer::new().filled("more", 100_000, 1).finish()])
}

#[test]
fn cut_in_the_middle_of_a_layer() {
    let whole = large();
    let cut = &whole[..200_000];
    expect_both(cut, &[], 3, &["cut off", "save the image again"]);
    expect_both(&gzip(&whole)[..100_000], &[], 3, &["cut off", "save the image again"]);
    expect_both(&zstd(&whole)[..100_000], &[], 3, &["cut off", "save the image again"]);
}

#[test]
fn cut_before_the_manifest() {
    let whole = large();
    // Between two members nothing tells but that the manifest is missing.
    let first = Layer::new().file("noise", vec![0; 400_000]).finish().len() + 512;
    expect_both(&whole[..first + 812], &[], 3, &["cut off"]);
    expect_both(&whole[..first], &[], 3, &["neither a manifest.json nor an index.json"]);
}

#[test]
fn cut_in_a_layer_behind_the_manifest() {
    let sample = Sample::new();
    let mut tar = tar::Archive::new(&docker_archive(&sample.0)[..])
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
        })
        .collect::<Vec<_>>();
    tar.reverse();
    let whole = archive(&tar);
    // In the contents of the first layer, which is the last member.
    let cut = &whole[..whole.len() - 1024 - 3000];
    expect_both(cut, &[], 4, &["layer 0 could not be read", "--allow-partial"]);
    expect_both(cut, &["--allow-partial"], 0, &[]);
    let ran = run_with_stdin(&["-", "--json", "-", "--allow-partial"], cut);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["layers"][0]["state"], "failed");
    assert_eq!(report["layers"][1]["state"], "read");
    assert_eq!(report["totals"]["shippedBytes"], 500);
    assert_eq!(report["coverage"][0]["what"], "layer 0");
}

#[test]
fn a_checksum_of_gzip_that_does_not_fit() {
    let mut packed = gzip(&docker_archive(&Sample::new().0));
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    // Everything came by, but nobody knows whether it is right.
    expect_both(&packed, &[], 4, &["the archive cannot be read to its end", "checksum", "--allow-partial"]);
    expect_both(&packed, &["--allow-partial"], 0, &[]);
}

#[test]
fn what_is_no_image() {
    let expected = "expected: the output of docker save";
    expect_both(b"", &[], 3, &["is empty", expected]);
    expect_both(b"just a text\n", &[], 3, &["is not an image archive", "just a text", expected]);
    expect_both(&vec![b'x'; 5000], &[], 3, &["is not an image archive", "\"xxxxxxxxxxxx\"", expected]);
    expect_both(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &[], 3, &["is not an image archive", "\\x89PNG\\r\\n"]);
    expect_both(b"{\"schemaVersion\":2}", &[], 3, &["is a JSON document, not an image", expected]);
    expect_both(&gzip(b"just a text\n"), &[], 3, &["is not an image archive", "after decompression"]);
    expect_both(&gzip(b""), &[], 3, &["is empty", "after decompression"]);
    expect_both(&archive(&[("readme", "hello")]), &[], 3, &["neither a manifest.json nor an index.json"]);
    expect_both(&vec![0; 10_240], &[], 3, &["neither a manifest.json nor an index.json"]);
}

#[test]
fn compressions_that_are_known_by_name() {
    let xz = [b"\xfd7zXZ\0".as_slice(), &[0; 600]].concat();
    expect_both(&xz, &[], 3, &["compressed with xz", "xz -dc FILE | layerscope -"]);
    let bzip2 = [b"BZh91AY&SY".as_slice(), &[0; 600]].concat();
    expect_both(&bzip2, &[], 3, &["compressed with bzip2", "bzip2 -dc FILE | layerscope -"]);
    // In one another they are no archive either.
    expect_both(&gzip(&xz), &[], 3, &["is not an image archive"]);
    expect_both(&gzip(&gzip(&docker_archive(&Sample::new().0))), &[], 3, &["is not an image archive"]);
}

#[test]
fn an_exported_root_file_system() {
    let tar =
        Layer::new().dir("./").dir("./bin/").file("./bin/sh", "x").dir("./etc/").file("./etc/passwd", "y").finish();
    for bytes in [tar.clone(), gzip(&tar)] {
        expect_both(
            &bytes,
            &[],
            3,
            &["plain root file system, not an image", "'bin'", "docker save NAME", "docker import"],
        );
    }
    let docker = Layer::new().file(".dockerenv", "").dir("bin/").finish();
    expect_both(&docker, &[], 3, &["plain root file system", "'.dockerenv'"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    let ran = run(&[folder.path()]);
    expect(&ran, 3, &["holds no image", "unpacked root file system", "docker save"]);
}

#[test]
fn files_and_folders_that_are_not_there() {
    expect(&run(&["/nowhere/image.tar"]), 3, &["cannot read /nowhere/image.tar", "No such file", "docker://NAME"]);
    expect(&run(&["docker-archive:image.tar"]), 3, &["cannot read image.tar", "check the path"]);
    expect(&run(&["oci:/nowhere/layout"]), 3, &["cannot read /nowhere/layout", "No such file"]);
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().to_str().unwrap();
    expect(&run(&[shown]), 3, &["holds no image: there is neither an index.json nor a manifest.json", "OCI layout"]);
    expect(&run(&[format!("docker-archive:{shown}")]), 3, &["is a folder", &format!("oci://{shown}")]);
    let file = folder.path().join("image.tar");
    std::fs::write(&file, docker_archive(&Sample::new().0)).unwrap();
    let ran = run(&[format!("oci:{}", file.display())]);
    expect(&ran, 3, &["is not a folder", "oci-archive://"]);
}

#[test]
fn a_file_that_may_not_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.tar");
    std::fs::write(&file, docker_archive(&Sample::new().0)).unwrap();
    let command =
        |program: &str, arguments: &[&str]| Command::new(program).args(arguments).stderr(Stdio::null()).status();
    assert!(command("chmod", &["000", file.to_str().unwrap()]).unwrap().success());
    let ran = if std::fs::File::open(&file).is_err() {
        run(&[&file])
    } else {
        // Root reads everything; another user does not.
        assert!(command("chmod", &["755", folder.path().to_str().unwrap()]).unwrap().success());
        let program = folder.path().join("layerscope");
        std::fs::copy(env!("CARGO_BIN_EXE_layerscope"), &program).unwrap();
        let output = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .arg(&file)
            .output();
        match output {
            Ok(output) => output.into(),
            Err(error) => return eprintln!("skipped: this is root and there is no setpriv: {error}"),
        }
    };
    expect(&ran, 3, &["cannot read", "Permission denied", "you may not read that file"]);
}

#[test]
fn links_in_a_circle() {
    let manifest = r#"[{"Config":"c.json","RepoTags":null,"Layers":["a/layer.tar"]}]"#;
    let tar = Layer::new()
        .symlink("a/layer.tar", "../b/layer.tar")
        .symlink("b/layer.tar", "../a/layer.tar")
        .file("c.json", r#"{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]}}"#)
        .file("manifest.json", manifest)
        .finish();
    expect_both(&tar, &[], 4, &["layer 0 could not be read", "'a/layer.tar' is missing"]);
    let tar = Layer::new().symlink("manifest.json", "manifest.json").file("x", "x").finish();
    expect_both(&tar, &[], 3, &["neither a manifest.json nor an index.json"]);
}

#[test]
fn a_decompression_bomb() {
    // Gzip cannot grow by more than 1032 and a real layer of zeros is a real layer: this is read in full.
    let layer = Layer::new().filled("zeros", 50_000_000, 0).finish();
    let ran = run_with_stdin(&["-"], &gzip(&docker_archive(&[layer])));
    expect(&ran, 0, &[]);
    // The limits that are in force are those of `Limits`; the library's caller may lower them.
    let limits = layerscope::layer::Limits { free_decoded_bytes: 1 << 20, ratio: 100, ..Default::default() };
    let bomb = zstd(&docker_archive(&[Layer::new().filled("zeros", 50_000_000, 0).finish()]));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bomb.tar.zst");
    std::fs::write(&file, bomb).unwrap();
    let reference = layerscope::source::reference::Reference::Archive { path: file, image: None };
    let options = layerscope::session::Options { limits, ..Default::default() };
    let error = layerscope::session::open(&reference, "bomb", &options, &std::sync::Arc::default()).err().unwrap();
    assert_eq!(error.kind().exit_code(), 3);
    assert!(error.to_string().contains("grows by more than 100 times"), "{error}");
}

#[test]
fn the_writer_may_write_to_its_end() {
    // `docker save | layerscope -` under `set -o pipefail`: what writes must not die of a closed pipe.
    let mut bytes = docker_archive(&Sample::new().0);
    bytes.resize(bytes.len() + 1_000_000, 0);
    let mut child = layerscope().arg("-").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let written = std::io::Write::write_all(&mut pipe, &bytes);
    drop(pipe);
    assert!(child.wait().unwrap().success());
    written.expect("everything was taken");
}
