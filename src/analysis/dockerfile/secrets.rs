//! How secrets leave a Dockerfile: variables and files that only the build needs come by a mount, which stays in no
//! layer and no history, and the others do not come at all. An edit is done as a whole or, where it is not sure, not.

use std::collections::BTreeMap;

use super::Written;
use super::draft::{Draft, force};
use super::words::{Word, has_name, mentions, named, without, words};
use crate::analysis::finding::Withheld;

/// Instructions in which the builder puts the values of variables (Dockerfile reference, "Environment replacement").
const FILLED_IN: [&str; 11] =
    ["ADD", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR", "ONBUILD"];

const NOT_HERE: &str = "no instruction of the last stage can be told to have made it";
const NOT_SET: &str = "no ENV or ARG of the last stage sets it";
const FILLED: &str = "an instruction other than RUN has its value in it";
const NOT_NAMED: &str = "no command names it, so that it cannot be told which of them reads it: give these RUN --mount=type=secret and leave the ARG out";
const NO_SHELL: &str = "a command that would have to read it from a file is not run by a shell that is known";
const OTHER_STAGE: &str = "it comes from another stage or from no build context";
const OTHER_FORM: &str = "its sources are written in a form that is not edited";
const ONE_OF_MANY: &str = "it cannot be told which of the sources has it";
const NAMED_ELSEWHERE: &str = "another instruction names it, so that it cannot be kept out of the build context";
const NEEDED_ELSEWHERE: &str = "an earlier stage copies the build context, too, and may need it: give it to that stage by RUN --mount=type=secret and name it in .dockerignore";
const MOVED: &str = "the command that writes it was joined by others";
const STAYS: &str = "the command that deletes it does more, and not in a way that can be taken out of it";

/// Instructions by their first lines, as they should be; `None` for those that go.
type Wanted = BTreeMap<usize, Option<String>>;

impl Draft<'_> {
    /// The text of an instruction as it stands now.
    fn now(&self, line: usize) -> String {
        let end = self.file.stage.iter().find(|written| written.lines.0 == line).map_or(line, |found| found.lines.1);
        self.texts.get(&line).map_or_else(|| self.file.lines[line..=end].join("\n"), |text| text.join("\n"))
    }

    fn take_all(&mut self, wanted: Wanted) {
        for (line, text) in wanted {
            match text {
                Some(text) => drop(self.texts.insert(line, text.lines().map(str::to_owned).collect())),
                None => drop(self.dropped.insert(line)),
            }
        }
    }

    /// The instruction of a step, with its place in the stage.
    fn made(&self, step: usize) -> Result<(usize, &Written), &'static str> {
        let place = *self.steps.get(&step).ok_or(NOT_HERE)?;
        Ok((place, &self.file.stage[place]))
    }

    /// Takes a name out of an instruction that sets names.
    fn set_without(&self, written: &Written, name: &str, wanted: &mut Wanted) {
        let Some(line) = self.place(written) else { return };
        let text = self.now(line);
        let (own, others): (Vec<Word>, Vec<Word>) =
            named(&text, &written.keyword, self.file.escape).into_iter().partition(|word| word.name() == name);
        if own.is_empty() {
            return;
        }
        let places = own.into_iter().map(|word| word.at);
        wanted.insert(line, (!others.is_empty()).then(|| without(&text, places, self.file.escape)));
    }

    /// A label is not set.
    pub fn unlabel(&mut self, step: usize, name: &str) -> Result<(), &'static str> {
        let (_, written) = self.made(step)?;
        let mut wanted = Wanted::new();
        self.set_without(written, name, &mut wanted);
        self.take_all(wanted);
        Ok(())
    }

    /// A variable is not set, and commands that name it read it from a secret mount.
    pub fn unset(&mut self, step: usize, name: &str) -> Result<(), &'static str> {
        self.made(step)?;
        if self.unset.contains(name) {
            return Ok(());
        }
        let stage = &self.file.stage;
        let mut wanted = Wanted::new();
        let sets = |written: &&Written| {
            let text = format!("{} {}", written.keyword, written.text);
            matches!(written.keyword.as_str(), "ENV" | "ARG")
                && named(&text, &written.keyword, self.file.escape).iter().any(|word| word.name() == name)
        };
        let setters: Vec<&Written> = stage.iter().filter(sets).collect();
        let first = setters.first().ok_or(NOT_SET)?.lines.0;
        for written in &setters {
            self.set_without(written, name, &mut wanted);
        }
        let later = || stage.iter().filter(|written| written.lines.0 >= first);
        for written in later().filter(|written| FILLED_IN.contains(&written.keyword.as_str())) {
            let Some(line) = self.place(written) else { continue };
            let text = wanted.get(&line).cloned().unwrap_or_else(|| Some(self.now(line)));
            if text.is_some_and(|text| mentions(&text, name)) {
                return Err(FILLED);
            }
        }
        let runs: Vec<usize> =
            later().filter(|written| written.keyword == "RUN").filter_map(|written| self.place(written)).collect();
        let mut readers: Vec<usize> = runs.iter().copied().filter(|line| has_name(&self.now(*line), name)).collect();
        if readers.is_empty() && setters.iter().all(|written| written.keyword == "ARG") {
            match runs.as_slice() {
                [] => {}
                [only] => readers.push(*only),
                _ => return Err(NOT_NAMED),
            }
        }
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !readers.is_empty() && (!is_name || name.starts_with(|first: char| first.is_ascii_digit())) {
            return Err(NO_SHELL);
        }
        let id = name.to_ascii_lowercase();
        let export = format!("export {name}=\"$(cat /run/secrets/{id})\"");
        for line in readers {
            let mounted = self.mounted(line, &format!("--mount=type=secret,id={id}"), Some(&export), &self.now(line));
            wanted.insert(line, Some(mounted?));
        }
        self.take_all(wanted);
        self.unset.insert(name.to_owned());
        Ok(())
    }

    /// A command with a secret mount, and something that it does first.
    fn mounted(&self, line: usize, flag: &str, first: Option<&str>, text: &str) -> Result<String, &'static str> {
        let stage = &self.file.stage;
        let before = || stage.iter().take_while(|written| written.lines.0 < line);
        let shell = before().filter(|written| written.keyword == "SHELL").last();
        if shell.is_some_and(|shell| !shell.text.contains("sh\"") || shell.text.contains("pwsh")) {
            return Err(NO_SHELL);
        }
        // A mount is root's alone, if nothing else is said.
        let user = before().filter(|written| written.keyword == "USER").last();
        let is_root = user.is_none_or(|user| matches!(user.text.split(':').next(), Some("root" | "0")));
        let flag = if is_root { flag.to_owned() } else { format!("{flag},mode=0444") };
        let words = words(text, self.file.escape);
        let command = words.iter().skip(1).find(|word| !word.says.starts_with("--")).ok_or(NO_SHELL)?;
        let (head, rest) = text.split_at(command.at.start);
        let has_heredoc = stage.iter().any(|written| written.lines.0 == line && written.has_heredoc);
        if rest.starts_with('[') {
            return Err(NO_SHELL);
        }
        if has_heredoc && rest.starts_with("<<") {
            let (mark, body) = rest.split_once('\n').ok_or(NO_SHELL)?;
            // What begins so says itself what runs it.
            if body.trim_start().starts_with("#!") {
                return Err(NO_SHELL);
            }
            let first = first.map_or_else(String::new, |first| format!("{first}\n"));
            return Ok(format!("{head}{flag} {mark}\n{first}{body}"));
        }
        let go_on = if has_heredoc { " ".to_owned() } else { format!(" {}\n    ", self.file.escape) };
        let first = first.map_or_else(String::new, |first| format!("{first} &&{go_on}"));
        Ok(format!("{head}{flag}{go_on}{first}{rest}"))
    }

    /// A secret file is not brought; what may need it for the build sees it by a mount.
    pub fn withhold(&mut self, step: usize, file: &Withheld) -> Result<(), &'static str> {
        let (_, by) = self.made(step)?;
        if self.withheld.contains(&(step, file.path.clone())) {
            return Ok(());
        }
        let mut wanted = Wanted::new();
        let mut pattern = None;
        if by.keyword == "RUN" {
            // It does nothing but write the file. Commands that were moved behind it are another thing.
            let line = self.place(by).filter(|line| *line == by.lines.0 && !self.texts.contains_key(line));
            wanted.insert(line.ok_or(MOVED)?, None);
        } else if let Some(line) = self.place(by) {
            pattern = self.uncopied(by, line, file, &mut wanted)?;
        }
        for step in &file.read_by {
            let (_, run) = self.made(*step)?;
            let mount = format!("--mount=type=secret,id={},target={}", file.id(), file.path);
            if let Some((line, text)) = self.place(run).map(|line| (line, self.now(line)))
                && !text.contains(&mount)
            {
                wanted.insert(line, Some(self.mounted(line, &mount, None, &text)?));
            }
        }
        if let Some(step) = file.removed_by {
            let (_, run) = self.made(step)?;
            if let Some(line) = self.place(run) {
                let text = self.undeleted(run, line, file, wanted.remove(&line).flatten())?;
                wanted.insert(line, text);
            }
        }
        self.take_all(wanted);
        self.ignored.extend(pattern);
        self.withheld.insert((step, file.path.clone()));
        Ok(())
    }

    /// Takes a file out of what copies it; the pattern that keeps it out of the build context where that is how.
    fn uncopied(
        &self,
        copy: &Written,
        line: usize,
        file: &Withheld,
        wanted: &mut Wanted,
    ) -> Result<Option<String>, &'static str> {
        let text = self.now(line);
        let list = sources(&text, self.file.escape)?;
        if copy.has_heredoc || list.is_empty() {
            return Err(OTHER_FORM);
        }
        let is_one_of_many = sources(&format!("{} {}", copy.keyword, copy.text), self.file.escape)?.len() > 1;
        let is_it = |word: &&Word| base(&word.says) == file.name() && !is_pattern(&word.says);
        let is_renamed = file.below.as_deref() == Some("") && file.is_alone;
        match (list.iter().find(is_it), list.as_slice()) {
            (Some(_), [_]) if is_one_of_many || file.is_alone => drop(wanted.insert(line, None)),
            (None, [only]) if is_renamed && !is_pattern(&only.says) => drop(wanted.insert(line, None)),
            (Some(own), [_, _, ..]) => {
                wanted.insert(line, Some(without(&text, Some(own.at.clone()), self.file.escape)));
            }
            (_, list) => {
                self.is_free(line, file)?;
                return kept_out(list, file).map(Some);
            }
        }
        Ok(None)
    }

    /// The command that deletes a file later, which is not there or, where it is `mounted`, cannot be deleted; `None`
    /// where it does nothing else.
    fn undeleted(
        &self,
        run: &Written,
        line: usize,
        file: &Withheld,
        mounted: Option<String>,
    ) -> Result<Option<String>, &'static str> {
        if let Some(text) = mounted {
            return without_removal(&text, file, self.file.escape).ok_or(STAYS).map(Some);
        }
        let text = self.now(line);
        if line == run.lines.0 && deletes_only(&text, file, self.file.escape) {
            return Ok(None);
        }
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        force(&mut lines);
        Ok(Some(lines.join("\n")))
    }

    /// Whether a file can be kept out of the build context: what copies it beside one instruction does not need it.
    fn is_free(&self, line: usize, file: &Withheld) -> Result<(), &'static str> {
        let takes = |keyword: &str| matches!(keyword, "COPY" | "ADD");
        let names = |text: &str| {
            words(text, self.file.escape)
                .iter()
                .any(|word| word.says.split([',', '=', '/']).any(|part| part == file.name()))
        };
        let copies = |text: &str| {
            let list = sources(text, self.file.escape).ok()?;
            Some(list.iter().any(|word| base(&word.says) == file.name()))
        };
        for written in self.file.stage.iter().filter(|written| takes(&written.keyword) && written.lines.0 != line) {
            let text = self.place(written).map(|line| self.now(line));
            if text.is_some_and(|text| copies(&text) == Some(true)) {
                return Err(NAMED_ELSEWHERE);
            }
        }
        for written in &self.file.earlier {
            let text = format!("{} {}", written.keyword, written.text);
            let is_copied = takes(&written.keyword).then(|| copies(&text)).flatten();
            if is_copied == Some(true) || (written.keyword == "RUN" && names(&text)) {
                return Err(NAMED_ELSEWHERE);
            }
            if is_copied.is_some() && file.for_building {
                return Err(NEEDED_ELSEWHERE);
            }
        }
        Ok(())
    }
}

fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn is_pattern(source: &str) -> bool {
    source.contains(['*', '?', '['])
}

/// What an instruction copies from the build context.
fn sources(text: &str, escape: char) -> Result<Vec<Word>, &'static str> {
    let words = words(text, escape);
    let (flags, mut list): (Vec<Word>, Vec<Word>) =
        words.into_iter().skip(1).partition(|word| word.says.starts_with("--"));
    if flags.iter().any(|flag| flag.says.starts_with("--from")) {
        return Err(OTHER_STAGE);
    }
    list.pop();
    if list.first().is_some_and(|first| first.says.starts_with('[')) {
        return Err(OTHER_FORM);
    }
    Ok(list)
}

/// The pattern that keeps a file out of what is copied with others.
fn kept_out(sources: &[Word], file: &Withheld) -> Result<String, &'static str> {
    let depth = |path: &str| path.split('/').count();
    match (file.below.as_deref(), sources) {
        (Some(below), [only]) if depth(below) < depth(&file.tail) && !is_pattern(&only.says) => {
            let folder = only.says.trim_start_matches("./").trim_matches('/');
            Ok(crate::analysis::ignore::escaped(&format!("{folder}/{below}")))
        }
        (Some(below), _) if depth(below) < depth(&file.tail) => Err(ONE_OF_MANY),
        _ => Ok(format!("**/{}", crate::analysis::ignore::escaped(&file.tail))),
    }
}

/// Whether a command deletes a file and does nothing else.
fn deletes_only(text: &str, file: &Withheld, escape: char) -> bool {
    let words = words(text, escape);
    let mut said = words.iter().skip(1).map(|word| word.says.as_str()).filter(|word| !word.starts_with('-'));
    said.next() == Some("rm") && said.next().is_some_and(|word| is_said(word, file)) && said.next().is_none()
}

/// Whether a word of a command means a file.
fn is_said(word: &str, file: &Withheld) -> bool {
    let home = word.strip_prefix("~/").or_else(|| word.strip_prefix("$HOME/"));
    word == file.path
        || word.trim_start_matches("./") == file.name()
        || home.is_some_and(|rest| file.path.ends_with(&format!("/{rest}")))
}

/// A command without the part of it that deletes a file: ` && rm -f FILE` where that is all that is deleted.
fn without_removal(text: &str, file: &Withheld, escape: char) -> Option<String> {
    let words = words(text, escape);
    let is_it = |word: &Word| is_said(&word.says, file);
    let place = words.iter().position(is_it)?;
    let remover = (0..place).rev().find(|before| !words[*before].says.starts_with('-'))?;
    let ends = words.get(place + 1).is_none_or(|next| next.says == "&&");
    let follows = remover.checked_sub(1).filter(|before| words[*before].says == "&&")?;
    let is_named_once = words.iter().filter(|word| is_it(word)).count() == 1;
    if words[remover].says != "rm" || !ends || !is_named_once {
        return None;
    }
    Some(without(text, Some(words[follows].at.start..words[place].at.end), escape))
}
