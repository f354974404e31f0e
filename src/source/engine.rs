//! A live engine as a source: finds one that has the image, says what it knows of it, streams its export.
//! Knows no tar and no layer; what the bytes mean is for the rooms behind it.

mod facts;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use bollard::errors::Error as Trouble;
use bollard::models::ImageInspect;
use futures_util::future::join;
use tokio::runtime::{Builder, Runtime};

pub use self::facts::{EngineFacts, EngineHistory};
use self::facts::{bytes, driver, facts, named};
use crate::error::{Error, Kind, Result};
use crate::platform::Platform;
use crate::source::client::Client;
use crate::source::export::honest;
use crate::source::host::{self, Address, Host, Surroundings, real};
use crate::source::outlook;
use crate::source::pump::Pump;
use crate::source::reference::EngineKind;
use crate::source::storage::Driver;
use crate::source::trouble::{Attempt, Brand, Failure, root_cause, verdict};

/// Matches that are worth naming when the start of an id fits several images.
const NAMED_MATCHES: usize = 5;

/// An image in an engine: what is known of it at once, and its bytes as they come.
#[derive(Debug)]
pub struct EngineImage {
    /// What the engine says, before the first byte of the export.
    pub facts: EngineFacts,
    /// The bytes of `docker save`, once they are asked for.
    pub export: Export,
}

/// An export that has not begun: an engine works on one even when nobody reads it.
pub struct Export {
    runtime: Runtime,
    client: Client,
    name: String,
    platform: Option<Platform>,
}

impl Export {
    /// Begins it.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(self) -> Result<Pump> {
        let export = honest(self.client.export(&self.name, self.platform.as_ref()), self.client.place);
        Pump::start(self.runtime, export).map_err(|cause| Error::image("cannot start a thread").caused_by(&cause))
    }
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An image that an engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalImage {
    /// The image's id, `sha256:…`.
    pub id: String,
    /// Its names; none for an image that was replaced under its name.
    pub tags: Vec<String>,
    /// Bytes as the engine counts them.
    pub size: u64,
    /// Seconds since 1970.
    pub created: i64,
    /// Which engine has it: `docker 26.1.5 at unix:///run/docker.sock`.
    pub engine: String,
}

/// Finds an image in the engines of this machine.
///
/// # Errors
/// No engine has it; the error names every place that was tried.
pub fn open(kind: EngineKind, name: &str, platform: Option<&Platform>) -> Result<EngineImage> {
    surrounded(|around| open_in(around, kind, name, platform))
}

/// The images of every engine that answers.
///
/// # Errors
/// No engine answers; the error names every place that was tried.
pub fn list(kind: EngineKind) -> Result<Vec<LocalImage>> {
    surrounded(|around| list_in(around, kind))
}

/// Runs with this process's own surroundings.
fn surrounded<T>(run: impl FnOnce(&Surroundings) -> T) -> T {
    let var = |name: &str| std::env::var(name).ok();
    // The owner of /proc/self is this user; where there is no /proc there is no /run/user either.
    let uid = fs::metadata("/proc/self").ok().map(|process| process.uid());
    run(&Surroundings { var: &var, uid, root: PathBuf::from("/") })
}

/// [`open`] in given surroundings.
fn open_in(around: &Surroundings, kind: EngineKind, name: &str, platform: Option<&Platform>) -> Result<EngineImage> {
    check_name(name)?;
    let Places { hosts, mut attempts } = places(around, kind)?;
    let runtime = runtime()?;
    for (brand, host) in hosts {
        match runtime.block_on(look_up(brand, &host, name, platform)) {
            Ok((client, facts)) => {
                let name = whole_name(name, &facts.tags).to_owned();
                let export = Export { runtime, client, name, platform: platform.cloned() };
                return Ok(EngineImage { facts, export });
            }
            Err(attempt) => attempts.push(attempt),
        }
    }
    Err(verdict(name, attempts))
}

/// The name with its tag. Asked to export a bare name, Docker sends every tag of it; asked to inspect one, it means
/// `latest`.
#[must_use]
pub fn whole_name<'n>(name: &'n str, tags: &'n [String]) -> &'n str {
    let latest = format!("{name}:latest");
    let is_it =
        |tag: &&String| **tag == latest || tag.strip_suffix(&latest).is_some_and(|before| before.ends_with('/'));
    tags.iter().find(is_it).map_or(name, String::as_str)
}

/// [`list`] in given surroundings.
fn list_in(around: &Surroundings, kind: EngineKind) -> Result<Vec<LocalImage>> {
    let Places { hosts, mut attempts } = places(around, kind)?;
    let runtime = runtime()?;
    let mut images = Vec::new();
    let mut answered = false;
    for (brand, host) in hosts {
        match runtime.block_on(list_one(brand, &host)) {
            Ok(found) => {
                answered = true;
                images.extend(found);
            }
            Err(attempt) => attempts.push(attempt),
        }
    }
    if answered { Ok(images) } else { Err(verdict("IMAGE", attempts)) }
}

async fn list_one(brand: Brand, host: &Host) -> Result<Vec<LocalImage>, Attempt> {
    let client = Client::connect(host).await.map_err(|failure| attempt(brand, host, failure))?;
    let images = client.images(false).await;
    let images = images
        .map_err(|trouble| answered(&client, host, Failure::Other(failed(&client, "list its images", &trouble))))?;
    let local = images.into_iter().map(|image| LocalImage {
        id: image.id,
        tags: named(image.repo_tags),
        size: bytes(image.size),
        created: image.created,
        engine: client.place.clone(),
    });
    Ok(local.collect())
}

/// Where to ask, in order, and the settings that lead nowhere.
struct Places {
    hosts: Vec<(Brand, Host)>,
    attempts: Vec<Attempt>,
}

/// The places to try. With [`EngineKind::Any`] a setting that leads nowhere (the context of a Docker Desktop
/// that is gone) is noted and does not keep anyone from Podman; a mistyped one is a mistake to mend.
fn places(around: &Surroundings, kind: EngineKind) -> Result<Places> {
    type Find = fn(&Surroundings) -> Result<Vec<Host>>;
    let wanted: &[(Brand, Find)] = match kind {
        EngineKind::Any => &[(Brand::Docker, host::docker), (Brand::Podman, host::podman)],
        EngineKind::Docker => &[(Brand::Docker, host::docker)],
        EngineKind::Podman => &[(Brand::Podman, host::podman)],
    };
    let mut places = Places { hosts: Vec::new(), attempts: Vec::new() };
    for (brand, find) in wanted {
        match find(around) {
            // Docker's socket may be a link to Podman's; once is enough.
            Ok(found) => found.into_iter().for_each(|host| {
                if !places.hosts.iter().any(|(_, known)| same(known, &host)) {
                    places.hosts.push((*brand, host));
                }
            }),
            Err(error) if error.kind() == Kind::Usage => return Err(error),
            Err(error) => places.attempts.push(Attempt {
                brand: *brand,
                place: String::new(),
                told_by: None,
                failure: Failure::Other(error),
            }),
        }
    }
    Ok(places)
}

fn same(one: &Host, other: &Host) -> bool {
    match (&one.address, &other.address) {
        (Address::Unix(one), Address::Unix(other)) => real(one) == real(other),
        (one, other) => one == other,
    }
}

/// A runtime for one conversation; it moves to the pump's thread with the export.
fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::image("cannot talk to container engines").caused_by(&cause))
}

/// Asks one engine for an image.
async fn look_up(
    brand: Brand,
    host: &Host,
    name: &str,
    platform: Option<&Platform>,
) -> Result<(Client, EngineFacts), Attempt> {
    let client = Client::connect(host).await.map_err(|failure| attempt(brand, host, failure))?;
    match ask(&client, host, name, platform).await {
        Ok(facts) => Ok((client, facts)),
        Err(failure) => Err(answered(&client, host, failure)),
    }
}

async fn ask(client: &Client, host: &Host, name: &str, platform: Option<&Platform>) -> Result<EngineFacts, Failure> {
    let inspect = match client.inspect(name, platform).await {
        Ok(inspect) => inspect,
        Err(trouble) => return Err(not_found(client, name, platform, &trouble).await),
    };
    let found = Platform {
        os: inspect.os.clone().unwrap_or_default(),
        architecture: inspect.architecture.clone().unwrap_or_default(),
        variant: inspect.variant.clone().filter(|variant| !variant.is_empty()),
    };
    if let Some(platform) = platform.filter(|platform| !found.satisfies(platform)) {
        let error = Error::image(format!("the image '{name}' in {} is for {found}", client.place));
        return Err(Failure::Other(
            error.because(format!("this engine offers no {platform} of it")).hint(pull_hint(client, name, platform)),
        ));
    }
    let (history, driver) = join(client.history(name, platform), whereabouts(client, host, &inspect)).await;
    let history =
        history.map_err(|trouble| Failure::Other(failed(client, "tell the history of the image", &trouble)))?;
    Ok(facts(client, inspect, history, driver))
}

/// Where the image lies, if that may be on this machine.
async fn whereabouts(client: &Client, host: &Host, inspect: &ImageInspect) -> Driver {
    let Address::Unix(socket) = &host.address else { return Driver::default() };
    let is_said = inspect.graph_driver.as_ref().is_some_and(|driver| driver.data.contains_key("UpperDir"));
    let info = async { if is_said { None } else { client.info().await.ok() } };
    let (info, root) = join(info, outlook::root_behind(socket)).await;
    Driver { root, ..driver(inspect, info) }
}

/// Why an engine did not describe an image.
async fn not_found(client: &Client, name: &str, platform: Option<&Platform>, trouble: &Trouble) -> Failure {
    let Trouble::DockerResponseServerError { status_code, message } = trouble else {
        return Failure::Other(failed(client, "describe the image", trouble));
    };
    if let Some(matches) = ambiguous(client, name).await {
        let error = Error::image(format!("'{name}' is the start of {} image ids in {}", matches.len(), client.place));
        let error = matches.into_iter().take(NAMED_MATCHES).fold(error, Error::because);
        return Failure::Other(error.hint("give more digits of the id"));
    }
    match (status_code, platform) {
        (404, Some(platform)) if message.contains("platform") => {
            let error = Error::image(format!("{} has '{name}' for another platform only", client.place));
            Failure::Other(error.because(message.trim()).hint(pull_hint(client, name, platform)))
        }
        (404, _) => Failure::Unknown,
        _ if message.contains("invalid reference") || message.contains("must be lowercase") => {
            let error = Error::image(format!("'{name}' is no image name to {}", client.place)).because(message.trim());
            Failure::Other(error.hint("a name is lower case, like nginx:1.27 or registry.example.com/team/app:2"))
        }
        _ => Failure::Other(failed(client, &format!("describe '{name}'"), trouble)),
    }
}

/// The images that the start of an id may mean, when there is more than one. Docker 20.10 to 28 answer "no such image"
/// to such a name, which is not the whole truth.
async fn ambiguous(client: &Client, name: &str) -> Option<Vec<String>> {
    let digits = name.strip_prefix("sha256:").unwrap_or(name);
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let images = client.images(true).await.ok()?;
    let fits = |id: &str| id.strip_prefix("sha256:").unwrap_or(id).starts_with(digits);
    let fitting = images.into_iter().filter(|image| fits(&image.id));
    let matches: Vec<_> = fitting.map(|image| format!("{} {}", image.id, named(image.repo_tags).join(" "))).collect();
    (matches.len() > 1).then_some(matches)
}

fn pull_hint(client: &Client, name: &str, platform: &Platform) -> String {
    format!("if a registry has it: {} pull --platform {platform} {name}", client.brand.program())
}

fn failed(client: &Client, work: &str, trouble: &Trouble) -> Error {
    let error = Error::image(format!("{} could not {work}", client.place));
    match trouble {
        Trouble::DockerResponseServerError { message, .. } => error.because(message.trim()),
        other => error.because(root_cause(other)),
    }
}

fn attempt(brand: Brand, host: &Host, failure: Failure) -> Attempt {
    Attempt { brand, place: host.address.to_string(), told_by: host.told_by.clone(), failure }
}

fn answered(client: &Client, host: &Host, failure: Failure) -> Attempt {
    Attempt { brand: client.brand, place: client.place.clone(), told_by: host.told_by.clone(), failure }
}

/// Names become part of a URL, so what cannot be in a name must not get there. Docker's own grammar, a little wider:
/// parts that start with a letter or a digit, and `:` and `@` for tags and digests.
fn check_name(name: &str) -> Result<()> {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:@+".contains(&byte))
    };
    if name.split('/').all(is_part) {
        return Ok(());
    }
    Err(Error::image(format!("'{name}' is no name that an image in an engine can have")).hint(
        "a name is like nginx:1.27 or registry.example.com/team/app@sha256:…; a file is named by its path, ./image.tar",
    ))
}

#[cfg(test)]
mod tests;
