//! The screen until the layers of the image are known: how far, how fast, how long still.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::bar;
use crate::tui::app::App;
use crate::tui::frame::{boxed, progress_words};
use crate::tui::theme::Role;

/// Columns of the progress bar at most.
const BAR: u16 = 60;

/// Draws how far reading is.
pub fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let block = boxed(app, "Reading", "", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let now = app.progress;
    let lines = vec![
        Line::from(Span::styled(
            bar(now.bytes, now.expected, u64::from(inner.width.min(BAR))),
            app.theme.style(Role::Bar),
        )),
        Line::from(Span::styled(progress_words(app), app.theme.style(Role::Dim))),
    ];
    frame.render_widget(Paragraph::new(lines), inner);
}
