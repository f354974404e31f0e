//! Everything that a key can do, each with its name for the keymap and its sentence for help. Knows no key.

/// Defines the actions once: for each group variant, name in the keymap, sentence in help.
macro_rules! actions {
    ($($group:ident { $($variant:ident $name:literal $doc:literal,)* })*) => {
        /// What an action is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Group {
            $(#[doc = stringify!($group)] $group,)*
        }

        impl Group {
            /// All of them, in the order in which help tells them.
            pub const ALL: &'static [Self] = &[$(Self::$group,)*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$group => stringify!($group),)* }
            }
        }

        /// Something that a key can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[doc = $doc] $variant,)*)*
        }

        impl Action {
            /// All of them, in the order in which help tells them.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)*)*];

            /// What it is about.
            #[must_use]
            pub fn group(self) -> Group {
                match self { $($(Self::$variant)|* => Group::$group,)* }
            }

            /// The name in the keymap.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($(Self::$variant => $name,)*)* }
            }

            /// What it does, in a few words.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $($(Self::$variant => $doc,)*)* }
            }
        }
    };
}

actions! {
    Move {
        Up "up" "move up",
        Down "down" "move down",
        PageUp "page-up" "half a page up",
        PageDown "page-down" "half a page down",
        Top "top" "to the first line",
        Bottom "bottom" "to the last line",
        PreviousLayer "previous-layer" "the layer before",
        NextLayer "next-layer" "the layer after",
        NextPane "next-pane" "the other pane",
        FocusLayers "focus-layers" "to the layers",
        FocusFiles "focus-files" "to the files",
    }
    Open {
        Open "open" "open the folder, or look inside the file",
        Close "close" "close the folder, or go to the one around",
        Toggle "toggle" "open or close; on a finding or a package, think it away",
        OpenAll "open-all" "open everything below",
        CloseBelow "close-below" "close the folder and everything below",
        CloseAll "close-all" "close everything",
        ShowInFiles "show-in-files" "show it among the files",
        Back "back" "one step back: overlay, filter, range",
    }
    View {
        NextView "next-view" "this layer, or the image up to here",
        ShowLayer "show-layer" "what this layer does",
        ShowUpTo "show-up-to" "the image up to here",
        MarkRange "mark-range" "start a range of layers here",
        NextSort "next-sort" "the next order",
        ReverseSort "reverse-sort" "turn the order around",
        ToggleAdded "toggle-added" "show or hide what is added",
        ToggleChanged "toggle-changed" "show or hide what is changed",
        ToggleRemoved "toggle-removed" "show or hide what is removed",
        ToggleUnchanged "toggle-unchanged" "show or hide what is unchanged",
        DescribeLayer "describe-layer" "the layer with its whole command",
        DescribePath "describe-path" "all about it: whose, why here, what each layer did",
        TouchingLayers "touching-layers" "list the layers that touch this path",
        ToggleFold "toggle-fold" "join folders that hold one folder",
        ToggleHex "toggle-hex" "text or bytes",
        Zoom "zoom" "the pane alone, or both",
        Narrower "narrower" "give the layers less room",
        Wider "wider" "give the layers more room",
    }
    Find {
        Filter "filter" "show only what fits: name, *.so, size>10M, is:setuid",
        Palette "palette" "go to a file, a layer, a finding, or a command",
        NextMatch "next-match" "the next match",
        PreviousMatch "previous-match" "the match before",
    }
    Act {
        Extract "extract" "extract the file or folder to a place",
        Compare "compare" "what changed since the version before",
        Page "page" "open the file in $PAGER",
        Edit "edit" "open a copy of the file in $EDITOR",
        CopyPath "copy-path" "copy the path",
        CopyDigest "copy-digest" "copy the layer's digest",
        CopyCommand "copy-command" "copy the layer's command",
        ThinkAway "think-away" "think it away, and see what the image would be",
        ThinkBack "think-back" "think everything back",
        CopyFix "copy-fix" "copy what is to be done",
    }
    Go {
        ShowFiles "show-files" "layers and files",
        ShowFindings "show-findings" "what is wasted, risky, secret or badly set",
        ShowPackages "show-packages" "what is installed, and what it weighs",
        ShowImage "show-image" "facts of the image",
        Help "help" "all keys",
    }
    Leave {
        Suspend "suspend" "back to the shell; fg returns",
        Quit "quit" "leave",
        Keep "quit-and-keep" "leave, and keep the last frame on the screen",
        Abandon "abandon" "leave, and choose nothing",
    }
}

impl Action {
    /// The action of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}
