//! Packages of images that are built here, layer by layer, and of databases that real tools write.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // These are tests, helpers included.

#[path = "../common/mod.rs"]
mod common;
mod gather;
mod languages;
mod mangled;
mod real;
mod removal;
mod systems;
#[allow(dead_code)] // Those of the engines use all of it.
#[path = "../engines/tools.rs"]
mod tools;

use common::image::Layer;
use gather::Image;

/// An image of layers.
fn image(layers: impl IntoIterator<Item = Layer>) -> Image {
    let tars: Vec<Vec<u8>> = layers.into_iter().map(Layer::finish).collect();
    Image::read(tars.iter().map(Vec::as_slice))
}

/// A paragraph of dpkg's status.
fn deb(name: &str, version: &str, more: &str) -> String {
    format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n{more}\n")
}
