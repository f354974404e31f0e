//! What the mouse does: it chooses and opens what it is on, and its wheel walks.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::action::Action;
use super::app::{App, Effect, Pane, SPLITS, Screen};

/// Lines for a step of the wheel.
const WHEEL: isize = 3;

impl App {
    /// Takes an event of the mouse.
    pub(super) fn mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let step = match event.kind {
            MouseEventKind::ScrollDown => 1,
            MouseEventKind::ScrollUp => -1,
            MouseEventKind::Down(MouseButton::Left) => 0,
            MouseEventKind::Drag(MouseButton::Left) => {
                self.drag(event.column);
                return Vec::new();
            }
            _ => {
                self.dragging = false;
                return Vec::new();
            }
        };
        if let Some(palette) = &mut self.palette {
            palette.cursor.step(step * WHEEL);
            return Vec::new();
        }
        if self.help.is_some() || self.card.is_some() || self.inside.preview.is_some() {
            return self.walk(|list| list.step(step * WHEEL));
        }
        let at = Position::new(event.column, event.row);
        self.dragging = step == 0 && self.areas.split.is_some_and(|split| split.contains(at));
        if self.dragging {
            return Vec::new();
        }
        if step == 0 && self.areas.tabs.iter().any(|(area, _)| area.contains(at)) {
            self.screen = self.areas.tabs.iter().find(|(area, _)| area.contains(at)).map_or(self.screen, |tab| tab.1);
            return Vec::new();
        }
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

    /// Moves the line between layers and files to a column.
    fn drag(&mut self, column: u16) {
        if let Some(whole) = self.areas.files_screen.filter(|whole| self.dragging && whole.width > 0) {
            let share = u32::from(column.saturating_sub(whole.x)) * 100 / u32::from(whole.width);
            self.split = u16::try_from(share).unwrap_or(SPLITS.1).clamp(SPLITS.0, SPLITS.1);
        }
    }

    fn click_layer(&mut self, at: Position) -> Vec<Effect> {
        let area = self.areas.layers;
        let line = if self.areas.strip.is_empty() {
            self.layer_line.top + usize::from((at.y - area.y) / self.areas.layer_height.max(1))
        } else {
            let before = self.areas.strip.iter().rev().find(|(column, _)| *column <= at.x);
            before.map_or(self.layer_line.at, |(_, line)| *line)
        };
        if line < self.layer_line.count { self.walk(|list| list.go(line)) } else { Vec::new() }
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
            Screen::Findings if again => self.act(Action::ShowInFiles),
            _ => Vec::new(),
        }
    }
}
