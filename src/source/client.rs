//! A connection to one engine: dials, agrees on the API version, asks about images, starts an export.
//! Knows nothing of what an export holds, nor which engine to prefer.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::errors::Error as Trouble;
use bollard::models::{ImageHistoryResponseItem, ImageInspect, ImageSummary, SystemInfo, SystemVersion};
use bollard::query_parameters::ListImagesOptionsBuilder;
use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker};
use bytes::Bytes;
use futures_util::Stream;

use crate::error::Error;
use crate::platform::Platform;
use crate::source::host::{Address, Host, Tls};
use crate::source::ssh;
use crate::source::trouble::{Brand, Failure, chain, root_cause};

/// Docker 1.12 of 2016; Docker 25 to 28 refuse anything older themselves.
const OLDEST_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 24 };

/// The first API whose export and history choose a platform (Docker 28.0).
const PLATFORM_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 48 };

/// The first API whose inspect chooses a platform (Docker 28.1).
const INSPECT_PLATFORM_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 49 };

/// How long an engine may take to say its version. A socket of a dead machine answers nothing at all.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The same through ssh, which has to log in first.
const SSH_HANDSHAKE: Duration = Duration::from_secs(30);

/// How long an engine may take to look up an image: minutes where it counts sizes on a slow disk.
const LOOKUP: Duration = Duration::from_secs(120);

/// No limit, about 136 years. An engine says nothing while it prepares an export on its own disk: Docker 20.10 needs
/// 100 s before the first byte of a 3.7 GB image. Whoever waits can cancel.
const EXPORT: Duration = Duration::from_secs(u32::MAX as u64);

/// An engine that answered.
pub(super) struct Client {
    docker: Docker,
    api: ClientVersion,
    /// Whose engine it is, as it says itself.
    pub brand: Brand,
    /// `docker 26.1.5 at unix:///run/docker.sock`.
    pub place: String,
}

impl Client {
    /// Dials and agrees on the newest API that both sides know. Must run inside a runtime.
    pub(super) async fn connect(host: &Host) -> Result<Self, Failure> {
        let patience = if matches!(host.address, Address::Ssh(_)) { SSH_HANDSHAKE } else { HANDSHAKE };
        let docker = dial(&host.address)?.with_timeout(patience);
        let version = limited(patience, docker.version()).await.map_err(|trouble| refusal(&host.address, &trouble))?;
        let api = agree(&version)
            .map_err(|error| Failure::Other(error.because(format!("it listens at {}", host.address))))?;
        let brand = brand(&version);
        let number = version.version.as_deref().unwrap_or("of unknown version");
        let place = format!("{} {number} at {}", brand.program(), host.address);
        Ok(Self { docker, api, brand, place })
    }

    /// What the engine knows of an image.
    pub(super) async fn inspect(&self, name: &str, platform: Option<&Platform>) -> Result<ImageInspect, Trouble> {
        let platform = platform.filter(|_| self.api >= INSPECT_PLATFORM_API);
        limited(LOOKUP, self.asking(LOOKUP, platform).inspect_image(name)).await
    }

    /// The steps that made an image, newest first.
    pub(super) async fn history(
        &self,
        name: &str,
        platform: Option<&Platform>,
    ) -> Result<Vec<ImageHistoryResponseItem>, Trouble> {
        limited(LOOKUP, self.asking(LOOKUP, platform).image_history(name)).await
    }

    /// What the engine says of itself.
    pub(super) async fn info(&self) -> Result<SystemInfo, Trouble> {
        limited(HANDSHAKE, self.asking(HANDSHAKE, None).info()).await
    }

    /// All images, those without a name and those between two build steps too when `all` is set.
    pub(super) async fn images(&self, all: bool) -> Result<Vec<ImageSummary>, Trouble> {
        let options = ListImagesOptionsBuilder::default().all(all).build();
        limited(LOOKUP, self.asking(LOOKUP, None).list_images(Some(options))).await
    }

    /// The bytes of `docker save`. Nothing is asked for before the stream is polled, and nothing limits its time.
    pub(super) fn export(
        &self,
        name: &str,
        platform: Option<&Platform>,
    ) -> impl Stream<Item = Result<Bytes, Trouble>> + use<> {
        self.asking(EXPORT, platform).export_image(name)
    }

    /// A handle whose requests name the API version, and the platform where the engine can choose one.
    /// bollard 0.21 negotiates a version and then leaves it out of its URLs (`Uri::parse` joins an absolute path);
    /// without it an engine answers in its newest dialect, which need not be one that bollard reads.
    fn asking(&self, patience: Duration, platform: Option<&Platform>) -> Docker {
        let version = format!("/v{}", self.api);
        let query = platform.filter(|_| self.api >= PLATFORM_API).map(parameter);
        self.docker.clone().with_timeout(patience).with_request_modifier(move |mut request| {
            let uri = request.uri();
            let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return request };
            let path =
                if uri.path().starts_with("/v1.") { uri.path().to_owned() } else { format!("{version}{}", uri.path()) };
            let queries: Vec<_> = uri.query().into_iter().chain(query.as_deref()).collect();
            let mark = if queries.is_empty() { "" } else { "?" };
            if let Ok(uri) = format!("{scheme}://{authority}{path}{mark}{}", queries.join("&")).parse() {
                *request.uri_mut() = uri;
            }
            request
        })
    }
}

/// bollard's own limit ends with the head of an answer; this one covers its body too.
async fn limited<T>(patience: Duration, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(Trouble::RequestTimeoutError))
}

/// Prepares a connection; the first request makes it.
fn dial(address: &Address) -> Result<Docker, Failure> {
    let seconds = HANDSHAKE.as_secs();
    let docker = match address {
        Address::Unix(path) => Docker::connect_with_unix(&path.to_string_lossy(), seconds, API_DEFAULT_VERSION),
        Address::Tcp(place) => Docker::connect_with_http(place, seconds, API_DEFAULT_VERSION),
        Address::Ssh(login) => ssh::dial(login),
        Address::Tls(place, tls) => {
            let [ca, cert, key] = certificate_files(place, tls).map_err(Failure::Other)?;
            Docker::connect_with_ssl(place, &key, &cert, &ca, seconds, API_DEFAULT_VERSION)
        }
    };
    docker.map_err(|trouble| refusal(address, &trouble))
}

/// Looks at the certificate files first: bollard takes one that it cannot read for none, and the engine's answer to
/// that names no file. What was not given is an empty file to bollard: it trusts the system and shows no certificate.
fn certificate_files(place: &str, tls: &Tls) -> Result<[PathBuf; 3], Error> {
    let nothing = Path::new("/dev/null");
    let files = [&tls.ca, &tls.cert, &tls.key].map(|file| file.as_deref().unwrap_or(nothing).to_owned());
    for file in &files {
        File::open(file).map_err(|cause| {
            Error::image(format!("cannot read a certificate for the engine at tcp://{place}"))
                .because(format!("{}: {cause}", file.display()))
                .hint("DOCKER_CERT_PATH names the folder with ca.pem, cert.pem and key.pem; unset DOCKER_TLS_VERIFY for plain TCP")
        })?;
    }
    Ok(files)
}

/// The newest API that the engine and bollard both know.
fn agree(version: &SystemVersion) -> Result<ClientVersion, Error> {
    let name = format!("{} {}", brand(version).program(), version.version.as_deref().unwrap_or_default());
    let newest = version.api_version.as_deref().and_then(api_number);
    let Some(newest) = newest else {
        return Err(
            Error::image("what answers is no container engine: it names no API version").hint("check DOCKER_HOST")
        );
    };
    if newest < OLDEST_API {
        return Err(Error::image(format!(
            "{name} is too old: it speaks API {newest}, and {OLDEST_API} is the oldest that layerscope speaks"
        ))
        .hint("save the image to a file and read that: docker save IMAGE -o image.tar, then layerscope image.tar"));
    }
    let oldest = version.min_api_version.as_deref().and_then(api_number);
    if let Some(oldest) = oldest.filter(|oldest| oldest > API_DEFAULT_VERSION) {
        return Err(Error::image(format!("{name} is too new: it speaks API {oldest} and later, layerscope up to {API_DEFAULT_VERSION}"))
            .hint("update layerscope, or save the image to a file and read that: docker save IMAGE -o image.tar, then layerscope image.tar"));
    }
    Ok(if newest < *API_DEFAULT_VERSION { newest } else { *API_DEFAULT_VERSION })
}

fn api_number(text: &str) -> Option<ClientVersion> {
    let (major, minor) = text.split_once('.')?;
    Some(ClientVersion { major_version: major.parse().ok()?, minor_version: minor.parse().ok()? })
}

fn brand(version: &SystemVersion) -> Brand {
    let parts = version.components.as_deref().unwrap_or_default();
    if parts.iter().any(|part| part.name.contains("Podman")) { Brand::Podman } else { Brand::Docker }
}

/// What a failed handshake means.
fn refusal(address: &Address, trouble: &Trouble) -> Failure {
    let why = root_cause(trouble);
    let is_socket = matches!(address, Address::Unix(_));
    match (trouble, io_kind(trouble)) {
        (Trouble::SocketNotFoundError(_), _) => Failure::Absent,
        (Trouble::RequestTimeoutError, _) => Failure::Silent("no answer in time".to_owned()),
        (_, Some(io::ErrorKind::NotFound)) if is_socket => Failure::Absent,
        (_, Some(io::ErrorKind::PermissionDenied)) if is_socket => Failure::Denied(why),
        (_, Some(io::ErrorKind::InvalidData)) if matches!(address, Address::Tls(..)) => Failure::Other(
            Error::image(format!("no trusted connection to the engine at {address}"))
                .because(why)
                .hint("DOCKER_CERT_PATH names the folder with the ca.pem that signed the engine's certificate, and our cert.pem and key.pem"),
        ),
        (Trouble::DockerResponseServerError { message, .. }, _) => {
            let error = Error::image(format!("the engine at {address} refuses to talk")).because(message.trim());
            Failure::Other(if message.contains("HTTPS") { error.hint("it wants TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH") } else { error })
        }
        (Trouble::JsonDataError { .. } | Trouble::JsonSerdeError { .. }, _) => {
            Failure::Other(Error::image(format!("what answers at {address} is no container engine")).because(why).hint("check DOCKER_HOST"))
        }
        _ if matches!(address, Address::Ssh(_)) => Failure::Silent(format!("{why} (the way there is ssh: try to log in with it)")),
        _ => Failure::Silent(why),
    }
}

/// The innermost IO error's kind: TLS and the HTTP client wrap it in one another.
fn io_kind(trouble: &Trouble) -> Option<io::ErrorKind> {
    chain(trouble).filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).last()
}

/// The platform as a parameter of a request: JSON, since API 1.48.
fn parameter(platform: &Platform) -> String {
    let variant = platform.variant.as_ref().map(|variant| format!(r#","variant":"{variant}""#)).unwrap_or_default();
    let json = format!(r#"{{"os":"{}","architecture":"{}"{variant}}}"#, platform.os, platform.architecture);
    let encoded =
        json.replace('{', "%7B").replace('}', "%7D").replace('"', "%22").replace(':', "%3A").replace(',', "%2C");
    format!("platform={encoded}")
}
