//! The palette over the screen: what is typed, and what it finds.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::cut;
use crate::tui::app::App;
use crate::tui::frame::boxed;
use crate::tui::palette::Target;
use crate::tui::theme::Role;
use crate::units::{count, printable};

/// Columns and lines that it takes at most.
const MOST: (u16, u16) = (110, 24);

/// Draws the palette.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let Some(palette) = &app.palette else { return };
    let [column] = Layout::horizontal([Constraint::Max(MOST.0)]).flex(Flex::Center).areas(area);
    let height = MOST.1.min(area.height.saturating_sub(2));
    let [area] = Layout::vertical([Constraint::Length(height)]).flex(Flex::Start).areas(column);
    let busy = if palette.is_searching { "… " } else { "" };
    let block = boxed(app, "Go to", &format!("{busy}{} found · esc closes", count(palette.hits.len() as u64)), true);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let theme = app.theme;
    let place = app.place();
    let keymap = &app.keymap;
    let Some(palette) = &mut app.palette else { return };
    palette.cursor.fit(usize::from(inner.height.saturating_sub(1)));
    let width = usize::from(inner.width);
    let mut lines = vec![Line::from(vec![
        Span::styled(" > ", theme.style(Role::Key)),
        Span::raw(format!("{}▏", printable(palette.text.as_bytes()))),
    ])];
    if palette.hits.is_empty() {
        let why = if palette.is_searching { "   searching …" } else { "   nothing fits" };
        lines.push(Line::from(Span::styled(why, theme.style(Role::Dim))));
    }
    let shown = palette.cursor.top..(palette.cursor.top + palette.cursor.height).min(palette.hits.len());
    lines.extend(shown.map(|line| {
        let hit = &palette.hits[line];
        let (kind, role, key) = match hit.target {
            Target::Path(_) => ("file", Role::Text, String::new()),
            Target::Layer(_) => ("layer", Role::Bar, String::new()),
            Target::Finding(_) => ("finding", Role::Warn, String::new()),
            Target::Command(action) => {
                ("command", Role::Key, keymap.keys_of(place, action).into_iter().next().unwrap_or_default())
            }
        };
        let style = theme.style(if line == palette.cursor.at { Role::Selection } else { Role::Text });
        let room = width.saturating_sub(12 + key.chars().count() + 2);
        let label = cut(&hit.label, room);
        Line::from(vec![
            Span::styled(format!(" {kind:<8} "), theme.style(role)),
            Span::raw(label),
            Span::styled(format!("  {key}"), theme.style(Role::Dim)),
        ])
        .style(style)
    }));
    frame.render_widget(Paragraph::new(lines), inner);
}
