//! Peak memory and bytes per entry on large images. `cargo bench --bench memory -- SHAPE ENTRIES` measures one, for
//! example `flat 1000000`; `all 1000000` measures every shape. Every number comes from a process of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)] // It may panic, and each user takes a part.

#[path = "../tests/common/large.rs"]
mod large;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use large::{Packing, Shape, image};
use layerscope::cli::Cli;
use layerscope::session::{self, Progress};
use layerscope::settings::Settings;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["child", work, reference] => child(work, reference),
        [file] if Path::new(file).is_file() => row(file, Path::new(file)),
        [shape, entries] => table(shape, entries.parse().unwrap()),
        _ => table("realistic", 1_000_000),
    }
}

fn table(wanted: &str, entries: u32) {
    println!(
        "{:<26} {:>9} {:>8}   {:>8} {:>6}   {:>8} {:>6}",
        "", "entries", "B/entry", "file MB", "s", "pipe MB", "s"
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for shape in Shape::ALL {
        let name = format!("{shape:?}").to_lowercase();
        if wanted == "all" || wanted == name {
            row(&name, &image(folder, shape, entries, Packing::Plain));
        }
    }
    if matches!(wanted, "all" | "realistic") {
        for packing in [Packing::Gzip, Packing::Zstd] {
            let name = format!("realistic {packing:?}").to_lowercase();
            row(&name, &image(folder, Shape::Realistic, entries, packing));
        }
    }
}

fn row(name: &str, path: &Path) {
    let in_place = path.to_str().unwrap();
    let [index, entries] = measure("index", in_place, Stdio::null());
    let [file, file_time] = measure("report", in_place, Stdio::null());
    let [pipe, pipe_time] = measure("report", "-", File::open(path).unwrap().into());
    println!(
        "{name:<26} {entries:>9} {:>8.1}   {file:>8.1} {file_time:>6.2}   {pipe:>8.1} {pipe_time:>6.2}",
        index / entries
    );
}

/// Two numbers that a child prints last.
fn measure(work: &str, reference: &str, input: Stdio) -> [f64; 2] {
    let program = std::env::current_exe().unwrap();
    let child = Command::new(program).args(["child", work, reference]).stdin(input).stdout(Stdio::null()).output();
    let told = String::from_utf8(child.unwrap().stderr).unwrap();
    let numbers: Vec<f64> = told.lines().last().unwrap().split(' ').map(|word| word.parse().expect(&told)).collect();
    [numbers[0], numbers[1]]
}

#[allow(clippy::cast_precision_loss)]
fn child(work: &str, reference: &str) {
    let start = Instant::now();
    // The text report goes to standard output, every path of the JSON report to nowhere.
    let cli = Cli::parse_from(["layerscope", reference, "--json", "/dev/null", "--files", "--quiet"]);
    let settings = Settings::new(&cli, |_| None, None).unwrap();
    if work == "index" {
        let progress = Arc::new(Progress::default());
        let loaded =
            session::open(settings.reference.as_ref().unwrap(), &settings.typed, &settings.options, &progress).unwrap();
        eprintln!("{} {}", loaded.index.memory(), loaded.index.entries());
        return;
    }
    layerscope::run::run(&settings).unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    let kibibytes: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    eprintln!("{} {}", kibibytes * 1.024 / 1000.0, start.elapsed().as_secs_f64());
}
