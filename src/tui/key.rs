//! A key with its modifiers, as it is pressed and as it is written. Knows nothing of what it does.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            // Terminals do not tell the two apart, or some do and some do not.
            KeyCode::Char(character) if ctrl => KeyCode::Char(character.to_ascii_lowercase()),
            code => code,
        };
        Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT) }
    }
}

/// Keys that are no character, by name. The first name of a key is the one that is shown.
const NAMED: [(&str, KeyCode); 20] = [
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pgup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
];

/// Function keys that keyboards have.
const FUNCTION_KEYS: u8 = 12;

impl Key {
    /// Reads a key as the keymap writes it: `j`, `G`, `ctrl-d`, `alt-x`, `pagedown`, `f1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (mut ctrl, mut alt, mut name) = (false, false, text);
        loop {
            if let Some(rest) = name.strip_prefix("ctrl-").filter(|rest| !rest.is_empty()) {
                (ctrl, name) = (true, rest);
            } else if let Some(rest) = name.strip_prefix("alt-").filter(|rest| !rest.is_empty()) {
                (alt, name) = (true, rest);
            } else {
                break;
            }
        }
        let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
        let function = || {
            let number = name.strip_prefix('f')?.parse().ok()?;
            (1..=FUNCTION_KEYS).contains(&number).then_some(KeyCode::F(number))
        };
        let single = || {
            let mut characters = name.chars();
            let character = characters.next().filter(|_| characters.next().is_none())?;
            Some(KeyCode::Char(if ctrl { character.to_ascii_lowercase() } else { character }))
        };
        Some(Self { code: named.or_else(function).or_else(single)?, ctrl, alt })
    }

    /// The names that a key which is no character can have.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name)
    }

    /// The key in words, as a config file has it.
    #[must_use]
    pub fn in_words(self) -> String {
        let named = NAMED.iter().find(|(_, code)| *code == self.code && !matches!(code, KeyCode::Char(_)));
        match named {
            Some((name, _)) if !self.ctrl && !self.alt => (*name).to_owned(),
            _ => self.to_string(),
        }
    }

    /// The character that the key writes, if it writes one.
    #[must_use]
    pub fn character(self) -> Option<char> {
        match self.code {
            KeyCode::Char(character) if !self.ctrl && !self.alt => Some(character),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            write!(f, "ctrl-")?;
        }
        if self.alt {
            write!(f, "alt-")?;
        }
        let arrow = match self.code {
            KeyCode::Up => Some("↑"),
            KeyCode::Down => Some("↓"),
            KeyCode::Left => Some("←"),
            KeyCode::Right => Some("→"),
            _ => None,
        };
        let named = || NAMED.iter().find(|(_, code)| *code == self.code).map(|(name, _)| *name);
        match (arrow.or_else(named), self.code) {
            (Some(name), _) => f.write_str(name),
            (None, KeyCode::Char(character)) => write!(f, "{character}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, _) => f.write_str("?"),
        }
    }
}

/// Keys of a sequence as they are shown.
#[must_use]
pub fn sequence(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["j", "G", "ctrl-d", "alt-x", "ctrl-alt-x", "pageup", "f12", "space", "ctrl-space", "-", "ctrl--"] {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Key::parse("left").unwrap().to_string(), "←");
        assert_eq!(Key::parse("pgdn"), Key::parse("pagedown"));
        assert_eq!(Key::parse("ctrl-A"), Key::parse("ctrl-a"));
        for text in ["", "hyper-x", "ctrl-", "f13", "f0", "xy"] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_pressed_is_the_key_written() {
        let pressed = |code, modifiers| Key::from(KeyEvent::new(code, modifiers));
        assert_eq!(Some(pressed(KeyCode::Char('a'), KeyModifiers::CONTROL)), Key::parse("ctrl-a"));
        assert_eq!(Some(pressed(KeyCode::BackTab, KeyModifiers::SHIFT)), Key::parse("shift-tab"));
        assert_eq!(Some(pressed(KeyCode::Char('G'), KeyModifiers::SHIFT)), Key::parse("G"));
        assert_eq!(Key::parse("ctrl-a").unwrap().character(), None);
        assert_eq!(Key::parse("a").unwrap().character(), Some('a'));
    }
}
