//! Which key does what where. Read from `assets/keymap.toml`; help, hints and README are made from the same.

use std::collections::BTreeMap;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Action;
use crate::error::{Error, Result};

const PRESET: &str = include_str!("../../assets/keymap.toml");

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// In every pane.
    Everywhere,
    /// In the list of layers.
    Layers,
    /// In the tree of files.
    Files,
    /// In the list of waste.
    Waste,
    /// In the preview of a file.
    Preview,
}

impl Place {
    /// All of them, with their names in the keymap.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Everywhere, "everywhere"),
        (Self::Layers, "layers"),
        (Self::Files, "files"),
        (Self::Waste, "waste"),
        (Self::Preview, "preview"),
    ];
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        Self { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) }
    }
}

const NAMED: [(&str, KeyCode); 13] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("backspace", KeyCode::Backspace),
];

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let (ctrl, name) = text.strip_prefix("ctrl-").map_or((false, text), |rest| (true, rest));
        let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
        let single = || {
            let mut characters = name.chars();
            characters.next().filter(|_| characters.next().is_none()).map(KeyCode::Char)
        };
        Some(Self { code: named.or_else(single)?, ctrl })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            write!(f, "ctrl-")?;
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
            (None, _) => f.write_str("?"),
        }
    }
}

/// What comes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// It does this.
    Does(Action),
    /// It begins a sequence.
    Begins,
    /// It does nothing here.
    Nothing,
}

/// Keys and what they do.
#[derive(Debug, Clone)]
pub struct Keymap {
    bound: Vec<(Place, Vec<Key>, Action)>,
}

impl Keymap {
    /// The keymap that the program carries.
    ///
    /// # Errors
    /// None in practice: a test reads it.
    pub fn preset() -> Result<Self> {
        Self::parse(PRESET)
    }

    /// Reads a keymap.
    ///
    /// # Errors
    /// What is not known, with what was meant perhaps.
    pub fn parse(text: &str) -> Result<Self> {
        let table: BTreeMap<String, BTreeMap<String, String>> =
            toml::from_str(text).map_err(|error| Error::usage("the keymap cannot be read").because(error.message()))?;
        let mut bound = Vec::new();
        for (place, keys) in table {
            let place = Place::ALL.iter().find(|(_, name)| *name == place).map(|(place, _)| *place);
            let place = place.ok_or_else(|| {
                Error::usage("the keymap names a place that is not known")
                    .hint("places: everywhere, layers, files, waste, preview")
            })?;
            for (sequence, action) in keys {
                let keys: Option<Vec<Key>> = sequence.split(' ').map(Key::parse).collect();
                let keys =
                    keys.ok_or_else(|| Error::usage(format!("the keymap names a key that is not known: {sequence}")))?;
                let action = Action::named(&action)
                    .ok_or_else(|| Error::usage(format!("the keymap names an action that is not known: {action}")))?;
                bound.push((place, keys, action));
            }
        }
        Ok(Self { bound })
    }

    /// What the keys pressed so far come to. The pane's own keys win over those that hold everywhere.
    #[must_use]
    pub fn find(&self, place: Place, pressed: &[Key]) -> Hit {
        for place in [place, Place::Everywhere] {
            let mut here = self.bound.iter().filter(|(bound, keys, _)| *bound == place && keys.starts_with(pressed));
            match here.next() {
                Some((_, keys, action)) if keys.len() == pressed.len() => return Hit::Does(*action),
                Some(_) => return Hit::Begins,
                None => {}
            }
        }
        Hit::Nothing
    }

    /// The keys of an action in a place, the shortest first.
    #[must_use]
    pub fn keys_of(&self, place: Place, action: Action) -> Vec<String> {
        let here = self
            .bound
            .iter()
            .filter(|(bound, _, does)| *does == action && (*bound == place || *bound == Place::Everywhere));
        let mut keys: Vec<String> =
            here.map(|(_, keys, _)| keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).collect();
        keys.sort_by_key(|key| (key.chars().count(), key.clone()));
        keys.dedup();
        keys
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// The table of README: every action with its keys.
    fn table(keymap: &Keymap) -> String {
        let mut table = String::from("| key | what it does | where |\n| --- | --- | --- |\n");
        for action in Action::ALL {
            for (place, name) in Place::ALL {
                let own = keymap.bound.iter().filter(|(bound, _, does)| *bound == place && does == action);
                let mut keys: Vec<String> = own
                    .map(|(_, keys, _)| keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
                    .collect();
                keys.sort_by_key(|key| (key.chars().count(), key.clone()));
                if !keys.is_empty() {
                    let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" ");
                    writeln!(table, "| {keys} | {} | {name} |", action.doc()).unwrap();
                }
            }
        }
        table
    }

    #[test]
    fn readme_has_the_keys() {
        let table = table(&Keymap::preset().unwrap());
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&table), "README's key table should be:\n{table}");
    }

    #[test]
    fn every_action_has_a_key_and_every_key_an_action() {
        let keymap = Keymap::preset().unwrap();
        for action in Action::ALL {
            let has_key = Place::ALL.iter().any(|(place, _)| !keymap.keys_of(*place, *action).is_empty());
            assert!(has_key, "{}", action.name());
        }
    }

    #[test]
    fn sequences_begin_and_end() {
        let keymap = Keymap::preset().unwrap();
        let key = |text: &str| Key::parse(text).unwrap();
        assert_eq!(keymap.find(Place::Files, &[key("g")]), Hit::Begins);
        assert_eq!(keymap.find(Place::Files, &[key("g"), key("g")]), Hit::Does(Action::Top));
        assert_eq!(keymap.find(Place::Files, &[key("l")]), Hit::Does(Action::Open));
        assert_eq!(keymap.find(Place::Layers, &[key("l")]), Hit::Does(Action::NextPane));
        assert_eq!(keymap.find(Place::Files, &[key("x")]), Hit::Nothing);
    }

    #[test]
    fn mistakes_are_told() {
        assert!(Keymap::parse("[files]\n\"x\" = \"fly\"").unwrap_err().to_string().contains("fly"));
        assert!(Keymap::parse("[nowhere]\n\"x\" = \"up\"").is_err());
        assert!(Keymap::parse("[files]\n\"hyper-x\" = \"up\"").is_err());
    }
}
