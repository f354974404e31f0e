//! All keys, made from the keymap and the actions' own sentences. What does nothing here is dim.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::cut;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::frame::boxed;
use crate::tui::keymap::Place;
use crate::tui::theme::Role;

/// Draws the keys over the screen.
pub fn draw(app: &mut App, frame: &mut Frame, area: Rect) {
    let [column] = Layout::horizontal([Constraint::Max(80)]).flex(Flex::Center).areas(area);
    let [area] =
        Layout::vertical([Constraint::Max(area.height.saturating_sub(2).min(58))]).flex(Flex::Center).areas(column);
    let lines = usize::from(area.height.saturating_sub(2));
    let note = if lines < Action::ALL.len() { "j k walk · esc closes" } else { "esc closes" };
    let block = boxed(app, "Keys", note, true);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let place = app.place();
    let Some(help) = &mut app.help else { return };
    help.scroll(Action::ALL.len(), inner.height);
    let (top, height) = (help.at, help.height);
    let width = usize::from(inner.width).saturating_sub(24);
    let lines: Vec<Line> = Action::ALL
        .iter()
        .skip(top)
        .take(height)
        .map(|action| {
            let here = app.keymap.keys_of(place, *action);
            let works = !here.is_empty();
            let elsewhere = || {
                Place::ALL.iter().find_map(|(place, name)| {
                    Some((app.keymap.keys_of(*place, *action), *name)).filter(|(keys, _)| !keys.is_empty())
                })
            };
            let (keys, note) = if works {
                (here, String::new())
            } else {
                elsewhere().map_or((here, String::new()), |(keys, name)| (keys, format!("  (in {name})")))
            };
            let role = if works { Role::Text } else { Role::Dim };
            Line::from(vec![
                Span::styled(
                    format!("{:>22}  ", keys.join(", ")),
                    app.theme.style(if works { Role::Key } else { Role::Dim }),
                ),
                Span::styled(cut(&format!("{}{note}", action.doc()), width), app.theme.style(role)),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}
