//! Findings and the attacker's matrix, as text and as JSON. The words for what the analysis found.

use std::io::{self, Write};

use serde::Serialize;
use similar::TextDiff;

use super::Facts;
use crate::analysis::dockerfile::{Changes, Mended};
use crate::analysis::finding::{About, Finding, Severity, State};
use crate::analysis::risk::{Matrix, Row};
use crate::units::{bytes, count, printable};

/// Findings that the text shows; JSON has all.
const SHOWN: usize = 20;

/// Columns of a cell of the matrix.
const CELL: usize = 11;

/// Writes what was found: the matrix, then what matters most.
///
/// # Errors
/// Whatever writing gives.
pub fn write(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    matrix(facts, out)?;
    let findings = &facts.analysis.findings;
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counts: Vec<String> = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info]
        .into_iter()
        .filter(|severity| of(*severity) > 0)
        .map(|severity| format!("{} {}", count(of(severity) as u64), severity.word()))
        .collect();
    if counts.is_empty() {
        return writeln!(out, "\nFindings: none");
    }
    let saves: u64 = findings.iter().map(|finding| finding.reclaimable).sum();
    writeln!(out, "\nFindings: {}; all fixes together save {}", counts.join(", "), bytes(saves))?;
    let notable: Vec<&Finding> = findings.iter().filter(|finding| finding.severity > Severity::Info).collect();
    for finding in notable.iter().take(SHOWN) {
        line(facts, finding, out)?;
    }
    let more = findings.len() - notable.len().min(SHOWN);
    if more > 0 {
        writeln!(out, "  and {} more; --json has all, with evidence", count(more as u64))?;
    }
    write_diff(facts, out)
}

/// What the fixes change in the Dockerfile and its `.dockerignore`; `None` where none is at hand.
#[must_use]
pub fn changes(facts: &Facts<'_>) -> Option<Changes> {
    Some(facts.dockerfile?.changes(&facts.analysis.instructions, &facts.analysis.findings))
}

/// These changes as a diff.
#[must_use]
pub fn diff(changes: Changes) -> String {
    let mut all = String::new();
    for Mended { name, before, after } in changes.files {
        // As patch and git have it for a file that is new.
        let from = if before.is_some() { format!("a/{name}") } else { "/dev/null".to_owned() };
        let before = before.unwrap_or_default();
        let diff = TextDiff::from_lines(&before, &after);
        all.push_str(&diff.unified_diff().header(&from, &format!("b/{name}")).to_string());
    }
    all
}

/// What is not edited, with the reason, for JSON.
#[derive(Serialize)]
pub struct LeftJson<'a> {
    fingerprint: &'a str,
    reason: &'static str,
}

/// The findings whose edit is not sure.
#[must_use]
pub fn left_json<'a>(facts: &Facts<'a>, changes: &Changes) -> Vec<LeftJson<'a>> {
    let finding = |place: usize| facts.analysis.findings.get(place);
    let left = changes.left.iter();
    left.filter_map(|(place, reason)| Some(LeftJson { fingerprint: &finding(*place)?.fingerprint, reason })).collect()
}

fn write_diff(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(changes) = changes(facts) else { return Ok(()) };
    let left = changes.left.clone();
    let diff = diff(changes);
    if diff.is_empty() {
        writeln!(out, "\nNo fix is an edit of the Dockerfile or its .dockerignore")?;
    } else {
        writeln!(out, "\nThe fixes that are edits of the Dockerfile:")?;
    }
    for line in diff.lines() {
        writeln!(out, "{}", printable(line.as_bytes()))?;
    }
    for (finding, reason) in left.iter().filter_map(|(place, why)| Some((facts.analysis.findings.get(*place)?, why))) {
        writeln!(out, "Not edited: {} of {}, for {reason}", finding.rule.id, about(facts, finding))?;
    }
    Ok(())
}

fn line(facts: &Facts<'_>, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let saves = if finding.reclaimable > 0 { bytes(finding.reclaimable) } else { String::new() };
    let about = about(facts, finding);
    writeln!(
        out,
        "  {:<8} {:<20} {:>9}  {about}  {}{}",
        finding.severity.word(),
        printable(finding.rule.id.as_bytes()),
        saves,
        printable(finding.rule.title.as_bytes()),
        placed(finding),
    )?;
    if finding.severity < Severity::Medium {
        return Ok(());
    }
    if let Some(evidence) = finding.evidence.first().filter(|evidence| evidence.kind != "path") {
        writeln!(out, "{:<30}{}", "", printable(evidence.text.as_bytes()))?;
    }
    match &finding.fix.proposed {
        Some(proposed) => {
            for line in proposed.lines() {
                writeln!(out, "{:<30}+ {}", "", printable(line.as_bytes()))?;
            }
            Ok(())
        }
        None => writeln!(out, "{:<30}{}", "", printable(finding.fix.advice.as_bytes())),
    }
}

/// Where and whose it is.
fn placed(finding: &Finding) -> String {
    let layer = finding.layer.map(|layer| format!(", layer {layer} ({})", finding.origin.word()));
    let hidden = match (finding.state, finding.removed_by) {
        (State::Deleted, Some(by)) => Some(format!(", deleted in {by}, still shipped")),
        (State::Shadowed, Some(by)) => Some(format!(", replaced in {by}, still shipped")),
        (State::Live, Some(by)) => Some(format!(", hidden by {by}")),
        (_, None) => None,
    };
    let used = finding.in_use.first().map(|first| format!(", used by {}", printable(first.as_bytes())));
    [layer, hidden, used].into_iter().flatten().collect()
}

/// What it is about, in words that are safe to show.
fn about(facts: &Facts<'_>, finding: &Finding) -> String {
    match &finding.about {
        About::Path(path) => format!("/{}", printable(&facts.index.path(*path))),
        About::Config(field) => format!("config {}", printable(field.as_bytes())),
        About::History(step) => format!("step {step}"),
        About::Image => "image".to_owned(),
    }
}

fn matrix(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let matrix = &facts.analysis.matrix;
    let rows = [("yours", &matrix.yours), ("base", &matrix.base), ("deleted", &matrix.deleted)];
    let used: Vec<usize> = (0..matrix.yours.cells.len())
        .filter(|column| rows.iter().any(|(_, row)| !row.cells[*column].programs.is_empty()))
        .collect();
    let boundary = &facts.analysis.boundary;
    let base = match boundary.layers {
        Some(0) => format!("no base, by {}", boundary.evidence),
        Some(1) => format!("base: the first layer, by {}", boundary.evidence),
        Some(layers) => format!("base: the first {layers} layers, by {}", boundary.evidence),
        None => format!("base unknown: {}", boundary.evidence),
    };
    let guess = if boundary.is_guess { " (a guess)" } else { "" };
    writeln!(out, "\nWhat an attacker finds: grade {}  ({base}{guess})", matrix.grade.letter())?;
    if used.is_empty() {
        return writeln!(out, "  no shell, no way to fetch, send, install, compile, or become someone else");
    }
    let heads = used.iter().map(|column| format!("{:<CELL$}", matrix.yours.cells[*column].column.to_uppercase()));
    writeln!(out, "  {:<8}{}", "", heads.collect::<Vec<_>>().join(" ").trim_end())?;
    for (name, row) in rows {
        let cells: Vec<String> = used.iter().map(|column| format!("{:<CELL$}", cell(row, *column))).collect();
        writeln!(out, "  {name:<8}{}", cells.join(" ").trim_end())?;
    }
    match &matrix.shell {
        Some(shell) => writeln!(out, "  /bin/sh is {}", printable(shell.as_bytes())),
        None => Ok(()),
    }
}

/// The clearest proof, and how many more there are.
fn cell(row: &Row, column: usize) -> String {
    let programs = &row.cells[column].programs;
    let Some(first) = programs.first() else { return "·".to_owned() };
    let more = if programs.len() > 1 { format!(" +{}", programs.len() - 1) } else { String::new() };
    let name = printable(first.as_bytes());
    let room = CELL - more.len();
    let name: String = if name.chars().count() > room {
        name.chars().take(room - 1).chain(['…']).collect()
    } else {
        name.into_owned()
    };
    name + &more
}

/// A finding as JSON has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingJson<'a> {
    rule: &'a str,
    title: &'a str,
    category: &'static str,
    severity: &'static str,
    arithmetic: String,
    confidence: &'static str,
    state: &'static str,
    subject: String,
    path: Option<String>,
    layer: Option<u32>,
    removed_by: Option<u32>,
    origin: &'static str,
    package: Option<&'a str>,
    in_use: Vec<String>,
    files: usize,
    bytes: u64,
    reclaimable_bytes: u64,
    evidence: Vec<EvidenceJson>,
    fix: FixJson,
    aliases: &'a [String],
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct EvidenceJson {
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct FixJson {
    advice: String,
    step: Option<usize>,
    proposed: Option<String>,
}

/// All findings for JSON.
#[must_use]
pub fn json<'a>(facts: &Facts<'a>) -> Vec<FindingJson<'a>> {
    let safe = |text: &str| printable(text.as_bytes()).into_owned();
    let one = |finding: &'a Finding| FindingJson {
        rule: &finding.rule.id,
        title: &finding.rule.title,
        category: finding.rule.category.word(),
        severity: finding.severity.word(),
        arithmetic: finding.arithmetic(),
        confidence: finding.confidence.word(),
        state: finding.state.word(),
        subject: about(facts, finding),
        path: match &finding.about {
            About::Path(path) => Some(format!("/{}", printable(&facts.index.path(*path)))),
            About::Config(_) | About::History(_) | About::Image => None,
        },
        layer: finding.layer,
        removed_by: finding.removed_by,
        origin: finding.origin.word(),
        package: finding.package.as_deref(),
        in_use: finding.in_use.iter().map(|reason| safe(reason)).collect(),
        files: finding.entries.len(),
        bytes: finding.bytes,
        reclaimable_bytes: finding.reclaimable,
        evidence: finding
            .evidence
            .iter()
            .map(|evidence| EvidenceJson { kind: evidence.kind, text: safe(&evidence.text) })
            .collect(),
        fix: FixJson {
            advice: safe(&finding.fix.advice),
            step: finding.fix.step,
            proposed: finding.fix.proposed.as_ref().map(|text| text.lines().map(safe).collect::<Vec<_>>().join("\n")),
        },
        aliases: &finding.rule.aliases,
        fingerprint: &finding.fingerprint,
    };
    facts.analysis.findings.iter().map(one).collect()
}

/// Programs by column.
type Columns = std::collections::BTreeMap<&'static str, Vec<String>>;

/// The matrix as JSON has it.
#[derive(Serialize)]
pub struct MatrixJson {
    grade: char,
    score: f64,
    shell: Option<String>,
    yours: Columns,
    base: Columns,
    deleted: Columns,
}

/// The matrix for JSON.
#[must_use]
pub fn matrix_json(matrix: &Matrix) -> MatrixJson {
    let columns = |row: &Row| {
        let named = |programs: &[String]| programs.iter().map(|name| printable(name.as_bytes()).into_owned()).collect();
        row.cells.iter().map(|cell| (cell.column, named(&cell.programs))).collect()
    };
    MatrixJson {
        grade: matrix.grade.letter(),
        score: f64::from(matrix.score) / 10.0,
        shell: matrix.shell.as_ref().map(|shell| printable(shell.as_bytes()).into_owned()),
        yours: columns(&matrix.yours),
        base: columns(&matrix.base),
        deleted: columns(&matrix.deleted),
    }
}

/// Where the base ends, for JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseJson {
    layers: Option<u32>,
    evidence: &'static str,
    is_guess: bool,
}

/// Where the base ends.
#[must_use]
pub fn base_json(facts: &Facts<'_>) -> BaseJson {
    let boundary = &facts.analysis.boundary;
    BaseJson { layers: boundary.layers, evidence: boundary.evidence, is_guess: boundary.is_guess }
}
