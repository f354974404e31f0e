//! How a sequence of keys that is begun can go on. It goes with the next key.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use unicode_width::UnicodeWidthStr;

use super::cut;
use crate::tui::app::App;
use crate::tui::frame::boxed;
use crate::tui::theme::Role;

/// Columns between entries.
const GAP: usize = 3;

/// Draws it over the lower end of an area.
pub fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let on = app.keymap.continuations(app.place(), &app.pressed);
    let width = usize::from(area.width.saturating_sub(3));
    let widest = on.iter().map(|(keys, action)| keys.width() + 2 + action.doc().width()).max().unwrap_or(0);
    let columns = (width / (widest + GAP).max(1)).clamp(1, on.len().max(1));
    let rows = on.len().div_ceil(columns);
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(area.height);
    let [_, area] = Layout::vertical([Constraint::Min(0), Constraint::Length(height)]).areas(area);
    let block = boxed(app, &format!("{} …", app.keymap.write(&app.pressed)), "esc leaves", true);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    // Read from top to bottom, column by column.
    let lines: Vec<Line> = (0..rows)
        .map(|row| {
            let cells = on.iter().skip(row).step_by(rows.max(1)).flat_map(|(keys, action)| {
                let doc = cut(action.doc(), width.saturating_sub(keys.width() + 2));
                let blanks = (widest + GAP).saturating_sub(keys.width() + 2 + doc.width());
                [
                    Span::styled(format!(" {keys}  "), app.theme.style(Role::Key)),
                    Span::raw(format!("{doc}{}", " ".repeat(blanks.saturating_sub(1)))),
                ]
            });
            Line::from(cells.collect::<Vec<_>>())
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}
