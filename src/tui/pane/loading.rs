//! The screen while the image is read: how far, how fast, how long still.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::bar;
use crate::tui::app::App;
use crate::tui::frame::{boxed, progress_words};
use crate::tui::theme::Role;

/// Draws how far reading is.
pub fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let block = boxed(app, "Reading", "", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let now = app.progress;
    let layers = match (now.layer, now.layers) {
        (0, _) => "asking for the image".to_owned(),
        (layer, 0) => format!("layer {layer}"),
        (layer, layers) => format!("layer {} of {layers}", layer.min(layers)),
    };
    let lines = vec![
        Line::from(layers),
        Line::from(Span::styled(
            bar(now.bytes, now.expected, u64::from(inner.width.min(60))),
            app.theme.style(Role::Bar),
        )),
        Line::from(Span::styled(progress_words(app, app.since.elapsed()), app.theme.style(Role::Dim))),
    ];
    frame.render_widget(Paragraph::new(lines), inner);
}
