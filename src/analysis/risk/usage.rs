//! What a container makes use of, from its config and the files that this names: the entry point, the command, the
//! health check, the interpreters of scripts, and the commands of the entry script.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::case::Case;
use crate::analysis::content::Program;
use crate::analysis::instructions::commands;
use crate::analysis::packages::PackageId;
use crate::analysis::subject::Found;
use crate::index::EntryId;

/// Scripts that start scripts, followed.
const MOST_SCRIPTS: usize = 5;

/// Commands of a script that are looked at.
const MOST_COMMANDS: usize = 400;

/// Which programs are used, and by what.
#[derive(Debug, Default)]
pub struct Usage {
    reasons: BTreeMap<EntryId, Vec<String>>,
    /// What the container starts, followed to the end.
    pub main: Option<EntryId>,
    /// The program that the config names and that is not there.
    pub missing: Option<String>,
}

impl Usage {
    /// Finds out what a container uses.
    #[must_use]
    pub fn new(case: &Case<'_>) -> Self {
        let mut usage = Self::default();
        let words = case.runtime.words();
        let role = if case.runtime.entrypoint().is_empty() { "CMD" } else { "ENTRYPOINT" };
        if let Some(first) = words.first() {
            match usage.command(case, &words, role, 0) {
                Some(found) => usage.main = Some(found),
                None => usage.missing = Some((*first).to_owned()),
            }
        }
        if !case.runtime.entrypoint().is_empty() && !case.runtime.command().is_empty() {
            // A command is often a program for the entry script to start.
            let _ = usage.command(case, &case.runtime.command(), "CMD", 0);
        }
        if let Some(check) = case.runtime.health_check() {
            let _ = usage.command(case, &check, "HEALTHCHECK", 0);
        }
        usage
    }

    /// What makes use of a file.
    #[must_use]
    pub fn of(&self, file: EntryId) -> &[String] {
        self.reasons.get(&file).map_or(&[], Vec::as_slice)
    }

    /// The packages of all files that are used.
    #[must_use]
    pub fn packages(&self, case: &Case<'_>) -> BTreeSet<PackageId> {
        let owner = |entry: &EntryId| case.packages.owner(case.index().entry(*entry).path);
        self.reasons.keys().filter_map(owner).collect()
    }

    fn add(&mut self, file: EntryId, why: &str) {
        let reasons = self.reasons.entry(file).or_default();
        if !reasons.iter().any(|known| known == why) {
            reasons.push(why.to_owned());
        }
    }

    /// Takes down a command and what it needs; returns the file that it starts.
    fn command(&mut self, case: &Case<'_>, words: &[&str], why: &str, depth: usize) -> Option<EntryId> {
        let (name, arguments) = words.split_first()?;
        let found = lookup(case, name)?;
        let file = case.merged.file(found.live)?.entry;
        self.add(file, why);
        if depth > MOST_SCRIPTS {
            return Some(file);
        }
        let base = name.rsplit('/').next().unwrap_or_default();
        let is_shell = matches!(base, "sh" | "bash" | "dash" | "ash");
        if is_shell && let Some(text) = arguments.iter().find(|word| !word.starts_with('-')) {
            if arguments.first().is_some_and(|first| first.starts_with('-') && first.contains('c')) {
                self.script(case, text, why, depth);
            } else {
                let _ = self.command(case, &[text], why, depth + 1);
            }
        }
        // Programs that start the program behind them.
        if matches!(
            base,
            "tini" | "dumb-init" | "env" | "exec" | "gosu" | "su-exec" | "setpriv" | "docker-entrypoint.sh" | "nice"
        ) {
            let rest: Vec<&str> =
                arguments.iter().copied().skip_while(|word| word.starts_with('-') || word.contains('=')).collect();
            let skipped = usize::from(matches!(base, "gosu" | "su-exec"));
            let _ = self.command(case, rest.get(skipped..).unwrap_or_default(), why, depth + 1);
        }
        if let Some(Program::Script(text)) = case.merged.fact(found.live).and_then(|fact| fact.program.as_ref()) {
            let text = String::from_utf8_lossy(text).into_owned();
            let first = text.lines().next().unwrap_or_default();
            let words: Vec<&str> = first.trim_start_matches("#!").split_whitespace().collect();
            let shown = format!("interpreter of /{}", String::from_utf8_lossy(&case.index().path(found.path)));
            let interpreter = words.first().and_then(|name| lookup(case, name));
            if let Some(interpreter) = interpreter.and_then(|found| case.merged.file(found.live)) {
                self.add(interpreter.entry, &shown);
            }
            if words.first().is_some_and(|name| name.ends_with("/env")) && words.len() > 1 {
                let _ = self.command(case, &words[1..2], &shown, depth + 1);
            }
            if words.iter().any(|word| word.ends_with("sh")) {
                let body = text.split_once('\n').map_or("", |(_, body)| body);
                let why = format!("command of /{}", String::from_utf8_lossy(&case.index().path(found.path)));
                self.script(case, body, &why, depth);
            }
        }
        Some(file)
    }

    /// The programs that a shell's text names at the beginning of its commands.
    fn script(&mut self, case: &Case<'_>, text: &str, why: &str, depth: usize) {
        let without_comments: String =
            text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
        for command in commands(&without_comments).into_iter().take(MOST_COMMANDS) {
            const WORDS: [&str; 9] = ["if", "then", "else", "elif", "do", "while", "!", "exec", "{"];
            let words: Vec<&str> = command
                .iter()
                .map(String::as_str)
                .skip_while(|word| WORDS.contains(word) || (word.contains('=') && !word.starts_with('-')))
                .collect();
            if words.first().is_some_and(|name| name.len() > 1 && !name.starts_with(['$', '-', '"'])) {
                let _ = self.command(case, &words, why, depth + 1);
            }
        }
    }
}

/// The program that a name means: on PATH where it has no slash.
fn lookup(case: &Case<'_>, name: &str) -> Option<Found> {
    if name.contains('/') {
        let path = if name.starts_with('/') { name.to_owned() } else { format!("{}/{name}", case.runtime.folder()) };
        return case.merged.resolve(path.as_bytes()).filter(|found| case.merged.file(found.live).is_some());
    }
    case.runtime.path().iter().find_map(|folder| {
        let found = case.merged.resolve(format!("{folder}/{name}").as_bytes())?;
        case.merged.file(found.live).map(|_| found)
    })
}
