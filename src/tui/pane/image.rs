//! Facts of the image: names, digests, what runs and how, and the whole history.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use serde_json::Value;

use crate::tui::app::App;
use crate::tui::frame::boxed;
use crate::tui::theme::Role;
use crate::units::printable;

/// Draws the facts.
pub fn draw(app: &App, frame: &mut Frame, area: Rect) {
    let Some(image) = &app.image else { return };
    let (loaded, theme) = (&image.loaded, app.theme);
    let block = boxed(app, "Image", "", true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let mut lines = Vec::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(Line::from(vec![
                Span::styled(format!("{name:<12}"), theme.style(Role::Dim)),
                Span::raw(printable(value.as_bytes()).into_owned()),
            ]));
        }
    };
    fact("source", loaded.source.clone());
    fact("tags", loaded.image.tags.join(", "));
    fact("id", loaded.image.id.clone());
    fact("digest", loaded.image.digest.clone().unwrap_or_default());
    fact("platform", loaded.image.platform.to_string());
    fact("created", loaded.image.config.created.clone().unwrap_or_default());
    let runtime = &loaded.image.config.runtime;
    for (name, key) in [
        ("entrypoint", "Entrypoint"),
        ("command", "Cmd"),
        ("user", "User"),
        ("folder", "WorkingDir"),
        ("environment", "Env"),
        ("ports", "ExposedPorts"),
        ("volumes", "Volumes"),
        ("labels", "Labels"),
        ("stop signal", "StopSignal"),
        ("health", "Healthcheck"),
    ] {
        fact(name, words(&runtime[key]));
    }
    lines.push(Line::default());
    lines.push(Line::from(Span::styled("history", theme.style(Role::Title))));
    let mut layer = 0;
    for step in &loaded.image.config.history {
        let number = if step.empty_layer { "  ·".to_owned() } else { format!("{layer:>3}") };
        layer += u32::from(!step.empty_layer);
        let command = printable(step.created_by.as_bytes()).into_owned();
        lines.push(Line::from(vec![Span::styled(format!("{number}  "), theme.style(Role::Dim)), Span::raw(command)]));
    }
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), inner);
}

/// A value of the config in a line.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(words).collect::<Vec<_>>().join(" "),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| if words(value).is_empty() { key.clone() } else { format!("{key}={}", words(value)) })
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}
