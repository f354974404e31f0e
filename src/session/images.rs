//! The images that the engines of this machine have, ready to be chosen from.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Result;
use crate::source::engine::{self, LocalImage};
use crate::source::reference::{EngineKind, Reference};

/// An image in an engine.
#[derive(Debug, Clone)]
pub struct EngineImage {
    /// Its name, or its id if it has none.
    pub name: String,
    /// How to open it.
    pub reference: Reference,
    /// The engine, in words.
    pub engine: String,
    /// Its size in bytes, as the engine says.
    pub size: u64,
    /// How long ago it was made.
    pub age: Duration,
}

/// All of them, newest first; an image with several names comes once for each.
///
/// # Errors
/// No engine answers.
pub fn engine_images() -> Result<Vec<EngineImage>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut images: Vec<EngineImage> =
        engine::list(EngineKind::Any)?.into_iter().flat_map(|image| named(&image, now)).collect();
    images.sort_by(|one, other| one.age.cmp(&other.age).then(one.name.cmp(&other.name)));
    Ok(images)
}

fn named(image: &LocalImage, now: Duration) -> Vec<EngineImage> {
    // The engine's own words begin with its name.
    let kind = if image.engine.starts_with("podman") { EngineKind::Podman } else { EngineKind::Docker };
    let created = Duration::from_secs(u64::try_from(image.created).unwrap_or(0));
    let one = |name: &String| EngineImage {
        name: name.clone(),
        reference: Reference::Engine { engine: kind, name: name.clone() },
        // Its name and version; where it listens is said when it is opened.
        engine: image.engine.split(" at ").next().unwrap_or_default().to_owned(),
        size: image.size,
        age: now.saturating_sub(created),
    };
    if image.tags.is_empty() { vec![one(&image.id)] } else { image.tags.iter().map(one).collect() }
}
