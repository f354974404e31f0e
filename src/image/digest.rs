//! Digests as text: `sha256:` and 64 hexadecimal digits (OCI image spec, descriptor.md, "Digests").

use sha2::{Digest as _, Sha256};

/// The digest of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex_of(&Sha256::digest(bytes)))
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

/// Algorithm and digits, when both are of the form that can be a path without harm.
pub fn split(digest: &str) -> Option<(&str, &str)> {
    let (algorithm, hex) = digest.split_once(':')?;
    let plain =
        |text: &str| !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain(algorithm) && plain(hex)).then_some((algorithm, hex))
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
        let hex = "a".repeat(64);
        let digest = Some(format!("sha256:{hex}"));
        for name in [
            format!("blobs/sha256/{hex}"),
            format!("./blobs/sha256/{hex}"),
            format!("{hex}.tar.gz"),
            format!("{hex}.json"),
            format!("sha256:{hex}"),
        ] {
            assert_eq!(from_name(&name), digest, "{name}");
        }
        assert_eq!(from_name(&format!("{hex}/layer.tar")), None);
        assert_eq!(from_name("config.json"), None);
    }

    #[test]
    fn a_digest_cannot_be_a_way_out() {
        assert_eq!(split("sha256:../../etc"), None);
        assert_eq!(split("sha256:"), None);
        assert_eq!(split("sha256:ab12"), Some(("sha256", "ab12")));
    }
}
