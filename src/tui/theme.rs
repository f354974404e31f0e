//! Colours by role. Meaning stands in glyphs as well, so that no role is needed to understand a screen.

mod read;

use std::path::Path;

use ratatui::style::Style;

use crate::error::Result;

/// Defines the roles once: variant, name in a theme file, what it is for.
macro_rules! roles {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// What a piece of the screen is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Role {
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            /// All of them, with their names in a theme file.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $name),)*];
        }
    };
}

roles! {
    Text "text" "Ordinary text.",
    Dim "dim" "What matters less.",
    Title "title" "The title of the screen and of the pane in use.",
    Border "border" "Lines around panes.",
    Focus "focus" "Lines around the pane in use.",
    Selection "selection" "The line of the cursor.",
    Match "match" "The part of a name that a filter found.",
    Key "key" "A key in a hint.",
    Bar "bar" "A bar.",
    Busy "busy" "What is going on.",
    Added "added" "Added by the layer.",
    Changed "changed" "Changed by the layer.",
    Removed "removed" "Removed by the layer.",
    Dir "dir" "A folder.",
    Link "link" "A link.",
    Exec "exec" "A file that can be run.",
    Special "special" "A device, a pipe, or a file that runs with the rights of its owner or group.",
    Ok "ok" "All is well.",
    Warn "warn" "Needs attention.",
    Error "error" "Failed.",
}

/// A style for each role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    styles: [Style; Role::ALL.len()],
}

impl Theme {
    /// The theme of a name: one that the program carries, a file `NAME.toml` in the user's `folder`, or the file itself.
    ///
    /// # Errors
    /// There is none of this name, or it cannot be understood; with what was meant perhaps.
    pub fn named(name: &str, folder: Option<&Path>) -> Result<Self> {
        read::named(name, folder)
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Whether it has no colour. Then bold and reverse must work whatever the surroundings say of colours.
    #[must_use]
    pub fn is_colourless(&self) -> bool {
        self.styles.iter().all(|style| style.fg.is_none() && style.bg.is_none())
    }
}
