//! What a user wants to keep: one table of keys that the config file, the environment, and `--print-config` share.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::{Cli, ColourWhen, EngineName, KeymapName, SecretsName, SortName, UnitsName};
use crate::error::{Error, Result};

/// Keys and the names of their actions, by place.
pub type Bindings = BTreeMap<String, BTreeMap<String, String>>;

/// Least and most share of the width that the layers take, in percent.
const SPLIT: (u16, u16) = (20, 70);

/// What a user wants to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Switches, as in the file.
pub struct Preferences {
    /// Colours of the explorer: a name or a file.
    pub theme: String,
    /// When there are colours.
    pub colour: ColourWhen,
    /// Whether the explorer draws with ASCII alone.
    pub ascii: bool,
    /// Whether the explorer listens to the mouse.
    pub mouse: bool,
    /// How sizes are written.
    pub units: UnitsName,
    /// The keys that the user's own are laid over.
    pub keymap: KeymapName,
    /// Order of the tree.
    pub sort: SortName,
    /// Whether that order is turned around.
    pub reverse: bool,
    /// Whether folders that hold one folder are joined with it.
    pub fold: bool,
    /// Share of the width that the layers take, in percent.
    pub split: u16,
    /// Where a plain name is looked up.
    pub engine: EngineName,
    /// The platform to read; empty is this machine's.
    pub platform: String,
    /// Which secrets are looked for.
    pub secrets: SecretsName,
    /// The user's own keys.
    pub keys: Bindings,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: "ansi".into(),
            colour: ColourWhen::Auto,
            ascii: false,
            mouse: true,
            units: UnitsName::Si,
            keymap: KeymapName::Default,
            sort: SortName::Size,
            reverse: false,
            fold: true,
            split: 42,
            engine: EngineName::Any,
            platform: String::new(),
            secrets: SecretsName::Strict,
            keys: Bindings::new(),
        }
    }
}

/// A key of the config file.
pub struct Key {
    /// Its name; the variable is `LAYERSCOPE_` and this in capitals.
    pub name: &'static str,
    /// What it is for.
    doc: &'static str,
    /// Its value as it is written in the file.
    get: fn(&Preferences) -> toml::Value,
    /// Takes a value as text; says what is wrong with it.
    set: fn(&mut Preferences, &str) -> Result<()>,
}

/// All keys, in the order in which they are printed.
pub const KEYS: [Key; 13] = [
    Key {
        name: "theme",
        doc: "Colours of the explorer: ansi (the terminal's own sixteen), dark, light, cvd (told apart by everybody), mono, a\n\
              file NAME.toml in the folder `themes` beside this file, or the path of such a file.",
        get: |all| all.theme.clone().into(),
        set: |all, text| {
            text.clone_into(&mut all.theme);
            Ok(())
        },
    },
    Key {
        name: "color",
        doc: "Colours: auto (on a terminal), always, or never. NO_COLOR in the environment is never; CLICOLOR_FORCE is always,\n\
              where this is auto.",
        get: |all| word(all.colour),
        set: |all, text| put(&mut all.colour, one_of(text)),
    },
    Key {
        name: "ascii",
        doc: "Whether the explorer draws with ASCII alone, for poor fonts.",
        get: |all| all.ascii.into(),
        set: |all, text| put(&mut all.ascii, switch(text)),
    },
    Key {
        name: "mouse",
        doc: "Whether the explorer listens to the mouse. Without it the terminal selects text by itself.",
        get: |all| all.mouse.into(),
        set: |all, text| put(&mut all.mouse, switch(text)),
    },
    Key {
        name: "units",
        doc: "How sizes are written: si (1 kB is 1000 bytes, as in `docker images`) or iec (1 KiB is 1024 bytes).",
        get: |all| word(all.units),
        set: |all, text| put(&mut all.units, one_of(text)),
    },
    Key {
        name: "keymap",
        doc: "The keys that those of [keys.PLACE] are laid over: default, or dive (the same with dive's keys).",
        get: |all| word(all.keymap),
        set: |all, text| put(&mut all.keymap, one_of(text)),
    },
    Key {
        name: "sort",
        doc: "Order of the tree: size, name, count, hidden, or time.",
        get: |all| word(all.sort),
        set: |all, text| put(&mut all.sort, one_of(text)),
    },
    Key {
        name: "reverse",
        doc: "Whether that order is turned around.",
        get: |all| all.reverse.into(),
        set: |all, text| put(&mut all.reverse, switch(text)),
    },
    Key {
        name: "fold",
        doc: "Whether folders that hold one folder are joined with it.",
        get: |all| all.fold.into(),
        set: |all, text| put(&mut all.fold, switch(text)),
    },
    Key {
        name: "split",
        doc: "Share of the width that the layers take, in percent: 20 to 70.",
        get: |all| i64::from(all.split).into(),
        set: |all, text| {
            let (least, most) = SPLIT;
            let share = text.parse().ok().filter(|share| (least..=most).contains(share));
            all.split = share.ok_or_else(|| Error::usage(format!("{text} is no share from {least} to {most}")))?;
            Ok(())
        },
    },
    Key {
        name: "engine",
        doc: "Where a plain name is looked up: any (Docker, then Podman), docker, or podman.",
        get: |all| word(all.engine),
        set: |all, text| put(&mut all.engine, one_of(text)),
    },
    Key {
        name: "platform",
        doc: "The platform to read where the source holds several: os/arch or os/arch/variant; empty is this machine's.",
        get: |all| all.platform.clone().into(),
        set: |all, text| {
            if !text.is_empty() {
                text.parse::<crate::platform::Platform>()?;
            }
            text.clone_into(&mut all.platform);
            Ok(())
        },
    },
    Key {
        name: "secrets",
        doc: "Which secrets are looked for: strict (those whose form tells them) or generic (in files that no package owns also\n\
              what is assigned to names such as password, and what is as random as a key).",
        get: |all| word(all.secrets),
        set: |all, text| put(&mut all.secrets, one_of(text)),
    },
];

impl Preferences {
    /// Takes a value for a key; `origin` says where it stands.
    ///
    /// # Errors
    /// There is no such key, or it cannot have this value.
    pub fn set(&mut self, name: &str, value: &str, origin: &str) -> Result<()> {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            return Err(Error::usage(format!("{origin}: there is no setting {name}"))
                .perhaps(name, KEYS.iter().map(|key| key.name).chain(["keys"])));
        };
        (key.set)(self, value).map_err(|error| error.within(format!("{origin}: {name}")))
    }

    /// Takes what the environment says. `environment` looks up a variable; an empty one is none.
    ///
    /// # Errors
    /// A value that its key cannot have.
    pub fn take_environment(&mut self, environment: impl Fn(&str) -> Option<String>) -> Result<()> {
        for key in &KEYS {
            let variable = key.variable();
            if let Some(value) = environment(&variable).filter(|value| !value.is_empty()) {
                self.set(key.name, value.trim(), &variable)?;
            }
        }
        Ok(())
    }

    /// Takes what was typed.
    pub fn take_flags(&mut self, cli: &Cli) {
        let flags = cli.clone();
        self.theme = flags.theme.unwrap_or(std::mem::take(&mut self.theme));
        self.colour = flags.color.unwrap_or(self.colour);
        self.ascii |= flags.ascii;
        self.mouse &= !flags.no_mouse;
        self.units = flags.units.unwrap_or(self.units);
        self.keymap = flags.keymap.unwrap_or(self.keymap);
        self.secrets = flags.secrets.unwrap_or(self.secrets);
        self.platform = flags.platform.unwrap_or(std::mem::take(&mut self.platform));
    }

    /// All of it as a config file that can be read back.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::from(
            "# Settings of layerscope as they are now: defaults, under the config file, under the environment, under flags.\n\
             # Saved as config.toml in the folder `layerscope` of the user's config folder, this is the config file.\n",
        );
        let defaults = Self::default();
        for key in &KEYS {
            text.push('\n');
            for line in key.doc.lines() {
                let _ = writeln!(text, "# {line}");
            }
            let (value, default) = ((key.get)(self), (key.get)(&defaults));
            let _ = writeln!(text, "# In the environment: {}. Default: {default}", key.variable());
            let _ = writeln!(text, "{} = {value}", key.name);
        }
        text += "\n# Keys over those of the keymap, by the place in which they are pressed; \"none\" takes a key away:\n\
                 # [keys.files]\n# \"x\" = \"extract\"\n";
        for (place, keys) in self.keys.iter().filter(|(_, keys)| !keys.is_empty()) {
            let quoted = |text: &str| toml::Value::from(text).to_string();
            let _ = writeln!(text, "\n[keys.{}]", quoted(place));
            for (key, action) in keys {
                let _ = writeln!(text, "{} = {}", quoted(key), quoted(action));
            }
        }
        text
    }
}

impl Key {
    fn variable(&self) -> String {
        format!("LAYERSCOPE_{}", self.name.to_ascii_uppercase())
    }
}

fn put<T>(place: &mut T, value: Result<T>) -> Result<()> {
    *place = value?;
    Ok(())
}

/// A word of a list as it is written.
fn word(value: impl ValueEnum + Copy) -> toml::Value {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned()).into()
}

/// A word of a list as it is read.
fn one_of<T: ValueEnum>(text: &str) -> Result<T> {
    T::from_str(text, true).map_err(|_unknown| {
        let known: Vec<_> = T::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
        Error::usage(format!("'{text}' is not known")).perhaps(text, known.iter().map(PossibleValue::get_name))
    })
}

fn switch(text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(Error::usage(format!("'{text}' is neither true nor false"))),
    }
}
