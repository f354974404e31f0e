//! What the index means: pure functions from facts to numbers and findings. No IO, no words.

pub mod contents;
pub mod dive;
pub mod duplicates;
pub mod efficiency;
pub mod packages;

use crate::index::{Index, Stack};

/// Everything that is said of an image.
pub struct Analysis {
    /// The exact accounting.
    pub account: efficiency::Account,
    /// Files of equal contents.
    pub duplicates: Vec<duplicates::Duplicate>,
    /// dive's numbers.
    pub dive: dive::DiveNumbers,
}

impl Analysis {
    /// Analyses an image.
    #[must_use]
    pub fn new(index: &Index, stack: &Stack) -> Self {
        let account = efficiency::account(index, stack);
        let duplicates = duplicates::duplicates(index, stack, &account);
        Self { duplicates, dive: dive::numbers(index, stack), account }
    }
}
