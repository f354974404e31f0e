//! What the index means: pure functions from facts to numbers and findings. No IO, no words.

pub mod dive;
pub mod duplicates;
pub mod efficiency;
