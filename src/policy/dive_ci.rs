//! The `.dive-ci` file: YAML whose one key is `rules`, read strictly because a typo must not switch a gate off.
//! Must not know what the limits mean, nor which of several settings wins.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::{SnippetMode, Spanned, UserMessageFormatter, render_options};

use crate::error::{Error, Result};
use crate::policy::rule::Rule;

/// A file with three settings and comments is far smaller; anything larger is not such a file.
const MAX_BYTES: usize = 1 << 20;

/// One setting of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Which rule it sets.
    pub rule: Rule,
    /// The limit as written: `0.95` and `"0.95"` are the same text.
    pub text: String,
    /// Where it is written, for error messages: `in .dive-ci, line 3`.
    pub place: String,
}

/// Reads the file at `path`.
pub fn read(path: &Path) -> Result<Vec<Setting>> {
    let name = path.display().to_string();
    let unreadable = || Error::usage(format!("cannot read the rules in {name}"));
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut content))
        .map_err(|cause| unreadable().caused_by(&cause).hint("check the path and that you may read the file"))?;
    let text = String::from_utf8(content)
        .map_err(|cause| unreadable().caused_by(&cause.utf8_error()).hint("save the file as UTF-8 text"))?;
    parse(&name, &text)
}

/// The settings in `text`, in the order of the file. `name` is what error messages call the file.
///
/// An empty file, empty `rules` and a rule without any value set nothing: the default holds, as in dive.
pub fn parse(name: &str, text: &str) -> Result<Vec<Setting>> {
    if text.len() > MAX_BYTES {
        return Err(Error::usage(format!("{name} is larger than {MAX_BYTES} bytes"))
            .hint("give the file that holds the rules; its one key is `rules`"));
    }
    let document: Option<Document> = serde_saphyr::from_str(text).map_err(|cause| broken(name, &cause))?;
    let Document { rules, unknown } = document.unwrap_or_default();
    if let Some(key) = unknown.first() {
        return Err(unknown_key(name, key));
    }
    if let Some(key) = rules.unknown.first() {
        return Err(unknown_rule(name, key));
    }
    let mut settings: Vec<(Rule, Key, Option<String>)> = Vec::with_capacity(Rule::ALL.len());
    for (rule, key, value) in rules.known {
        if let Some((_, first, _)) = settings.iter().find(|(other, ..)| *other == rule) {
            return Err(Error::usage(format!(
                "{} is set twice in {name}, in lines {} and {}",
                rule.id(),
                first.line,
                key.line
            ))
            .hint(format!("`{}` and `{}` are the same rule: keep one", rule.id(), rule.kebab())));
        }
        settings.push((rule, key, value));
    }
    let said = settings.into_iter().filter_map(|(rule, key, value)| {
        Some(Setting { rule, text: value?, place: format!("in {name}, line {}", key.line) })
    });
    Ok(said.collect())
}

/// The file is no YAML, or no mapping of rules to single values.
fn broken(name: &str, cause: &serde_saphyr::Error) -> Error {
    let place = cause.location().map_or_else(String::new, |at| format!(", line {}", at.line()));
    let options = render_options! { formatter: &UserMessageFormatter, snippets: SnippetMode::Off };
    Error::usage(format!("cannot read the rules in {name}{place}"))
        .because(cause.without_snippet().render_with_options(options))
        .hint("the file is YAML: `rules:` and under it, indented, lines like `lowestEfficiency: 0.9`")
}

fn unknown_key(name: &str, key: &Key) -> Error {
    let error = Error::usage(format!("unknown key {:?} in {name}, line {}", key.name, key.line));
    if let Some(rule) = Rule::named(&key.name).or_else(|| Rule::resembling(&key.name)) {
        return error.hint(format!("write `{}` indented, under `{RULES}:`", rule.id()));
    }
    match key.name.to_lowercase().as_str() {
        "rule" | RULES => error.hint(format!("did you mean `{RULES}`?")),
        _ => error.hint(format!("the only key is `{RULES}`; remove this one, dive ignores it too")),
    }
}

fn unknown_rule(name: &str, key: &Key) -> Error {
    let error = Error::usage(format!("unknown rule {:?} in {name}, line {}", key.name, key.line));
    match Rule::resembling(&key.name) {
        Some(rule) => error.hint(format!("did you mean `{}`?", rule.id())),
        None => error.hint(format!("the rules are {}; remove the others", Rule::ALL.map(Rule::id).join(", "))),
    }
}

/// The one key of the file.
const RULES: &str = "rules";

/// A key and the line it stands in, counted from 1.
#[derive(Debug)]
struct Key {
    name: String,
    line: u64,
}

/// The file as it is, unknown keys included: they are told to the user all in one way, whatever their values are.
#[derive(Debug, Default)]
struct Document {
    rules: Rules,
    unknown: Vec<Key>,
}

#[derive(Debug, Default)]
struct Rules {
    known: Vec<(Rule, Key, Option<String>)>,
    unknown: Vec<Key>,
}

fn next_key<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Key>, A::Error> {
    let key: Option<Spanned<String>> = map.next_key()?;
    Ok(key.map(|key| Key { name: key.value, line: key.referenced.line() }))
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`rules:` with the rules under it")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut document = Document::default();
        while let Some(key) = next_key(&mut map)? {
            if key.name == RULES {
                document.rules = map.next_value::<Option<Rules>>()?.unwrap_or_default();
            } else {
                map.next_value::<IgnoredAny>()?;
                document.unknown.push(key);
            }
        }
        Ok(document)
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RulesVisitor)
    }
}

struct RulesVisitor;

impl<'de> Visitor<'de> for RulesVisitor {
    type Value = Rules;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rules, each with a limit")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rules, A::Error> {
        let mut rules = Rules::default();
        while let Some(key) = next_key(&mut map)? {
            if let Some(rule) = Rule::named(&key.name) {
                // As text: a number would lose the way it was written.
                rules.known.push((rule, key, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
                rules.unknown.push(key);
            }
        }
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(yaml: &str) -> Vec<(Rule, String)> {
        let settings = parse(".dive-ci", yaml).unwrap_or_else(|error| panic!("{yaml:?}: {error}"));
        settings.into_iter().map(|setting| (setting.rule, setting.text)).collect()
    }

    #[test]
    fn values_keep_their_text_whatever_their_type() {
        let values =
            ["0.90", "\"0.90\"", "'0.90'", "1", "20Mb", "1_000", "1e-1", "0x10", "disabled", "off", "false", "true"];
        for value in values {
            let text = value.trim_matches(['"', '\'']).to_owned();
            let yaml = format!("---\n# comment\nrules:\n  lowestEfficiency: {value} # why\n");
            assert_eq!(texts(&yaml), [(Rule::LowestEfficiency, text)], "{value}");
        }
        assert_eq!(texts("rules: {highestWastedBytes: ''}"), [(Rule::HighestWastedBytes, String::new())]);
    }

    #[test]
    fn both_spellings_are_read() {
        let camel =
            texts("rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 20MB\n  highestUserWastedPercent: 0.20\n");
        let kebab = texts(
            "rules:\n  lowest-efficiency: 0.95\n  highest-wasted-bytes: 20MB\n  highest-user-wasted-percent: 0.20\n",
        );
        assert_eq!(camel, kebab);
        assert_eq!(camel.len(), 3);
        assert_eq!(texts("\u{feff}rules:\r\n  lowestEfficiency: 0.95\r\n").len(), 1);
    }

    #[test]
    fn what_is_not_said_is_not_set() {
        for yaml in ["", "\n\n", "# only a comment\n", "---\n", "rules:\n", "rules: {}\n", "rules: ~\n", "{}"] {
            assert_eq!(texts(yaml), [], "{yaml:?}");
        }
        assert_eq!(texts("rules:\n  lowestEfficiency:\n  highestWastedBytes: ~\n"), []);
    }

    #[test]
    fn settings_know_their_line() {
        let settings = parse("ci/.dive-ci", "rules:\n\n  lowestEfficiency: 0.95\n").unwrap();
        assert_eq!(settings[0].place, "in ci/.dive-ci, line 3");
    }

    #[test]
    fn mistakes_are_told_with_their_place_and_a_way_out() {
        let rows = [
            (
                "rules:\n  lowestEfficency: 1\n",
                "rule \"lowestEfficency\" in .dive-ci, line 2",
                "mean `lowestEfficiency`?",
            ),
            ("rules:\n  plugin1/rule1: error\n", "rule \"plugin1/rule1\"", "the rules are highestUserWastedPercent, "),
            ("plugins:\n  - plugin1\nrules:\n", "unknown key \"plugins\" in .dive-ci, line 1", "only key is `rules`"),
            ("Rules:\n  lowestEfficiency: 1\n", "unknown key \"Rules\"", "did you mean `rules`?"),
            ("lowestEfficiency: 1\n", "unknown key \"lowestEfficiency\"", "indented, under `rules:`"),
            (
                "rules:\n  lowestEfficiency: 1\n  lowest-efficiency: 1\n",
                "lowestEfficiency is set twice in .dive-ci, in lines 2 and 3",
                "keep one",
            ),
            ("rules:\n  lowestEfficiency: 1\n  lowestEfficiency: 1\n", ".dive-ci, line 3", "YAML"),
            ("rules:\n  lowestEfficiency: [1]\n", ".dive-ci, line 2", "YAML"),
            ("rules:\n  lowestEfficiency: {a: 1}\n", ".dive-ci, line 2", "YAML"),
            ("rules: [1]\n", ".dive-ci, line 1", "YAML"),
            ("- rules\n", ".dive-ci, line 1", "YAML"),
            ("rules\n", ".dive-ci, line 1", "YAML"),
            ("rules:\n  lowestEfficiency: \"0.9\n", ".dive-ci, line ", "YAML"),
            ("rules:\n\tlowestEfficiency: 0.9\n", ".dive-ci, line 2", "YAML"),
            ("rules: {}\n---\nrules: {}\n", ".dive-ci", "YAML"),
        ];
        for (yaml, what, hint) in rows {
            let Err(error) = parse(".dive-ci", yaml) else { panic!("{yaml:?} was read") };
            assert_eq!(error.kind().exit_code(), 2, "{yaml:?}");
            let shown = error.to_string();
            assert!(shown.contains(what) && shown.contains(hint), "{yaml:?}: {shown}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".dive-ci");
        assert!(read(&path).unwrap_err().to_string().contains("cannot read the rules in "));
        assert!(read(folder.path()).is_err());
        std::fs::write(&path, b"rules: \xff").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("UTF-8"));
        std::fs::write(&path, "#".repeat(MAX_BYTES + 1)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("larger than"));
        std::fs::write(&path, "rules:\n  lowestEfficiency: 0.95\n").unwrap();
        assert_eq!(read(&path).unwrap()[0].text, "0.95");
    }

    #[test]
    fn aliases_cannot_make_it_slow() {
        let level =
            |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", "));
        let yaml = std::iter::once("a0: &a0 [x]\n".to_owned()).chain((1..12).map(level)).collect::<String>();
        assert!(parse(".dive-ci", &yaml).is_err());
    }
}
