//! The program as these tests run it: it may know the engines, but nothing else of the surroundings reaches it.

use std::path::Path;
use std::process::Command;

/// What changes the program's behaviour and may be set where tests run. `CI=true` alone turns its gate on.
const SURROUNDINGS: &[&str] = &["CI", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "RUST_LOG"];

/// The program under test. `scratch` becomes its working folder and the home of its cache and configuration, so that
/// neither a `.dive-ci` nearby nor a layer that an earlier run has kept can answer for it.
pub fn layerscope(scratch: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_layerscope"));
    for name in SURROUNDINGS {
        command.env_remove(name);
    }
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LAYERSCOPE_") {
            command.env_remove(name);
        }
    }
    for (name, folder) in [("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")] {
        command.env(name, scratch.join(folder));
    }
    command.current_dir(scratch);
    command
}
