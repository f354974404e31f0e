//! The engine against a fake one: versions, names, platforms, errors, and streams that end badly.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::source::fake::{Fake, Reply};

const INSPECT: &str = r#"{"Id":"sha256:aa11","RepoTags":["app:1","<none>:<none>"],"RepoDigests":null,"Created":"2026-01-02T03:04:05Z",
    "Os":"linux","Architecture":"amd64","Variant":"","Size":1234,"RootFS":{"Type":"layers","Layers":["sha256:l1","sha256:l2"]}}"#;

const HISTORY: &str = r#"[{"Id":"sha256:aa11","Created":20,"CreatedBy":"COPY x /x","Tags":["app:1"],"Size":7,"Comment":"new"},
    {"Id":"<missing>","Created":10,"CreatedBy":"FROM scratch","Tags":null,"Size":-1,"Comment":""}]"#;

fn version(api: &str, min: &str) -> Reply {
    Reply::Say(
        200,
        format!(
            r#"{{"Components":[{{"Name":"Engine","Version":"26.1.5"}}],"Version":"26.1.5","ApiVersion":"{api}","MinAPIVersion":"{min}"}}"#
        ),
    )
}

fn podman_version() -> Reply {
    Reply::Say(200, r#"{"Components":[{"Name":"Podman Engine","Version":"4.3.1"}],"Version":"4.3.1","ApiVersion":"1.41","MinAPIVersion":"1.24"}"#.into())
}

fn no_such_image() -> Reply {
    Reply::Say(404, r#"{"message":"No such image: x:latest"}"#.into())
}

/// An engine that has `app` and exports what `export` says.
fn engine(api: &'static str, export: impl Fn() -> Reply + Send + Sync + 'static) -> Fake {
    Fake::on_port(move |path| answer(path, version(api, "1.24"), &export))
}

fn answer(path: &str, version: Reply, export: &dyn Fn() -> Reply) -> Reply {
    let path = path.split('?').next().unwrap();
    match path.rsplit('/').next().unwrap() {
        "version" => version,
        "json" if path.ends_with("/app/json") => Reply::Say(200, INSPECT.into()),
        "history" => Reply::Say(200, HISTORY.into()),
        "get" => export(),
        _ => no_such_image(),
    }
}

fn whole() -> Reply {
    Reply::Whole(vec![b"first ".to_vec(), vec![b'z'; 100_000], b" last".to_vec()])
}

fn around<T>(root: &Path, vars: &[(&str, &str)], run: impl FnOnce(&Surroundings) -> T) -> T {
    let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    run(&Surroundings { var: &var, uid: Some(1000), root: root.to_owned() })
}

/// Opens with nothing set but `DOCKER_HOST`.
fn open_at(host: &str, name: &str, platform: Option<&str>) -> Result<Begun> {
    begun(around(Path::new("/nowhere"), &[("DOCKER_HOST", host)], |around| {
        let platform: Option<Platform> = platform.map(|text| text.parse().unwrap());
        open_in(around, EngineKind::Docker, name, platform.as_ref())
    }))
}

/// An image whose export has begun.
#[derive(Debug)]
struct Begun {
    facts: EngineFacts,
    export: Pump,
}

fn begun(image: Result<EngineImage>) -> Result<Begun> {
    let EngineImage { facts, export } = image?;
    Ok(Begun { facts, export: export.start()? })
}

fn wait_until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_image_is_described_and_its_bytes_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::on_socket(&folder.path().join("d.sock"), |path| answer(path, version("1.41", "1.12"), &whole));
    let mut image = open_at(&fake.host, "app", None).unwrap();
    assert_eq!(image.facts.source, format!("docker 26.1.5 at {}", fake.host));
    assert_eq!((image.facts.method, image.facts.id.as_str(), image.facts.size), ("export", "sha256:aa11", 1234));
    assert_eq!((image.facts.tags.as_slice(), image.facts.repo_digests.len()), (["app:1".to_owned()].as_slice(), 0));
    assert_eq!(
        (image.facts.os.as_str(), image.facts.architecture.as_str(), &image.facts.variant),
        ("linux", "amd64", &None)
    );
    assert_eq!(image.facts.created.as_deref(), Some("2026-01-02T03:04:05Z"));
    assert_eq!(image.facts.diff_ids, ["sha256:l1", "sha256:l2"]);
    let oldest = &image.facts.history[0];
    assert_eq!(
        (oldest.created, oldest.created_by.as_str(), oldest.size, oldest.tags.len()),
        (10, "FROM scratch", 0, 0)
    );
    assert_eq!(image.facts.history[1].comment, "new");

    let mut bytes = Vec::new();
    image.export.read_to_end(&mut bytes).unwrap();
    assert!(bytes.starts_with(b"first zzz") && bytes.ends_with(b"zzz last"));
    assert_eq!(image.export.received().load(Ordering::Relaxed), bytes.len() as u64);
}

#[test]
fn both_sides_agree_on_the_newest_api_that_both_know() {
    for (theirs, spoken) in [("1.24", "1.24"), ("1.41", "1.41"), ("1.52", "1.52"), ("1.99", "1.53")] {
        let fake = Fake::on_port(move |path| {
            answer(path, version(theirs, if theirs > "1.44" { "1.44" } else { "1.12" }), &whole)
        });
        let mut image = open_at(&fake.host, "app", None).unwrap();
        image.export.read_to_end(&mut Vec::new()).unwrap();
        let [inspect, history, get] = ["json", "history", "get"].map(|end| format!("/v{spoken}/images/app/{end}"));
        assert_eq!(fake.paths(), ["/version".to_owned(), inspect, history, get]);
    }
}

#[test]
fn engines_out_of_reach_of_our_api_are_told() {
    let old = Fake::on_port(|_| version("1.18", "1.0"));
    let text = open_at(&old.host, "app", None).unwrap_err().to_string();
    assert!(text.starts_with("error: docker 26.1.5 is too old: it speaks API 1.18, and 1.24 is the oldest"), "{text}");
    assert!(text.contains("hint: save the image to a file"), "{text}");
    let new = Fake::on_port(|_| version("1.70", "1.60"));
    let text = open_at(&new.host, "app", None).unwrap_err().to_string();
    assert!(
        text.starts_with("error: docker 26.1.5 is too new: it speaks API 1.60 and later, layerscope up to 1.53"),
        "{text}"
    );
}

#[test]
fn a_server_that_is_no_engine_is_told() {
    for body in ["<html>hello</html>", "{}"] {
        let fake = Fake::on_port(move |_| Reply::Say(200, body.into()));
        let text = open_at(&fake.host, "app", None).unwrap_err().to_string();
        assert!(text.contains("is no container engine") && text.contains(&fake.host), "{text}");
    }
    let tls = Fake::on_port(|_| Reply::Say(400, "Client sent an HTTP request to an HTTPS server.\n".into()));
    let text = open_at(&tls.host, "app", None).unwrap_err().to_string();
    assert!(text.contains("hint: it wants TLS: set DOCKER_TLS_VERIFY=1"), "{text}");
}

#[test]
fn an_image_that_is_missing_is_asked_of_podman_too() {
    let folder = tempfile::tempdir().unwrap();
    let docker = Fake::on_port(|path| if path == "/version" { version("1.45", "1.24") } else { no_such_image() });
    let podman = Fake::on_socket(&folder.path().join("p.sock"), |path| answer(path, podman_version(), &whole));
    let vars = [("DOCKER_HOST", docker.host.as_str()), ("CONTAINER_HOST", podman.host.as_str())];
    let open = |kind, name| around(folder.path(), &vars, |around| open_in(around, kind, name, None));
    assert_eq!(open(EngineKind::Any, "app").unwrap().facts.source, format!("podman 4.3.1 at {}", podman.host));

    let text = open(EngineKind::Any, "other").unwrap_err().to_string();
    assert!(text.starts_with("error: no engine here has the image 'other'"), "{text}");
    assert!(text.contains("docker 26.1.5 at tcp://") && text.contains("podman 4.3.1 at unix://"), "{text}");
    assert!(text.contains("hint: if a registry has it: docker pull other"), "{text}");
    let text = open(EngineKind::Docker, "app").unwrap_err().to_string();
    assert!(text.starts_with("error: no image 'app' in docker 26.1.5 at tcp://"), "{text}");
    let text = open(EngineKind::Podman, "other").unwrap_err().to_string();
    assert!(text.ends_with("hint: if a registry has it: podman pull other"), "{text}");
}

#[test]
fn a_stale_context_does_not_hide_podman_and_a_mistyped_host_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let podman = Fake::on_socket(&folder.path().join("p.sock"), |path| answer(path, podman_version(), &whole));
    let open = |docker: (&str, &str)| {
        let vars = [docker, ("CONTAINER_HOST", podman.host.as_str()), ("HOME", "/nowhere")];
        around(folder.path(), &vars, |around| open_in(around, EngineKind::Any, "app", None))
    };
    assert!(open(("DOCKER_CONTEXT", "gone")).is_ok());
    assert_eq!(open(("DOCKER_HOST", "unix:gone")).unwrap_err().kind().exit_code(), 2);
}

#[test]
fn no_engine_at_all_names_the_places() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let error =
        around(root, &[("HOME", "/nowhere/me")], |around| open_in(around, EngineKind::Any, "app", None)).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind().exit_code(), 3);
    assert!(text.starts_with("error: no container engine answers\n"), "{text}");
    assert!(
        text.contains("no Docker socket at")
            && text.contains("no Podman socket at")
            && text.contains("/run/docker.sock"),
        "{text}"
    );

    // A socket file that nobody listens on any more, as a stopped engine leaves it.
    fs::create_dir(root.join("run")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(root.join("run/docker.sock")).unwrap());
    let text = around(root, &[], |around| open_in(around, EngineKind::Docker, "app", None)).unwrap_err().to_string();
    assert!(text.contains("docker.sock: Connection refused"), "{text}");
}

#[test]
fn the_start_of_several_ids_is_ambiguous() {
    let list = r#"[{"Id":"sha256:ab1","ParentId":"","RepoTags":["one:1"],"RepoDigests":null,"Created":1,"Size":2,"SharedSize":-1,"Labels":null,"Containers":-1},
        {"Id":"sha256:ab2","ParentId":"","RepoTags":null,"RepoDigests":null,"Created":1,"Size":2,"SharedSize":-1,"Labels":null,"Containers":-1}]"#;
    let fake = Fake::on_port(move |path| match path {
        "/version" => version("1.41", "1.12"),
        _ if path.contains("/images/json") => Reply::Say(200, list.into()),
        _ => no_such_image(),
    });
    let text = open_at(&fake.host, "ab", None).unwrap_err().to_string();
    assert!(text.starts_with("error: 'ab' is the start of 2 image ids in docker"), "{text}");
    assert!(text.contains("caused by: sha256:ab1 one:1") && text.contains("hint: give more digits"), "{text}");
    assert!(open_at(&fake.host, "ab1", None).unwrap_err().to_string().starts_with("error: no image 'ab1'"));
    let images =
        around(Path::new("/nowhere"), &[("DOCKER_HOST", &fake.host)], |around| list_in(around, EngineKind::Any))
            .unwrap();
    assert_eq!(
        (images.len(), images[0].tags.as_slice(), images[1].tags.len()),
        (2, ["one:1".to_owned()].as_slice(), 0)
    );
    assert_eq!(images[0].engine, format!("docker 26.1.5 at {}", fake.host));
}

#[test]
fn a_name_that_the_engine_refuses_is_told_in_its_words() {
    let fake = Fake::on_port(|path| match path {
        "/version" => version("1.51", "1.24"),
        _ => Reply::Say(
            400,
            r#"{"message":"invalid reference format: repository name (library/App) must be lowercase"}"#.into(),
        ),
    });
    let text = open_at(&fake.host, "App", None).unwrap_err().to_string();
    assert!(text.starts_with("error: 'App' is no image name to docker 26.1.5 at"), "{text}");
    assert!(
        text.contains("caused by: invalid reference format") && text.contains("hint: a name is lower case"),
        "{text}"
    );
}

#[test]
fn a_platform_is_asked_for_only_where_the_engine_can_choose() {
    let queries = |api: &'static str, platform| {
        let fake = engine(api, whole);
        let image = open_at(&fake.host, "app", platform);
        image.unwrap().export.read_to_end(&mut Vec::new()).unwrap();
        let asked = fake.paths().into_iter().skip(1);
        asked
            .map(|path| path.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default())
            .collect::<Vec<_>>()
    };
    let amd = "platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22amd64%22%7D";
    assert_eq!(queries("1.51", None), ["", "", ""]);
    assert_eq!(queries("1.47", Some("linux/amd64")), ["", "", ""]);
    assert_eq!(queries("1.48", Some("linux/amd64")), ["", amd, amd]);
    assert_eq!(queries("1.51", Some("linux/amd64")), [amd, amd, amd]);

    let fake = engine("1.41", whole);
    let text = open_at(&fake.host, "app", Some("linux/arm64")).unwrap_err().to_string();
    assert!(text.contains("is for linux/amd64") && text.contains("docker pull --platform linux/arm64 app"), "{text}");
}

#[test]
fn an_export_that_is_cut_off_is_no_end() {
    let fake = engine("1.45", || Reply::Cut(vec![vec![b'x'; 5000]]));
    let mut image = open_at(&fake.host, "app", None).unwrap();
    let mut bytes = Vec::new();
    let cause = image.export.read_to_end(&mut bytes).unwrap_err();
    assert_eq!(cause.kind(), io::ErrorKind::UnexpectedEof);
    assert!(bytes.len() >= 5000 && bytes.starts_with(b"xxx"), "what came before it is there: {}", bytes.len());
    let text = image.facts.export_failed(&cause).to_string();
    assert!(
        text.starts_with("error: the export of app:1 did not arrive whole\n  caused by: docker 26.1.5 at tcp://"),
        "{text}"
    );
    assert!(
        text.contains("broke off the export: ") && text.contains("hint: try again; or save it to a file"),
        "{text}"
    );
}

#[test]
fn an_export_that_the_engine_gives_up_is_told_in_its_words() {
    let word = b"{\"errorDetail\":{\"message\":\"blob not found\"},\"error\":\"blob not found\"}\r\n";
    let fake = engine("1.51", || Reply::Whole(vec![b"tar".to_vec(), word.to_vec()]));
    let cause = open_at(&fake.host, "app", None).unwrap().export.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(cause.to_string().ends_with("gave up the export: blob not found"), "{cause}");
    let fake = engine("1.51", || Reply::Say(500, r#"{"message":"disk full"}"#.into()));
    let cause = open_at(&fake.host, "app", None).unwrap().export.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(cause.to_string().ends_with("refuses the export: disk full"), "{cause}");
}

#[test]
fn an_engine_stops_sending_when_nobody_reads() {
    const MOST: u64 = 8 << 20;
    let fake = engine("1.45", || Reply::Endless);
    let mut image = open_at(&fake.host, "app", None).unwrap();
    image.export.read_exact(&mut [0; 100]).unwrap();
    let written = || fake.written.load(Ordering::SeqCst);
    let mut before = 0;
    // It has stopped when nothing more was written for a while.
    wait_until(|| written() > 0);
    while before != written() {
        before = written();
        thread::sleep(Duration::from_millis(200));
    }
    assert!(before < MOST, "{before} bytes were taken though nobody read them");
    image.export.read_exact(&mut vec![0; 1 << 20]).unwrap();
    assert!(!fake.left.load(Ordering::SeqCst));
    drop(image);
    wait_until(|| fake.left.load(Ordering::SeqCst));
}

#[test]
fn cancelling_hangs_up_on_an_engine_that_still_prepares() {
    let fake = engine("1.45", || Reply::Silence);
    let mut image = open_at(&fake.host, "app", None).unwrap();
    let cancel = image.export.canceller();
    let reader = thread::spawn(move || image.export.read(&mut [0; 10]).unwrap_err());
    wait_until(|| fake.paths().len() == 4);
    cancel.cancel();
    assert_eq!(reader.join().unwrap().kind(), io::ErrorKind::ConnectionAborted);
    wait_until(|| fake.left.load(Ordering::SeqCst));
}

#[test]
fn certificates_that_are_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let vars = [
        ("DOCKER_HOST", "tcp://127.0.0.1:1"),
        ("DOCKER_TLS_VERIFY", "1"),
        ("DOCKER_CERT_PATH", folder.path().to_str().unwrap()),
    ];
    let error = around(folder.path(), &vars, |around| open_in(around, EngineKind::Docker, "app", None)).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind().exit_code(), 3);
    assert!(text.contains("cannot read a certificate") && text.contains("ca.pem: No such file"), "{text}");
    assert!(text.contains("hint: DOCKER_CERT_PATH names the folder"), "{text}");
}

#[test]
fn what_cannot_be_a_name_never_becomes_part_of_a_url() {
    for name in ["", "a b", "a/../b", "../secrets", "a?b", "a#b", "a//b", "/a", "a%2fb", "a\nb"] {
        let text = open_at("unix:///nowhere.sock", name, None).unwrap_err().to_string();
        assert!(text.contains("is no name that an image in an engine can have"), "{name:?}: {text}");
    }
}
