//! Secrets in texts: few strict forms, each checked for its structure. What is found is redacted before it leaves the
//! scanner, so that no report can leak it.

pub mod findings;
pub mod fixes;
mod forms;
mod generic;
pub mod names;
mod scanner;
mod told;

pub use generic::is_generic;
pub use scanner::Scanner;
pub use told::{shown, shown_command, shown_value};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::units::hex;

/// Which secrets are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Search {
    /// None in texts.
    Nothing,
    /// Those whose form tells them.
    #[default]
    Strict,
    /// Also those that only a name or their entropy tells.
    Generic,
}

/// A secret that was found, redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The rule that found it.
    pub rule: String,
    /// What may be shown of it.
    pub redacted: String,
    /// The same for the same secret.
    pub fingerprint: String,
    /// The line of the text, from 1.
    pub line: u32,
    /// Levels of severity by which it differs from its rule, with the reason.
    pub shift: Option<(i8, Shift)>,
}

/// Why a secret matters less than its rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shift {
    /// It is encrypted.
    Encrypted,
    /// It lies where tests and examples do.
    Example,
    /// It is not valid any more.
    Expired,
    /// It is a well-known default.
    Default,
    /// It has little entropy.
    Plain,
}

impl Shift {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Example => "lies among tests or examples",
            Self::Expired => "expired",
            Self::Default => "a well-known default",
            Self::Plain => "may be a plain word",
        }
    }
}

/// What may be shown of a secret: its beginning, its end, and how long it is.
#[must_use]
pub fn redact(secret: &[u8]) -> String {
    let text: Vec<char> = String::from_utf8_lossy(secret).chars().collect();
    if text.len() < 12 {
        return format!("… ({} characters)", text.len());
    }
    let part = |characters: &[char]| characters.iter().collect::<String>();
    format!("{}…{} ({} characters)", part(&text[..4]), part(&text[text.len() - 2..]), text.len())
}

/// Tells secrets apart without saying them.
#[must_use]
pub fn fingerprint(secret: &[u8]) -> String {
    hex(&Sha256::digest(secret)[..6])
}
