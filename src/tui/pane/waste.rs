//! The list of what is shipped for nothing, most bytes first, each with what hides it and what to do.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::files::path_line;
use super::{bar, cut};
use crate::image::Layer;
use crate::tui::Explored;
use crate::tui::app::App;
use crate::tui::frame::boxed;
use crate::tui::theme::Role;
use crate::tui::waste::{Cause, Waste};
use crate::units::{bytes, count, printable};

/// Draws the list.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let Some(image) = app.image.clone() else { return };
    let hidden = image.account.total.hidden();
    let block = boxed(app, &format!("Waste · {} hidden", bytes(hidden)), &place(app), true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    app.areas.list = inner;
    app.waste.fit(usize::from(inner.height));
    if app.waste.count == 0 {
        let why = if app.wastes.is_empty() { "nothing is shipped for nothing" } else { "nothing fits the filter" };
        frame.render_widget(Paragraph::new(why), inner);
        return;
    }
    let largest = app.wastes.first().map_or(0, |waste| waste.bytes);
    let width = usize::from(inner.width);
    let shown = app.waste.top..(app.waste.top + app.waste.height).min(app.waste.count);
    let lines: Vec<Line> = shown
        .filter_map(|line| {
            let waste = &app.wastes[app.waste_list.item(line)?];
            let where_ = path_line(&image.loaded.index, waste.folder(), width.saturating_sub(48));
            let files = if waste.files == 1 { String::new() } else { format!("  ({} files)", count(waste.files)) };
            let style = app.theme.style(if line == app.waste.at { Role::Selection } else { Role::Text });
            let parts = vec![
                Span::raw(format!("{:>9} ", bytes(waste.bytes))),
                Span::styled(format!("{:<8} ", bar(waste.bytes, largest, 8)), app.theme.style(Role::Warn)),
                Span::raw(format!("{:<27}", what(waste))),
                Span::raw(where_),
                Span::styled(files, app.theme.style(Role::Dim)),
            ];
            Some(Line::from(parts).style(style))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// Where the cursor is, and what narrows the list.
fn place(app: &App) -> String {
    let filter = &app.waste_list.query;
    let filter =
        if filter.is_empty() { String::new() } else { format!("filter {} · ", printable(filter.text().as_bytes())) };
    format!("{filter}{} of {}", (app.waste.at + 1).min(app.waste.count), app.waste.count)
}

/// What it is, with its layers.
#[must_use]
pub fn what(waste: &Waste) -> String {
    let layer = waste.layer;
    match waste.cause {
        Cause::Deleted { by } => format!("deleted        {layer} → {by}"),
        Cause::Replaced { by } if by == layer => format!("listed twice   {layer}"),
        Cause::Replaced { by } => format!("replaced       {layer} → {by}"),
        Cause::Rewritten { by, .. } => format!("stored again   {layer} → {by}"),
        Cause::Duplicate => format!("equal contents {layer}"),
        Cause::ManyDuplicates { sets } => format!("equal contents {} sets", count(sets)),
    }
}

/// Why, and what to do.
#[must_use]
pub fn details(app: &App, image: &Explored, width: usize) -> Vec<Line<'static>> {
    let Some(waste) = app.chosen_waste() else { return Vec::new() };
    let step = |layer: u32| image.loaded.image.layers.get(layer as usize).map(Layer::command).unwrap_or_default();
    let (brings, layer) = (step(waste.layer), waste.layer);
    let (why, advice) = match waste.cause {
        Cause::Deleted { by } => (
            format!("Layer {layer} brings it and layer {by} deletes it, but it stays in layer {layer}: {}", step(by)),
            format!("Delete it in the step that brings it: {brings}"),
        ),
        Cause::Replaced { by } if by == layer => (
            format!("Layer {layer} lists it twice; the second one counts."),
            "Build the layer with a tool that lists each file once.".to_owned(),
        ),
        Cause::Replaced { by } => (
            format!("Layer {by} puts something else there: {}", step(by)),
            format!("Bring the final one in the first place: {brings}"),
        ),
        Cause::Rewritten { by, differs } => {
            let words: Vec<_> = differs.words().collect();
            let words = if words.is_empty() {
                "nothing differs".to_owned()
            } else {
                format!("only its {} differs", words.join(", "))
            };
            let advice = if differs.any(crate::index::Differs::OWNER) {
                "Set the owner where it is brought: COPY --chown=USER:GROUP, or chown in the same RUN"
            } else if differs.any(crate::index::Differs::MODE) {
                "Set the mode where it is brought: COPY --chmod=MODE, or chmod in the same RUN"
            } else {
                "Change it in the step that brings it, or do not open it for writing later"
            };
            (format!("Layer {by} stores the same contents again, {words}: {}", step(by)), format!("{advice}: {brings}"))
        }
        Cause::Duplicate => (
            format!("{} files have the same contents; all of them are visible.", count(waste.files)),
            "Keep one and link to it, if nothing needs its own copy.".to_owned(),
        ),
        Cause::ManyDuplicates { sets } => (
            format!("{} smaller sets of files with the same contents; this is one of the largest.", count(sets)),
            "Seldom worth an edit each; look for a folder that is there twice.".to_owned(),
        ),
    };
    vec![
        Line::from(path_line(&image.loaded.index, waste.largest, width)),
        Line::from(cut(&why, width)),
        Line::from(Span::styled(cut(&advice, width), app.theme.style(Role::Ok))),
    ]
}
