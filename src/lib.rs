//! layerscope: what is in a container image, layer by layer, exactly.
#![forbid(unsafe_code)]

pub mod error;
pub mod image;
pub mod index;
pub mod layer;
pub mod source;
pub mod units;
