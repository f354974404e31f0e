//! The places one image can be read from: what each tool writes for it, and the engines that hold it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::images::{Image, docker};
use crate::report::{self, layerscope, parse, scratch};
use crate::tools::{Ready, Skip, line, root, run, run_into, tool};

/// An engine that nobody runs: what is read from a file must not need one.
const NOWHERE: &str = "unix:///nonexistent/engine.sock";
/// The tag of this image in every OCI layout.
pub const TAG: &str = "tested";

/// One place to read an image from.
pub struct Source {
    /// Which tool wrote it, and how; unique for an image.
    pub label: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    feed: Feed,
    /// The digest of the configuration, where the tool tells it: `image.id` must be the same.
    pub id: Option<String>,
}

/// What standard input carries.
enum Feed {
    Nothing,
    File(PathBuf),
    Pipe(Command),
}

impl Source {
    fn engine(label: impl Into<String>, reference: String, id: impl Into<Option<String>>) -> Self {
        Self {
            label: label.into(),
            arguments: vec![reference],
            environment: Vec::new(),
            feed: Feed::Nothing,
            id: id.into(),
        }
    }

    fn file(label: impl Into<String>, reference: String, id: impl Into<Option<String>>) -> Self {
        Self {
            environment: set(&[("DOCKER_HOST", NOWHERE), ("CONTAINER_HOST", NOWHERE)]),
            ..Self::engine(label, reference, id)
        }
    }

    fn input(label: impl Into<String>, feed: Feed, id: impl Into<Option<String>>) -> Self {
        Self { feed, ..Self::file(label, "-".to_owned(), id) }
    }

    /// The same with more options.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// The program's report about the image at this place, or how it failed.
    pub fn report(self) -> Result<Value, String> {
        let scratch = scratch();
        let mut arguments = vec!["--json", "-", "--files", "--quiet"];
        arguments.extend(self.arguments.iter().map(String::as_str));
        let (input, writer) = self.feed.open();
        let ended = layerscope(scratch.path(), &arguments, &self.environment, input);
        let report = parse(&ended);
        if let Some(mut writer) = writer {
            // The program may have enough before the last padding is written; then the writer's pipe is closed.
            let _ = writer.wait();
        }
        report
    }
}

impl Feed {
    fn open(self) -> (Stdio, Option<Child>) {
        match self {
            Self::Nothing => (Stdio::null(), None),
            Self::File(path) => (File::open(path).unwrap().into(), None),
            Self::Pipe(mut command) => {
                let mut writer = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
                (writer.stdout.take().unwrap().into(), Some(writer))
            }
        }
    }
}

fn set(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Everywhere an image can be read from on this machine, or why not.
pub fn all(image: &Image) -> Vec<Ready<Source>> {
    let here = Archives { image, folder: &image.folder };
    vec![
        here.saved_by_id(),
        Ok(here.saved_with_scheme()),
        here.docker_live("docker live by name", image.name.clone()),
        here.docker_live("docker live by id", format!("docker://{}", image.id)),
        here.docker_method("docker store", "store"),
        here.docker_method("docker export", "export"),
        here.podman_store(),
        here.piped(),
        here.podman_save("podman docker-archive", "docker-archive", "docker-archive:"),
        here.podman_save("podman oci-archive", "oci-archive", "oci-archive:"),
        here.podman_save("podman oci-dir", "oci-dir", "oci://"),
        here.podman_live(),
        here.skopeo("skopeo docker-archive", "docker-archive", &[], "docker-archive://"),
        here.skopeo("skopeo oci-archive", "oci-archive", &[], "oci-archive://"),
        here.skopeo("skopeo oci gzip", "oci", &[], "oci:"),
        here.skopeo("skopeo oci zstd", "oci", &["--dest-compress-format", "zstd"], "oci://"),
        here.umoci_tag(),
        here.buildah("buildah docker-archive", "docker-archive"),
        here.buildah("buildah oci-archive", "oci-archive"),
        here.packed("outer gzip", "gzip", "saved.tar.gz"),
        here.packed("outer zstd", "zstd", "saved.tar.zst"),
        here.packed_oci(),
    ]
}

struct Archives<'a> {
    image: &'a Image,
    folder: &'a Path,
}

impl Archives<'_> {
    fn id(&self) -> String {
        self.image.id.clone()
    }

    /// Without a name `docker save` writes no `repositories` and `"RepoTags":null`.
    fn saved_by_id(&self) -> Ready<Source> {
        let file = self.folder.join("by-id.tar");
        run(docker()?.arg("save").arg("--output").arg(&file).arg(&self.image.id));
        Ok(Source::file("docker save by id", text(&file), self.id()))
    }

    fn saved_with_scheme(&self) -> Source {
        let reference = format!("docker-archive:{}:{}", text(&self.image.saved), self.image.name);
        Source::file("docker save by scheme and name", reference, self.id())
    }

    fn docker_live(&self, label: &'static str, reference: String) -> Ready<Source> {
        docker()?;
        Ok(Source::engine(label, reference, self.id()))
    }

    /// Read where the engine has it, or as it exports it, whatever would be chosen.
    fn docker_method(&self, label: &'static str, method: &'static str) -> Ready<Source> {
        let root = line(docker()?.args(["info", "--format", "{{.DockerRootDir}}"]));
        if method == "store" && fs::read_dir(Path::new(&root).join("overlay2")).is_err() {
            return Err(Skip::optional("this user may not read Docker's overlay2"));
        }
        Ok(self.docker_live(label, self.image.name.clone())?.with(&["--source-method", method]))
    }

    fn podman_store(&self) -> Ready<Source> {
        let mut source = self.podman_live()?;
        let root = line(tool("podman")?.args(["info", "--format", "{{.Store.GraphRoot}}"]));
        if fs::read_dir(Path::new(&root).join("overlay-layers")).is_err() {
            return Err(Skip::optional("this user may not read Podman's overlay"));
        }
        source.label = "podman store".into();
        Ok(source.with(&["--source-method", "store"]))
    }

    fn piped(&self) -> Ready<Source> {
        let mut save = docker()?;
        save.arg("save").arg(&self.image.name);
        Ok(Source::input("docker save piped", Feed::Pipe(save), self.id()))
    }

    fn in_podman(&self) -> Ready<()> {
        run(tool("podman")?.args(["load", "--quiet", "--input"]).arg(&self.image.saved));
        Ok(())
    }

    fn podman_save(&self, label: &'static str, format: &str, scheme: &str) -> Ready<Source> {
        self.in_podman()?;
        let place = self.folder.join(format!("podman-{format}"));
        run(tool("podman")?
            .args(["save", "--quiet", "--format", format, "--output"])
            .arg(&place)
            .arg(&self.image.name));
        let id = config_digest(if format == "oci-dir" { "oci" } else { format }, &text(&place))?;
        Ok(Source::file(label, format!("{scheme}{}", text(&place)), id))
    }

    /// The service is another process than the client and may keep its images elsewhere.
    fn podman_live(&self) -> Ready<Source> {
        let address = podman_address()?;
        run(tool("podman")?.args(["--url", &address, "load", "--quiet", "--input"]).arg(&self.image.saved));
        let mut source = Source::engine("podman live", format!("podman://{}", self.image.name), self.id());
        source.environment = set(&[("DOCKER_HOST", NOWHERE), ("CONTAINER_HOST", &address)]);
        Ok(source)
    }

    fn copy(&self, to: &str, options: &[&str], place: &str) -> Ready<String> {
        let from = format!("docker-archive:{}", text(&self.image.saved));
        // A docker-archive wants a whole name, an OCI layout a tag.
        let name = if to == "docker-archive" { &self.image.name } else { TAG };
        run(tool("skopeo")?.args(["copy", "--quiet"]).args(options).arg(from).arg(format!("{to}:{place}:{name}")));
        Ok(place.to_owned())
    }

    fn skopeo(&self, label: &'static str, to: &str, options: &[&str], scheme: &str) -> Ready<Source> {
        let place = self.copy(to, options, &text(&self.folder.join(label.replace(' ', "-"))))?;
        let id = config_digest(to, &place)?;
        let reference = if to == "oci" { format!("{scheme}{place}:{TAG}") } else { format!("{scheme}{place}") };
        Ok(Source::file(label, reference, id))
    }

    /// One layout, two images: the second is chosen by `--image`.
    fn umoci_tag(&self) -> Ready<Source> {
        let place = umoci_layout(self.image, "umoci")?;
        run(tool("umoci")?.args(["tag", "--image", &format!("{place}:{TAG}"), "second"]));
        run(tool("umoci")?.args(["config", "--image", &format!("{place}:{TAG}"), "--config.user", "nobody"]));
        let id = config_digest("oci", &format!("{place}:second"))?;
        Ok(Source::file("umoci tag", place, id).with(&["--image", "second"]))
    }

    fn buildah(&self, label: &'static str, format: &str) -> Ready<Source> {
        self.in_podman()?;
        let place = text(&self.folder.join(label.replace(' ', "-")));
        let name = if format == "docker-archive" { &self.image.name } else { TAG };
        run(tool("buildah")?.args(["push", "--quiet", &self.image.name, &format!("{format}:{place}:{name}")]));
        let id = config_digest(format, &place)?;
        Ok(Source::file(label, place, id))
    }

    fn packed(&self, label: &'static str, program: &str, name: &str) -> Ready<Source> {
        let file = self.folder.join(name);
        run_into(tool(program)?.arg("--stdout").arg(&self.image.saved), &file);
        Ok(Source::file(label, text(&file), self.id()))
    }

    /// Standard input, compressed, and of the other format.
    fn packed_oci(&self) -> Ready<Source> {
        let plain = self.copy("oci-archive", &[], &text(&self.folder.join("plain-oci.tar")))?;
        let file = self.folder.join("oci.tar.zst");
        run_into(tool("zstd")?.args(["--stdout", &plain]), &file);
        let id = config_digest("oci-archive", &plain)?;
        Ok(Source::input("outer zstd of an oci-archive on standard input", Feed::File(file), id))
    }
}

/// Where Podman's service is: told, or where systemd puts it for root.
fn podman_address() -> Ready<String> {
    tool("podman")?;
    let told = std::env::var("CONTAINER_HOST").ok().filter(|address| !address.is_empty());
    let address = told.unwrap_or_else(|| "unix:///run/podman/podman.sock".to_owned());
    let answer = tool("podman")?.args(["--url", &address, "version"]).output();
    if answer.is_ok_and(|output| output.status.success()) {
        return Ok(address);
    }
    Err(Skip::missing(format!("Podman's service does not answer at {address} (CONTAINER_HOST)")))
}

/// The digest of the configuration, as skopeo reads it from the manifest.
fn config_digest(transport: &str, place: &str) -> Ready<String> {
    let manifest = run(tool("skopeo")?.args(["inspect", "--raw", &format!("{transport}:{place}")]));
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    Ok(manifest["config"]["digest"].as_str().expect("a manifest names its configuration").to_owned())
}

/// An OCI layout of the image for umoci to change.
pub fn umoci_layout(image: &Image, name: &str) -> Ready<String> {
    let place = image.folder.join(name);
    if place.exists() {
        fs::remove_dir_all(&place).unwrap();
    }
    tool("umoci")?;
    Archives { image, folder: &image.folder }.copy("oci", &[], &text(&place))
}

/// What `docker save` wrote: the source that all others are held against.
pub fn saved(image: &Image) -> Source {
    Source::file("docker save", text(&image.saved), image.id.clone())
}

/// Any archive or layout, read as `reference`.
pub fn at(label: &'static str, reference: String) -> Source {
    Source::file(label, reference, None)
}

/// The image on engines of other generations, live and saved. `LAYERSCOPE_EXTRA_DOCKER_SOCKETS` names their sockets.
pub fn elsewhere(image: &Image) -> Ready<Vec<Source>> {
    let sockets = std::env::var("LAYERSCOPE_EXTRA_DOCKER_SOCKETS").unwrap_or_default();
    let sockets: Vec<&str> = sockets.split(':').filter(|socket| !socket.is_empty()).collect();
    if sockets.is_empty() {
        return Err(Skip::optional("LAYERSCOPE_EXTRA_DOCKER_SOCKETS names no other engine"));
    }
    let mut sources = Vec::new();
    for socket in sockets {
        let host = format!("unix://{socket}");
        let client = || {
            tool("docker").map(|mut client| {
                client.args(["--host", &host]);
                client
            })
        };
        run(client()?.args(["load", "--quiet", "--input"]).arg(&image.saved));
        let engine = socket.rsplit('/').next().unwrap_or(socket);
        let saved = image.folder.join(format!("saved-{engine}.tar"));
        run(client()?.arg("save").arg("--output").arg(&saved).arg(&image.name));
        // With containerd's store an engine calls the digest of the manifest the id; the archive keeps the configuration.
        let id = line(client()?.args(["image", "inspect", "--format", "{{.Id}}", &image.name]));
        let id = Some(id).filter(|id| *id == image.id);
        let live = |label: String, id: Option<String>| Source {
            environment: set(&[("DOCKER_HOST", &host)]),
            ..Source::engine(label, image.name.clone(), id)
        };
        sources.push(live(format!("{engine} live"), id));
        // Whatever its root folder is, the kernel shows it to root.
        if root().is_ok() {
            for method in ["store", "export"] {
                let source = live(format!("{engine} {method}"), image.id.clone().into());
                sources.push(source.with(&["--source-method", method]));
            }
        }
        sources.push(Source::file(format!("{engine} docker save"), text(&saved), image.id.clone()));
        let mut save = client()?;
        save.arg("save").arg(&image.name);
        sources.push(Source::input(format!("{engine} docker save piped"), Feed::Pipe(save), image.id.clone()));
    }
    Ok(sources)
}

/// A run that is expected to fail.
pub fn refused(reference: &str, options: &[&str]) -> report::Ended {
    let environment = set(&[("DOCKER_HOST", NOWHERE), ("CONTAINER_HOST", NOWHERE)]);
    let arguments = [&["--json", "-", "--quiet", reference], options].concat();
    layerscope(scratch().path(), &arguments, &environment, Stdio::null())
}

/// A path as an argument. The folders of these tests are named by us and by cargo.
pub fn text(path: &Path) -> String {
    path.to_str().expect("the target folder has a readable name").to_owned()
}
