//! How long a word to the user stays, what leaving asks, what pasting does, and what is chosen in the end.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{App, Effect, Screen};
use crate::units::{bytes, duration};

/// How long a word to the user is seen.
const NOTICE: Duration = Duration::from_secs(4);

/// Who leaves after reading for longer than this is asked once more.
const COSTLY: Duration = Duration::from_secs(30);

/// The longest text that is pasted into a field, in characters.
const MOST_PASTED: usize = 4096;

/// Times of what is said.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timing {
    /// Now, since the explorer was opened.
    now: Duration,
    /// When the word to the user was said.
    said: Duration,
    /// Whether it stays until the next key.
    stays: bool,
    /// Whether leaving was asked for, and would lose something.
    is_leaving: bool,
}

impl App {
    /// Says what went wrong. It stays until the next key.
    pub fn complain(&mut self, trouble: String) {
        self.notice = Some(trouble);
        self.timing.said = self.timing.now;
        self.timing.stays = true;
    }

    /// When the word to the user goes by itself.
    #[must_use]
    pub fn fades(&self) -> Option<Duration> {
        (self.notice.is_some() && !self.timing.stays).then(|| self.timing.said + NOTICE)
    }

    /// Takes the time.
    pub(super) fn tell_time(&mut self, now: Duration) {
        self.timing.now = now;
        if self.fades().is_some_and(|end| end <= now) {
            self.notice = None;
        }
    }

    /// Remembers when no byte had come yet: the rate counts from then.
    pub(super) fn wait_for_bytes(&mut self) {
        self.flowing = self.timing.now;
    }

    /// Remembers when something new was said.
    pub(super) fn time_notice(&mut self, before: Option<&String>) {
        if self.notice.as_ref() != before {
            let complained = self.timing.stays && self.timing.said == self.timing.now && self.notice.is_some();
            self.timing.said = self.timing.now;
            self.timing.stays = complained;
        }
    }

    /// Takes the next key as seen: what was said is gone.
    pub(super) fn hear_key(&mut self) {
        self.notice = None;
        self.timing.stays = false;
    }

    /// Leaves, or asks first: what was read for long would be lost.
    pub(super) fn leave(&mut self, how: Effect) -> Vec<Effect> {
        if !self.is_reading() || self.timing.now < COSTLY || self.timing.is_leaving {
            return vec![how];
        }
        self.timing.is_leaving = true;
        let words = format!("{} of reading would be lost: once more leaves", duration(self.timing.now));
        self.complain(words);
        Vec::new()
    }

    /// Whoever does something else does not leave.
    pub(super) fn stay(&mut self) {
        self.timing.is_leaving = false;
    }

    /// Types what is pasted, where something is typed. Elsewhere it would be taken for keys.
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for character in text.chars().filter(|character| !character.is_control()).take(MOST_PASTED) {
            if !self.is_typing() {
                return effects;
            }
            effects.extend(self.key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE)));
        }
        effects
    }

    /// Whether letters are text now.
    fn is_typing(&self) -> bool {
        self.typing.is_some()
            || self.palette.is_some()
            || self.inside.prompt.is_some()
            || self.help.as_ref().is_some_and(|help| help.is_typing)
    }

    /// Says how a text was copied, or why not.
    pub fn tell_copied(&mut self, fits: bool, length: usize) {
        if !fits {
            self.complain(format!("{} are too many for a terminal's clipboard", bytes(length as u64)));
        } else if let Some(said) = &mut self.notice {
            said.push_str("  (OSC 52: to the terminal's clipboard, if it takes it)");
        }
    }

    /// The path under the cursor, from the root of the image.
    #[must_use]
    pub fn selection(&self) -> Option<Vec<u8>> {
        let path = match self.screen {
            Screen::Findings | Screen::Packages => self.chosen_path(),
            Screen::Files | Screen::Image => self.path(),
        };
        let index = &self.image.as_ref()?.loaded.index;
        Some([b"/", index.path(path?).as_slice()].concat())
    }
}
