//! From a reference to an index with its layers in order.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use globset::GlobSet;

use super::access::Noted;
use super::blob::beginning;
use super::kept;
use super::marks::Mark;
use super::origin::Origin;
use super::outline::outline;
use super::progress::{Counting, Progress};
use super::reading::Reading;
use super::recall::{self, Naming, recall};
use super::rest::Opened;
use super::stored::stored;
use super::{store, stream};
use crate::analysis::content::Gathered;
use crate::analysis::rules::Rules;
use crate::analysis::secrets::Search;
use crate::analysis::subject::Subject;
use crate::cache::{Cache, Key};
use crate::error::{Error, Result};
use crate::image::{Image, Wanted};
use crate::index::{Index, SlotId, Stack};
use crate::layer::Limits;
use crate::layer::decode::{self, Kind};
use crate::source::archive::ArchiveFile;
use crate::source::demo;
use crate::source::engine::{self, EngineFacts, EngineImage};
use crate::source::layout::Layout;
use crate::source::part::Stamp;
use crate::source::reference::Reference;
use crate::source::storage::{Lies, Refusal};

/// How an image in an engine is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Where it lies on this machine.
    Store,
    /// As the engine exports it.
    Export,
}

/// What the user chose beside the reference.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which image and platform.
    pub wanted: Wanted,
    /// Whether every digest is computed and held against what is stated.
    pub verify: bool,
    /// What a layer may hold at most.
    pub limits: Limits,
    /// Which secrets are looked for in texts.
    pub search: Search,
    /// Files that are kept beside those that every analysis needs.
    pub looked_into: GlobSet,
    /// How an image in an engine is read; by itself, what is known is not read, and what can be read in place is not
    /// asked for.
    pub method: Option<Method>,
    /// Where what was read is kept, and found again.
    pub cache: Option<Cache>,
}

/// An image, read.
#[derive(Clone)]
pub struct Loaded {
    /// What it is.
    pub image: Image,
    /// Where it was read from, in words.
    pub source: String,
    /// The name to show for it.
    pub reference: String,
    /// What is where.
    pub index: Index,
    /// Which slot is which layer.
    pub stack: Stack,
    /// Each layer's outcome, lowest first.
    pub layers: Vec<LoadedLayer>,
    /// What is known of contents.
    pub gathered: Gathered,
    /// Whether digests were verified.
    pub verified: bool,
    /// Why the archive could not be read to its end, when it could not. Its layers may be whole all the same.
    pub broken: Option<String>,
    /// Things worth knowing of how it was read.
    pub notes: Vec<String>,
    /// Whether texts are still to be searched for secrets.
    pub(super) is_unsearched: bool,
    /// From where contents can be read again.
    pub(super) origin: Option<Origin>,
}

/// Whether a layer is there yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrival {
    /// Its turn has not come.
    Waiting,
    /// A part of it is there.
    Reading,
    /// All is there, or nothing more will come.
    #[default]
    Read,
}

/// What came of a layer.
#[derive(Debug, Clone, Default)]
pub struct LoadedLayer {
    /// Whether it is there yet.
    pub arrival: Arrival,
    /// Its bytes as far as they were known before it was read: as the engine says, or of the stored blob; 0 if not.
    pub expected: u64,
    /// Why it could not be read, if it could not.
    pub failed: Option<String>,
    /// Things worth knowing that stop nobody.
    pub notes: Vec<String>,
    /// Name of the blob in the source, links followed.
    pub(super) member: String,
    /// What its file was when it was read, where it lies in one.
    pub(super) stamp: Option<Stamp>,
    /// Where it lies in an engine's store, if it was read there.
    pub(super) stored: Option<Lies>,
    /// Where reading its tar may begin, and decompressing it.
    pub(super) marks: Arc<[Mark]>,
    pub(super) noted: Noted,
}

/// Opens and reads an image. Where it can be read again, whoever watches sees all of it before it is searched for
/// secrets.
///
/// # Errors
/// The source or the image cannot be found or read. A layer that cannot be read is no error here.
pub fn open(reference: &Reference, typed: &str, options: &Options, progress: &Arc<Progress>) -> Result<Loaded> {
    let loaded = open_whole(reference, typed, options, progress).map(|mut loaded| {
        let cache = options.cache.as_ref();
        loaded.notes.extend(cache.and_then(|cache| Some((cache.folder(), cache.trouble()?))).map(|(folder, why)| {
            format!("not all could be kept in the cache at {}: {why}; --no-cache goes without it", folder.display())
        }));
        loaded
    });
    progress.close();
    loaded
}

fn open_whole(reference: &Reference, typed: &str, options: &Options, progress: &Arc<Progress>) -> Result<Loaded> {
    let mut opened = read(reference, typed, options, progress)?;
    opened.loaded.origin = Some(Origin::new(reference.clone(), options.clone()));
    let loaded = opened.finish(options, progress);
    match loaded.lost_in_store() {
        Some(why) if options.method.is_none() => {
            progress.begin_anew();
            let export = Options { method: Some(Method::Export), ..options.clone() };
            let mut loaded = open_whole(reference, typed, &export, progress)?;
            loaded.notes.push(from_export(&why));
            Ok(loaded)
        }
        _ => Ok(loaded),
    }
}

/// Why an engine was asked for its export.
fn from_export(why: &str) -> String {
    format!("read from the engine's export and not from its store: {why}")
}

fn read(reference: &Reference, typed: &str, options: &Options, progress: &Arc<Progress>) -> Result<Opened> {
    match reference {
        Reference::Demo => {
            let image = Counting::new(demo::image(), progress);
            let opened = stream::load(image, options, Reading::new(options, progress), None)?;
            Ok(opened.named("demo", "the image that layerscope carries"))
        }
        Reference::Stdin => {
            let opened = sniffed_stream(io::stdin().lock(), "standard input", options, progress, None)?;
            Ok(opened.named("-", "standard input"))
        }
        Reference::Archive { path, image } => {
            let opened = archive(path, &with_image(options, image.as_ref()), progress)?;
            Ok(opened.named(typed, &format!("archive {}", path.display())))
        }
        Reference::Layout { path, image } => {
            let layout = Layout::open(path)?;
            let opened = store::load(&store::Store::Layout(layout), &with_image(options, image.as_ref()), progress)?;
            Ok(opened.named(typed, &format!("folder {}", path.display())))
        }
        Reference::Engine { engine, name } => {
            let opened = engine::open(*engine, name, options.wanted.platform.as_ref())?;
            export(opened, name, options, progress)
        }
    }
}

/// A tag in the reference chooses the image unless `--image` does.
fn with_image(options: &Options, image: Option<&String>) -> Options {
    let mut options = options.clone();
    options.wanted.image = options.wanted.image.or_else(|| image.cloned());
    options
}

impl Loaded {
    /// Whether texts are still to be searched for secrets.
    #[must_use]
    pub fn is_unsearched(&self) -> bool {
        self.is_unsearched
    }

    /// What an analysis works on.
    #[must_use]
    pub fn subject<'a>(&'a self, rules: &'a Rules) -> Subject<'a> {
        let Self { image, reference, index, stack, gathered, .. } = self;
        Subject { image, reference, index, stack, gathered, rules }
    }

    /// Why a layer cannot be read any more in an engine's store; one that could not be before is not read there.
    pub(super) fn lost_in_store(&self) -> Option<String> {
        self.layers.iter().find_map(|layer| layer.stored.as_ref().and(layer.failed.clone()))
    }

    /// A slot cannot be read any more: its layers failed.
    pub(super) fn lose(&mut self, slot: SlotId, why: &str) {
        for layer in self.stack.layers_of(slot) {
            if let Some(layer) = usize::try_from(*layer).ok().and_then(|layer| self.layers.get_mut(layer)) {
                layer.failed = Some(why.to_owned());
            }
        }
        self.stack = self.stack.without(slot);
    }
}

impl Opened {
    fn named(mut self, reference: &str, source: &str) -> Self {
        reference.clone_into(&mut self.loaded.reference);
        source.clone_into(&mut self.loaded.source);
        self
    }

    /// Adds what only the engine says.
    fn told(mut self, facts: &EngineFacts, name: &str, method: &str) -> Self {
        let image = &mut self.loaded.image;
        if image.digest.is_none() {
            let digest = facts.repo_digests.iter().find_map(|digest| digest.split_once('@'));
            image.digest = digest.map(|(_, digest)| digest.to_owned());
        }
        if image.tags.is_empty() {
            image.tags.clone_from(&facts.tags);
        }
        self.named(name, &format!("{} ({method})", facts.source))
    }
}

/// Reads an engine's export. What inspect said is known before its first byte.
fn export(
    EngineImage { facts, export }: EngineImage,
    name: &str,
    options: &Options,
    progress: &Arc<Progress>,
) -> Result<Opened> {
    progress.expect(facts.size, facts.diff_ids.len());
    let (image, sizes) = outline(&facts);
    let begun = || {
        let mut reading = Reading::new(options, progress);
        reading.outline(&image, &sizes);
        reading
    };
    let gathered = kept::facts();
    // The name stands in what is exported, and the platform chooses it.
    let naming = Naming {
        image: Key::image(&format!("{} {} {name} {:?} {gathered}", facts.source, facts.id, options.wanted)),
        members: None,
        facts: gathered,
    };
    if options.method.is_none()
        && let Some(known) = recall(&naming, options, begun())
    {
        return known.map(|opened| opened.told(&facts, name, "cache"));
    }
    let mut notes = Vec::new();
    if options.method != Some(Method::Export) {
        match (stored(&facts, name, &sizes, options, progress), options.method) {
            (Ok(opened), _) => return Ok(opened.told(&facts, name, "store")),
            (Err(Refusal::Closed(why) | Refusal::Odd(why)), Some(_)) => {
                return Err(Error::image(format!("{} has no store that can be read in place", facts.source))
                    .because(why)
                    .hint("leave --source-method out: then the engine is asked for its export"));
            }
            (Err(Refusal::Odd(why)), None) => {
                notes.push(from_export(&why));
            }
            (Err(Refusal::Closed(_)), None) => {}
        }
        progress.begin_anew();
        progress.expect(facts.size, facts.diff_ids.len());
    }
    // What is known is shown before the engine begins to send, which may take it long.
    let reading = begun();
    let mut stream = Watched { inner: Counting::new(export.start()?, progress), failed: None };
    let opened = stream::load(&mut stream, options, reading, Some(&naming));
    // A transfer that broke says more than what its missing end leads to.
    let opened = opened.map_err(|error| stream.failed.map_or(error, |cause| facts.export_failed(&cause)))?;
    let mut opened = opened.told(&facts, name, facts.method);
    opened.loaded.notes = notes;
    Ok(opened)
}

/// Remembers how a stream failed: those who read it through decoders and archives see only what came of it.
struct Watched<R> {
    inner: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some(io::Error::new(error.kind(), error.to_string()));
            }
        })
    }
}

fn archive(path: &Path, options: &Options, progress: &Arc<Progress>) -> Result<Opened> {
    let shown = path.display().to_string();
    let unreadable = |error: &io::Error| {
        let failed = Error::image(format!("cannot read {shown}")).caused_by(error);
        match error.kind() {
            io::ErrorKind::NotFound => {
                failed.hint("check the path; for an image in an engine give its name: docker://NAME")
            }
            io::ErrorKind::PermissionDenied => {
                failed.hint("you may not read that file; change its permissions or run as its owner")
            }
            _ => failed,
        }
    };
    let mut file = File::open(path).map_err(|error| unreadable(&error))?;
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        return Err(
            Error::image(format!("{shown} is a folder")).hint(format!("for an OCI layout: layerscope oci://{shown}"))
        );
    }
    if !metadata.is_file() {
        // A pipe or a device cannot be read in place.
        return sniffed_stream(file, &shown, options, progress, None);
    }
    let kind = decode::peek(&file).map_err(|error| unreadable(&error))?.kind;
    file.seek(SeekFrom::Start(0)).map_err(|error| unreadable(&error))?;
    if kind == Kind::Tar {
        let archive = ArchiveFile::open(file, path)?;
        return store::load(&store::Store::Archive(archive), options, progress);
    }
    progress.expect(metadata.len(), 0);
    let naming = recall::of_file(&file, options);
    if let Some(known) = naming.as_ref().and_then(|naming| recall(naming, options, Reading::new(options, progress))) {
        return known;
    }
    sniffed_stream(file, &shown, options, progress, naming.as_ref())
}

/// A stream of unknown kind: an archive, compressed or not.
fn sniffed_stream(
    stream: impl Read,
    shown: &str,
    options: &Options,
    progress: &Arc<Progress>,
    naming: Option<&Naming>,
) -> Result<Opened> {
    let unreadable =
        |error: &dyn std::error::Error| Error::image(format!("cannot read {shown}")).because(error.to_string());
    let sniffed = decode::peek(Counting::new(stream, progress)).map_err(|error| unreadable(&error))?;
    match sniffed.kind {
        Kind::Tar => stream::load(sniffed.whole(), options, Reading::new(options, progress), naming),
        Kind::Gzip | Kind::Zstd => {
            let decoded = sniffed.decode(&options.limits).map_err(|error| unreadable(&error))?;
            let inner = decode::peek(decoded)
                .map_err(|error| unreadable(&error).hint("the file is damaged or was cut off; make it again"))?;
            if inner.kind != Kind::Tar {
                return Err(
                    not_an_archive(shown, inner.kind, &inner.head).because("that is what is in it after decompression")
                );
            }
            stream::load(inner.whole(), options, Reading::new(options, progress), naming)
        }
        Kind::Unsupported(name) => {
            Err(Error::image(format!("{shown} is compressed with {name}, which layerscope does not read"))
                .hint(format!("decompress it first, for example: {name} -dc FILE | layerscope -")))
        }
        kind => Err(not_an_archive(shown, kind, &sniffed.head)),
    }
}

fn not_an_archive(shown: &str, kind: Kind, head: &[u8]) -> Error {
    let error = match kind {
        Kind::Empty => Error::image(format!("{shown} is empty")),
        Kind::Json => Error::image(format!("{shown} is a JSON document, not an image")),
        _ => Error::image(format!("{shown} is not an image archive"))
            .because(format!("it begins with {}", beginning(head))),
    };
    error.hint("expected: the output of docker save, podman save or skopeo copy, compressed or not")
}
