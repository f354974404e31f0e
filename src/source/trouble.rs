//! Why no engine gave the image, put into words: every place that was tried, what it said, what a person can do.
//! Knows no connection; it is told what happened.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;
use std::path::Path;

use crate::error::Error;

/// Whose engine it is. Podman may answer on Docker's socket, so this comes from the engine where it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brand {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

/// What went wrong at one place.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no socket.
    Absent,
    /// Somebody may be there, but no answer came; why.
    Silent(String),
    /// This user may not open the socket.
    Denied(String),
    /// The engine answers and does not have the image.
    Unknown,
    /// Anything that is best said as it is.
    Other(Error),
}

/// One place that was tried.
#[derive(Debug)]
pub(super) struct Attempt {
    /// Whose engine was asked, or expected there.
    pub brand: Brand,
    /// `unix:///run/docker.sock`, or `docker 26.1.5 at unix:///run/docker.sock` where it answered.
    pub place: String,
    /// The setting that sent us there.
    pub told_by: Option<String>,
    /// What happened.
    pub failure: Failure,
}

impl Brand {
    /// The name of the program.
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The name in a sentence.
    fn title(self) -> &'static str {
        match self {
            Self::Docker => "Docker",
            Self::Podman => "Podman",
        }
    }
}

impl Attempt {
    fn line(&self) -> String {
        let by = self.told_by.as_ref().map(|by| format!(" (from {by})")).unwrap_or_default();
        let place = &self.place;
        match &self.failure {
            Failure::Absent => format!("{place}{by}: there is no such socket"),
            Failure::Silent(why) | Failure::Denied(why) => format!("{place}{by}: {why}"),
            Failure::Unknown => format!("{place}{by} does not have it"),
            Failure::Other(error) => error.one_line(),
        }
    }
}

/// An error and what is behind it, outermost first.
pub(super) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    successors(Some(error), |error| behind(*error))
}

/// The next cause. An IO error that wraps another error leaves that one out of its `source`, so a plain walk would
/// miss what TLS says.
fn behind<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// The innermost cause: the outer ones of an HTTP client only say that a request failed.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

/// Everything that was tried, as one error. What is nearest to success leads: an engine that failed over the image,
/// one that does not have it, one that refuses, none at all.
pub(super) fn verdict(name: &str, mut attempts: Vec<Attempt>) -> Error {
    let strange = attempts.iter().position(|attempt| matches!(attempt.failure, Failure::Other(_)));
    let strange = strange.map(|at| attempts.remove(at));
    let unknown = attempts.iter().filter(|attempt| matches!(attempt.failure, Failure::Unknown)).count();
    let denied = attempts.iter().any(|attempt| matches!(attempt.failure, Failure::Denied(_)));
    let hints = hints(name, &attempts);
    let answered = unknown > 0 || strange.is_some();
    let lines = lines(&attempts, answered || denied);

    if let Some(Attempt { failure: Failure::Other(error), .. }) = strange {
        return lines.into_iter().fold(error, Error::because);
    }
    if let (1, [line]) = (unknown, lines.as_slice()) {
        let place = line.trim_end_matches(" does not have it");
        return Error::image(format!("no image '{name}' in {place}")).hint(hints);
    }
    let what = match (unknown, denied) {
        (0, true) => "no permission to use the container engine".to_owned(),
        (0, false) => "no container engine answers".to_owned(),
        _ => format!("no engine here has the image '{name}'"),
    };
    lines.into_iter().fold(Error::image(what), Error::because).hint(hints)
}

/// A line for each place. The well-known sockets that are absent share one, and have none when an engine was found.
fn lines(attempts: &[Attempt], found: bool) -> Vec<String> {
    let is_absent = |attempt: &&Attempt| matches!(attempt.failure, Failure::Absent) && attempt.told_by.is_none();
    let mut lines: Vec<_> = attempts.iter().filter(|attempt| !is_absent(attempt)).map(Attempt::line).collect();
    for brand in [Brand::Docker, Brand::Podman] {
        let absent: Vec<_> = attempts.iter().filter(is_absent).filter(|attempt| attempt.brand == brand).collect();
        if !found && !absent.is_empty() {
            let places: Vec<_> = absent.iter().map(|attempt| attempt.place.trim_start_matches("unix://")).collect();
            lines.push(format!("no {} socket at {}", brand.title(), places.join(", ")));
        }
    }
    lines
}

/// What a person can do, one line for each kind of trouble.
fn hints(name: &str, attempts: &[Attempt]) -> String {
    let mut hints = Vec::new();
    let first = |wanted: fn(&Failure) -> bool| attempts.iter().find(|attempt| wanted(&attempt.failure));
    if let Some(attempt) = first(|failure| matches!(failure, Failure::Unknown)) {
        hints.extend(path_hint(name));
        let program = attempt.brand.program();
        hints.push(if looks_like_id(name) {
            format!("{program} images shows the ids there are; an id cannot be pulled, a name can")
        } else {
            format!("if a registry has it: {program} pull {name}")
        });
    }
    if let Some(attempt) = first(|failure| matches!(failure, Failure::Denied(_))) {
        hints.push(match attempt.brand {
            Brand::Docker => "run it as root (sudo), or join the group that owns the socket (sudo usermod -aG docker $USER, then log in again), or use rootless Docker".to_owned(),
            Brand::Podman => "use Podman's service of your own user: systemctl --user start podman.socket".to_owned(),
        });
    }
    if hints.is_empty() {
        hints.extend(start_hints(name, attempts));
    }
    hints.join("\n")
}

/// What helps when nobody answers: start an engine, or do without one.
fn start_hints(name: &str, attempts: &[Attempt]) -> [String; 2] {
    let asked = |brand| attempts.iter().any(|attempt| attempt.brand == brand);
    let start = match attempts.iter().find_map(|attempt| attempt.told_by.as_deref()) {
        Some(setting) => format!("{setting} says where the engine is; start it there, or change the setting"),
        None if !asked(Brand::Podman) => "start it: sudo systemctl start docker".to_owned(),
        None if !asked(Brand::Docker) => "start its service: systemctl --user start podman.socket".to_owned(),
        None => "start one: sudo systemctl start docker, or systemctl --user start podman.socket".to_owned(),
    };
    let program = if asked(Brand::Docker) { Brand::Docker } else { Brand::Podman }.program();
    [
        start,
        format!(
            "without an engine here: {program} save {name} -o image.tar where the image is, then layerscope image.tar"
        ),
    ]
}

/// A name that may have been meant as a place on disk.
fn path_hint(name: &str) -> Option<String> {
    if Path::new(name).is_dir() {
        return Some(format!("the folder '{name}' here holds no image (neither index.json nor manifest.json)"));
    }
    let endings = [".tar.xz", ".tar.bz2", ".txz", ".oci", ".img", ".gz", ".zst", ".zip"];
    endings
        .iter()
        .any(|end| name.ends_with(end))
        .then(|| format!("if '{name}' is meant as a file: there is none of that name here"))
}

/// Twelve hex digits are what `docker images` shows.
fn looks_like_id(name: &str) -> bool {
    let digits = name.strip_prefix("sha256:").unwrap_or(name);
    digits.len() >= 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(brand: Brand, place: &str, failure: Failure) -> Attempt {
        Attempt { brand, place: place.to_owned(), told_by: None, failure }
    }

    #[test]
    fn no_engine_names_every_socket_and_the_way_out() {
        let error = verdict(
            "nginx",
            vec![
                attempt(Brand::Docker, "unix:///a.sock", Failure::Absent),
                attempt(Brand::Docker, "unix:///b.sock", Failure::Silent("Connection refused (os error 111)".into())),
                attempt(Brand::Docker, "unix:///c.sock", Failure::Absent),
                attempt(Brand::Podman, "unix:///p.sock", Failure::Absent),
            ],
        );
        assert_eq!(
            error.to_string(),
            "error: no container engine answers\n  \
             caused by: unix:///b.sock: Connection refused (os error 111)\n  \
             caused by: no Docker socket at /a.sock, /c.sock\n  \
             caused by: no Podman socket at /p.sock\n\
             hint: start one: sudo systemctl start docker, or systemctl --user start podman.socket\n\
             hint: without an engine here: docker save nginx -o image.tar where the image is, then layerscope image.tar"
        );
        assert_eq!(error.kind().exit_code(), 3);
    }

    #[test]
    fn a_setting_that_leads_nowhere_is_named() {
        let told = Attempt {
            told_by: Some("DOCKER_HOST".into()),
            ..attempt(Brand::Docker, "unix:///a.sock", Failure::Absent)
        };
        let text = verdict("nginx", vec![told]).to_string();
        assert!(text.contains("caused by: unix:///a.sock (from DOCKER_HOST): there is no such socket"), "{text}");
        assert!(text.contains("hint: DOCKER_HOST says where the engine is"), "{text}");
    }

    #[test]
    fn the_innermost_cause_is_found_behind_io_errors() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, "bad certificate");
        let error = io::Error::other(io::Error::new(io::ErrorKind::ConnectionReset, inner));
        assert_eq!(root_cause(&error), "bad certificate");
        let kinds: Vec<_> = chain(&error).filter_map(|error| error.downcast_ref()).map(io::Error::kind).collect();
        assert_eq!(kinds, [io::ErrorKind::Other, io::ErrorKind::ConnectionReset, io::ErrorKind::InvalidData]);
    }

    #[test]
    fn a_socket_that_refuses_leads_to_the_group() {
        let text = verdict(
            "nginx",
            vec![attempt(Brand::Docker, "unix:///a.sock", Failure::Denied("Permission denied".into()))],
        );
        assert_eq!(
            text.to_string(),
            "error: no permission to use the container engine\n  caused by: unix:///a.sock: Permission denied\n\
             hint: run it as root (sudo), or join the group that owns the socket (sudo usermod -aG docker $USER, then log in again), or use rootless Docker"
        );
    }

    #[test]
    fn an_image_that_is_not_there_can_be_pulled() {
        let one = verdict("nginx:9", vec![attempt(Brand::Podman, "podman 4.3.1 at unix:///p.sock", Failure::Unknown)]);
        assert_eq!(
            one.to_string(),
            "error: no image 'nginx:9' in podman 4.3.1 at unix:///p.sock\nhint: if a registry has it: podman pull nginx:9"
        );
        let two = verdict(
            "nginx:9",
            vec![
                attempt(Brand::Docker, "docker 26 at unix:///d.sock", Failure::Unknown),
                attempt(Brand::Docker, "unix:///e.sock", Failure::Absent),
                attempt(Brand::Podman, "unix:///p.sock", Failure::Denied("Permission denied".into())),
            ],
        );
        let text = two.to_string();
        assert!(text.starts_with("error: no engine here has the image 'nginx:9'\n"), "{text}");
        assert!(text.contains("caused by: docker 26 at unix:///d.sock does not have it"), "{text}");
        assert!(text.contains("caused by: unix:///p.sock: Permission denied"), "{text}");
        assert!(text.contains("hint: if a registry has it: docker pull nginx:9\nhint: use Podman's service"), "{text}");
        assert!(!text.contains("/e.sock"), "{text}");
    }

    #[test]
    fn a_name_like_a_file_and_one_like_an_id_get_their_own_advice() {
        let unknown = || vec![attempt(Brand::Docker, "docker 26 at unix:///d.sock", Failure::Unknown)];
        let text = verdict("images/app.tar.xz", unknown()).to_string();
        assert!(
            text.contains("hint: if 'images/app.tar.xz' is meant as a file: there is none of that name here"),
            "{text}"
        );
        let text = verdict("src", unknown()).to_string();
        assert!(text.contains("hint: the folder 'src' here holds no image"), "{text}");
        let text = verdict("0123456789ab", unknown()).to_string();
        assert!(text.contains("docker images shows the ids") && !text.contains("docker pull"), "{text}");
    }

    #[test]
    fn a_failure_of_its_own_keeps_its_words() {
        let own = Error::image("too old").hint("upgrade");
        let attempts = vec![
            attempt(Brand::Docker, "docker 1 at unix:///d.sock", Failure::Other(own)),
            attempt(Brand::Podman, "podman 4 at unix:///p.sock", Failure::Unknown),
        ];
        let text = verdict("nginx", attempts).to_string();
        assert_eq!(text, "error: too old\n  caused by: podman 4 at unix:///p.sock does not have it\nhint: upgrade");
    }
}
