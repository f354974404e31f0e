//! What the config says of a container: what runs, as whom, with which environment. Keys come in any case, as Go reads
//! them.

use serde_json::Value;

/// The path that a shell has where the image says none (runc, `libcontainer`).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The `config` object of an image.
#[derive(Clone, Copy)]
pub struct Runtime<'a>(pub &'a Value);

impl<'a> Runtime<'a> {
    fn field(self, name: &str) -> Option<&'a Value> {
        let object = self.0.as_object()?;
        object
            .get(name)
            .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    }

    fn list(self, name: &str) -> Vec<&'a str> {
        self.field(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn keys(self, name: &str) -> Vec<&'a str> {
        self.field(name).and_then(Value::as_object).into_iter().flat_map(|map| map.keys().map(String::as_str)).collect()
    }

    /// Whether the config says anything at all.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.0.as_object().is_some_and(|object| !object.is_empty())
    }

    /// As whom it runs; empty for root.
    #[must_use]
    pub fn user(self) -> &'a str {
        self.field("User").and_then(Value::as_str).unwrap_or_default().trim()
    }

    /// The entry point, word by word.
    #[must_use]
    pub fn entrypoint(self) -> Vec<&'a str> {
        self.list("Entrypoint")
    }

    /// The command, word by word.
    #[must_use]
    pub fn command(self) -> Vec<&'a str> {
        self.list("Cmd")
    }

    /// What runs: the entry point, then the command.
    #[must_use]
    pub fn words(self) -> Vec<&'a str> {
        let mut words = self.entrypoint();
        words.extend(self.command());
        words
    }

    /// The health check, word by word, without its kind; `None` where there is none.
    #[must_use]
    pub fn health_check(self) -> Option<Vec<&'a str>> {
        let test = Self(self.field("Healthcheck")?).list("Test");
        match test.split_first() {
            Some((&"CMD", words)) => Some(words.to_vec()),
            Some((&"CMD-SHELL", words)) => Some([&["/bin/sh", "-c"], words].concat()),
            _ => None,
        }
    }

    /// Whether the config speaks of a health check, also to turn it off.
    #[must_use]
    pub fn mentions_health_check(self) -> bool {
        self.field("Healthcheck").is_some_and(|value| !value.is_null())
    }

    /// The environment by name and value.
    #[must_use]
    pub fn environment(self) -> Vec<(&'a str, &'a str)> {
        self.list("Env").into_iter().filter_map(|variable| variable.split_once('=')).collect()
    }

    /// The folders in which programs are looked for.
    #[must_use]
    pub fn path(self) -> Vec<&'a str> {
        let path = self.environment().into_iter().rev().find(|(name, _)| *name == "PATH");
        path.map_or(DEFAULT_PATH, |(_, value)| value).split(':').collect()
    }

    /// Labels by name and value.
    #[must_use]
    pub fn labels(self) -> Vec<(&'a str, &'a str)> {
        let labels = self.field("Labels").and_then(Value::as_object);
        labels.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
    }

    /// Ports by number.
    #[must_use]
    pub fn ports(self) -> Vec<u16> {
        let number = |port: &str| port.split('/').next().and_then(|number| number.parse().ok());
        self.keys("ExposedPorts").into_iter().filter_map(number).collect()
    }

    /// Folders that are volumes.
    #[must_use]
    pub fn volumes(self) -> Vec<&'a str> {
        self.keys("Volumes")
    }

    /// The working folder.
    #[must_use]
    pub fn folder(self) -> &'a str {
        self.field("WorkingDir").and_then(Value::as_str).unwrap_or("/")
    }

    /// Whether images built on this one run instructions of it.
    #[must_use]
    pub fn is_builder(self) -> bool {
        !self.list("OnBuild").is_empty()
    }
}
