//! Colours by role. Meaning stands in glyphs as well, so that no role is needed to understand a screen.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// What matters less.
    Dim,
    /// The title of the screen and of the pane in use.
    Title,
    /// Lines around panes.
    Border,
    /// Lines around the pane in use.
    Focus,
    /// The line of the cursor.
    Selection,
    /// The part of a name that a filter found.
    Match,
    /// A key in a hint.
    Key,
    /// A bar.
    Bar,
    /// Added by the layer.
    Added,
    /// Changed by the layer.
    Changed,
    /// Removed by the layer.
    Removed,
    /// A folder.
    Dir,
    /// A link.
    Link,
    /// Needs attention.
    Warn,
    /// Failed.
    Error,
    /// All is well.
    Ok,
}

/// A set of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// The terminal's own sixteen colours: right on dark and on light.
    Ansi,
    /// No colour at all.
    Mono,
    /// Blue, orange and vermillion (Okabe and Ito), told apart by everybody.
    ColourBlind,
}

impl Theme {
    /// The style of a role.
    #[must_use]
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        match role {
            Role::Text => plain,
            Role::Dim | Role::Border => plain.add_modifier(Modifier::DIM),
            Role::Title | Role::Focus | Role::Dir | Role::Key => self.coloured(role).add_modifier(Modifier::BOLD),
            Role::Selection => plain.add_modifier(Modifier::REVERSED),
            Role::Match => self.coloured(role).add_modifier(Modifier::UNDERLINED),
            Role::Bar
            | Role::Added
            | Role::Changed
            | Role::Removed
            | Role::Link
            | Role::Warn
            | Role::Error
            | Role::Ok => self.coloured(role),
        }
    }

    fn coloured(self, role: Role) -> Style {
        let colour = match (self, role) {
            (Self::Mono, _) | (_, Role::Title) => return Style::new(),
            (Self::ColourBlind, Role::Added | Role::Ok) => Color::Rgb(0x00, 0x72, 0xb2),
            (Self::ColourBlind, Role::Changed | Role::Warn) => Color::Rgb(0xe6, 0x9f, 0x00),
            (Self::ColourBlind, Role::Removed | Role::Error) => Color::Rgb(0xd5, 0x5e, 0x00),
            (Self::ColourBlind, _) => Color::Rgb(0x56, 0xb4, 0xe9),
            (Self::Ansi, Role::Added | Role::Ok) => Color::Green,
            (Self::Ansi, Role::Changed | Role::Warn) => Color::Yellow,
            (Self::Ansi, Role::Removed | Role::Error) => Color::Red,
            (Self::Ansi, Role::Dir | Role::Bar | Role::Focus) => Color::Blue,
            (Self::Ansi, _) => Color::Cyan,
        };
        Style::new().fg(colour)
    }
}
