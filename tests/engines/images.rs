//! The images under test, built by a real engine: once for all tests of this file.
//! They keep their names in the engine, so that the next run finds every step in its build cache.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::odd;
use crate::tools::{self, Ready, Skip, find, line, run, tool};

/// Packages that make a root in which `dpkg` and a shell run.
const ROOT_PACKAGES: &[&str] = &[
    "base-files",
    "base-passwd",
    "busybox-static",
    "dash",
    "dpkg",
    "libacl1",
    "libbz2-1.0",
    "libc6",
    "liblzma5",
    "libmd0",
    "libpcre2-8-0",
    "libselinux1",
    "libzstd1",
    "netbase",
    "tar",
    "tzdata",
    "zlib1g",
];
/// Packages that a later layer installs.
const LATER_PACKAGES: &[&str] = &["hello", "media-types", "netbase", "publicsuffix"];

/// Which builder makes an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Builder {
    Classic,
    BuildKit,
}

/// An image in the Docker engine.
#[derive(Debug, Clone)]
pub struct Image {
    /// The name in every engine and archive. It names a host, so that Docker and Podman agree about it.
    pub name: String,
    /// The digest of its configuration.
    pub id: String,
    /// Where its archives are kept.
    pub folder: PathBuf,
    /// What `docker save` writes for it.
    pub saved: PathBuf,
}

/// Names, nodes, times, owners, whiteouts and opaque folders of every kind.
pub fn odd() -> Ready<&'static Image> {
    static IMAGE: OnceLock<Ready<Image>> = OnceLock::new();
    shared(&IMAGE, || build("odd", Builder::Classic, odd_context))
}

/// The same, built by BuildKit.
pub fn odd_by_buildkit() -> Ready<&'static Image> {
    static IMAGE: OnceLock<Ready<Image>> = OnceLock::new();
    shared(&IMAGE, || build("odd-buildkit", Builder::BuildKit, odd_context))
}

/// Hard links whose names part ways.
pub fn links() -> Ready<&'static Image> {
    static IMAGE: OnceLock<Ready<Image>> = OnceLock::new();
    shared(&IMAGE, || build("links", Builder::Classic, links_context))
}

/// Real packages, installed by the real installer.
pub fn debian() -> Ready<&'static Image> {
    static IMAGE: OnceLock<Ready<Image>> = OnceLock::new();
    shared(&IMAGE, || build("debian", Builder::Classic, debian_context))
}

fn shared(image: &'static OnceLock<Ready<Image>>, make: impl FnOnce() -> Ready<Image>) -> Ready<&'static Image> {
    image.get_or_init(make).as_ref().map_err(Clone::clone)
}

/// A Docker client whose engine answers.
pub fn docker() -> Ready<std::process::Command> {
    let answer = tool("docker")?.args(["version", "--format", "{{.Server.Version}}"]).output();
    match answer {
        Ok(output) if output.status.success() => tool("docker"),
        Ok(output) => {
            Err(Skip::missing(format!("no Docker engine: {}", String::from_utf8_lossy(&output.stderr).trim())))
        }
        Err(error) => Err(Skip::missing(format!("docker cannot be started: {error}"))),
    }
}

/// A Docker client that can ask for BuildKit: with the buildx plugin, or old enough to carry its own.
fn buildkit() -> Ready<std::process::Command> {
    docker()?;
    let clients = [find("docker")?, PathBuf::from("/usr/bin/docker")];
    let own =
        |client: &Path| line(std::process::Command::new(client).args(["version", "--format", "{{.Client.Version}}"]));
    let plugin = |client: &Path| {
        let asked = std::process::Command::new(client).args(["buildx", "version"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    clients
        .into_iter()
        .filter(|client| client.is_file())
        .find(|client| plugin(client) || own(client).starts_with("20."))
        .map(std::process::Command::new)
        .ok_or_else(|| Skip::optional("the Docker client has no buildx"))
}

fn build(name: &str, builder: Builder, context: fn(&Path) -> Ready<()>) -> Ready<Image> {
    let (mut client, switch) = match builder {
        Builder::Classic => (docker()?, "0"),
        Builder::BuildKit => (buildkit()?, "1"),
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engines").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    let place = folder.join("context");
    fs::create_dir_all(&place).unwrap();
    context(&place)?;
    let image = format!("localhost/layerscope-test/{name}:1");
    // Without a network of its own a build works under an engine that was started without one.
    run(client.env("DOCKER_BUILDKIT", switch).args(["build", "--network=host", "--tag", &image]).arg(&place));
    fs::remove_dir_all(&place).unwrap();
    let saved = folder.join("saved.tar");
    run(docker()?.arg("save").arg("--output").arg(&saved).arg(&image));
    let id = line(docker()?.args(["image", "inspect", "--format", "{{.Id}}", &image]));
    Ok(Image { name: image, id, folder, saved })
}

fn odd_context(place: &Path) -> Ready<()> {
    links_context(place)?;
    fs::write(place.join("Dockerfile"), include_str!("odd.Dockerfile")).unwrap();
    fs::write(place.join("odd.tar"), odd::archive()).unwrap();
    let same = place.join("same");
    fs::write(&same, "the same layer\n".repeat(1_000)).unwrap();
    // A layer's bytes depend on the file's time: without this no build would find its steps in the cache.
    run(tool("touch")?.args(["-d", "@1600000000"]).arg(same));
    Ok(())
}

fn links_context(place: &Path) -> Ready<()> {
    fs::write(place.join("Dockerfile"), include_str!("links.Dockerfile")).unwrap();
    let busybox = find("busybox")?;
    let linked = std::process::Command::new("ldd").arg(&busybox).output();
    if linked.is_ok_and(|output| output.status.success()) {
        return Err(Skip::missing("busybox is not a static program (busybox-static)"));
    }
    run(tool("cp")?.arg("--preserve=mode,timestamps").arg("--dereference").arg(busybox).arg(place.join("busybox")));
    Ok(())
}

fn debian_context(place: &Path) -> Ready<()> {
    tools::root()?;
    fs::write(place.join("Dockerfile"), include_str!("debian.Dockerfile")).unwrap();
    let (root, archives) = (place.join("root"), place.join("archives"));
    let state = root.join("var/lib/dpkg");
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(state.join(folder)).unwrap();
    }
    fs::create_dir_all(root.join("tmp")).unwrap();
    let mut status = String::new();
    for package in fetch(ROOT_PACKAGES)? {
        run(tool("dpkg-deb")?.arg("--extract").arg(&package).arg(&root));
        let fields = line(tool("dpkg-deb")?.arg("--field").arg(&package));
        status += &fields.replacen('\n', "\nStatus: install ok installed\n", 1);
        status += "\n\n";
    }
    fs::write(state.join("status"), status).unwrap();
    // The installer calls both by name. BusyBox stands for coreutils, which would make the image twice as large.
    for (name, target) in [("sh", "dash"), ("rm", "busybox")] {
        let link = root.join("bin").join(name);
        if !link.exists() {
            symlink(target, link).unwrap();
        }
    }
    fs::create_dir(&archives).unwrap();
    for package in fetch(LATER_PACKAGES)? {
        fs::copy(&package, archives.join(package.file_name().unwrap())).unwrap();
    }
    Ok(())
}

/// Package files, kept from run to run.
fn fetch(packages: &[&str]) -> Ready<Vec<PathBuf>> {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
    fs::create_dir_all(&kept).unwrap();
    packages
        .iter()
        .map(|package| {
            let held = || {
                let files = fs::read_dir(&kept).unwrap().filter_map(|entry| Some(entry.ok()?.path()));
                files.into_iter().find(|file| {
                    let name = file.file_name().unwrap().to_string_lossy();
                    name.ends_with(".deb") && name.split('_').next() == Some(package)
                })
            };
            if let Some(file) = held() {
                return Ok(file);
            }
            let fetched = tool("apt-get")?.args(["download", "--quiet", package]).current_dir(&kept).output().unwrap();
            let told = String::from_utf8_lossy(&fetched.stderr).trim().to_owned();
            held().ok_or_else(|| Skip::missing(format!("apt-get cannot download {package}: {told}")))
        })
        .collect()
}
