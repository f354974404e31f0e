//! The config file: where it is, and what it says.

use std::fs;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use toml::{Table, Value};

use super::preferences::Preferences;
use crate::cli::Cli;
use crate::error::{Error, Result};

/// The folder in the user's config folder, and the file in it.
const FOLDER: &str = "layerscope";
const FILE: &str = "config.toml";
const THEMES: &str = "themes";

/// The variable that names the file.
const VARIABLE: &str = "LAYERSCOPE_CONFIG";

/// Our folder in the user's config folder, as the XDG base directories have it.
#[must_use]
pub fn config_folder() -> Option<PathBuf> {
    // Without a home there is no such folder, and nothing to read in it.
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join(FOLDER))
}

/// What a user wants to keep: defaults, under the file, under the environment, under flags; and the folder with themes.
///
/// # Errors
/// A file that is named and not there, and what is not known in it or in the environment.
pub fn preferences(
    cli: &Cli,
    environment: impl Fn(&str) -> Option<String>,
    folder: Option<&Path>,
) -> Result<(Preferences, Option<PathBuf>)> {
    let named = cli.config.clone().or_else(|| environment(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from));
    let usual = folder.map(|folder| folder.join(FILE)).filter(|file| file.exists());
    let mut preferences = Preferences::default();
    let file = named.or(usual);
    if let Some(file) = &file {
        let text = fs::read_to_string(file).map_err(|error| {
            Error::usage(format!("cannot read the config file {}", file.display()))
                .caused_by(&error)
                .hint("layerscope --print-config > FILE writes one to begin with")
        })?;
        preferences.take_file(&file.display().to_string(), &text)?;
    }
    preferences.take_environment(environment)?;
    preferences.take_flags(cli);
    let beside = file.as_deref().and_then(Path::parent).or(folder);
    Ok((preferences, beside.map(|folder| folder.join(THEMES))))
}

impl Preferences {
    /// Takes what a file says; `origin` names it.
    fn take_file(&mut self, origin: &str, text: &str) -> Result<()> {
        let table: Table = toml::from_str(text)
            .map_err(|error| Error::usage(format!("{origin} cannot be read as TOML")).because(error.to_string()))?;
        for (name, value) in table {
            match value {
                Value::Table(places) if name == "keys" => self.take_keys(origin, places)?,
                _ if name == "keys" => {
                    return Err(Error::usage(format!("{origin}: keys is a table by places, as in [keys.files]")));
                }
                Value::String(text) => self.set(&name, &text, origin)?,
                Value::Integer(number) => self.set(&name, &number.to_string(), origin)?,
                Value::Boolean(switch) => self.set(&name, &switch.to_string(), origin)?,
                other => {
                    // Not known at all, or known and not of this kind.
                    self.clone().set(&name, "", origin)?;
                    return Err(Error::usage(format!("{origin}: {name} cannot be a {}", other.type_str())));
                }
            }
        }
        Ok(())
    }

    fn take_keys(&mut self, origin: &str, places: Table) -> Result<()> {
        for (place, keys) in places {
            let Value::Table(keys) = keys else {
                return Err(Error::usage(format!("{origin}: keys.{place} is a table, as in [keys.files]")));
            };
            for (key, action) in keys {
                let Value::String(action) = action else {
                    return Err(Error::usage(format!(
                        "{origin}: [keys.{place}] binds {key} to a name, as in \"open\""
                    )));
                };
                self.keys.entry(place.clone()).or_default().insert(key, action);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{ColourWhen, KeymapName, SortName, UnitsName};

    fn load(line: &str, environment: &[(&str, &str)], file: &str) -> Result<Preferences> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), file).unwrap();
        let cli = Cli::try_parse_from(std::iter::once("layerscope").chain(line.split_whitespace())).unwrap();
        let look_up =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        preferences(&cli, look_up, Some(folder.path())).map(|(preferences, _)| preferences)
    }

    #[test]
    fn defaults_give_way_to_the_file_to_the_environment_to_flags() {
        let file = "theme = \"dark\"\nunits = \"iec\"\nsplit = 50\nfold = false\nmouse = false";
        let environment = [("LAYERSCOPE_THEME", "light"), ("LAYERSCOPE_SORT", "name"), ("LAYERSCOPE_MOUSE", "yes")];
        assert_eq!(load("", &[], "").unwrap(), Preferences::default());
        let all = load("--theme mono --keymap dive", &environment, file).unwrap();
        assert_eq!((all.theme.as_str(), all.units, all.split), ("mono", UnitsName::Iec, 50));
        assert_eq!((all.sort, all.fold, all.mouse, all.keymap), (SortName::Name, false, true, KeymapName::Dive));
        assert!(!load("--no-mouse", &environment, file).unwrap().mouse);
        assert_eq!(load("", &environment, file).unwrap().theme, "light");
        assert_eq!(load("", &[], file).unwrap().theme, "dark");
    }

    #[test]
    fn what_is_printed_can_be_read_back() {
        let file = "theme = \"a \\\"b\\\"\"\ncolor = \"never\"\nascii = true\nmouse = false\nunits = \"iec\"\nkeymap = \"dive\"\n\
                    sort = \"hidden\"\nreverse = true\nfold = false\nsplit = 33\nengine = \"podman\"\nplatform = \"linux/arm64\"\n\
                    secrets = \"generic\"\n\
                    [keys.files]\n\"\\\\\" = \"open\"\n\"\\\"\" = \"none\"\n[keys.everywhere]\n\"g x\" = \"top\"";
        let all = load("", &[], file).unwrap();
        assert_eq!(all.colour, ColourWhen::Never);
        for key in &super::super::preferences::KEYS {
            assert!(file.contains(&format!("{} = ", key.name)), "{} is not tried here", key.name);
        }
        assert_eq!(load("", &[], &all.print()).unwrap(), all);
        assert_eq!(load("", &[], &Preferences::default().print()).unwrap(), Preferences::default());
        assert_ne!(all, Preferences::default());
    }

    #[test]
    fn mistakes_are_told_with_what_was_meant() {
        for (file, parts) in [
            ("thme = \"dark\"", &["config.toml: there is no setting thme", "did you mean 'theme'?"][..]),
            ("units = \"iecc\"", &["config.toml: units", "'iecc' is not known", "did you mean 'iec'?"]),
            ("mouse = \"maybe\"", &["config.toml: mouse", "neither true nor false"]),
            ("split = 5", &["config.toml: split", "5 is no share from 20 to 70"]),
            ("split = [5]", &["split"]),
            ("thme = [5]", &["there is no setting thme"]),
            ("theme = 1.5", &["theme cannot be a float"]),
            ("keys = 3", &["[keys.files]"]),
            ("[keys]\nfiles = 3", &["keys.files is a table"]),
            ("[keys.files]\nx = 3", &["binds x to a name"]),
            ("theme = ", &["cannot be read as TOML"]),
        ] {
            let error = load("", &[], file).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{part:?} is not in: {error}");
            }
        }
        let error = load("", &[("LAYERSCOPE_UNITS", "x")], "").unwrap_err().to_string();
        assert!(error.contains("LAYERSCOPE_UNITS: units") && error.contains("known: si, iec"), "{error}");
        let error = load("--config /nowhere/c.toml", &[], "").unwrap_err().to_string();
        assert!(error.contains("cannot read the config file /nowhere/c.toml"), "{error}");
    }
}
