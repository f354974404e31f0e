//! A platform as a person writes it (`linux/arm64/v8`) and as an engine's API wants it. Knows no engine.

use std::fmt;

use crate::error::{Error, Result};

/// One platform of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// Reads `os/architecture[/variant]`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("'{text}' is no platform"))
                .hint("os/architecture or os/architecture/variant: linux/amd64, linux/arm/v7")
        };
        let parts: Vec<_> = text.split('/').collect();
        let is_word = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if !parts.iter().all(is_word) {
            return Err(wrong());
        }
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some((*variant).to_owned())),
            _ => return Err(wrong()),
        };
        // The names that `uname -m` uses; `docker --platform` takes them too, its API does not.
        let architecture = match *architecture {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Ok(Self { os: (*os).to_owned(), architecture: architecture.to_owned(), variant })
    }

    /// The parameter of a request: JSON since API 1.48.
    pub(super) fn query(&self) -> String {
        let variant = self.variant.as_ref().map(|variant| format!(r#","variant":"{variant}""#)).unwrap_or_default();
        let json = format!(r#"{{"os":"{}","architecture":"{}"{variant}}}"#, self.os, self.architecture);
        let encoded =
            json.replace('{', "%7B").replace('}', "%7D").replace('"', "%22").replace(':', "%3A").replace(',', "%2C");
        format!("platform={encoded}")
    }

    /// Whether an image is for this platform. Variants are told apart only where both sides name one: an image for
    /// arm64 need not say that it means v8.
    pub(super) fn is(&self, os: &str, architecture: &str, variant: Option<&str>) -> bool {
        let same_variant = self.variant.as_deref().zip(variant).is_none_or(|(asked, found)| asked == found);
        self.os == os && self.architecture == architecture && same_variant
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_read_and_asked_for() {
        let arm = Platform::parse("linux/arm/v7").unwrap();
        assert_eq!(
            arm.query(),
            "platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22arm%22%2C%22variant%22%3A%22v7%22%7D"
        );
        assert_eq!(Platform::parse("linux/x86_64").unwrap(), Platform::parse("linux/amd64").unwrap());
        for text in ["", "linux", "linux/", "a/b/c/d", "linux/\"", "linux/a b"] {
            assert_eq!(Platform::parse(text).unwrap_err().kind().exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn an_image_without_variant_fits() {
        let arm = Platform::parse("linux/arm64/v8").unwrap();
        assert!(arm.is("linux", "arm64", None) && arm.is("linux", "arm64", Some("v8")));
        assert!(!arm.is("linux", "arm64", Some("v9")) && !arm.is("linux", "amd64", None));
    }
}
