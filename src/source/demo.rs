//! The image that the program carries: a small web service built the way people build them, with each kind of change
//! and each kind of waste in it. Made when asked for, from code alone, the same bytes every time.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use crate::units::hex;

/// 2026-01-01, in seconds since 1970. The demo has no other clock.
const BUILT: u64 = 1_767_225_600;

/// What a tar consists of.
const BLOCK: usize = 512;

/// The image as an uncompressed `docker save` archive. Its documents come first and each layer is made when it is read,
/// so that whoever reads knows all steps at once.
#[must_use]
pub fn image() -> impl Read + Send {
    let steps = steps();
    let history: Vec<_> = steps
        .iter()
        .zip(0_u64..)
        .map(|(step, minute)| {
            let created = format!("2026-01-01T00:{minute:02}:00Z");
            json!({ "created": created, "created_by": step.command, "empty_layer": step.fill.is_none() })
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
        "rootfs": { "type": "layers", "diff_ids": DIGESTS.map(|hex| format!("sha256:{hex}")) },
        "history": history,
    });
    let config = config.to_string().into_bytes();
    let config_name = name_of(&digest(&config));
    let manifest = json!([{
        "Config": config_name,
        "RepoTags": ["layerscope/demo:latest"],
        "Layers": DIGESTS.map(name_of),
    }]);
    let mut documents = Tar::default();
    documents.file("manifest.json", manifest.to_string().as_bytes(), 0o644);
    documents.file(&config_name, &config[..], 0o644);
    let layers = steps.into_iter().filter_map(|step| step.fill).zip(DIGESTS);
    let parts: VecDeque<_> = layers.map(|(fill, hex)| Part::Layer(hex, fill)).chain([Part::End]).collect();
    Image { now: Cursor::new(documents.beginning()), parts }
}

/// The layers' digests. Computing them takes longer than all else; a test holds them to the layers.
const DIGESTS: [&str; 10] = [
    "d5e923b83b0b5a005a4b0c9d12a375fac0b0344e367d7266593a42e7deed401b",
    "9512fe0f39d12fdd2302c468d45327d1ce7374ca666731643a0abb904c230ac0",
    "65a3524ee6c1c1e4f76577fc363ff64c0ef4d003303fa1b6e2bcf12928753949",
    "cf675564e7f6fed36d953e066d382bbdaa8529777585c3bb784c406912f56e7f",
    "0cc116edc070cebc8a521c6705438474ae30a1b9a51d22f43351e45c03dd1b2f",
    "c17fac9dbea23f6458adeecddc00992625f8d625fc601217a94997f497f3bccf",
    "3a70126c5ab2d80037efcf73e7552850df6ac1fb4f57564b59d1860317005052",
    "fed93a947e764eb520b6916490b471147169850424a08d7fcd5c15ba79bbe166",
    "b5fddaaf29bc3eb9243fa9b052e9471f5cc7dcd67339f9b49b499c59bbe47eb4",
    "95237c6fba0e625a191188261bffc3d7790507cfce09b7ddd5d8f2c5b914f20b",
];

fn name_of(hex: &str) -> String {
    format!("blobs/sha256/{hex}")
}

/// What fills the tar of a layer.
type Fill = fn(&mut Tar);

/// A part of the archive that is not made yet.
enum Part {
    Layer(&'static str, Fill),
    End,
}

/// The archive, part by part.
struct Image {
    now: Cursor<Vec<u8>>,
    parts: VecDeque<Part>,
}

impl Read for Image {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.now.position() >= self.now.get_ref().len() as u64 {
            self.now = Cursor::new(match self.parts.pop_front() {
                Some(Part::Layer(hex, fill)) => blob(hex, fill),
                Some(Part::End) => vec![0; 2 * BLOCK],
                None => return Ok(0),
            });
        }
        self.now.read(buffer)
    }
}

/// A layer as a file of the archive.
fn blob(hex: &str, fill: Fill) -> Vec<u8> {
    // Room for the file's own header, which says how long it is.
    let mut tar = Tar { builder: Builder::new(vec![0; BLOCK]), owner: 0 };
    fill(&mut tar);
    let mut bytes = tar.finish();
    let mut header = Tar::default().header(EntryType::Regular, 0o644, (bytes.len() - BLOCK) as u64);
    let _ = header.set_path(name_of(hex));
    header.set_cksum();
    bytes[..BLOCK].copy_from_slice(header.as_bytes());
    bytes
}

/// A line of the Dockerfile; without contents when it only sets something.
struct Step {
    command: &'static str,
    fill: Option<Fill>,
}

fn run(command: &'static str, fill: Fill) -> Step {
    Step { command, fill: Some(fill) }
}

fn set(command: &'static str) -> Step {
    Step { command, fill: None }
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
            tar.noise("usr/bin/gcc", 11, 900_000, 0o755);
            tar.noise("usr/bin/curl", 12, 260_000, 0o755);
            tar.noise("usr/lib/gcc/cc1", 13, 1_800_000, 0o755);
            tar.noise("var/lib/apt/lists/packages_main", 14, 640_000, 0o644);
            tar.noise("var/lib/apt/lists/packages_security", 15, 210_000, 0o644);
        }),
        set("WORKDIR /app"),
        run("COPY . /app # buildkit", |tar| {
            for folder in
                ["app/", "app/.git/", "app/node_modules/", "app/node_modules/left-pad/", "app/assets/", "app/cache/"]
            {
                tar.dir(folder, 0o755);
            }
            tar.file("app/.env", b"API_TOKEN=demo-token-that-is-not-real\n", 0o600);
            tar.noise("app/.git/pack-8f1c.pack", 21, 480_000, 0o444);
            tar.noise("app/node_modules/left-pad/index.js", 22, 150_000, 0o644);
            tar.noise("app/assets/logo.png", 23, 120_000, 0o644);
            tar.noise("app/assets/logo-copy.png", 23, 120_000, 0o644);
            tar.noise("app/cache/a.bin", 24, 90_000, 0o644);
            tar.noise("app/cache/b.bin", 25, 70_000, 0o644);
            tar.noise("app/server", 26, 700_000, 0o755);
            tar.file("app/config", b"port = 8080\n", 0o644);
        }),
        run("RUN /bin/sh -c chown -R app:app /app/node_modules /app/assets # buildkit", |tar| {
            tar.owner = 1000;
            for folder in ["app/node_modules/", "app/node_modules/left-pad/", "app/assets/"] {
                tar.dir(folder, 0o755);
            }
            tar.noise("app/node_modules/left-pad/index.js", 22, 150_000, 0o644);
            tar.noise("app/assets/logo.png", 23, 120_000, 0o644);
            tar.noise("app/assets/logo-copy.png", 23, 120_000, 0o644);
        }),
        run("RUN /bin/sh -c chmod u+s /app/server # buildkit", |tar| {
            tar.dir("app/", 0o755);
            tar.noise("app/server", 26, 700_000, 0o4755);
        }),
        run("RUN /bin/sh -c npm run build # buildkit", |tar| {
            tar.dir("app/", 0o755);
            tar.dir("app/dist/", 0o755);
            tar.noise("app/dist/bundle.js", 31, 180_000, 0o644);
            tar.noise("app/dist/bundle.js.map", 32, 400_000, 0o644);
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
    tar.noise("bin/sh", 1, 125_000, 0o755);
    tar.link(EntryType::Symlink, "bin/bash", "sh");
    tar.file("etc/os-release", b"ID=demo\nVERSION_ID=12\nPRETTY_NAME=\"Demo Linux 12\"\n", 0o644);
    tar.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n", 0o644);
    tar.file("etc/motd", b"welcome\n", 0o644);
    tar.noise("usr/bin/passwd", 2, 60_000, 0o4755);
    tar.noise("usr/lib/libc.so.6", 3, 1_200_000, 0o755);
    tar.link(EntryType::Symlink, "usr/bin/python", "python3.11");
    tar.noise("usr/share/doc/base/copyright", 4, 30_000, 0o644);
}

/// Fills with bytes that no compression and no accident makes equal (xorshift, Marsaglia 2003).
fn fill_with_noise(seed: u64, bytes: &mut [u8]) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let (eights, rest) = bytes.as_chunks_mut();
    for eight in eights {
        *eight = next();
    }
    let last = next();
    rest.copy_from_slice(&last[..rest.len()]);
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
        let _ = self.builder.append_data(&mut header, path, io::empty());
    }

    fn file(&mut self, path: &str, contents: &[u8], mode: u32) {
        let mut header = self.header(EntryType::Regular, mode, contents.len() as u64);
        let _ = self.builder.append_data(&mut header, path, contents);
    }

    /// A file of so many bytes of noise, made where they lie.
    fn noise(&mut self, path: &str, seed: u64, length: usize, mode: u32) {
        let mut header = self.header(EntryType::Regular, mode, length as u64);
        let _ = self.builder.append_data(&mut header, path, io::empty());
        let tar = self.builder.get_mut();
        let start = tar.len();
        tar.resize(start + length.next_multiple_of(BLOCK), 0);
        fill_with_noise(seed, &mut tar[start..start + length]);
    }

    fn link(&mut self, kind: EntryType, path: &str, target: &str) {
        let mut header = self.header(kind, 0o777, 0);
        let _ = self.builder.append_link(&mut header, path, target);
    }

    /// What is in it so far, for more to follow.
    fn beginning(mut self) -> Vec<u8> {
        std::mem::take(self.builder.get_mut())
    }

    fn finish(self) -> Vec<u8> {
        self.builder.into_inner().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_are_those_of_the_layers() {
        let layers = steps().into_iter().filter_map(|step| step.fill);
        let digests: Vec<_> = layers
            .map(|fill| {
                let mut tar = Tar::default();
                fill(&mut tar);
                digest(&tar.finish())
            })
            .collect();
        assert_eq!(digests, DIGESTS);
    }
}
