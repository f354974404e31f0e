//! Secrets that a command, a variable or a label says, and what may be shown of such a text. A secret is told as a
//! finding, and never by the way.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Reverse;

use super::Scanner;
use super::names::{Worth, is_secret_name, worth};
use super::redact;
use crate::analysis::instructions::{Instruction, commands, pairs};
use crate::image::{Layer, bare_command};
use crate::units::printable;

/// Secrets in a command, each as it stands there: tokens, what follows the flags that take a password, what is given to
/// a name that says so, and what is written into a file of secrets.
pub(super) fn in_command(scanner: &mut Scanner, text: &str) -> Vec<Vec<u8>> {
    let mut secrets: Vec<_> = scanner.in_text(text.as_bytes()).into_iter().map(|found| found.secret).collect();
    for command in commands(text) {
        let into = command.iter().enumerate().find_map(|(at, word)| match word.trim_start_matches('>') {
            "" => command.get(at + 1).map(String::as_str),
            file => Some(file).filter(|_| word.starts_with('>')),
        });
        if let Some(file) = into {
            let file = file.trim_start_matches(['~', '/']);
            let written = if text.contains("<<") { text.to_owned() } else { command.join("\n") };
            let found = scanner.in_file(file.as_bytes(), written.as_bytes());
            secrets.extend(found.into_iter().map(|found| found.secret));
        }
        let program = command.first().map_or("", |name| name.rsplit('/').next().unwrap_or_default());
        for (place, word) in command.iter().enumerate() {
            let value = match (program, word.as_str()) {
                ("curl", "-u" | "--user") => {
                    command.get(place + 1).and_then(|next| next.split_once(':')).map(|(_, password)| password)
                }
                ("sshpass" | "docker" | "podman" | "skopeo" | "az" | "mysql" | "psql", "-p" | "--password") => {
                    command.get(place + 1).map(String::as_str)
                }
                (_, word) => match word.split_once('=') {
                    Some((name, value)) if is_secret_name(name.trim_start_matches('-')) => Some(value),
                    _ => None,
                },
            };
            let value = value.filter(|value| worth(value) == Worth::Secret && !value.contains('$'));
            secrets.extend(value.map(|value| value.as_bytes().to_vec()));
        }
    }
    secrets
}

/// Secrets in the value of a name.
fn in_pair(scanner: &Scanner, name: &str, value: &str) -> Vec<Vec<u8>> {
    if is_secret_name(name) && worth(value) == Worth::Secret {
        return vec![value.trim().trim_matches(['"', '\'']).as_bytes().to_vec()];
    }
    scanner.in_text(value.as_bytes()).into_iter().map(|found| found.secret).collect()
}

thread_local! {
    static SCANNER: RefCell<Scanner> = RefCell::new(Scanner::new());
}

/// A command of the history as it may be shown: secrets in it are redacted.
#[must_use]
pub fn shown(created_by: &str) -> Cow<'_, str> {
    SCANNER.with_borrow_mut(|scanner| {
        let Instruction { keyword, text, arguments, .. } = Instruction::read(created_by);
        let mut secrets = in_command(scanner, &text);
        let set = if matches!(keyword.as_str(), "ENV" | "ARG" | "LABEL") { pairs(&text) } else { Vec::new() };
        for (name, value) in arguments.iter().chain(&set) {
            secrets.extend(in_pair(scanner, name, value));
        }
        without(created_by, secrets)
    })
}

/// The command that made a layer, without what builders put around it, on one line and as it may be shown.
#[must_use]
pub fn shown_command(layer: &Layer) -> String {
    let Some(step) = &layer.step else { return "(not recorded)".into() };
    let shown = shown(&step.created_by);
    let words: Vec<_> = bare_command(&shown).split_whitespace().collect();
    if words.is_empty() { "(no command)".into() } else { printable(words.join(" ").as_bytes()).into_owned() }
}

/// The value of a variable or a label as it may be shown.
#[must_use]
pub fn shown_value<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    SCANNER.with_borrow(|scanner| without(value, in_pair(scanner, name, value)))
}

fn without(text: &str, mut secrets: Vec<Vec<u8>>) -> Cow<'_, str> {
    // One may be part of another.
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    secrets.iter().filter(|secret| !secret.is_empty()).fold(Cow::Borrowed(text), |text, secret| {
        let plain = String::from_utf8_lossy(secret);
        if text.contains(&*plain) { text.replace(&*plain, &redact(secret)).into() } else { text }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_no_secret_and_all_else() {
        let token = format!("ghp_{}", "h7Gk2pQ9xR4mT1vZb3Nc8Wd5Yf6JsLa0EuKo");
        for (text, secret) in [
            ("|2 TOKEN=hunter two 22 A=b /bin/sh -c make all".into(), "hunter two 22"),
            (format!("RUN |1 NPM={token} /bin/sh -c npm ci # buildkit"), token.as_str()),
            ("/bin/sh -c #(nop) ENV API_KEY=correct horse battery".into(), "correct horse battery"),
            ("ENV DB_PASSWORD=correct-horse-battery LANG=C".into(), "correct-horse-battery"),
            ("RUN /bin/sh -c curl -u joe:correcthorse https://a.example # buildkit".into(), "correcthorse"),
            (format!("LABEL note=\"{token}\""), token.as_str()),
            ("RUN /bin/sh -c echo //registry.npmjs.org/:_authToken=abcdefgh1234 > /root/.npmrc".into(), "abcdefgh1234"),
        ] {
            let shown = shown(&text);
            assert!(text.contains(secret) && !shown.contains(secret), "{shown}");
            let (before, behind) = text.split_once(secret).unwrap();
            assert!(shown.starts_with(before) && shown.ends_with(behind), "{shown}");
        }
        let plain = "RUN /bin/sh -c apt-get install -y curl && TOKEN=$(cat /run/secrets/t) make KEY_FILE=/a # buildkit";
        assert!(matches!(shown(plain), Cow::Borrowed(_)));
        assert_eq!(shown_value("PATH", "/usr/bin:/bin"), "/usr/bin:/bin");
        assert_eq!(shown_value("DB_PASSWORD", "correct horse battery"), redact(b"correct horse battery"));
        assert_eq!(shown_value("NOTE", &format!("see {token}")), format!("see {}", redact(token.as_bytes())));
    }
}
