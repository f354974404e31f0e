//! Compression of layers and of archives: told by magic bytes, whatever names and media types say.

use serde_json::json;

use crate::common::archives::{DOCKER_KEYS, Oci, Sample, agree, docker_members, json_of, plain, read_file};
use crate::common::image::{Layer, archive, config, docker_archive, gzip, hex, zstd};
use crate::common::program::run_with_stdin;

/// One gzip member for each entry and one for the index behind them, as estargz packs a layer.
fn estargz(layer: &[u8]) -> Vec<u8> {
    let mut tar = tar::Archive::new(layer);
    let mut starts: Vec<usize> =
        tar.entries().unwrap().map(|entry| usize::try_from(entry.unwrap().raw_header_position()).unwrap()).collect();
    starts.push(layer.len() - 1024);
    let mut packed: Vec<u8> = starts.windows(2).flat_map(|part| gzip(&layer[part[0]..part[1]])).collect();
    packed.extend(gzip(&layer[layer.len() - 1024..]));
    packed
}

/// The layer as estargz has it: its index is a file of the layer, and the last one.
fn with_index(layer: &[u8]) -> Vec<u8> {
    let index = Layer::new().file("stargz.index.json", r#"{"version":1,"entries":[]}"#).finish();
    [&layer[..layer.len() - 1024], &index].concat()
}

/// Several frames with skippable ones between and behind them, as zstd:chunked packs a layer.
fn zstd_chunked(layer: &[u8]) -> Vec<u8> {
    let skippable = |number: u8, size: usize| {
        let length = u32::try_from(size).unwrap().to_le_bytes();
        [&[0x50 + number, 0x2a, 0x4d, 0x18], &length[..], &vec![0xab; size]].concat()
    };
    let mut packed = skippable(0, 9);
    for part in layer.chunks(700) {
        packed.extend(zstd(part));
        packed.extend(skippable(15, 3));
    }
    // The manifest of the chunks and the footer.
    packed.extend(skippable(0, 2000));
    packed.extend(skippable(0, 64));
    packed
}

#[test]
fn estargz_layers() {
    let sample = Sample::new();
    let layers: Vec<_> = sample.0.iter().map(|layer| with_index(layer)).collect();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &layers, estargz);
    let report = agree(&oci.archive(&[image]));
    // The index is a file of the layer to everybody who does not know it: 26 bytes in each, of which the last counts.
    assert_eq!(report["totals"]["shippedBytes"], 2100 + 3 * 26);
    assert_eq!(report["totals"]["rewrittenBytes"], 2 * 26);
    let last = report["files"].as_array().unwrap().iter().find(|file| file["path"] == "/stargz.index.json").unwrap();
    assert_eq!(last["versions"].as_array().unwrap().len(), 3);
    let mut plainly = Oci::default();
    let image = plainly.image("linux/amd64", &layers, plain);
    assert_eq!(agree(&plainly.archive(&[image]))["totals"], report["totals"]);
}

/// BuildKit keeps a layer's tar as it is, and puts the index behind its end: there it is no file to anybody. The footer is
/// a member of 51 bytes without contents, which says in its header where the index is.
#[test]
fn estargz_layers_of_buildkit() {
    let sample = Sample::new();
    let index = Layer::new().file("stargz.index.json", r#"{"version":1,"entries":[]}"#).finish();
    let layers: Vec<_> = sample.0.iter().map(|layer| [&layer[..], &index].concat()).collect();
    let pack = |layer: &[u8]| {
        let mut packed: Vec<u8> = layer.chunks(700).flat_map(gzip).collect();
        let subfield = format!("SG\x16\0{:016x}STARGZ", packed.len());
        packed.extend([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0]);
        packed.extend(subfield.as_bytes());
        // One stored block of nothing, then the checksum and the size of nothing.
        packed.extend([1, 0, 0, 0xff, 0xff]);
        packed.extend([0; 8]);
        packed
    };
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &layers, pack);
    let report = agree(&oci.archive(&[image]));
    assert_eq!(report["totals"]["shippedBytes"], 2100);
    assert!(report["files"].as_array().unwrap().iter().all(|file| file["path"] != "/stargz.index.json"));
}

#[test]
fn zstd_chunked_layers() {
    let sample = Sample::new();
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, zstd_chunked);
    sample.expect(&agree(&oci.archive(&[image])));
}

#[test]
fn each_layer_may_be_packed_in_its_own_way() {
    let sample = Sample::new();
    let blobs = [gzip(&sample.0[0]), zstd(&sample.0[1]), sample.0[2].clone()];
    let mut oci = Oci::default();
    let image = oci.image_of("linux/amd64", &config(&sample.0), &blobs);
    sample.expect(&agree(&oci.archive(&[image])));
}

#[test]
fn names_lie() {
    let sample = Sample::new();
    for (pack, end) in [(gzip as fn(&[u8]) -> Vec<u8>, "tar"), (zstd, "tar.gz"), (plain, "tar.gz"), (plain, "json")] {
        let name = |hex: &str| format!("{hex}/layer.{end}");
        let members = docker_members(&sample.0, pack, name, |hex| format!("{hex}.json"), DOCKER_KEYS);
        sample.expect(&agree(&archive(&members)));
    }
}

#[test]
fn media_types_lie() {
    let sample = Sample::new();
    for kind in [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "text/plain",
        "",
    ] {
        let mut oci = Oci::default();
        let layers: Vec<_> = sample.0.iter().map(|layer| oci.put(kind, &gzip(layer))).collect();
        let config = oci.put("application/octet-stream", &config(&sample.0));
        let image = oci.document("application/json", &json!({ "config": config, "layers": layers }));
        sample.expect(&agree(&oci.archive(&[image])));
    }
    // Plain tars under a name that says gzip: `image` always says gzip.
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &sample.0, plain);
    sample.expect(&agree(&oci.archive(&[image])));
}

#[test]
fn the_name_of_an_archive_lies() {
    let sample = Sample::new();
    let folder = tempfile::tempdir().unwrap();
    let archive = docker_archive(&sample.0);
    for (name, bytes) in
        [("a.tar", gzip(&archive)), ("b.tar.gz", archive.clone()), ("c.tar.gz", zstd(&archive)), ("d", gzip(&archive))]
    {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        sample.expect(&json_of(&read_file(&file, &[])));
    }
}

#[test]
fn a_compressed_archive_of_several_members_and_on_standard_input() {
    let sample = Sample::new();
    let archive = docker_archive(&sample.0);
    let half = archive.len() / 2;
    for packed in [
        [gzip(&archive[..half]), gzip(&archive[half..])].concat(),
        [zstd(&archive[..half]), zstd(&archive[half..])].concat(),
    ] {
        sample.expect(&json_of(&run_with_stdin(&["-", "--json", "-"], &packed)));
    }
}

#[test]
fn an_archive_without_its_end_blocks_and_one_with_many() {
    let sample = Sample::new();
    let archive = docker_archive(&sample.0);
    sample.expect(&agree(&archive[..archive.len() - 1024]));
    sample.expect(&agree(&[&archive[..], &vec![0; 64 * 1024]].concat()));
}

#[test]
fn a_pipe_on_the_command_line() {
    let sample = Sample::new();
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("image.tar");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let (path, archive) = (fifo.clone(), docker_archive(&sample.0));
    let writer = std::thread::spawn(move || std::fs::write(path, archive));
    sample.expect(&json_of(&read_file(&fifo, &[])));
    writer.join().unwrap().unwrap();
}

#[test]
fn layers_of_sixty_four_digits_without_an_end() {
    // What `dir:` and some mirrors write: the bare digits.
    let sample = Sample::new();
    let members = docker_members(&sample.0, gzip, str::to_owned, str::to_owned, DOCKER_KEYS);
    assert_eq!(members[1].0, hex(&gzip(&sample.0[0])));
    sample.expect(&agree(&archive(&members)));
}
