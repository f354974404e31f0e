//! The JSON report, `layerscope/report/1`. `assets/schema/report-1.json` describes it and a test holds it to that.

use std::borrow::Cow;
use std::io::Write;

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

use super::{Facts, Gap, findings, packages};
use crate::analysis::dive;
use crate::analysis::duplicates::duplicate_bytes;
use crate::analysis::secrets::shown;
use crate::index::walk::{Change, Event, Order, Story, walk};
use crate::index::{Differs, EntryId, Index, Kind, Stack};
use crate::policy::{Measure, Outcome, RuleResult};
use crate::units::printable;

/// Name and version of the format.
pub const SCHEMA: &str = "layerscope/report/1";

/// Writes the report, with every path if `files` says so.
///
/// # Errors
/// Whatever writing gives.
pub fn write(facts: &Facts<'_>, files: bool, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &report(facts, files))?;
    writeln!(out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    schema: &'static str,
    tool: Tool,
    image: ImageFacts<'a>,
    totals: Totals,
    dive: Dive<'a>,
    layers: Vec<LayerFacts<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Files<'a>>,
    base: findings::BaseJson,
    matrix: findings::MatrixJson,
    findings: Vec<findings::FindingJson<'a>>,
    packages: Vec<packages::PackageJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dockerfile_diff: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dockerfile_left: Option<Vec<findings::LeftJson<'a>>>,
    gate: Option<Gate<'a>>,
    coverage: &'a [Gap],
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct ImageFacts<'a> {
    reference: &'a str,
    id: &'a str,
    digest: Option<&'a str>,
    platform: String,
    created: Option<&'a str>,
    source: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // The names are the format's.
struct Totals {
    layers: usize,
    entries: u64,
    shipped_bytes: u64,
    visible_bytes: u64,
    hidden_bytes: u64,
    deleted_bytes: u64,
    replaced_bytes: u64,
    rewritten_bytes: u64,
    duplicate_bytes: u64,
    efficiency: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dive<'a> {
    efficiency: f64,
    size_bytes: u64,
    user_size_bytes: u64,
    wasted_bytes: u64,
    user_wasted_percent: Option<f64>,
    inefficient_files: InefficientFiles<'a>,
}

#[derive(Serialize)]
struct InefficientFile<'a> {
    path: PathText<'a>,
    count: u32,
    bytes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerFacts<'a> {
    index: usize,
    diff_id: Option<&'a str>,
    digest: Option<&'a str>,
    command: Option<Cow<'a, str>>,
    created: Option<&'a str>,
    state: &'static str,
    reason: Option<&'a str>,
    shipped_bytes: u64,
    hidden_bytes: u64,
    changes: Changes,
}

#[derive(Serialize)]
struct Changes {
    added: u64,
    changed: u64,
    rewritten: u64,
    removed: u64,
}

#[derive(Serialize)]
struct Gate<'a> {
    passed: bool,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
struct Rule<'a> {
    id: &'a str,
    measured: Option<serde_json::Number>,
    limit: Option<serde_json::Number>,
    verdict: &'static str,
}

fn report<'a>(facts: &Facts<'a>, files: bool) -> Report<'a> {
    let total = facts.analysis.account.total;
    let image = facts.image;
    let changes = findings::changes(facts);
    Report {
        schema: SCHEMA,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        image: ImageFacts {
            reference: facts.reference,
            id: &image.id,
            digest: image.digest.as_deref(),
            platform: image.platform.to_string(),
            created: image.config.created.as_deref(),
            source: facts.source,
        },
        totals: Totals {
            layers: image.layers.len(),
            entries: facts.analysis.account.layers.iter().map(|layer| layer.entries).sum(),
            shipped_bytes: total.shipped,
            visible_bytes: total.visible,
            hidden_bytes: total.hidden(),
            deleted_bytes: total.deleted,
            replaced_bytes: total.replaced,
            rewritten_bytes: total.rewritten,
            duplicate_bytes: duplicate_bytes(&facts.analysis.duplicates),
            efficiency: total.efficiency(),
        },
        dive: Dive {
            efficiency: facts.analysis.dive.efficiency,
            size_bytes: facts.analysis.dive.size_bytes,
            user_size_bytes: facts.analysis.dive.user_size_bytes,
            wasted_bytes: facts.analysis.dive.wasted_bytes,
            user_wasted_percent: Some(facts.analysis.dive.user_wasted_percent).filter(|percent| percent.is_finite()),
            inefficient_files: InefficientFiles { index: facts.index, files: &facts.analysis.dive.inefficient_files },
        },
        layers: (0..image.layers.len()).map(|layer| layer_facts(facts, layer)).collect(),
        files: files.then_some(Files { index: facts.index, stack: facts.stack }),
        base: findings::base_json(facts),
        matrix: findings::matrix_json(&facts.analysis.matrix),
        findings: findings::json(facts),
        packages: packages::json(facts),
        dockerfile_left: changes.as_ref().map(|changes| findings::left_json(facts, changes)),
        dockerfile_diff: changes.map(findings::diff),
        gate: facts
            .gate
            .map(|verdict| Gate { passed: verdict.passed(), rules: verdict.rules().iter().map(rule).collect() }),
        coverage: facts.coverage,
    }
}

/// dive's list, made while it is written.
struct InefficientFiles<'a> {
    index: &'a Index,
    files: &'a [dive::InefficientFile],
}

impl Serialize for InefficientFiles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.files.iter().map(|file| InefficientFile {
            path: PathText { index: self.index, path: file.path },
            count: file.count,
            bytes: file.bytes,
        }))
    }
}

fn layer_facts<'a>(facts: &Facts<'a>, place: usize) -> LayerFacts<'a> {
    let (layer, account) = (&facts.image.layers[place], &facts.analysis.account.layers[place]);
    let reason = facts.failed[place].as_deref();
    LayerFacts {
        index: place,
        diff_id: layer.diff_id.as_deref(),
        digest: layer.digest.as_deref(),
        command: layer.step.as_ref().map(|step| shown(&step.created_by)),
        created: layer.step.as_ref().and_then(|step| step.created.as_deref()),
        state: if reason.is_some() { "failed" } else { "read" },
        reason,
        shipped_bytes: account.bytes.shipped,
        hidden_bytes: account.bytes.hidden(),
        changes: Changes {
            added: account.changes.added,
            changed: account.changes.changed,
            rewritten: account.changes.rewritten,
            removed: account.changes.removed,
        },
    }
}

fn rule(rule: &RuleResult) -> Rule<'_> {
    Rule {
        id: rule.id,
        measured: number(rule.measured),
        limit: rule.limit.as_ref().and_then(|limit| number(limit.value)),
        verdict: match rule.verdict {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Skip => "skip",
        },
    }
}

/// JSON has no infinity and no "not a number"; both are null.
fn number(measure: Measure) -> Option<serde_json::Number> {
    match measure {
        Measure::Ratio(ratio) => serde_json::Number::from_f64(ratio),
        Measure::Bytes(number) | Measure::Count(number) => Some(number.into()),
    }
}

/// A path with a leading slash. Bytes that are not UTF-8 and control characters are escaped as they are on screen.
struct PathText<'a> {
    index: &'a Index,
    path: crate::index::PathId,
}

impl Serialize for PathText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("/{}", printable(&self.index.path(self.path))))
    }
}

/// Every path that a layer knows, sorted, written as it is walked: a million paths are never in memory as text.
struct Files<'a> {
    index: &'a Index,
    stack: &'a Stack,
}

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut failed = None;
        walk(self.index, self.stack, Order::Sorted, |story| {
            if failed.is_none() && story.path != Index::ROOT && !story.events.is_empty() {
                failed = list.serialize_element(&self.file(story)).err();
            }
        });
        match failed {
            Some(error) => Err(error),
            None => list.end(),
        }
    }
}

#[derive(Serialize)]
struct File<'a> {
    path: PathText<'a>,
    versions: Vec<Version<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version<'a> {
    layer: u32,
    state: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differs: Vec<&'static str>,
    #[serde(flatten)]
    object: Option<Object<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    kind: &'static str,
    size: u64,
    mode: String,
    uid: u32,
    gid: u32,
    mtime: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<[u32; 2]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    xattrs: Vec<Cow<'a, str>>,
}

impl<'a> Files<'a> {
    fn file(&self, story: &Story<'_>) -> File<'a> {
        File {
            path: PathText { index: self.index, path: story.path },
            versions: story.events.iter().map(|event| self.version(event)).collect(),
        }
    }

    fn version(&self, event: &Event) -> Version<'a> {
        let (state, differs) = match event.change {
            Change::Added => ("added", Differs::NOTHING),
            Change::Changed(differs) => ("changed", differs),
            Change::Rewritten(differs) => ("rewritten", differs),
            Change::Removed => ("removed", Differs::NOTHING),
            Change::Unchanged => ("unchanged", Differs::NOTHING),
            Change::Dangling => ("whiteout of nothing", Differs::NOTHING),
        };
        Version {
            layer: event.layer,
            state,
            differs: differs.words().collect(),
            object: event.entry.map(|entry| self.object(entry)),
        }
    }

    fn object(&self, id: EntryId) -> Object<'a> {
        let entry = self.index.entry(id);
        let attrs = self.index.attrs(entry);
        let target = self.index.symlink_target(entry).map(|target| printable(target).into_owned());
        let hardlink =
            || self.index.hardlink_target(entry).map(|target| format!("/{}", printable(&self.index.path(target))));
        Object {
            kind: kind(entry.kind),
            size: entry.size,
            mode: format!("{:04o}", attrs.mode),
            uid: attrs.uid,
            gid: attrs.gid,
            mtime: entry.mtime,
            link_target: target.or_else(hardlink),
            device: self.index.device(entry).map(|(major, minor)| [major, minor]),
            xattrs: self.index.xattrs(attrs).iter().map(|(name, _)| printable(name)).collect(),
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Dir => "folder",
        Kind::Symlink => "symlink",
        Kind::Hardlink => "hardlink",
        Kind::Char => "character device",
        Kind::Block => "block device",
        Kind::Fifo => "pipe",
        Kind::Whiteout | Kind::Opaque | Kind::Meta => "mark",
    }
}
