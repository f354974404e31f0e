//! The program: parse, run, turn the outcome into an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use layerscope::cli::Cli;
use layerscope::error::{Error, Kind};
use layerscope::run::start;
use layerscope::settings::config_folder;

fn main() -> ExitCode {
    exit_on_signals();
    let cli = Cli::parse();
    let outcome = start(&cli, |name| std::env::var(name).ok(), config_folder().as_deref());
    outcome.map_or_else(|error| tell(&error), ExitCode::from)
}

fn tell(error: &Error) -> ExitCode {
    if error.kind() != Kind::BrokenPipe {
        // With standard error closed there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "{error}");
    }
    ExitCode::from(error.kind().exit_code())
}

/// Ctrl-C, a kill and a terminal that goes away end the program at once with the code that shells expect (128 and the
/// signal's number). Nothing is half written at any time: files are renamed into place, and an engine's export ends
/// when its reader goes.
fn exit_on_signals() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    std::thread::spawn(move || {
        // A pager that has the terminal is left by the same key.
        if let Some(signal) = signals.forever().find(|_| !layerscope::tui::is_lent()) {
            layerscope::tui::restore_and(|| {
                if signal == SIGINT {
                    let _ = writeln!(std::io::stderr());
                }
                std::process::exit(128 + signal);
            });
        }
    });
}
