//! Reads themes: those that the program carries, and files of the user's over one of them.

use std::fs;
use std::path::{Path, PathBuf};

use ratatui::style::{Color, Modifier, Style};
use toml::{Table, Value};

use super::{Role, Theme};
use crate::error::{Error, Result};

/// The themes that the program carries.
const CARRIED: [(&str, &str); 5] = [
    ("ansi", include_str!("../../../assets/themes/ansi.toml")),
    ("dark", include_str!("../../../assets/themes/dark.toml")),
    ("light", include_str!("../../../assets/themes/light.toml")),
    ("cvd", include_str!("../../../assets/themes/cvd.toml")),
    ("mono", include_str!("../../../assets/themes/mono.toml")),
];

/// Other names of carried themes.
const ALSO: [(&str, &str); 2] = [("colour-blind", "cvd"), ("color-blind", "cvd")];

/// What a theme is laid over that does not say it.
const BASE: &str = "ansi";

/// The largest theme file that is read, in bytes. A real one is a hundredth of it.
const MOST_BYTES: u64 = 64 * 1024;

/// Names of colours, in the terminal's own sixteen.
const COLOURS: [(&str, Color); 18] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("grey", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("white", Color::White),
];

const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

pub fn named(name: &str, folder: Option<&Path>) -> Result<Theme> {
    let name = ALSO.iter().find(|(other, _)| *other == name).map_or(name, |(_, name)| name);
    let is_path = name.contains('/') || has_end(Path::new(name));
    let own = folder.map(|folder| folder.join(format!("{name}.toml"))).filter(|file| !is_path && file.exists());
    if let Some(file) = own.or_else(|| is_path.then(|| PathBuf::from(name))) {
        return from_file(&file);
    }
    if let Some(theme) = carried(name) {
        return theme;
    }
    let files = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let own: Vec<String> = files
        .filter(|file| has_end(&file.path()))
        .filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    let known = CARRIED.iter().map(|(known, _)| *known).chain(own.iter().map(String::as_str));
    Err(Error::usage(format!("there is no theme {name}")).perhaps(name, known))
}

fn has_end(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "toml")
}

fn carried(name: &str) -> Option<Result<Theme>> {
    CARRIED.iter().find(|(known, _)| *known == name).map(|(name, text)| parse(&format!("theme {name}"), text))
}

fn from_file(file: &Path) -> Result<Theme> {
    let shown = file.display().to_string();
    let unread = |error: &std::io::Error| Error::usage(format!("cannot read the theme {shown}")).caused_by(error);
    let size = fs::metadata(file).map_err(|error| unread(&error))?.len();
    if size > MOST_BYTES {
        return Err(Error::usage(format!("{shown} is too large for a theme: {size} bytes")));
    }
    parse(&shown, &fs::read_to_string(file).map_err(|error| unread(&error))?)
}

/// Reads a theme. `origin` names it in errors.
fn parse(origin: &str, text: &str) -> Result<Theme> {
    let table: Table = toml::from_str(text)
        .map_err(|error| Error::usage(format!("{origin} cannot be read as TOML")).because(error.to_string()))?;
    if let Some(key) = table.keys().find(|key| !matches!(key.as_str(), "inherits" | "roles")) {
        return Err(Error::usage(format!("{origin}: {key} is no part of a theme")).perhaps(key, ["inherits", "roles"]));
    }
    let empty = Theme { styles: [Style::new(); Role::ALL.len()] };
    let mut theme = match table.get("inherits") {
        Some(Value::String(base)) => carried(base).ok_or_else(|| {
            Error::usage(format!("{origin}: {base} is no theme that can be inherited"))
                .perhaps(base, CARRIED.iter().map(|(known, _)| *known))
        })??,
        Some(_) => return Err(Error::usage(format!("{origin}: inherits names a theme, as in \"{BASE}\""))),
        // The base itself, and those that name every role, stand on nothing.
        None if origin.starts_with("theme ") => empty,
        None => carried(BASE).unwrap_or(Ok(empty))?,
    };
    let roles = match table.get("roles") {
        Some(Value::Table(roles)) => roles,
        Some(_) => return Err(Error::usage(format!("{origin}: roles is a table"))),
        None => return Ok(theme),
    };
    for (name, style) in roles {
        let (role, _) = Role::ALL.iter().find(|(_, known)| known == name).ok_or_else(|| {
            Error::usage(format!("{origin}: {name} is no role")).perhaps(name, Role::ALL.iter().map(|(_, name)| *name))
        })?;
        let Value::String(words) = style else {
            return Err(Error::usage(format!("{origin}: {name} is a text, as in \"blue bold\"")));
        };
        theme.styles[*role as usize] = read_style(words).map_err(|(word, known)| wrong(origin, name, &word, &known))?;
    }
    Ok(theme)
}

fn wrong(origin: &str, role: &str, word: &str, known: &[&str]) -> Error {
    let error = Error::usage(format!("{origin}: {role} has a word that is no colour and no attribute: {word}"));
    if word.starts_with('#') {
        return error.hint("a colour has six hexadecimal digits, as in #1e66f5");
    }
    error.perhaps(word, known.iter().copied())
}

/// Reads `blue bold`, `#7aa2f7 on #202020 underline`. What is not known comes back with what could stand there.
fn read_style(words: &str) -> std::result::Result<Style, (String, Vec<&'static str>)> {
    let mut style = Style::new();
    let mut behind = false;
    for word in words.split_whitespace() {
        let colours = COLOURS.iter().map(|(name, _)| *name);
        if word == "on" {
            behind = true;
        } else if let Some(colour) = colour(word) {
            // The terminal's own colour is left as it is: nothing is painted.
            let painted = Some(colour).filter(|colour| *colour != Color::Reset);
            if std::mem::take(&mut behind) { style.bg = painted } else { style.fg = painted }
        } else if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word).filter(|_| !behind) {
            style = style.add_modifier(*modifier);
        } else {
            let attributes = MODIFIERS.iter().map(|(name, _)| *name).filter(|_| !behind);
            return Err((word.to_owned(), colours.chain(attributes).collect()));
        }
    }
    if behind {
        return Err(("on".into(), COLOURS.iter().map(|(name, _)| *name).collect()));
    }
    Ok(style)
}

fn colour(word: &str) -> Option<Color> {
    if let Some(digits) = word.strip_prefix('#') {
        let is_hex = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        let [_, red, green, blue] = number.to_be_bytes();
        return Some(Color::Rgb(red, green, blue));
    }
    let named = COLOURS.iter().find(|(name, _)| *name == word).map(|(_, colour)| *colour);
    // A place in the palette of 256 colours.
    named.or_else(|| word.parse().ok().map(Color::Indexed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as in WCAG 2.2, section 1.4.3.
    fn contrast(colour: Color, ground: (u8, u8, u8)) -> f64 {
        let Color::Rgb(red, green, blue) = colour else { panic!("{colour:?}") };
        let luminance = |(red, green, blue): (u8, u8, u8)| {
            let linear = |part: u8| {
                let part = f64::from(part) / 255.0;
                if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
        };
        let (one, other) = (luminance((red, green, blue)) + 0.05, luminance(ground) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn carried_themes_name_every_role() {
        for (name, text) in CARRIED {
            let table: Table = toml::from_str(text).unwrap();
            let roles = table["roles"].as_table().unwrap();
            let missing: Vec<_> = Role::ALL.iter().filter(|(_, role)| !roles.contains_key(*role)).collect();
            assert!(missing.is_empty() || table.contains_key("inherits"), "{name}: {missing:?}");
            assert!(Theme::named(name, None).is_ok());
        }
        assert!(Theme::named("mono", None).unwrap().is_colourless());
        assert!(!Theme::named("ansi", None).unwrap().is_colourless());
        assert_eq!(Theme::named("colour-blind", None).unwrap(), Theme::named("cvd", None).unwrap());
    }

    #[test]
    fn the_default_is_right_on_dark_and_on_light() {
        use Color::{Blue, Cyan, Green, Magenta, Red, Yellow};
        for style in Theme::named("ansi", None).unwrap().styles {
            assert_eq!(style.bg, None);
            assert!(style.fg.is_none_or(|colour| [Red, Green, Yellow, Blue, Magenta, Cyan].contains(&colour)));
        }
    }

    #[test]
    fn true_colours_can_be_read_on_their_ground() {
        for (name, ground) in [("dark", (0x1e, 0x1e, 0x2e)), ("light", (0xff, 0xff, 0xff))] {
            let theme = Theme::named(name, None).unwrap();
            for (role, word) in Role::ALL {
                let least = if *role == Role::Border { 3.0 } else { 4.5 };
                let Some(colour) = theme.style(*role).fg else { continue };
                assert!(contrast(colour, ground) >= least, "{word} in {name}: {:.2}", contrast(colour, ground));
            }
        }
    }

    #[test]
    fn kinds_of_change_are_told_apart_by_colour() {
        for name in ["ansi", "dark", "light", "cvd"] {
            let theme = Theme::named(name, None).unwrap();
            let [added, changed, removed] =
                [Role::Added, Role::Changed, Role::Removed].map(|role| theme.style(role).fg);
            assert!(added != changed && changed != removed && added != removed, "{name}");
        }
    }

    #[test]
    fn a_file_of_the_user_is_laid_over_a_carried_theme() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        fs::write(&file, "inherits = \"dark\"\n[roles]\nadded = \"bright-green on 17 bold\"\n").unwrap();
        let expected = Style::new().fg(Color::LightGreen).bg(Color::Indexed(17)).add_modifier(Modifier::BOLD);
        for name in ["mine", file.to_str().unwrap()] {
            let theme = Theme::named(name, Some(folder.path())).unwrap();
            assert_eq!(theme.style(Role::Added), expected);
            assert_eq!(theme.style(Role::Removed), Theme::named("dark", None).unwrap().style(Role::Removed));
        }
        fs::write(&file, "").unwrap();
        assert_eq!(Theme::named("mine", Some(folder.path())).unwrap(), Theme::named("ansi", None).unwrap());
        let error = Theme::named("min", Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("did you mean 'mine'?"), "{error}");
    }

    #[test]
    fn mistakes_are_told_with_what_was_meant() {
        for (text, parts) in [
            ("[roles]\naded = \"red\"", &["aded is no role", "did you mean 'added'?"][..]),
            ("[roles]\nadded = \"gren\"", &["gren", "did you mean 'green'?"]),
            ("[roles]\nadded = \"on blod\"", &["blod"]),
            ("[roles]\nadded = \"red on\"", &["on"]),
            ("[roles]\nadded = \"#12345\"", &["six hexadecimal digits"]),
            ("[roles]\nadded = \"#+12345\"", &["six hexadecimal digits"]),
            ("[roles]\nadded = 3", &["added is a text"]),
            ("[colours]\n", &["colours is no part of a theme", "known: inherits, roles"]),
            ("inherits = \"drak\"", &["drak", "did you mean 'dark'?"]),
            ("inherits = ", &["cannot be read as TOML"]),
        ] {
            let error = parse("x.toml", text).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{part:?} is not in: {error}");
            }
        }
        let error = Theme::named("/nowhere/x.toml", None).unwrap_err().to_string();
        assert!(error.contains("cannot read the theme /nowhere/x.toml"), "{error}");
    }
}
