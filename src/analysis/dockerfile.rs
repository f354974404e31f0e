//! The Dockerfile that an image was built from: which of its lines made which step of the history, and how it reads
//! when findings are mended. Format: the Dockerfile reference of BuildKit.

mod draft;

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Edit, Finding, Severity};
use super::ignore;
use super::instructions::{Instruction, Instructions};
use draft::Draft;

/// The largest Dockerfile that is read, in bytes.
pub const MOST_BYTES: u64 = 1024 * 1024;

/// An instruction as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    keyword: String,
    /// What follows, on one line.
    text: String,
    /// Its first and its last line.
    lines: (usize, usize),
    /// Whether it has a text of several lines of its own, which is not edited.
    has_heredoc: bool,
}

/// A file with its name, as it is and as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Its name, without the folder.
    pub name: String,
    /// What it holds; `None` where there is no such file yet.
    pub before: Option<String>,
    /// What it should hold.
    pub after: String,
}

/// A Dockerfile.
#[derive(Debug, Clone, Default)]
pub struct Dockerfile {
    name: String,
    /// The file beside it that keeps things out of the build context, with its text if it is there.
    ignore: (String, Option<String>),
    lines: Vec<String>,
    /// The instructions of the last stage.
    stage: Vec<Written>,
}

impl Dockerfile {
    /// Reads one. Whatever it holds is taken as it stands.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let escape = if lines.iter().take(3).any(|line| is_directive(line)) { '`' } else { '\\' };
        let mut stage = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at].trim();
            if line.is_empty() || line.starts_with('#') {
                at += 1;
                continue;
            }
            let written = instruction(&lines, at, escape);
            at = written.lines.1 + 1;
            if written.keyword == "FROM" {
                stage.clear();
            } else {
                stage.push(written);
            }
        }
        let (name, ignore) = ("Dockerfile".to_owned(), (".dockerignore".to_owned(), None));
        Self { name, ignore, lines, stage }
    }

    /// With its name, and the name and the text of its `.dockerignore`.
    #[must_use]
    pub fn named(self, name: &str, ignore: (&str, Option<String>)) -> Self {
        Self { name: name.to_owned(), ignore: (ignore.0.to_owned(), ignore.1), ..self }
    }

    /// The files that change when the findings are mended whose fix is an edit: itself, and what is kept out of the build
    /// context. That nothing needs to be copied costs nobody anything, so what is only worth knowing is kept out, too.
    #[must_use]
    pub fn changes(&self, instructions: &Instructions, findings: &[Finding]) -> Vec<Mended> {
        let after = self.mended(instructions, findings);
        let own = Mended { name: self.name.clone(), before: Some(self.text()), after };
        let steps = self.steps(instructions);
        let edits = findings.iter().filter(|finding| finding.fix.step.is_some_and(|step| steps.contains_key(&step)));
        let patterns: BTreeSet<&str> = edits
            .filter_map(|finding| match &finding.fix.edit {
                Some(Edit::Ignore { patterns, .. }) => Some(patterns.iter().map(String::as_str)),
                _ => None,
            })
            .flatten()
            .collect();
        let before = self.ignore.1.clone();
        // A new file would be copied itself.
        let patterns = match before {
            None if !patterns.is_empty() => patterns.into_iter().chain(["**/.dockerignore"]).collect(),
            _ => patterns,
        };
        let after = ignore::with(before.as_deref().unwrap_or_default(), &patterns);
        let ignore = Mended { name: self.ignore.0.clone(), before, after };
        let is_changed = |file: &Mended| file.before.as_deref().unwrap_or_default() != file.after;
        [own, ignore].into_iter().filter(is_changed).collect()
    }

    /// The instruction that made each step of a history, as far as it can be told: from the end backwards, for the
    /// beginning belongs to the base.
    fn steps(&self, instructions: &Instructions) -> BTreeMap<usize, usize> {
        let mut found = BTreeMap::new();
        let mut end = instructions.all.len();
        for (place, written) in self.stage.iter().enumerate().rev() {
            if let Some(step) = instructions.all[..end].iter().rposition(|step| is_same(written, step)) {
                found.insert(step, place);
                end = step;
            }
        }
        found
    }

    /// The file as it reads when the findings are mended whose fix is an edit; the same as before where none is.
    fn mended(&self, instructions: &Instructions, findings: &[Finding]) -> String {
        let mut edits: Vec<(usize, &Edit)> = findings
            .iter()
            .filter_map(|finding| Some((finding, finding.fix.step?, finding.fix.edit.as_ref()?)))
            .filter(|(finding, _, edit)| finding.severity > Severity::Info || matches!(edit, Edit::Ignore { .. }))
            .map(|(_, step, edit)| (step, edit))
            .collect();
        // What takes a step away comes first, and what cleans up comes last, for it cleans up after the others.
        edits.sort_by_key(|(_, edit)| match edit {
            Edit::Flag { .. } | Edit::Drop => 0,
            Edit::Without(_) | Edit::NoRecommends => 1,
            Edit::Join { .. } => 2,
            Edit::Append(_) => 3,
            Edit::Ignore { .. } => 4,
        });
        let mut draft = Draft::new(self, self.steps(instructions));
        for (step, edit) in edits {
            draft.take(step, edit);
        }
        draft.text()
    }

    fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

fn is_directive(line: &str) -> bool {
    line.chars().filter(|character| !character.is_whitespace()).collect::<String>() == "#escape=`"
}

/// Reads the instruction that begins at a line.
fn instruction(lines: &[String], first: usize, escape: char) -> Written {
    let (mut text, mut last) = (String::new(), first);
    loop {
        let line = lines[last].trim();
        // Comments between the lines of an instruction are none of it.
        let is_comment = last > first && line.starts_with('#');
        let goes_on = line.ends_with(escape) || is_comment || (last > first && line.is_empty());
        if !is_comment {
            text.push_str(line.trim_end_matches(escape).trim());
            text.push(' ');
        }
        if !goes_on || last + 1 == lines.len() {
            break;
        }
        last += 1;
    }
    let text = text.trim().to_owned();
    let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    let (keyword, rest) = (keyword.to_ascii_uppercase(), rest.trim().to_owned());
    let mark = heredoc(&keyword, &rest);
    if let Some(mark) = &mark {
        while last + 1 < lines.len() {
            last += 1;
            if lines[last].trim() == mark {
                break;
            }
        }
    }
    Written { keyword, text: rest, lines: (first, last), has_heredoc: mark.is_some() }
}

/// The word that ends a text of several lines.
fn heredoc(keyword: &str, text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<<").filter(|_| matches!(keyword, "RUN" | "COPY" | "ADD"))?;
    let word: String = rest
        .trim_start_matches(['-', '"', '\''])
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

/// Whether an instruction made a step. What builders write differs in spaces, and for copies in where from.
fn is_same(written: &Written, step: &Instruction) -> bool {
    if written.keyword != step.keyword {
        return false;
    }
    let bare = |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect::<String>();
    match step.keyword.as_str() {
        "RUN" => {
            let without_flags: Vec<&str> =
                written.text.split_whitespace().skip_while(|word| word.starts_with("--")).collect();
            bare(&without_flags.concat()) == bare(&step.text)
        }
        "COPY" | "ADD" => {
            let target = |text: &str| {
                text.split_whitespace().next_back().unwrap_or_default().trim_matches(['"', ']']).to_owned()
            };
            target(&written.text) == target(&step.text)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::analysis::finding::About;
    use crate::analysis::rules::Rules;

    const FILE: &str = "\
# syntax=docker/dockerfile:1
FROM golang AS build
RUN go build

FROM debian:13
RUN apt-get update \\
    # what we need
 && apt-get install -y curl \\
    vim \\
    git
COPY --from=build /out /app/
copy src ./src
RUN chown -R app /app
RUN rm -rf /var/lib/apt/lists/*
RUN <<EOF
echo hello
EOF
CMD [\"/app/x\"]
";

    fn history() -> Instructions {
        let step = |step: usize, keyword: &str, text: &str| Instruction {
            step,
            keyword: keyword.to_owned(),
            text: text.to_owned(),
            ..Instruction::default()
        };
        let all = vec![
            step(0, "ADD", "file:1 in /"),
            step(1, "RUN", "apt-get update  && apt-get install -y curl     vim     git"),
            step(2, "COPY", "/out /app/"),
            step(3, "COPY", "dir:1234 in ./src"),
            step(4, "RUN", "chown -R app /app"),
            step(5, "RUN", "rm -rf /var/lib/apt/lists/*"),
        ];
        Instructions { all }
    }

    fn finding(step: usize, edit: Edit) -> Finding {
        let rules = Rules::built_in().unwrap();
        let mut finding = Finding::new(&Arc::clone(rules.get("WST-DELETED").unwrap()), About::Image);
        (finding.fix.step, finding.fix.edit) = (Some(step), Some(edit));
        finding
    }

    #[test]
    fn the_last_stage_is_aligned_with_the_history() {
        let file = Dockerfile::read(FILE);
        let steps = file.steps(&history());
        let lines: Vec<_> = steps.iter().map(|(step, place)| (*step, file.stage[*place].lines)).collect();
        assert_eq!(lines, [(1, (5, 9)), (2, (10, 10)), (3, (11, 11)), (4, (12, 12)), (5, (13, 13))]);
        assert_eq!(file.mended(&history(), &[]), FILE);
    }

    #[test]
    fn edits_change_their_lines_and_no_others() {
        let findings = [
            finding(1, Edit::Join { steps: vec![5], is_whole: true }),
            finding(1, Edit::Without(vec!["vim".to_owned()])),
            finding(1, Edit::Append("apt-get clean".to_owned())),
            finding(3, Edit::Flag { flag: "--chown=app".to_owned(), instead_of: Some(4) }),
            finding(2, Edit::Join { steps: vec![4], is_whole: false }),
            // Its host is gone, so that it stays where it is.
            finding(4, Edit::Append("true".to_owned())),
        ];
        let mended = Dockerfile::read(FILE).mended(&history(), &findings);
        let expected = FILE
            .replace(
                "    vim \\\n    git\n",
                "    git \\\n    && rm -rf /var/lib/apt/lists/* \\\n    && apt-get clean\n",
            )
            .replace("copy src", "copy --chown=app src")
            .replace("RUN chown -R app /app\n", "")
            .replace("RUN rm -rf /var/lib/apt/lists/*\n", "");
        assert_eq!(mended, expected);
    }

    #[test]
    fn whatever_is_written_is_read() {
        for text in ["", "RUN", "RUN a \\", "RUN <<", "RUN <<EOF\nx", "\\\n\\\n", "FROM x\n# escape=`\nRUN a `\n b"] {
            let file = Dockerfile::read(text);
            let _ = file.mended(&history(), &[]);
        }
    }
}
