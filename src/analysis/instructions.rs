//! The history of an image as instructions of a Dockerfile. Builders write it in their own ways: the classic builder
//! with `#(nop)`, BuildKit with `# buildkit`, buildah like the classic one; build arguments stand before the command
//! as `|2 A=1 B=2`.

use crate::image::Image;

/// Keywords of a Dockerfile that a history may show, and whether they only describe the image and make no layer
/// (Dockerfile reference). WORKDIR may make one.
const KEYWORDS: [(&str, bool); 17] = [
    ("ADD", false),
    ("ARG", true),
    ("CMD", true),
    ("COPY", false),
    ("ENTRYPOINT", true),
    ("ENV", true),
    ("EXPOSE", true),
    ("HEALTHCHECK", true),
    ("LABEL", true),
    ("MAINTAINER", true),
    ("ONBUILD", true),
    ("RUN", false),
    ("SHELL", true),
    ("STOPSIGNAL", true),
    ("USER", true),
    ("VOLUME", true),
    ("WORKDIR", false),
];

/// Whether what a builder noted of a step says that it describes the image and makes no layer.
#[must_use]
pub fn is_describing(created_by: &str) -> bool {
    let keyword = Instruction::read(created_by).keyword;
    KEYWORDS.contains(&(keyword.as_str(), true))
}

/// Where a shell begins to read its command.
const SHELLS: [&str; 6] =
    ["/bin/sh -c ", "/bin/sh -ec ", "/bin/sh -e -c ", "/bin/bash -c ", "/bin/ash -c ", "/bin/bash -o pipefail -c "];

/// One instruction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instruction {
    /// Its place in the history.
    pub step: usize,
    /// The layer that it made.
    pub layer: Option<u32>,
    /// `RUN`, `COPY` and so on; empty where it cannot be told.
    pub keyword: String,
    /// What follows the keyword; for a command that a shell runs just the command.
    pub text: String,
    /// Build arguments that it was given.
    pub arguments: Vec<(String, String)>,
    /// What the builder notes.
    pub comment: String,
    /// Whether it is written as the classic builder writes what is no command.
    pub is_classic: bool,
}

impl Instruction {
    /// As a line of a Dockerfile.
    #[must_use]
    pub fn line(&self) -> String {
        if self.keyword.is_empty() { self.text.clone() } else { format!("{} {}", self.keyword, self.text) }
    }

    /// Reads a line of the history.
    pub(super) fn read(created_by: &str) -> Self {
        let text = created_by.trim();
        let text = text.strip_suffix("# buildkit").unwrap_or(text).trim();
        if let Some(rest) = text.strip_prefix("/bin/sh -c #(nop)") {
            return Self { is_classic: true, ..Self::keyword(rest.trim()) };
        }
        let is_run = text.starts_with('|') || SHELLS.iter().any(|shell| text.starts_with(shell));
        if is_run { Self::command(text) } else { Self::keyword(text) }
    }

    fn keyword(text: &str) -> Self {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        if word == "RUN" {
            return Self::command(rest.trim());
        }
        if KEYWORDS.iter().any(|(keyword, _)| *keyword == word) {
            return Self { keyword: word.to_owned(), text: rest.trim().to_owned(), ..Self::default() };
        }
        Self { text: text.to_owned(), ..Self::default() }
    }

    fn command(text: &str) -> Self {
        let (arguments, text) = peel(text);
        let bare = SHELLS.iter().find_map(|shell| text.strip_prefix(shell)).unwrap_or(text);
        Self { keyword: "RUN".to_owned(), text: bare.trim().to_owned(), arguments, ..Self::default() }
    }
}

/// Takes `|2 A=1 B=2 ` off a command. Values may hold spaces; the number says how many there are.
fn peel(text: &str) -> (Vec<(String, String)>, &str) {
    let whole = (Vec::new(), text);
    let Some(rest) = text.strip_prefix('|') else { return whole };
    let Some((count, rest)) = rest.split_once(' ') else { return whole };
    let Ok(count) = count.parse::<usize>() else { return whole };
    let Some(end) = SHELLS.iter().filter_map(|shell| rest.find(shell)).min() else { return whole };
    (pairs_of(&rest[..end], count), &rest[end..])
}

/// The `NAME=value` of an instruction that sets some, as the history has it: without quotes, so that a value goes on
/// until the next name.
#[must_use]
pub fn pairs(text: &str) -> Vec<(String, String)> {
    pairs_of(text, usize::MAX)
}

fn pairs_of(text: &str, most: usize) -> Vec<(String, String)> {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let mut pairs: Vec<(String, String)> = Vec::new();
    for word in text.trim_end().split(' ') {
        match word.split_once('=') {
            Some((name, value)) if is_name(name) && pairs.len() < most => {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            _ => {
                if let Some((_, value)) = pairs.last_mut() {
                    value.push(' ');
                    value.push_str(word);
                }
            }
        }
    }
    pairs
}

/// All instructions.
#[derive(Debug, Clone, Default)]
pub struct Instructions {
    /// Oldest first.
    pub all: Vec<Instruction>,
}

impl Instructions {
    /// Reads the history of an image.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        let layers = u32::try_from(image.layers.len()).unwrap_or(u32::MAX);
        let mut next = 0;
        let read = |(step, entry): (usize, &crate::image::Step)| {
            let layer = (!entry.empty_layer && next < layers).then_some(next);
            next += u32::from(layer.is_some());
            let comment = entry.comment.clone().unwrap_or_default();
            Instruction { step, layer, comment, ..Instruction::read(&entry.created_by) }
        };
        Self { all: image.config.history.iter().enumerate().map(read).collect() }
    }

    /// The instruction that made a layer.
    #[must_use]
    pub fn of(&self, layer: u32) -> Option<&Instruction> {
        self.all.iter().find(|instruction| instruction.layer == Some(layer))
    }
}

/// The simple commands of a shell command, each as its words; quotes and what a shell expands stay as they are.
#[must_use]
pub fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = vec![Vec::new()];
    let (mut word, mut quote, mut is_word) = (String::new(), None, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if let Some(open) = quote {
            if character == open {
                quote = None;
            } else {
                word.push(character);
            }
            continue;
        }
        match character {
            '\'' | '"' => {
                quote = Some(character);
                is_word = true;
            }
            '\\' => {
                if let Some(next) = characters.next().filter(|next| *next != '\n') {
                    word.push(next);
                    is_word = true;
                }
            }
            _ if character.is_whitespace() || matches!(character, ';' | '&' | '|' | '(' | ')') => {
                if is_word || !word.is_empty() {
                    found.last_mut().map(|command| command.push(std::mem::take(&mut word))).unwrap_or_default();
                    is_word = false;
                }
                let ends = matches!(character, ';' | '&' | '|' | '(' | ')' | '\n');
                if ends && found.last().is_some_and(|command| !command.is_empty()) {
                    found.push(Vec::new());
                }
            }
            _ => {
                word.push(character);
                is_word = true;
            }
        }
    }
    if is_word {
        found.last_mut().map(|command| command.push(word)).unwrap_or_default();
    }
    found.retain(|command| !command.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String) {
        let instruction = Instruction::read(text);
        (instruction.keyword, instruction.text)
    }

    #[test]
    fn each_builder_is_understood() {
        for (text, keyword, rest) in [
            ("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD", "[\"bash\"]"),
            ("/bin/sh -c #(nop) ADD file:1234 in / ", "ADD", "file:1234 in /"),
            ("/bin/sh -c apt-get update", "RUN", "apt-get update"),
            ("RUN /bin/sh -c apt-get update # buildkit", "RUN", "apt-get update"),
            ("COPY --chown=a:b src /app # buildkit", "COPY", "--chown=a:b src /app"),
            ("RUN /bin/touch /d # buildkit", "RUN", "/bin/touch /d"),
            ("ENV A=b", "ENV", "A=b"),
            ("bazel build //x", "", "bazel build //x"),
            ("", "", ""),
        ] {
            assert_eq!(read(text), (keyword.to_owned(), rest.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_only_describes_makes_no_layer() {
        for text in ["/bin/sh -c #(nop)  CMD [\"sh\"]", "ENV A=b", "LABEL a=b # buildkit"] {
            assert!(is_describing(text), "{text}");
        }
        for text in
            ["/bin/sh -c #(nop) COPY dir:1 in /", "/bin/sh -c env CMD x", "RUN /bin/sh -c x", "WORKDIR /x", "", "CMDX"]
        {
            assert!(!is_describing(text), "{text}");
        }
    }

    #[test]
    fn build_arguments_are_peeled_off() {
        let text = "RUN |2 NAME=a b c TOKEN=s3cr3t /bin/sh -c make # buildkit";
        let instruction = Instruction::read(text);
        assert_eq!(instruction.text, "make");
        let pairs = [("NAME", "a b c"), ("TOKEN", "s3cr3t")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(instruction.arguments, pairs);
        assert_eq!(Instruction::read("|x y").keyword, "RUN");
    }

    #[test]
    fn commands_are_split_as_a_shell_does() {
        let split = |text: &str| commands(text).iter().map(|command| command.join(" ")).collect::<Vec<_>>();
        assert_eq!(split("a b && c 'd && e' ; f|g"), ["a b", "c d && e", "f", "g"]);
        assert_eq!(split("a \\\n b \"\" c"), ["a b  c"]);
        assert_eq!(split("unfinished 'quote"), ["unfinished quote"]);
    }
}
