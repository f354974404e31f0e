//! What to do about a finding: which instruction to change, and how it should read. Never to delete in a later layer,
//! for that saves nothing.

use std::collections::BTreeSet;

use super::case::Case;
use super::finding::{Category, Edit, Finding, Fix, Origin};
use super::ignore;
use super::installation::{Brought, is_called, without_packages};
use super::instructions::{Instruction, commands};
use super::managers::Work;
use super::packages::PackageId;
use super::risk::known_as;
use super::rules::Mending;
use crate::index::walk::{Change, Order, walk};
use crate::index::{EntryId, Kind};

/// Gives a finding its fix.
pub fn fix(case: &Case<'_>, effects: &Effects, finding: &mut Finding) {
    let rule = &finding.rule;
    if finding.origin == Origin::Base && matches!(finding.rule.category, Category::Waste | Category::Risk) {
        finding.fix = Fix {
            advice: "It comes with the base: take another one (a -slim, -alpine or distroless variant). Taking it away in a layer above saves nothing.".to_owned(),
            ..Fix::default()
        };
        return;
    }
    if let Some((by, patterns)) = ignore::patterns(case, finding) {
        let advice = format!("{} In .dockerignore: {}", rule.fix, patterns.join(" "));
        finding.fix = Fix { advice, step: Some(by.step), proposed: None, edit: Some(Edit::Ignore(patterns)) };
        return;
    }
    let advice = if rule.better.is_empty() { rule.fix.clone() } else { format!("{} Or: {}", rule.fix, rule.better) };
    let instruction = if let super::finding::About::History(step) = finding.about {
        case.instructions.all.get(step)
    } else {
        let layer = if rule.mend == Mending::Later { finding.removed_by } else { finding.layer };
        layer.and_then(|layer| case.instructions.of(layer))
    };
    let remover = finding.removed_by.and_then(|layer| case.instructions.of(layer));
    if let (Category::Waste, Some(by), Some(remover)) = (finding.rule.category, instruction, remover)
        && rule.mend == Mending::Join
        && by.keyword == "RUN"
        && case.subject.rules.managers().asked(&remover.text, Work::Remove).is_some()
    {
        let between = between(case, by, remover);
        if !between.is_empty() {
            let (advice, proposed) = (format!("{advice} {MAY_BE_NEEDED}"), all_in_one(by, &between, remover));
            finding.fix = Fix { advice, step: Some(by.step), proposed, edit: None };
            return;
        }
    }
    let edit = instruction.and_then(|instruction| edit(case, effects, finding, instruction, remover));
    let proposed = instruction.zip(edit.as_ref()).and_then(|(by, edit)| applied(case, by, edit));
    finding.fix = Fix { advice, step: instruction.map(|instruction| instruction.step), proposed, edit };
}

/// Why what uninstalls cannot move to what installs.
const MAY_BE_NEEDED: &str = "What lies between may need it: do all of it in one instruction, or build in another stage and copy what is needed.";

/// The instructions between two others that make layers.
fn between<'c>(case: &'c Case<'_>, by: &Instruction, later: &Instruction) -> Vec<&'c Instruction> {
    let between = case.instructions.all.get(by.step + 1..later.step).unwrap_or_default();
    between.iter().filter(|step| step.layer.is_some()).collect()
}

/// What installs, what lies between and what uninstalls as one instruction; `None` where what lies between is more than
/// commands.
fn all_in_one(by: &Instruction, between: &[&Instruction], remover: &Instruction) -> Option<String> {
    let all_run = between.iter().all(|step| step.keyword == "RUN");
    let steps = std::iter::once(by).chain(between.iter().copied()).chain([remover]);
    let texts: Vec<&str> = steps.map(|step| step.text.trim_end_matches([';', ' ', '\\'])).collect();
    all_run.then(|| format!("RUN {}", texts.join(" \\\n && ")))
}

/// The change of the instruction that brought it.
fn edit(
    case: &Case<'_>,
    effects: &Effects,
    finding: &Finding,
    by: &Instruction,
    remover: Option<&Instruction>,
) -> Option<Edit> {
    let is_run = by.keyword == "RUN";
    let join = |remover: &Instruction| Edit::Join { step: remover.step, is_whole: effects.is_whole(by, remover) };
    match finding.rule.mend {
        Mending::Join => remover.filter(|remover| is_run && remover.keyword == "RUN").map(join),
        Mending::Owner | Mending::Mode => {
            let remover = remover.filter(|remover| remover.keyword == "RUN")?;
            if is_run {
                return Some(join(remover));
            }
            let (program, flag) =
                if finding.rule.mend == Mending::Owner { ("chown", "--chown") } else { ("chmod", "--chmod") };
            let argument = argument_of(&remover.text, program)?;
            let is_copy = matches!(by.keyword.as_str(), "COPY" | "ADD") && !by.text.contains(flag);
            let instead_of = effects.is_whole(by, remover).then_some(remover.step);
            is_copy.then(|| Edit::Flag { flag: format!("{flag}={argument}"), instead_of })
        }
        Mending::LeaveOut => {
            let is_free = is_run && finding.in_use.is_empty();
            if is_free { leave_out(case, effects, finding, by) } else { None }
        }
        Mending::NoRecommends => (is_run && without_recommends(&by.text).is_some()).then_some(Edit::NoRecommends),
        Mending::Later => None,
        Mending::Clean => {
            let clean = cleaning(case, finding);
            (is_run && !clean.is_empty() && !by.text.contains(&*clean)).then_some(Edit::Append(clean))
        }
    }
}

/// The installation without what brought the programs.
fn leave_out(case: &Case<'_>, effects: &Effects, finding: &Finding, by: &Instruction) -> Option<Edit> {
    let brought = Brought::new(case, finding);
    let programs: Vec<String> = finding.entries.iter().map(|entry| name_of(case, *entry)).collect();
    if !brought.owners.is_empty() && !brought.is_all {
        let is_recommended = |id: &PackageId| brought.named.contains(id) || effects.recommended.contains(id);
        let is_edit = brought.owners.iter().all(is_recommended) && without_recommends(&by.text).is_some();
        return is_edit.then_some(Edit::NoRecommends);
    }
    let mut names: Vec<&str> = programs.iter().flat_map(|name| known_as(name)).collect();
    // Without a database the package is likely to be called like its program.
    let packages = if brought.owners.is_empty() { programs.clone() } else { brought.names(case) };
    names.extend(packages.iter().map(String::as_str));
    let is_free = !is_called(case, &names) && without_packages(&by.text, &packages).is_some();
    is_free.then_some(Edit::Without(packages))
}

fn name_of(case: &Case<'_>, entry: EntryId) -> String {
    String::from_utf8_lossy(case.index().name(case.index().entry(entry).path)).into_owned()
}

/// The instruction with the change.
fn applied(case: &Case<'_>, by: &Instruction, edit: &Edit) -> Option<String> {
    Some(match edit {
        Edit::Append(command) => joined(by, command),
        Edit::Join { step, .. } => joined(by, &case.instructions.all.get(*step)?.text),
        Edit::Flag { flag, .. } => format!("{} {flag} {}", by.keyword, by.text),
        Edit::Without(packages) => format!("RUN {}", without_packages(&by.text, packages)?),
        Edit::NoRecommends => format!("RUN {}", without_recommends(&by.text)?),
        Edit::Ignore(_) => return None,
    })
}

/// What each layer does to the layers below it, and what else fixes go by.
pub struct Effects {
    layers: Vec<Effect>,
    /// Packages that are there because others recommend them.
    recommended: BTreeSet<PackageId>,
}

/// What one layer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing.
    Nothing,
    /// It changes, stores again or removes what one other layer brought, and nothing else.
    Only(u32),
    /// More than that.
    More,
}

impl Effects {
    /// Looks at all layers.
    #[must_use]
    pub fn new(case: &Case<'_>) -> Self {
        let index = case.index();
        let mut layers = vec![Effect::Nothing; case.subject.stack.len()];
        walk(index, case.subject.stack, Order::Any, |story| {
            for event in story.events {
                let is_folder = || event.entry.is_some_and(|entry| index.entry(entry).kind == Kind::Dir);
                let effect = match event.change {
                    Change::Unchanged | Change::Dangling => continue,
                    // A folder is older than what is in it; that it changes with it is no other thing.
                    Change::Changed(_) | Change::Rewritten(_) if is_folder() => continue,
                    Change::Changed(_) | Change::Rewritten(_) | Change::Removed => {
                        event.before.map_or(Effect::More, |before| Effect::Only(before.layer))
                    }
                    Change::Added => Effect::More,
                };
                let known = &mut layers[event.layer as usize];
                *known = if *known == Effect::Nothing || *known == effect { effect } else { Effect::More };
            }
        });
        let recommended = case.packages.recommends_only().goes.into_iter().map(|(id, _)| id).collect();
        Self { layers, recommended }
    }

    /// Whether a later step does nothing but to what an earlier one brought: then it can be done there.
    fn is_whole(&self, by: &Instruction, later: &Instruction) -> bool {
        let (Some(first), Some(second)) = (by.layer, later.layer) else { return false };
        self.layers.get(second as usize) == Some(&Effect::Only(first))
    }
}

fn joined(by: &Instruction, more: &str) -> String {
    format!("RUN {} \\\n && {}", by.text.trim_end_matches([';', ' ', '\\']), more)
}

/// What cleans up, by the distribution and its version.
fn cleaning(case: &Case<'_>, finding: &Finding) -> String {
    let (rule, distribution) = (&finding.rule, &case.distribution);
    let with_release = format!("{}-{}", distribution.id, distribution.release());
    let clean = rule.clean_on.get(&with_release).or_else(|| rule.clean_on.get(&distribution.id));
    clean.unwrap_or(&rule.clean).clone()
}

/// The owner of a `chown`, or the mode of a `chmod` that is a number.
fn argument_of(text: &str, program: &str) -> Option<String> {
    let all = commands(text);
    let command = all.iter().find(|command| command.first().is_some_and(|name| name == program))?;
    let argument = command.iter().skip(1).find(|word| !word.starts_with('-'))?;
    let is_plain = program == "chown" || argument.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| argument.clone())
}

/// An installation with apt without recommended packages; `None` where that is no such thing, or is so already.
pub(super) fn without_recommends(text: &str) -> Option<String> {
    let is_apt = text.contains("apt-get") || text.contains("apt ");
    let at = text.find(" install ").filter(|_| is_apt && !text.contains("--no-install-recommends"))?;
    let (before, after) = text.split_at(at + " install".len());
    Some(format!("{before} --no-install-recommends{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_and_mode_move_to_the_copy() {
        assert_eq!(argument_of("cd / && chown -R app:app /app", "chown").as_deref(), Some("app:app"));
        assert_eq!(argument_of("chmod 0755 /app/x", "chmod").as_deref(), Some("0755"));
        assert_eq!(argument_of("chmod u+s /app/x", "chmod"), None);
    }
}
