//! What to do about a finding: which instruction to change, and how it should read. Never to delete in a later layer,
//! for that saves nothing.

use std::sync::Arc;

use super::case::Case;
use super::effects::Effects;
use super::finding::{Category, Edit, Finding, Fix, Origin, State};
use super::ignore;
use super::installation::{Brought, installs_nothing_else, is_called, without_packages};
use super::instructions::{Instruction, commands};
use super::managers::Work;
use super::packages::PackageId;
use super::rules::{Mending, Rule};
use super::secrets;

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
    if finding.rule.category == Category::Secret
        && let Some(fix) = secrets::fixes::fix(case, finding)
    {
        finding.fix = fix;
        return;
    }
    if let Some((by, patterns)) = ignore::patterns(case, rule, &finding.entries) {
        let advice = format!("{} In .dockerignore: {}", rule.fix, patterns.join(" "));
        let removed_by = finding.removed_by.and_then(|layer| case.instructions.of(layer)).map(|later| later.step);
        let edit = Some(Edit::Ignore { patterns, removed_by });
        finding.fix = Fix { advice, step: Some(by.step), proposed: None, edit };
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
    // A secret that a later layer hides is told as that, and not as hidden bytes as well.
    let is_join = match rule.category {
        Category::Waste => rule.mend == Mending::Join,
        Category::Secret => finding.state != State::Live,
        Category::Risk | Category::Configuration => false,
    };
    if let (true, Some(by), Some(remover)) = (is_join, instruction, remover)
        && by.keyword == "RUN"
    {
        let edit = joining(case, effects, finding, by, remover);
        let is_needed = is_needed(case, by, remover) && !matches!(edit, Some(Edit::Append(_)));
        let is_told = remover.keyword == "RUN" && (is_needed || edit.is_none());
        let advice = if is_told { format!("{advice} {MAY_BE_NEEDED}") } else { advice };
        let proposed = edit.as_ref().and_then(|edit| applied(case, by, edit));
        finding.fix = Fix { advice, step: Some(by.step), proposed, edit };
        return;
    }
    let edit = instruction.and_then(|instruction| edit(case, effects, finding, instruction, remover));
    let proposed = instruction.zip(edit.as_ref()).and_then(|(by, edit)| applied(case, by, edit));
    let is_copied = instruction.is_some_and(|by| matches!(by.keyword.as_str(), "COPY" | "ADD"));
    // Secrets and risks have other advice, wherever they come from.
    let is_cleaned = rule.category == Category::Waste && rule.mend == Mending::Clean;
    let advice = match edit {
        None if is_copied && is_cleaned => advice.replacen(rule.fix.as_str(), COPIED_IN, 1),
        Some(Edit::Drop) => format!("{advice} The instruction does nothing else: leave it out."),
        _ => advice,
    };
    finding.fix = Fix { advice, step: instruction.map(|instruction| instruction.step), proposed, edit };
}

/// What to do about what no command made, so that none can clean up after itself.
const COPIED_IN: &str = "It is copied in: leave it out of what is copied, or let the one instruction that needs it see it by RUN --mount=type=bind.";

/// Why what deletes cannot move to what brings.
const MAY_BE_NEEDED: &str = "What lies between may need it: do all of it in one instruction, or build in another stage and copy what is needed.";

/// The instructions between two others that make layers.
fn between<'c>(case: &'c Case<'_>, by: &Instruction, later: &Instruction) -> Vec<&'c Instruction> {
    let between = case.instructions.all.get(by.step + 1..later.step).unwrap_or_default();
    between.iter().filter(|step| step.layer.is_some()).collect()
}

/// Whether a command between two instructions may need what the later one hides. What copies reads no image.
fn is_needed(case: &Case<'_>, by: &Instruction, later: &Instruction) -> bool {
    between(case, by, later).iter().any(|step| !matches!(step.keyword.as_str(), "COPY" | "ADD" | "WORKDIR"))
}

/// How what a later instruction hides is not brought at all.
fn joining(
    case: &Case<'_>,
    effects: &Effects,
    finding: &Finding,
    by: &Instruction,
    later: &Instruction,
) -> Option<Edit> {
    if later.keyword != "RUN" {
        return None;
    }
    // What follows at once can always be done at once.
    let is_next = later.step == by.step + 1;
    if is_next || (!is_needed(case, by, later) && !uninstalls(case, later)) {
        let is_whole = is_next || effects.is_whole(by, later);
        return Some(Edit::Join { steps: vec![later.step], is_whole });
    }
    let between = between(case, by, later);
    // A cache is cleaned where it is made, unless an installation that comes makes use of it.
    let managers = case.subject.rules.managers();
    let installs = |step: &&Instruction| managers.asked(&step.text, Work::Install).is_some();
    if let Some(clean) = cleaning_of_all(case, finding).filter(|_| !between.iter().any(installs)) {
        return (!by.text.contains(&clean)).then_some(Edit::Append(clean));
    }
    let steps: Vec<usize> = between.iter().map(|step| step.step).chain([later.step]).collect();
    between.iter().all(|step| step.keyword == "RUN").then_some(Edit::Join { steps, is_whole: true })
}

/// Whether an instruction takes packages away.
fn uninstalls(case: &Case<'_>, step: &Instruction) -> bool {
    case.subject.rules.managers().asked(&step.text, Work::Remove).is_some()
}

/// The command that cleans up all files of a finding, where one rule means them all and nothing but an installation reads them.
fn cleaning_of_all(case: &Case<'_>, finding: &Finding) -> Option<String> {
    let mut all = None;
    for entry in &finding.entries {
        let rules = case.meant.rules(case.index().entry(*entry).path);
        let rule = rules.iter().find(|rule| rule.is_cleaned_where_made())?;
        if all.get_or_insert(rule).id != rule.id {
            return None;
        }
    }
    all.map(|rule| cleaning(case, rule))
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
    match finding.rule.mend {
        Mending::Owner | Mending::Mode => {
            let remover = remover.filter(|remover| remover.keyword == "RUN")?;
            if is_run {
                return joining(case, effects, finding, by, remover);
            }
            let (program, flag) =
                if finding.rule.mend == Mending::Owner { ("chown", "--chown") } else { ("chmod", "--chmod") };
            let argument = argument_of(&remover.text, program)?;
            let is_copy = matches!(by.keyword.as_str(), "COPY" | "ADD") && !by.text.contains(flag);
            // The classic builder knows of owners alone.
            let is_known = flag == "--chown" || !by.is_classic || is_buildah(case);
            let instead_of = effects.is_for_all(by, remover).then_some(remover.step);
            // Another owner for all of it harms nobody; another mode may.
            let is_edit = is_copy && is_known && (instead_of.is_some() || finding.rule.mend == Mending::Owner);
            is_edit.then(|| Edit::Flag { flag: format!("{flag}={argument}"), instead_of })
        }
        Mending::LeaveOut => {
            let is_free = is_run && finding.in_use.is_empty();
            if is_free { leave_out(case, effects, finding, by) } else { None }
        }
        Mending::NoRecommends => (is_run && may_leave_recommends(case, by)).then_some(Edit::NoRecommends),
        Mending::Join | Mending::Later => None,
        Mending::Clean => {
            let leftover = leftover(case, finding);
            let clean = cleaning(case, leftover.unwrap_or(&finding.rule));
            (is_run && !clean.is_empty() && !by.text.contains(&*clean)).then_some(Edit::Append(clean))
        }
    }
}

/// The rule by which a secret's file is waste as well, and is cleaned up.
fn leftover<'c>(case: &'c Case<'_>, finding: &Finding) -> Option<&'c Arc<Rule>> {
    let is_secret = finding.rule.category == Category::Secret && finding.rule.clean.is_empty();
    is_secret.then(|| secrets::fixes::leftover(case, finding)).flatten()
}

/// The installation without what brought the programs.
fn leave_out(case: &Case<'_>, effects: &Effects, finding: &Finding, by: &Instruction) -> Option<Edit> {
    let brought = Brought::new(case, finding, &effects.used);
    if !brought.owners.is_empty() && !brought.is_all {
        let is_recommended = |id: &PackageId| brought.named.contains(id) || effects.recommended.contains(id);
        let is_edit = brought.owners.iter().all(is_recommended) && may_leave_recommends(case, by);
        return is_edit.then_some(Edit::NoRecommends);
    }
    let packages = brought.left_out(case, finding)?;
    if without_packages(&by.text, &packages).is_some() {
        return Some(Edit::Without(packages));
    }
    let is_all = installs_nothing_else(case, by, &packages) && !effects.deletes(by);
    is_all.then_some(Edit::Drop)
}

/// Whether an installation can do without what is recommended. A compiler cannot: it recommends the headers of the C
/// library.
fn may_leave_recommends(case: &Case<'_>, by: &Instruction) -> bool {
    let compilers = case.rule("RSK-COMPILER");
    let names: Vec<&str> = compilers.iter().flat_map(|rule| rule.names.iter().map(String::as_str)).collect();
    without_recommends(&by.text).is_some() && !is_called(case, &names)
}

/// The instruction with the change.
fn applied(case: &Case<'_>, by: &Instruction, edit: &Edit) -> Option<String> {
    Some(match edit {
        Edit::Append(command) => joined(by, command),
        Edit::Join { steps, .. } => {
            let texts: Option<Vec<&str>> =
                steps.iter().map(|step| Some(case.instructions.all.get(*step)?.text.as_str())).collect();
            let parts: Vec<&str> = texts?.iter().map(|text| text.trim_end_matches([';', ' ', '\\'])).collect();
            joined(by, &parts.join(" \\\n && "))
        }
        Edit::Flag { flag, .. } => format!("{} {flag} {}", by.keyword, by.text),
        Edit::Without(packages) => format!("RUN {}", without_packages(&by.text, packages)?),
        Edit::NoRecommends => format!("RUN {}", without_recommends(&by.text)?),
        Edit::Ignore { .. } | Edit::Drop | Edit::Unset(_) | Edit::Unlabel(_) | Edit::Withhold(_) => return None,
    })
}

/// buildah writes its history like the classic builder, and knows more.
fn is_buildah(case: &Case<'_>) -> bool {
    case.runtime.labels().iter().any(|(name, _)| *name == "io.buildah.version")
}

fn joined(by: &Instruction, more: &str) -> String {
    format!("RUN {} \\\n && {}", by.text.trim_end_matches([';', ' ', '\\']), more)
}

/// What cleans up, by the distribution and its version.
fn cleaning(case: &Case<'_>, rule: &Rule) -> String {
    let distribution = &case.distribution;
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
