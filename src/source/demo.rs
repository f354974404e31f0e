//! The image that the program carries: a small web service built the way people build them, with each kind of change
//! and each kind of waste in it. Made when asked for, from code alone, the same bytes every time.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use crate::units::hex;

/// 2026-01-01, in seconds since 1970. The demo has no other clock.
const BUILT: u64 = 1_767_225_600;

/// What a tar consists of.
const BLOCK: usize = 512;

/// The image as an uncompressed `docker save` archive.
#[must_use]
pub fn image() -> Vec<u8> {
    let steps = steps();
    let blobs: Vec<(String, &[u8])> =
        steps.iter().filter_map(|step| step.layer.as_deref()).map(|layer| (digest(layer), layer)).collect();
    let history: Vec<_> = steps
        .iter()
        .zip(0_u64..)
        .map(|(step, minute)| {
            let created = format!("2026-01-01T00:{minute:02}:00Z");
            json!({ "created": created, "created_by": step.command, "empty_layer": step.layer.is_none() })
        })
        .collect();
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:30:00Z",
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "APP_ENV=production"],
            "Entrypoint": ["/app/server"],
            "ExposedPorts": { "8080/tcp": {} },
            "WorkingDir": "/app",
            "Labels": { "org.opencontainers.image.title": "layerscope demo" },
        },
        "rootfs": { "type": "layers", "diff_ids": blobs.iter().map(|(hex, _)| format!("sha256:{hex}")).collect::<Vec<_>>() },
        "history": history,
    });
    let config = config.to_string().into_bytes();
    let name_of = |hex: &str| format!("blobs/sha256/{hex}");
    let manifest = json!([{
        "Config": name_of(&digest(&config)),
        "RepoTags": ["layerscope/demo:latest"],
        "Layers": blobs.iter().map(|(hex, _)| name_of(hex)).collect::<Vec<_>>(),
    }]);
    let mut archive = Tar::with_room(blobs.iter().map(|(_, blob)| blob.len() + 4 * BLOCK).sum());
    for (hex, blob) in &blobs {
        archive.file(&name_of(hex), blob, 0o644);
    }
    archive.file(&name_of(&digest(&config)), &config, 0o644);
    archive.file("manifest.json", manifest.to_string().as_bytes(), 0o644);
    archive.finish()
}

/// A line of the Dockerfile; without a layer when it only sets something.
struct Step {
    command: &'static str,
    layer: Option<Vec<u8>>,
}

fn run(command: &'static str, fill: impl FnOnce(&mut Tar)) -> Step {
    let mut tar = Tar::default();
    fill(&mut tar);
    Step { command, layer: Some(tar.finish()) }
}

fn set(command: &'static str) -> Step {
    Step { command, layer: None }
}

fn steps() -> Vec<Step> {
    vec![
        run("/bin/sh -c #(nop) ADD file:debian-slim-rootfs.tar in / ", base),
        set("/bin/sh -c #(nop)  CMD [\"bash\"]"),
        run("RUN /bin/sh -c apt-get update && apt-get install -y build-essential curl # buildkit", |tar| {
            for folder in ["usr/", "usr/bin/", "usr/lib/gcc/", "var/", "var/lib/", "var/lib/apt/", "var/lib/apt/lists/"]
            {
                tar.dir(folder, 0o755);
            }
            tar.file("usr/bin/gcc", &noise(11, 900_000), 0o755);
            tar.file("usr/bin/curl", &noise(12, 260_000), 0o755);
            tar.file("usr/lib/gcc/cc1", &noise(13, 1_800_000), 0o755);
            tar.file("var/lib/apt/lists/packages_main", &noise(14, 640_000), 0o644);
            tar.file("var/lib/apt/lists/packages_security", &noise(15, 210_000), 0o644);
        }),
        set("WORKDIR /app"),
        run("COPY . /app # buildkit", |tar| {
            for folder in
                ["app/", "app/.git/", "app/node_modules/", "app/node_modules/left-pad/", "app/assets/", "app/cache/"]
            {
                tar.dir(folder, 0o755);
            }
            tar.file("app/.env", b"API_TOKEN=demo-token-that-is-not-real\n", 0o600);
            tar.file("app/.git/pack-8f1c.pack", &noise(21, 480_000), 0o444);
            tar.file("app/node_modules/left-pad/index.js", &noise(22, 150_000), 0o644);
            tar.file("app/assets/logo.png", &noise(23, 120_000), 0o644);
            tar.file("app/assets/logo-copy.png", &noise(23, 120_000), 0o644);
            tar.file("app/cache/a.bin", &noise(24, 90_000), 0o644);
            tar.file("app/cache/b.bin", &noise(25, 70_000), 0o644);
            tar.file("app/server", &noise(26, 700_000), 0o755);
            tar.file("app/config", b"port = 8080\n", 0o644);
        }),
        run("RUN /bin/sh -c chown -R app:app /app/node_modules /app/assets # buildkit", |tar| {
            tar.owner = 1000;
            for folder in ["app/node_modules/", "app/node_modules/left-pad/", "app/assets/"] {
                tar.dir(folder, 0o755);
            }
            tar.file("app/node_modules/left-pad/index.js", &noise(22, 150_000), 0o644);
            tar.file("app/assets/logo.png", &noise(23, 120_000), 0o644);
            tar.file("app/assets/logo-copy.png", &noise(23, 120_000), 0o644);
        }),
        run("RUN /bin/sh -c chmod u+s /app/server # buildkit", |tar| {
            tar.dir("app/", 0o755);
            tar.file("app/server", &noise(26, 700_000), 0o4755);
        }),
        run("RUN /bin/sh -c npm run build # buildkit", |tar| {
            tar.dir("app/", 0o755);
            tar.dir("app/dist/", 0o755);
            tar.file("app/dist/bundle.js", &noise(31, 180_000), 0o644);
            tar.file("app/dist/bundle.js.map", &noise(32, 400_000), 0o644);
            // A second name for the bundle ships nothing.
            tar.link(EntryType::Link, "app/dist/main.js", "app/dist/bundle.js");
        }),
        run("RUN /bin/sh -c rm -rf /app/cache && mkdir /app/cache && touch /app/cache/.keep # buildkit", |tar| {
            tar.dir("app/", 0o755);
            tar.dir("app/cache/", 0o755);
            tar.file("app/cache/.keep", b"", 0o644);
            tar.file("app/cache/.wh..wh..opq", b"", 0o755);
        }),
        run("RUN /bin/sh -c rm -rf /var/lib/apt/lists/* /app/.git /app/.env # buildkit", |tar| {
            for folder in ["app/", "var/", "var/lib/", "var/lib/apt/", "var/lib/apt/lists/"] {
                tar.dir(folder, 0o755);
            }
            for gone in [
                "app/.wh..git",
                "app/.wh..env",
                "var/lib/apt/lists/.wh.packages_main",
                "var/lib/apt/lists/.wh.packages_security",
            ] {
                tar.file(gone, b"", 0o600);
            }
        }),
        run("COPY config/ /app/config/ # buildkit", |tar| {
            // The file /app/config becomes a folder.
            tar.dir("app/", 0o755);
            tar.dir("app/config/", 0o755);
            tar.file("app/config/server.toml", b"port = 8080\nlog = \"info\"\n", 0o644);
        }),
        run("RUN /bin/sh -c ln -sf /usr/bin/python3.12 /usr/bin/python # buildkit", |tar| {
            tar.dir("usr/", 0o755);
            tar.dir("usr/bin/", 0o755);
            tar.link(EntryType::Symlink, "usr/bin/python", "python3.12");
            tar.file("etc/motd", b"welcome to the demo\n", 0o644);
        }),
        set("EXPOSE map[8080/tcp:{}]"),
        set("ENTRYPOINT [\"/app/server\"]"),
    ]
}

/// What a slim distribution brings.
fn base(tar: &mut Tar) {
    for folder in ["bin/", "etc/", "tmp/", "usr/", "usr/bin/", "usr/lib/", "usr/share/doc/base/"] {
        tar.dir(folder, if folder == "tmp/" { 0o1777 } else { 0o755 });
    }
    tar.file("bin/sh", &noise(1, 125_000), 0o755);
    tar.link(EntryType::Symlink, "bin/bash", "sh");
    tar.file("etc/os-release", b"ID=demo\nVERSION_ID=12\nPRETTY_NAME=\"Demo Linux 12\"\n", 0o644);
    tar.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n", 0o644);
    tar.file("etc/motd", b"welcome\n", 0o644);
    tar.file("usr/bin/passwd", &noise(2, 60_000), 0o4755);
    tar.file("usr/lib/libc.so.6", &noise(3, 1_200_000), 0o755);
    tar.link(EntryType::Symlink, "usr/bin/python", "python3.11");
    tar.file("usr/share/doc/base/copyright", &noise(4, 30_000), 0o644);
}

/// Bytes that no compression and no accident makes equal (xorshift, Marsaglia 2003).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = vec![0; length.next_multiple_of(size_of::<u64>())];
    for eight in bytes.chunks_exact_mut(size_of::<u64>()) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        eight.copy_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A tar in memory. Writing to memory cannot fail, so what the library returns says nothing.
struct Tar {
    builder: Builder<Vec<u8>>,
    owner: u64,
}

impl Default for Tar {
    fn default() -> Self {
        Self { builder: Builder::new(Vec::new()), owner: 0 }
    }
}

impl Tar {
    /// A tar that will be about so many bytes.
    fn with_room(bytes: usize) -> Self {
        Self { builder: Builder::new(Vec::with_capacity(bytes)), owner: 0 }
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(self.owner);
        header.set_gid(self.owner);
        header.set_mtime(BUILT);
        header.set_size(size);
        header
    }

    fn dir(&mut self, path: &str, mode: u32) {
        let mut header = self.header(EntryType::Directory, mode, 0);
        let _ = self.builder.append_data(&mut header, path, std::io::empty());
    }

    fn file(&mut self, path: &str, contents: &[u8], mode: u32) {
        let mut header = self.header(EntryType::Regular, mode, contents.len() as u64);
        let _ = self.builder.append_data(&mut header, path, contents);
    }

    fn link(&mut self, kind: EntryType, path: &str, target: &str) {
        let mut header = self.header(kind, 0o777, 0);
        let _ = self.builder.append_link(&mut header, path, target);
    }

    fn finish(self) -> Vec<u8> {
        self.builder.into_inner().unwrap_or_default()
    }
}
