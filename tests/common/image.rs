//! Images built in code: layers entry by entry, then any kind of archive around them.

use std::io::Write;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// 2026-01-01, where a test does not care.
pub const BUILT: u64 = 1_767_225_600;

/// A layer's tar, entry by entry. Mode, owner and time hold for every entry that follows.
pub struct Layer {
    builder: Builder<Vec<u8>>,
    pub mode: u32,
    pub owner: u64,
    pub time: u64,
}

impl Default for Layer {
    fn default() -> Self {
        Self { builder: Builder::new(Vec::new()), mode: 0o644, owner: 0, time: BUILT }
    }
}

impl Layer {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    pub fn owner(mut self, owner: u64) -> Self {
        self.owner = owner;
        self
    }

    pub fn time(mut self, time: u64) -> Self {
        self.time = time;
        self
    }

    pub fn header(&self, kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(self.mode);
        header.set_uid(self.owner);
        header.set_gid(self.owner);
        header.set_mtime(self.time);
        header.set_size(size);
        header
    }

    /// Names go in as they are: the library would refuse `..` and a leading slash.
    fn append(self, mut header: Header, path: &[u8], contents: &[u8]) -> Self {
        let field = header.as_old().name.len();
        let before = if path.len() > field { self.long_name(path) } else { self };
        let name = &mut header.as_old_mut().name;
        name.fill(0);
        let fits = path.len().min(field);
        name[..fits].copy_from_slice(&path[..fits]);
        header.set_cksum();
        before.raw(header, contents)
    }

    /// GNU's entry for a name that does not fit a header; the next entry bears it.
    fn long_name(self, path: &[u8]) -> Self {
        let contents = [path, b"\0"].concat();
        let mut header = self.header(EntryType::GNULongName, contents.len() as u64);
        header.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
        header.set_cksum();
        self.raw(header, &contents)
    }

    pub fn file(self, path: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        let contents = contents.as_ref();
        let header = self.header(EntryType::Regular, contents.len() as u64);
        self.append(header, path.as_ref(), contents)
    }

    /// A file of so many bytes that depend on the seed.
    pub fn filled(self, path: &str, size: usize, seed: u8) -> Self {
        self.file(path, vec![seed; size])
    }

    pub fn dir(self, path: impl AsRef<[u8]>) -> Self {
        let mut header = self.header(EntryType::Directory, 0);
        header.set_mode(if self.mode == 0o644 { 0o755 } else { self.mode });
        self.append(header, path.as_ref(), &[])
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, path, target)
    }

    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Link, path, target)
    }

    fn link(self, kind: EntryType, path: &str, target: &str) -> Self {
        let mut header = self.header(kind, 0);
        header.set_link_name_literal(target).unwrap();
        self.append(header, path.as_bytes(), &[])
    }

    pub fn special(self, kind: EntryType, path: &str, major: u32, minor: u32) -> Self {
        let mut header = self.header(kind, 0);
        header.set_device_major(major).unwrap();
        header.set_device_minor(minor).unwrap();
        self.append(header, path.as_bytes(), &[])
    }

    /// Removes a path of the layers below.
    pub fn whiteout(self, path: &str) -> Self {
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
        let slash = if folder.is_empty() { "" } else { "/" };
        self.file(format!("{folder}{slash}.wh.{name}"), b"")
    }

    /// Hides what the layers below have in a folder.
    pub fn opaque(self, folder: &str) -> Self {
        let slash = if folder.is_empty() { "" } else { "/" };
        self.file(format!("{folder}{slash}.wh..wh..opq"), b"")
    }

    /// PAX records for the next entry.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        self.records(b'x', records)
    }

    /// A PAX global header.
    pub fn pax_global(self, records: &[(&str, &[u8])]) -> Self {
        self.records(b'g', records)
    }

    fn records(self, kind: u8, records: &[(&str, &[u8])]) -> Self {
        let body: Vec<u8> = records.iter().flat_map(|(key, value)| pax_record(key.as_bytes(), value)).collect();
        let header = self.header(EntryType::new(kind), body.len() as u64);
        self.append(header, b"pax", &body)
    }

    /// Bytes as they are, padded to a block.
    #[allow(clippy::needless_pass_by_value)] // What goes into a builder is given away.
    pub fn raw(mut self, header: Header, contents: &[u8]) -> Self {
        let out = self.builder.get_mut();
        out.write_all(header.as_bytes()).unwrap();
        out.write_all(contents).unwrap();
        let end = out.len().next_multiple_of(512);
        out.resize(end, 0);
        self
    }

    pub fn finish(self) -> Vec<u8> {
        self.builder.into_inner().unwrap()
    }
}

/// One record of a PAX header.
pub fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length != body + length.to_string().len() {
        length = body + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", layerscope::units::hex(&Sha256::digest(bytes)))
}

pub fn hex(bytes: &[u8]) -> String {
    digest(bytes).split_off("sha256:".len())
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// A config for layers, given by their uncompressed tars.
pub fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    config_for("linux/amd64", layers)
}

/// A config for a platform `os/arch[/variant]`.
pub fn config_for(platform: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = platform.split('/');
    let history: Vec<Value> = (0..layers.len())
        .map(|layer| json!({ "created": "2026-01-01T00:00:00Z", "created_by": format!("RUN step {layer}") }))
        .collect();
    let mut config = json!({
        "os": parts.next(), "architecture": parts.next(), "created": "2026-01-01T00:00:00Z", "config": {},
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| digest(layer)).collect::<Vec<_>>() },
        "history": history,
    });
    if let Some(variant) = parts.next() {
        config["variant"] = json!(variant);
    }
    config.to_string().into_bytes()
}

/// An archive of named members, in the order given.
pub fn archive<N: AsRef<str>, C: AsRef<[u8]>>(members: &[(N, C)]) -> Vec<u8> {
    members.iter().fold(Layer::new(), |tar, (name, contents)| tar.file(name.as_ref(), contents)).finish()
}

/// What `docker save` writes since version 25: uncompressed blobs and `manifest.json` at the end.
pub fn docker_archive(layers: &[Vec<u8>]) -> Vec<u8> {
    let config = config(layers);
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", hex(bytes));
    let manifest = json!([{
        "Config": blob(&config), "RepoTags": ["test/image:latest"],
        "Layers": layers.iter().map(|layer| blob(layer)).collect::<Vec<_>>(),
    }]);
    let mut members: Vec<(String, Vec<u8>)> = Vec::new();
    for layer in layers {
        if !members.iter().any(|(name, _)| *name == blob(layer)) {
            members.push((blob(layer), layer.clone()));
        }
    }
    members.push((blob(&config), config));
    members.push(("manifest.json".into(), manifest.to_string().into_bytes()));
    archive(&members)
}
