//! The terminal as it is taken and given back. Every way out (leaving, an error, a panic, a signal, a suspend) goes
//! through one `restore`.

use std::io::{self, Stdout, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use super::app::App;
use super::frame;
use super::preview::Viewer;

/// Clicks, wheel and drags, with SGR coordinates; no report of mere motion, which floods (xterm's 1000, 1002, 1006).
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// The exit code of a fault in the program, as Rust has it.
const FAULT: i32 = 101;

/// The longest text that terminals take for the clipboard, in bytes.
const MOST_COPIED: usize = 100_000;

static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether another program has the terminal.
static LENT: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Gives the terminal back, if it is taken. May be called from anywhere, any number of times.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // There is nobody left to tell when this fails.
    let _ = out.write_all(MOUSE_OFF);
    let _ = execute!(out, EndSynchronizedUpdate, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

/// Whether another program has the terminal. Its Ctrl-C is not ours.
#[must_use]
pub fn is_lent() -> bool {
    LENT.load(Ordering::SeqCst)
}

/// The terminal while it is ours.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal. Without colours, bold and reverse must still work: crossterm drops them with NO_COLOR.
    pub fn enter(colourless: bool) -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                // A fault beside the screen would leave it waiting for news that never come: it ends the program, and
                // nothing is drawn any more on a terminal that is given back.
                let _held = io::stdout().lock();
                restore();
                before(panic);
                if thread::current().name() != Some("main") {
                    std::process::exit(FAULT);
                }
            }));
        });
        if colourless {
            crossterm::style::force_color_output(true);
        }
        take()?;
        Ok(Self { terminal: Terminal::new(CrosstermBackend::new(io::stdout()))? })
    }

    /// Draws a frame of the explorer.
    pub fn draw(&mut self, app: &mut App) -> io::Result<()> {
        self.show(|frame| frame::draw(app, frame))
    }

    /// Draws a frame, seen all at once.
    pub fn show(&mut self, fill: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(io::stdout(), BeginSynchronizedUpdate)?;
        self.terminal.draw(fill)?;
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    /// Stops the program until the shell continues it.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore();
        #[cfg(unix)]
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.retake()
    }

    /// Takes the terminal again. The screen is empty and the next frame is drawn whole; `clear` would ask the terminal
    /// where its cursor is, and the thread that reads keys would take the answer.
    fn retake(&mut self) -> io::Result<()> {
        take()?;
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }

    /// Gives the terminal to another program until it ends; says why when there is none.
    pub fn lend(&mut self, path: &Path, viewer: Viewer) -> io::Result<Option<String>> {
        restore();
        LENT.store(true, Ordering::SeqCst);
        let said = show(path, viewer);
        LENT.store(false, Ordering::SeqCst);
        self.retake()?;
        Ok(said)
    }

    /// Puts a text on the clipboard of the terminal, which may be far away (OSC 52).
    #[allow(clippy::unused_self)] // Only who holds the screen may write to it.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        if text.len() > MOST_COPIED {
            return Ok(());
        }
        let mut out = io::stdout();
        write!(out, "\x1b]52;c;{}\x07", base64(text.as_bytes()))?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Runs the program that the user chose, or one of those that are everywhere.
fn show(path: &Path, viewer: Viewer) -> Option<String> {
    let (named, everywhere) = match viewer {
        Viewer::Pager => (&["PAGER"][..], ["less", "more"]),
        Viewer::Editor => (&["VISUAL", "EDITOR"][..], ["vi", "nano"]),
    };
    let chosen = named.iter().filter_map(|name| std::env::var(name).ok()).find(|program| !program.trim().is_empty());
    let mut failed = None;
    for chosen in chosen.iter().map(String::as_str).chain(everywhere) {
        let mut words = chosen.split_whitespace();
        let Some(program) = words.next() else { continue };
        match Command::new(program).args(words).arg(path).status() {
            Ok(status) if status.success() => return None,
            // Left by a signal or with a complaint that it has shown itself.
            Ok(status) => return Some(format!("{program} ended with {status}")),
            Err(error) => {
                failed.get_or_insert_with(|| format!("cannot run {program}: {error}"));
            }
        }
    }
    failed
}

fn take() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    let taken = enable_raw_mode().and_then(|()| {
        let mut out = io::stdout();
        execute!(out, EnterAlternateScreen, cursor::Hide)?;
        out.write_all(MOUSE_ON)?;
        out.flush()
    });
    if taken.is_err() {
        restore();
    }
    taken
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standard_one() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
