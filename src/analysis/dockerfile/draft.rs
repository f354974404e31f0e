//! A Dockerfile while it is edited: edits of many findings go together, and what cannot be edited is left as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Dockerfile, Written};
use crate::analysis::finding::Edit;
use crate::analysis::fixes::without_recommends;
use crate::analysis::installation::without_packages;

/// The edits of a file. Instructions go by the number of their first line.
pub struct Draft<'d> {
    pub(super) file: &'d Dockerfile,
    /// The instruction of each step of the history.
    pub(super) steps: BTreeMap<usize, usize>,
    /// The lines of what is changed.
    pub(super) texts: BTreeMap<usize, Vec<String>>,
    pub(super) dropped: BTreeSet<usize>,
    /// What is dropped because nothing of it is needed.
    needless: BTreeSet<usize>,
    /// Where the commands of an instruction stand now.
    moved: BTreeMap<usize, usize>,
    /// Patterns of what is kept out of the build context.
    pub ignored: BTreeSet<String>,
    /// Files that steps bring no more; several secrets may be in one.
    pub(super) withheld: BTreeSet<(usize, String)>,
    /// Variables that are not set any more; one may have had several values.
    pub(super) unset: BTreeSet<String>,
}

impl<'d> Draft<'d> {
    pub fn new(file: &'d Dockerfile, steps: BTreeMap<usize, usize>) -> Self {
        let (texts, moved) = (BTreeMap::new(), BTreeMap::new());
        let (dropped, needless, ignored) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (withheld, unset) = (BTreeSet::new(), BTreeSet::new());
        Self { file, steps, texts, dropped, needless, moved, ignored, withheld, unset }
    }

    /// The instruction that made a step; `None` for one with a text of several lines of its own.
    pub(super) fn editable(&self, step: usize) -> Option<&'d Written> {
        let written = &self.file.stage[*self.steps.get(&step)?];
        (!written.has_heredoc).then_some(written)
    }

    /// The first line of the instruction in which the commands of one stand now; `None` where it is gone.
    pub(super) fn place(&self, written: &Written) -> Option<usize> {
        let mut line = written.lines.0;
        while let Some(host) = self.moved.get(&line) {
            line = *host;
        }
        (!self.dropped.contains(&line)).then_some(line)
    }

    /// An instruction's lines, to be changed.
    fn lines(&mut self, line: usize) -> &mut Vec<String> {
        let file = self.file;
        self.texts.entry(line).or_insert_with(|| {
            let end = file.stage.iter().find(|written| written.lines.0 == line).map_or(line, |written| written.lines.1);
            file.lines[line..=end].to_vec()
        })
    }

    /// Does an edit of the instruction of a step.
    ///
    /// # Errors
    /// Why it is not sure, for edits that make others keep a secret.
    pub fn take(&mut self, step: usize, edit: &Edit) -> Result<(), &'static str> {
        if let Edit::Ignore { patterns, .. } = edit
            && self.steps.contains_key(&step)
        {
            self.ignored.extend(patterns.iter().cloned());
        }
        match edit {
            Edit::Unset(name) => self.unset(step, name),
            Edit::Unlabel(name) => self.unlabel(step, name),
            Edit::Withhold(file) => self.withhold(step, file),
            Edit::Append(_)
            | Edit::Join { .. }
            | Edit::Flag { .. }
            | Edit::Without(_)
            | Edit::NoRecommends
            | Edit::Drop
            | Edit::Ignore { .. } => {
                self.change(step, edit);
                Ok(())
            }
        }
    }

    /// Does an edit that is left out where it cannot be done.
    fn change(&mut self, step: usize, edit: &Edit) {
        let Some(target) = self.editable(step) else { return };
        let Some(line) = self.place(target) else { return };
        match edit {
            Edit::Append(command) => append(self.lines(line), command),
            Edit::Flag { flag, instead_of: Some(later) } => {
                let Some(later) = self.editable(*later) else { return };
                insert_flag(self.lines(line), &target.keyword, flag);
                self.dropped.insert(later.lines.0);
            }
            Edit::Without(packages) => {
                let text = self.lines(line);
                if let Some(mended) = without_packages(&text.join("\n"), packages) {
                    *text = mended.lines().filter(|line| line.trim() != "\\").map(str::to_owned).collect();
                }
            }
            Edit::NoRecommends => {
                let text = self.lines(line);
                if let Some(mended) = without_recommends(&text.join("\n")) {
                    *text = mended.lines().map(str::to_owned).collect();
                }
            }
            Edit::Join { steps, is_whole: true } => self.join(line, steps),
            Edit::Drop => {
                self.dropped.insert(line);
                self.needless.insert(line);
            }
            Edit::Ignore { removed_by: Some(later), .. } => {
                if let Some(line) = self.editable(*later).and_then(|later| self.place(later)) {
                    force(self.lines(line));
                }
            }
            Edit::Flag { instead_of: None, .. }
            | Edit::Join { is_whole: false, .. }
            | Edit::Ignore { removed_by: None, .. }
            | Edit::Unset(_)
            | Edit::Unlabel(_)
            | Edit::Withhold(_) => {}
        }
    }

    /// Moves the commands of later instructions to the end of one, all of them or none.
    fn join(&mut self, line: usize, steps: &[usize]) {
        let mut later = Vec::new();
        for step in steps {
            let Some(written) = self.editable(*step).filter(|written| is_joinable(written)) else { return };
            match self.place(written) {
                Some(place) if place == line => {}
                Some(place) if place == written.lines.0 => later.push(written),
                None if self.needless.contains(&written.lines.0) => {}
                Some(_) | None => return,
            }
        }
        for written in later {
            let from = written.lines.0;
            let text = bare(self.lines(from), &written.keyword);
            self.texts.remove(&from);
            append(self.lines(line), &text);
            self.dropped.insert(from);
            self.moved.insert(from, line);
        }
    }

    /// The file with all edits.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut at = 0;
        let lines = &self.file.lines;
        while at < lines.len() {
            let end =
                self.file.stage.iter().find(|written| written.lines.0 == at).map_or(at, |written| written.lines.1);
            if !self.dropped.contains(&at) {
                for line in self.texts.get(&at).map_or(&lines[at..=end], Vec::as_slice) {
                    out.push_str(line);
                    out.push('\n');
                }
            }
            at = end + 1;
        }
        out
    }
}

/// Whether an instruction is commands and nothing else: no flags, which hold for all of it, and no list of words.
fn is_joinable(written: &Written) -> bool {
    written.keyword == "RUN" && !written.text.starts_with("--") && !written.text.starts_with('[')
}

/// The commands of an instruction without its keyword.
fn bare(lines: &[String], keyword: &str) -> String {
    let text = lines.join("\n");
    let text = text.trim();
    text.get(keyword.len()..).unwrap_or_default().trim_start().to_owned()
}

/// Joins commands to an instruction, in a line of their own.
fn append(lines: &mut Vec<String>, command: &str) {
    if lines.join("\n").contains(command) {
        return;
    }
    if let Some(last) = lines.last_mut() {
        *last = format!("{} \\", last.trim_end().trim_end_matches(';'));
        lines.extend(format!("    && {command}").lines().map(str::to_owned));
    }
}

/// Lets `rm` not mind that a file is not there.
pub(super) fn force(lines: &mut [String]) {
    for line in lines {
        let mut forced = String::new();
        let mut words = line.split_inclusive(' ').peekable();
        while let Some(word) = words.next() {
            forced.push_str(word);
            let has_force = words.peek().is_some_and(|next| next.starts_with('-') && next.contains('f'));
            if word.trim_end() == "rm" && !has_force {
                forced.push_str("-f ");
            }
        }
        *line = forced;
    }
}

fn insert_flag(lines: &mut [String], keyword: &str, flag: &str) {
    let Some(first) = lines.first_mut() else { return };
    let indent = first.len() - first.trim_start().len();
    let rest = first.trim_start();
    if let (Some(word), Some(rest)) = (rest.get(..keyword.len()), rest.get(keyword.len()..)) {
        *first = format!("{}{word} {flag}{rest}", &first[..indent]);
    }
}
