//! The packages: kind, name, version, bytes, files, the layer that brought them, and why they are there.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use super::{bar, cut, mark};
use crate::analysis::packages::PackageId;
use crate::tui::Explored;
use crate::tui::app::App;
use crate::tui::frame::boxed;
use crate::tui::packages::{PackageSort, named, why};
use crate::tui::theme::Role;
use crate::units::{bytes, count, counted, printable};

/// From here on there is room for why a package is there.
const WIDE: usize = 100;

/// Draws the list.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let Some(image) = app.image.clone() else { return };
    let packages = &image.packages;
    let shipped: u64 = packages.all().iter().map(crate::analysis::packages::Package::shipped).sum();
    let many = packages.all().len() as u64;
    let title = format!("Packages · {} · {}", counted(many, "package", "packages"), bytes(shipped));
    let block = boxed(app, &title, &place(app, usize::from(area.width).saturating_sub(title.width() + 8)), true);
    let [names, inner] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(block.inner(area));
    frame.render_widget(block, area);
    app.areas.list = inner;
    let heads = format!("  {:<9} {:>9} {:<6} {:>7} {:>14}  name and version", "kind", "size", "", "", "layer");
    let half = (usize::from(names.width).saturating_sub(56)) / 2;
    let why = if usize::from(names.width) < WIDE { String::new() } else { format!("{:>half$}", "why it is there") };
    let heads = Line::from(Span::styled(format!("{heads}{why}"), app.theme.style(Role::Dim)));
    frame.render_widget(Paragraph::new(heads), names);
    app.packages.cursor.fit(usize::from(inner.height));
    if app.packages.shown.is_empty() {
        let nothing = match (app.is_analysing(), packages.all().is_empty()) {
            (true, _) if !app.is_reading() => "packages are told in a moment",
            (true, _) => "packages are told when the image is read to its end",
            (false, true) => "no package database was found",
            (false, false) => "nothing fits the filter (esc clears it)",
        };
        return frame.render_widget(Paragraph::new(nothing), inner);
    }
    let list = &app.packages;
    let largest = packages.all().iter().map(crate::analysis::packages::Package::shipped).max().unwrap_or(0);
    let shown = list.cursor.top..(list.cursor.top + list.cursor.height).min(list.shown.len());
    let lines: Vec<Line> = shown
        .map(|line| {
            let parts = entry(app, &image, list.shown[line], largest, usize::from(inner.width));
            let role = if line == list.cursor.at { Role::Selection } else { Role::Text };
            Line::from(parts).style(app.theme.style(role))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
    mark(frame, inner, list.cursor.at.saturating_sub(list.cursor.top), app.theme.style(Role::Selection));
}

fn entry(app: &App, image: &Explored, id: PackageId, largest: u64, width: usize) -> Vec<Span<'static>> {
    let (theme, list) = (&app.theme, &app.packages);
    let package = image.packages.get(id);
    let mark = match (list.marked.contains(&id), list.goes(id)) {
        (true, _) => "✗",
        (false, true) => "−",
        (false, false) => " ",
    };
    let layer = match (package.introduced(), package.removed()) {
        (Some(layer), Some(by)) => format!("{layer} → {by}"),
        (Some(layer), None) => layer.to_string(),
        (None, _) => "—".to_owned(),
    };
    let role = if package.is_installed() { Role::Text } else { Role::Removed };
    let mut parts = vec![
        Span::styled(format!("{mark} "), theme.style(Role::Removed)),
        Span::styled(format!("{:<9} ", package.kind.name()), theme.style(Role::Dim)),
        Span::raw(format!("{:>9} ", bytes(package.shipped()))),
        Span::styled(format!("{:<6} ", bar(package.shipped(), largest, 6)), theme.style(Role::Bar)),
        Span::styled(format!("{:>7} files {layer:>8}  ", count(package.files)), theme.style(Role::Dim)),
    ];
    let room = width.saturating_sub(parts.iter().map(Span::width).sum());
    let name = named(package);
    if width < WIDE {
        parts.push(Span::styled(cut(&name, room), theme.style(role)));
        return parts;
    }
    let half = room / 2;
    let name = cut(&name, half.saturating_sub(1));
    let pad = half.saturating_sub(name.width());
    parts.push(Span::styled(name, theme.style(role)));
    let reason = why(image, id);
    parts.push(Span::styled(format!("{}{}", " ".repeat(pad), cut(&reason, room - half)), theme.style(Role::Dim)));
    parts
}

fn place(app: &App, room: usize) -> String {
    let list = &app.packages;
    let order = match list.sort {
        PackageSort::Size => "size ▼",
        PackageSort::Name => "name",
        PackageSort::Layer => "layer",
    };
    let filter = &list.query;
    let filter =
        if filter.is_empty() { String::new() } else { format!("filter {} · ", printable(filter.text().as_bytes())) };
    let goes = if list.marked.is_empty() {
        String::new()
    } else {
        let many = list.removal.goes.len() as u64;
        format!("{} would go, {} · ", counted(many, "package", "packages"), bytes(list.removal.bytes))
    };
    let at = (list.cursor.at + 1).min(list.shown.len());
    cut(&format!("{goes}{filter}{at} of {} · {order}", list.shown.len()), room)
}

/// What the package is, and what is thought away.
#[must_use]
pub fn details(app: &App, image: &Explored, width: usize) -> Vec<Line<'static>> {
    let Some(id) = app.chosen_package() else { return Vec::new() };
    let package = image.packages.get(id);
    let layers: Vec<String> =
        package.layers.iter().map(|layer| format!("{} in layer {}", bytes(layer.shipped), layer.layer)).collect();
    let removal =
        if image.recommended.contains(&id) { "only recommended: --no-install-recommends leaves it out" } else { "" };
    vec![
        Line::from(cut(&format!("{}  {}", named(package), why(image, id)), width)),
        Line::from(Span::styled(cut(&layers.join(", "), width), app.theme.style(Role::Dim))),
        Line::from(Span::styled(cut(removal, width), app.theme.style(Role::Ok))),
    ]
}
