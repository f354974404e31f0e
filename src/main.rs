//! The program: parse, run, turn the outcome into an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use layerscope::cli::Cli;
use layerscope::error::{Error, Kind};
use layerscope::run::run;
use layerscope::settings::Settings;

fn main() -> ExitCode {
    exit_on_interrupt();
    let cli = Cli::parse();
    let outcome = Settings::new(&cli, |name| std::env::var(name).ok()).and_then(|settings| run(&settings));
    outcome.map_or_else(|error| tell(&error), ExitCode::from)
}

fn tell(error: &Error) -> ExitCode {
    if error.kind() != Kind::BrokenPipe {
        // With standard error closed there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "{error}");
    }
    ExitCode::from(error.kind().exit_code())
}

/// Ctrl-C ends the program at once with the code that shells expect. Nothing is half written at any time: files are
/// renamed into place, and an engine's export ends when its reader goes.
fn exit_on_interrupt() {
    let Ok(mut signals) = signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT]) else { return };
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            layerscope::tui::restore();
            let _ = writeln!(std::io::stderr());
            std::process::exit(i32::from(Kind::Interrupted.exit_code()));
        }
    });
}
