//! Who may log in and become whom: passwd(5), shadow(5), sudoers(5), authorized keys, the preloaded library and PATH.

use crate::analysis::case::Case;
use crate::analysis::finding::{About, Confidence, Evidence, Finding};
use crate::index::PathId;
use crate::index::walk::Live;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The second field: empty where no password is needed.
    pub password: String,
}

/// All accounts of the image.
pub fn users(case: &Case<'_>) -> Vec<Account> {
    let text = case.merged.text("etc/passwd").unwrap_or_default();
    String::from_utf8_lossy(text).lines().filter_map(account).collect()
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let (name, password, uid) = (fields.next()?, fields.next()?, fields.next()?);
    fields.next()?;
    Some(Account { name: name.to_owned(), uid: uid.parse().ok()?, password: password.to_owned() })
}

/// All findings about accounts.
pub fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let users = users(case);
    for user in users.iter().filter(|user| user.uid == 0 && user.name != "root") {
        found.extend(about(case, "RSK-UID0-ALIAS", "etc/passwd", &user.name, format!("{} has uid 0", user.name)));
    }
    for (place, user) in users.iter().enumerate().filter(|(_, user)| user.uid != 0) {
        if let Some(other) = users[..place].iter().find(|other| other.uid == user.uid) {
            let text = format!("{} and {} have uid {}", other.name, user.name, user.uid);
            found.extend(about(case, "RSK-DUPLICATE-UID", "etc/passwd", &user.name, text));
        }
    }
    for user in users.iter().filter(|user| user.password.is_empty()) {
        found.extend(about(case, "RSK-EMPTY-PASSWORD", "etc/passwd", &user.name, format!("{} needs none", user.name)));
    }
    let shadow = case.merged.text("etc/shadow").unwrap_or_default();
    for line in String::from_utf8_lossy(shadow).lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(password)) = (fields.next().filter(|name| !name.is_empty()), fields.next()) else {
            continue;
        };
        if password.is_empty() {
            found.extend(about(case, "RSK-EMPTY-PASSWORD", "etc/shadow", name, format!("{name} needs none")));
        } else if password.starts_with('$') || password.starts_with('_') {
            let scheme = password.split('$').nth(1).unwrap_or("DES");
            let text = format!("{name} has one, hashed by scheme {scheme}");
            found.extend(about(case, "RSK-PASSWORD-HASH", "etc/shadow", name, text));
        }
    }
    for (path, live, _) in case.merged.all() {
        // Few are called so or lie there; only their whole paths are worth spelling.
        let above = case.index().parent(path).map_or(&b""[..], |folder| case.index().name(folder));
        match case.index().name(path) {
            b"authorized_keys" if above == b".ssh" => found.extend(authorized_keys(case, path, live)),
            name if name == b"sudoers" || above == b"sudoers.d" => {
                let spelled = case.index().path(path);
                if spelled == b"etc/sudoers" || spelled.starts_with(b"etc/sudoers.d/") {
                    found.extend(sudoers(case, path, live));
                }
            }
            _ => {}
        }
    }
    found.extend(preload(case));
    found.extend(path(case));
    found
}

/// A finding about a line of a file.
fn about(case: &Case<'_>, rule: &str, file: &str, key: &str, text: String) -> Option<Finding> {
    let found = case.merged.resolve(file.as_bytes())?;
    let mut finding = case.about(&case.rule(rule)?, found.path, found.live);
    finding.confidence = Confidence::Exact;
    finding.show("content", text);
    finding.mark(format!("{file}\0{key}").as_bytes());
    case.discount(&mut finding);
    Some(finding)
}

fn sudoers(case: &Case<'_>, path: PathId, live: Live) -> Option<Finding> {
    let text = String::from_utf8_lossy(case.merged.fact(live)?.whole.as_deref()?).into_owned();
    let grants = |line: &&str| {
        let rule = line.split('#').next().unwrap_or_default();
        rule.contains("NOPASSWD:") || rule.contains("!authenticate")
    };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(grants).collect();
    let first = lines.first()?;
    let mut finding = case.about(&case.rule("RSK-SUDOERS")?, path, live);
    finding.confidence = Confidence::Exact;
    finding.show("content", *first);
    case.discount(&mut finding);
    Some(finding)
}

fn authorized_keys(case: &Case<'_>, path: PathId, live: Live) -> Option<Finding> {
    let text = String::from_utf8_lossy(case.merged.fact(live)?.whole.as_deref()?).into_owned();
    let keys: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut finding = case.about(&case.rule("RSK-AUTHORIZED-KEYS")?, path, live);
    finding.confidence = Confidence::Exact;
    // The comment behind a key says whose it is.
    for key in keys.iter().take(5) {
        let mut words = key.split_whitespace();
        let (kind, last) = (words.next().unwrap_or_default(), words.next_back().unwrap_or_default());
        let whose = if last.len() < 64 { last } else { "without a name" };
        finding.evidence.push(Evidence { kind: "content", text: format!("{kind} {whose}") });
    }
    case.discount(&mut finding);
    (!keys.is_empty()).then_some(finding)
}

fn preload(case: &Case<'_>) -> Option<Finding> {
    let variable = case.runtime.environment().into_iter().find(|(name, _)| *name == "LD_PRELOAD");
    if let Some((_, value)) = variable.filter(|(_, value)| !value.is_empty()) {
        let mut finding = Finding::new(&case.rule("RSK-LD-PRELOAD")?, About::Config("Env LD_PRELOAD".to_owned()));
        finding.show("config", format!("LD_PRELOAD={value}"));
        finding.mark(b"Env");
        return Some(finding);
    }
    let text = case.merged.text("etc/ld.so.preload")?;
    let text = String::from_utf8_lossy(text).trim().to_owned();
    (!text.is_empty()).then(|| about(case, "RSK-LD-PRELOAD", "etc/ld.so.preload", "", text)).flatten()
}

/// Folders of PATH into which others may put programs.
fn path(case: &Case<'_>) -> Option<Finding> {
    let is_open = |folder: &str| {
        case.merged.resolve(folder.as_bytes()).is_some_and(|found| case.merged.mode(found.live) & 0o002 != 0)
    };
    let bad = case.runtime.path().into_iter().find(|folder| !folder.starts_with('/') || is_open(folder))?;
    let mut finding = Finding::new(&case.rule("RSK-PATH")?, About::Config("Env PATH".to_owned()));
    let shown = if bad.is_empty() { "an empty part, which means the working folder" } else { bad };
    finding.show("config", shown);
    finding.mark(b"Env PATH");
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_and_broken_lines_are_not() {
        let read = account("www:x:33:33:www:/var/www:/bin/sh").unwrap();
        assert_eq!((read.name.as_str(), read.uid, read.password.as_str()), ("www", 33, "x"));
        assert_eq!(account("toor::0:0:root:/root:/bin/sh").unwrap().password, "");
        for broken in ["", "a", "a:b", "a:b:c:d", "a:b:1"] {
            assert_eq!(account(broken), None, "{broken}");
        }
    }
}
