//! Whether an analysis tells each thing once: no entry of a layer stands in two findings, unless these are two facts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use layerscope::analysis::Analysis;
use layerscope::analysis::efficiency::Fate;
use layerscope::analysis::finding::{Category, Finding};
use layerscope::analysis::rules::Rules;
use layerscope::index::{EntryId, Kind};
use layerscope::session::{self, Options, Progress};
use layerscope::source::reference::Reference;

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::built_in().unwrap());

/// Pairs of rules that may tell the same entry of the same layer, by how their names begin, and why these are two facts
/// with two fixes.
const TWO_FACTS: [(&str, &str, &str); 10] = [
    ("SEC-", "SEC-", "each secret of a file is rotated by itself; that these are two is looked at below"),
    ("RSK-SETID", "RSK-", "a right of a file goes by chmod, whatever the file can do stays"),
    ("RSK-CAPABILITY", "RSK-", "a right of a file goes by setcap, whatever the file can do stays"),
    ("RSK-WORLD-WRITABLE", "RSK-", "who may write a file is mended by chmod, whatever the file can do stays"),
    ("RSK-SETID", "WST-", "a right is a risk whatever its file weighs"),
    ("RSK-", "WST-RECOMMENDS", "what a program can do is a risk, that its whole package came unasked is waste"),
    ("RSK-", "WST-AUTOREMOVE", "what a program can do is a risk, that nothing needs its package is waste"),
    ("RSK-", "WST-DEBUG-ELF", "symbols are stripped from what stays"),
    ("RSK-UID0-ALIAS", "RSK-DUPLICATE-UID", "two accounts of one file"),
    ("RSK-EMPTY-PASSWORD", "RSK-PASSWORD-HASH", "two accounts of one file"),
];

fn are_two_facts(one: &Finding, other: &Finding) -> bool {
    let begins = |(first, second, _): &&(&str, &str, &str)| {
        let is = |one: &Finding, other: &Finding| one.rule.id.starts_with(first) && other.rule.id.starts_with(second);
        is(one, other) || is(other, one)
    };
    let is_secret = |finding: &Finding| finding.rule.category == Category::Secret;
    // Two secrets show each what it is; a file that is told for its name shows none.
    let differ = || one.evidence != other.evidence && [one, other].iter().all(|one| one.evidence[0].kind == "content");
    TWO_FACTS.iter().any(|pair| begins(&pair)) && (!(is_secret(one) && is_secret(other)) || differ())
}

/// What an archive's analysis tells twice, as `RULE + RULE: /path in layer N`, and hidden bytes that it does not tell.
pub fn faults(archive: &Path) -> Vec<String> {
    let reference = Reference::Archive { path: archive.to_owned(), image: None };
    let loaded = session::open(&reference, "x", &Options::default(), &Arc::new(Progress::default())).unwrap();
    let analysis = Analysis::new(loaded.subject(&RULES));
    let index = &loaded.index;
    let mut told: HashMap<EntryId, Vec<&Finding>> = HashMap::new();
    for finding in &analysis.findings {
        let once: BTreeSet<EntryId> = finding.entries.iter().copied().collect();
        // A blob that is two layers has its entries in both.
        for entry in once.into_iter().filter(|entry| loaded.stack.layers_of(index.entry(*entry).slot).len() == 1) {
            told.entry(entry).or_default().push(finding);
        }
    }
    let mut wrong = BTreeSet::new();
    for (entry, findings) in &told {
        let path = index.path(index.entry(*entry).path);
        let layer = loaded.stack.layers_of(index.entry(*entry).slot)[0];
        for (place, one) in findings.iter().enumerate() {
            for other in findings[place + 1..].iter().filter(|other| !are_two_facts(one, other)) {
                let (one, other) = (one.rule.id.as_str().min(&other.rule.id), one.rule.id.as_str().max(&other.rule.id));
                wrong.insert(format!("{one} + {other}: /{} in layer {layer}", String::from_utf8_lossy(&path)));
            }
        }
    }
    // Every hidden byte has its cause.
    let all: HashSet<EntryId> = analysis.findings.iter().flat_map(|finding| finding.entries.iter().copied()).collect();
    for (layer, slot) in (0_u32..).zip(loaded.stack.slots()) {
        for entry in slot.iter().flat_map(|slot| index.entries_in(*slot)) {
            let record = index.entry(entry);
            let is_hidden = record.kind == Kind::File && record.size > 0;
            let is_hidden = is_hidden && analysis.account.fate(entry, layer) != Fate::Visible;
            if is_hidden && !all.contains(&entry) {
                let path = index.path(record.path);
                wrong.insert(format!("hidden, and not told: /{} in layer {layer}", String::from_utf8_lossy(&path)));
            }
        }
    }
    wrong.into_iter().collect()
}
