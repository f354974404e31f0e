//! Outside programs: whether they are here, running them, and saying so when a test must be skipped.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set where an engine or a tool that is missing is a failure, as in CI.
const REQUIRE: &str = "LAYERSCOPE_REQUIRE_ENGINES";

/// Why a test, or a part of one, cannot run here.
#[derive(Debug, Clone)]
pub struct Skip {
    reason: String,
    optional: bool,
}

/// Something that may be missing on this machine.
pub type Ready<T> = Result<T, Skip>;

impl Skip {
    /// Something that CI installs is missing.
    pub fn missing(reason: impl Display) -> Self {
        Self { reason: reason.to_string(), optional: false }
    }

    /// Something is missing that not even CI promises.
    pub fn optional(reason: impl Display) -> Self {
        Self { reason: reason.to_string(), optional: true }
    }

    /// Says why on standard error, past the capture of the test runner. Fails where engines are required.
    pub fn tell(&self) {
        let required = std::env::var_os(REQUIRE).is_some_and(|value| !value.is_empty() && value != "0");
        assert!(self.optional || !required, "{REQUIRE} is set, but {}", self.reason);
        // A closed standard error is no reason to fail a test.
        let _ = writeln!(std::io::stderr(), "skipped: {}", self.reason);
    }
}

/// Runs a test that may be skipped.
pub fn test(body: impl FnOnce() -> Ready<()>) {
    if let Err(skip) = body() {
        skip.tell();
    }
}

/// The path of a program, looked for where a shell looks and where Debian keeps those for root.
pub fn find(program: &str) -> Ready<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| Skip::missing(format!("{program} is not installed")))
}

/// A command for a program that is here. The engines' own settings stay as they are, except that Podman's client
/// must not turn into a remote one because the service has an address.
pub fn tool(program: &str) -> Ready<Command> {
    let mut command = Command::new(find(program)?);
    command.env_remove("CONTAINER_HOST").stdin(Stdio::null());
    Ok(command)
}

/// Runs a command that must succeed and returns what it wrote on standard output.
pub fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{told}", output.status);
    output.stdout
}

/// As [`run`], for text of one line.
pub fn line(command: &mut Command) -> String {
    String::from_utf8_lossy(&run(command)).trim().to_owned()
}

/// Runs a command that must succeed and writes its standard output to a file.
pub fn run_into(command: &mut Command, file: &Path) {
    let output =
        std::fs::File::create(file).unwrap_or_else(|error| panic!("cannot create {}: {error}", file.display()));
    let status = command.stdout(output).status().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    assert!(status.success(), "{command:?} ended with {status}");
}

/// Device nodes, foreign owners and unpacking need root.
pub fn root() -> Ready<()> {
    if line(tool("id")?.arg("-u")) == "0" { Ok(()) } else { Err(Skip::missing("this test needs root")) }
}
