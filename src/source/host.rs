//! Where a container engine listens: what the environment says, Docker's current context, the well-known sockets.
//! Knows no connection and no image; it only reads settings.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::source::context;
use crate::source::ssh::Login;

/// What a person set up, asked for by name so that tests need not change the process.
pub(super) struct Surroundings<'a> {
    /// Looks up an environment variable.
    pub var: &'a dyn Fn(&str) -> Option<String>,
    /// The number of this user, where the system tells it; `/run/user/UID` is named after it.
    pub uid: Option<u32>,
    /// Where the sockets of the system are: `/`, and something else in tests.
    pub root: PathBuf,
}

impl Surroundings<'_> {
    /// A variable that is set and not empty: an empty `DOCKER_HOST` counts as none, as it does for Docker.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.var)(name).filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    /// The folder of Docker's own settings.
    pub(super) fn docker_config(&self) -> Option<PathBuf> {
        self.get("DOCKER_CONFIG").map(PathBuf::from).or_else(|| self.home().map(|home| home.join(".docker")))
    }

    /// The folders in which this user's own sockets are.
    fn runtime_dirs(&self) -> Vec<PathBuf> {
        let told = self.get("XDG_RUNTIME_DIR").map(PathBuf::from);
        let usual = self.uid.map(|uid| self.root.join(format!("run/user/{uid}")));
        told.into_iter().chain(usual).collect()
    }
}

/// How to reach an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A socket on this machine.
    Unix(PathBuf),
    /// Plain HTTP to `host:port`.
    Tcp(String),
    /// TLS to `host:port`.
    Tls(String, Tls),
    /// Another machine, reached by the `ssh` program.
    Ssh(Login),
}

/// Certificates for a connection. What is absent is not used: no `ca` means the ones the system trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tls {
    /// Who may have signed the engine's certificate.
    pub ca: Option<PathBuf>,
    /// Our certificate.
    pub cert: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
}

/// An engine's place and who named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// The place.
    pub address: Address,
    /// The setting that named it; none for a well-known socket, of which most machines have one or two.
    pub told_by: Option<String>,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(place) | Self::Tls(place, _) => write!(f, "tcp://{place}"),
            Self::Ssh(login) => login.fmt(f),
        }
    }
}

/// The places where a Docker engine may listen, best first. Whatever is set explicitly is the only one, as it is for
/// `docker`: an image with the same name from another engine would be the wrong image.
pub(super) fn docker(around: &Surroundings) -> Result<Vec<Host>> {
    if let Some(host) = around.get("DOCKER_HOST") {
        let address = parse("DOCKER_HOST", &host, || environment_tls(around))?;
        return Ok(vec![Host { address, told_by: Some("DOCKER_HOST".to_owned()) }]);
    }
    if let Some(context) = context::current(around)? {
        return Ok(vec![context]);
    }
    let mut paths = vec![around.root.join("var/run/docker.sock"), around.root.join("run/docker.sock")];
    paths.extend(around.runtime_dirs().into_iter().map(|folder| folder.join("docker.sock")));
    // Docker Desktop, Colima, Rancher Desktop, OrbStack, Lima: all keep a socket in the home folder.
    let at_home = [
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        ".colima/default/docker.sock",
        ".colima/docker.sock",
        ".rd/docker.sock",
        ".orbstack/run/docker.sock",
        ".lima/docker/sock/docker.sock",
    ];
    paths.extend(around.home().into_iter().flat_map(|home| at_home.map(|path| home.join(path))));
    Ok(sockets(paths))
}

/// The places where Podman's API service may listen, best first.
pub(super) fn podman(around: &Surroundings) -> Result<Vec<Host>> {
    if let Some(host) = around.get("CONTAINER_HOST") {
        let told_by = Some("CONTAINER_HOST".to_owned());
        let address = match host.strip_prefix("ssh://") {
            Some(place) => Address::Ssh(Login::parse(place, true).map_err(|why| wrong("CONTAINER_HOST", &host, why))?),
            None => parse("CONTAINER_HOST", &host, || environment_tls(around))?,
        };
        return Ok(vec![Host { address, told_by }]);
    }
    let mut paths: Vec<_> = around.runtime_dirs().into_iter().map(|folder| folder.join("podman/podman.sock")).collect();
    let system = around.root.join("run/podman/podman.sock");
    // Root's own Podman is the system's.
    if around.uid == Some(0) {
        paths.insert(0, system);
    } else {
        paths.push(system);
    }
    let machine = ".local/share/containers/podman/machine/podman.sock";
    paths.extend(around.home().map(|home| home.join(machine)));
    Ok(sockets(paths))
}

/// Sockets as hosts, each only once: `/var/run` is a link to `/run` on most machines.
fn sockets(paths: Vec<PathBuf>) -> Vec<Host> {
    let mut seen = HashSet::new();
    let fresh = paths.into_iter().filter(|path| seen.insert(real(path)));
    fresh.map(|path| Host { address: Address::Unix(path), told_by: None }).collect()
}

/// The path without links, as far as it exists.
pub(super) fn real(path: &Path) -> PathBuf {
    let folder = || Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(folder).unwrap_or_else(|| path.to_owned())
}

/// Reads `unix://PATH`, `tcp://HOST:PORT`, `http://`, `https://`, `ssh://` and Docker's short form `HOST:PORT`.
/// `tls` says which certificates a TCP connection uses, if any.
pub(super) fn parse(setting: &str, text: &str, tls: impl FnOnce() -> Option<Tls>) -> Result<Address> {
    let wrong = |why| wrong(setting, text, why);
    let (scheme, place) = text.split_once("://").unwrap_or(("tcp", text));
    let tls = match scheme {
        "tcp" => tls(),
        "https" => tls().or_else(|| Some(Tls::default())),
        _ => None,
    };
    match scheme {
        "unix" if place.starts_with('/') => Ok(Address::Unix(PathBuf::from(place))),
        "unix" => Err(wrong("the path of a socket starts with '/'")),
        "ssh" => Login::parse(place, false).map(Address::Ssh).map_err(wrong),
        "tcp" | "http" | "https" => match tls {
            Some(tls) => with_port(place, 2376).map(|place| Address::Tls(place, tls)).map_err(wrong),
            None => with_port(place, 2375).map(Address::Tcp).map_err(wrong),
        },
        "npipe" => Err(wrong("named pipes exist on Windows only")),
        _ => Err(wrong("the scheme is not one of unix, tcp, http, https, ssh")),
    }
}

fn wrong(setting: &str, text: &str, why: &str) -> Error {
    Error::usage(format!("{setting} is '{text}', which is no place of an engine"))
        .because(why)
        .hint("examples: unix:///var/run/docker.sock  tcp://127.0.0.1:2375  ssh://user@host")
}

/// `host`, `host:port` or `[v6]:port`; adds the usual port where none is given.
fn with_port(place: &str, usual: u16) -> Result<String, &'static str> {
    let place = place.trim_end_matches('/');
    if place.contains(['/', '?', '#', '@', ' ']) {
        return Err("only a host and a port are understood");
    }
    let host_end = place.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match place[host_end..].rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (&place[host_end..], None),
    };
    match port {
        _ if host_end == 0 && host.is_empty() => Err("the host is missing"),
        _ if host.contains(':') => Err("an IPv6 address needs brackets: tcp://[::1]:2375"),
        Some(port) if port.parse::<u16>().is_err() => Err("the port is not a number up to 65535"),
        Some(_) => Ok(place.to_owned()),
        None => Ok(format!("{place}:{usual}")),
    }
}

/// The certificates that the environment asks for. All three are needed then: a missing one is worth an error.
fn environment_tls(around: &Surroundings) -> Option<Tls> {
    let folder = around.get("DOCKER_CERT_PATH").map(PathBuf::from);
    let wanted = folder.is_some() || around.get("DOCKER_TLS_VERIFY").is_some() || around.get("DOCKER_TLS").is_some();
    if !wanted {
        return None;
    }
    let folder = folder.or_else(|| around.docker_config())?;
    let file = |name| Some(folder.join(name));
    Some(Tls { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(root: &Path, uid: u32, vars: &[(&str, &str)], run: impl FnOnce(&Surroundings) -> T) -> T {
        let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        run(&Surroundings { var: &var, uid: Some(uid), root: root.to_owned() })
    }

    fn texts(hosts: &[Host]) -> Vec<String> {
        hosts.iter().map(|host| host.address.to_string()).collect()
    }

    fn one(vars: &[(&str, &str)]) -> Result<Address> {
        with(Path::new("/nowhere"), 1000, vars, |around| docker(around).map(|mut hosts| hosts.remove(0).address))
    }

    #[test]
    fn docker_host_wins_and_stands_alone() {
        let vars = [("DOCKER_HOST", "unix:///x.sock"), ("DOCKER_CONTEXT", "other"), ("HOME", "/home/me")];
        let hosts = with(Path::new("/"), 1000, &vars, docker).unwrap();
        assert_eq!(hosts, [Host { address: Address::Unix("/x.sock".into()), told_by: Some("DOCKER_HOST".into()) }]);
    }

    #[test]
    fn without_settings_the_known_sockets_are_tried_in_order() {
        let vars = [("HOME", "/home/me"), ("XDG_RUNTIME_DIR", "/xdg"), ("DOCKER_HOST", "")];
        let hosts = texts(&with(Path::new("/nowhere"), 1000, &vars, docker).unwrap());
        assert_eq!(
            hosts[..5],
            [
                "unix:///nowhere/var/run/docker.sock",
                "unix:///nowhere/run/docker.sock",
                "unix:///xdg/docker.sock",
                "unix:///nowhere/run/user/1000/docker.sock",
                "unix:///home/me/.docker/run/docker.sock"
            ]
        );
    }

    #[test]
    fn a_socket_behind_two_names_is_tried_once() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("run/user/7")).unwrap();
        fs::create_dir(root.path().join("var")).unwrap();
        std::os::unix::fs::symlink("../run", root.path().join("var/run")).unwrap();
        let xdg = root.path().join("run/user/7");
        let vars = [("XDG_RUNTIME_DIR", xdg.to_str().unwrap())];
        assert_eq!(with(root.path(), 7, &vars, docker).unwrap().len(), 2);
    }

    #[test]
    fn podman_is_the_users_own_first_and_the_systems_first_for_root() {
        let user = texts(&with(Path::new("/nowhere"), 1000, &[], podman).unwrap());
        assert_eq!(
            user,
            ["unix:///nowhere/run/user/1000/podman/podman.sock", "unix:///nowhere/run/podman/podman.sock"]
        );
        let root = texts(&with(Path::new("/nowhere"), 0, &[], podman).unwrap());
        assert_eq!(root[0], "unix:///nowhere/run/podman/podman.sock");
        let told = texts(&with(Path::new("/nowhere"), 0, &[("CONTAINER_HOST", "unix:///p.sock")], podman).unwrap());
        assert_eq!(told, ["unix:///p.sock"]);
        let ssh = [("CONTAINER_HOST", "ssh://core@m:22/run/p.sock")];
        let far = with(Path::new("/nowhere"), 0, &ssh, podman).unwrap().remove(0).address;
        assert_eq!(far, Address::Ssh(Login::parse("core@m:22/run/p.sock", true).unwrap()));
        let wrong = with(Path::new("/nowhere"), 0, &[("CONTAINER_HOST", "ssh://")], podman).unwrap_err();
        assert!(wrong.to_string().starts_with("error: CONTAINER_HOST is 'ssh://'"), "{wrong}");
    }

    #[test]
    fn hosts_are_read_as_docker_reads_them() {
        let host = |text| one(&[("DOCKER_HOST", text)]).unwrap();
        assert_eq!(host("tcp://h:1"), Address::Tcp("h:1".into()));
        assert_eq!(host("tcp://h"), Address::Tcp("h:2375".into()));
        assert_eq!(host("tcp://h:1/"), Address::Tcp("h:1".into()));
        assert_eq!(host("http://h:1"), Address::Tcp("h:1".into()));
        assert_eq!(host("127.0.0.1:2375"), Address::Tcp("127.0.0.1:2375".into()));
        assert_eq!(host("tcp://[::1]:2375"), Address::Tcp("[::1]:2375".into()));
        assert_eq!(host("tcp://[::1]"), Address::Tcp("[::1]:2375".into()));
        assert_eq!(host("https://h"), Address::Tls("h:2376".into(), Tls::default()));
        assert_eq!(host("ssh://me@h:22"), Address::Ssh(Login::parse("me@h:22", false).unwrap()));
    }

    #[test]
    fn a_malformed_host_is_a_mistake_in_the_settings() {
        for text in [
            "tcp://",
            "tcp://h:99999",
            "unix://x.sock",
            "/run/docker.sock",
            "ftp://h",
            "npipe:////./pipe/x",
            "tcp://h:1/v1",
            "tcp://::1:2375",
            "ssh://h:x",
            "://",
        ] {
            let error = one(&[("DOCKER_HOST", text)]).unwrap_err();
            assert_eq!(error.kind().exit_code(), 2, "{text}");
            assert!(error.to_string().contains("DOCKER_HOST is"), "{error}");
            assert!(error.to_string().contains("hint: examples: unix://"), "{error}");
        }
    }

    #[test]
    fn certificates_come_from_the_folder_that_is_set_or_dockers_own() {
        let tls = |folder: &str| {
            let file = |name| Some(Path::new(folder).join(name));
            Address::Tls("h:2376".into(), Tls { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") })
        };
        let host = ("DOCKER_HOST", "tcp://h");
        assert_eq!(one(&[host, ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/c")]).unwrap(), tls("/c"));
        assert_eq!(one(&[host, ("DOCKER_CERT_PATH", "/c")]).unwrap(), tls("/c"));
        assert_eq!(one(&[host, ("DOCKER_TLS_VERIFY", "1"), ("HOME", "/h")]).unwrap(), tls("/h/.docker"));
        assert_eq!(one(&[host, ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CONFIG", "/k")]).unwrap(), tls("/k"));
    }
}
