//! Names of variables that say that their value is a secret, and values that are none.

use super::Shift;

/// Words of which a name has one, whole between underscores.
const WORDS: [&str; 9] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS", "PASSPHRASE", "PWD"];

/// Pairs of words that say it together.
const PAIRS: [(&str, &str); 8] = [
    ("API", "KEY"),
    ("PRIVATE", "KEY"),
    ("ACCESS", "KEY"),
    ("SECRET", "KEY"),
    ("SIGNING", "KEY"),
    ("ENCRYPTION", "KEY"),
    ("MASTER", "KEY"),
    ("CONNECTION", "STRING"),
];

/// Whole names that need no word.
const EXACT: [&str; 5] = ["SECRET_KEY_BASE", "APP_KEY", "RABBITMQ_DEFAULT_PASS", "DB_PASS", "MYSQL_PASS"];

/// Names with such a word that never hold a secret.
const NEVER: [&str; 8] =
    ["SSH_AUTH_SOCK", "PWD", "OLDPWD", "PASSWD_FILE", "TOKENIZERS_PARALLELISM", "PUBLIC_KEY", "GPG_KEY", "GPG_KEYS"];

/// Words behind which the value only describes a secret.
const DESCRIBING: [&str; 18] = [
    "FILE",
    "PATH",
    "DIR",
    "NAME",
    "ID",
    "VERSION",
    "SHA256",
    "SHA512",
    "CHECKSUM",
    "DIGEST",
    "FINGERPRINT",
    "KEYRING",
    "URL",
    "TTL",
    "LENGTH",
    "EXPIRY",
    "EXPIRATION",
    "HEADER",
];

/// Values that everybody knows.
const DEFAULTS: [&str; 18] = [
    "changeme",
    "change_me",
    "changeit",
    "password",
    "passwd",
    "secret",
    "example",
    "dummy",
    "xxx",
    "xxxx",
    "todo",
    "test",
    "admin",
    "root",
    "postgres",
    "guest",
    "default",
    "placeholder",
];

/// Values that say that there is none.
const NOTHING: [&str; 13] =
    ["", "none", "null", "nil", "unset", "undefined", "empty", "true", "false", "yes", "no", "on", "off"];

/// What the value of a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// A secret.
    Secret,
    /// A default that everybody knows.
    Default,
    /// No secret.
    Nothing,
}

/// Whether a variable's name says that its value is a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    if NEVER.contains(&name.as_str()) || name.ends_with("_GPG_KEY") || name.ends_with("_PUBLIC_KEY") {
        return false;
    }
    let words: Vec<&str> = name.split(['_', '-', '.']).filter(|word| !word.is_empty()).collect();
    if words.last().is_some_and(|last| DESCRIBING.contains(last)) {
        return false;
    }
    EXACT.contains(&name.as_str())
        || words.iter().any(|word| WORDS.contains(word))
        || words.windows(2).any(|pair| PAIRS.contains(&(pair[0], pair[1])))
}

/// Whether a value is one that is to be told, and by how much it matters less; `None` if it is no secret.
#[must_use]
pub fn weighed(value: &str) -> Option<Option<(i8, Shift)>> {
    match worth(value) {
        Worth::Nothing => None,
        Worth::Default => Some(Some((-2, Shift::Default))),
        Worth::Secret => Some(None),
    }
}

/// What a value is, under a name that says it is a secret.
#[must_use]
pub fn worth(value: &str) -> Worth {
    let value = value.trim().trim_matches(['"', '\'']).trim();
    let lower = value.to_ascii_lowercase();
    // `$apr1$…`, `$2y$…`: a hash of a password, and no variable.
    let hash = value.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    if hash.is_some_and(|(scheme, rest)| scheme.len() <= 4 && rest.len() >= 10) {
        return Worth::Secret;
    }
    if NOTHING.contains(&lower.as_str())
        || value.starts_with(['$', '/', '<', '{', '%'])
        || value.contains("${")
        || value.contains("{{")
        || value.bytes().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-'))
        || value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        || value.len() < 4
    {
        return Worth::Nothing;
    }
    let is_placeholder = lower.starts_with("your") || lower.starts_with("my-") || lower.contains("changeme");
    if DEFAULTS.contains(&lower.as_str()) || is_placeholder { Worth::Default } else { Worth::Secret }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_decide() {
        for name in [
            "API_TOKEN",
            "DB_PASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "npm_token",
            "STRIPE_API_KEY",
            "JWT_SECRET",
            "APP_KEY",
            "SECRET_KEY_BASE",
            "MYSQL_ROOT_PASSWORD",
            "KEYCLOAK_ADMIN_PASSWORD",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "GPG_KEY",
            "WORDPRESS_CLI_GPG_KEY",
            "GPG_KEYS",
            "PUBLIC_KEY",
            "SSH_AUTH_SOCK",
            "TOKENIZERS_PARALLELISM",
            "DB_PASSWORD_FILE",
            "KEYBOARD",
            "PASSENGER_VERSION",
            "AWS_ACCESS_KEY_ID",
            "SECRETARY",
            "MONKEY",
            "PWD",
            "TOKEN_TTL",
            "PATH",
            "PYTHON_SHA256",
            "KEYCLOAK_VERSION",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn values_are_looked_at_too() {
        for value in ["hunter2hunter2", "demo-token-that-is-not-real", "\"s3cr3t!\"", "base64:AAAAbbbb"] {
            assert_eq!(worth(value), Worth::Secret, "{value}");
        }
        for value in
            ["", "unset", "$TOKEN", "${TOKEN}", "/run/secrets/x", "true", "12", "1.2.3", "***", "<token>", "{{ x }}"]
        {
            assert_eq!(worth(value), Worth::Nothing, "{value}");
        }
        for value in ["changeme", "password", "your-token-here"] {
            assert_eq!(worth(value), Worth::Default, "{value}");
        }
    }
}
