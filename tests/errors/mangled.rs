//! Random damage to good archives, the same each time: whatever comes, it is a result or a clear error.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use layerscope::analysis::Analysis;
use layerscope::analysis::rules::Rules;
use layerscope::error::Error;
use layerscope::report::{Facts, dive_json, json, text};
use layerscope::session::{self, Options, Progress};
use layerscope::source::reference::Reference;
use tar::EntryType;

use crate::common::archives::{Oci, Sample, classic};
use crate::common::image::{Layer, docker_archive, gzip, zstd};

/// The same for all: reading them takes longer than reading a damaged archive.
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::built_in().unwrap());

/// Opens an archive as a file and writes every report into a sink.
pub fn open_and_report(bytes: &[u8]) -> Result<(), Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let reference = Reference::Archive { path: file.path().to_owned(), image: None };
    // A size that no archive can have must not be believed: a bomb is told from data after little.
    let limits = layerscope::layer::Limits { free_decoded_bytes: 1 << 26, ..Default::default() };
    let options = Options { verify: true, limits, ..Options::default() };
    let loaded = session::open(&reference, "x", &options, &Arc::new(Progress::default()))?;
    let analysis = Analysis::new(loaded.subject(&RULES));
    let total = analysis.account.total;
    assert_eq!(total.shipped, total.visible + total.hidden());
    let failed: Vec<_> = loaded.layers.iter().map(|layer| layer.failed.clone()).collect();
    assert!(failed.iter().flatten().all(|reason| !reason.is_empty()));
    let facts = Facts {
        reference: &loaded.reference,
        source: &loaded.source,
        image: &loaded.image,
        index: &loaded.index,
        stack: &loaded.stack,
        failed: &failed,
        notes: &[],
        coverage: &[],
        analysis: &analysis,
        dockerfile: None,
        gate: None,
    };
    let mut written = Vec::new();
    text::write(&facts, &mut written).unwrap();
    assert!(!written.contains(&0x1b) && !written.contains(&0), "the text report cannot drive a terminal");
    json::write(&facts, true, &mut std::io::sink()).unwrap();
    dive_json::write(&facts, &mut std::io::sink()).unwrap();
    Ok(())
}

/// xorshift (Marsaglia 2003): the same damage in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below.max(1) as u64).unwrap()
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let place = self.roll(bytes.len());
        let length = (1 + self.roll(1500)).min(bytes.len() - place);
        match self.roll(7) {
            0 => bytes.truncate(place),
            1 => bytes[place] ^= 1 << self.roll(8),
            2 => bytes[place] = b"0\0 /.7xgLKS{\xff"[self.roll(13)],
            3 => drop(bytes.drain(place..place + length)),
            4 => {
                let again = bytes[place..place + length].to_vec();
                let to = self.roll(bytes.len());
                bytes.splice(to..to, again);
            }
            5 => bytes[place..place + length].fill(0),
            _ => {
                let digit = u8::try_from(self.roll(8)).unwrap() + b'0';
                bytes[place] = digit;
            }
        }
    }
}

/// A layer with everything that has a parser of its own.
fn odd_layer() -> Vec<u8> {
    Layer::new()
        .dir("d/")
        .file(format!("d/{}", "long".repeat(60)), "x")
        .pax(&[("path", b"d/pax"), ("SCHILY.xattr.user.a", b"b\nc"), ("mtime", b"1.5")])
        .file("short", "contents")
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"sparse"),
            ("GNU.sparse.realsize", b"4096"),
        ])
        .file("s", [b"1\n1024\n512\n".as_slice(), &[0; 501], &[7; 512]].concat())
        .pax(&[("GNU.sparse.size", b"2048"), ("GNU.sparse.numblocks", b"1"), ("GNU.sparse.map", b"0,512")])
        .file("t", vec![7; 512])
        .hardlink("d/hard", "d/pax")
        .hardlink("early", "late")
        .file("late", "x")
        .symlink("d/soft", "../late")
        .special(EntryType::Char, "null", 1, 3)
        .special(EntryType::Fifo, "fifo", 0, 0)
        .pax_global(&[("comment", b"x")])
        .whiteout("d/gone")
        .opaque("d")
        .file("../up", "")
        .finish()
}

/// Header checksums are made right again: damage that every reader finds at once tests nothing behind it.
fn mend(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512) {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

#[test]
fn damaged_archives() {
    let mut dice = Dice(0x1a5e_25c0_9e00_0001);
    let layers = vec![odd_layer(), Sample::new().0[0].clone(), odd_layer()];
    let mut oci = Oci::default();
    let image = oci.image("linux/amd64", &layers, gzip);
    let archives = [
        docker_archive(&layers),
        classic(&layers),
        oci.archive(&[image]),
        gzip(&docker_archive(&layers)),
        zstd(&classic(&layers)),
    ];
    for round in 0..600 {
        let mut bytes = archives[round % archives.len()].clone();
        for _ in 0..=dice.roll(3) {
            if !bytes.is_empty() {
                dice.damage(&mut bytes);
            }
        }
        if let Err(error) = open_and_report(&bytes) {
            assert_eq!(error.kind().exit_code(), 3, "{error}");
            assert!(!error.to_string().contains(|character: char| character.is_control() && character != '\n'));
        }
    }
}

#[test]
fn damaged_layers_in_good_archives() {
    let mut dice = Dice(0x1a5e_25c0_9e00_0002);
    let good = odd_layer();
    let (mut read, mut refused) = (0, 0);
    for round in 0..1500 {
        let mut layer = good.clone();
        for _ in 0..=dice.roll(3) {
            if !layer.is_empty() {
                dice.damage(&mut layer);
            }
        }
        if round % 4 != 0 {
            mend(&mut layer);
        }
        match open_and_report(&docker_archive(&[Sample::new().0[0].clone(), layer])) {
            Ok(()) => read += 1,
            Err(_) => refused += 1,
        }
    }
    assert_eq!((read, refused), (1500, 0), "a damaged layer never takes the image with it");
}
