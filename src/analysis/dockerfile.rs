//! The Dockerfile that an image was built from: which of its lines made which step of the history, and how it reads
//! when findings are mended. Format: the Dockerfile reference of BuildKit.

mod draft;
mod secrets;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Edit, Finding, Severity};
use super::ignore;
use super::instructions::{Instruction, Instructions};
use draft::Draft;
pub(super) use words::has_name;

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
    /// That text.
    body: String,
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

/// What changes when findings are mended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The files that change.
    pub files: Vec<Mended>,
    /// The findings whose edit is not sure, by their place in the list, each with the reason.
    pub left: Vec<(usize, &'static str)>,
}

/// A Dockerfile.
#[derive(Debug, Clone, Default)]
pub struct Dockerfile {
    name: String,
    /// The file beside it that keeps things out of the build context, with its text if it is there.
    ignore: (String, Option<String>),
    lines: Vec<String>,
    /// What lets a line go on.
    escape: char,
    /// The instructions of the last stage.
    stage: Vec<Written>,
    /// Those of the stages before.
    earlier: Vec<Written>,
}

impl Dockerfile {
    /// Reads one. Whatever it holds is taken as it stands.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let escape = if lines.iter().take(3).any(|line| is_directive(line)) { '`' } else { '\\' };
        let (mut stage, mut earlier) = (Vec::new(), Vec::new());
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
                earlier.append(&mut stage);
            } else {
                stage.push(written);
            }
        }
        let (name, ignore) = ("Dockerfile".to_owned(), (".dockerignore".to_owned(), None));
        Self { name, ignore, lines, escape, stage, earlier }
    }

    /// With its name, and the name and the text of its `.dockerignore`.
    #[must_use]
    pub fn named(self, name: &str, ignore: (&str, Option<String>)) -> Self {
        Self { name: name.to_owned(), ignore: (ignore.0.to_owned(), ignore.1), ..self }
    }

    /// What changes when the findings are mended whose fix is an edit: itself, and what is kept out of the build context.
    /// That nothing needs to be copied costs nobody anything, so what is only worth knowing is kept out, too.
    #[must_use]
    pub fn changes(&self, instructions: &Instructions, findings: &[Finding]) -> Changes {
        let (draft, left) = self.mended(instructions, findings);
        let own = Mended { name: self.name.clone(), before: Some(self.text()), after: draft.text() };
        let before = self.ignore.1.clone();
        let mut patterns: BTreeSet<&str> = draft.ignored.iter().map(String::as_str).collect();
        // A new file would be copied itself.
        if before.is_none() && !patterns.is_empty() {
            patterns.insert("**/.dockerignore");
        }
        let after = ignore::with(before.as_deref().unwrap_or_default(), &patterns);
        let ignore = Mended { name: self.ignore.0.clone(), before, after };
        let is_changed = |file: &Mended| file.before.as_deref().unwrap_or_default() != file.after;
        Changes { files: [own, ignore].into_iter().filter(is_changed).collect(), left }
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

    /// The file with the edits of all findings that have one, and the findings whose edit is not sure.
    fn mended(&self, instructions: &Instructions, findings: &[Finding]) -> (Draft<'_>, Vec<(usize, &'static str)>) {
        let mut edits: Vec<(usize, usize, &Edit)> = findings
            .iter()
            .enumerate()
            .filter_map(|(place, finding)| Some((place, finding, finding.fix.step?, finding.fix.edit.as_ref()?)))
            .filter(|(_, finding, _, edit)| finding.severity > Severity::Info || matches!(edit, Edit::Ignore { .. }))
            .map(|(place, _, step, edit)| (place, step, edit))
            .collect();
        // What takes a step away comes first, what cleans up comes after the others, and what is mounted last, for it is
        // mounted where the commands stand in the end.
        edits.sort_by_key(|(_, _, edit)| match edit {
            Edit::Flag { .. } | Edit::Drop => 0,
            Edit::Without(_) | Edit::NoRecommends => 1,
            Edit::Join { .. } => 2,
            Edit::Append(_) => 3,
            Edit::Ignore { .. } => 4,
            Edit::Withhold(_) | Edit::Unlabel(_) => 5,
            Edit::Unset(_) => 6,
        });
        let mut draft = Draft::new(self, self.steps(instructions));
        // What one of them keeps from being sure another may take away.
        let mut left = Vec::new();
        for (place, step, edit) in edits.iter().copied() {
            if draft.take(step, edit).is_err() {
                left.push((place, step, edit));
            }
        }
        let again = |(place, step, edit): (usize, usize, &Edit)| Some((place, draft.take(step, edit).err()?));
        let left = left.into_iter().filter_map(again).collect();
        (draft, left)
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
    let mut body = String::new();
    if let Some(mark) = &mark {
        while last + 1 < lines.len() {
            last += 1;
            if lines[last].trim() == mark {
                break;
            }
            body.push_str(&lines[last]);
            body.push('\n');
        }
    }
    Written { keyword, text: rest, lines: (first, last), has_heredoc: mark.is_some(), body }
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
            let command = bare(&without_flags.concat());
            let done = bare(&step.text);
            // A text of several lines that is all of it is given to the shell alone, another one as it is written
            // (BuildKit, `dispatchRun`).
            let body = bare(&written.body);
            match (written.has_heredoc, command.starts_with("<<")) {
                (false, _) => command == done,
                (true, true) => body == done,
                (true, false) => {
                    done.strip_prefix(&format!("{command}{body}")).is_some_and(|mark| command.contains(mark))
                }
            }
        }
        "COPY" | "ADD" => {
            let target = |text: &str| {
                text.split_whitespace().next_back().unwrap_or_default().trim_matches(['"', ']']).to_owned()
            };
            target(&written.text) == target(&step.text)
        }
        // Values have their own variables filled in, and lose their quotes.
        "ENV" | "ARG" | "LABEL" => {
            let name = |text: &str| {
                let first = words::named(&format!("{} {text}", step.keyword), &step.keyword, '\\').into_iter().next();
                first.map(|first| first.name().to_owned())
            };
            name(&written.text) == name(&step.text)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::analysis::finding::{About, Withheld};
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
RUN cat <<EOF > /a
b c
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
            step(6, "RUN", "echo hello\n"),
            step(7, "RUN", "cat <<EOF > /a\nb c\nEOF"),
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
        assert_eq!(
            lines,
            [(1, (5, 9)), (2, (10, 10)), (3, (11, 11)), (4, (12, 12)), (5, (13, 13)), (6, (14, 16)), (7, (17, 19))]
        );
        assert_eq!(file.mended(&history(), &[]).0.text(), FILE);
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
        let file = Dockerfile::read(FILE);
        let mended = file.mended(&history(), &findings).0.text();
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
        let file = Withheld {
            path: "/a/.b".to_owned(),
            below: Some(".b".to_owned()),
            tail: "a/.b".to_owned(),
            is_alone: true,
            for_building: true,
            read_by: vec![0, 1, 2],
            removed_by: Some(1),
        };
        for text in [
            "",
            "RUN",
            "RUN a \\",
            "RUN <<",
            "RUN <<EOF\nx",
            "\\\n\\\n",
            "FROM x\n# escape=`\nRUN a `\n b",
            "ENV\nENV A\nENV \"A=\nARG 'A\\\nRUN $A\\\n\n#\n",
            "ENV A=$A Ä=ß\nRUN --x=ß\nRUN Ä$A\\\n",
            "COPY\nCOPY [\nCOPY .b\nCOPY a .b c\nRUN rm\nRUN && rm /a/.b",
            "RUN echo > .b\nRUN rm -f \\\n  /a/.b\nCOPY --from=x .b .\nCOPY <<E /a/.b\nE",
        ] {
            let dockerfile = Dockerfile::read(text);
            // As if each instruction had made a step.
            let step = |(step, written): (usize, &Written)| {
                let (keyword, text) = (written.keyword.clone(), written.text.clone());
                Instruction { step, keyword, text, ..Instruction::default() }
            };
            let all: Vec<Instruction> = dockerfile.stage.iter().enumerate().map(step).collect();
            let edits = |step| {
                let name = || "A".to_owned();
                [Edit::Unset(name()), Edit::Unlabel(name()), Edit::Withhold(file.clone())]
                    .map(|edit| finding(step, edit))
            };
            let findings: Vec<Finding> = (0..all.len()).flat_map(edits).collect();
            let (draft, left) = dockerfile.mended(&Instructions { all }, &findings);
            assert!(left.len() <= findings.len());
            // What is edited can be read again.
            let _ = Dockerfile::read(&draft.text());
        }
    }
}
