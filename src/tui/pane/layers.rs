//! The list of layers: size, share, what each does, its command. In narrow windows a strip of one line.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use unicode_width::UnicodeWidthStr;

use super::{bar, cut, mark};
use crate::analysis::secrets::shown_command;
use crate::session::{Arrival, LoadedLayer};
use crate::tui::app::{App, Pane};
use crate::tui::findings;
use crate::tui::frame::boxed;
use crate::tui::theme::Role;
use crate::units::{bytes, printable};

/// Lines that a layer takes: its numbers, and its command.
const HEIGHT: u16 = 2;

/// From here on there is room for the hidden bytes of a layer.
const ROOMY: usize = 52;

/// Draws the list.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let block = boxed(app, "Layers", &place(app), app.pane == Pane::Layers);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    (app.areas.layers, app.areas.layer_height) = (inner, HEIGHT);
    app.layer_line.fit(usize::from(inner.height / HEIGHT));
    if app.layer_line.count == 0 && !app.layers.query.is_empty() {
        return frame.render_widget(Paragraph::new("no layer fits the filter (esc clears it)"), inner);
    }
    let shown = app.layer_line.top..(app.layer_line.top + app.layer_line.height + 1).min(app.layer_line.count);
    let shown = shown.filter_map(|line| app.layers.item(line));
    let lines: Vec<Line> = shown.flat_map(|layer| entry(app, layer, usize::from(inner.width))).collect();
    frame.render_widget(Paragraph::new(lines), inner);
    if app.pane == Pane::Layers {
        let line = app.layer_line.at.saturating_sub(app.layer_line.top) * usize::from(HEIGHT);
        mark(frame, inner, line, app.theme.style(Role::Selection));
    }
}

fn place(app: &App) -> String {
    let (line, filter) = (app.layer_line, &app.layers.query);
    let filter =
        if filter.is_empty() { String::new() } else { format!("filter {} · ", printable(filter.text().as_bytes())) };
    format!("{filter}{} of {}", (line.at + 1).min(line.count), line.count)
}

fn entry(app: &App, layer: usize, width: usize) -> [Line<'static>; 2] {
    let Some(image) = &app.image else { return [Line::default(), Line::default()] };
    let theme = app.theme;
    let account = &image.account;
    let (own, changes) = (account.layers[layer].bytes, account.layers[layer].changes);
    let chosen = layer == app.layer;
    let mark = if chosen { "▸" } else { " " };
    let described = &image.loaded.image.layers[layer];
    let command = match &described.step {
        None if !image.is_whole => "its command is told at the end".to_owned(),
        _ => shown_command(described),
    };
    let layers_of_base = image.boundary.as_ref().and_then(|boundary| boundary.layers).unwrap_or(0);
    let command = if layer < layers_of_base as usize { format!("base · {command}") } else { command };
    let badge = findings::of_layer(image, u32::try_from(layer).unwrap_or(u32::MAX));
    let badge = if badge.is_empty() { badge } else { format!("  ● {badge}") };
    let command = cut(&command, width.saturating_sub(6 + badge.width()));
    let outcome = &image.loaded.layers[layer];
    if outcome.arrival != Arrival::Read {
        return arriving(app, layer, outcome, &command);
    }
    if let Some(reason) = &outcome.failed {
        let first = Line::from(vec![
            Span::raw(format!("{mark}{layer:>3} ")),
            Span::styled(cut(&format!("not read: {reason}"), width.saturating_sub(6)), theme.style(Role::Error)),
        ]);
        return [first, Line::from(format!("     {command}"))];
    }
    let number = |sign: &str, many: u64| {
        if many == 0 { format!("{:>6}", "·") } else { format!("{:>6}", format!("{sign}{}", short(many))) }
    };
    // In a narrow list the bar gives way to the sign of waste, and its bytes stand among the details.
    let columns = if width < ROOMY { 4 } else { 6 };
    let mut parts = vec![
        Span::raw(format!("{mark}{layer:>3} {:>9} ", bytes(own.shipped))),
        Span::styled(
            format!("{:<width$}", bar(own.shipped, account.total.shipped, columns as u64), width = columns),
            theme.style(Role::Bar),
        ),
        Span::styled(number("+", changes.added), theme.style(Role::Added)),
        Span::styled(number("~", changes.changed + changes.rewritten), theme.style(Role::Changed)),
        Span::styled(number("−", changes.removed), theme.style(Role::Removed)),
    ];
    if own.hidden() > 0 {
        let waste = if width < ROOMY { " ⚠".to_owned() } else { format!("  ⚠ {}", bytes(own.hidden())) };
        parts.push(Span::styled(waste, theme.style(Role::Warn)));
    }
    let style = if chosen && app.pane == Pane::Layers { theme.style(Role::Selection) } else { theme.style(Role::Text) };
    let command_style = if chosen { style } else { theme.style(Role::Dim) };
    let second = vec![
        Span::styled(format!("     {command}"), command_style),
        Span::styled(badge, if chosen { style } else { theme.style(Role::Error) }),
    ];
    [Line::from(parts).style(style), Line::from(second)]
}

/// A layer that is not there yet: its bytes as far as they are known, and how much of it is read.
fn arriving(app: &App, layer: usize, outcome: &LoadedLayer, command: &str) -> [Line<'static>; 2] {
    let (now, theme) = (app.progress, app.theme);
    let is_current = now.current.is_some_and(|current| current as usize == layer);
    let size = if outcome.expected > 0 { bytes(outcome.expected) } else { "—".to_owned() };
    let chosen = layer == app.layer;
    let mark = if chosen { "▸" } else { " " };
    let mut parts = vec![Span::raw(format!("{mark}{layer:>3} {size:>9} "))];
    if is_current && now.current_expected > 0 {
        let read = now.current_bytes.min(now.current_expected);
        let share = u128::from(read) * 100 / u128::from(now.current_expected);
        parts.push(Span::styled(format!("{:<10}", bar(read, now.current_expected, 10)), theme.style(Role::Bar)));
        parts.push(Span::raw(format!(" {share:>3}%")));
    } else {
        let word = if is_current { "reading" } else { "waiting" };
        parts.push(Span::styled(word, theme.style(Role::Dim)));
    }
    let style = if chosen && app.pane == Pane::Layers { theme.style(Role::Selection) } else { theme.style(Role::Text) };
    let command_style = if chosen { style } else { theme.style(Role::Dim) };
    [Line::from(parts).style(style), Line::from(Span::styled(format!("     {command}"), command_style))]
}

/// A count in at most four columns: `9.8k` for 9,800.
fn short(many: u64) -> String {
    match many {
        0..1000 => many.to_string(),
        1000..10_000 => format!("{}.{}k", many / 1000, many % 1000 / 100),
        10_000..1_000_000 => format!("{}k", many / 1000),
        _ => format!("{}M", many / 1_000_000),
    }
}

/// Draws the strip: all layers as bars in a line, the chosen one in brackets.
pub fn draw_strip(app: &mut App, frame: &mut Frame, area: Rect) {
    let Some(image) = app.image.clone() else { return };
    let at = app.layer;
    let title = image.loaded.image.layers.get(at).map(shown_command).unwrap_or_default();
    if app.layer_line.count == 0 {
        frame.render_widget(boxed(app, "Layers", &place(app), app.pane == Pane::Layers), area);
        return;
    }
    let title = format!("Layer {at}  ·  {}", cut(&title, usize::from(area.width).saturating_sub(30)));
    let block = boxed(app, &title, &place(app), app.pane == Pane::Layers);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    (app.areas.layers, app.areas.layer_height) = (inner, 1);
    let account = &image.account;
    let largest = account.layers.iter().map(|layer| layer.bytes.shipped).max().unwrap_or(0);
    let cell = |layer: usize| {
        let own = account.layers[layer].bytes;
        let warn = if own.hidden() > 0 { "⚠" } else { "" };
        let text = format!("{layer}{}{warn}", bar(own.shipped, largest, 4));
        if layer == at { format!("[{text}] ") } else { format!(" {text}  ") }
    };
    // The chosen one stays in sight: the strip begins where it still fits.
    let shown: Vec<usize> = (0..app.layer_line.count).filter_map(|line| app.layers.item(line)).collect();
    let mut first = 0;
    let (width, line) = (usize::from(inner.width), app.layer_line.at);
    while first < line && shown[first..=line].iter().map(|layer| cell(*layer).width()).sum::<usize>() > width {
        first += 1;
    }
    let mut column = inner.x;
    let mut parts = Vec::new();
    for (line, &layer) in shown.iter().enumerate().skip(first) {
        let role = match app.pane {
            _ if layer != at => Role::Bar,
            Pane::Layers => Role::Selection,
            Pane::Files => Role::Title,
        };
        let part = Span::styled(cell(layer), app.theme.style(role));
        app.areas.strip.push((column, line));
        column = column.saturating_add(u16::try_from(part.width()).unwrap_or(u16::MAX));
        parts.push(part);
        if column >= inner.right() {
            break;
        }
    }
    frame.render_widget(Paragraph::new(Line::from(parts)), inner);
}
