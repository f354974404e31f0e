//! Archives that lie beside what was in them, proven by their members where these can be read.

use std::collections::HashMap;

use crate::analysis::case::{Case, common_folder};
use crate::analysis::content::is_archive;
use crate::analysis::efficiency::visible_files;
use crate::index::walk::Live;
use crate::index::{EntryId, PathId};

/// The files of an image that may be members of one of its archives.
pub struct Unpacked<'c> {
    /// By name and size.
    files: HashMap<(&'c [u8], u64), Vec<EntryId>>,
}

impl<'c> Unpacked<'c> {
    /// Looks for the members of all archives at once.
    pub fn new(case: &Case<'c>) -> Self {
        let mut files: HashMap<(&[u8], u64), Vec<EntryId>> = HashMap::new();
        let gathered = case.subject.gathered;
        let slots = case.subject.stack.slots().iter().flatten();
        for (_, fact) in slots.flat_map(|slot| gathered.facts_in(*slot)) {
            files.extend(fact.members.iter().map(|member| ((&*member.name, member.size), Vec::new())));
        }
        if !files.is_empty() {
            let index = case.index();
            for live in visible_files(index, case.subject.stack, case.account) {
                let entry = index.entry(live.entry);
                if let Some(found) = files.get_mut(&(index.name(entry.path), entry.size)) {
                    found.push(live.entry);
                }
            }
        }
        Self { files }
    }

    /// What shows that an archive lies unpacked in the image as well; `None` where nothing does.
    pub fn what(&self, case: &Case<'_>, archive: Live) -> Option<String> {
        let index = case.index();
        let name = index.name(index.entry(archive.entry).path);
        if name.ends_with(b".deb") || name.ends_with(b".rpm") {
            return installed(case, name);
        }
        let members = case.merged.fact(archive).map_or(&[][..], |fact| &fact.members);
        if members.is_empty() {
            let folder = beside(case, index.entry(archive.entry).path, name)?;
            let why = if is_archive(name) { "cannot be read" } else { "are packed in a way that is not read" };
            let folder = index.path(folder);
            return Some(format!("its members {why}; /{} has its name", String::from_utf8_lossy(&folder)));
        }
        let (mut all, mut there, mut count) = (0, 0, 0);
        let mut place: Option<PathId> = None;
        for member in members {
            all += member.size;
            let files = self.files.get(&(&*member.name, member.size)).into_iter().flatten();
            let is_it = |file: &&EntryId| {
                let is_equal = |own| index.is_content(index.entry(**file), own);
                **file != archive.entry && member.content.and_then(is_equal).unwrap_or(true)
            };
            // Of several that fit the nearest to what was found already.
            let found = files.filter(is_it).map(|file| index.entry(*file).path).min_by_key(|path| {
                let depth = |path: PathId| index.lineage(path).count();
                std::cmp::Reverse(place.map_or(0, |place| depth(common_folder(index, place, *path))))
            });
            if let Some(found) = found {
                there += member.size;
                count += 1;
                place = Some(place.map_or(found, |place| common_folder(index, place, found)));
            }
        }
        let folder = index.path(place.filter(|_| there * 2 >= all)?);
        let whole = if count == members.len() { "all".to_owned() } else { format!("{count} of {}", members.len()) };
        Some(format!("{whole} files that were looked at in it are unpacked in /{}", String::from_utf8_lossy(&folder)))
    }
}

/// The package of a `.deb` or `.rpm`, if it is installed.
fn installed(case: &Case<'_>, file: &[u8]) -> Option<String> {
    let file = String::from_utf8_lossy(file);
    let stem = file.rsplit_once('.')?.0;
    let is_it = |name: &str, version: &str| {
        // `curl_7.88.1-10%2bdeb12u5_amd64.deb`, `curl-8.6.0-8.fc40.x86_64.rpm`; epochs stand in no file name.
        let version = version.split_once(':').map_or(version, |(_, version)| version);
        let stem = stem.replace("%2b", "+").replace("%3a", ":");
        let rest = stem.strip_prefix(name).and_then(|rest| rest.strip_prefix(['_', '-']));
        rest.is_some_and(|rest| rest.split_once(':').map_or(rest, |(_, rest)| rest).starts_with(version))
    };
    let mut packages = case.packages.all().iter().filter(|package| package.is_installed() && package.kind.is_system());
    let package = packages.find(|package| is_it(&package.record.name, &package.record.version))?;
    Some(format!("{} {} is installed", package.record.name, package.record.version))
}

/// A folder beside an archive that has its name.
fn beside(case: &Case<'_>, path: PathId, name: &[u8]) -> Option<PathId> {
    let stem = [&b".tar.gz"[..], b".tar.xz", b".tar.bz2", b".tar.zst", b".tgz", b".tar", b".zip"]
        .iter()
        .find_map(|end| name.strip_suffix(*end))?;
    let is_its =
        |child: &[u8]| child == stem || (child.len() >= 3 && stem.starts_with(child) && stem[child.len()] == b'-');
    let mut children = case.merged.children(case.index().parent(path)?);
    children.find(|(child, _)| is_its(case.index().name(*child))).map(|(child, _)| child)
}
