//! The list of keys while it is open: what it tells, in which order, and what is searched in it. Knows no screen.

use crossterm::event::KeyEvent;

use super::action::{Action, Group};
use super::app::{App, Effect};
use super::key::Key;
use super::keymap::{Hit, Place};
use super::line::{Typed, edit};
use super::list::Cursor;

/// What is done while the list is open; all else is below it.
const MODAL: [Action; 11] = [
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::Top,
    Action::Bottom,
    Action::Back,
    Action::Quit,
    Action::Keep,
    Action::Abandon,
    Action::Suspend,
];

/// The list of keys.
#[derive(Debug, Clone, Default)]
pub struct Help {
    /// How far it is scrolled.
    pub cursor: Cursor,
    /// What is searched; nothing shows all.
    pub search: String,
    /// Whether letters are added to what is searched.
    pub is_typing: bool,
}

/// What keys do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The keys.
    pub keys: String,
    /// What they do.
    pub doc: &'static str,
    /// Why not here, or not now.
    pub why_not: Option<String>,
}

/// Entries under a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What they have in common.
    pub title: String,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// All that help tells: the keys of this place, then those that hold everywhere, then those of other places.
#[must_use]
pub fn sections(app: &App) -> Vec<Section> {
    let place = app.ground();
    let (keymap, all) = (&app.keymap, Action::ALL.iter().copied());
    let is_own = |action: Action| place != Place::Everywhere && !keymap.own_keys_of(place, action).is_empty();
    let entry = |action: Action| Entry {
        keys: keymap.keys_of(place, action).join(", "),
        doc: action.doc(),
        why_not: app.refusal(action),
    };
    let section = |title: &str, entries: Vec<Entry>| Section { title: title.to_owned(), entries };
    let here = all.clone().filter(|action| is_own(*action)).map(entry).collect();
    let mut sections = vec![section(&format!("Here: {}", place.name()), here)];
    for group in Group::ALL {
        let general = |action: &Action| {
            action.group() == *group && !is_own(*action) && !keymap.keys_of(place, *action).is_empty()
        };
        sections.push(section(group.name(), all.clone().filter(general).map(entry).collect()));
    }
    let foreign = |action: Action| {
        let mut places = Place::ALL.iter().filter(|(place, _)| *place != Place::Help);
        let (keys, name) = places.find_map(|(place, name)| {
            Some((keymap.own_keys_of(*place, action), *name)).filter(|(keys, _)| !keys.is_empty())
        })?;
        Some(Entry { keys: keys.join(", "), doc: action.doc(), why_not: Some(format!("in {name}")) })
    };
    let elsewhere = all.filter(|action| keymap.keys_of(place, *action).is_empty()).filter_map(foreign).collect();
    sections.push(section("Elsewhere", elsewhere));
    if let Some(help) = app.help.as_ref().filter(|help| !help.search.is_empty()) {
        for section in &mut sections {
            section.entries.retain(|entry| is_found(&help.search, entry));
        }
    }
    sections.retain(|section| !section.entries.is_empty());
    sections
}

/// A key as it is written, or words that words of the text begin with.
fn is_found(search: &str, entry: &Entry) -> bool {
    let doc = entry.doc.to_lowercase();
    let begins = |part: &str| doc.split(|end: char| !end.is_alphanumeric()).any(|word| word.starts_with(part));
    let mut keys = entry.keys.split(", ");
    keys.any(|key| key == search.trim()) || search.to_lowercase().split_whitespace().all(begins)
}

/// What the list of keys does with keys.
impl App {
    /// Takes a key while the list is open. What would change the screen below is a letter of what is searched.
    pub(super) fn key_in_help(&mut self, pressed: &[Key], hit: Hit) -> Vec<Effect> {
        let Some(help) = &mut self.help else { return Vec::new() };
        match hit {
            Hit::Does(Action::Filter) => help.is_typing = true,
            Hit::Does(Action::Back) if !help.search.is_empty() => help.search.clear(),
            Hit::Does(action) if MODAL.contains(&action) => return self.act(action),
            Hit::Does(_) | Hit::Begins | Hit::Nothing => {
                let letters: String = pressed.iter().filter_map(|key| key.character()).collect();
                if !letters.is_empty() {
                    help.is_typing = true;
                    help.search += &letters;
                }
            }
        }
        Vec::new()
    }

    /// Takes a key of what is searched.
    pub(super) fn search_keys(&mut self, event: KeyEvent) -> Vec<Effect> {
        let Some(help) = &mut self.help else { return Vec::new() };
        match edit(&mut help.search, event) {
            Typed::Quit => return self.act(Action::Abandon),
            Typed::Enter => help.is_typing = false,
            Typed::Leave => {
                help.is_typing = false;
                help.search.clear();
            }
            Typed::Step(by) => help.cursor.step(by),
            Typed::Changed | Typed::Nothing => {}
        }
        Vec::new()
    }
}
