//! The structure of what looks like a secret: whether a key block holds a key, a token is a token, and a string is
//! random.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Lines of a key's body below which it is an example in a text.
const FEWEST_LINES: usize = 3;

/// The longest body of a key that is read, in bytes: RSA with 16384 bits has 12 KiB.
const MOST_KEY: usize = 32 * 1024;

/// A block of a private key.
#[derive(Debug, PartialEq, Eq)]
pub struct KeyBlock<'t> {
    /// Its body.
    pub body: &'t [u8],
    /// Whether a passphrase protects it.
    pub is_encrypted: bool,
}

/// Reads a private key that begins with five dashes at the beginning of `text` (RFC 7468, RFC 1421, OpenSSH's
/// PROTOCOL.key, RFC 4880 armour).
pub fn key_block(text: &[u8]) -> Option<KeyBlock<'_>> {
    let text = &text[..text.len().min(MOST_KEY)];
    let label_end = memchr::memmem::find(&text[..text.len().min(80)], b"KEY")?;
    let label = text[..label_end + 3].strip_prefix(b"-----BEGIN ")?;
    if !label.ends_with(b"PRIVATE KEY") || !label.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b' ') {
        return None;
    }
    let rest = &text[label_end + 3..];
    let rest = rest.strip_prefix(b" BLOCK").unwrap_or(rest).strip_prefix(b"-----")?;
    let end = memchr::memmem::find(rest, b"-----END ")?;
    let body = &rest[..end];
    // In JSON and in variables line ends are written out.
    let lines = body.split(|&byte| byte == b'\n').flat_map(|line| split_on(line, b"\\n"));
    let mut base64 = Vec::new();
    let (mut count, mut is_encrypted) = (0, label.starts_with(b"ENCRYPTED"));
    for line in lines.map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        if line.contains(&b':') {
            is_encrypted |= line.starts_with(b"Proc-Type") && line.ends_with(b"ENCRYPTED");
            continue;
        }
        if line.starts_with(b"=") && line.len() == 5 {
            continue; // The checksum of an armour.
        }
        count += 1;
        base64.extend(line.iter().filter(|byte| **byte != b'='));
    }
    let decoded = STANDARD_NO_PAD.decode(strip_bits(&base64)).ok()?;
    // Keys on elliptic curves fit two lines.
    let is_key = count >= FEWEST_LINES || (count > 0 && decoded.len() >= 48);
    if let Some(open) = decoded.strip_prefix(b"openssh-key-v1\0") {
        // The name of the cipher: a length of four bytes, then "none" for a key without passphrase.
        is_encrypted |= open.get(4..8).is_some_and(|cipher| cipher != b"none");
    }
    is_key.then_some(KeyBlock { body, is_encrypted })
}

fn split_on<'t>(line: &'t [u8], by: &'static [u8]) -> impl Iterator<Item = &'t [u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let text = rest?;
        let found = memchr::memmem::find(text, by);
        rest = found.map(|at| &text[at + by.len()..]);
        Some(found.map_or(text, |at| &text[..at]))
    })
}

/// Without what is left over of a group of four that was cut.
fn strip_bits(base64: &[u8]) -> &[u8] {
    &base64[..base64.len() / 4 * 4]
}

/// Whether three parts with dots between are a JSON web token (RFC 7519).
pub enum WebToken {
    /// They are none.
    None,
    /// They are one.
    Valid,
    /// They are one whose time is over.
    Expired,
}

/// Reads a JSON web token at a time in seconds since 1970.
pub fn web_token(token: &[u8], now: u64) -> WebToken {
    match expired(token, now) {
        None => WebToken::None,
        Some(false) => WebToken::Valid,
        Some(true) => WebToken::Expired,
    }
}

fn expired(token: &[u8], now: u64) -> Option<bool> {
    let mut parts = token.split(|&byte| byte == b'.');
    let json =
        |part: Option<&[u8]>| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part?).ok()?).ok() };
    let header = json(parts.next())?;
    let claims = json(parts.next())?;
    header.get("alg")?.as_str().filter(|algorithm| !algorithm.eq_ignore_ascii_case("none"))?;
    Some(claims.get("exp").and_then(Value::as_u64).is_some_and(|end| end < now))
}

/// Bits of information in a character.
#[allow(clippy::cast_precision_loss)] // Lengths of tokens.
pub fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let length = text.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length);
    -shares.map(|share| share * share.log2()).sum::<f64>()
}

#[cfg(test)]
pub(in crate::analysis) mod tests {
    use super::*;

    /// A key that is none, in the form of one. Put together so that no scanner takes this file for a leak.
    pub fn key(kind: &str, lines: usize) -> String {
        let body = format!("{}\n", "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn4ygWyF8PbnGy0AHB7MhgHcTz6sE2I2yPB");
        let dashes = "-".repeat(5);
        format!(
            "{dashes}BEGIN {kind}PRIVATE KEY{dashes}\n{}{dashes}END {kind}PRIVATE KEY{dashes}\n",
            body.repeat(lines)
        )
    }

    #[test]
    fn keys_have_a_body_that_decodes() {
        assert!(key_block(key("RSA ", 5).as_bytes()).is_some_and(|block| !block.is_encrypted));
        assert!(key_block(key("", 5).as_bytes()).is_some());
        assert!(key_block(key("ENCRYPTED ", 5).as_bytes()).is_some_and(|block| block.is_encrypted));
        let in_json = key("", 5).replace('\n', "\\n");
        assert!(key_block(in_json.as_bytes()).is_some());
        assert_eq!(key_block(key("", 0).as_bytes()), None);
        assert_eq!(key_block(key("RSA ", 5).replace("MII", "..!").as_bytes()), None);
        assert_eq!(key_block(key("", 5).replace("PRIVATE", "PUBLIC").as_bytes()), None);
        for end in 0..key("", 5).len() {
            let _ = key_block(&key("", 5).as_bytes()[..end]);
        }
    }

    #[test]
    fn a_web_token_has_a_header_and_claims() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let token = |header: &str, claims: &str| format!("{}.{}.c2lnbmF0dXJl", part(header), part(claims));
        let of = |header, claims| expired(token(header, claims).as_bytes(), 1000);
        assert_eq!(of(r#"{"alg":"HS256"}"#, r#"{"sub":"a"}"#), Some(false));
        assert_eq!(of(r#"{"alg":"HS256"}"#, r#"{"exp":999}"#), Some(true));
        assert_eq!(of(r#"{"typ":"JWT"}"#, "{}"), None);
        assert_eq!(of("not json", "{}"), None);
    }

    #[test]
    fn random_text_has_more_entropy() {
        assert!(entropy(b"aaaaaaaaaaaaaaaa") < 0.1);
        assert!(entropy(b"h7Gk2pQ9xR4mT1vZ") > 3.5);
    }
}
