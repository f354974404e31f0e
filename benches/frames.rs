//! How long a key waits for the frame that answers it, with a million entries loaded and while they arrive. The image is
//! made once under the target folder. Another number of entries: `cargo bench --bench frames -- 100000`.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)] // It may panic, and each user takes a part.

#[path = "../tests/common/large.rs"]
mod large;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use large::{Packing, Shape};
use layerscope::analysis::rules::Rules;
use layerscope::session::{self, Options, Progress};
use layerscope::source::reference::Reference;
use layerscope::tui::measure::{Desk, Wait};

const ENTRIES: u32 = 1_000_000;

/// To the last of ten layers and back.
const LAYERS: &str = "}}}}}}}}}{{{{{{{{{";

/// The wait that nobody notices: a frame of a screen of 60 Hz.
const TARGET: Duration = Duration::from_millis(16);

/// A key held down, and somebody who types fast.
const HELD: Duration = Duration::from_millis(33);
const TYPED: Duration = Duration::from_millis(120);

fn main() {
    let entries = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(ENTRIES);
    println!(
        "{entries} entries, 140x40, in milliseconds: from the key to its frame by the clock; what of it the screen's"
    );
    println!("thread worked; and its longest work on one message, for which a key may have to wait.\n");
    println!("| what | keys | p50 | p99 | worked p99 | longest | |");
    println!("| --- | --: | --: | --: | --: | --: | --- |");

    let mut desk = desk(entries, Packing::Plain);
    desk.settle().unwrap();
    let mut measure = |what: &str, before: &str, keys: &str, every: Duration, after: &str| {
        desk.press(before, TYPED).unwrap();
        desk.settle().unwrap();
        desk.longest_step();
        let waits = desk.press(keys, every).unwrap();
        desk.settle().unwrap();
        tell(what, &waits, desk.longest_step());
        desk.press(after, TYPED).unwrap();
        desk.settle().unwrap();
    };
    measure("walk, closed", "G", &"kj".repeat(100), HELD, "gg");
    measure("change layer, key held", "", &LAYERS.repeat(5), HELD, "");
    measure("change layer, one by one", "", &LAYERS.repeat(2), Duration::from_millis(500), "");
    measure("image up to here, layer by layer", "v", &LAYERS.repeat(2), TYPED, "");
    measure("sort", "v}}}v", &"s".repeat(30), TYPED, "");
    measure("filter, typed and wiped", "", &format!("/index.js{}", "\u{8}".repeat(9)).repeat(3), TYPED, "\u{1b}");
    measure("filter by glob", "", "/*.so*\n", TYPED, "\u{1b}");
    measure("go to, typed and wiped", "", &format!(":nodindex{}", "\u{8}".repeat(8)).repeat(3), TYPED, "\u{1b}");
    measure("open everything, close everything", "", &"*_".repeat(10), Duration::from_millis(700), "");
    measure("walk, everything open", "gg*", &"j".repeat(200), HELD, "");
    measure("top and end, everything open", "", &"Gggg".repeat(25), HELD, "");
    measure("sort, everything open", "", &"s".repeat(20), Duration::from_millis(700), "");
    measure("findings and back", "", &"2j1".repeat(20), TYPED, "");
    drop(desk);

    let mut desk = self::desk(entries, Packing::Gzip);
    desk.wait_for_rows().unwrap();
    desk.longest_step();
    let mut waits = Vec::new();
    loop {
        waits.extend(desk.press("j}kvjj{vsS", Duration::from_millis(50)).unwrap());
        if !desk.is_reading() {
            break;
        }
    }
    tell("all of these while the image is read", &waits, desk.longest_step());
}

fn desk(entries: u32, packing: Packing) -> Desk {
    let path: PathBuf = large::image(Path::new(env!("CARGO_TARGET_TMPDIR")), Shape::Realistic, entries, packing);
    let progress = Arc::new(Progress::default());
    let watched = Arc::clone(&progress);
    let load = move || {
        let reference = Reference::Archive { path, image: None };
        session::open(&reference, "image", &Options::default(), &watched)
    };
    Desk::new(worked, &progress, Rules::built_in().unwrap(), load).unwrap()
}

fn tell(what: &str, waits: &[Wait], longest: Duration) {
    type Part = fn(&Wait) -> Duration;
    let at = |share: usize, part: Part| {
        let mut parts: Vec<_> = waits.iter().map(part).collect();
        parts.sort_unstable();
        parts[(parts.len() * share / 100).min(parts.len() - 1)]
    };
    let (passed, worked): (Part, Part) = (|wait| wait.passed, |wait| wait.worked);
    let milliseconds = |wait: Duration| format!("{:.2}", wait.as_secs_f64() * 1000.0);
    // Who comes in the midst of other work waits for both. A machine that does other things adds its own waits.
    let own = at(99, worked) + longest;
    let verdict = match (at(99, passed) <= TARGET, longest > Duration::ZERO && own <= TARGET) {
        (true, _) => "",
        (false, true) => "over 16 on a busy machine",
        (false, false) => "over 16",
    };
    println!(
        "| {what} | {} | {} | {} | {} | {} | {verdict} |",
        waits.len(),
        milliseconds(at(50, passed)),
        milliseconds(at(99, passed)),
        milliseconds(at(99, worked)),
        milliseconds(longest),
    );
}

/// The time that this thread was on a processor, as Linux counts it (proc(5), `schedstat`, the first number, in
/// nanoseconds). Elsewhere it is not known, and counts as none.
fn worked() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0))
}
