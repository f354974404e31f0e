//! Words and numbers for pipes: the text report, our JSON, dive's JSON. Takes facts and writes; decides nothing.

pub mod dive_json;
mod findings;
pub mod ink;
pub mod json;
mod packages;
pub mod text;

use crate::analysis::Analysis;
use crate::analysis::dockerfile::Dockerfile;
use crate::image::Image;
use crate::index::{Index, Stack};
use crate::policy::Verdict;

/// Everything that a report tells.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The image as it was asked for.
    pub reference: &'a str,
    /// Where it was read from, in words.
    pub source: &'a str,
    /// What it is.
    pub image: &'a Image,
    /// What is where.
    pub index: &'a Index,
    /// Which slot is which layer.
    pub stack: &'a Stack,
    /// Why each layer could not be read, for those that could not.
    pub failed: &'a [Option<String>],
    /// Things worth knowing, in words.
    pub notes: &'a [String],
    /// What was not analysed.
    pub coverage: &'a [Gap],
    /// What the analyses say.
    pub analysis: &'a Analysis,
    /// What the image was built from, if that is at hand.
    pub dockerfile: Option<&'a Dockerfile>,
    /// The gate's verdict, when it was asked for.
    pub gate: Option<&'a Verdict>,
}

/// Something that was not analysed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Gap {
    /// What.
    pub what: String,
    /// Why not.
    pub reason: String,
}
