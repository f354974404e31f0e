//! Digests as text: `sha256:` and 64 hexadecimal digits (OCI image spec, descriptor.md, "Digests").

use sha2::{Digest as _, Sha256};

use crate::units::hex;

/// The digest of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// How the digest of some bytes differs from the stated one. Other algorithms than SHA-256 cannot be held against them.
#[must_use]
pub fn mismatch(stated: &str, bytes: &[u8]) -> Option<String> {
    let computed = sha256(bytes);
    (stated.starts_with("sha256:") && stated != computed)
        .then(|| format!("its digest is {computed}, not {stated} as stated"))
}

/// Algorithm and digits, when both are of the form that can be a path without harm.
pub fn split(digest: &str) -> Option<(&str, &str)> {
    let (algorithm, digits) = digest.split_once(':')?;
    let plain =
        |text: &str| !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain(algorithm) && plain(digits)).then_some((algorithm, digits))
}

/// The digest that a member's name states: `blobs/sha256/HEX`, `HEX.tar`, `HEX.tar.gz`, `HEX.json`, `sha256:HEX`.
/// The folders of a classic `docker save` (`ID/layer.tar`) state an id of the old kind, which is no digest.
pub fn from_name(name: &str) -> Option<String> {
    let name = name.strip_prefix("./").unwrap_or(name);
    let stem = name.strip_prefix("blobs/sha256/").or_else(|| name.strip_prefix("sha256:")).unwrap_or(name);
    let stem = stem.split_once('.').map_or(stem, |(stem, _)| stem);
    (stem.len() == 64 && stem.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        .then(|| format!("sha256:{stem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_state_digests() {
        let digits = "a".repeat(64);
        let digest = Some(format!("sha256:{digits}"));
        for name in [
            format!("blobs/sha256/{digits}"),
            format!("./blobs/sha256/{digits}"),
            format!("{digits}.tar.gz"),
            format!("{digits}.json"),
            format!("sha256:{digits}"),
        ] {
            assert_eq!(from_name(&name), digest, "{name}");
        }
        assert_eq!(from_name(&format!("{digits}/layer.tar")), None);
        assert_eq!(from_name("config.json"), None);
    }

    #[test]
    fn a_digest_cannot_be_a_way_out() {
        assert_eq!(split("sha256:../../etc"), None);
        assert_eq!(split("sha256:"), None);
        assert_eq!(split("sha256:ab12"), Some(("sha256", "ab12")));
    }
}
