//! What helps an attacker: programs by what they can do, privileges, accounts. Names are only the first gate; what a
//! file is decides. A number of names is never a risk.

mod accounts;
mod matrix;
mod packages;
mod privilege;
mod programs;
mod usage;

pub use matrix::{Cell, Grade, Matrix, Row};
pub use programs::names as known_as;
pub use usage::Usage;

use super::case::Case;
use super::finding::Finding;
use super::installation::Brought;
use super::subject::Claims;

/// Programs that help an attacker.
pub struct Programs {
    all: Vec<programs::Program>,
    findings: Vec<Finding>,
}

impl Programs {
    /// Finds them.
    #[must_use]
    pub fn new(case: &Case<'_>, usage: &Usage) -> Self {
        let all = programs::programs(case, usage);
        Self { findings: programs::findings(case, &all), all }
    }

    /// Takes the bytes of those that nothing uses, for these can go. First of those whose packages an instruction can
    /// leave out: without these it brings nothing of them, whatever of it is waste by itself. Then `between` takes what
    /// else is waste, and what is left of the others is theirs.
    pub fn claim<T>(
        &mut self,
        case: &Case<'_>,
        usage: &Usage,
        claims: &mut Claims,
        between: impl FnOnce(&mut Claims) -> T,
    ) -> T {
        let mut removing = packages::Removing::new(usage.packages(case));
        let mut others = Vec::new();
        for finding in self.findings.iter_mut().filter(|finding| finding.in_use.is_empty()) {
            let brought = Brought::new(case, finding, &removing.used);
            if brought.is_all && brought.left_out(case, finding).is_some() {
                removing.add(case, claims, finding, &brought);
            } else {
                others.push((finding, brought));
            }
        }
        let between = between(claims);
        for (finding, brought) in others {
            removing.add(case, claims, finding, &brought);
        }
        between
    }
}

/// Rights that help an attacker: of files, accounts and databases.
pub struct Privileges {
    of_files: Vec<Finding>,
    others: Vec<Finding>,
}

impl Privileges {
    /// Finds them.
    #[must_use]
    pub fn new(case: &Case<'_>, usage: &Usage) -> Self {
        let others = [accounts::findings(case), packages::databases(case)].concat();
        Self { of_files: privilege::findings(case, usage), others }
    }
}

/// All risks and the matrix of what an attacker finds.
#[must_use]
pub fn findings(case: &Case<'_>, programs: Programs, privileges: Privileges) -> (Vec<Finding>, Matrix) {
    let matrix = matrix::matrix(case, &programs.all, &privileges.of_files);
    let unowned = packages::unowned(case, &programs.all);
    let found = [programs.findings, privileges.of_files, privileges.others, unowned].concat();
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
