//! A layer's tar from any byte on, in the file where the layer lies. Knows no entry.

use std::io::{self, Read, Seek};
use std::sync::Arc;

use crate::cache::{Cache, Key};
use crate::layer::decode::{self, Kind};
use crate::layer::points::Points;
use crate::layer::{LayerError, Limits, Summary};

/// Where the points are at which decompressing a layer may begin.
#[derive(Debug, Clone, Default)]
pub(super) enum Noted {
    /// It was not decompressed, or nobody noted any.
    #[default]
    Nowhere,
    /// In memory.
    Here(Arc<Points>),
    /// In the cache, from which they may be gone.
    Kept(Cache, Key),
}

impl Noted {
    /// In memory, if there are any.
    pub fn here(points: Points) -> Self {
        if points.is_empty() { Self::Nowhere } else { Self::Here(Arc::new(points)) }
    }

    /// Puts what is in memory into the cache. What cannot be kept there stays.
    pub fn keep(self, cache: &Cache, layer: &Key) -> Self {
        let Self::Here(points) = &self else { return self };
        let key = Key::points(layer);
        let kept = || {
            let mut draft = cache.begin()?;
            draft.bytes(&postcard::to_allocvec(&**points).ok()?).ok()?;
            draft.keep(&key, &Summary::default(), &[]).ok()
        };
        if kept().is_none() { self } else { Self::Kept(cache.clone(), key) }
    }

    /// The points, if they are still there.
    pub fn points(&self) -> Option<Arc<Points>> {
        match self {
            Self::Nowhere => None,
            Self::Here(points) => Some(Arc::clone(points)),
            Self::Kept(cache, key) => postcard::from_bytes(&cache.find(key)?.bytes()?).ok().map(Arc::new),
        }
    }
}

/// Decompresses a layer from a byte of its tar on: from the beginning, where no point is nearer.
pub(super) fn decompress<'r, R: Read + Seek + 'r>(
    mut place: R,
    kind: Kind,
    points: Option<&Points>,
    at: u64,
    limits: &Limits,
) -> Result<Box<dyn Read + 'r>, LayerError> {
    let point = points.and_then(|points| points.before(at));
    let (mut tar, begins) = if let Some(point) = point {
        (decode::resume(place, kind, point, limits)?, point.out)
    } else {
        place.rewind()?;
        (decode::peek(place)?.decode(limits)?, 0)
    };
    let left = at - begins;
    let passed = io::copy(&mut tar.by_ref().take(left), &mut io::sink())?;
    if passed < left { Err(LayerError::Truncated { at: begins + passed, missing: left - passed }) } else { Ok(tar) }
}
