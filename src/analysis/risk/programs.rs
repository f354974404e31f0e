//! Programs by what they can do. Those in the folders in which programs are looked for, by their names without version
//! and platform, by what they are, and one finding for one program however many names it has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{Usage, runs_as_root};
use crate::analysis::case::{Case, common_folder};
use crate::analysis::content::{Elf, Program as Kind};
use crate::analysis::efficiency::Fate;
use crate::analysis::finding::{About, Category, Confidence, Finding, Origin, State};
use crate::analysis::instructions::Instruction;
use crate::analysis::rules::Rule;
use crate::analysis::subject::Claims;
use crate::index::walk::Live;
use crate::index::{self, EntryId, Index, PathId};

/// Folders with programs beside those on PATH.
const FOLDERS: [&str; 14] = [
    "bin",
    "sbin",
    "usr/bin",
    "usr/sbin",
    "usr/local/bin",
    "usr/local/sbin",
    "busybox",
    "usr/libexec",
    "usr/local/go/bin",
    "usr/local/cargo/bin",
    "opt/conda/bin",
    "root/.local/bin",
    "root/.cargo/bin",
    "usr/games",
];

/// A program with what it can do.
pub struct Program {
    /// The rule that knows it.
    pub rule: Arc<Rule>,
    /// The name under which it is known: `python`, `wget`.
    pub name: String,
    /// Where it stands, the clearest name first.
    pub paths: Vec<PathId>,
    /// Its file.
    pub live: Live,
    /// Whether a container sees it.
    pub state: State,
    /// Whether it is on PATH.
    pub is_on_path: bool,
    /// What makes use of it.
    pub in_use: Vec<String>,
    /// Whether it is an applet of a BusyBox.
    pub is_applet: bool,
}

/// All programs that a rule knows, those that later layers hide included.
pub fn programs(case: &Case<'_>, usage: &Usage) -> Vec<Program> {
    let by_name: HashMap<&str, &Arc<Rule>> = case
        .subject
        .rules
        .own()
        .iter()
        .filter(|rule| rule.category == Category::Risk)
        .flat_map(|rule| rule.names.iter().map(move |name| (name.as_str(), rule)))
        .collect();
    let mut found: BTreeMap<(EntryId, String), Program> = BTreeMap::new();
    let mut busyboxes: BTreeMap<EntryId, (Live, PathId)> = BTreeMap::new();
    let on_path: Vec<PathId> =
        case.runtime.path().iter().filter_map(|folder| Some(case.merged.resolve(folder.as_bytes())?.path)).collect();
    let mut folders = on_path.clone();
    folders.extend(FOLDERS.iter().filter_map(|folder| case.index().find(folder.as_bytes())));
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        for path in case.index().children(folder) {
            let name = String::from_utf8_lossy(case.index().name(path)).into_owned();
            let Some((live, state)) = program_at(case, path) else { continue };
            let fact = case.merged.fact(live);
            if let Some(Kind::Elf(elf)) = fact.and_then(|fact| fact.program.as_ref())
                && elf.busybox.is_some()
            {
                if state == State::Live {
                    busyboxes.entry(live.entry).or_insert((live, path));
                }
                continue;
            }
            let Some((known, rule)) = names(&name).find_map(|name| Some((name, *by_name.get(name)?))) else { continue };
            if rule.id == "RSK-MINER" && !is_mining(fact.and_then(|fact| fact.program.as_ref())) && known.len() < 5 {
                continue;
            }
            // One file under several known names is one program of each kind.
            let key = (live.entry, rule.id.clone());
            let program = found.entry(key).or_insert_with(|| Program {
                rule: Arc::clone(rule),
                name: known.to_owned(),
                paths: Vec::new(),
                live,
                state,
                is_on_path: false,
                in_use: usage.of(live.entry).to_vec(),
                is_applet: false,
            });
            program.paths.push(path);
            program.is_on_path |= on_path.contains(&folder);
        }
    }
    let mut all: Vec<Program> = found.into_values().collect();
    for (live, path) in busyboxes.into_values() {
        all.extend(applets(case, usage, live, path, &by_name));
    }
    all
}

/// The rules' programs that a BusyBox is.
fn applets(
    case: &Case<'_>,
    usage: &Usage,
    live: Live,
    path: PathId,
    by_name: &HashMap<&str, &Arc<Rule>>,
) -> Vec<Program> {
    let Some(Kind::Elf(elf)) = case.merged.fact(live).and_then(|fact| fact.program.as_ref()) else { return Vec::new() };
    let applets = elf.busybox.iter().flat_map(|busybox| &busybox.applets);
    applets
        .filter_map(|applet| {
            Some(Program {
                rule: Arc::clone(by_name.get(applet.as_str())?),
                name: applet.clone(),
                paths: vec![path],
                live,
                state: State::Live,
                is_on_path: true,
                in_use: usage.of(live.entry).to_vec(),
                is_applet: true,
            })
        })
        .collect()
}

/// The file of a program that stands at a path, or that stood there and is still shipped.
fn program_at(case: &Case<'_>, path: PathId) -> Option<(Live, State)> {
    let index = case.index();
    if let Some(live) = case.merged.at(path) {
        let live = match index.symlink_target(index.entry(live.entry)) {
            Some(_) => case.merged.resolve(&index.path(path))?.live,
            None => live,
        };
        let file = case.merged.file(live)?;
        return (case.merged.mode(live) & 0o111 != 0 && index.entry(file.entry).size > 0)
            .then_some((file, State::Live));
    }
    // The newest of those that are gone.
    let gone = index.entries_of(path).filter_map(|id| {
        let entry = index.entry(id);
        let layer = *case.subject.stack.layers_of(entry.slot).last()?;
        let is_program = entry.kind == index::Kind::File && entry.size > 0 && index.attrs(entry).mode & 0o111 != 0;
        is_program.then_some(Live { layer, entry: id })
    });
    let live = gone.max_by_key(|live| live.layer)?;
    match case.account.fate(live.entry, live.layer) {
        Fate::Deleted { .. } => Some((live, State::Deleted)),
        Fate::Visible | Fate::Replaced { .. } | Fate::Rewritten { .. } => None,
    }
}

fn is_mining(program: Option<&Kind>) -> bool {
    matches!(program, Some(Kind::Elf(elf)) if elf.is_mining)
}

/// What Debian's alternatives and diversions put behind a name.
const ENDS: [&str; 10] =
    [".basic", ".tiny", ".gtk3", ".nox", ".openbsd", ".traditional", ".distrib", ".real", "-legacy", "-nft"];

/// A name as it is, then without what distributions add: `x86_64-linux-gnu-gcc-12` is `gcc`.
pub fn names(name: &str) -> impl Iterator<Item = &str> {
    let bare = name.strip_suffix(".exe").unwrap_or(name);
    let bare = match bare.find("-linux-gnu") {
        Some(at) => bare[at + "-linux-gnu".len()..].trim_start_matches("eabihf").trim_start_matches('-'),
        None => bare,
    };
    let bare = ENDS.iter().find_map(|end| bare.strip_suffix(end)).unwrap_or(bare);
    let versionless = bare.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
    [name, bare, versionless].into_iter().filter(|name| !name.is_empty())
}

/// Findings of programs. What a later layer removed is waste and no risk, so it has none here.
pub fn findings(case: &Case<'_>, programs: &[Program]) -> Vec<Finding> {
    let is_root = runs_as_root(case);
    let unowned = unowned(case);
    let mut found = busyboxes(case, programs, &unowned);
    for program in programs.iter().filter(|program| program.state == State::Live && !program.is_applet) {
        let index = case.index();
        let path = program.paths.iter().copied().min_by_key(|path| {
            let is_link = case.merged.at(*path).is_none_or(|live| live.entry != program.live.entry);
            (is_link, index.path(*path))
        });
        let Some(path) = path else { continue };
        let mut finding = case.about(&program.rule, path, program.live);
        finding.bytes = index.entry(program.live.entry).size;
        finding.in_use.clone_from(&program.in_use);
        describe(case, program, &mut finding);
        let is_grave = matches!(program.rule.column.as_str(), "install" | "escalate" | "remote");
        if is_root && is_grave {
            finding.shift(1, "runs as root");
        }
        if !finding.in_use.is_empty() {
            finding.shift(-1, "in use");
        }
        if !program.is_on_path {
            finding.shift(-1, "not on PATH");
        }
        if unowned.contains(&program.live.entry) {
            finding.shift(1, UNOWNED);
        }
        if case.runtime.is_builder() && matches!(program.rule.column.as_str(), "compile" | "install") {
            finding.shift(-1, "a base for building");
        }
        case.discount(&mut finding);
        found.push(finding);
    }
    together(case, found)
}

/// Takes the bytes of programs that nothing uses, for these can go; what is used is not saved by taking it away.
pub fn claim(case: &Case<'_>, claims: &mut Claims, finding: &mut Finding) {
    let sizes = finding.entries.iter().map(|entry| (*entry, case.index().entry(*entry).size));
    finding.reclaimable = sizes.map(|(entry, size)| claims.take(entry, size, size)).sum();
}

/// What the base brought is told by what can be done with it: nobody takes single programs out of a base. Of what you
/// brought, the programs of one package are one finding: they came with one word and go with it. Of some rules all
/// programs of one instruction are: a compiler is a dozen packages.
fn together(case: &Case<'_>, found: Vec<Finding>) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    let is_owned = |finding: &Finding| {
        finding.entries.first().is_some_and(|entry| case.packages.owner(case.index().entry(*entry).path).is_some())
    };
    for finding in found {
        let is_one = |known: &Finding| match known.origin {
            Origin::Yours if known.rule.per_installation => is_owned(known) == is_owned(&finding),
            Origin::Yours => finding.package.is_some() && known.package == finding.package,
            Origin::Base | Origin::Unknown => known.severity == finding.severity,
        };
        let is_same = |known: &&mut Finding| {
            known.rule.id == finding.rule.id
                && known.origin == finding.origin
                && known.state == finding.state
                && known.layer == finding.layer
                && known.in_use.is_empty() == finding.in_use.is_empty()
                && is_one(known)
        };
        match all.iter_mut().find(is_same) {
            Some(known) => join(case, known, finding),
            None => all.push(finding),
        }
    }
    for finding in all.iter_mut().filter(|finding| finding.origin == Origin::Yours && finding.rule.per_installation) {
        name_members(case, finding);
    }
    all
}

/// Names the programs of one installation in the order of the rule, which begins with what is known best.
fn name_members(case: &Case<'_>, finding: &mut Finding) {
    if finding.entries.len() < 2 {
        return;
    }
    let index = case.index();
    let rule = Arc::clone(&finding.rule);
    let mut members: Vec<(usize, EntryId)> = finding.entries.iter().copied().map(|entry| (usize::MAX, entry)).collect();
    for (place, entry) in &mut members {
        let name = String::from_utf8_lossy(index.name(index.entry(*entry).path)).into_owned();
        let known = names(&name).find_map(|name| rule.names.iter().position(|known| known == name));
        *place = known.unwrap_or(usize::MAX);
    }
    members.sort_unstable_by_key(|(place, entry)| (*place, index.path(index.entry(*entry).path)));
    finding.evidence.clear();
    for (_, entry) in &members {
        let entry = index.entry(*entry);
        let path = index.path(entry.path);
        finding.show("path", format!("/{} ({} bytes)", String::from_utf8_lossy(&path), entry.size));
    }
    finding.about = About::Path(index.entry(members[0].1).path);
    finding.entries = members.into_iter().map(|(_, entry)| entry).collect();
}

/// Makes one finding of two.
fn join(case: &Case<'_>, known: &mut Finding, finding: Finding) {
    let is_of_base = known.origin != Origin::Yours;
    if let (true, About::Path(one), About::Path(other)) = (is_of_base, &known.about, &finding.about) {
        known.about = About::Path(common_folder(case.index(), *one, *other));
    }
    if finding.severity > known.severity {
        (known.severity, known.steps) = (finding.severity, finding.steps);
    }
    known.bytes += finding.bytes;
    known.confidence = known.confidence.min(finding.confidence);
    known.entries.extend(finding.entries);
    known.evidence.extend(finding.evidence.into_iter().filter(|evidence| evidence.kind == "path"));
    known.in_use.extend(finding.in_use);
    if known.package != finding.package {
        known.package = None;
    }
    if is_of_base {
        // The same for every build on this base, whatever order its programs come in.
        let used = if known.in_use.is_empty() { &b"base"[..] } else { b"base, in use" };
        let key = [used, known.severity.word().as_bytes()].concat();
        known.mark(&key);
    } else if let Some(package) = known.package.clone() {
        known.mark(package.as_bytes());
    } else {
        let by = known.layer.and_then(|layer| case.instructions.of(layer));
        let used = if known.in_use.is_empty() { "" } else { "in use " };
        known.mark(format!("{used}{}", by.map(Instruction::line).unwrap_or_default()).as_bytes());
    }
}

fn describe(case: &Case<'_>, program: &Program, finding: &mut Finding) {
    for path in &program.paths {
        let spelled = case.index().path(*path);
        let mut shown = format!("/{}", String::from_utf8_lossy(&spelled));
        let link = case.merged.at(*path).and_then(|live| case.index().symlink_target(case.index().entry(live.entry)));
        if let Some(target) = link {
            shown = format!("{shown} -> {}", String::from_utf8_lossy(target));
        }
        finding.show("path", shown);
    }
    let fact = case.merged.fact(program.live).and_then(|fact| fact.program.as_ref());
    finding.confidence = match fact {
        Some(Kind::Elf(elf)) => {
            finding.show("content", format!("ELF, {} bit, {}", elf.bits, linkage(elf)));
            if elf.is_mining {
                finding.show("content", "speaks the protocol of mining pools");
            }
            Confidence::High
        }
        Some(Kind::Script(text)) => {
            let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
            finding.show("content", String::from_utf8_lossy(&first[..first.len().min(80)]));
            Confidence::Medium
        }
        Some(Kind::Other) => Confidence::Low,
        None => Confidence::Medium,
    };
    // Contents that are no program do not have to be one because of a name.
    if finding.confidence == Confidence::Low {
        finding.shift(-1, "neither ELF nor script");
    }
}

fn linkage(elf: &Elf) -> String {
    elf.interpreter.as_ref().map_or_else(|| "static".to_owned(), |interpreter| format!("loaded by {interpreter}"))
}

/// One finding for each BusyBox, with what of it an attacker wants.
fn busyboxes(case: &Case<'_>, programs: &[Program], unowned: &HashSet<EntryId>) -> Vec<Finding> {
    let Some(rule) = case.rule("RSK-BUSYBOX") else { return Vec::new() };
    let mut by_file: BTreeMap<EntryId, Vec<&Program>> = BTreeMap::new();
    for program in programs.iter().filter(|program| program.is_applet) {
        by_file.entry(program.live.entry).or_default().push(program);
    }
    let mut found = Vec::new();
    for applets in by_file.into_values() {
        let first = applets[0];
        let mut finding = case.about(&rule, first.paths[0], first.live);
        finding.bytes = case.index().entry(first.live.entry).size;
        finding.confidence = Confidence::Exact;
        finding.in_use.clone_from(&first.in_use);
        if let Some(Kind::Elf(elf)) = case.merged.fact(first.live).and_then(|fact| fact.program.as_ref())
            && let Some(busybox) = &elf.busybox
        {
            finding.show("content", format!("BusyBox {} with {} applets", busybox.version, busybox.applets.len()));
        }
        let names: Vec<&str> = applets.iter().map(|applet| applet.name.as_str()).collect();
        finding.show("content", format!("runs by name: {}", names.join(" ")));
        if applets.iter().any(|applet| matches!(applet.rule.column.as_str(), "fetch" | "exfiltrate" | "remote")) {
            finding.shift(1, "fetches and sends");
        }
        if unowned.contains(&first.live.entry) {
            finding.shift(1, UNOWNED);
        }
        case.discount(&mut finding);
        found.push(finding);
    }
    found
}

/// Why a program that came past the package manager matters more.
const UNOWNED: &str = "no package owns it";

/// The files of programs that no package owns.
fn unowned(case: &Case<'_>) -> HashSet<EntryId> {
    let file = |path: PathId| Some(case.merged.file(case.merged.at(path)?)?.entry);
    case.packages.payload.programs.iter().filter_map(|program| file(program.path)).collect()
}

/// What `/bin/sh` is, as its path in the end.
#[must_use]
pub fn shell(case: &Case<'_>) -> Option<Vec<u8>> {
    let found = case.merged.resolve(b"bin/sh")?;
    (found.path != Index::ROOT).then(|| case.index().path(found.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_rule_is_found_and_no_longer_one() {
        let rules = crate::analysis::rules::Rules::built_in().unwrap();
        let known: Vec<&str> = rules.own().iter().flat_map(|rule| rule.names.iter().map(String::as_str)).collect();
        for name in &known {
            assert!(names(name).any(|found| found == *name), "{name}");
            let longer = format!("{name}-helper");
            assert!(names(&longer).all(|found| !known.contains(&found)), "{longer}");
            assert_eq!(known.iter().filter(|other| *other == name).count(), 1, "{name} is in two rules");
        }
    }

    #[test]
    fn names_lose_version_platform_and_alternative() {
        let last = |name: &'static str| names(name).last().unwrap();
        for (name, wanted) in [
            ("x86_64-linux-gnu-gcc-12", "gcc"),
            ("python3.12", "python"),
            ("vim.basic", "vim"),
            ("nc.openbsd", "nc"),
            ("perl5.36.0", "perl"),
            ("wget", "wget"),
            ("iptables-nft", "iptables"),
            ("pip3", "pip"),
            ("python3-config", "python3-config"),
            ("gcc-ar-12", "gcc-ar"),
        ] {
            assert_eq!(last(name), wanted);
        }
        assert!(names("wget2").any(|name| name == "wget2"));
    }
}
