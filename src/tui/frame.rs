//! One frame: what goes where at which size, the title, the tabs, the hints. Panes draw themselves.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};

use unicode_width::UnicodeWidthStr;

use super::action::Action;
use super::app::{App, Areas, List, Look, Pane, Screen, Typing};
use super::findings::Item;
use super::glyphs::to_ascii;
use super::keymap::Place;
use super::pane;
use super::theme::Role;
use crate::session::Snapshot;
use crate::units::{bytes, count, counted, duration, percent, printable};

/// From here on layers and files stand side by side.
const WIDE: u16 = 100;
/// Below this nothing useful fits.
const LEAST: (u16, u16) = (60, 12);
/// Columns that a name keeps whatever else there is to say.
const SHORT: usize = 12;
/// From here on there is room for details.
const TALL: u16 = 20;

/// Draws the whole screen.
pub fn draw(app: &mut App, frame: &mut Frame) {
    compose(app, frame);
    if app.ascii {
        to_ascii(frame.buffer_mut());
    }
}

fn compose(app: &mut App, frame: &mut Frame) {
    let area = frame.area();
    app.areas = Areas::default();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("{}×{} is too small: {}×{} needed. q quit", area.width, area.height, LEAST.0, LEAST.1);
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
        return;
    }
    let details = if area.height >= TALL && app.image.is_some() && app.screen != Screen::Image { 5 } else { 0 };
    let [title, tabs, main, detail, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(details),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(title_line(app, usize::from(title.width)), title);
    let names = tabs_line(app, tabs);
    frame.render_widget(names, tabs);
    if app.image.is_none() {
        pane::loading::draw(app, frame, main);
    } else {
        match app.screen {
            Screen::Files => files(app, frame, main),
            Screen::Findings => pane::findings::draw(app, frame, main),
            Screen::Packages => pane::packages::draw(app, frame, main),
            Screen::Image => pane::image::draw(app, frame, main),
        }
        if details > 0 {
            pane::detail::draw(app, frame, detail);
        }
    }
    if app.inside.preview.is_some() {
        pane::preview::draw(app, frame, main.union(detail));
    }
    if app.card.is_some() {
        pane::card::draw(app, frame, main.union(detail));
    }
    if app.palette.is_some() {
        pane::palette::draw(app, frame, main.union(detail));
    }
    if app.help.is_some() {
        pane::help::draw(app, frame, area);
    }
    if !app.pressed.is_empty() {
        pane::which::draw(app, frame, title.union(detail));
    }
    frame.render_widget(hint_line(app, hints.width), hints);
}

/// Layers and files, side by side or one above the other.
fn files(app: &mut App, frame: &mut Frame, area: Rect) {
    if app.zoom {
        match app.pane {
            Pane::Layers => pane::layers::draw(app, frame, area),
            Pane::Files => pane::files::draw(app, frame, area),
        }
    } else if area.width >= WIDE {
        let [layers, files] = Layout::horizontal([Constraint::Percentage(app.split), Constraint::Min(30)]).areas(area);
        app.areas.files_screen = Some(area);
        app.areas.split = Some(Rect { x: files.x.saturating_sub(1), width: 2, ..area });
        pane::layers::draw(app, frame, layers);
        pane::files::draw(app, frame, files);
    } else {
        let [strip, files] = Layout::vertical([Constraint::Length(3), Constraint::Min(3)]).areas(area);
        pane::layers::draw_strip(app, frame, strip);
        pane::files::draw(app, frame, files);
    }
}

/// A box around a pane. The one in use says so by weight and colour.
#[must_use]
pub fn boxed(app: &App, title: &str, right: &str, in_use: bool) -> Block<'static> {
    let style = app.theme.style(if in_use { Role::Focus } else { Role::Border });
    let block = Block::bordered()
        .border_style(style)
        .title(Span::styled(format!(" {title} "), app.theme.style(if in_use { Role::Title } else { Role::Text })));
    if right.is_empty() {
        return block;
    }
    block.title(Line::from(Span::styled(format!(" {right} "), app.theme.style(Role::Dim))).right_aligned())
}

/// The name gives way to the bytes; the platform and the count of layers give way to the name.
fn title_line(app: &App, width: usize) -> Line<'static> {
    let mut facts = facts(app);
    let name = printable(app.title.as_bytes());
    let taken = |facts: &[Span]| facts.iter().map(Span::width).sum::<usize>() + 1;
    for _ in 0..2 {
        if !facts.is_empty() && name.width() + taken(&facts) > width {
            facts.remove(0);
        }
    }
    // The last word says what still goes on. What is hidden the layers say as well.
    if facts.len() > 3 && name.width().min(SHORT) + taken(&facts) > width {
        facts.remove(1);
    }
    let room = width.saturating_sub(taken(&facts)).max(SHORT);
    facts.insert(0, Span::styled(format!(" {}", pane::cut(&name, room)), app.theme.style(Role::Title)));
    Line::from(facts)
}

/// The platform, and what the image comes to.
fn facts(app: &App) -> Vec<Span<'static>> {
    let mut parts = Vec::new();
    if let Some(image) = &app.image {
        let (total, loaded) = (image.account.total, &image.loaded);
        let unread = loaded.layers.iter().filter(|layer| layer.failed.is_some()).count();
        parts.push(Span::styled(format!("  {}", loaded.image.platform), app.theme.style(Role::Dim)));
        parts.push(Span::raw(format!("   {} ·", counted(loaded.image.layers.len() as u64, "layer", "layers"))));
        if app.is_reading() {
            let far = progress_words(app);
            parts.push(Span::styled(format!(" {far}"), app.theme.style(Role::Busy)));
            return parts;
        }
        parts.push(Span::raw(format!(" {}", bytes(total.shipped))));
        let hidden = format!(" · hidden {}", bytes(total.hidden()));
        parts.push(Span::styled(hidden, app.theme.style(if total.hidden() > 0 { Role::Warn } else { Role::Ok })));
        parts.push(Span::raw(format!(" · score {}", percent(total.efficiency()))));
        if let Some(then) = app.then {
            let words = format!(" → {} · {}", bytes(then.shipped), percent(then.score));
            parts.push(Span::styled(words, app.theme.style(Role::Ok)));
        }
        if app.is_comparing() {
            let share = app.progress.compared_percent().unwrap_or(0);
            parts.push(Span::styled(format!(" · comparing {share} %"), app.theme.style(Role::Busy)));
        } else if app.is_analysing() {
            parts.push(Span::styled(" · looking for findings", app.theme.style(Role::Busy)));
        } else if app.is_searching() {
            let share = app.progress.searched_percent().unwrap_or(0);
            parts.push(Span::styled(format!(" · secrets {share} %"), app.theme.style(Role::Busy)));
        }
        if unread > 0 {
            parts.push(Span::styled(format!(" · {unread} not read"), app.theme.style(Role::Error)));
        }
    }
    parts
}

fn tabs_line(app: &mut App, area: Rect) -> Line<'static> {
    let mut parts = vec![Span::raw(" ")];
    let mut column = area.x + 1;
    let many = |number: usize| if number == 0 { String::new() } else { format!(" {}", count(number as u64)) };
    let (found, installed) = app
        .image
        .as_ref()
        .map_or((String::new(), String::new()), |image| (many(image.findings.len()), many(image.packages.all().len())));
    let tabs = [
        (Screen::Files, "1", "Files".to_owned()),
        (Screen::Findings, "2", format!("Findings{found}")),
        (Screen::Packages, "3", format!("Packages{installed}")),
        (Screen::Image, "4", "Image".to_owned()),
    ];
    for (screen, key, name) in tabs {
        let (open, close) = if screen == app.screen { ("[", "]") } else { (" ", " ") };
        let style = if screen == app.screen { app.theme.style(Role::Title) } else { Style::new() };
        let tab = Span::styled(format!("{open}{key} {name}{close}"), style);
        let width = u16::try_from(tab.width()).unwrap_or(u16::MAX);
        app.areas.tabs.push((Rect { x: column, width, ..area }, screen));
        column = column.saturating_add(width + 1);
        parts.extend([tab, Span::raw(" ")]);
    }
    Line::from(parts)
}

/// What can be done here. A notice, the filter being typed, or a sequence begun takes the place of the hints.
fn hint_line(app: &App, width: u16) -> Line<'static> {
    if let Some(typing) = &app.typing {
        return typing_line(app, typing, usize::from(width));
    }
    if let Some(prompt) = &app.inside.prompt {
        return Line::from(vec![
            Span::styled(" extract to: ", app.theme.style(Role::Key)),
            Span::raw(format!("{}▏", printable(prompt.text.as_bytes()))),
            Span::styled("   enter write   esc leave", app.theme.style(Role::Dim)),
        ]);
    }
    if let Some(notice) = &app.notice {
        return Line::from(Span::styled(format!(" {notice}"), app.theme.style(Role::Title)));
    }
    if let Some(busy) = app.inside.busy() {
        return Line::from(Span::styled(format!(" {busy}"), app.theme.style(Role::Title)));
    }
    if app.image.is_none() {
        return Line::from(Span::styled(" q quit", app.theme.style(Role::Dim)));
    }
    let place = app.ground();
    let actions: &[Action] = match app.screen {
        _ if place == Place::Preview => &[
            Action::Back,
            Action::ToggleHex,
            Action::Compare,
            Action::Extract,
            Action::Page,
            Action::CopyPath,
            Action::Help,
        ],
        Screen::Files if app.pane == Pane::Files => &[
            Action::Help,
            Action::Filter,
            Action::NextPane,
            Action::NextLayer,
            Action::NextView,
            Action::NextSort,
            Action::Open,
            Action::Extract,
            Action::CopyPath,
            Action::Quit,
        ],
        Screen::Files => {
            &[Action::Help, Action::NextPane, Action::NextView, Action::MarkRange, Action::CopyDigest, Action::Quit]
        }
        Screen::Findings => &[
            Action::Help,
            Action::ShowInFiles,
            Action::DescribePath,
            Action::CopyFix,
            Action::Toggle,
            Action::NextSort,
            Action::Filter,
            Action::ShowFiles,
            Action::Quit,
        ],
        Screen::Packages => &[
            Action::Help,
            Action::DescribePath,
            Action::Toggle,
            Action::NextSort,
            Action::ShowInFiles,
            Action::Filter,
            Action::ShowFiles,
            Action::Quit,
        ],
        Screen::Image => &[Action::Help, Action::ShowFiles, Action::Quit],
    };
    let mut parts = vec![Span::raw(" ")];
    let hint = |action: Action| Some((app.keymap.keys_of(place, action).into_iter().next()?, short(action)));
    let columns = |(key, text): &(String, &str)| key.width() + text.width() + 3;
    // The last one, how to leave, stays whatever the width.
    let mut room = usize::from(width).saturating_sub(1);
    let last = actions.len().saturating_sub(1);
    room = room.saturating_sub(hint(Action::Quit).as_ref().map_or(0, columns));
    for (place, action) in actions.iter().enumerate() {
        let Some((key, text)) = hint(*action) else { continue };
        if place < last {
            let Some(left) = room.checked_sub(columns(&(key.clone(), text))) else { continue };
            room = left;
        }
        parts.push(Span::styled(key, app.theme.style(Role::Key)));
        parts.push(Span::raw(format!(" {text}  ")));
    }
    Line::from(parts)
}

/// The filter while it is typed: what it finds, or why it is none yet.
fn typing_line(app: &App, typing: &Typing, width: usize) -> Line<'static> {
    let found = match typing.list {
        List::Files => app.rows.iter().filter(|row| row.is_match).count(),
        List::Layers => app.layer_line.count,
        List::Findings => app.findings.items.iter().filter(|item| matches!(item, Item::Finding(_))).count(),
        List::Packages => app.packages.shown.len(),
    };
    let (said, role) = match &typing.wrong {
        Some(why) => (format!("   {}", printable(why.as_bytes())), Role::Warn),
        None if typing.text.is_empty() => {
            ("   a part of a name, *.so, size>10M, is:setuid, layer:3, re:^/usr   esc leave".to_owned(), Role::Dim)
        }
        None => (format!("   {} shown   enter keep   esc clear", count(found as u64)), Role::Dim),
    };
    let text = format!("{}▏", printable(typing.text.as_bytes()));
    let room = width.saturating_sub(text.width() + 3);
    Line::from(vec![
        Span::styled(" / ", app.theme.style(Role::Key)),
        Span::raw(text),
        Span::styled(pane::cut(&said, room), app.theme.style(role)),
    ])
}

/// One word for the hint bar.
fn short(action: Action) -> &'static str {
    match action {
        Action::Help => "help",
        Action::Filter => "filter",
        Action::NextPane => "pane",
        Action::NextLayer => "layer",
        Action::NextView => "view",
        Action::NextSort => "sort",
        Action::Open => "open",
        Action::Extract => "extract",
        Action::Page => "pager",
        Action::ToggleHex => "text/hex",
        Action::Compare => "changes",
        Action::Edit => "editor",
        Action::Palette => "go to",
        Action::Back => "close",
        Action::CopyPath | Action::CopyDigest => "copy",
        Action::MarkRange => "range",
        Action::ShowInFiles => "show file",
        Action::DescribePath => "why",
        Action::CopyFix => "copy fix",
        Action::Toggle => "what if",
        Action::ShowFiles => "files",
        Action::Quit => "quit",
        other => other.doc(),
    }
}

/// What the tree shows, in words.
#[must_use]
pub fn look_words(app: &App) -> String {
    let layer = app.layer();
    match app.look {
        Look::Layer => format!("layer {layer} only"),
        Look::UpTo => format!("image up to layer {layer}"),
        Look::Since(from) => format!("image up to layer {layer}, changes since layer {}", from.min(layer)),
    }
}

/// How far the search for secrets is, in words.
#[must_use]
pub fn search_words(now: Snapshot) -> String {
    format!("searching for secrets {} %", now.searched_percent().unwrap_or(0))
}

/// How far reading is, in words.
#[must_use]
pub fn progress_words(app: &App) -> String {
    let (now, since) = (app.progress, app.since.elapsed().saturating_sub(app.flowing));
    if now.bytes == 0 {
        // An engine may write the whole image to its disk before it sends anything.
        let since = duration(since);
        return match now.current {
            Some(layer) if now.layers > 0 => format!("reading layer {layer} of {} · {since}", now.layers),
            Some(layer) => format!("reading layer {layer} · {since}"),
            None => format!("asking for the image · {since}"),
        };
    }
    // An engine states the bytes of files; what it sends is more by the headers of its archive.
    let of = if now.expected > now.bytes { format!(" of {}", bytes(now.expected)) } else { String::new() };
    let left = now.seconds_left(since).filter(|seconds| *seconds > 0);
    let left =
        left.map_or(String::new(), |seconds| format!(" · {} left", duration(std::time::Duration::from_secs(seconds))));
    format!("reading {}{of} · {}/s{left}", bytes(now.bytes), bytes(now.rate(since)))
}
