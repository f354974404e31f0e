//! What commands ask of package managers, by words that are data.

use serde::Deserialize;

use super::instructions::commands;

/// A package manager.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manager {
    names: Vec<String>,
    #[serde(default)]
    update: Vec<String>,
    #[serde(default)]
    install: Vec<String>,
    #[serde(default)]
    upgrade: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

/// What a manager is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// To fetch its lists anew.
    Update,
    /// To install packages.
    Install,
    /// To bring what is there to newer versions.
    Upgrade,
    /// To take packages away.
    Remove,
}

/// All managers that are known.
#[derive(Debug, Clone, Default)]
pub struct Managers(pub Vec<Manager>);

impl Managers {
    /// The name of the manager that a shell's text asks for such work, if any does.
    #[must_use]
    pub fn asked(&self, text: &str, work: Work) -> Option<String> {
        commands(text).iter().find_map(|command| {
            let at = command.iter().position(|word| !is_before(word))?;
            let manager = self.named(&command[at])?;
            let words = manager.words(work);
            command[at + 1..].iter().any(|word| words.contains(word)).then(|| command[at].clone())
        })
    }

    /// Whether a command is one of a manager.
    #[must_use]
    pub fn is_called(&self, command: &[String]) -> bool {
        program(command).is_some_and(|word| self.named(word).is_some())
    }

    /// The manager that a word calls: `/usr/bin/apt-get`, `pip3.11`.
    fn named(&self, word: &str) -> Option<&Manager> {
        let name = word.rsplit('/').next().unwrap_or_default();
        let bare = name.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
        self.0.iter().find(|manager| manager.names.iter().any(|own| own == name || own == bare))
    }
}

/// The word of a command that names its program.
#[must_use]
pub fn program(command: &[String]) -> Option<&str> {
    command.iter().map(String::as_str).find(|word| !is_before(word))
}

/// Words that stand before the program: of the shell, and of programs that run others.
fn is_before(word: &str) -> bool {
    const WORDS: [&str; 14] =
        ["sudo", "env", "exec", "command", "time", "xargs", "if", "then", "else", "do", "!", "{", "python", "python3"];
    WORDS.contains(&word) || word.starts_with('-') || (word.contains('=') && !word.contains('/'))
}

impl Manager {
    fn words(&self, work: Work) -> &[String] {
        match work {
            Work::Update => &self.update,
            Work::Install => &self.install,
            Work::Upgrade => &self.upgrade,
            Work::Remove => &self.remove,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::rules::Rules;

    #[test]
    fn what_a_command_asks_for_is_known() {
        let rules = Rules::built_in().unwrap();
        for (text, work, name) in [
            ("apt-get purge -y gcc && rm -rf /x", Work::Remove, "apt-get"),
            ("cd / && apk del .build-deps", Work::Remove, "apk"),
            ("pip3 uninstall -y x", Work::Remove, "pip3"),
            ("python3 -m pip install x", Work::Install, "pip"),
            ("if true; then DEBIAN_FRONTEND=noninteractive sudo -E apt-get -y remove x; fi", Work::Remove, "apt-get"),
            ("set -e; /usr/bin/apt-get -y install x", Work::Install, "/usr/bin/apt-get"),
            ("dnf -y update", Work::Upgrade, "dnf"),
            ("apk update && apk upgrade", Work::Update, "apk"),
        ] {
            assert_eq!(rules.managers().asked(text, work).as_deref(), Some(name), "{text}");
        }
        for text in [
            "pip install -r remove.txt",
            "echo apt-get purge x",
            "rm -rf /var/lib/apt/lists",
            "apt-get install -y del-tool",
            "make del",
        ] {
            assert_eq!(rules.managers().asked(text, Work::Remove), None, "{text}");
        }
    }
}
