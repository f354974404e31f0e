//! The same numbers by other means: GNU tar's listing of each layer, and the file system after a real unpack.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::images::{Image, docker};
use crate::sources::{TAG, umoci_layout};
use crate::tools::{Ready, line, root, run, tool};

/// The bytes of regular files in each layer of a classic `docker save`, as GNU tar lists them.
pub fn shipped(image: &Image) -> Ready<Vec<u64>> {
    let place = fresh(image, "listed");
    run(tool("tar")?.arg("--extract").arg("--directory").arg(&place).arg("--file").arg(&image.saved));
    let manifest: Value = serde_json::from_slice(&fs::read(place.join("manifest.json")).unwrap()).unwrap();
    let layers = manifest[0]["Layers"].as_array().expect("the manifest lists layers");
    layers.iter().map(|layer| listed(&place.join(layer.as_str().unwrap()))).collect()
}

/// A line is `-rw-r--r-- 0/0 SIZE DATE TIME NAME`; names are escaped, so that each entry has one line.
fn listed(layer: &Path) -> Ready<u64> {
    let mut list = tool("tar")?;
    list.env("LC_ALL", "C")
        .args(["--list", "--verbose", "--numeric-owner", "--quoting-style=escape", "--file"])
        .arg(layer);
    let listing = run(&mut list);
    let listing = String::from_utf8_lossy(&listing);
    let files = listing.lines().filter(|line| line.starts_with('-'));
    Ok(files.map(|line| line.split_whitespace().nth(2).unwrap().parse::<u64>().unwrap()).sum())
}

/// The bytes of regular files after umoci has unpacked the image.
pub fn unpacked(image: &Image) -> Ready<u64> {
    root()?;
    let layout = umoci_layout(image, "umoci-unpack")?;
    let bundle = fresh(image, "bundle");
    run(tool("umoci")?.args(["unpack", "--image", &format!("{layout}:{TAG}")]).arg(&bundle));
    Ok(measured(&bundle))
}

/// The bytes of regular files that a container of the image sees, as the engine exports them.
pub fn exported(image: &Image) -> Ready<u64> {
    root()?;
    let tar = export(image)?;
    let place = fresh(image, "exported");
    run(tool("tar")?.args(["--extract", "--preserve-permissions", "--directory"]).arg(&place).arg("--file").arg(tar));
    Ok(measured(&place))
}

/// What `docker export` writes for a container of the image that has never run.
pub fn export(image: &Image) -> Ready<PathBuf> {
    let container = line(docker()?.args(["create", &image.name, "none"]));
    let file = image.folder.join(format!("export-{container}.tar"));
    run(docker()?.arg("export").arg("--output").arg(&file).arg(&container));
    run(docker()?.arg("rm").arg(&container).stdin(Stdio::null()));
    Ok(file)
}

fn fresh(image: &Image, name: &str) -> PathBuf {
    let place = image.folder.join(name);
    if place.exists() {
        fs::remove_dir_all(&place).unwrap();
    }
    fs::create_dir_all(&place).unwrap();
    place
}

/// The bytes that an unpacked image uses; then it is removed. umoci has it in `rootfs` beside files of its own.
fn measured(place: &Path) -> u64 {
    let root = if place.join("rootfs").is_dir() { place.join("rootfs") } else { place.to_owned() };
    let bytes = used(&root);
    fs::remove_dir_all(place).unwrap();
    bytes
}

/// The bytes of all regular files below a folder. A file with several names counts once.
fn used(folder: &Path) -> u64 {
    let mut seen = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let facts = entry.metadata().unwrap();
            if facts.is_dir() {
                folders.push(entry.path());
            } else if facts.is_file() && seen.insert((facts.dev(), facts.ino())) {
                bytes += facts.len();
            }
        }
    }
    bytes
}
