//! Docker's contexts: which one is current, where its engine listens, which certificates it brings.
//! Knows the files that the `docker` program keeps; opens no connection.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::source::host::{Host, Surroundings, Tls, parse};

/// The context that stands for "no context": the usual sockets.
const DEFAULT: &str = "default";

/// What is of use here in `config.json`.
#[derive(Deserialize)]
struct Config {
    #[serde(rename = "currentContext", default)]
    current: Option<String>,
}

/// What is of use here in a context's `meta.json`.
#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Endpoints", default)]
    endpoints: Endpoints,
}

#[derive(Deserialize, Default)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host", default)]
    host: String,
}

/// The engine of the current context; none when that is the default one.
pub(super) fn current(around: &Surroundings) -> Result<Option<Host>> {
    let Some(folder) = around.docker_config() else { return Ok(None) };
    let told = around.get("DOCKER_CONTEXT").map(|name| (name, "DOCKER_CONTEXT"));
    let chosen = match told {
        Some(told) => Some(told),
        None => configured(&folder)?.map(|name| (name, "config.json")),
    };
    match chosen {
        Some((name, by)) if name != DEFAULT => read(&folder, &name, by).map(Some),
        _ => Ok(None),
    }
}

/// The context that `docker context use` wrote down.
fn configured(folder: &Path) -> Result<Option<String>> {
    let path = folder.join("config.json");
    let Ok(text) = fs::read(&path) else { return Ok(None) };
    let config: Config = serde_json::from_slice(&text).map_err(|cause| {
        Error::image(format!("cannot read {}", path.display())).caused_by(&cause).hint("repair it, or set DOCKER_HOST")
    })?;
    Ok(config.current.filter(|name| !name.is_empty()))
}

/// One context by name. Docker files it under the SHA-256 of the name.
fn read(folder: &Path, name: &str, named_by: &str) -> Result<Host> {
    let id = hex(&Sha256::digest(name.as_bytes()));
    let path = folder.join("contexts/meta").join(&id).join("meta.json");
    let unusable = |hint: &str| {
        Error::image(format!("Docker's context '{name}' (from {named_by}) cannot be used")).hint(hint.to_owned())
    };
    let text = fs::read(&path).map_err(|cause| {
        unusable("docker context ls shows the ones there are; docker context use default goes back to the usual socket")
            .because(format!("{}: {cause}", path.display()))
    })?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|cause| {
        unusable("docker context inspect shows it; set DOCKER_HOST to go around it").caused_by(&cause)
    })?;
    let endpoint = meta.endpoints.docker.filter(|endpoint| !endpoint.host.is_empty());
    let Some(endpoint) = endpoint else {
        return Err(unusable("set DOCKER_HOST to go around it").because("it names no Docker host"));
    };
    let setting = format!("the host of Docker's context '{name}'");
    let address =
        parse(&setting, &endpoint.host, || certificates(&folder.join("contexts/tls").join(&id).join("docker")))?;
    Ok(Host { address, told_by: Some(format!("context '{name}'")) })
}

/// What a context brings for TLS; it may bring only a part, and nothing at all means plain HTTP.
fn certificates(folder: &Path) -> Option<Tls> {
    let file = |name: &str| Some(folder.join(name)).filter(|path: &PathBuf| path.exists());
    let tls = Tls { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") };
    (tls != Tls::default()).then_some(tls)
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(digest.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::host::Address;
    use crate::source::ssh::Login;

    /// SHA-256 of "lab": the folder that `docker context create lab` makes.
    const LAB: &str = "a51146d38077ff992eba84cf1d5e9b249073503eb74868699016153b031a38f7";

    fn current_of(folder: &Path, vars: &[(&str, &str)]) -> Result<Option<Host>> {
        let config = folder.to_str().unwrap().to_owned();
        let var = |name: &str| match name {
            "DOCKER_CONFIG" => Some(config.clone()),
            _ => vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        };
        current(&Surroundings { var: &var, uid: None, root: PathBuf::from("/nowhere") })
    }

    fn folder_with(host: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let meta = folder.path().join("contexts/meta").join(LAB);
        fs::create_dir_all(&meta).unwrap();
        // As Docker 28 writes it.
        let text = format!(
            r#"{{"Name":"lab","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
        );
        fs::write(meta.join("meta.json"), text).unwrap();
        folder
    }

    #[test]
    fn the_context_in_use_is_read() {
        let folder = folder_with("unix:///lab.sock");
        fs::write(folder.path().join("config.json"), r#"{"auths":{},"currentContext":"lab"}"#).unwrap();
        let host = current_of(folder.path(), &[]).unwrap().unwrap();
        assert_eq!(host, Host { address: Address::Unix("/lab.sock".into()), told_by: Some("context 'lab'".into()) });
        assert_eq!(current_of(folder.path(), &[("DOCKER_CONTEXT", "default")]).unwrap(), None);
    }

    #[test]
    fn the_variable_wins_over_the_file() {
        let folder = folder_with("ssh://me@lab");
        fs::write(folder.path().join("config.json"), r#"{"currentContext":"gone"}"#).unwrap();
        let host = current_of(folder.path(), &[("DOCKER_CONTEXT", "lab")]).unwrap().unwrap();
        assert_eq!(host.address, Address::Ssh(Login::parse("me@lab", false).unwrap()));
    }

    #[test]
    fn a_context_brings_its_certificates() {
        let folder = folder_with("tcp://lab:2376");
        assert_eq!(
            current_of(folder.path(), &[("DOCKER_CONTEXT", "lab")]).unwrap().unwrap().address,
            Address::Tcp("lab:2376".into())
        );
        let certificates = folder.path().join("contexts/tls").join(LAB).join("docker");
        fs::create_dir_all(&certificates).unwrap();
        fs::write(certificates.join("ca.pem"), "").unwrap();
        let host = current_of(folder.path(), &[("DOCKER_CONTEXT", "lab")]).unwrap().unwrap();
        let tls = Tls { ca: Some(certificates.join("ca.pem")), cert: None, key: None };
        assert_eq!(host.address, Address::Tls("lab:2376".into(), tls));
    }

    #[test]
    fn nothing_set_means_the_usual_sockets() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(current_of(folder.path(), &[]).unwrap(), None);
        fs::write(folder.path().join("config.json"), r#"{"currentContext":""}"#).unwrap();
        assert_eq!(current_of(folder.path(), &[]).unwrap(), None);
    }

    #[test]
    fn a_context_that_is_not_there_is_named() {
        let error = current_of(tempfile::tempdir().unwrap().path(), &[("DOCKER_CONTEXT", "lost")]).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind().exit_code(), 3);
        assert!(text.starts_with("error: Docker's context 'lost' (from DOCKER_CONTEXT) cannot be used"), "{text}");
        assert!(text.contains("hint: docker context ls"), "{text}");
    }

    #[test]
    fn a_context_without_docker_and_a_broken_file_are_told() {
        let folder = folder_with("");
        let error = current_of(folder.path(), &[("DOCKER_CONTEXT", "lab")]).unwrap_err();
        assert!(error.to_string().contains("it names no Docker host"), "{error}");
        fs::write(folder.path().join("config.json"), "{").unwrap();
        let error = current_of(folder.path(), &[]).unwrap_err();
        assert!(error.to_string().contains("config.json"), "{error}");
    }
}
