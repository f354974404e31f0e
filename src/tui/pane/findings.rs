//! What is wasted, risky, secret or badly set: over it what an attacker finds, below it why and what to do.

use std::collections::HashSet;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use super::{bar, cut, mark};
use crate::analysis::finding::{Category, Finding};
use crate::analysis::risk::{Matrix, Row};
use crate::analysis::secrets::shown_command;
use crate::tui::Explored;
use crate::tui::app::App;
use crate::tui::findings::{Item, about, placed, sign, sums};
use crate::tui::frame::{boxed, search_words};
use crate::tui::theme::Role;
use crate::units::{bytes, count, counted, percent, printable};

/// From this height on there is room for the matrix.
const ROOMY: u16 = 16;

/// Columns of a cell of the matrix.
const CELL: usize = 11;

/// Columns that the numbers of a finding take.
const NUMBERS: usize = 23;

/// Draws the list, and the matrix where there is room.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let Some(image) = app.image.clone() else { return };
    let matrix = image.matrix.as_ref().map(|matrix| matrix_lines(app, &image, matrix, usize::from(area.width) - 2));
    let lines = matrix.as_ref().filter(|_| area.height >= ROOMY).map_or(0, Vec::len);
    let height = if lines == 0 { 0 } else { u16::try_from(lines).unwrap_or(0) + 2 };
    let [top, list] = Layout::vertical([Constraint::Length(height), Constraint::Min(3)]).areas(area);
    if let Some(lines) = matrix.filter(|_| height > 0) {
        let grade = image.matrix.as_ref().map_or('A', |matrix| matrix.grade.letter());
        let block = boxed(app, &format!("What an attacker finds · grade {grade}"), &base(&image), false);
        let inner = block.inner(top);
        frame.render_widget(block, top);
        frame.render_widget(Paragraph::new(lines), inner);
    }
    draw_list(app, &image, frame, list);
}

fn draw_list(app: &mut App, image: &Explored, frame: &mut Frame, area: Rect) {
    let saves: u64 = image.findings.iter().map(|finding| finding.reclaimable).sum();
    // Nothing is said before all of it is known.
    let title =
        if app.is_analysing() { "Findings".to_owned() } else { format!("Findings · {} could go", bytes(saves)) };
    let block = boxed(app, &title, &place(app, usize::from(area.width).saturating_sub(title.width() + 8)), true);
    let [names, inner] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(block.inner(area));
    frame.render_widget(block, area);
    app.areas.list = inner;
    let heads = format!("{:>13} {:<8} what, and where", "saves", "");
    let gap = usize::from(names.width).saturating_sub(heads.width() + 6);
    let heads = Line::from(Span::styled(format!("{heads}{}layers", " ".repeat(gap)), app.theme.style(Role::Dim)));
    frame.render_widget(Paragraph::new(heads), names);
    let list = &mut app.findings;
    list.cursor.fit(usize::from(inner.height));
    if list.items.is_empty() {
        let why = match (app.is_analysing(), image.findings.is_empty()) {
            (true, _) if !app.is_reading() => "findings come in a moment",
            (true, _) => "findings come when the image is read to its end",
            (false, true) => "nothing is wasted, risky, secret or badly set",
            (false, false) => "nothing fits the filter (esc clears it)",
        };
        return frame.render_widget(Paragraph::new(why), inner);
    }
    let list = &app.findings;
    let largest = image.findings.iter().map(|finding| finding.reclaimable).max().unwrap_or(0);
    let shown = list.cursor.top..(list.cursor.top + list.cursor.height).min(list.items.len());
    let lines: Vec<Line> = shown
        .map(|line| {
            let width = usize::from(inner.width);
            let parts = match list.items[line] {
                Item::Head(category) => head(app, image, category),
                Item::Finding(place) => {
                    let is_gone = list.gone.contains(&place);
                    entry(app, image, &image.findings[place], is_gone, largest, width)
                }
            };
            let chosen = line == list.cursor.at;
            Line::from(parts).style(app.theme.style(if chosen { Role::Selection } else { Role::Text }))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
    mark(frame, inner, list.cursor.at.saturating_sub(list.cursor.top), app.theme.style(Role::Selection));
}

fn head(app: &App, image: &Explored, category: Category) -> Vec<Span<'static>> {
    let (many, saves) = sums(image, category);
    let arrow = if app.findings.is_open(category) { "▾" } else { "▸" };
    let name = match category {
        Category::Secret => "Secrets",
        Category::Risk => "Risks",
        Category::Configuration => "Configuration",
        Category::Waste => "Waste",
    };
    let saves = if saves > 0 { format!(" · {}", bytes(saves)) } else { String::new() };
    let mut parts = vec![
        Span::styled(format!("{arrow} {name}"), app.theme.style(Role::Title)),
        Span::styled(format!("  {}{saves}", counted(many, "finding", "findings")), app.theme.style(Role::Dim)),
    ];
    if category == Category::Secret && app.is_searching() {
        parts.push(Span::styled(format!(" · {}", search_words(app.progress)), app.theme.style(Role::Busy)));
    }
    parts
}

fn entry(
    app: &App,
    image: &Explored,
    finding: &Finding,
    is_gone: bool,
    largest: u64,
    width: usize,
) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let (mark, role) = sign(finding.severity);
    let saves = if finding.reclaimable > 0 { bytes(finding.reclaimable) } else { "·".to_owned() };
    let files = match finding.entries.len() {
        0 | 1 => String::new(),
        many => format!(" ({})", count(many as u64)),
    };
    let title = printable(finding.rule.title.as_bytes()).into_owned();
    let layers = placed(finding);
    // The path keeps what the title and the layers leave it, and at least a third.
    let room = width.saturating_sub(NUMBERS + 9);
    let title = cut(&title, room * 3 / 5);
    let where_ = cut(&format!("{}{files}", about(image, finding)), room.saturating_sub(title.width() + 2));
    let gap = room.saturating_sub(title.width() + 2 + where_.width());
    vec![
        Span::raw(if is_gone { " ✗" } else { "  " }),
        Span::styled(format!("{mark} "), theme.style(role)),
        Span::raw(format!("{saves:>9} ")),
        Span::styled(format!("{:<8} ", bar(finding.reclaimable, largest, 8)), theme.style(Role::Bar)),
        Span::styled(title, theme.style(if is_gone { Role::Dim } else { Role::Text })),
        Span::raw("  "),
        Span::styled(where_, theme.style(Role::Dim)),
        Span::styled(format!("{}{layers:>9}", " ".repeat(gap)), theme.style(Role::Dim)),
    ]
}

/// What narrows the list and what is thought away, and where the cursor is.
fn place(app: &App, room: usize) -> String {
    let list = &app.findings;
    let order = if list.by_bytes { "by bytes · " } else { "" };
    let filter = &list.query;
    let filter =
        if filter.is_empty() { String::new() } else { format!("filter {} · ", printable(filter.text().as_bytes())) };
    let at = format!("{order}{filter}{} of {}", (list.cursor.at + 1).min(list.items.len()), list.items.len());
    match app.then {
        Some(then) => {
            let words = format!(
                "without what is marked: {}, hidden {}, score {} · {at}",
                bytes(then.shipped),
                bytes(then.hidden),
                percent(then.score)
            );
            cut(&words, room)
        }
        None => cut(&at, room),
    }
}

fn base(image: &Explored) -> String {
    let Some(boundary) = &image.boundary else { return String::new() };
    let guess = if boundary.is_guess { ", a guess" } else { "" };
    match boundary.layers {
        Some(0) => "no base".to_owned(),
        Some(1) => format!("base: the first layer{guess}"),
        Some(layers) => format!("base: the first {layers} layers{guess}"),
        None => "base unknown".to_owned(),
    }
}

fn matrix_lines(app: &App, image: &Explored, matrix: &Matrix, width: usize) -> Vec<Line<'static>> {
    let rows = [("yours", &matrix.yours), ("base", &matrix.base), ("deleted", &matrix.deleted)];
    let has_any = |column: &usize| rows.iter().any(|(_, row)| !row.cells[*column].programs.is_empty());
    let fit = width.saturating_sub(9) / (CELL + 1);
    let columns: Vec<usize> = (0..matrix.yours.cells.len()).filter(has_any).take(fit).collect();
    if columns.is_empty() {
        let nothing = "no shell, and no way to fetch, send, install, compile, or become someone else";
        return vec![Line::from(Span::styled(nothing, app.theme.style(Role::Ok)))];
    }
    let gone = names_of_gone(app, image);
    let heads = columns.iter().map(|column| format!("{:<CELL$} ", matrix.yours.cells[*column].column));
    let mut lines =
        vec![Line::from(Span::styled(format!("{:<9}{}", "", heads.collect::<String>()), app.theme.style(Role::Dim)))];
    for (name, row) in rows {
        let mut parts = vec![Span::styled(format!("{name:<9}"), app.theme.style(Role::Title))];
        parts.extend(columns.iter().map(|column| {
            let text = cell(row, *column, &gone);
            let role = match (name, text.as_str()) {
                (_, "·") => Role::Dim,
                ("yours", _) => Role::Error,
                _ => Role::Warn,
            };
            Span::styled(format!("{text:<CELL$} "), app.theme.style(role))
        }));
        lines.push(Line::from(parts));
    }
    lines
}

/// The clearest proof, and how many more there are; those that are thought away prove nothing.
fn cell(row: &Row, column: usize, gone: &HashSet<Vec<u8>>) -> String {
    let is_left = |program: &&String| !gone.iter().any(|name| is_named(name, program));
    let programs: Vec<&String> = row.cells[column].programs.iter().filter(is_left).collect();
    let Some(first) = programs.first() else { return "·".to_owned() };
    let more = if programs.len() > 1 { format!(" +{}", programs.len() - 1) } else { String::new() };
    cut(&printable(first.as_bytes()), CELL - more.len()) + &more
}

/// Names of the files of findings that are thought away.
fn names_of_gone(app: &App, image: &Explored) -> HashSet<Vec<u8>> {
    let index = &image.loaded.index;
    let gone = app.findings.gone.iter().filter_map(|place| image.findings.get(*place));
    let risks = gone.filter(|finding| finding.rule.category == Category::Risk);
    risks.flat_map(|finding| &finding.entries).map(|entry| index.name(index.entry(*entry).path).to_vec()).collect()
}

/// Whether a file is a program of the matrix, which is called by its name without a version.
fn is_named(file: &[u8], program: &str) -> bool {
    let rest = file.strip_prefix(program.as_bytes());
    rest.is_some_and(|rest| rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')))
}

/// Why, and what to do.
#[must_use]
pub fn details(app: &App, image: &Explored, width: usize) -> Vec<Line<'static>> {
    let Some(finding) = app.chosen_finding() else {
        let words =
            "space opens and closes the group; on a finding it thinks it away, and shows what the image would be";
        return vec![Line::from(Span::styled(cut(words, width), app.theme.style(Role::Dim)))];
    };
    let step = finding.layer.and_then(|layer| image.loaded.image.layers.get(layer as usize)).map(shown_command);
    let brought = match (finding.layer, step) {
        (Some(layer), Some(step)) => format!("layer {layer} ({}): {step}", finding.origin.word()),
        _ => String::new(),
    };
    let telling = finding.evidence.iter().find(|evidence| evidence.kind != "path");
    let evidence = telling.map(|evidence| printable(evidence.text.as_bytes()).into_owned());
    let why = [Some(format!("{} · {}", finding.severity.word(), about(image, finding))), evidence];
    let why: Vec<String> = why.into_iter().flatten().collect();
    let fix = finding.fix.proposed.as_ref().map_or(finding.fix.advice.as_str(), |proposed| proposed.as_str());
    let fix: Vec<&str> = fix.lines().map(str::trim).collect();
    vec![
        Line::from(cut(&why.join(" · "), width)),
        Line::from(Span::styled(cut(&brought, width), app.theme.style(Role::Dim))),
        Line::from(Span::styled(cut(&printable(fix.join(" ").as_bytes()), width), app.theme.style(Role::Ok))),
    ]
}
