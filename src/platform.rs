//! Operating system, architecture and variant (OCI image spec, image-index.md, "platform"). Serves every room; knows none.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, … in Go's words.
    pub architecture: String,
    /// `v7`, `v8`, …
    pub variant: Option<String>,
}

impl Platform {
    /// What this machine runs. Containers are Linux everywhere but on Windows with Windows containers, which is rare
    /// enough to be asked for.
    #[must_use]
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Self { os: "linux".into(), architecture: architecture.into(), variant: None }
    }

    /// Whether an image of this platform is what `wanted` asks for. Variants are told apart only where both name one:
    /// an image for `arm64` need not say that it means `v8`.
    #[must_use]
    pub fn satisfies(&self, wanted: &Self) -> bool {
        let same_variant = self.variant.as_ref().zip(wanted.variant.as_ref()).is_none_or(|(own, wanted)| own == wanted);
        self.os == wanted.os && self.architecture == wanted.architecture && same_variant
    }

    /// BuildKit's mark for manifests that describe an image instead of being one.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_unknown = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
        write!(f, "{}/{}", or_unknown(&self.os), or_unknown(&self.architecture))?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<_> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => ("", "", None),
        };
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if !is_word(os) || !is_word(architecture) || variant.is_some_and(|variant| !is_word(variant)) {
            return Err(Error::usage(format!("'{text}' is not a platform"))
                .hint("os/arch or os/arch/variant, for example: --platform linux/arm64"));
        }
        let architecture = match architecture.to_ascii_lowercase().as_str() {
            "x86_64" | "x86-64" => "amd64".into(),
            "aarch64" => "arm64".into(),
            "i386" => "386".into(),
            other => other.to_owned(),
        };
        Ok(Self { os: os.to_ascii_lowercase(), architecture, variant: variant.map(str::to_ascii_lowercase) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn reads_and_writes() {
        assert_eq!(platform("linux/arm/v7").to_string(), "linux/arm/v7");
        assert_eq!(platform("Linux/x86_64").to_string(), "linux/amd64");
        for wrong in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/a b", "linux/\""] {
            assert_eq!(wrong.parse::<Platform>().unwrap_err().kind().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn variants_matter_when_asked_for() {
        assert!(platform("linux/arm64/v8").satisfies(&platform("linux/arm64")));
        assert!(platform("linux/arm64").satisfies(&platform("linux/arm64/v8")));
        assert!(platform("linux/arm/v6").satisfies(&platform("linux/arm")));
        assert!(!platform("linux/arm/v6").satisfies(&platform("linux/arm/v7")));
        assert!(!platform("windows/amd64").satisfies(&platform("linux/amd64")));
    }
}
