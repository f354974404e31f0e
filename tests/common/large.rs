//! Large images of a given shape, written straight to a file: they never are in memory. Deterministic.
//! Knows headers and archives; nothing of what is read back.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)] // It may panic, and each user takes a part.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use tar::{EntryType, Header};

/// What the image looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Ten layers of packages in `node_modules`, with rewrites, whiteouts, opaque folders, hard and symbolic links.
    Realistic,
    /// Ten layers of files whose names are 24 bytes long and occur once.
    LongNames,
    /// One folder with all files.
    Flat,
    /// One file and everything else a name of it.
    Hardlinks,
    /// Half of the entries are files, the other half removes each of them.
    Whiteouts,
    /// A hundred layers that store the same files again.
    Rewritten,
    /// One layer, 47 times in the manifest.
    Repeated,
    /// Files that lie 2000 folders deep.
    Deep,
    /// 65 000 layers that touch the same few paths.
    TinyLayers,
    /// A layer with a file in every folder of a deep path, and one that removes each folder of it.
    Nested,
    /// A folder that the same layer turns into a file and back, again and again.
    Conflicts,
    /// A folder marked opaque again and again, and files in it and beside it in turns.
    Marks,
}

impl Shape {
    pub const ALL: [Self; 12] = [
        Self::Realistic,
        Self::LongNames,
        Self::Flat,
        Self::Hardlinks,
        Self::Whiteouts,
        Self::Rewritten,
        Self::Repeated,
        Self::Deep,
        Self::TinyLayers,
        Self::Nested,
        Self::Conflicts,
        Self::Marks,
    ];
}

/// How layers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// The image in a folder, made now unless it is there.
pub fn image(folder: &Path, shape: Shape, entries: u32, packing: Packing) -> PathBuf {
    let path = folder.join(format!("{shape:?}-{entries}-{packing:?}.tar").to_lowercase());
    if !path.exists() {
        fs::create_dir_all(folder).unwrap();
        let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
        write(&unfinished, shape, entries, packing).unwrap();
        fs::rename(&unfinished, &path).unwrap();
    }
    path
}

fn write(path: &Path, shape: Shape, entries: u32, packing: Packing) -> io::Result<()> {
    let mut archive = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let layers = match shape {
        Shape::Realistic | Shape::LongNames => 10,
        Shape::Rewritten => 100,
        Shape::TinyLayers => 65_000,
        Shape::Whiteouts | Shape::Nested => 2,
        Shape::Flat | Shape::Hardlinks | Shape::Repeated | Shape::Deep | Shape::Conflicts | Shape::Marks => 1,
    };
    for layer in 0..layers {
        member(&mut archive, &format!("{layer}/layer.tar"), |archive| match packing {
            Packing::Plain => fill(&mut Tar { out: archive }, shape, layer, entries),
            Packing::Gzip => {
                let mut packed = flate2::write::GzEncoder::new(archive, flate2::Compression::fast());
                fill(&mut Tar { out: &mut packed }, shape, layer, entries)?;
                packed.finish().map(drop)
            }
            Packing::Zstd => {
                let mut packed = zstd::Encoder::new(archive, 1)?;
                fill(&mut Tar { out: &mut packed }, shape, layer, entries)?;
                packed.finish().map(drop)
            }
        })?;
    }
    let times = if shape == Shape::Repeated { 47 } else { 1 };
    let names: Vec<_> = (0..layers * times).map(|layer| format!("{}/layer.tar", layer % layers)).collect();
    let ids: Vec<_> = (0..names.len()).map(|layer| format!("sha256:{layer:064x}")).collect();
    let config = json!({ "os": "linux", "architecture": "amd64", "rootfs": { "type": "layers", "diff_ids": ids } });
    let manifest = json!([{ "Config": "config.json", "RepoTags": ["large:latest"], "Layers": names }]);
    member(&mut archive, "config.json", |out| out.write_all(config.to_string().as_bytes()))?;
    member(&mut archive, "manifest.json", |out| out.write_all(manifest.to_string().as_bytes()))?;
    archive.write_all(&[0; 1024])?;
    archive.flush()
}

/// A file of the archive. Its size is known when it is written, so the header is filled in afterwards.
fn member<W: Write + Seek>(out: &mut W, name: &str, fill: impl FnOnce(&mut W) -> io::Result<()>) -> io::Result<()> {
    let start = out.stream_position()?;
    out.write_all(&[0; 512])?;
    fill(out)?;
    let end = out.stream_position()?;
    out.seek(SeekFrom::Start(start))?;
    out.write_all(header(EntryType::Regular, name, end - start - 512, 0).as_bytes())?;
    out.seek(SeekFrom::Start(end))?;
    let padding = usize::try_from(end.next_multiple_of(512) - end).unwrap();
    out.write_all(&[0; 512][..padding])
}

fn header(kind: EntryType, path: &str, size: u64, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000 + time);
    header.set_size(size);
    let fits = path.len().min(100);
    header.as_old_mut().name[..fits].copy_from_slice(&path.as_bytes()[..fits]);
    header.set_cksum();
    header
}

/// A layer's tar.
struct Tar<'w> {
    out: &'w mut dyn Write,
}

impl Tar<'_> {
    fn entry(&mut self, header: &Header, path: &str, contents: &[u8]) -> io::Result<()> {
        if path.len() > 100 {
            let long = header_of_long_name(path);
            self.padded(&long, path.as_bytes())?;
        }
        self.padded(header, contents)
    }

    fn padded(&mut self, header: &Header, contents: &[u8]) -> io::Result<()> {
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(contents)?;
        self.out.write_all(&[0; 512][..contents.len().next_multiple_of(512) - contents.len()])
    }

    /// A file of up to 600 bytes that depend on the seed.
    fn file(&mut self, path: &str, seed: u32) -> io::Result<()> {
        let mut state = mixed(seed);
        let mut contents = [0; 600];
        for part in contents.chunks_exact_mut(8) {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            part.copy_from_slice(&state.to_le_bytes());
        }
        let size = usize::try_from(mixed(seed) % 600).unwrap() + 1;
        self.entry(&header(EntryType::Regular, path, size as u64, u64::from(seed / 16)), path, &contents[..size])
    }

    fn empty(&mut self, path: &str) -> io::Result<()> {
        self.entry(&header(EntryType::Regular, path, 0, 0), path, b"")
    }

    fn dir(&mut self, path: &str) -> io::Result<()> {
        self.entry(&header(EntryType::Directory, path, 0, 0), path, b"")
    }

    fn link(&mut self, kind: EntryType, path: &str, target: &str) -> io::Result<()> {
        let mut header = header(kind, path, 0, 0);
        header.set_link_name_literal(target)?;
        header.set_cksum();
        self.entry(&header, path, b"")
    }
}

fn header_of_long_name(path: &str) -> Header {
    header(EntryType::GNULongName, "././@LongLink", path.len() as u64, 0)
}

/// Splitmix64: a number that looks random and is not.
fn mixed(seed: u32) -> u64 {
    let mut mixed = u64::from(seed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

fn fill(tar: &mut Tar<'_>, shape: Shape, layer: u32, entries: u32) -> io::Result<()> {
    match shape {
        Shape::Realistic => realistic(tar, layer, entries / 10)?,
        Shape::LongNames => {
            for number in layer * (entries / 10)..(layer + 1) * (entries / 10) {
                tar.file(&format!("usr/lib/pkg-{:05}/{:016x}-{number:07}", number / 500, mixed(number)), number)?;
            }
        }
        Shape::Flat => (0..entries).try_for_each(|number| tar.file(&format!("data/record-{number:07}"), number))?,
        Shape::Hardlinks => {
            tar.file("store/file", 1)?;
            for number in 1..entries {
                let path = format!("links-{:04}/name-{number:07}", number / 1000);
                tar.link(EntryType::Link, &path, "store/file")?;
            }
        }
        Shape::Whiteouts => {
            let mark = if layer == 0 { "" } else { ".wh." };
            for number in 0..entries / 2 {
                let path = format!("cache/{:04}/{mark}record-{number:07}", number / 1000);
                if layer == 0 { tar.file(&path, number)? } else { tar.empty(&path)? }
            }
        }
        Shape::Rewritten => {
            let same = |number: u32| if number.is_multiple_of(2) { number } else { number + layer * 1_000_000 };
            (0..entries / 100).try_for_each(|number| tar.file(&format!("opt/app/part-{number:06}"), same(number)))?;
        }
        Shape::Repeated => {
            (0..entries / 47).try_for_each(|number| tar.file(&format!("opt/app/part-{number:06}"), number))?;
        }
        Shape::Deep => {
            let deep = "d/".repeat(2000);
            (0..entries).try_for_each(|number| tar.empty(&format!("{deep}f{number}")))?;
        }
        Shape::TinyLayers => {
            tar.dir("etc")?;
            tar.file("etc/config", layer)?;
            tar.file(&format!("etc/step-{layer}"), layer)?;
            tar.empty("etc/.wh.nothing")?;
        }
        Shape::Nested => {
            let folder = |depth: u32| "d/".repeat(usize::try_from(depth).unwrap());
            if layer == 0 {
                (0..2000).try_for_each(|depth| tar.dir(&folder(depth + 1)))?;
                (0..entries).try_for_each(|number| tar.empty(&format!("{}f{number}", folder(1 + number % 3 * 600))))?;
                let deepest = folder(2000);
                (0..entries / 20).try_for_each(|number| tar.empty(&format!("{deepest}f{number}")))?;
            } else {
                (0..2000).try_for_each(|depth| tar.empty(&format!("{}.wh.d", folder(depth))))?;
            }
        }
        Shape::Conflicts => {
            (0..entries).try_for_each(|number| tar.empty(&format!("a/b/{number}")))?;
            for number in 0..1000 {
                tar.empty("a/b")?;
                tar.empty(&format!("a/b/{number}"))?;
            }
        }
        Shape::Marks => {
            tar.empty("a/x")?;
            for number in 0..entries / 4 {
                tar.empty("a/b/.wh..wh..opq")?;
                tar.empty("a/b/.wh.same")?;
                tar.empty(&format!("a/b/{number}"))?;
                tar.empty(&format!("a/c/{number}"))?;
            }
        }
    }
    tar.out.write_all(&[0; 1024])
}

/// Packages with a dozen files each. From the second layer on every tenth package of the layer below is rewritten,
/// removed or hidden, and some files are links.
fn realistic(tar: &mut Tar<'_>, layer: u32, entries: u32) -> io::Result<()> {
    const NAMES: [&str; 6] = ["index.js", "package.json", "README.md", "LICENSE", "lib/util.js", "lib/main.js"];
    tar.dir("app")?;
    tar.dir("app/node_modules")?;
    let (mut written, mut package) = (2, 0);
    while written < entries {
        let number = layer * 1_000_000 + package;
        let root = format!("app/node_modules/package-{layer}-{package:05}");
        let below = format!("app/node_modules/package-{}-{package:05}", layer.saturating_sub(1));
        match package % 40 {
            0 if layer > 0 => tar.file(&format!("{below}/index.js"), number)?,
            // The same contents again, as `chmod -R` stores them.
            10 if layer > 0 => tar.file(&format!("{below}/index.js"), (layer - 1) * 16_000_000 + package * 16)?,
            20 if layer > 0 => {
                tar.empty(&format!("app/node_modules/.wh.package-{}-{package:05}", layer - 1))?;
            }
            30 if layer > 0 => tar.empty(&format!("{below}/.wh..wh..opq"))?,
            _ => tar.dir(&root)?,
        }
        tar.dir(&format!("{root}/lib"))?;
        for (place, name) in (0_u32..).zip(NAMES) {
            // Licences are equal wherever they stand.
            let seed = if name == "LICENSE" { package % 7 } else { layer * 16_000_000 + package * 16 + place };
            tar.file(&format!("{root}/{name}"), seed)?;
        }
        for part in 0..4 {
            tar.file(&format!("{root}/lib/chunk-{:06x}.js", mixed(number * 4 + part) % 0xff_ffff), number + part)?;
        }
        tar.link(EntryType::Link, &format!("{root}/bin.js"), &format!("{root}/index.js"))?;
        tar.link(EntryType::Symlink, &format!("{root}/latest"), "lib/main.js")?;
        (written, package) = (written + 14, package + 1);
    }
    Ok(())
}
