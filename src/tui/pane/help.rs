//! All keys, in as many columns as there is room for. What cannot be done here is dim, with the reason.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use unicode_width::UnicodeWidthStr;

use super::cut;
use crate::tui::app::App;
use crate::tui::frame::boxed;
use crate::tui::help::{Entry, Section, sections};
use crate::tui::theme::{Role, Theme};
use crate::units::printable;

/// Columns that the keys and what they do take at least.
const COLUMN: u16 = 56;
/// Columns for keys.
const KEYS: usize = 17;

/// Draws the keys over the screen.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let sections = sections(app);
    let columns = (area.width.saturating_sub(2) / COLUMN).clamp(1, 3);
    let [middle] = Layout::horizontal([Constraint::Max(columns * 80)]).flex(Flex::Center).areas(area);
    let height = rows(&sections, columns);
    let wanted = u16::try_from(height + 3).unwrap_or(u16::MAX).min(area.height.saturating_sub(2));
    let [area] = Layout::vertical([Constraint::Max(wanted)]).flex(Flex::Center).areas(middle);
    let block = boxed(app, "Keys", "", true);
    let inner = block.inner(area);
    let [list, foot] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(inner);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let theme = &app.theme;
    let Some(help) = &mut app.help else { return };
    help.cursor.scroll(height, list.height);
    let foot_line = if help.is_typing || !help.search.is_empty() {
        let caret = if help.is_typing { "▏" } else { "" };
        let end = if sections.is_empty() { "   no key does this" } else { "   enter keep   esc clear" };
        Line::from(vec![
            Span::styled(" / ", theme.style(Role::Key)),
            Span::raw(format!("{}{caret}", printable(help.search.as_bytes()))),
            Span::styled(end, theme.style(Role::Dim)),
        ])
    } else {
        let more = if help.cursor.count > 1 { "j k walk   " } else { "" };
        let words = format!(" esc closes   {more}/ or letters search   dim: not here, and why");
        Line::from(Span::styled(words, theme.style(Role::Dim)))
    };
    frame.render_widget(foot_line, foot);
    let areas = Layout::horizontal(vec![Constraint::Ratio(1, u32::from(columns)); usize::from(columns)]).split(list);
    for (column, area) in spread(&sections, height).into_iter().zip(areas.iter()) {
        let width = usize::from(area.width).saturating_sub(1);
        let shown = column.into_iter().skip(help.cursor.at).take(help.cursor.height);
        let lines: Vec<Line> = shown.map(|cell| line(theme, cell, width)).collect();
        frame.render_widget(Paragraph::new(lines), *area);
    }
}

/// A line of a column.
#[derive(Clone, Copy)]
enum Cell<'s> {
    Blank,
    Title(&'s str),
    Keys(&'s Entry),
}

fn line(theme: &Theme, cell: Cell<'_>, width: usize) -> Line<'static> {
    match cell {
        Cell::Blank => Line::default(),
        Cell::Title(title) => Line::from(Span::styled(format!(" {title}"), theme.style(Role::Title))),
        Cell::Keys(entry) => {
            let (key, text) = if entry.why_not.is_some() { (Role::Dim, Role::Dim) } else { (Role::Key, Role::Text) };
            let why = entry.why_not.as_ref().map_or(String::new(), |why| format!(" ({why})"));
            let keys = cut(&entry.keys, KEYS);
            let blanks = " ".repeat(KEYS.saturating_sub(keys.width()));
            let doc = cut(&format!("{}{why}", entry.doc), width.saturating_sub(KEYS + 3));
            Line::from(vec![
                Span::styled(format!(" {blanks}{keys}  "), theme.style(key)),
                Span::styled(doc, theme.style(text)),
            ])
        }
    }
}

/// Lines of the longest column when they are as even as can be.
fn rows(sections: &[Section], columns: u16) -> usize {
    let total: usize = sections.iter().map(|section| section.entries.len() + 2).sum();
    let even = total.div_ceil(usize::from(columns)).max(1);
    let fits = |height: &usize| spread(sections, *height).len() <= usize::from(columns);
    (even..=total.max(1)).find(fits).unwrap_or(total.max(1))
}

/// The sections in columns of that many lines. A title never stands alone at the end of a column.
fn spread(sections: &[Section], height: usize) -> Vec<Vec<Cell<'_>>> {
    let mut columns: Vec<Vec<Cell<'_>>> = vec![Vec::new()];
    for section in sections {
        let used = columns.last().map_or(0, Vec::len);
        if used > 0 && used + 3 > height {
            columns.push(Vec::new());
        } else if used > 0 {
            push(&mut columns, Cell::Blank, height);
        }
        push(&mut columns, Cell::Title(&section.title), height);
        for entry in &section.entries {
            push(&mut columns, Cell::Keys(entry), height);
        }
    }
    columns
}

fn push<'s>(columns: &mut Vec<Vec<Cell<'s>>>, cell: Cell<'s>, height: usize) {
    match columns.last_mut() {
        Some(column) if column.len() < height => column.push(cell),
        _ => columns.push(vec![cell]),
    }
}
