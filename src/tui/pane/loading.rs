//! The screen while the image is read: how far, how fast, how long still, and the steps that are known already.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{bar, cut};
use crate::tui::app::App;
use crate::tui::frame::{boxed, progress_words};
use crate::tui::theme::Role;
use crate::units::bytes;

/// Columns of the progress bar at most.
const BAR: u16 = 60;

/// Draws how far reading is, and below it what is known before any layer is read.
pub fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let block = boxed(app, "Reading", "", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let now = app.progress;
    let layers = match (now.layer, now.layers) {
        (0, _) if now.bytes == 0 && app.outline.is_empty() => "asking for the image".to_owned(),
        (0, _) if now.bytes == 0 => "waiting for the engine to export it".to_owned(),
        (layer, 0) => format!("layer {layer}"),
        (layer, layers) => format!("layer {} of {layers}", layer.min(layers)),
    };
    let mut lines = vec![
        Line::from(layers),
        Line::from(Span::styled(
            bar(now.bytes, now.expected, u64::from(inner.width.min(BAR))),
            app.theme.style(Role::Bar),
        )),
        Line::from(Span::styled(progress_words(app, app.since.elapsed()), app.theme.style(Role::Dim))),
        Line::default(),
    ];
    let largest = app.outline.iter().map(|step| step.bytes).max().unwrap_or(0);
    let width = usize::from(inner.width).saturating_sub(20);
    lines.extend(app.outline.iter().map(|step| {
        Line::from(vec![
            Span::raw(format!("{:>10} ", bytes(step.bytes))),
            Span::styled(format!("{:<6}  ", bar(step.bytes, largest, 6)), app.theme.style(Role::Bar)),
            Span::raw(cut(&step.command, width)),
        ])
    }));
    frame.render_widget(Paragraph::new(lines), inner);
}
