//! The program's report about an image, and what of it must be the same wherever the image came from.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program;

/// A program that hangs must not hold CI until its own limit.
const PATIENCE: Duration = Duration::from_secs(180);

/// How the program ended.
pub struct Ended {
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub told: String,
}

/// A new folder for one run of the program. It goes with the value.
pub fn scratch() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Runs the program with `arguments`, in an environment changed by `set`, and feeds it `input`.
pub fn layerscope(scratch: &Path, arguments: &[&str], set: &[(String, String)], input: Stdio) -> Ended {
    let (out, told) = (scratch.join("stdout"), scratch.join("stderr"));
    let mut command = program::layerscope(scratch);
    command.args(arguments).envs(set.iter().cloned()).stdin(input);
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&told).unwrap());
    let status = wait(&mut command);
    let told = String::from_utf8_lossy(&fs::read(told).unwrap()).into_owned();
    Ended { code: status, out: fs::read(out).unwrap(), told }
}

fn wait(command: &mut Command) -> Option<i32> {
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} still runs after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Parses the report of a run that must have read everything.
pub fn parse(ended: &Ended) -> Result<Value, String> {
    if ended.code != Some(0) {
        return Err(format!("ended with {:?}: {}", ended.code, ended.told.trim()));
    }
    let report: Value = serde_json::from_slice(&ended.out).map_err(|error| format!("no JSON: {error}"))?;
    match report["schema"].as_str() {
        Some("layerscope/report/1") => Ok(report),
        other => Err(format!("not the schema: {other:?}")),
    }
}

/// What must not depend on the source: the totals, the numbers that compare with dive's, every layer and every file.
/// Left out are the manifest's digest, which each tool writes anew, and where the image came from.
pub fn content(report: &Value) -> Value {
    let layers = report["layers"].as_array().expect("a report has layers");
    let layers: Vec<Value> = layers.iter().map(layer).collect();
    json!({
        "totals": report["totals"], "dive": report["dive"], "layers": layers, "files": report["files"],
        "platform": report["image"]["platform"], "created": report["image"]["created"],
    })
}

/// What must not depend on the source in one layer. Its `digest` is that of the compressed blob and may differ.
pub fn layer(layer: &Value) -> Value {
    let kept = ["index", "diffId", "command", "created", "state", "shippedBytes", "hiddenBytes", "changes"];
    kept.into_iter().map(|key| (key.to_owned(), layer[key].clone())).collect::<serde_json::Map<_, _>>().into()
}

/// The first place where two values differ, as a JSON pointer with both values.
pub fn difference(left: &Value, right: &Value) -> Option<String> {
    walk(left, right, &mut String::new())
}

fn walk(left: &Value, right: &Value, at: &mut String) -> Option<String> {
    if left == right {
        return None;
    }
    let length = at.len();
    let steps: Vec<(String, &Value, &Value)> = match (left, right) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value, &b[key])).collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().map(|(index, (a, b))| (index.to_string(), a, b)).collect()
        }
        _ => Vec::new(),
    };
    for (step, a, b) in steps {
        at.push('/');
        at.push_str(&step);
        if let Some(found) = walk(a, b, at) {
            return Some(found);
        }
        at.truncate(length);
    }
    Some(format!("at {}: {} and {}", if at.is_empty() { "the top" } else { at }, short(left), short(right)))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(300) {
        Some((cut, _)) => format!("{}… ({} bytes)", &text[..cut], text.len()),
        None => text,
    }
}
