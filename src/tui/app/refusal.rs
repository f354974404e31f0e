//! Why something cannot be done here or now, in words that say what would help.

use super::{App, Screen};
use crate::tui::action::Action;
use crate::tui::key::Key;
use crate::tui::keymap::Place;

/// What can be done whatever lies over the screen.
const ALWAYS: [Action; 13] = [
    Action::Palette,
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
    Action::Help,
];

/// What can be done with a file that is looked into.
const INSIDE: [Action; 7] = [
    Action::CopyPath,
    Action::DescribePath,
    Action::ToggleHex,
    Action::Compare,
    Action::Extract,
    Action::Page,
    Action::Edit,
];

/// What can be done with a page of facts.
const ON_CARD: [Action; 3] = [Action::CopyPath, Action::CopyDigest, Action::CopyCommand];

/// What needs a line of the tree.
const WITH_A_FILE: [Action; 9] = [
    Action::Open,
    Action::Close,
    Action::Toggle,
    Action::OpenAll,
    Action::Extract,
    Action::Page,
    Action::Edit,
    Action::CopyPath,
    Action::ShowInFiles,
];

/// What gives a pane more room or less.
const ROOM: [Action; 3] = [Action::Zoom, Action::Wider, Action::Narrower];

impl App {
    /// Why an action cannot be done now.
    #[must_use]
    pub fn refusal(&self, action: Action) -> Option<String> {
        let why = if ALWAYS.contains(&action) {
            return None;
        } else if self.card.is_some() {
            if ON_CARD.contains(&action) {
                return None;
            }
            "esc closes the page first"
        } else if self.inside.preview.is_some() {
            // Nobody wants to change what is not seen.
            if INSIDE.contains(&action) {
                return None;
            }
            "esc closes the preview first"
        } else if self.image.is_none() {
            "the image is still to come"
        } else if WITH_A_FILE.contains(&action) && self.screen == Screen::Files && self.rows.is_empty() {
            "there is no file here"
        } else if WITH_A_FILE.contains(&action) && self.screen == Screen::Findings && self.findings.items.is_empty() {
            "there is no finding"
        } else if WITH_A_FILE.contains(&action) && self.screen == Screen::Packages && self.packages.shown.is_empty() {
            "there is no package"
        } else if ROOM.contains(&action) && self.screen != Screen::Files {
            "there is one pane only"
        } else if ROOM[1..].contains(&action) && (self.zoom || !self.areas.strip.is_empty()) {
            "layers and files do not stand side by side"
        } else if action == Action::PreviousLayer && self.layer_line.at == 0 {
            "this is the first layer"
        } else if action == Action::NextLayer && self.layer_line.at + 1 >= self.layer_line.count {
            "this is the last layer"
        } else if action == Action::Toggle && self.rows.get(self.row.at).is_some_and(|row| !row.is_folder) {
            "this is no folder"
        } else if matches!(action, Action::NextMatch | Action::PreviousMatch) && self.wish.filter.is_empty() {
            let filter = self.keymap.keys_of(self.place(), Action::Filter);
            return Some(format!("no filter is set: {} sets one", filter.first().map_or("filter", String::as_str)));
        } else {
            return None;
        };
        Some(why.to_owned())
    }

    /// Why keys do nothing here, if they do something elsewhere.
    pub(super) fn tell_elsewhere(&mut self, pressed: &[Key]) {
        let keys = self.keymap.write(pressed);
        let place = self.keymap.elsewhere(pressed).find(|(place, _)| *place != Place::Help);
        self.notice = match place {
            Some((place, action)) => Some(format!("{keys} does nothing here; in {}: {}", place.name(), action.doc())),
            None if pressed.len() > 1 => Some(format!("{keys} does nothing")),
            None => None,
        };
    }
}
