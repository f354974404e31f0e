//! The text report: our exact numbers, and below them the lines that scripts made for dive look for.

use std::io::{self, Write};

use super::{Facts, findings, packages};
use crate::analysis::duplicates::duplicate_bytes;
use crate::analysis::efficiency::{Fate, LayerAccount};
use crate::analysis::secrets::shown_command;
use crate::image::Layer;
use crate::index::walk::Live;
use crate::index::{Differs, Kind};
use crate::units::{bytes, count, counted, humanize, percent, printable};

/// Lines in lists that are cut short.
const SHOWN: usize = 10;

/// Columns for a layer's command.
const COMMAND_WIDTH: usize = 60;

/// Writes the report. With a verdict dive's list is written whole, as dive does.
///
/// # Errors
/// Whatever writing gives.
pub fn write(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    head(facts, out)?;
    layers(facts, out)?;
    totals(facts, out)?;
    hidden_files(facts, out)?;
    duplicates(facts, out)?;
    packages::write(facts, out)?;
    findings::write(facts, out)?;
    dive(facts, out)?;
    remarks(facts, out)?;
    facts.gate.map_or(Ok(()), |verdict| writeln!(out, "Results:\n{}", verdict.report().trim_end()))
}

fn head(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let image = facts.image;
    let platform = image.platform.to_string();
    let (reference, platform) = (printable(facts.reference.as_bytes()), printable(platform.as_bytes()));
    let layers = counted(image.layers.len() as u64, "layer", "layers");
    writeln!(out, "{reference}  {platform}  {layers}")?;
    writeln!(out, "  id       {}", image.id)?;
    if let Some(digest) = &image.digest {
        writeln!(out, "  digest   {}", printable(digest.as_bytes()))?;
    }
    let others: Vec<_> =
        image.tags.iter().filter(|tag| *tag != facts.reference).map(|tag| printable(tag.as_bytes())).collect();
    if !others.is_empty() {
        writeln!(out, "  tags     {}", others.join(", "))?;
    }
    if let Some(created) = &image.config.created {
        writeln!(out, "  created  {}", printable(created.as_bytes()))?;
    }
    writeln!(out, "  source   {}", printable(facts.source.as_bytes()))
}

fn layers(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\nLayers\n  {:>3}  {:>10} {:>10}  {:>9} {:>9} {:>9} {:>9}  command",
        "#", "shipped", "hidden", "added", "changed", "rewritten", "removed"
    )?;
    for (number, layer) in facts.image.layers.iter().enumerate() {
        let command = command(layer);
        if let Some(reason) = &facts.failed[number] {
            writeln!(out, "  {number:>3}  not read: {}", printable(reason.as_bytes()))?;
            continue;
        }
        let LayerAccount { bytes: size, changes, .. } = facts.analysis.account.layers[number];
        let shown = |number: u64| if number == 0 { "·".to_owned() } else { count(number) };
        writeln!(
            out,
            "  {number:>3}  {:>10} {:>10}  {:>9} {:>9} {:>9} {:>9}  {command}",
            bytes(size.shipped),
            if size.hidden() == 0 { "·".to_owned() } else { bytes(size.hidden()) },
            shown(changes.added),
            shown(changes.changed),
            shown(changes.rewritten),
            shown(changes.removed),
        )?;
    }
    Ok(())
}

/// A layer's command, cut to the width of its column.
fn command(layer: &Layer) -> String {
    let text = shown_command(layer);
    if text.chars().count() <= COMMAND_WIDTH {
        return text;
    }
    text.chars().take(COMMAND_WIDTH - 1).chain(['…']).collect()
}

fn totals(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let total = facts.analysis.account.total;
    let line = |out: &mut dyn Write, name: &str, size: u64, more: &str| {
        writeln!(out, "  {name:<28} {:>10}  {:>17} B{more}", bytes(size), count(size))
    };
    writeln!(out, "\nBytes")?;
    line(out, "shipped", total.shipped, "  all files of all layers")?;
    line(out, "visible", total.visible, "  in the final file system")?;
    line(out, "hidden", total.hidden(), "  shipped for nothing")?;
    line(out, "  deleted later", total.deleted, "")?;
    line(out, "  replaced later", total.replaced, "")?;
    line(out, "  rewritten, same contents", total.rewritten, &rewritten_by(facts))?;
    writeln!(out, "  {:<28} {:>10}  visible / shipped", "score", percent(total.efficiency()))
}

/// What the rewriting changed, by bytes.
fn rewritten_by(facts: &Facts<'_>) -> String {
    let words = |differs: Differs| {
        let words: Vec<_> = differs.words().collect();
        if words.is_empty() { "nothing else".to_owned() } else { words.join("+") }
    };
    let parts: Vec<_> = facts
        .analysis
        .account
        .rewritten_by
        .iter()
        .take(4)
        .map(|(differs, size)| format!("{} {}", words(*differs), bytes(*size)))
        .collect();
    if parts.is_empty() { String::new() } else { format!("  differs: {}", parts.join(", ")) }
}

/// The files that hide most, with what hides them.
fn hidden_files(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut found: Vec<(u64, Live, Fate)> = Vec::new();
    for (layer, slot) in facts.stack.read_layers() {
        for entry in facts.index.entries_in(slot) {
            let record = facts.index.entry(entry);
            let fate = facts.analysis.account.fate(entry, layer);
            if record.kind == Kind::File && record.size > 0 && fate != Fate::Visible {
                found.push((record.size, Live { layer, entry }, fate));
                if found.len() >= 64 * SHOWN {
                    keep_largest(&mut found);
                }
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    keep_largest(&mut found);
    writeln!(out, "\nLargest hidden files")?;
    for (size, Live { layer, entry }, fate) in found {
        let path = facts.index.path(facts.index.entry(entry).path);
        writeln!(out, "  {:>10}  /{}  {}", bytes(size), printable(&path), told(layer, fate))?;
    }
    Ok(())
}

fn keep_largest(found: &mut Vec<(u64, Live, Fate)>) {
    found.sort_by_key(|(size, live, _)| (std::cmp::Reverse(*size), live.entry));
    found.truncate(SHOWN);
}

fn told(layer: u32, fate: Fate) -> String {
    match fate {
        Fate::Visible => String::new(),
        Fate::Deleted { by } => format!("layer {layer}, deleted in {by}"),
        Fate::Replaced { by } if by == layer => format!("layer {layer}, listed twice in it"),
        Fate::Replaced { by } => format!("layer {layer}, replaced in {by}"),
        Fate::Rewritten { by, differs } => {
            let words: Vec<_> = differs.words().collect();
            let words = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
            format!("layer {layer}, rewritten in {by} (differs: {words})")
        }
    }
}

fn duplicates(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    if facts.analysis.duplicates.is_empty() {
        return Ok(());
    }
    let total = bytes(duplicate_bytes(&facts.analysis.duplicates));
    writeln!(
        out,
        "\nEqual contents at different paths: {total} beside one copy each (visible, so not part of the score)"
    )?;
    for duplicate in facts.analysis.duplicates.iter().take(SHOWN / 2) {
        let path = facts.index.path(facts.index.entry(duplicate.files[0]).path);
        let others = duplicate.files.len() - 1;
        writeln!(out, "  {:>10}  /{}  and {} more", bytes(duplicate.bytes()), printable(&path), count(others as u64))?;
    }
    if facts.analysis.duplicates.len() > SHOWN / 2 {
        writeln!(
            out,
            "  {:>10}  and {} more sets of files",
            "",
            count((facts.analysis.duplicates.len() - SHOWN / 2) as u64)
        )?;
    }
    Ok(())
}

/// The numbers of dive 0.13.1 in its words, because scripts look for them.
fn dive(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let dive = &facts.analysis.dive;
    writeln!(out, "\nAnalysis, by dive's formulas:")?;
    writeln!(out, "  efficiency: {:.4} %", dive.efficiency * 100.0)?;
    writeln!(out, "  wastedBytes: {} bytes ({})", dive.wasted_bytes, humanize::write(dive.wasted_bytes))?;
    writeln!(out, "  userWastedPercent: {} %", go_float(dive.user_wasted_percent * 100.0))?;
    writeln!(out, "Inefficient Files:\nCount  Wasted Space  File Path")?;
    if dive.inefficient_files.is_empty() {
        writeln!(out, "None")?;
    }
    let shown = if facts.gate.is_some() { dive.inefficient_files.len() } else { SHOWN };
    for file in dive.inefficient_files.iter().take(shown) {
        let path = facts.index.path(file.path);
        writeln!(out, "{:>5}  {:>12}  /{}", file.count, humanize::write(file.bytes), printable(&path))?;
    }
    let more = dive.inefficient_files.len().saturating_sub(shown);
    if more > 0 {
        writeln!(out, "{:>5}  {:>12}  {} more paths; --ci lists all", "", "", count(more as u64))?;
    }
    Ok(())
}

/// A number as Go's `%.4f` prints it.
fn go_float(number: f64) -> String {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        "+Inf".into()
    } else {
        format!("{number:.4}")
    }
}

fn remarks(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    if !facts.coverage.is_empty() {
        writeln!(out, "Not analysed:")?;
        for gap in facts.coverage {
            writeln!(out, "  {}: {}", printable(gap.what.as_bytes()), printable(gap.reason.as_bytes()))?;
        }
    }
    if !facts.notes.is_empty() {
        writeln!(out, "Notes:")?;
        for note in facts.notes {
            writeln!(out, "  {}", printable(note.as_bytes()))?;
        }
    }
    Ok(())
}
