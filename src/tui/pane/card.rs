//! A page of facts over the screen, broken to its width.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::wrap;
use crate::tui::app::App;
use crate::tui::frame::boxed;

/// Draws the page over the panes.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let Some(card) = &app.card else { return };
    let block = boxed(app, &card.title, "esc closes", true);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let theme = app.theme;
    let Some(card) = &mut app.card else { return };
    let width = usize::from(inner.width);
    let lines: Vec<Line> = card
        .lines
        .iter()
        .flat_map(|line| {
            let (first, rest) = line.indent;
            let styled = |indent: usize, text: &str| {
                Line::from(Span::styled(format!("{}{}", " ".repeat(indent), text.trim_end()), theme.style(line.role)))
            };
            let begun = wrap(&line.text, width.saturating_sub(first)).swap_remove(0);
            let left = &line.text[begun.len()..];
            let left = if left.is_empty() { Vec::new() } else { wrap(left, width.saturating_sub(rest)) };
            std::iter::once(styled(first, &begun)).chain(left.iter().map(|text| styled(rest, text))).collect::<Vec<_>>()
        })
        .collect();
    card.cursor.scroll(lines.len(), inner.height);
    let shown = lines.into_iter().skip(card.cursor.at).take(card.cursor.height).collect::<Vec<_>>();
    frame.render_widget(Paragraph::new(shown), inner);
}
