//! What helps an attacker: programs by what they can do, privileges, accounts. Names are only the first gate; what a
//! file is decides. A number of names is never a risk.

mod accounts;
mod matrix;
mod packages;
mod privilege;
mod programs;
mod usage;

pub use matrix::{Cell, Grade, Matrix, Row};
pub use usage::Usage;

use super::case::Case;
use super::finding::Finding;
use super::subject::Claims;

/// All risks and the matrix of what an attacker finds.
#[must_use]
pub fn findings(case: &Case<'_>, usage: &Usage, claims: &mut Claims) -> (Vec<Finding>, Matrix) {
    let programs = programs::programs(case, usage);
    let mut found = programs::findings(case, &programs, claims);
    let privileges = privilege::findings(case, usage);
    let matrix = matrix::matrix(case, &programs, &privileges);
    found.extend(privileges);
    found.extend(accounts::findings(case));
    found.extend(packages::findings(case));
    (found, matrix)
}

/// Whether a container runs as root.
#[must_use]
pub fn runs_as_root(case: &Case<'_>) -> bool {
    let user = case.runtime.user().split(':').next().unwrap_or_default();
    match user.parse::<u32>() {
        Ok(number) => number == 0,
        Err(_) if user.is_empty() || user == "root" => true,
        Err(_) => accounts::users(case).iter().any(|known| known.name == user && known.uid == 0),
    }
}

/// Whether the user that the config names is in the image; numbers need not be.
#[must_use]
pub fn user_exists(case: &Case<'_>) -> bool {
    let user = case.runtime.user().split(':').next().unwrap_or_default();
    user.is_empty()
        || user.parse::<u32>().is_ok()
        || (user == "root" && case.merged.text("etc/passwd").is_none())
        || accounts::users(case).iter().any(|known| known.name == user)
}
