//! Which key does what where; help, hints, and README's table are made from the same. Knows no screen.

mod read;

use super::action::Action;
use super::key::Key;

pub use read::{Bindings, Preset};

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// In every pane.
    Everywhere,
    /// In the list of layers.
    Layers,
    /// In the tree of files.
    Files,
    /// In the list of findings.
    Findings,
    /// In the list of packages.
    Packages,
    /// In the preview of a file.
    Preview,
    /// In the list of keys.
    Help,
}

impl Place {
    /// All of them, with their names in the keymap.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Everywhere, "everywhere"),
        (Self::Layers, "layers"),
        (Self::Files, "files"),
        (Self::Findings, "findings"),
        (Self::Packages, "packages"),
        (Self::Preview, "preview"),
        (Self::Help, "help"),
    ];

    /// The name in the keymap.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(place, _)| *place == self).map_or("", |(_, name)| name)
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

/// A sequence of keys and what it does in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    place: Place,
    keys: Vec<Key>,
    action: Action,
}

/// Keys and what they do.
#[derive(Debug, Clone)]
pub struct Keymap {
    bound: Vec<Bound>,
    /// Whether arrows are written as words.
    in_words: bool,
}

impl Keymap {
    /// Writes arrows as words, if so wanted: in ASCII `<` would be another key.
    #[must_use]
    pub fn spelled_out(mut self, in_words: bool) -> Self {
        self.in_words = in_words;
        self
    }

    /// Keys of a sequence as they are shown.
    #[must_use]
    pub fn write(&self, keys: &[Key]) -> String {
        let written = keys.iter().map(|key| if self.in_words { key.in_words() } else { key.to_string() });
        written.collect::<Vec<_>>().join(" ")
    }

    /// What the keys pressed so far come to. The pane's own keys win over those that hold everywhere.
    #[must_use]
    pub fn find(&self, place: Place, pressed: &[Key]) -> Hit {
        for place in [place, Place::Everywhere] {
            let mut here = self.bound.iter().filter(|bound| bound.place == place && bound.keys.starts_with(pressed));
            match here.next() {
                Some(bound) if bound.keys.len() == pressed.len() => return Hit::Does(bound.action),
                Some(_) => return Hit::Begins,
                None => {}
            }
        }
        Hit::Nothing
    }

    /// How a sequence that is begun can go on, in the order of the actions. What the pane itself binds hides what holds
    /// everywhere.
    #[must_use]
    pub fn continuations(&self, place: Place, pressed: &[Key]) -> Vec<(String, Action)> {
        let mut found: Vec<(String, Action)> = Vec::new();
        for place in [place, Place::Everywhere] {
            let here = self.bound.iter().filter(|bound| {
                bound.place == place && bound.keys.len() > pressed.len() && bound.keys.starts_with(pressed)
            });
            for bound in here {
                let rest = self.write(&bound.keys[pressed.len()..]);
                if !found.iter().any(|(known, _)| *known == rest) {
                    found.push((rest, bound.action));
                }
            }
        }
        found.sort_by_key(|(_, action)| Action::ALL.iter().position(|known| known == action));
        found
    }

    /// Places where these keys do something, with what they do there.
    pub fn elsewhere(&self, pressed: &[Key]) -> impl Iterator<Item = (Place, Action)> {
        self.bound.iter().filter(move |bound| bound.keys == pressed).map(|bound| (bound.place, bound.action))
    }

    /// The keys of an action in a place, the shortest first.
    #[must_use]
    pub fn keys_of(&self, place: Place, action: Action) -> Vec<String> {
        let mut keys = self.own_keys_of(place, action);
        // A key that does something else here is no key of what it does everywhere.
        keys.extend(
            self.written(|bound| {
                bound.place == Place::Everywhere && bound.action == action && !self.hides(place, bound)
            }),
        );
        sorted(keys)
    }

    /// The keys that the place itself binds to an action, the shortest first.
    #[must_use]
    pub fn own_keys_of(&self, place: Place, action: Action) -> Vec<String> {
        sorted(self.written(|bound| bound.place == place && bound.action == action))
    }

    /// Whether a place has another use for keys that are bound everywhere.
    fn hides(&self, place: Place, everywhere: &Bound) -> bool {
        let mut own = self.bound.iter().filter(|bound| bound.place == place && place != Place::Everywhere);
        own.any(|own| everywhere.keys.starts_with(&own.keys) || own.keys.starts_with(&everywhere.keys))
    }

    fn written(&self, wanted: impl Fn(&Bound) -> bool) -> Vec<String> {
        self.bound.iter().filter(|bound| wanted(bound)).map(|bound| self.write(&bound.keys)).collect()
    }
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_by_key(|key| (key.chars().count(), key.clone()));
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn preset() -> Keymap {
        Keymap::new(Preset::Default, &Bindings::new()).unwrap()
    }

    fn keys(text: &str) -> Vec<Key> {
        text.split(' ').map(|key| Key::parse(key).unwrap()).collect()
    }

    /// The table of README: every action with its keys, group by group.
    fn table(keymap: &Keymap) -> String {
        let mut table = String::new();
        let mut group = None;
        for action in Action::ALL {
            if group != Some(action.group()) {
                group = Some(action.group());
                write!(table, "\n| {} | | |\n| --- | --- | --- |\n", action.group().name()).unwrap();
            }
            for (place, name) in Place::ALL {
                let own = keymap.own_keys_of(place, *action);
                if !own.is_empty() {
                    let keys = own.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" ");
                    writeln!(table, "| {keys} | {} | {name} |", action.doc()).unwrap();
                }
            }
        }
        table
    }

    #[test]
    fn readme_has_the_keys() {
        let table = table(&preset());
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&table), "README's key tables should be:\n{table}");
    }

    #[test]
    fn every_action_has_a_key_in_every_preset() {
        for preset in Preset::ALL {
            let keymap = Keymap::new(preset, &Bindings::new()).unwrap();
            for action in Action::ALL {
                let has_key = Place::ALL.iter().any(|(place, _)| !keymap.keys_of(*place, *action).is_empty());
                assert!(has_key, "{} in {preset:?}", action.name());
            }
        }
    }

    #[test]
    fn sequences_begin_and_end() {
        let keymap = preset();
        assert_eq!(keymap.find(Place::Files, &keys("g")), Hit::Begins);
        assert_eq!(keymap.find(Place::Files, &keys("g g")), Hit::Does(Action::Top));
        assert_eq!(keymap.find(Place::Files, &keys("l")), Hit::Does(Action::Open));
        assert_eq!(keymap.find(Place::Layers, &keys("l")), Hit::Does(Action::NextPane));
        assert_eq!(keymap.find(Place::Files, &keys("Z")), Hit::Nothing);
        assert_eq!(keymap.find(Place::Files, &keys("g x")), Hit::Nothing);
        let on = keymap.continuations(Place::Files, &keys("g"));
        assert!(on.contains(&("g".into(), Action::Top)) && on.contains(&("w".into(), Action::ShowFindings)), "{on:?}");
    }

    #[test]
    fn a_key_with_another_use_here_is_no_key_of_what_it_does_everywhere() {
        let keymap = preset();
        assert!(keymap.keys_of(Place::Files, Action::Quit).contains(&"q".into()));
        assert!(!keymap.keys_of(Place::Preview, Action::Quit).contains(&"q".into()));
        assert!(keymap.keys_of(Place::Preview, Action::Back).contains(&"q".into()));
    }

    #[test]
    fn dive_has_its_keys_beside_arrows_and_vim() {
        let keymap = Keymap::new(Preset::Dive, &Bindings::new()).unwrap();
        let does = |place, text: &str| keymap.find(place, &keys(text));
        for (place, text, action) in [
            (Place::Files, "ctrl-c", Action::Abandon),
            (Place::Layers, "tab", Action::NextPane),
            (Place::Files, "left", Action::Close),
            (Place::Files, "h", Action::Close),
            (Place::Files, "right", Action::Open),
            (Place::Files, "l", Action::Open),
            (Place::Files, "k", Action::Up),
            (Place::Layers, "down", Action::Down),
            (Place::Files, "u", Action::PageUp),
            (Place::Files, "d", Action::PageDown),
            (Place::Layers, "pgdn", Action::PageDown),
            (Place::Files, "ctrl-f", Action::Filter),
            (Place::Layers, "ctrl-f", Action::Filter),
            (Place::Layers, "ctrl-a", Action::ShowUpTo),
            (Place::Layers, "ctrl-l", Action::ShowLayer),
            (Place::Files, "space", Action::Toggle),
            (Place::Files, "ctrl-space", Action::CloseAll),
            (Place::Files, "ctrl-a", Action::ToggleAdded),
            (Place::Files, "ctrl-r", Action::ToggleRemoved),
            (Place::Files, "ctrl-u", Action::ToggleUnchanged),
            (Place::Files, "ctrl-o", Action::NextSort),
            (Place::Files, "ctrl-e", Action::Extract),
            (Place::Files, "ctrl-z", Action::Suspend),
        ] {
            assert_eq!(does(place, text), Hit::Does(action), "{text} in {}", place.name());
        }
    }
}
