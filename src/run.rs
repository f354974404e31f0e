//! A run without a screen: read, account, judge, write, and say how it went by the exit code.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use crate::analysis::finding::{About, Severity};
use crate::analysis::packages::Fault;
use crate::analysis::secrets::{Scanner, Search};
use crate::analysis::{Analysis, efficiency};
use crate::cache::{self, Cache, Pruned};
use crate::cli::{CacheWork, Cli, ColourWhen, Command, Format, KeymapName, SortName, UnitsName};
use crate::error::{Error, Kind, Result};
use crate::policy::{Measured, Verdict, judge};
use crate::report::ink::Ink;
use crate::report::{Facts, Gap, dive_json, json, text};
use crate::session::{self, EngineImage, Loaded, Progress};
use crate::settings::{Preferences, Settings, preferences};
use crate::source::reference::Reference;
use crate::ticker::Ticker;
use crate::tui::{self, Choice, Keymap, Left, Picked, Preset, Setup, Sort, Theme};
use crate::units::{self, ago, counted, printable};

/// Exit code of a gate that failed.
pub const GATE_FAILED: u8 = 1;

/// Exit code of a choice that was not made.
const NOTHING_CHOSEN: u8 = 130;

/// Does what was typed; returns the exit code. `environment` looks up a variable; `folder` is where the config file is
/// looked for.
///
/// # Errors
/// Whatever stopped it. A gate that failed is no error.
pub fn start(cli: &Cli, environment: impl Fn(&str) -> Option<String>, folder: Option<&Path>) -> Result<u8> {
    if let Some(Command::Cache(work)) = cli.command {
        return keep_house(work, environment);
    }
    if !cli.print_config {
        // This takes as long as reading a small image does, and another core has nothing to do yet.
        let _ = std::thread::Builder::new().spawn(Scanner::prepare);
        return run(&Settings::new(cli, environment, folder)?);
    }
    let (preferences, themes) = preferences(cli, environment, folder)?;
    // What is printed is right.
    setup(&preferences, themes.as_deref(), false)?;
    let written = io::stdout().write_all(preferences.print().as_bytes());
    written.map_err(|error| Error::output("standard output", &error))?;
    Ok(0)
}

/// Does what the settings ask for; returns the exit code.
///
/// # Errors
/// Whatever stopped it. A gate that failed is no error.
pub fn run(settings: &Settings) -> Result<u8> {
    if settings.preferences.units == UnitsName::Iec {
        units::use_iec();
    }
    let Some(reference) = &settings.reference else { return choose(settings) };
    let progress = Arc::new(Progress::default());
    if settings.explore {
        let (wanted, loading) = (settings.clone(), Arc::clone(&progress));
        let (reference, rules) = (reference.clone(), settings.rules.clone());
        let load = move || session::open(&reference, &wanted.typed, &wanted.options, &loading);
        let left = tui::explore(&settings.typed, &explorer(settings)?, &progress, rules, load)?;
        return if settings.print_selection { print_selection(left) } else { Ok(0) };
    }
    let ticker = Ticker::start(&progress, !settings.quiet && io::stderr().is_terminal());
    let loaded = session::open(reference, &settings.typed, &settings.options, &progress);
    ticker.stop();
    let loaded = loaded?;

    let analysis = Analysis::new(loaded.subject(&settings.rules));
    let failed: Vec<_> = loaded.layers.iter().map(|layer| layer.failed.clone()).collect();
    let partial = unread(&failed).or_else(|| loaded.broken.clone());
    let measured = Measured {
        efficiency: analysis.dive.efficiency,
        wasted_bytes: analysis.dive.wasted_bytes,
        user_wasted_percent: analysis.dive.user_wasted_percent,
    };
    let gate = settings.gate.as_ref().map(|limits| {
        let mut verdict = judge(limits, &measured);
        if let Some(least) = settings.fail_on {
            verdict = verdict.with_findings(least.word(), &grave(&loaded, &analysis, least));
        }
        match &partial {
            Some(reason) if !settings.allow_partial => verdict.incomplete(reason.clone()),
            _ => verdict,
        }
    });
    let facts = Facts {
        reference: &loaded.reference,
        source: &loaded.source,
        image: &loaded.image,
        index: &loaded.index,
        stack: &loaded.stack,
        failed: &failed,
        notes: &notes(&loaded, &analysis.account),
        coverage: &coverage(&loaded, &analysis),
        analysis: &analysis,
        dockerfile: settings.dockerfile.as_ref(),
        gate: gate.as_ref(),
    };
    write(settings, &facts)?;
    match partial {
        Some(reason) if !settings.allow_partial => Err(Error::new(Kind::Partial, reason)
            .hint("the rest is reported above; --allow-partial accepts what could be read")),
        _ => Ok(if gate.as_ref().is_none_or(Verdict::passed) { 0 } else { GATE_FAILED }),
    }
}

/// The findings that are this grave or worse, each in a few words.
fn grave(loaded: &Loaded, analysis: &Analysis, least: Severity) -> Vec<String> {
    let grave = analysis.findings.iter().filter(|finding| finding.severity >= least);
    let words = grave.map(|finding| match finding.about {
        About::Path(path) => format!("{} /{}", finding.rule.id, printable(&loaded.index.path(path))),
        About::Config(_) | About::History(_) | About::Image => finding.rule.id.clone(),
    });
    words.collect()
}

/// Looks after the cache.
///
/// # Errors
/// There is no place for one, or a file of it cannot be removed.
pub fn keep_house(work: CacheWork, environment: impl Fn(&str) -> Option<String>) -> Result<u8> {
    let folder = cache::folder(environment).ok_or_else(|| {
        Error::usage("there is no place for a cache").hint("set HOME or XDG_CACHE_HOME to an absolute path")
    })?;
    let cache = Cache::new(folder, cache::LIMIT);
    let removed = |Pruned { files, bytes }: Pruned| {
        format!("removed {}, {}", counted(files, "file", "files"), units::bytes(bytes))
    };
    let said = match work {
        CacheWork::Info => {
            let held = cache.held();
            format!(
                "folder  {}\nholds   {} and the documents of {}\nsize    {} of at most {}",
                printable(cache.folder().as_os_str().as_encoded_bytes()),
                counted(held.layers, "layer", "layers"),
                counted(held.images, "image", "images"),
                units::bytes(held.bytes),
                units::bytes(cache.limit()),
            )
        }
        CacheWork::Prune => removed(cache.prune()?),
        CacheWork::Clear => removed(cache.clear()?),
    };
    writeln!(io::stdout(), "{said}").map_err(|error| Error::output("standard output", &error))?;
    Ok(0)
}

/// Lets the user choose among the images of the engines, and opens the choice.
fn choose(settings: &Settings) -> Result<u8> {
    let images = session::engine_images();
    let choice = |image: &EngineImage| Choice {
        name: image.name.clone(),
        engine: image.engine.clone(),
        size: image.size,
        age: ago(image.age),
    };
    let (images, choices) = match images {
        Ok(images) => (images.clone(), Ok(images.iter().map(choice).collect())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let (reference, typed) = match tui::pick(&explorer(settings)?, &choices)? {
        Picked::Nothing => return Ok(if settings.print_selection { NOTHING_CHOSEN } else { 0 }),
        Picked::Demo => (Reference::Demo, "demo".to_owned()),
        Picked::Image(place) => (images[place].reference.clone(), images[place].name.clone()),
    };
    run(&Settings { reference: Some(reference), typed, ..settings.clone() })
}

/// How the explorer is to be.
fn explorer(settings: &Settings) -> Result<Setup> {
    let is_plain = settings.colour == ColourWhen::Never;
    let setup = setup(&settings.preferences, settings.themes.as_deref(), is_plain)?;
    Ok(Setup { on_stderr: settings.print_selection, ..setup })
}

fn setup(preferences: &Preferences, themes: Option<&Path>, is_plain: bool) -> Result<Setup> {
    let preset = match preferences.keymap {
        KeymapName::Default => Preset::Default,
        KeymapName::Dive => Preset::Dive,
    };
    let sort = match preferences.sort {
        SortName::Size => Sort::Size,
        SortName::Name => Sort::Name,
        SortName::Count => Sort::Count,
        SortName::Hidden => Sort::Hidden,
        SortName::Time => Sort::Time,
    };
    Ok(Setup {
        theme: Theme::named(if is_plain { "mono" } else { &preferences.theme }, themes)?,
        keymap: Keymap::new(preset, &preferences.keys)?.spelled_out(preferences.ascii),
        ascii: preferences.ascii,
        mouse: preferences.mouse,
        on_stderr: false,
        sort,
        reverse: preferences.reverse,
        fold: preferences.fold,
        split: preferences.split,
    })
}

/// Prints the path that was chosen: as it is where a program reads it, escaped where a terminal shows it.
fn print_selection(left: Left) -> Result<u8> {
    let Left::Chosen(path) = left else { return Ok(NOTHING_CHOSEN) };
    let Some(path) = path else { return Ok(0) };
    let mut out = io::stdout().lock();
    let text = if out.is_terminal() { printable(&path).into_owned().into_bytes() } else { path };
    let written = out.write_all(&text).and_then(|()| out.write_all(b"\n"));
    written.map_err(|error| Error::output("standard output", &error))?;
    Ok(0)
}

/// What could not be read, in a line.
fn unread(failed: &[Option<String>]) -> Option<String> {
    let mut reasons = failed.iter().enumerate().filter_map(|(layer, reason)| Some((layer, reason.as_ref()?)));
    let (layer, reason) = reasons.next()?;
    let others = match reasons.count() {
        0 => String::new(),
        1 => " (and one more layer)".to_owned(),
        more => format!(" (and {more} more layers)"),
    };
    Some(format!("layer {layer} could not be read: {reason}{others}"))
}

/// What was not analysed, with its reason.
fn coverage(loaded: &Loaded, analysis: &Analysis) -> Vec<Gap> {
    let gap = |what: String, reason: String| Gap { what, reason };
    let failed = loaded
        .layers
        .iter()
        .enumerate()
        .filter_map(|(layer, outcome)| Some(gap(format!("layer {layer}"), outcome.failed.clone()?)));
    let mut gaps: Vec<_> = failed.collect();
    gaps.extend(loaded.broken.clone().map(|reason| gap("the end of the archive".into(), reason)));
    gaps.extend(unsearched(loaded));
    gaps.extend(unread_packages(loaded, analysis));
    let (image, layers) = (&loaded.image, loaded.image.layers.len());
    if layers > 0 && image.config.history.is_empty() {
        gaps.push(gap("commands of the layers".into(), "the config has no history".into()));
    }
    if image.config.diff_ids.len() != layers {
        let reason = format!(
            "the config lists {} layers and the manifest {layers}; the manifest counts",
            image.config.diff_ids.len()
        );
        gaps.push(gap("diff ids of the layers".into(), reason));
    }
    gaps
}

/// Files that would tell of packages and could not be read, one line for each reason.
fn unread_packages(loaded: &Loaded, analysis: &Analysis) -> Vec<Gap> {
    let unread = &analysis.packages.unread;
    let reasons = [
        (Fault::NotKept, "their contents were not kept"),
        (Fault::NotOne, "they do not begin as their names say"),
        (Fault::Broken, "they break off, or point outside themselves"),
        (Fault::Encrypted, "they are encrypted"),
        (Fault::TooMuch, "enough had been read already"),
    ];
    let gap = |(fault, reason): (Fault, &str)| {
        let mut files = unread.iter().filter(|unread| unread.fault == fault);
        let first = String::from_utf8_lossy(&loaded.index.path(files.next()?.path)).into_owned();
        let more = match files.count() {
            0 => String::new(),
            more => format!(" and {}", counted(more as u64, "more file", "more files")),
        };
        Some(Gap { what: format!("packages that /{first}{more} may tell of"), reason: reason.to_owned() })
    };
    reasons.into_iter().filter_map(gap).collect()
}

/// Which contents were not looked at.
fn unsearched(loaded: &Loaded) -> Vec<Gap> {
    let missed = loaded.gathered.missed();
    let files = |number: u64| counted(number, "file", "files");
    let off =
        (loaded.gathered.search() == Search::Nothing).then(|| ("secrets in texts".to_owned(), "--no-scan".to_owned()));
    let some = [
        (missed.cut, "secrets in the rest of", "larger than 5 MiB, of which the beginning was searched"),
        (missed.large, "secrets in", "larger than 64 MiB"),
        (missed.unsearched, "secrets in", "8 GiB of texts of their layer had been searched"),
        (missed.no_room, "contents of", "256 MiB of contents had been kept"),
    ];
    let some = some.into_iter().filter(|(number, _, _)| *number > 0);
    let some = some.map(|(number, what, why)| (format!("{what} {}", files(number)), why.to_owned()));
    off.into_iter().chain(some).map(|(what, reason)| Gap { what, reason }).collect()
}

fn notes(loaded: &Loaded, account: &efficiency::Account) -> Vec<String> {
    let mut notes = loaded.notes.clone();
    for (number, (layer, account)) in loaded.layers.iter().zip(&account.layers).enumerate() {
        notes.extend(layer.notes.iter().map(|note| format!("layer {number}: {note}")));
        match account.changes.dangling {
            0 => {}
            1 => notes.push(format!("layer {number}: one whiteout removes nothing, because nothing is there")),
            many => notes.push(format!("layer {number}: {many} whiteouts remove nothing, because nothing is there")),
        }
    }
    if loaded.verified && loaded.layers.iter().all(|layer| layer.failed.is_none()) {
        notes.push("all digests that the image states were verified".into());
    }
    notes
}

fn write(settings: &Settings, facts: &Facts<'_>) -> Result<()> {
    if let Some((path, format)) = &settings.outputs.file {
        to_file(path, |out| data(settings, facts, *format, out))?;
    }
    if settings.outputs.text_on_stderr && !settings.quiet {
        let mut out = BufWriter::new(io::stderr().lock());
        let written = coloured_text(facts, is_coloured(settings, io::stderr().is_terminal()), &mut out);
        written.map_err(|error| Error::output("standard error", &error))?;
    }
    if let Some(format) = settings.outputs.stdout {
        let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        let written = match format {
            Format::Text => coloured_text(facts, is_coloured(settings, io::stdout().is_terminal()), &mut out),
            Format::Json | Format::DiveJson => data(settings, facts, format, &mut out).and_then(|()| out.flush()),
        };
        written.map_err(|error| Error::output("standard output", &error))?;
    }
    Ok(())
}

fn is_coloured(settings: &Settings, is_terminal: bool) -> bool {
    match settings.colour {
        ColourWhen::Auto => is_terminal && std::env::var_os("TERM").is_some_and(|term| term != "dumb"),
        ColourWhen::Always => true,
        ColourWhen::Never => false,
    }
}

fn coloured_text(facts: &Facts<'_>, is_coloured: bool, out: &mut dyn Write) -> io::Result<()> {
    if !is_coloured {
        return text::write(facts, out).and_then(|()| out.flush());
    }
    let mut ink = Ink::new(out);
    text::write(facts, &mut ink).and_then(|()| ink.flush())
}

fn data(settings: &Settings, facts: &Facts<'_>, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::write(facts, out),
        Format::Json => json::write(facts, settings.files, out),
        Format::DiveJson => dive_json::write(facts, out),
    }
}

/// Writes a file whole or not at all: what was there stays until the new one is complete.
fn to_file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let shown = path.display().to_string();
    let is_special = std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    let beside = |end: &str| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(end);
        path.with_file_name(name)
    };
    // A device or a pipe is written to, not replaced.
    let target = if is_special { path.to_owned() } else { beside(&format!(".{}.tmp", std::process::id())) };
    let written = File::create(&target).and_then(|file| {
        let mut out = BufWriter::with_capacity(64 * 1024, file);
        fill(&mut out)?;
        out.flush()?;
        if is_special { Ok(()) } else { std::fs::rename(&target, path) }
    });
    written.map_err(|error| {
        if !is_special {
            // It may not exist; there is nothing more to say about it than what is said below.
            let _ = std::fs::remove_file(&target);
        }
        Error::output(&shown, &error)
    })
}
