//! What changed in a file between two layers: its lines against those of the version before, or where its bytes part.

use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;

use super::app::{App, Effect};
use super::list::Cursor;
use super::magic;
use super::preview::{Body, Slot, Work};
use super::theme::Role;
use crate::index::walk::{Live, story_of};
use crate::session::contents::Piece;
use crate::units::{bytes, count, printable};

/// Lines around a change that do not change.
const AROUND: usize = 3;

/// How long the shortest difference is sought; what is found by then is a difference all the same.
const PATIENCE: Duration = Duration::from_millis(300);

/// What is shown of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Nothing yet.
    Reading,
    /// Why there is none.
    Failed(String),
    /// Lines, each with its look, safe to show.
    Lines(Vec<(Role, String)>),
}

impl App {
    /// Shows what changed since the version before, or the contents again.
    pub(super) fn toggle_difference(&mut self) -> Vec<Effect> {
        let (Some(image), Some(preview)) = (&self.image, &mut self.inside.preview) else { return Vec::new() };
        preview.cursor = Cursor::default();
        if preview.difference.take().is_some() {
            return Vec::new();
        }
        let why = match &preview.body {
            Body::Contents(..) => None,
            Body::Reading => Some("one moment: the file is still being read"),
            Body::Failed(_) | Body::Words(_) => Some("there are no contents to compare"),
        };
        let before = before(&story_of(&image.loaded.index, &image.loaded.stack, preview.path), preview.live);
        match (why, before) {
            (Some(why), _) => self.notice = Some(why.into()),
            (None, None) => self.notice = Some("no lower layer has a version of this file".into()),
            (None, Some(before)) => {
                preview.difference = Some(Difference::Reading);
                let after = preview.live;
                return vec![Effect::Begin(Work::Compare(self.inside.next(Slot::Read), before, after))];
            }
        }
        Vec::new()
    }
}

/// The version of a file below one of its versions, also one that was removed in between.
fn before(story: &[crate::index::walk::Event], live: Live) -> Option<Live> {
    let mut below = story.iter().rev().filter(|event| event.layer < live.layer);
    below.find_map(|event| event.entry.map(|entry| Live { layer: event.layer, entry }))
}

/// The difference between two versions of a file, with the layers that have them.
#[must_use]
pub fn difference((old_layer, old): (u32, &Piece), (new_layer, new): (u32, &Piece)) -> Difference {
    let mut lines = vec![
        (Role::Removed, format!("--- layer {old_layer}   {}", bytes(old.size))),
        (Role::Added, format!("+++ layer {new_layer}   {}", bytes(new.size))),
    ];
    if !old.is_whole() || !new.is_whole() {
        let first = bytes(old.bytes.len().max(new.bytes.len()) as u64);
        lines.push((Role::Dim, format!("only the first {first} are compared")));
    }
    if old.bytes == new.bytes {
        let same = if old.size == new.size { "the contents are the same" } else { "what is compared is the same" };
        lines.push((Role::Dim, same.to_owned()));
    } else if magic::is_text(&old.bytes) && magic::is_text(&new.bytes) {
        text(&old.bytes, &new.bytes, &mut lines);
    } else {
        let common = old.bytes.iter().zip(&new.bytes).take_while(|(one, other)| one == other).count();
        lines.push((Role::Text, format!("{} before, {} now", magic::words(old), magic::words(new))));
        lines.push((Role::Text, format!("the bytes part at {common:#x} ({})", count(common as u64))));
    }
    Difference::Lines(lines)
}

fn text(old: &[u8], new: &[u8], lines: &mut Vec<(Role, String)>) {
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_lines(old, new);
    for group in diff.grouped_ops(AROUND) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let place = format!("@@ -{},{} +{},{} @@", old.start + 1, old.len(), new.start + 1, new.len());
        lines.push((Role::Key, place));
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (sign, role) = match change.tag() {
                ChangeTag::Equal => (' ', Role::Dim),
                ChangeTag::Delete => ('-', Role::Removed),
                ChangeTag::Insert => ('+', Role::Added),
            };
            let line: &[u8] = change.value();
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            lines.push((role, format!("{sign}{}", printable(line).replace("\\t", "    "))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(bytes: &[u8]) -> Piece {
        Piece { bytes: bytes.to_vec(), size: bytes.len() as u64 }
    }

    fn told(old: &[u8], new: &[u8]) -> Vec<String> {
        let Difference::Lines(lines) = difference((1, &piece(old)), (3, &piece(new))) else { panic!("no lines") };
        lines.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn lines_that_change_stand_among_those_that_do_not() {
        let lines = told(b"a\nb\nc\nd\ne\nf\n", b"a\nb\nc\nD\x1b\ne\nf\n");
        assert_eq!(lines[2..], ["@@ -1,6 +1,6 @@", " a", " b", " c", "-d", "+D\\u{1b}", " e", " f"]);
        assert_eq!(told(b"a", b"a")[2], "the contents are the same");
    }

    #[test]
    fn of_bytes_the_place_is_told() {
        let lines = told(b"\0\0\0\x01", b"\0\0\0\x02");
        assert_eq!(lines[2..], ["binary before, binary now", "the bytes part at 0x3 (3)"]);
        let begun = Piece { bytes: b"x".to_vec(), size: 9 };
        let Difference::Lines(lines) = difference((0, &begun), (1, &piece(b"x"))) else { panic!("no lines") };
        assert_eq!(lines[2].1, "only the first 1 B are compared");
        assert_eq!(lines[3].1, "what is compared is the same");
    }
}
