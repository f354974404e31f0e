//! What the index means: pure functions from facts to numbers and findings. No IO, no words.

mod both;
pub mod case;
mod configuration;
pub mod content;
pub mod contents;
pub mod dive;
pub mod dockerfile;
pub mod duplicates;
mod effects;
pub mod efficiency;
pub mod finding;
mod fixes;
mod globs;
mod ignore;
mod installation;
pub mod instructions;
pub mod managers;
mod meant;
pub mod origin;
pub mod packages;
pub mod risk;
pub mod rules;
pub mod runtime;
pub mod secrets;
pub mod subject;
mod users_rules;
mod waste;

use both::both;
use case::Case;
use finding::Finding;
use instructions::Instructions;
use origin::Boundary;
use packages::Packages;
use risk::{Matrix, Usage};
use subject::{Claims, Subject};

/// Everything that is said of an image.
pub struct Analysis {
    /// The exact accounting.
    pub account: efficiency::Account,
    /// Files of equal contents.
    pub duplicates: Vec<duplicates::Duplicate>,
    /// dive's numbers.
    pub dive: dive::DiveNumbers,
    /// What is wasted, risky, secret or badly set; what matters most first.
    pub findings: Vec<Finding>,
    /// What an attacker finds.
    pub matrix: Matrix,
    /// Where the base ends.
    pub boundary: Boundary,
    /// How it was built.
    pub instructions: Instructions,
    /// Its packages.
    pub packages: Packages,
}

impl Analysis {
    /// Analyses an image.
    #[must_use]
    pub fn new(subject: Subject<'_>) -> Self {
        let (index, stack) = (subject.index, subject.stack);
        let account = efficiency::account(index, stack);
        let (case, (duplicates, dive)) = both(
            || Case::new(subject, &account),
            || (duplicates::duplicates(index, stack, &account), dive::numbers(index, stack)),
        );
        let (findings, matrix) = findings(&case, &duplicates);
        let Case { boundary, instructions, packages, .. } = case;
        Self { account, duplicates, dive, findings, matrix, boundary, instructions, packages }
    }
}

/// All findings, in the order in which they are told, and the matrix.
fn findings(case: &Case<'_>, duplicates: &[duplicates::Duplicate]) -> (Vec<Finding>, Matrix) {
    let usage = Usage::new(case);
    // Bytes are claimed in the order in which findings are made, so what claims them is one piece of work.
    let claiming = || {
        let mut claims = Claims::default();
        let secrets = secrets::findings::in_files(case, &mut claims);
        let mut programs = risk::Programs::new(case, &usage);
        let waste = programs.claim(case, &usage, &mut claims, |claims| waste::findings(case, claims, duplicates));
        ([secrets, waste].concat(), programs)
    };
    let others = || {
        let secrets = secrets::findings::told(case);
        let configuration = configuration::findings(case, &usage, &today());
        let findings = [secrets, configuration, users_rules::findings(case)].concat();
        (risk::Privileges::new(case, &usage), findings, effects::Effects::new(case, usage.packages(case)))
    };
    let ((mut found, programs), (privileges, others, effects)) = both(claiming, others);
    let (risks, matrix) = risk::findings(case, programs, privileges);
    found.extend(risks);
    found.extend(others);
    finding::sort(&mut found);
    finding::fold(&mut found);
    for finding in &mut found {
        fixes::fix(case, &effects, finding);
        // It repeats the instruction.
        if let Some(proposed) = &mut finding.fix.proposed {
            *proposed = secrets::shown(proposed).into_owned();
        }
    }
    finding::sort(&mut found);
    (found, matrix)
}

/// Today's date in UTC, as it is written: `2026-11-25`.
fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs() / 86_400)
}

/// The date of a day since 1970 (Howard Hinnant, chrono-compatible low-level date algorithms, civil_from_days).
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_of_the_calendar() {
        for (days, date) in [(0, "1970-01-01"), (11_016, "2000-02-29"), (20_454, "2026-01-01"), (20_782, "2026-11-25")]
        {
            assert_eq!(super::date(days), date);
        }
    }
}
