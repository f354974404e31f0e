//! The terminal as it is taken and given back. Every way out (leaving, an error, a panic, a signal, a suspend) goes
//! through one `restore`.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange};
use crossterm::style::{Print, PrintStyledContent, StyledContent};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::{CrosstermBackend, IntoCrossterm};
use ratatui::buffer::Buffer;
use ratatui::{Frame, Terminal};

use super::Setup;
use super::app::App;
use super::frame;
use super::preview::Viewer;
use crate::units::printable;

/// Clicks, wheel and drags, with SGR coordinates; no report of mere motion, which floods (xterm's 1000, 1002, 1006).
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// The terminal remembers its title, and takes it back (xterm's 22 and 23, for icon and window).
const KEEP_TITLE: &str = "\x1b[22;0t";
const TITLE_BACK: &str = "\x1b[23;0t";

/// The exit code of a fault in the program, as Rust has it.
const FAULT: i32 = 101;

/// Room for a whole frame, so that it is written at once, in bytes.
const FRAME: usize = 64 * 1024;

/// The longest text that terminals take for the clipboard, in bytes.
const MOST_COPIED: usize = 100_000;

/// Where the screen is drawn: standard output, or standard error when standard output carries data.
static ON_STDERR: AtomicBool = AtomicBool::new(false);
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether another program has the terminal.
static LENT: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The stream that the screen is drawn on.
struct Out;

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if ON_STDERR.load(Ordering::SeqCst) { io::stderr().write(bytes) } else { io::stdout().write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if ON_STDERR.load(Ordering::SeqCst) { io::stderr().flush() } else { io::stdout().flush() }
    }
}

/// Runs something while nobody else can write to the terminal, and gives the terminal back first.
pub fn restore_and<T>(run: impl FnOnce() -> T) -> T {
    // No frame is drawn on a terminal that is given back.
    let _held = (io::stdout().lock(), io::stderr().lock());
    restore();
    run()
}

/// Gives the terminal back, if it is taken. May be called from anywhere, any number of times.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = BufWriter::new(Out);
    // There is nobody left to tell when this fails.
    let _ = queue!(out, Print(MOUSE_OFF), DisableFocusChange, DisableBracketedPaste);
    let _ = execute!(out, EndSynchronizedUpdate, LeaveAlternateScreen, cursor::Show, Print(TITLE_BACK));
    let _ = disable_raw_mode();
}

/// Whether another program has the terminal. Its Ctrl-C is not ours.
#[must_use]
pub fn is_lent() -> bool {
    LENT.load(Ordering::SeqCst)
}

/// The terminal while it is ours.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Out>>>,
    title: String,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal.
    pub fn enter(title: &str, setup: &Setup) -> io::Result<Self> {
        ON_STDERR.store(setup.on_stderr, Ordering::SeqCst);
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                // A fault beside the screen would leave it waiting for news that never come: it ends the program.
                restore_and(|| {
                    before(panic);
                    if thread::current().name() != Some("main") {
                        std::process::exit(FAULT);
                    }
                });
            }));
        });
        // Themes answer NO_COLOR. Where it is set crossterm would drop bold and reverse as well.
        crossterm::style::force_color_output(true);
        let title = printable(title.as_bytes()).into_owned();
        take(&title, setup.mouse)?;
        Ok(Self { terminal: new_terminal()?, title, mouse: setup.mouse })
    }

    /// Draws a frame of the explorer.
    pub fn draw(&mut self, app: &mut App) -> io::Result<()> {
        self.show(|frame| frame::draw(app, frame))
    }

    /// Draws a frame, seen all at once.
    pub fn show(&mut self, fill: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(fill)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Gives the terminal back, with a last frame on its ordinary screen.
    pub fn leave_behind(mut self, app: &mut App) -> io::Result<()> {
        let last = self.terminal.draw(|frame| frame::draw(app, frame))?.buffer.clone();
        restore();
        let mut out = BufWriter::new(Out);
        print(&last, &mut out)?;
        out.flush()
    }

    /// Rings the bell.
    pub fn ring(&mut self) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Print('\x07'))
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
        take(&self.title, self.mouse)?;
        self.terminal = new_terminal()?;
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

    /// Puts a text on the clipboard of the terminal, which may be far away (OSC 52); says whether it is short enough.
    pub fn copy(&mut self, text: &str) -> io::Result<bool> {
        if text.len() > MOST_COPIED {
            return Ok(false);
        }
        execute!(self.terminal.backend_mut(), Print(format!("\x1b]52;c;{}\x07", base64(text.as_bytes()))))?;
        Ok(true)
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

fn new_terminal() -> io::Result<Terminal<CrosstermBackend<BufWriter<Out>>>> {
    Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(FRAME, Out)))
}

fn take(title: &str, mouse: bool) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    let taken = enable_raw_mode().and_then(|()| {
        let mut out = BufWriter::new(Out);
        queue!(out, Print(KEEP_TITLE), SetTitle(format!("layerscope {title}")), EnterAlternateScreen, cursor::Hide)?;
        queue!(out, EnableBracketedPaste, EnableFocusChange, Print(if mouse { MOUSE_ON } else { "" }))?;
        out.flush()
    });
    if taken.is_err() {
        restore();
    }
    taken
}

/// Writes a frame as lines of text with their styles, without the blanks at their ends.
fn print(frame: &Buffer, out: &mut impl Write) -> io::Result<()> {
    for cells in frame.content.chunks(usize::from(frame.area.width).max(1)) {
        let mut covered = 0;
        let last = cells.iter().rposition(|cell| cell.symbol() != " ").map_or(0, |last| last + 1);
        for cell in &cells[..last] {
            // A wide character fills the cells behind it.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
            let style = cell.style().into_crossterm();
            queue!(out, PrintStyledContent(StyledContent::new(style, cell.symbol())))?;
        }
        queue!(out, Print("\n"))?;
    }
    Ok(())
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
