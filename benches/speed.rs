//! Time for the parts of a run on generated images, which are made once under the target folder (2.5 GB).

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)] // It may panic, and each user takes a part.

#[path = "../tests/common/large.rs"]
mod large;

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use large::{Packing, Shape};
use layerscope::analysis::rules::Rules;
use layerscope::analysis::{Analysis, dive, duplicates, efficiency};
use layerscope::report::{Facts, json, text};
use layerscope::session::{self, Loaded, Options, Progress};
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

criterion_group! {
    name = speed;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = reading, meaning
}
criterion_main!(speed);
