//! Time for the parts of a run on generated images, which are made once under the target folder (2.5 GB).

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)] // It may panic, and each user takes a part.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/large.rs"]
mod large;

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::archives::Oci;
use common::image::Layer;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use large::{Packing, Shape};
use layerscope::analysis::rules::Rules;
use layerscope::analysis::{Analysis, dive, duplicates, efficiency};
use layerscope::index::Kind;
use layerscope::index::walk::Live;
use layerscope::layer::{Limits, decode};
use layerscope::report::{Facts, json, text};
use layerscope::session::contents::preview;
use layerscope::session::{self, Job, Loaded, Options, Progress};
use layerscope::source::reference::Reference;

const SIZES: [u32; 2] = [100_000, 1_000_000];

fn image(entries: u32, packing: Packing) -> PathBuf {
    large::image(Path::new(env!("CARGO_TARGET_TMPDIR")), Shape::Realistic, entries, packing)
}

/// Reads an image in place. A pipe's other end, given by its path, is read as the stream that it is.
fn open(path: &Path) -> Loaded {
    let reference = Reference::Archive { path: path.to_owned(), image: None };
    session::open(&reference, "image", &Options::default(), &Arc::new(Progress::default())).unwrap()
}

/// Reads an image from a pipe, as from `docker save`.
fn open_stream(path: &Path) -> Loaded {
    let (read, mut write) = io::pipe().unwrap();
    let mut file = File::open(path).unwrap();
    // A reader that has seen enough closes its end; then the pipe breaks, and that is its right.
    let writer = std::thread::spawn(move || io::copy(&mut file, &mut write).ok());
    let fd = std::os::fd::AsRawFd::as_raw_fd(&read);
    let loaded = open(Path::new(&format!("/dev/fd/{fd}")));
    drop(read);
    writer.join().unwrap();
    loaded
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    group.sampling_mode(SamplingMode::Flat);
    for entries in SIZES {
        group.throughput(Throughput::Elements(u64::from(entries)));
        for (name, packing) in [("in place", Packing::Plain), ("gzip", Packing::Gzip), ("zstd", Packing::Zstd)] {
            let path = image(entries, packing);
            group.bench_function(BenchmarkId::new(name, entries), |bencher| bencher.iter(|| open(&path)));
        }
        let path = image(entries, Packing::Plain);
        group.bench_function(BenchmarkId::new("stream", entries), |bencher| bencher.iter(|| open_stream(&path)));
    }
}

fn meaning(criterion: &mut Criterion) {
    let entries = SIZES[1];
    let loaded = open(&image(entries, Packing::Plain));
    let Loaded { image, index, stack, layers, .. } = &loaded;
    let rules = Rules::built_in().unwrap();
    let analysis = Analysis::new(loaded.subject(&rules));
    let failed: Vec<_> = layers.iter().map(|layer| layer.failed.clone()).collect();
    let facts = Facts {
        reference: "image",
        source: "bench",
        image,
        index,
        stack,
        failed: &failed,
        notes: &[],
        coverage: &[],
        analysis: &analysis,
        dockerfile: None,
        gate: None,
    };
    let mut group = criterion.benchmark_group("1000000 entries");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(u64::from(entries)));
    group.bench_function("account", |bencher| bencher.iter(|| efficiency::account(index, stack)));
    group.bench_function("duplicates", |bencher| {
        bencher.iter(|| duplicates::duplicates(index, stack, &analysis.account));
    });
    group.bench_function("all analyses", |bencher| bencher.iter(|| Analysis::new(loaded.subject(&rules))));
    group.bench_function("dive", |bencher| bencher.iter(|| dive::numbers(index, stack)));
    group.bench_function("text report", |bencher| bencher.iter(|| text::write(black_box(&facts), &mut io::sink())));
    group.bench_function("json report with files", |bencher| {
        bencher.iter(|| json::write(black_box(&facts), true, &mut io::sink()));
    });
}

/// How a layer is packed.
type Pack<'p> = &'p dyn Fn(&[u8]) -> Vec<u8>;

/// Where looking into the last file of a layer of 256 MiB is measured: the layer in gzip, in frames of zstd and as it is.
fn layouts() -> Vec<(&'static str, PathBuf)> {
    let mut state = 1_u32;
    let mut text = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b"abcdefghijklmnop"[usize::from(state.to_be_bytes()[0] >> 4)]
    };
    let layer = (0..256).fold(Layer::new(), |layer, number| {
        layer.file(format!("d/{number}"), (0..1 << 20).map(|_| text()).collect::<Vec<u8>>())
    });
    let layer = [layer.finish()];
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let frames = |bytes: &[u8]| bytes.chunks(4 << 20).flat_map(|part| zstd::encode_all(part, 3).unwrap()).collect();
    let packings: [(&str, Pack<'_>); 3] = [("gzip", &gzip), ("zstd frames", &frames), ("plain", &<[u8]>::to_vec)];
    let layout = |(name, pack): (&'static str, Pack<'_>)| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("look-{name}"));
        if !folder.exists() {
            let mut oci = Oci::default();
            let image = oci.image("linux/amd64", &layer, pack);
            oci.folder(&folder, &[image]);
        }
        (name, folder)
    };
    packings.into_iter().map(layout).collect()
}

/// Against unpacking the layer, which is what it takes where nothing is noted.
fn looking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("look into the last file");
    for (name, path) in layouts() {
        let blobs = std::fs::read_dir(path.join("blobs/sha256")).unwrap().map(|blob| blob.unwrap().path());
        let layer = blobs.max_by_key(|blob| blob.metadata().unwrap().len()).unwrap();
        let reference = Reference::Layout { path, image: None };
        let loaded = session::open(&reference, "image", &Options::default(), &Arc::new(Progress::default())).unwrap();
        let index = &loaded.index;
        let files = index.slots().flat_map(|slot| index.entries_in(slot));
        let entry = files.filter(|id| index.entry(*id).kind == Kind::File).last().unwrap();
        let look = || preview(&loaded, Live { layer: 0, entry }, 1 << 20, &Job::default()).unwrap();
        group.bench_function(name, |bencher| bencher.iter(look));
        let unpack = || {
            let mut tar = decode::peek(File::open(&layer).unwrap()).unwrap().decode(&Limits::default()).unwrap();
            io::copy(&mut tar, &mut io::sink()).unwrap()
        };
        group.bench_function(BenchmarkId::new("unpack all of", name), |bencher| bencher.iter(unpack));
    }
}

criterion_group! {
    name = speed;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = reading, looking, meaning
}
criterion_main!(speed);
