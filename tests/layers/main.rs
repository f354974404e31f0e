//! What a layer's tar may hold, seen in the program's report: names, links, sparse files, records, odd headers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // What the tests share may fail as tests do.

#[path = "../common/mod.rs"]
mod common;

mod changes;
mod headers;
mod links;
mod names;
mod sparse;

use serde_json::Value;

use common::archives::agree;
use common::image::docker_archive;

/// The report of an image with these layers, the same on every way to read it.
fn report(layers: &[Vec<u8>]) -> Value {
    agree(&docker_archive(layers))
}

/// The versions of a path.
#[track_caller]
fn versions<'r>(report: &'r Value, path: &str) -> &'r Vec<Value> {
    let files = report["files"].as_array().unwrap();
    let found = files.iter().find(|file| file["path"] == path);
    let paths = || files.iter().map(|file| file["path"].as_str().unwrap()).collect::<Vec<_>>();
    found.unwrap_or_else(|| panic!("{path} is not among {:?}", paths()))["versions"].as_array().unwrap()
}

/// All paths of a report.
fn paths(report: &Value) -> Vec<&str> {
    report["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}
