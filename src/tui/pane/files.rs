//! The tree: state, size, share, mode, owner, name. Only the lines that are seen are made.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use unicode_width::UnicodeWidthStr;

use super::{bar, cut, mark};
use crate::analysis::finding::Severity;
use crate::index::{Differs, Index, Kind, PathId};
use crate::session::Arrival;
use crate::tui::Explored;
use crate::tui::app::{App, Look, Pane};
use crate::tui::findings;
use crate::tui::frame::{boxed, look_words};
use crate::tui::projection::{Cell, Projection, State};
use crate::tui::rows::{Hide, Row};
use crate::tui::theme::Role;
use crate::units::{bytes, count, printable};

/// Columns that a name keeps however much is told about it.
const LEAST_NAME: usize = 24;

/// Draws the tree.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let filter = if app.wish.filter.is_empty() {
        String::new()
    } else {
        format!(" · filter {}", printable(app.wish.filter.text().as_bytes()))
    };
    let left_out = match app.wish.hide.words() {
        kinds if kinds.is_empty() => kinds,
        kinds => format!("without {kinds} · "),
    };
    let things = app.projection.as_ref().map_or(0, |projection| u64::from(projection.cell(Index::ROOT).count));
    let order = if app.wish.reversed { "▲" } else { "▼" };
    let busy = if app.is_arranging() { "… · " } else { "" };
    let right = format!("{busy}{left_out}{} · {} {order}", count(things), app.wish.sort.word());
    let title = format!("Files · {}{filter}", look_words(app));
    let title = cut(&title, usize::from(area.width).saturating_sub(right.width() + 7));
    let block = boxed(app, &title, &right, app.pane == Pane::Files);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    app.areas.list = inner;
    app.row.fit(usize::from(inner.height));
    let Some(image) = &app.image else { return };
    let Some(projection) = app.projection.as_ref().filter(|_| !app.rows.is_empty()) else {
        let (why, role) = nothing(app, image);
        let text = Paragraph::new(Span::styled(why, app.theme.style(role))).wrap(Wrap { trim: true });
        frame.render_widget(text, inner);
        return;
    };
    let shown = app.row.top..(app.row.top + app.row.height).min(app.rows.len());
    let lines: Vec<Line> = shown.map(|line| row(app, image, projection, line, inner.width)).collect();
    frame.render_widget(Paragraph::new(lines), inner);
    if app.pane == Pane::Files {
        mark(frame, inner, app.row.at.saturating_sub(app.row.top), app.theme.style(Role::Selection));
    }
}

/// Why there is nothing to see, and how to see something.
fn nothing(app: &App, image: &Explored) -> (String, Role) {
    let failed = image.loaded.layers.get(app.layer).and_then(|layer| layer.failed.as_ref());
    let is_to_come = image.loaded.layers.get(app.layer).is_some_and(|layer| layer.arrival != Arrival::Read);
    let why = match (app.look, failed) {
        _ if image.loaded.layers.is_empty() => "this image has no layers",
        _ if app.projection.is_none() => "one moment …",
        (Look::Layer, _) if is_to_come => "this layer is still to be read",
        _ if !app.wish.filter.is_empty() => "nothing here fits the filter (esc clears it)",
        (Look::Layer, Some(reason)) => return (format!("this layer could not be read: {reason}"), Role::Error),
        _ if app.wish.hide != Hide::default() => "all there is here is left out (+ ~ - u bring it back)",
        (Look::Layer, None) => "nothing here: this layer changes no file (v shows the image up to here)",
        (Look::UpTo | Look::Since(_), _) => "no layer up to here brings a file",
    };
    (why.to_owned(), Role::Dim)
}

fn row(app: &App, image: &Explored, projection: &Projection, line: usize, width: u16) -> Line<'static> {
    let Row { path, from, depth, is_folder, is_open, is_match } = app.rows[line];
    let (index, theme) = (&image.loaded.index, app.theme);
    let cell = projection.cell(path);
    let hides = hides(app, image, projection, path);
    let (sign, role) = if app.is_gone(index, path) {
        ("✗", Role::Removed)
    } else if hides {
        ("⊘", Role::Removed)
    } else {
        sign(cell.state)
    };
    let whole = projection.cell(Index::ROOT).size;
    let mut parts =
        vec![Span::styled(format!("{sign} "), theme.style(role)), Span::raw(format!("{:>9} ", bytes(cell.size)))];
    // Columns go one by one as the window gets narrow: owner, mode, share.
    if width >= 50 {
        parts.push(Span::styled(format!("{:<6} ", bar(cell.size, whole, 6)), theme.style(Role::Bar)));
    }
    if let Some(live) = cell.live
        && width >= 62
    {
        let entry = index.entry(live.entry);
        let attrs = index.attrs(entry);
        parts.push(Span::styled(format!("{} ", mode(entry.kind, attrs.mode)), theme.style(Role::Dim)));
        if width >= 76 {
            parts
                .push(Span::styled(format!("{:>11} ", format!("{}:{}", attrs.uid, attrs.gid)), theme.style(Role::Dim)));
        }
    } else if width >= 62 {
        parts.push(Span::raw(" ".repeat(if width >= 76 { 23 } else { 11 })));
    }
    let arrow = match (is_folder, is_open) {
        (true, true) => "▾ ",
        (true, false) => "▸ ",
        (false, _) => "  ",
    };
    parts.push(Span::raw(format!("{}{arrow}", "  ".repeat(usize::from(depth)))));
    let kind = cell.live.map(|live| index.entry(live.entry).kind);
    let modes = cell.live.map_or(0, |live| index.attrs(index.entry(live.entry)).mode);
    let name_role = match kind {
        _ if is_match => Role::Match,
        Some(Kind::Dir) => Role::Dir,
        Some(Kind::Symlink | Kind::Hardlink) => Role::Link,
        Some(Kind::Char | Kind::Block | Kind::Fifo) => Role::Special,
        Some(Kind::File) if modes & 0o6000 != 0 => Role::Special,
        Some(Kind::File) if modes & 0o111 != 0 => Role::Exec,
        None if is_folder => Role::Dir,
        _ => Role::Text,
    };
    let finding = image.finding_at(path).filter(|finding| finding.severity > Severity::Info);
    if let Some(finding) = finding {
        let (mark, role) = findings::sign(finding.severity);
        parts.push(Span::styled(format!("{mark} "), theme.style(role)));
    }
    // What is told about a name stays in sight as long as the name has some room.
    let (name, remark) = (name(index, from, path, kind, is_folder), remark(index, &cell, is_folder && !is_open));
    let remark = if hides { format!("  opaque: hides what was here{remark}") } else { remark };
    let room = usize::from(width).saturating_sub(parts.iter().map(Span::width).sum());
    let name = cut(&name, room.saturating_sub(remark.width()).max(LEAST_NAME.min(room)));
    let room = room.saturating_sub(name.width());
    parts.push(Span::styled(name, theme.style(name_role)));
    // The sign says that something is wrong; what it is, where there is room.
    let title = finding.map(|finding| format!("  {}", printable(finding.rule.title.as_bytes()))).unwrap_or_default();
    let remark = remark + &title;
    parts.push(Span::styled(if room > 0 { cut(&remark, room) } else { String::new() }, theme.style(Role::Dim)));
    let style = if line == app.row.at && app.pane == Pane::Files {
        theme.style(Role::Selection)
    } else {
        theme.style(Role::Text)
    };
    Line::from(parts).style(style)
}

/// Whether a layer of the view makes the folder opaque, and that hides something. Builders write such marks by the
/// hundred into folders that no lower layer has, where they mean nothing.
fn hides(app: &App, image: &Explored, projection: &Projection, path: PathId) -> bool {
    let index = &image.loaded.index;
    let to = app.layer();
    let from = if let Look::Since(from) = app.look { from.min(to) } else { to };
    let is_marked = index.entries_of(path).map(|id| index.entry(id)).any(|entry| {
        let layers = image.loaded.stack.layers_of(entry.slot);
        entry.kind == Kind::Opaque && layers.iter().any(|layer| (from..=to).contains(layer))
    });
    is_marked && index.children(path).any(|child| projection.cell(child).state == State::Removed)
}

/// Names of joined folders, first to last.
fn name(index: &Index, from: PathId, path: PathId, kind: Option<Kind>, is_folder: bool) -> String {
    let around = index.parent(from);
    let names: Vec<_> = index
        .lineage(path)
        .take_while(|part| Some(*part) != around)
        .map(|part| printable(index.name(part)).into_owned())
        .collect();
    let joined = names.into_iter().rev().collect::<Vec<_>>().join("/");
    if kind == Some(Kind::Dir) || (kind.is_none() && is_folder) { joined + "/" } else { joined }
}

/// What stands behind the name: a link's target, what changed, what is below a closed folder.
fn remark(index: &Index, cell: &Cell, is_closed: bool) -> String {
    let mut parts = Vec::new();
    if let Some(live) = cell.live {
        let entry = index.entry(live.entry);
        parts.extend(index.symlink_target(entry).map(|target| format!(" → {}", printable(target))));
        parts.extend(index.hardlink_target(entry).map(|target| format!(" = /{}", printable(&index.path(target)))));
        match cell.state {
            State::Changed(differs) | State::Rewritten(differs) => {
                parts.push(format!("  {}", words(cell.state, differs)));
            }
            State::Removed => parts.push(format!("  still in layer {}", live.layer)),
            State::Absent | State::Unchanged | State::Added => {}
        }
    }
    if is_closed && cell.count > 0 {
        parts.push(format!(" ({})", count(u64::from(cell.count))));
    }
    parts.concat()
}

fn words(state: State, differs: Differs) -> String {
    let words: Vec<_> = differs.words().collect();
    match (state, words.is_empty()) {
        (State::Rewritten(_), true) => "stored again, nothing differs".into(),
        (State::Rewritten(_), false) => format!("stored again: {}", words.join(", ")),
        _ => words.join(", "),
    }
}

/// The sign of a state. Colour says the same again.
#[must_use]
pub fn sign(state: State) -> (&'static str, Role) {
    match state {
        State::Added => ("+", Role::Added),
        State::Changed(differs) if differs.any(Differs::PENDING) => ("~", Role::Busy),
        State::Changed(_) => ("~", Role::Changed),
        State::Rewritten(_) => ("=", Role::Changed),
        State::Removed => ("−", Role::Removed),
        State::Unchanged | State::Absent => (" ", Role::Dim),
    }
}

/// Type and permissions as `ls -l` writes them.
#[must_use]
pub fn mode(kind: Kind, mode: u16) -> String {
    let kind = match kind {
        Kind::Dir => 'd',
        Kind::Symlink => 'l',
        Kind::Char => 'c',
        Kind::Block => 'b',
        Kind::Fifo => 'p',
        Kind::File | Kind::Hardlink | Kind::Whiteout | Kind::Opaque | Kind::Meta => '-',
    };
    let mut text = String::from(kind);
    for (shift, special, small, large) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => small,
            (true, false) => large,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// A line that says what a path is, cut to a width.
#[must_use]
pub fn path_line(index: &Index, path: PathId, width: usize) -> String {
    cut(&format!("/{}", printable(&index.path(path))), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_like_ls() {
        assert_eq!(mode(Kind::Dir, 0o1777), "drwxrwxrwt");
        assert_eq!(mode(Kind::File, 0o4755), "-rwsr-xr-x");
        assert_eq!(mode(Kind::File, 0o2644), "-rw-r-Sr--");
        assert_eq!(mode(Kind::Symlink, 0o777), "lrwxrwxrwx");
    }
}
