//! Rules are data: what is looked for, how much it matters, and what to do about it. Those that come with the program
//! lie in `assets/rules`; a user's own come from a file of the same form.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use super::finding::{Category, Severity};
use super::globs::Globs;
use super::managers::{Manager, Managers};
use crate::error::{Error, Result};

/// The files that come with the program, with the category of their rules.
const BUILT_IN: [(Category, &str); 5] = [
    (Category::Waste, include_str!("../../assets/rules/hidden.toml")),
    (Category::Waste, include_str!("../../assets/rules/waste.toml")),
    (Category::Risk, include_str!("../../assets/rules/risk.toml")),
    (Category::Secret, include_str!("../../assets/rules/secrets.toml")),
    (Category::Configuration, include_str!("../../assets/rules/configuration.toml")),
];

/// The package managers that the program knows.
const MANAGERS: &str = include_str!("../../assets/rules/managers.toml");

/// How a finding is mended by an edit of the Dockerfile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mending {
    /// By a command that cleans up, if the rule has one.
    #[default]
    Clean,
    /// By doing in the instruction that brings it what a later one does.
    Join,
    /// By giving it its owner where it comes from.
    Owner,
    /// By giving it its mode where it comes from.
    Mode,
    /// By not installing its package.
    LeaveOut,
    /// By installing without what others recommend.
    NoRecommends,
    /// By a change of the later instruction, which is for a person to say.
    Later,
}

/// A rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Its name for ever: `RSK-SHELL`.
    pub id: String,
    /// What it finds.
    pub title: String,
    /// How much that matters, before anything else is known.
    pub severity: Severity,
    /// What kind of thing it finds.
    #[serde(default = "user_category")]
    pub category: Category,
    /// The same rule in other tools and benchmarks.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What to do, in words.
    #[serde(default)]
    pub fix: String,
    /// What to do instead where there is the choice.
    #[serde(default)]
    pub better: String,
    /// How it is mended by an edit.
    #[serde(default)]
    pub mend: Mending,
    /// Names that belong into `.dockerignore` where it came with the build context, with its wildcards. Of a secret:
    /// names of files that are there for it alone.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// What to append to the instruction that causes it.
    #[serde(default)]
    pub clean: String,
    /// The same where a distribution needs something else: by `ID` or `ID-VERSION`.
    #[serde(default)]
    pub clean_on: BTreeMap<String, String>,
    /// Paths, without leading slash, in gitignore's globs.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Paths that it does not mean.
    #[serde(default)]
    pub except: Vec<String>,
    /// Names of programs, without version and platform.
    #[serde(default)]
    pub names: Vec<String>,
    /// The column of the matrix that its programs fill.
    #[serde(default)]
    pub column: String,
    /// Whether nothing but an installation reads it: then it can be cleaned up before commands that install nothing.
    #[serde(default)]
    pub for_installing: bool,
    /// Whether what its secrets open is what builds fetch from: a registry, a repository.
    #[serde(default)]
    pub for_building: bool,
    /// Whether all its programs that one instruction brought are one finding.
    #[serde(default)]
    pub per_installation: bool,
    /// Permission bits of which a file has any: `"4000"`.
    #[serde(default)]
    pub mode: String,
    /// Sizes in bytes from which on a file counts.
    #[serde(default)]
    pub min_bytes: u64,
    /// Texts of which a secret, or a user's rule, needs one.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Characters before the keyword that belong to the secret.
    #[serde(default)]
    pub before: usize,
    /// How the secret reads from there on; the group `secret` is the secret itself.
    #[serde(default)]
    pub pattern: String,
    /// Least entropy of the secret, in bits for a character.
    #[serde(default)]
    pub entropy: f64,
    /// What is found. `<n>` stands for n letters and digits.
    #[serde(default)]
    pub example: String,
    /// What is near and is not found.
    #[serde(default)]
    pub counter: String,
}

fn user_category() -> Category {
    Category::Risk
}

impl Rule {
    /// Its globs, each with whether it says what the rule means, or what it does not.
    pub(super) fn globs(&self) -> impl Iterator<Item = (String, bool)> {
        let meant = self.paths.iter().flat_map(|glob| homes(glob)).map(|glob| (glob, true));
        meant.chain(self.except.iter().flat_map(|glob| homes(glob)).map(|glob| (glob, false)))
    }

    /// Whether a file is called like one that is there for the rule's secret alone.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        let is_it = |known: &String| known.strip_prefix('*').map_or(known == name, |end| name.ends_with(end));
        self.ignore.iter().any(is_it)
    }

    /// Whether it means a cache of installations alone, which a command cleans up in the instruction that makes it.
    #[must_use]
    pub fn is_cleaned_where_made(&self) -> bool {
        self.for_installing && !self.clean.is_empty()
    }

    /// The mode bits that it asks for.
    #[must_use]
    pub fn mode_bits(&self) -> u16 {
        u16::from_str_radix(&self.mode, 8).unwrap_or(0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManagersFile {
    manager: Vec<Manager>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Rule>,
}

/// All rules.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    all: Vec<Arc<Rule>>,
    /// How many of them came with the program.
    built_in: usize,
    managers: Managers,
}

impl Rules {
    /// The rules that come with the program.
    ///
    /// # Errors
    /// They cannot be read, which a test rules out.
    pub fn built_in() -> Result<Self> {
        // Those who search for secrets ask as well, and reading the rules takes as long as reading a small image.
        static READ: LazyLock<Result<Rules>> = LazyLock::new(Rules::read_built_in);
        READ.as_ref().cloned().map_err(|error| Error::usage(error.one_line()))
    }

    fn read_built_in() -> Result<Self> {
        let broken = |error: &toml::de::Error| Error::usage("a built-in rule is broken").caused_by(error);
        let managers: ManagersFile = toml::from_str(MANAGERS).map_err(|error| broken(&error))?;
        let mut all: Vec<Arc<Rule>> = Vec::new();
        for (category, text) in BUILT_IN {
            let file: File = toml::from_str(text).map_err(|error| broken(&error))?;
            all.extend(file.rule.into_iter().map(|rule| Arc::new(Rule { category, ..rule })));
        }
        let built_in = all.len();
        Ok(Self { all, built_in, managers: Managers(managers.manager) })
    }

    /// Adds a user's rules, given as TOML.
    ///
    /// # Errors
    /// It is no TOML, has a key that no rule has, a rule without anything to look for, or a name that is taken.
    pub fn add(&mut self, text: &str) -> Result<()> {
        let broken = |why: String| Error::usage("the rules cannot be read").because(why);
        let file: File = toml::from_str(text).map_err(|error| broken(error.to_string().trim().to_owned()))?;
        for rule in file.rule {
            if self.get(&rule.id).is_some() {
                return Err(broken(format!("there is a rule {} already", rule.id)));
            }
            if rule.paths.is_empty() && rule.names.is_empty() && rule.mode.is_empty() && rule.min_bytes == 0 {
                return Err(broken(format!("{} looks for nothing", rule.id)).hint(
                    "give it paths, names, a mode or min-bytes; keywords are looked for in the files these mean",
                ));
            }
            if !rule.keywords.is_empty() && rule.paths.is_empty() {
                return Err(broken(format!("{} has keywords and no paths to look into", rule.id)));
            }
            if !rule.mode.is_empty() && rule.mode_bits() == 0 {
                return Err(broken(format!("{}: the mode '{}' is not octal", rule.id, rule.mode)));
            }
            let globs: Vec<String> = rule.globs().map(|(glob, _)| glob).collect();
            Globs::new(globs.iter().map(|glob| (glob.as_str(), 0)))
                .map_err(|error| broken(format!("{}: {}", rule.id, error.one_line())))?;
            self.all.push(Arc::new(rule));
        }
        Ok(())
    }

    /// The files that a user's rules look into, which have to be kept for that.
    #[must_use]
    pub fn looked_into(&self) -> GlobSet {
        let globs: Vec<String> =
            self.users().iter().filter(|rule| !rule.keywords.is_empty()).flat_map(|rule| rule.paths.clone()).collect();
        glob_set(&globs).unwrap_or_default()
    }

    /// The rule of that name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Rule>> {
        self.all.iter().find(|rule| rule.id == id)
    }

    /// The package managers that the program knows.
    #[must_use]
    pub fn managers(&self) -> &Managers {
        &self.managers
    }

    /// The rules that come with the program.
    #[must_use]
    pub fn own(&self) -> &[Arc<Rule>] {
        &self.all[..self.built_in]
    }

    /// The user's rules.
    #[must_use]
    pub fn users(&self) -> &[Arc<Rule>] {
        &self.all[self.built_in..]
    }
}

/// Globs as one set. A star stays in its folder, `**` does not.
///
/// # Errors
/// One of them is no glob.
pub fn glob_set(globs: &[String]) -> Result<GlobSet> {
    let broken = |error: globset::Error| Error::usage("a glob cannot be read").caused_by(&error);
    let mut set = GlobSetBuilder::new();
    for glob in globs.iter().flat_map(|glob| homes(glob)) {
        set.add(GlobBuilder::new(&glob).literal_separator(true).empty_alternates(true).build().map_err(broken)?);
    }
    set.build().map_err(broken)
}

/// `~` is the home of anybody.
fn homes(glob: &str) -> Vec<String> {
    match glob.strip_prefix("~/") {
        Some(rest) => ["root", "home/*"].map(|home| format!("{home}/{rest}")).to_vec(),
        None => vec![glob.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::super::meant::Paths;
    use super::*;

    #[test]
    fn every_built_in_rule_is_whole() {
        let rules = Rules::built_in().unwrap();
        let mut ids: Vec<&str> = rules.own().iter().map(|rule| rule.id.as_str()).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id is there twice");
        for rule in rules.own() {
            glob_set(&rule.paths).unwrap();
            glob_set(&rule.except).unwrap();
            let begin = match rule.category {
                Category::Waste => "WST-",
                Category::Risk => "RSK-",
                Category::Secret => "SEC-",
                Category::Configuration => "CFG-",
            };
            assert!(rule.id.starts_with(begin), "{}", rule.id);
            assert!(!rule.title.is_empty() && !rule.fix.is_empty(), "{}", rule.id);
        }
    }

    /// A path that a glob means.
    fn concrete(glob: &str) -> String {
        let mut path = glob.replace("~/", "root/").replace("**/", "srv/app/").replace("/**", "/deep/file");
        while let (Some(from), Some(to)) = (path.rfind('{'), path.rfind('{').and_then(|from| path[from..].find('}'))) {
            let first = path[from + 1..from + to].split(',').next().unwrap_or_default().to_owned();
            path = format!("{}{first}{}", &path[..from], &path[from + to + 1..]);
        }
        path.replace('*', "1").replace("[nN]", "n").replace("[gG]", "g").replace("[cC]", "c")
    }

    #[test]
    fn every_glob_means_a_path_and_not_its_neighbour() {
        let rules = Rules::built_in().unwrap();
        for rule in rules.own() {
            let mut paths = Paths::new([rule]);
            for glob in &rule.paths {
                let path = concrete(glob);
                let mut finds = |path: &str| paths.of(path.as_bytes()).next().is_some();
                let is_excepted = glob_set(&rule.except).unwrap().is_match(&path);
                assert!(finds(&path) || is_excepted, "{}: {glob} does not mean {path}", rule.id);
                assert!(
                    !finds(&format!("neighbour/{path}/x/y/z.neighbour")) || glob.contains("**"),
                    "{}: {glob}",
                    rule.id
                );
                assert!(!finds("srv/app/neighbour.txt"), "{}: {glob} means anything", rule.id);
            }
        }
    }

    #[test]
    fn a_users_rules_are_added_or_refused_with_the_reason() {
        let mut rules = Rules::built_in().unwrap();
        let good = "[[rule]]\nid = 'OWN-1'\ntitle = 'a'\nseverity = 'high'\npaths = ['app/**/*.bak']\n";
        rules.add(good).unwrap();
        assert_eq!(rules.users().len(), 1);
        for (bad, why) in [
            (good, "already"),
            ("[[rule]]\nid = 'OWN-2'\ntitle = 'a'\nseverity = 'high'\n", "looks for nothing"),
            ("[[rule]]\nid = 'OWN-3'\ntitle = 'a'\nseverity = 'high'\npath = ['x']\n", "path"),
            ("[[rule]]\nid = 'OWN-4'\ntitle = 'a'\nseverity = 'high'\nmode = '9'\n", "octal"),
            ("[[rule]]\nid = 'OWN-7'\ntitle = 'a'\nseverity = 'low'\nnames = ['x']\nkeywords = ['y']\n", "no paths"),
            ("[[rule]]\nid = 'OWN-5'\ntitle = 'a'\nseverity = 'grave'\nmode = '4000'\n", "grave"),
            ("[[rule]]\nid = 'OWN-6'\ntitle = 'a'\nseverity = 'low'\npaths = ['a[']\n", "OWN-6"),
        ] {
            let error = rules.add(bad).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
