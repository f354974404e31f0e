//! Archives as each tool writes them, around layers that are given as tars.

use std::path::Path;

use serde_json::{Value, json};

use super::image::{Layer, archive, config, config_for, digest, hex};
use super::program::{Ran, run, run_with_stdin};

/// Three layers with each kind of change. [`expect`](Sample::expect) knows their numbers.
pub struct Sample(pub Vec<Vec<u8>>);

impl Sample {
    pub fn new() -> Self {
        let base = Layer::new()
            .dir("app/")
            .dir("etc/")
            .filled("app/data", 1000, b'd')
            .filled("app/old", 500, b'o')
            .filled("etc/release", 100, b'r')
            .finish();
        let change = Layer::new().dir("app/").filled("app/data", 300, b'D').whiteout("app/old").finish();
        let more = Layer::new().dir("app/").filled("app/new", 200, b'n').finish();
        Self(vec![base, change, more])
    }

    /// The report has these layers, in this order, and every number of them.
    pub fn expect(&self, report: &Value) {
        let totals = &report["totals"];
        let bytes = ["shippedBytes", "visibleBytes", "hiddenBytes", "deletedBytes", "replacedBytes", "rewrittenBytes"]
            .map(|name| totals[name].as_u64().unwrap());
        assert_eq!(bytes, [2100, 600, 1500, 500, 1000, 0]);
        assert_eq!((totals["layers"].as_u64(), totals["entries"].as_u64()), (Some(3), Some(10)));
        let layers: Vec<_> = report["layers"].as_array().unwrap().iter().map(layer_numbers).collect();
        assert_eq!(layers, [[1600, 1500, 5, 0, 0, 0], [300, 0, 0, 1, 0, 1], [200, 0, 1, 0, 0, 0]]);
        expect_order(report, &self.0);
        assert!(report["coverage"].as_array().unwrap().is_empty(), "{}", report["coverage"]);
    }
}

/// Shipped and hidden bytes; added, changed, rewritten and removed paths.
pub fn layer_numbers(layer: &Value) -> [u64; 6] {
    let changes = &layer["changes"];
    let numbers = [&layer["shippedBytes"], &layer["hiddenBytes"]];
    let changes = ["added", "changed", "rewritten", "removed"].map(|name| &changes[name]);
    let mut all = numbers.into_iter().chain(changes).map(|number| number.as_u64().unwrap());
    std::array::from_fn(|_| all.next().unwrap())
}

/// The layers stand in the order of the manifest, each with its own diff id and its own command.
pub fn expect_order(report: &Value, layers: &[Vec<u8>]) {
    let found: Vec<_> = report["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| {
            assert_eq!(layer["state"], "read", "{}", layer["reason"]);
            (layer["diffId"].as_str().unwrap().to_owned(), layer["command"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected: Vec<_> =
        layers.iter().enumerate().map(|(number, layer)| (digest(layer), format!("RUN step {number}"))).collect();
    assert_eq!(found, expected);
}

/// The report of an archive: read in place, from standard input, and compressed in two ways. All are the same.
pub fn agree(bytes: &[u8]) -> Value {
    agree_with(bytes, &[])
}

/// As [`agree`], with more arguments.
pub fn agree_with(bytes: &[u8], arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut reports = Vec::new();
    for (name, contents) in [
        ("image.tar", bytes.to_vec()),
        ("image.tar.gz", super::image::gzip(bytes)),
        ("image.tar.zst", super::image::zstd(bytes)),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, contents).unwrap();
        reports.push((name, json_of(&read_file(&file, arguments))));
    }
    reports.push(("standard input", json_of(&read_stdin(bytes, arguments))));
    let (_, in_place) = reports.remove(0);
    for (way, report) in reports {
        assert_eq!(report, in_place, "{way}");
    }
    in_place
}

pub fn read_file(path: &Path, arguments: &[&str]) -> Ran {
    let path = path.to_str().unwrap();
    run(&[&[path, "--json", "-", "--files"], arguments].concat())
}

pub fn read_stdin(bytes: &[u8], arguments: &[&str]) -> Ran {
    run_with_stdin(&[&["-", "--json", "-", "--files"], arguments].concat(), bytes)
}

/// The report without what says where it was read from.
pub fn json_of(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut report: Value = serde_json::from_str(&ran.stdout).unwrap();
    report["image"]["source"].take();
    report["image"]["reference"].take();
    report
}

/// A classic `docker save`: a folder for each layer. `repeats` are folders whose layer is a link to another's; they
/// stand before everything else, because Docker sorts by id and an id says nothing of the order.
pub fn classic(layers: &[Vec<u8>]) -> Vec<u8> {
    let config = config(layers);
    let id = |number: usize| hex(format!("v1 id {number}").as_bytes());
    let first = |number: usize| layers.iter().position(|layer| *layer == layers[number]).unwrap();
    let names: Vec<_> = (0..layers.len()).map(|number| format!("{}/layer.tar", id(number))).collect();
    let mut tar = Layer::new();
    for number in (0..layers.len()).rev() {
        let folder = id(number);
        tar =
            tar.dir(format!("{folder}/")).file(format!("{folder}/VERSION"), "1.0").file(format!("{folder}/json"), "{}");
        tar = if first(number) == number {
            tar.file(&names[number], &layers[number])
        } else {
            tar.symlink(&names[number], &format!("../{}", names[first(number)]))
        };
    }
    let manifest =
        json!([{ "Config": format!("{}.json", hex(&config)), "RepoTags": ["test/image:latest"], "Layers": names }]);
    tar.file(format!("{}.json", hex(&config)), &config)
        .file("manifest.json", manifest.to_string())
        .file("repositories", r#"{"test/image":{"latest":"ab"}}"#)
        .finish()
}

/// Podman's and skopeo's docker-archive: layers by diff id, and links from the old names to them.
pub fn podman(layers: &[Vec<u8>]) -> Vec<u8> {
    let config = config(layers);
    let names: Vec<_> = layers.iter().map(|layer| format!("{}.tar", hex(layer))).collect();
    let mut tar = Layer::new();
    for (name, layer) in names.iter().zip(layers) {
        tar = tar.file(name, layer);
    }
    for (number, name) in names.iter().enumerate() {
        let folder = hex(format!("v1 id {number}").as_bytes());
        tar =
            tar.symlink(&format!("{folder}/layer.tar"), &format!("../{name}")).file(format!("{folder}/VERSION"), "1.0");
    }
    let manifest = json!([{ "Config": format!("{}.json", hex(&config)), "RepoTags": ["localhost/test/image:latest"], "Layers": names }]);
    tar.file(format!("{}.json", hex(&config)), &config).file("manifest.json", manifest.to_string()).finish()
}

/// Members of a docker-archive with the names, packing and keys that a tool uses, the manifest last.
pub fn docker_members(
    layers: &[Vec<u8>],
    pack: impl Fn(&[u8]) -> Vec<u8>,
    name: impl Fn(&str) -> String,
    config_name: impl Fn(&str) -> String,
    keys: [&str; 3],
) -> Vec<(String, Vec<u8>)> {
    let config = config(layers);
    let mut members: Vec<(String, Vec<u8>)> = vec![(config_name(&hex(&config)), config)];
    let mut names = Vec::new();
    for layer in layers {
        let blob = pack(layer);
        let own = name(&hex(&blob));
        if !members.iter().any(|(known, _)| *known == own) {
            members.push((own.clone(), blob));
        }
        names.push(own);
    }
    let manifest = json!([{ keys[0]: members[0].0, keys[1]: ["test/image:latest"], keys[2]: names }]);
    members.push(("manifest.json".into(), manifest.to_string().into_bytes()));
    members
}

pub const DOCKER_KEYS: [&str; 3] = ["Config", "RepoTags", "Layers"];

/// An OCI layout: blobs by digest, in the order in which they were put in.
#[derive(Default, Clone)]
pub struct Oci {
    pub blobs: Vec<(String, Vec<u8>)>,
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

impl Oci {
    /// Puts a blob in; returns its descriptor.
    pub fn put(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = digest(bytes);
        if !self.blobs.iter().any(|(known, _)| *known == digest) {
            self.blobs.push((digest.clone(), bytes.to_vec()));
        }
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    }

    /// Takes a blob out again.
    pub fn lose(&mut self, descriptor: &Value) {
        self.blobs.retain(|(digest, _)| descriptor["digest"] != digest.as_str());
    }

    /// An image with its layers as `pack` stores them; returns the descriptor of its manifest, platform included.
    pub fn image(&mut self, platform: &str, layers: &[Vec<u8>], pack: impl Fn(&[u8]) -> Vec<u8>) -> Value {
        let packed: Vec<_> = layers.iter().map(|layer| pack(layer)).collect();
        self.image_of(platform, &config_for(platform, layers), &packed)
    }

    /// An image of a config and of blobs that are stored already packed.
    pub fn image_of(&mut self, platform: &str, config: &[u8], blobs: &[Vec<u8>]) -> Value {
        let layers: Vec<_> =
            blobs.iter().map(|blob| self.put("application/vnd.oci.image.layer.v1.tar+gzip", blob)).collect();
        let config = self.put(CONFIG, config);
        let mut descriptor = self.document(
            MANIFEST,
            &json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers }),
        );
        let mut parts = platform.split('/');
        descriptor["platform"] = json!({ "os": parts.next(), "architecture": parts.next() });
        if let Some(variant) = parts.next() {
            descriptor["platform"]["variant"] = json!(variant);
        }
        descriptor
    }

    /// BuildKit's attestation for an image: a manifest with JSON for layers and no platform.
    pub fn attestation(&mut self, of: &Value) -> Value {
        let statement = self.put("application/vnd.in-toto+json", br#"{"_type":"https://in-toto.io/Statement/v0.1"}"#);
        let config = self.put(CONFIG, br#"{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:00"]}}"#);
        let mut descriptor =
            self.document(MANIFEST, &json!({ "schemaVersion": 2, "config": config, "layers": [statement] }));
        descriptor["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        descriptor["annotations"] =
            json!({ "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of["digest"] });
        descriptor
    }

    /// An index as a blob.
    pub fn index(&mut self, manifests: &[Value]) -> Value {
        self.document(INDEX, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }))
    }

    pub fn document(&mut self, media_type: &str, document: &Value) -> Value {
        self.put(media_type, document.to_string().as_bytes())
    }

    /// The members of the layout with these manifests in its `index.json`, which stands last.
    pub fn members(&self, manifests: &[Value]) -> Vec<(String, Vec<u8>)> {
        let blob = |(digest, bytes): &(String, Vec<u8>)| (format!("blobs/{}", digest.replace(':', "/")), bytes.clone());
        let mut members: Vec<_> = self.blobs.iter().map(blob).collect();
        members.push(("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
        members.push((
            "index.json".into(),
            json!({ "schemaVersion": 2, "manifests": manifests }).to_string().into_bytes(),
        ));
        members
    }

    pub fn archive(&self, manifests: &[Value]) -> Vec<u8> {
        archive(&self.members(manifests))
    }

    /// Writes the layout as a folder.
    pub fn folder(&self, folder: &Path, manifests: &[Value]) {
        write_members(folder, &self.members(manifests));
    }
}

/// Writes an archive's members as files.
pub fn write_members(folder: &Path, members: &[(String, Vec<u8>)]) {
    for (name, bytes) in members {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

/// A descriptor with a tag.
pub fn tagged(mut descriptor: Value, tag: &str) -> Value {
    descriptor["annotations"]["org.opencontainers.image.ref.name"] = json!(tag);
    descriptor
}

/// A descriptor with the whole name that containerd notes, and the tag.
pub fn named(descriptor: Value, name: &str) -> Value {
    let mut descriptor = tagged(descriptor, name.rsplit_once(':').unwrap().1);
    descriptor["annotations"]["io.containerd.image.name"] = json!(name);
    descriptor
}

/// Data as it is.
pub fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}
