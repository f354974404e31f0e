//! What to do about a secret: it is rotated first, whatever else is done, and then it is not brought at all. What only
//! the build needs comes by a secret mount, which stays in no layer and no history.

use std::sync::Arc;

use globset::GlobBuilder;

use super::findings::is_of_secrets;
use crate::analysis::case::Case;
use crate::analysis::dockerfile::has_name;
use crate::analysis::finding::{About, Edit, Finding, Fix, Origin, State, Withheld};
use crate::analysis::ignore;
use crate::analysis::instructions::{Instruction, commands};
use crate::analysis::rules::Rule;
use crate::analysis::waste::is_live;

const IN_COMMAND: &str =
    "No edit: it stands in the command itself, so that only who wrote it can put a name in its place.";
const LIVE_OF_RUN: &str = "No edit: a command makes the file, and only who wrote it knows what needs it.";
const MORE_THAN_SECRET: &str =
    "No edit: the file may hold more than its secret, so take that out of it where it comes from.";
const ODD_NAME: &str = "No edit: its name has signs that mean something else in a Dockerfile.";
const OF_BASE: &str = "It comes with the base: take another one, or one that is mended.";
const NAMED_LATER: &str =
    "No edit: a later command names the file, so that it cannot be left out without a change of that.";

/// What a fix needs of the builder.
const NEEDS: &str = "with BuildKit, which Docker 23 uses by itself and Docker 20.10 with DOCKER_BUILDKIT=1";

/// Commands that do not read files by themselves.
const HARMLESS: [&str; 6] = ["true", ":", "cd", "set", "echo", "rm"];

/// The fix of a secret; `None` where it is that of other findings of its kind.
#[must_use]
pub fn fix(case: &Case<'_>, finding: &Finding) -> Option<Fix> {
    if finding.origin == Origin::Base {
        let by = finding.layer.and_then(|layer| case.instructions.of(layer));
        return Some(only_said(finding, by.map(|by| by.step), OF_BASE));
    }
    match &finding.about {
        About::Config(field) => of_config(case, finding, field),
        About::History(step) if finding.rule.id == "SEC-BUILD-ARGUMENT" => of_argument(case, finding, *step),
        About::History(step) => Some(only_said(finding, Some(*step), IN_COMMAND)),
        About::Path(_) => of_file(case, finding),
        About::Image => None,
    }
}

fn only_said(finding: &Finding, step: Option<usize>, why: &str) -> Fix {
    Fix { advice: said(finding, why), step, ..Fix::default() }
}

/// What is to be done here, behind what is to be done first and before what holds for all of its kind.
fn said(finding: &Finding, here: &str) -> String {
    match finding.rule.fix.split_once(". ") {
        Some((first, rest)) => format!("{first}. {here} {rest}"),
        None => format!("{} {here}", finding.rule.fix),
    }
}

/// How a build is given a secret.
fn given(id: &str, from: &str) -> String {
    format!("docker build --secret id={id},{from} ({NEEDS})")
}

/// Whether an instruction of the history sets a name. Values have lost their quotes there.
fn sets(instruction: &Instruction, name: &str) -> bool {
    instruction.text.split_whitespace().any(|word| word.split('=').next() == Some(name))
}

fn of_config(case: &Case<'_>, finding: &Finding, field: &str) -> Option<Fix> {
    let (keyword, name) = match field.split_once(' ')? {
        ("Env", name) => ("ENV", name),
        ("Labels", name) => ("LABEL", name),
        _ => return None,
    };
    let by = case.instructions.all.iter().rev().find(|step| step.keyword == keyword && sets(step, name));
    let step = by.map(|by| by.step);
    if keyword == "LABEL" {
        let edit = by.map(|_| Edit::Unlabel(name.to_owned()));
        return Some(Fix { advice: finding.rule.fix.clone(), step, proposed: None, edit });
    }
    let reader = by.and_then(|by| reader(case, by.step, name));
    let advice = match reader {
        Some(_) => {
            let id = name.to_ascii_lowercase();
            let given = given(&id, &format!("env={name}"));
            format!("{} Commands of the build that name it read it from a secret mount: {given}", finding.rule.fix)
        }
        None => finding.rule.fix.clone(),
    };
    Some(Fix { advice, step, proposed: None, edit: by.map(|_| Edit::Unset(name.to_owned())) })
}

fn of_argument(case: &Case<'_>, finding: &Finding, step: usize) -> Option<Fix> {
    let (name, _) = finding.evidence.first()?.text.split_once('=')?;
    let id = name.to_ascii_lowercase();
    let given = given(&id, &format!("env={name}"));
    let here = format!(
        "Leave ARG {name} out, and give the commands that use it --mount=type=secret,id={id}; build by {given}."
    );
    let advice = said(finding, &here);
    let reader = reader(case, step, name);
    let proposed = reader.map(|reader| {
        let export = format!("export {name}=\"$(cat /run/secrets/{id})\"");
        format!("RUN --mount=type=secret,id={id} \\\n    {export} && \\\n    {}", reader.text)
    });
    let step = reader.map_or(step, |reader| reader.step);
    Some(Fix { advice, step: Some(step), proposed, edit: Some(Edit::Unset(name.to_owned())) })
}

/// The first command from a step on that names a variable.
fn reader<'c>(case: &'c Case<'_>, step: usize, name: &str) -> Option<&'c Instruction> {
    case.instructions.all.iter().skip(step).find(|step| step.keyword == "RUN" && has_name(&step.text, name))
}

fn of_file(case: &Case<'_>, finding: &Finding) -> Option<Fix> {
    let by = case.instructions.of(finding.layer?)?;
    let is_copied = matches!(by.keyword.as_str(), "COPY" | "ADD");
    let is_cleaned =
        || !finding.rule.clean.is_empty() || leftover(case, finding).is_some_and(|rule| !rule.clean.is_empty());
    if by.keyword == "RUN" && finding.state == State::Live && !is_cleaned() {
        return Some(only_said(finding, Some(by.step), LIVE_OF_RUN));
    }
    let is_from_elsewhere = || ["--from", "://", "<<"].iter().any(|elsewhere| by.text.contains(elsewhere));
    let is_taken_away = finding.state == State::Deleted && by.keyword == "RUN" && only_writes(by);
    if (!is_copied || is_from_elsewhere()) && !is_taken_away {
        return None;
    }
    let index = case.index();
    let path = index.entry(*finding.entries.first()?).path;
    let spelled = String::from_utf8(index.path(path)).ok()?;
    // What is in an image writes no line of a Dockerfile of its own.
    if !spelled.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-@+".contains(&byte)) {
        return Some(only_said(finding, Some(by.step), ODD_NAME));
    }
    let Some(tail) = tail(case, finding, &spelled) else {
        if !is_copied {
            return None;
        }
        // What is waste by itself is kept out as that.
        let waste = leftover(case, finding).and_then(|rule| ignore::patterns(case, rule, &finding.entries));
        let Some((by, patterns)) = waste else { return Some(only_said(finding, Some(by.step), MORE_THAN_SECRET)) };
        let advice = said(finding, &format!("In .dockerignore: {}.", patterns.join(" ")));
        let removed_by = finding.removed_by.and_then(|layer| case.instructions.of(layer)).map(|later| later.step);
        return Some(Fix {
            advice,
            step: Some(by.step),
            proposed: None,
            edit: Some(Edit::Ignore { patterns, removed_by }),
        });
    };
    let remover = finding.removed_by.and_then(|layer| case.instructions.of(layer)).filter(|step| step.keyword == "RUN");
    let for_building = is_for_building(case, finding);
    let Some(read_by) = readers(case, by, remover, &spelled, for_building) else {
        // What a command writes can be deleted by the same.
        return is_copied.then(|| only_said(finding, Some(by.step), NAMED_LATER));
    };
    let layer = finding.layer.and_then(|layer| case.subject.stack.slots().get(layer as usize).copied().flatten());
    let is_file = |entry: &_| index.entry(*entry).kind == crate::index::Kind::File;
    let copied = layer.map_or(0, |slot| index.entries_in(slot).filter(is_file).take(2).count());
    if !is_copied && (copied != 1 || remover.is_none()) {
        return None;
    }
    let file = Withheld {
        below: below(case, by, &spelled),
        tail: tail.clone(),
        is_alone: copied == 1,
        for_building,
        read_by,
        removed_by: remover.map(|step| step.step),
        path: format!("/{spelled}"),
    };
    let how = if is_copied {
        format!("In .dockerignore, or out of the COPY that names it: **/{}.", ignore::escaped(&tail))
    } else {
        "Leave out the command that writes it, and the one that deletes it.".to_owned()
    };
    let given = || given(file.id(), &format!("src=PATH/{}", file.name()));
    let here = if file.read_by.is_empty() {
        how
    } else {
        format!("{how} Commands that need it see it by a secret mount: {}.", given())
    };
    let advice = said(finding, &here);
    Some(Fix { advice, step: Some(by.step), proposed: None, edit: Some(Edit::Withhold(file)) })
}

/// Commands that do nothing but write a file, if one file is all that their instruction brings.
const WRITERS: [&str; 8] = ["echo", "printf", "cat", "mkdir", "chmod", "umask", "set", "true"];

/// Whether a command does nothing but write what it says itself.
fn only_writes(by: &Instruction) -> bool {
    !by.text.contains(['$', '`', '<'])
        && commands(&by.text).iter().all(|command| command.first().is_some_and(|name| WRITERS.contains(&name.as_str())))
}

/// Whether what a file of secrets opens is for the build: a registry, a repository.
fn is_for_building(case: &Case<'_>, finding: &Finding) -> bool {
    let About::Path(path) = finding.about else { return false };
    finding.rule.for_building || case.meant.rules(path).iter().any(|rule| is_of_secrets(rule) && rule.for_building)
}

/// The commands between what copies a file and what deletes it, that included, that may need it; `None` where one names
/// it, so that leaving it out is not enough.
fn readers(
    case: &Case<'_>,
    by: &Instruction,
    remover: Option<&Instruction>,
    path: &str,
    is_for_building: bool,
) -> Option<Vec<usize>> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut readers = Vec::new();
    for step in case.instructions.all.iter().skip(by.step + 1).filter(|step| step.keyword == "RUN") {
        let commands = commands(&step.text);
        let program = |command: &[String]| command.first().cloned().unwrap_or_default();
        let is_it = |word: &str| {
            let word = word.rsplit(['=', '>', '<', '@']).next().unwrap_or_default();
            let word = word.strip_prefix("~/").map_or_else(|| word.to_owned(), |rest| format!("/root/{rest}"));
            // What is not said from the root on may be it by its name.
            word.strip_prefix('/').map_or_else(|| word.rsplit('/').next() == Some(name), |word| word == path)
        };
        let names_it = |command: &Vec<String>| program(command) != "rm" && command.iter().any(|word| is_it(word));
        if commands.iter().any(names_it) {
            return None;
        }
        let is_work = commands.iter().any(|command| !HARMLESS.contains(&program(command).as_str()));
        if is_for_building && is_work && remover.is_some_and(|remover| step.step <= remover.step) {
            readers.push(step.step);
        }
    }
    Some(readers)
}

/// The rule by which the file of a secret is waste as well: that is told with the secret, and mended as that says.
#[must_use]
pub fn leftover<'c>(case: &'c Case<'_>, finding: &Finding) -> Option<&'c Arc<Rule>> {
    let About::Path(path) = finding.about else { return None };
    case.meant.rules(path).iter().find(|rule| is_live(rule))
}

/// As much of the end of a path as its rule needs to mean it; `None` for a file that may be more than its secret.
fn tail(case: &Case<'_>, finding: &Finding, path: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or_default();
    if finding.rule.has_name(name) {
        return Some(name.to_owned());
    }
    let About::Path(place) = finding.about else { return None };
    let rule = case.meant.rules(place).iter().find(|rule| is_of_secrets(rule))?;
    let matchers: Vec<_> = rule
        .paths
        .iter()
        .filter_map(|glob| Some(GlobBuilder::new(glob).literal_separator(true).build().ok()?.compile_matcher()))
        .collect();
    let starts = path.rmatch_indices('/').map(|(place, _)| place + 1).chain([0]);
    let mut tails = starts.map(|start| &path[start..]);
    tails.find(|tail| matchers.iter().any(|glob| glob.is_match(tail))).map(str::to_owned)
}

/// The path of a file below the target of the instruction that copied it.
fn below(case: &Case<'_>, by: &Instruction, path: &str) -> Option<String> {
    let target = by.text.split_whitespace().next_back()?.trim_matches(['"', '[', ']']);
    let joined =
        |folder: &str, more: &str| if more.starts_with('/') { more.to_owned() } else { format!("{folder}/{more}") };
    let folders = case.instructions.all.iter().take(by.step).filter(|step| step.keyword == "WORKDIR");
    let folder = folders.fold(String::new(), |folder, step| joined(&folder, &step.text));
    let whole = joined(&folder, target);
    if whole.contains(['$', '{']) || whole.split('/').any(|part| part == "..") {
        return None;
    }
    let parts: Vec<&str> = whole.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let mut left = path.split('/');
    for part in parts {
        if left.next() != Some(part) {
            return None;
        }
    }
    Some(left.collect::<Vec<_>>().join("/"))
}
