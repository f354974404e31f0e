//! An image in a content store that is built here, by the engine's word about it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::load::Loaded;
use super::*;
use crate::image::sha256;
use crate::index::walk::Live;
use crate::index::{self, EntryId, Index};
use crate::layer::decode::{Kind, sniff};
use crate::layer::{self, EntryKind, Limits};
use crate::session::contents::preview;
use crate::session::origin::{Job, Origin};
use crate::source::archive::{Passing, pass};
use crate::source::demo;
use crate::source::reference::{EngineKind, Reference};
use crate::source::storage::{Contents, Driver};

/// The folder of an engine that starts its own containerd.
struct Engine {
    folder: TempDir,
    blobs: PathBuf,
}

impl Engine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = folder.path().join("containerd/daemon/io.containerd.content.v1.content/blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        Self { folder, blobs }
    }

    fn blob(&self, bytes: &[u8]) -> Value {
        let digest = sha256(bytes);
        fs::write(self.path(&digest), bytes).unwrap();
        json!({ "digest": digest, "size": bytes.len() })
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.blobs.join(digest.trim_start_matches("sha256:"))
    }

    fn document(&self, document: &Value) -> Value {
        self.blob(document.to_string().as_bytes())
    }

    /// An image for one platform with one layer of the demo; its manifest, its layer's digest, and its diff id.
    fn image(&self, architecture: &str, number: usize) -> (Value, String, String) {
        let tar = layers().swap_remove(number);
        let (layer, diff_id) = (self.blob(&tar), sha256(&tar));
        let config = json!({ "os": "linux", "architecture": architecture,
            "rootfs": { "type": "layers", "diff_ids": [&diff_id] }, "history": [] });
        let mut manifest = self.document(&json!({ "config": self.document(&config), "layers": [&layer] }));
        manifest["platform"] = json!({ "os": "linux", "architecture": architecture });
        (manifest, layer["digest"].as_str().unwrap().to_owned(), diff_id)
    }

    /// What it says of an image that is called `app:1`.
    fn facts(&self, target: &Value, architecture: &str, diff_id: &str) -> EngineFacts {
        let target = target["digest"].as_str().unwrap().to_owned();
        let contents = Contents { target: target.clone(), engine: Some(self.folder.path().into()), socket: None };
        EngineFacts {
            source: "docker 28.5.2 at unix:///run/docker.sock".into(),
            method: "export",
            id: target,
            tags: vec!["app:1".into()],
            repo_digests: Vec::new(),
            os: "linux".into(),
            architecture: architecture.into(),
            variant: None,
            created: None,
            size: 0,
            diff_ids: vec![diff_id.into()],
            history: Vec::new(),
            driver: Driver { name: "overlayfs".into(), contents: Some(contents), ..Driver::default() },
        }
    }
}

/// The tars in the demo image.
fn layers() -> Vec<Vec<u8>> {
    let mut layers = Vec::new();
    let read = pass(demo::image(), |_, passing| {
        if let Passing::File(bytes, _) = passing {
            let mut layer = Vec::new();
            bytes.read_to_end(&mut layer).unwrap();
            layers.extend(Some(layer).filter(|layer| sniff(layer) == Kind::Tar));
        }
        Ok(())
    });
    read.unwrap();
    layers
}

/// An index of two platforms and an attestation, its manifests' layers, and what the engine says of it.
fn both(engine: &Engine) -> (Vec<(String, String)>, Vec<EngineFacts>) {
    let images = [("amd64", 0), ("arm64", 1)].map(|(name, layer)| (name, engine.image(name, layer)));
    let mut attestation = engine.document(&json!({ "config": engine.blob(b"{}"), "layers": [engine.blob(b"{}")] }));
    attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    let mut manifests: Vec<Value> = images.iter().map(|(_, (manifest, ..))| manifest.clone()).collect();
    manifests.push(attestation);
    let index = engine.document(&json!({ "manifests": manifests }));
    let facts = images.iter().map(|(name, (_, _, diff_id))| engine.facts(&index, name, diff_id));
    let facts = facts.collect();
    (
        images
            .into_iter()
            .map(|(_, (manifest, layer, _))| (manifest["digest"].as_str().unwrap().into(), layer))
            .collect(),
        facts,
    )
}

fn read(facts: &EngineFacts, options: &Options) -> Result<Loaded, Refusal> {
    stored(facts, "app:1", &[], options, &Arc::default()).map(|opened| opened.loaded)
}

fn files(index: &Index) -> impl Iterator<Item = EntryId> + '_ {
    let all = index.slots().flat_map(|slot| index.entries_in(slot));
    all.filter(|id| index.entry(*id).kind == index::Kind::File)
}

#[test]
fn the_platform_is_what_the_engine_chose() {
    let engine = Engine::new();
    let (layers_of_both, facts) = both(&engine);
    for (((manifest, layer), facts), tar) in layers_of_both.iter().zip(&facts).zip(layers()) {
        let options = Options { verify: true, ..Options::default() };
        let loaded = read(facts, &options).unwrap();
        assert_eq!(loaded.image.tags, ["app:1"]);
        assert_eq!(loaded.image.digest.as_ref(), Some(manifest));
        assert_eq!(loaded.image.layers[0].digest.as_ref(), Some(layer));
        assert_eq!(loaded.image.platform, facts.platform());
        let mut sizes = Vec::new();
        let counted = layer::read(&tar[..], &Limits::default(), |entry| {
            sizes.extend(Some(entry.size).filter(|_| entry.kind == EntryKind::File));
            Ok(())
        });
        counted.unwrap();
        let found: Vec<u64> = files(&loaded.index).map(|id| loaded.index.entry(id).size).collect();
        assert_eq!(found, sizes);
    }
}

/// Not from the engine, of which there is none.
#[test]
fn files_are_looked_into_where_they_lie() {
    let engine = Engine::new();
    let (manifest, _, diff_id) = engine.image("amd64", 0);
    let facts = engine.facts(&manifest, "amd64", &diff_id);
    let mut loaded = read(&facts, &Options::default()).unwrap();
    let reference = Reference::Engine { engine: EngineKind::Docker, name: "nowhere".into() };
    loaded.origin = Some(Origin::new(reference, Options::default()));
    let entry = files(&loaded.index).next().unwrap();
    let piece = preview(&loaded, Live { layer: 0, entry }, 100, &Job::default()).unwrap();
    assert_eq!(piece.size, loaded.index.entry(entry).size);
    assert!(!piece.bytes.is_empty());
}

#[test]
fn what_is_not_as_it_should_be_is_odd() {
    let engine = Engine::new();
    let (manifest, layer, diff_id) = engine.image("amd64", 0);
    let facts = engine.facts(&manifest, "amd64", &diff_id);
    let why = |facts: &EngineFacts| match read(facts, &Options::default()) {
        Err(Refusal::Odd(why)) => why,
        Err(Refusal::Closed(why)) => panic!("closed: {why}"),
        Ok(_) => panic!("it is read"),
    };
    // Another image than the engine means.
    let other = EngineFacts { diff_ids: vec![sha256(b"other")], ..facts.clone() };
    assert!(why(&other).contains("other layers"), "{}", why(&other));
    assert!(why(&EngineFacts { architecture: "s390x".into(), ..facts.clone() }).contains("s390x"));
    // A layer that is thrown away once it is unpacked, or damaged.
    let whole = fs::read(engine.path(&layer)).unwrap();
    fs::remove_file(engine.path(&layer)).unwrap();
    assert!(why(&facts).contains("missing"), "{}", why(&facts));
    fs::write(engine.path(&layer), &whole[..whole.len() / 2]).unwrap();
    assert!(!why(&facts).is_empty());
    fs::write(engine.path(&layer), &whole).unwrap();
    assert!(read(&facts, &Options::default()).is_ok());
    // A document that does not have its digest.
    let target = manifest["digest"].as_str().unwrap();
    let mut document = fs::read(engine.path(target)).unwrap();
    document.push(b'\n');
    fs::write(engine.path(target), document).unwrap();
    assert!(why(&facts).contains("digest"), "{}", why(&facts));
    fs::remove_file(engine.path(target)).unwrap();
    assert!(
        matches!(read(&facts, &Options::default()), Err(Refusal::Closed(why)) if why.contains("not on this machine"))
    );
}
