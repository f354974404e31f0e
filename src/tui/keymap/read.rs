//! Reads a keymap: a preset that the program carries, and over it what the user binds.

use std::collections::BTreeMap;

use super::super::action::Action;
use super::super::key::{Key, sequence};
use super::{Bound, Keymap, Place};
use crate::error::{Error, Result};

const DEFAULT: &str = include_str!("../../../assets/keymap.toml");
const DIVE: &str = include_str!("../../../assets/keymap-dive.toml");

/// What takes a key away.
const NONE: &str = "none";

/// Keys and the names of their actions, by place, as they are written in a file.
pub type Bindings = BTreeMap<String, BTreeMap<String, String>>;

/// A keymap that the program carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// Plain keys, arrows and vim's.
    #[default]
    Default,
    /// The same with the keys of dive over them.
    Dive,
}

impl Preset {
    /// All of them.
    #[cfg(test)]
    pub const ALL: [Self; 2] = [Self::Default, Self::Dive];

    /// Its files, each over those before it.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Default => &[DEFAULT],
            Self::Dive => &[DEFAULT, DIVE],
        }
    }
}

impl Keymap {
    /// A preset, and over it what the user binds.
    ///
    /// # Errors
    /// What is not known, with what was meant perhaps, and keys that would never be reached.
    pub fn new(preset: Preset, own: &Bindings) -> Result<Self> {
        let mut keymap = Self { bound: Vec::new(), in_words: false };
        for file in preset.files() {
            let table: Bindings = toml::from_str(file)
                .map_err(|error| Error::usage("the keymap cannot be read").because(error.message()))?;
            keymap.lay_over(&table)?;
        }
        keymap.lay_over(own)?;
        Ok(keymap)
    }

    /// Binds and takes away. A key takes the place of what was bound to it, and of the sequences that it begins or ends.
    fn lay_over(&mut self, table: &Bindings) -> Result<()> {
        let mut new: Vec<(Place, Vec<Key>, Option<Action>)> = Vec::new();
        for (name, keys) in table {
            let place = place(name)?;
            for (written, action) in keys {
                let (keys, action) = (read_keys(name, written)?, read_action(name, written, action)?);
                if let Some((_, other, _)) = new.iter().find(|(bound, other, _)| *bound == place && meet(other, &keys))
                {
                    return Err(both(name, other, &keys));
                }
                new.push((place, keys, action));
            }
        }
        self.bound.retain(|bound| !new.iter().any(|(place, keys, _)| *place == bound.place && meet(keys, &bound.keys)));
        let bound = new.into_iter().filter_map(|(place, keys, action)| Some(Bound { place, keys, action: action? }));
        self.bound.extend(bound);
        Ok(())
    }
}

/// Whether one of the two is reached before the other one is complete.
fn meet(one: &[Key], other: &[Key]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn both(place: &str, one: &[Key], other: &[Key]) -> Error {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let (short, long) = (sequence(short), sequence(long));
    if short == long {
        return Error::usage(format!("[keys.{place}] binds {short} twice")).hint("keep one of the two");
    }
    Error::usage(format!("[keys.{place}] binds {short} and {long}, which is never reached"))
        .hint(format!("take away one of the two: \"{short}\" = \"{NONE}\" keeps the sequence"))
}

fn place(name: &str) -> Result<Place> {
    let known = Place::ALL.iter().find(|(_, known)| *known == name).map(|(place, _)| *place);
    known.ok_or_else(|| {
        Error::usage(format!("[keys.{name}] is no place where keys are pressed"))
            .perhaps(name, Place::ALL.iter().map(|(_, name)| *name))
    })
}

fn read_keys(place: &str, written: &str) -> Result<Vec<Key>> {
    let one = |text: &str| {
        Key::parse(text).ok_or_else(|| {
            let error = Error::usage(format!("[keys.{place}] names a key that is not known: {written}"));
            let modifiers = text.rfind('-').map_or("", |end| &text[..=end]);
            if text.is_empty() {
                error.hint("one blank stands between the keys of a sequence, as in \"g g\"")
            } else if !modifiers.is_empty() && !matches!(modifiers, "ctrl-" | "alt-" | "ctrl-alt-" | "alt-ctrl-") {
                error.hint("a key is written j, G, ctrl-d, alt-x, enter, or f1; a sequence with blanks, g g")
            } else {
                error.perhaps(&text[modifiers.len()..], Key::names())
            }
        })
    };
    written.split(' ').map(one).collect()
}

fn read_action(place: &str, keys: &str, name: &str) -> Result<Option<Action>> {
    if name == NONE {
        return Ok(None);
    }
    Action::named(name).map(Some).ok_or_else(|| {
        Error::usage(format!("[keys.{place}] binds {keys} to an action that is not known: {name}"))
            .perhaps(name, Action::ALL.iter().map(|action| action.name()).chain([NONE]))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Hit;
    use super::*;

    fn with(text: &str) -> Result<Keymap> {
        Keymap::new(Preset::Default, &toml::from_str(text).unwrap())
    }

    fn does(keymap: &Keymap, place: Place, keys: &str) -> Hit {
        let keys: Vec<_> = keys.split(' ').map(|key| Key::parse(key).unwrap()).collect();
        keymap.find(place, &keys)
    }

    #[test]
    fn the_user_binds_over_the_preset() {
        let keymap = with("[files]\n\"x\" = \"extract\"\n\"j\" = \"up\"\n[everywhere]\n\"2\" = \"none\"").unwrap();
        assert_eq!(does(&keymap, Place::Files, "x"), Hit::Does(Action::Extract));
        assert_eq!(does(&keymap, Place::Files, "e"), Hit::Does(Action::Extract), "the preset's key stays");
        assert_eq!(does(&keymap, Place::Files, "j"), Hit::Does(Action::Up));
        assert_eq!(does(&keymap, Place::Layers, "j"), Hit::Does(Action::Down));
        assert_eq!(does(&keymap, Place::Files, "2"), Hit::Nothing);
    }

    #[test]
    fn a_key_takes_the_place_of_the_sequences_that_it_begins() {
        let keymap = with("[everywhere]\n\"g\" = \"top\"").unwrap();
        assert_eq!(does(&keymap, Place::Files, "g"), Hit::Does(Action::Top));
        let keymap = with("[everywhere]\n\"q x\" = \"quit\"").unwrap();
        assert_eq!(does(&keymap, Place::Files, "q"), Hit::Begins);
        assert_eq!(does(&keymap, Place::Files, "q x"), Hit::Does(Action::Quit));
    }

    #[test]
    fn mistakes_are_told_with_what_was_meant() {
        for (text, parts) in [
            ("[files]\n\"x\" = \"extrct\"", &["binds x", "extrct", "did you mean 'extract'"][..]),
            ("[file]\n\"x\" = \"up\"", &["[keys.file]", "did you mean 'files'"]),
            ("[files]\n\"hyper-x\" = \"up\"", &["hyper-x", "ctrl-d"]),
            ("[files]\n\"pgeup\" = \"up\"", &["pgeup", "did you mean"]),
            ("[files]\n\"ctrl-spcae\" = \"up\"", &["ctrl-spcae", "did you mean 'space'"]),
            ("[files]\n\"g  g\" = \"up\"", &["one blank"]),
            ("[files]\n\"pgup\" = \"up\"\n\"pageup\" = \"down\"", &["binds pageup twice"]),
            ("[files]\n\"x\" = \"up\"\n\"x y\" = \"down\"", &["binds x and x y, which is never reached"]),
        ] {
            let error = with(text).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{part:?} is not in: {error}");
            }
        }
    }
}
