//! What the mouse does: it chooses and opens what it is on, and its wheel walks.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::action::Action;
use super::app::{App, Effect, Pane, Screen};

/// Lines for a step of the wheel.
const WHEEL: isize = 3;

impl App {
    /// Takes an event of the mouse.
    pub(super) fn mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let step = match event.kind {
            MouseEventKind::ScrollDown => 1,
            MouseEventKind::ScrollUp => -1,
            MouseEventKind::Down(MouseButton::Left) => 0,
            _ => return Vec::new(),
        };
        if self.help.is_some() || self.inside.preview.is_some() {
            return self.walk(|list| list.step(step * WHEEL));
        }
        let at = Position::new(event.column, event.row);
        let in_layers = self.areas.layers.contains(at);
        if !in_layers && !self.areas.list.contains(at) {
            return Vec::new();
        }
        if self.screen == Screen::Files {
            self.pane = if in_layers { Pane::Layers } else { Pane::Files };
        }
        match (step, in_layers) {
            (0, true) => self.click_layer(at),
            (0, false) => self.click_line(at),
            (step, true) => self.change_layer(step),
            (step, false) => self.walk(|list| list.step(step * WHEEL)),
        }
    }

    fn click_layer(&mut self, at: Position) -> Vec<Effect> {
        let area = self.areas.layers;
        let layer = if self.areas.strip.is_empty() {
            self.layer.top + usize::from((at.y - area.y) / self.areas.layer_height.max(1))
        } else {
            let before = self.areas.strip.iter().rev().find(|(column, _)| *column <= at.x);
            before.map_or(self.layer.at, |(_, layer)| *layer)
        };
        if layer < self.layer.count { self.walk(|list| list.go(layer)) } else { Vec::new() }
    }

    /// A click on the chosen line opens it.
    fn click_line(&mut self, at: Position) -> Vec<Effect> {
        let line = usize::from(at.y - self.areas.list.y);
        let screen = self.screen;
        let list = self.list();
        if list.top + line >= list.count {
            return Vec::new();
        }
        let again = list.top + line == list.at;
        list.go(list.top + line);
        match screen {
            Screen::Files if again => {
                let is_folder = self.rows.get(self.row.at).is_some_and(|row| row.is_folder);
                self.act(if is_folder { Action::Toggle } else { Action::Open })
            }
            Screen::Waste if again => self.act(Action::ShowInFiles),
            _ => Vec::new(),
        }
    }
}
