//! Facts of the image: names, digests, what runs and how, and the whole history.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use serde_json::Value;

use super::wrap;
use crate::analysis::secrets::{shown, shown_value};
use crate::tui::app::App;
use crate::tui::frame::boxed;
use crate::tui::theme::Role;
use crate::units::printable;

/// Columns for the names of facts.
const NAMES: usize = 12;

/// Draws the facts.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let Some(image) = app.image.clone() else { return };
    let (loaded, theme) = (&image.loaded, app.theme);
    let block = boxed(app, "Image", "", true);
    let inner = block.inner(area);
    let mut lines: Vec<Line> = Vec::new();
    let width = usize::from(inner.width).saturating_sub(NAMES);
    let mut tell = |name: &str, value: &str, role: Role| {
        let parts = wrap(&printable(value.as_bytes()), width).into_iter().enumerate();
        lines.extend(parts.map(|(part, text)| {
            let name = if part == 0 { name } else { "" };
            Line::from(vec![
                Span::styled(format!("{name:<NAMES$}"), theme.style(Role::Dim)),
                Span::styled(text, theme.style(role)),
            ])
        }));
    };
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            tell(name, &value, Role::Text);
        }
    };
    fact("source", loaded.source.clone());
    fact("tags", loaded.image.tags.join(", "));
    fact("id", loaded.image.id.clone());
    fact("digest", loaded.image.digest.clone().unwrap_or_default());
    fact("platform", loaded.image.platform.to_string());
    fact("created", loaded.image.config.created.clone().unwrap_or_default());
    for (place, note) in loaded.notes.iter().enumerate() {
        fact(if place == 0 { "notes" } else { "" }, note.clone());
    }
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
        // A list of settings has a line for each.
        let value = &runtime[key];
        match value {
            Value::Array(list) if key == "Env" => {
                for (place, one) in list.iter().enumerate() {
                    let one = words(one);
                    let (key, value) = one.split_once('=').unwrap_or((&one, ""));
                    fact(if place == 0 { name } else { "" }, format!("{key}={}", shown_value(key, value)));
                }
            }
            Value::Object(map) if key == "Labels" => {
                for (place, (label, value)) in map.iter().enumerate() {
                    fact(if place == 0 { name } else { "" }, format!("{label}={}", shown_value(label, &words(value))));
                }
            }
            _ => fact(name, shown(&words(value)).into_owned()),
        }
    }
    tell("", "", Role::Text);
    tell("history", "", Role::Text);
    let mut layer = 0;
    for step in &loaded.image.config.history {
        let number = if step.empty_layer { "          ·".to_owned() } else { format!("{layer:>11}") };
        layer += u32::from(!step.empty_layer);
        tell(&number, &shown(&step.created_by), Role::Text);
    }
    app.facts.scroll(lines.len(), inner.height);
    let seen: Vec<Line> = lines.into_iter().skip(app.facts.at).take(app.facts.height).collect();
    let more = app.facts.count > 1;
    frame.render_widget(boxed(app, "Image", if more { "j k walk" } else { "" }, true), area);
    frame.render_widget(Paragraph::new(seen), inner);
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
