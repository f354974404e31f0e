//! Stores that are built here, as the engines lay them out.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::TempDir;

use super::*;

const LAYERS: [&[u8]; 2] = [b"lower", b"upper"];

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

fn bare(digest: &str) -> &str {
    digest.trim_start_matches("sha256:")
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A store with an image of two layers, each with a file `f` of its own.
struct Store {
    folder: TempDir,
    driver: Driver,
    id: String,
    diff_ids: Vec<String>,
}

impl Store {
    fn new(name: &str, folders: &str, ids: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [lower, upper] = ids.map(|id| folder.path().join(folders).join(id).join("diff"));
        for (place, bytes) in [&lower, &upper].iter().zip(LAYERS) {
            write(&place.join("f"), bytes);
        }
        let driver = Driver { name: name.into(), upper: Some(upper), lower: vec![lower], ..Driver::default() };
        Self { folder, driver, id: digest(b"config"), diff_ids: LAYERS.map(digest).to_vec() }
    }

    fn docker() -> Self {
        Self::docker_by("overlay2")
    }

    fn docker_by(driver: &str) -> Self {
        let ids = ["1a-b", "2c"];
        let store = Self::new(driver, driver, ids);
        let base = store.at("image").join(driver);
        write(&base.join("imagedb/content/sha256").join(bare(&store.id)), b"config");
        for (chain, (diff_id, id)) in store.chains().iter().zip(store.diff_ids.iter().zip(ids)) {
            let layer = base.join("layerdb/sha256").join(bare(chain));
            write(&layer.join("diff"), diff_id);
            write(&layer.join("cache-id"), id);
            write(&layer.join("tar-split.json.gz"), id);
        }
        store
    }

    /// OCI image spec, config.md: the chain of one layer is its diff id.
    fn chains(&self) -> [String; 2] {
        let [lower, upper] = &self.diff_ids[..] else { unreachable!() };
        [lower.clone(), digest(format!("{lower} {upper}").as_bytes())]
    }

    fn podman() -> Self {
        let store = Self::new("overlay", "overlay", ["aa", "bb"]);
        let config = format!("={}", STANDARD.encode(&store.id));
        write(&store.at("overlay-images").join(bare(&store.id)).join(config), b"config");
        let layers = [("aa", &store.diff_ids[0]), ("bb", &store.diff_ids[1])];
        let known: Vec<_> = layers.map(|(id, diff_id)| json!({ "id": id, "diff-digest": diff_id })).into();
        write(&store.at("overlay-layers/layers.json"), json!(known).to_string());
        for (id, _) in layers {
            write(&store.at(&format!("overlay-layers/{id}.tar-split.gz")), id);
        }
        store
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn find(&self) -> Result<Stored, Refusal> {
        match find(&self.driver, &self.id, &self.diff_ids)? {
            Found::Layers(stored) => Ok(stored),
            Found::Blobs(_) => panic!("no content store is said"),
        }
    }

    fn is_odd(&self) -> bool {
        matches!(self.find(), Err(Refusal::Odd(_)))
    }
}

fn all(mut file: File) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn layers_are_found_with_their_lists_and_their_files() {
    let docker = ["1a-b", "2c"];
    for (store, lists) in
        [(Store::docker(), docker), (Store::docker_by("fuse-overlayfs"), docker), (Store::podman(), ["aa", "bb"])]
    {
        let stored = store.find().unwrap();
        assert_eq!(stored.config, b"config");
        for ((layer, list), bytes) in stored.layers.iter().zip(lists).zip(LAYERS) {
            assert_eq!(all(layer.list().unwrap()), list);
            assert_eq!(all(layer.folder().open(b"/f", 5).unwrap()).as_bytes(), bytes);
            assert!(layer.folder().open(b"f", 4).is_err(), "the size is another");
        }
    }
}

/// The engine's root is not ours: its paths lead nowhere here.
#[test]
fn paths_are_seen_through_the_engines_root() {
    for mut store in [Store::docker(), Store::podman()] {
        let root = store.folder.path().to_owned();
        let inside = |path: &Path| Path::new("/").join(path.strip_prefix(&root).unwrap());
        store.driver.upper = store.driver.upper.as_deref().map(inside);
        store.driver.lower = store.driver.lower.iter().map(|path| inside(path)).collect();
        assert!(matches!(store.find(), Err(Refusal::Closed(_))));
        store.driver.root = Some(root);
        assert_eq!(store.find().unwrap().layers.len(), 2);
    }
}

#[test]
fn nothing_leads_out_of_a_folder() {
    let store = Store::docker();
    write(&store.at("secret"), b"12345");
    let files = store.driver.upper.clone().unwrap();
    symlink(store.at("secret"), files.join("absolute")).unwrap();
    symlink("../../../secret", files.join("relative")).unwrap();
    symlink("/", files.join("root")).unwrap();
    fs::create_dir(files.join("folder")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, files.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let layer = store.find().unwrap().layers[1].clone();
    for name in
        [&b"absolute"[..], b"relative", b"../../../secret", b"root/etc/passwd", b"folder", b"pipe", b"none", b""]
    {
        let opened = layer.folder().open(name, 5);
        assert!(opened.is_err(), "{}", name.escape_ascii());
    }
}

#[test]
fn a_file_that_one_may_not_read_is_named() {
    let store = Store::docker();
    let file = store.driver.upper.clone().unwrap().join("f");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let opened = store.find().unwrap().layers[1].folder().open(b"/f", 5);
    // root may read every file.
    if let Err(error) = opened {
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().starts_with("this user may not read 'f' there"), "{error}");
    }
}

#[test]
fn what_is_not_as_the_engine_says_is_odd() {
    type Break = fn(&mut Store);
    let docker: [Break; 7] = [
        |store| write(&store.at("image/overlay2/imagedb/content/sha256").join(bare(&store.id)), b"another"),
        |store| fs::remove_file(store.at("image/overlay2/imagedb/content/sha256").join(bare(&store.id))).unwrap(),
        |store| store.id = "sha256:short".into(),
        |store| write(&store.at("image/overlay2/layerdb/sha256").join(bare(&store.chains()[1])).join("diff"), b"other"),
        |store| {
            write(&store.at("image/overlay2/layerdb/sha256").join(bare(&store.chains()[1])).join("cache-id"), b"../..");
        },
        |store| fs::remove_dir_all(store.at("overlay2/1a-b")).unwrap(),
        |store| store.diff_ids.truncate(1),
    ];
    for (number, spoil) in docker.into_iter().enumerate() {
        let mut store = Store::docker();
        spoil(&mut store);
        assert!(store.is_odd(), "docker {number}: {:?}", store.find().map(|_| ()));
    }
    let podman: [Break; 5] = [
        |store| {
            write(
                &store.at("overlay-images").join(bare(&store.id)).join(format!("={}", STANDARD.encode(&store.id))),
                b"no",
            );
        },
        |store| fs::remove_dir_all(store.at("overlay-images")).unwrap(),
        |store| write(&store.at("overlay-layers/layers.json"), b"[]"),
        |store| write(&store.at("overlay-layers/layers.json"), b"{"),
        |store| store.diff_ids.swap(0, 1),
    ];
    for (number, spoil) in podman.into_iter().enumerate() {
        let mut store = Store::podman();
        spoil(&mut store);
        assert!(store.is_odd(), "podman {number}: {:?}", store.find().map(|_| ()));
    }
}

#[test]
fn what_is_somewhere_else_is_closed() {
    let closed = |driver: &Driver| matches!(find(driver, "sha256:1", &[]), Err(Refusal::Closed(_)));
    assert!(closed(&Driver::default()));
    let elsewhere = |upper: &str| Driver { name: "overlay2".into(), upper: Some(upper.into()), ..Driver::default() };
    assert!(closed(&elsewhere("/nonexistent/overlay2/a/diff")));
    assert!(closed(&elsewhere("diff")));
    let store = Store::new("btrfs", "btrfs", ["a", "b"]);
    assert!(matches!(store.find(), Err(Refusal::Closed(why)) if why.contains("btrfs")));
}

/// A content store below a folder, with one blob.
fn contents(folder: &Path) -> (String, PathBuf) {
    let (target, plugin) = (digest(b"index"), folder.join("io.containerd.content.v1.content"));
    write(&plugin.join("blobs/sha256").join(bare(&target)), b"index");
    (target, plugin)
}

fn content(driver: &Driver) -> Result<Content, Refusal> {
    match find(driver, "", &[])? {
        Found::Blobs(content) => Ok(content),
        Found::Layers(_) => panic!("a content store is said"),
    }
}

#[test]
fn blobs_are_found_where_any_containerd_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let said = |engine: Option<&str>, socket: Option<&str>, target: &str| {
        let (engine, socket) = (engine.map(PathBuf::from), socket.map(PathBuf::from));
        let contents = Contents { target: target.into(), engine, socket };
        Driver { contents: Some(contents), root: Some(folder.path().into()), ..Driver::default() }
    };
    // One that the engine started, one with a folder of its own choice, the usual one: the blob says which it is.
    write(&at("run/docker/containerd/containerd.toml"), "version = 3\nroot = \"/data/own\"\nstate = \"/run/x\"\n");
    write(&at("etc/containerd/config.toml"), "root = \"/data/system\"\n");
    let driver = said(Some("/var/lib/docker"), Some("/run/docker/containerd/containerd.sock"), &digest(b"index"));
    assert!(matches!(content(&driver), Err(Refusal::Closed(why)) if why.contains("not on this machine")));
    for place in ["var/lib/docker/containerd/daemon", "data/own", "data/system", "var/lib/containerd"] {
        let (target, plugin) = contents(&at(place));
        let found = content(&driver).unwrap();
        assert_eq!(found.target, target);
        assert_eq!(found.blob(&format!("blobs/sha256/{}", bare(&target))).unwrap().unwrap().length(), 5);
        assert!(found.blob("blobs/sha256/none").unwrap().is_none());
        assert!(found.blob("blobs/sha256").is_err(), "it is a folder");
        assert!(found.blob("../../../x").is_err());
        fs::remove_dir_all(plugin).unwrap();
    }
    let odd = said(Some("/var/lib/docker"), None, "sha256:../../x");
    assert!(matches!(content(&odd), Err(Refusal::Odd(_))));
}

#[test]
fn a_store_that_one_may_not_read_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (target, plugin) = contents(&folder.path().join("containerd/daemon"));
    let said = Contents { target, engine: Some(folder.path().into()), socket: None };
    let driver = Driver { contents: Some(said), ..Driver::default() };
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o000)).unwrap();
    let found = content(&driver);
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).unwrap();
    // root may look everywhere.
    if let Err(refusal) = found {
        assert_eq!(refusal, Refusal::Closed("this user may not read the engine's store".into()));
    }
}
