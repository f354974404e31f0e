//! Packages as JSON, and their sum as text.

use std::io::{self, Write};

use serde::Serialize;

use super::Facts;
use crate::analysis::packages::{Asked, PackageId};
use crate::units::{bytes, count, counted, printable};

/// A package as JSON has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageJson {
    kind: &'static str,
    name: String,
    version: String,
    architecture: String,
    purl: String,
    path: String,
    introduced: Option<u32>,
    removed: Option<u32>,
    origin: &'static str,
    explicit: Option<bool>,
    essential: bool,
    recommends_only: bool,
    files: u64,
    shipped_bytes: u64,
    visible_bytes: u64,
    layers: Vec<LayerJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerJson {
    layer: u32,
    shipped_bytes: u64,
    visible_bytes: u64,
}

/// All packages for JSON, those that later layers removed included.
#[must_use]
pub fn json(facts: &Facts<'_>) -> Vec<PackageJson> {
    let packages = &facts.analysis.packages;
    let safe = |text: &str| printable(text.as_bytes()).into_owned();
    let recommended: Vec<PackageId> = packages.recommends_only().goes.into_iter().map(|(id, _)| id).collect();
    let one = |id: PackageId| {
        let package = packages.get(id);
        let origin = package.introduced().map(|layer| facts.analysis.boundary.of(layer));
        PackageJson {
            kind: package.kind.name(),
            name: safe(&package.record.name),
            version: safe(&package.record.version),
            architecture: safe(&package.record.arch),
            purl: safe(&packages.purl(id)),
            path: format!("/{}", printable(&facts.index.path(package.place))),
            introduced: package.introduced(),
            removed: package.removed(),
            origin: origin.unwrap_or(crate::analysis::finding::Origin::Unknown).word(),
            explicit: match package.record.asked {
                Asked::Unknown => None,
                Asked::Explicit => Some(true),
                Asked::Automatic => Some(false),
            },
            essential: package.record.essential,
            recommends_only: recommended.contains(&id),
            files: package.files,
            shipped_bytes: package.shipped(),
            visible_bytes: package.visible(),
            layers: package
                .layers
                .iter()
                .map(|layer| LayerJson {
                    layer: layer.layer,
                    shipped_bytes: layer.shipped,
                    visible_bytes: layer.visible,
                })
                .collect(),
        }
    };
    let mut ids: Vec<PackageId> = packages.ids().collect();
    // In an order that does not depend on the order in which the source gave the layers.
    ids.sort_by_cached_key(|id| {
        let package = packages.get(*id);
        (
            package.kind.name(),
            package.record.name.clone(),
            package.record.version.clone(),
            facts.index.path(package.place),
        )
    });
    ids.into_iter().map(one).collect()
}

/// Writes how many packages of each kind there are, and what they weigh.
///
/// # Errors
/// Whatever writing gives.
pub fn write(facts: &Facts<'_>, out: &mut dyn Write) -> io::Result<()> {
    let packages = &facts.analysis.packages;
    let totals = packages.totals();
    if totals.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nPackages")?;
    for (kind, total) in totals {
        let removed = match total.removed {
            0 => String::new(),
            removed => format!(", and {} removed by later layers", counted(removed, "package", "packages")),
        };
        let hidden = total.shipped - total.visible.min(total.shipped);
        let hidden = if hidden > 0 { format!(", {} of them hidden", bytes(hidden)) } else { String::new() };
        let (installed, shipped) = (count(total.installed), bytes(total.shipped));
        writeln!(out, "  {:<9} {installed:>6}  {shipped:>10}{hidden}{removed}", kind.name())?;
    }
    let payload = &packages.payload;
    if payload.files > 0 {
        let (files, size) = (count(payload.files), bytes(payload.bytes));
        writeln!(out, "  {:<9} {files:>6}  {size:>10}  files that no package owns: the application", "the rest")?;
    }
    Ok(())
}
