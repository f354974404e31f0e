//! A rootless engine's store, read by the user who runs it, from inside the engine's namespaces, and by root.
//! `LAYERSCOPE_ROOTLESS_SOCKET` names the engine's socket; the tests become its owner where they run as root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::images::{self, Image};
use crate::report::{Ended, content, difference, parse};
use crate::tools::{Ready, Skip, line, run, tool};

/// Files that belong to a user of the image's own: outside of the engine's user namespace nobody but root may read them.
const CLOSED: &str = r#"
RUN ["/bin/busybox", "sh", "-euc", "mkdir -p /home/app && cp /data/b /home/app/key && chown -R 1000:1000 /home/app && chmod 600 /home/app/key"]
RUN ["/bin/busybox", "sh", "-euc", "rm -r /untouched && cp /home/app/key /home/app/more && chmod 0 /home/app/more"]
"#;

/// The engine, and how its owner and those inside of its namespaces are reached.
struct Rootless {
    host: String,
    owner: Vec<String>,
    inside: Vec<String>,
}

impl Rootless {
    fn find() -> Ready<Self> {
        let told = std::env::var("LAYERSCOPE_ROOTLESS_SOCKET").ok().filter(|socket| !socket.is_empty());
        let socket = told.ok_or_else(|| Skip::optional("LAYERSCOPE_ROOTLESS_SOCKET names no rootless engine"))?;
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<String>>();
        let user = fs::metadata(&socket).expect("the socket is there").uid().to_string();
        let is_user = line(tool("id")?.arg("-u")) == user;
        let owner = if is_user {
            Vec::new()
        } else {
            words(&["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups"])
        };
        let engine = line(tool("pgrep")?.args(["-u", &user, "-x", "dockerd"]));
        let enter = words(&["nsenter", "--user", "--preserve-credentials", "--mount", "--target", &engine]);
        Ok(Self { host: format!("unix://{socket}"), inside: [owner.clone(), enter].concat(), owner })
    }

    fn client(&self) -> Ready<Command> {
        let mut client = tool("docker")?;
        client.env("DOCKER_BUILDKIT", "0").args(["--host", &self.host]);
        Ok(client)
    }

    /// Runs the program behind other words. Nothing is kept: no run answers for another.
    fn read(&self, before: &[String], name: &str, method: &[&str]) -> Ended {
        let program = env!("CARGO_BIN_EXE_layerscope").to_owned();
        let words = [before, &[program]].concat();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["--json", "-", "--files", "--quiet", "--no-cache"]).args(method).arg(name);
        command.env("DOCKER_HOST", &self.host).current_dir("/").stdin(Stdio::null());
        let output = command.output().expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        Ended { code: output.status.code(), out: output.stdout, told }
    }
}

#[track_caller]
fn report(ended: &Ended) -> Value {
    parse(ended).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn a_rootless_engine_is_read_where_it_lies() {
    crate::tools::test(|| {
        let (engine, image) = (Rootless::find()?, images::links()?);
        let Image { name, saved, .. } = image;
        run(engine.client()?.args(["load", "--quiet", "--input"]).arg(saved));
        let export = report(&engine.read(&engine.owner, name, &["--source-method", "export"]));
        for before in [&engine.owner, &engine.inside, &Vec::new()] {
            let ended = engine.read(before, name, &[]);
            let report = report(&ended);
            assert!(report["image"]["source"].as_str().unwrap().ends_with("(store)"), "{before:?}: {}", ended.told);
            assert_eq!(difference(&content(&export), &content(&report)), None, "{before:?}");
        }
        Ok(())
    });
}

#[test]
fn what_the_owner_may_not_read_is_exported_and_named() {
    crate::tools::test(|| {
        let (engine, image) = (Rootless::find()?, images::links()?);
        run(engine.client()?.args(["load", "--quiet", "--input"]).arg(&image.saved));
        let (folder, name) = (image.folder.join("closed"), "localhost/layerscope-test/closed:1");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Dockerfile"), format!("FROM {}{CLOSED}", image.name)).unwrap();
        run(engine.client()?.args(["build", "--network=none", "--tag", name]).arg(&folder));
        let export = report(&engine.read(&engine.owner, name, &["--source-method", "export"]));
        let by_itself = report(&engine.read(&engine.owner, name, &[]));
        assert_eq!(difference(&content(&export), &content(&by_itself)), None);
        assert!(by_itself["image"]["source"].as_str().unwrap().ends_with("(export)"));
        let forced = engine.read(&engine.owner, name, &["--source-method", "store"]);
        assert_eq!(forced.code, Some(3), "{}", forced.told);
        assert!(forced.told.contains("may not read 'home/app/"), "{}", forced.told);
        let inside = report(&engine.read(&engine.inside, name, &["--source-method", "store"]));
        assert_eq!(difference(&content(&export), &content(&inside)), None);
        if crate::tools::root().is_ok() {
            let root = report(&engine.read(&[], name, &["--source-method", "store"]));
            assert_eq!(difference(&content(&export), &content(&root)), None);
        }
        Ok(())
    });
}
