//! A page of facts over the screen: a layer with its whole command, or what happened to a path. Words are made when it
//! is opened, and again when more is known; the pane breaks them to its width.

use super::Explored;
use super::app::App;
use super::list::Cursor;
use super::pane::files::mode;
use super::theme::Role;
use super::{findings, packages};
use crate::analysis::finding::About;
use crate::analysis::secrets::{shown, shown_command};
use crate::image::bare_command;
use crate::index::walk::{Change, Event, story_of};
use crate::index::{Differs, Kind, PathId};
use crate::units::{bytes, count, printable};

/// A page.
#[derive(Debug, Clone)]
pub struct Card {
    /// What it is about.
    pub topic: Topic,
    /// The same in words.
    pub title: String,
    /// Its lines: where text begins when it is broken, and the text.
    pub lines: Vec<CardLine>,
    /// The line at the top is `at`.
    pub cursor: Cursor,
}

/// What a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The chosen layer.
    Layer,
    /// A path.
    Path(PathId),
    /// Something of which all was known when it was opened.
    Known,
}

/// A line of a page.
#[derive(Debug, Clone)]
pub struct CardLine {
    /// Its look.
    pub role: Role,
    /// Columns before the text, and before what of it goes on the next line.
    pub indent: (usize, usize),
    /// The text, safe to show.
    pub text: String,
}

impl CardLine {
    /// A line of text.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { role: Role::Text, indent: (0, 2), text: text.into() }
    }

    /// A name and its value, which is made safe to show.
    pub(super) fn fact(name: &str, value: &str) -> Self {
        Self { role: Role::Text, indent: (0, 14), text: format!("{name:<14}{}", printable(value.as_bytes())) }
    }

    /// The same with another look.
    pub(super) fn looks(self, role: Role) -> Self {
        Self { role, ..self }
    }
}

impl App {
    /// Opens the page of the chosen layer.
    pub(super) fn describe_layer(&mut self) {
        let Some(image) = self.image.as_ref().filter(|image| !image.loaded.layers.is_empty()) else { return };
        self.card = Some(layer_card(image, self.layer));
    }

    /// Opens the page of the chosen path.
    pub(super) fn describe_path(&mut self) {
        let path = self.chosen_path();
        let (Some(image), Some(path)) = (&self.image, path) else { return };
        self.card = Some(path_card(image, path));
    }

    /// Says on the open page what is known by now.
    pub(super) fn renew_card(&mut self) {
        let (Some(image), Some(card)) = (&self.image, &self.card) else { return };
        let made = match card.topic {
            Topic::Layer if self.layer < image.loaded.layers.len() => layer_card(image, self.layer),
            Topic::Path(path) => path_card(image, path),
            Topic::Layer | Topic::Known => return,
        };
        self.card = Some(Card { cursor: card.cursor, ..made });
    }
}

fn layer_card(image: &Explored, place: usize) -> Card {
    let (layer, known) = (&image.loaded.image.layers[place], &image.loaded.layers[place]);
    let (own, changes) = (image.account.layers[place].bytes, image.account.layers[place].changes);
    let mut lines: Vec<CardLine> = Vec::new();
    match &layer.step {
        None => lines.push(CardLine::plain(shown_command(layer)).looks(Role::Dim)),
        Some(step) => lines.extend(broken(&shown(&step.created_by)).into_iter().map(|(indent, text)| CardLine {
            role: Role::Text,
            indent: (indent, indent + 4),
            text: printable(text.as_bytes()).into_owned(),
        })),
    }
    lines.push(CardLine::plain(""));
    if let Some(reason) = &known.failed {
        lines.push(CardLine::fact("not read", reason).looks(Role::Error));
    }
    lines.push(CardLine::fact("ships", &format!("{} ({} B)", bytes(own.shipped), count(own.shipped))));
    // Which it is, contents tell.
    let is_settled = image.loaded.index.is_settled();
    let replaced = if is_settled {
        format!("replaced later {}, stored again {}", bytes(own.replaced), bytes(own.rewritten))
    } else {
        format!("replaced later or stored again {}", bytes(own.replaced.saturating_add(own.rewritten)))
    };
    if own.hidden() > 0 {
        let hidden = format!("{}: deleted later {}, {replaced}", bytes(own.hidden()), bytes(own.deleted));
        lines.push(CardLine::fact("hidden", &hidden).looks(Role::Warn));
    }
    let over = if is_settled {
        format!("changes {}, stores again {}", count(changes.changed), count(changes.rewritten))
    } else {
        format!("changes or stores again {}", count(changes.changed.saturating_add(changes.rewritten)))
    };
    let told = format!("adds {}, {over}, removes {}", count(changes.added), count(changes.removed));
    lines.push(CardLine::fact("does", &told));
    if !is_settled {
        lines.push(CardLine::fact("", "contents are still to be compared").looks(Role::Busy));
    }
    let facts = [
        ("diff id", layer.diff_id.as_deref()),
        ("digest", layer.digest.as_deref()),
        ("media type", layer.media_type.as_deref()),
        ("created", layer.step.as_ref().and_then(|step| step.created.as_deref())),
        ("comment", layer.step.as_ref().and_then(|step| step.comment.as_deref())),
    ];
    lines.extend(facts.iter().filter_map(|(name, value)| Some(CardLine::fact(name, (*value)?))));
    lines.extend(known.notes.iter().map(|note| CardLine::fact("note", note)));
    Card { topic: Topic::Layer, title: format!("Layer {place}"), lines, cursor: Cursor::default() }
}

/// A command in lines, each with its indentation: broken where one step of it ends and where its own lines end.
fn broken(created_by: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    for (place, line) in bare_command(created_by).lines().enumerate() {
        let own = usize::from(place > 0) * 2 + (line.len() - line.trim_start().len());
        for (step, text) in steps(line.trim()).into_iter().enumerate() {
            let again = step > 0;
            lines.push((own + usize::from(again) * 4, text.to_owned()));
        }
    }
    lines
}

/// A line at its `&&` and `||`, those in quotes left alone.
fn steps(line: &str) -> Vec<&str> {
    let (mut steps, mut begin, mut quote, mut before) = (Vec::new(), 0, None, '\0');
    for (place, character) in line.char_indices() {
        match (quote, character) {
            (None, '"' | '\'') if before != '\\' => quote = Some(character),
            (Some(open), _) if open == character && before != '\\' => quote = None,
            (None, '&' | '|') if before == character && place > begin + 1 => {
                steps.push(line[begin..place - 1].trim_end());
                begin = place - 1;
            }
            _ => {}
        }
        before = character;
    }
    steps.push(&line[begin..]);
    steps
}

fn path_card(image: &Explored, path: PathId) -> Card {
    let (index, stack) = (&image.loaded.index, &image.loaded.stack);
    let mut lines = belongs(image, path);
    let facts = lines.len();
    for event in story_of(index, stack, path) {
        let command = image.loaded.image.layers.get(event.layer as usize).map(shown_command).unwrap_or_default();
        let (what, role) = told(&event);
        lines.push(CardLine { role, indent: (0, 10), text: format!("layer {:<4}{what}", event.layer) });
        if let Some(id) = event.entry {
            let entry = index.entry(id);
            let attrs = index.attrs(entry);
            let target = index.symlink_target(entry).map(|target| format!(" → {}", printable(target)));
            let linked = index.hardlink_target(entry).map(|target| format!(" = /{}", printable(&index.path(target))));
            let mut text =
                format!("{} {}:{} {}", mode(entry.kind, attrs.mode), attrs.uid, attrs.gid, bytes(entry.size));
            text.extend(target.into_iter().chain(linked));
            if entry.kind != Kind::Dir && entry.is_superseded() {
                text += "  (listed twice)";
            }
            lines.push(CardLine { role: Role::Text, indent: (10, 10), text });
            let xattrs = index.xattrs(attrs).iter().map(|(name, _)| printable(name).into_owned());
            let xattrs: Vec<_> = xattrs.collect();
            if !xattrs.is_empty() {
                lines.push(CardLine { role: Role::Dim, indent: (10, 10), text: format!("has {}", xattrs.join(", ")) });
            }
        }
        lines.push(CardLine { role: Role::Dim, indent: (10, 12), text: command });
    }
    if lines.len() == facts {
        lines.push(CardLine::plain("no layer lists it: it is only on the way to what they list").looks(Role::Dim));
    }
    let title = format!("/{}", printable(&index.path(path)));
    Card { topic: Topic::Path(path), title, lines, cursor: Cursor::default() }
}

/// Whose a path is, why that is there, and what is wrong with it.
fn belongs(image: &Explored, path: PathId) -> Vec<CardLine> {
    let mut lines = Vec::new();
    if let Some(owner) = image.packages.owner(path) {
        let package = image.packages.get(owner);
        lines.push(CardLine::fact("package", &format!("{} {}", package.kind.name(), packages::named(package))));
        let why = packages::why(image, owner);
        if !why.is_empty() {
            lines.push(CardLine::fact("", &why));
        }
    } else if image.is_whole && !image.packages.all().is_empty() {
        lines.push(CardLine::fact("package", "none owns it"));
    }
    let index = &image.loaded.index;
    for finding in &image.findings {
        let is_about = matches!(finding.about, About::Path(about) if about == path)
            || finding.entries.iter().any(|entry| index.entry(*entry).path == path);
        if is_about {
            let (mark, role) = findings::sign(finding.severity);
            let words = format!("{mark} {}: {}", finding.severity.word(), finding.rule.title);
            lines.push(CardLine::fact("finding", &words).looks(role));
            lines.extend(finding.in_use.iter().map(|why| CardLine::fact("in use", why)));
        }
    }
    if !lines.is_empty() {
        lines.push(CardLine::plain(""));
    }
    lines
}

/// What a layer does to a path, in words.
#[must_use]
pub fn told(event: &Event) -> (String, Role) {
    let words = |differs: Differs| differs.words().collect::<Vec<_>>().join(", ");
    match event.change {
        Change::Added => ("added".into(), Role::Added),
        Change::Changed(differs) if differs.any(Differs::PENDING) => {
            ("stored again; its content is still to be compared".into(), Role::Busy)
        }
        Change::Changed(differs) => (format!("{} changed", words(differs)), Role::Changed),
        Change::Rewritten(differs) if words(differs).is_empty() => {
            ("stored again, nothing differs".into(), Role::Changed)
        }
        Change::Rewritten(differs) => (format!("stored again for its {}", words(differs)), Role::Changed),
        Change::Removed => ("removed".into(), Role::Removed),
        Change::Unchanged => ("listed again".into(), Role::Dim),
        Change::Dangling => ("removed, though it was not there".into(), Role::Dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_broken_where_a_step_ends() {
        let command = "/bin/sh -c apt-get update && apt-get install -y 'a && b' || echo \"x || y\" &&   true";
        let texts: Vec<_> = broken(command).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["apt-get update", "&& apt-get install -y 'a && b'", "|| echo \"x || y\"", "&&   true"]);
        assert_eq!(broken("RUN /bin/sh -c cat <<EOF\n  a\nEOF # buildkit").len(), 3);
        assert_eq!(steps("&&"), ["&&"]);
        assert_eq!(steps(""), [""]);
        assert_eq!(steps("é&&é"), ["é", "&&é"]);
    }
}
