//! The program under test, as a child with a clean environment.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program without what the surroundings would tell it: no CI, no engine.
pub fn layerscope() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_layerscope"));
    for variable in
        ["CI", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST", "NO_COLOR", "CLICOLOR_FORCE"]
    {
        command.env_remove(variable);
    }
    // Nobody's config file is there.
    command.env("XDG_CONFIG_HOME", "/nowhere");
    // Nothing can be kept there: no run answers for another.
    command.env("XDG_CACHE_HOME", "/dev/null");
    command
}

/// What came of a run.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs with arguments.
pub fn run<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> Ran {
    layerscope().args(arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// Runs with something on standard input.
pub fn run_with_stdin(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = layerscope()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The child may stop reading early; then the pipe breaks, and that is its right.
    let writer = std::thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output.into()
}

/// The JSON report of a file, every path included. Panics with the program's own words if it does not come.
pub fn report(path: &Path) -> Value {
    let ran = run(&[path.as_os_str(), "--json".as_ref(), "-".as_ref(), "--files".as_ref()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}
