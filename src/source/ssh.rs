//! An engine on another machine, reached as `docker` reaches it: the `ssh` program runs `docker system dial-stdio`
//! there, and HTTP goes over its standard input and output. Knows no image.
//!
//! bollard brings an ssh of its own; its 0.21 hands `host:port` to a crate that takes that for the name of a host,
//! logs in once for each request, and leaves what ssh says on standard error on the screen.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bollard::errors::Error as Trouble;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, join};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// What ssh says before it gives up is a line or two; a banner of the other machine may come before it.
const MAX_COMPLAINT: u64 = 16 << 10;

/// How long to wait for what ssh says after its connection broke.
const COMPLAINT_TIME: Duration = Duration::from_secs(2);

/// Where to log in, and what to run there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    user: Option<String>,
    host: String,
    port: Option<u16>,
    /// The engine's socket over there, where it is not the usual one.
    socket: Option<String>,
    podman: bool,
}

impl Login {
    /// Reads `[user@]host[:port][/path/of/socket]`, the part behind `ssh://`.
    pub(super) fn parse(place: &str, podman: bool) -> Result<Self, &'static str> {
        let (login, socket) = match place.find('/') {
            Some(at) => (&place[..at], Some(place[at..].to_owned()).filter(|path| path != "/")),
            None => (place, None),
        };
        // The path reaches a shell over there.
        let is_plain =
            |text: &str, more: &[u8]| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte));
        if socket.as_deref().is_some_and(|path| !is_plain(path, b"/._-")) {
            return Err("the path of the socket has characters that are not letters, digits, '.', '_' or '-'");
        }
        let (user, host) = login.rsplit_once('@').map_or((None, login), |(user, host)| (Some(user.to_owned()), host));
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().ok().ok_or("the port is not a number up to 65535")?))
            }
            _ => (host, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || user.as_deref() == Some("") {
            return Err("the host or the user is missing");
        }
        if !is_plain(&host, b".-_:%") || user.as_deref().is_some_and(|user| user.contains(char::is_whitespace)) {
            return Err("the host or the user has characters that no name has");
        }
        Ok(Self { user, host, port, socket, podman })
    }

    /// What follows `ssh`. Nobody can answer a question for a password: the screen may be in use.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-T"].map(str::to_owned).to_vec();
        if let Some(user) = &self.user {
            arguments.extend(["-l".to_owned(), user.clone()]);
        }
        if let Some(port) = self.port {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        let (program, at) = if self.podman { ("podman", "--url") } else { ("docker", "--host") };
        arguments.extend(["--".to_owned(), self.host.clone(), program.to_owned()]);
        if let Some(socket) = &self.socket {
            arguments.extend([at.to_owned(), format!("unix://{socket}")]);
        }
        arguments.extend(["system".to_owned(), "dial-stdio".to_owned()]);
        arguments
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        self.user.as_ref().map_or(Ok(()), |user| write!(f, "{user}@"))?;
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))?;
        f.write_str(self.socket.as_deref().unwrap_or_default())
    }
}

/// A client whose requests go through ssh. The first request logs in, the others use the same connection.
pub(super) fn dial(login: &Login) -> Result<Docker, Trouble> {
    let arguments = login.arguments();
    dial_command(move || {
        let mut command = Command::new("ssh");
        command.args(&arguments);
        command
    })
}

fn dial_command(command: impl Fn() -> Command + Send + Sync + 'static) -> Result<Docker, Trouble> {
    let command = Arc::new(command);
    let line = Arc::new(Mutex::new(None));
    let transport = move |request| {
        let (command, line) = (Arc::clone(&command), Arc::clone(&line));
        async move { ask(request, || command(), &line).await }
    };
    // The host is written into every request and read by nobody. The limit of time is set by whoever asks.
    Docker::connect_with_custom_transport(transport, Some("http://engine"), 0, API_DEFAULT_VERSION)
}

/// A connection. Its program lives in the task that keeps it, for an export outlives the last request.
struct Line {
    sender: SendRequest<NoBody>,
    complaint: JoinHandle<String>,
}

/// Sends a request over the line, a new one where there is none or the old one broke.
async fn ask(
    request: BollardRequest,
    command: impl Fn() -> Command,
    line: &Mutex<Option<Line>>,
) -> Result<Response<Incoming>, Trouble> {
    let (mut head, _) = request.into_parts();
    head.uri = head.uri.path_and_query().map_or("/", PathAndQuery::as_str).parse()?;
    head.headers.insert(HOST, HeaderValue::from_static("engine"));

    let mut line = line.lock().await;
    let mut current = match line.take() {
        Some(mut old) => {
            if old.sender.ready().await.is_ok() {
                old
            } else {
                connect(command()).await?
            }
        }
        None => connect(command()).await?,
    };
    match current.sender.send_request(Request::from_parts(head, NoBody)).await {
        Ok(response) => {
            *line = Some(current);
            Ok(response)
        }
        Err(error) => Err(current.complain(error).await),
    }
}

/// Starts the program and speaks HTTP to it.
async fn connect(mut command: Command) -> Result<Line, Trouble> {
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut ssh = streams.spawn().map_err(|cause| io::Error::other(format!("cannot run ssh: {cause}")))?;
    let (Some(input), Some(output), Some(mut errors)) = (ssh.stdin.take(), ssh.stdout.take(), ssh.stderr.take()) else {
        return Err(io::Error::other("ssh has no standard streams").into());
    };
    let complaint = tokio::spawn(async move {
        let mut text = Vec::new();
        // What cannot be read is left out; the rest is read and thrown away, so that ssh need not wait.
        let _ = (&mut errors).take(MAX_COMPLAINT).read_to_end(&mut text).await;
        let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
        String::from_utf8_lossy(&text).into_owned()
    });
    let (sender, connection) = handshake(TokioIo::new(join(output, input))).await?;
    tokio::spawn(async move {
        // Whoever reads the answer is told when it breaks.
        let _ = connection.await;
        drop(ssh);
    });
    Ok(Line { sender, complaint })
}

impl Line {
    /// What ssh said is the better reason for a broken line: "Permission denied (publickey)".
    async fn complain(self, error: hyper::Error) -> Trouble {
        drop(self.sender);
        let text = tokio::time::timeout(COMPLAINT_TIME, self.complaint).await;
        let text = text.ok().and_then(Result::ok).unwrap_or_default();
        match text.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            Some(line) => io::Error::other(line.to_owned()).into(),
            None => error.into(),
        }
    }
}

/// Every request here is a question without a body.
struct NoBody;

impl Body for NoBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(place: &str, podman: bool) -> String {
        let login = Login::parse(place, podman).unwrap();
        assert_eq!(login.to_string(), format!("ssh://{place}"));
        login.arguments()[5..].join(" ")
    }

    #[test]
    fn a_place_becomes_a_command() {
        assert_eq!(arguments("h", false), "-- h docker system dial-stdio");
        assert_eq!(arguments("me@h:2222", false), "-l me -p 2222 -- h docker system dial-stdio");
        assert_eq!(arguments("[::1]:22", false), "-p 22 -- ::1 docker system dial-stdio");
        assert_eq!(
            arguments("core@h:22/run/user/1/podman/podman.sock", true),
            "-l core -p 22 -- h podman --url unix:///run/user/1/podman/podman.sock system dial-stdio"
        );
        assert_eq!(arguments("h/d.sock", false), "-- h docker --host unix:///d.sock system dial-stdio");
    }

    #[test]
    fn nothing_reaches_a_shell_that_is_no_name() {
        for place in ["", "@h", "me@", "h:x", "h:99999", "h/a;b", "h/$(x)", "a b", "h`x`", "m e@h"] {
            assert!(Login::parse(place, false).is_err(), "{place}");
        }
        // A host like an option stands behind `--`.
        assert!(arguments("-oProxyCommand", false).starts_with("-- -oProxyCommand "));
    }

    fn run<T>(script: &'static str, work: impl AsyncFnOnce(Docker) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let command = move || {
                let mut command = Command::new("sh");
                command.args(["-c", script]);
                command
            };
            work(dial_command(command).unwrap().with_timeout(Duration::from_secs(10))).await
        })
    }

    #[test]
    fn answers_come_over_one_line() {
        // Each answer names the process, so a second login would show.
        let script = r#"while read -r line; do case "$line" in GET*) body="{\"Version\":\"$$\"}"
            printf 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' ${#body} "$body";; esac; done"#;
        let (first, second) = run(script, async |docker| {
            (docker.version().await.unwrap().version.unwrap(), docker.clone().version().await.unwrap().version.unwrap())
        });
        assert_eq!(first, second);
    }

    #[test]
    fn what_ssh_says_is_the_reason() {
        let script = "echo 'a banner' >&2; echo 'me@h: Permission denied (publickey).' >&2; exit 255";
        let error = run(script, async |docker| docker.version().await.unwrap_err());
        assert_eq!(error.to_string(), "me@h: Permission denied (publickey).");
        let error = run("exit 1", async |docker| docker.version().await.unwrap_err());
        assert!(matches!(error, Trouble::HyperResponseError { .. }), "{error:?}");
    }
}
