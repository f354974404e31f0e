//! One error type for everything a person can be told: what failed, what caused it, what to do about it.
//! Serves every room; knows none of them.

use std::error::Error as StdError;
use std::fmt;

use crate::units::printable;

/// From here on two names are alike enough to take one for the other (Jaro and Winkler's measure, as in clap).
const LIKE: f64 = 0.7;

/// What kind of failure this is. It decides the exit code and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line, the configuration, or a place to write to: exit code 2.
    Usage,
    /// The image cannot be found or read at all: exit code 3.
    Image,
    /// Something in the image could not be read and `--allow-partial` was not given: exit code 4.
    Partial,
    /// Stopped by the user: exit code 130.
    Interrupted,
    /// The reader of our output went away (`| head`). That is no failure: exit code 0.
    BrokenPipe,
}

impl Kind {
    /// The process exit code. These numbers are an interface; README documents them.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Usage => 2,
            Self::Image => 3,
            Self::Partial => 4,
            Self::Interrupted => 130,
        }
    }
}

/// A failure as it is told to a person.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    what: String,
    causes: Vec<String>,
    hint: Option<String>,
}

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of the given kind. `what` is one line, lower case, without a full stop.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), causes: Vec::new(), hint: None }
    }

    /// A mistake in the command line or the configuration.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// An image that cannot be found or read.
    #[must_use]
    pub fn image(what: impl Into<String>) -> Self {
        Self::new(Kind::Image, what)
    }

    /// Output that could not be written to `target`. A closed pipe is told apart: it ends the program quietly.
    #[must_use]
    pub fn output(target: &str, cause: &std::io::Error) -> Self {
        let kind = if cause.kind() == std::io::ErrorKind::BrokenPipe { Kind::BrokenPipe } else { Kind::Usage };
        let error = Self::new(kind, format!("cannot write to {target}")).caused_by(cause);
        match cause.kind() {
            std::io::ErrorKind::StorageFull => error.hint("the disk is full; free some space or write elsewhere"),
            std::io::ErrorKind::PermissionDenied => error.hint("write to a place that you may write to"),
            std::io::ErrorKind::NotFound => error.hint("the folder to write into does not exist; make it first"),
            _ => error,
        }
    }

    /// Adds the cause and the causes behind it, nearest first. A line that repeats the one before is left out.
    #[must_use]
    pub fn caused_by(mut self, cause: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            self = self.because(error.to_string());
            next = error.source();
        }
        self
    }

    /// Adds one cause as text.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        let cause = cause.into();
        if self.causes.last().is_none_or(|last| !last.contains(&cause)) {
            self.causes.push(cause);
        }
        self
    }

    /// Says where it went wrong: what failed becomes the cause.
    #[must_use]
    pub fn within(mut self, what: impl Into<String>) -> Self {
        let cause = std::mem::replace(&mut self.what, what.into());
        self.causes.insert(0, cause);
        self
    }

    /// Says what the reader can do. The last hint given is the one shown.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says which of the known names is meant perhaps, or which there are.
    #[must_use]
    pub fn perhaps<'n>(self, typed: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let likeness = |name: &&str| strsim::jaro_winkler(&typed.to_lowercase(), name);
        let nearest = known.iter().copied().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
        match nearest.filter(|name| likeness(name) >= LIKE) {
            Some(name) => self.hint(format!("did you mean '{name}'?")),
            None => self.hint(format!("known: {}", known.join(", "))),
        }
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The failure and its causes on one line, for places that have only one.
    #[must_use]
    pub fn one_line(&self) -> String {
        let mut line = self.what.clone();
        for cause in &self.causes {
            line.push_str(": ");
            line.push_str(cause);
        }
        line
    }
}

impl fmt::Display for Error {
    /// The whole text as it goes to standard error. Names from an image may be part of it, so it is escaped here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(self.what.as_bytes()))?;
        for cause in &self.causes {
            for line in cause.lines().filter(|line| !line.trim().is_empty()) {
                write!(f, "\n  caused by: {}", printable(line.trim().as_bytes()))?;
            }
        }
        if let Some(hint) = &self.hint {
            for line in hint.lines() {
                write!(f, "\nhint: {}", printable(line.as_bytes()))?;
            }
        }
        Ok(())
    }
}

impl StdError for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_why_and_what_to_do() {
        let error = Error::image("cannot read x.tar").because("it ends early").hint("save it again");
        assert_eq!(error.to_string(), "error: cannot read x.tar\n  caused by: it ends early\nhint: save it again");
        assert_eq!(error.kind().exit_code(), 3);
    }

    #[test]
    fn the_nearest_name_is_told_or_all_of_them() {
        let error = Error::usage("no such key: thme").perhaps("thme", ["units", "theme"]);
        assert!(error.to_string().ends_with("hint: did you mean 'theme'?"), "{error}");
        let error = Error::usage("no such key: x").perhaps("x", ["units", "theme"]);
        assert!(error.to_string().ends_with("hint: known: units, theme"), "{error}");
    }

    #[test]
    fn a_name_from_an_image_cannot_drive_the_terminal() {
        let error = Error::image("bad name \u{1b}[2J");
        assert_eq!(error.to_string(), "error: bad name \\u{1b}[2J");
    }

    #[test]
    fn a_closed_pipe_is_told_apart() {
        let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(Error::output("standard output", &broken).kind().exit_code(), 0);
    }
}
