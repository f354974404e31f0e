//! What is known of the chosen thing: its path, its story over the layers, and the command that brought it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::files::path_line;
use super::{cut, findings, packages};
use crate::analysis::secrets::shown_command;
use crate::index::PathId;
use crate::index::walk::{Change, story_of};
use crate::tui::Explored;
use crate::tui::app::{App, Pane, Screen};
use crate::tui::card::told;
use crate::tui::frame::boxed;
use crate::tui::theme::Role;

/// Draws the details.
pub fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let Some(image) = &app.image else { return };
    let block = boxed(app, "Detail", "", false);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width);
    let lines = match (app.screen, app.pane) {
        (Screen::Findings, _) => findings::details(app, image, width),
        (Screen::Packages, _) => packages::details(app, image, width),
        (_, Pane::Layers) => layer(app, image, width),
        (_, Pane::Files) => app.path().map_or_else(Vec::new, |path| file(app, image, path, width)),
    };
    frame.render_widget(Paragraph::new(lines), inner);
}

fn layer(app: &App, image: &Explored, width: usize) -> Vec<Line<'static>> {
    let Some(layer) = image.loaded.image.layers.get(app.layer) else { return Vec::new() };
    let digest = layer.digest.as_deref().or(layer.diff_id.as_deref()).unwrap_or("no digest");
    vec![
        Line::from(cut(&shown_command(layer), width)),
        Line::from(Span::styled(cut(&format!("blob {digest}"), width), app.theme.style(Role::Dim))),
        Line::from(Span::styled(
            cut(&format!("diff id {}", layer.diff_id.as_deref().unwrap_or("not stated")), width),
            app.theme.style(Role::Dim),
        )),
    ]
}

fn file(app: &App, image: &Explored, path: PathId, width: usize) -> Vec<Line<'static>> {
    let (index, stack) = (&image.loaded.index, &image.loaded.stack);
    let story: Vec<String> = story_of(index, stack, path)
        .into_iter()
        .filter_map(|event| {
            let is_news = !matches!(event.change, Change::Unchanged | Change::Dangling);
            is_news.then(|| format!("{} in {}", told(&event).0, event.layer))
        })
        .collect();
    let brought = app.projection.as_ref().and_then(|projection| projection.cell(path).live).and_then(|live| {
        let layer = image.loaded.image.layers.get(live.layer as usize)?;
        Some(format!("layer {}: {}", live.layer, shown_command(layer)))
    });
    vec![
        Line::from(path_line(index, path, width)),
        Line::from(cut(&story.join(" · "), width)),
        Line::from(Span::styled(cut(&brought.unwrap_or_default(), width), app.theme.style(Role::Dim))),
    ]
}
