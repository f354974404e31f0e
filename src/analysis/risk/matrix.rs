//! What an attacker finds in a container, at a glance: one column for each thing to do, one row for what you brought,
//! one for what the base brought, and one for what later layers deleted.

use super::programs::Program;
use crate::analysis::case::Case;
use crate::analysis::finding::{Finding, Origin, State};

/// The columns, with what the best of each adds to the score.
pub const COLUMNS: [(&str, u32); 11] = [
    ("shell", 10),
    ("fetch", 8),
    ("exfiltrate", 8),
    ("install", 12),
    ("compile", 8),
    ("script", 4),
    ("debug", 6),
    ("escalate", 12),
    ("remote", 20),
    ("network", 4),
    ("edit", 2),
];

/// What proves that something can be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// The column.
    pub column: &'static str,
    /// Programs that can, the clearest first.
    pub programs: Vec<String>,
    /// Whether the container makes use of all of them itself.
    pub is_in_use: bool,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// One cell for each column.
    pub cells: Vec<Cell>,
}

/// How much there is, in a letter; beside the matrix, never instead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Next to nothing.
    A,
    /// Little.
    B,
    /// Some.
    C,
    /// Much.
    D,
    /// Nearly everything.
    E,
    /// Everything.
    F,
}

impl Grade {
    /// Its letter.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
            Self::E => 'E',
            Self::F => 'F',
        }
    }

    /// Of a score in tenths.
    fn of(score: u32) -> Self {
        match score / 10 {
            0..=5 => Self::A,
            6..=15 => Self::B,
            16..=30 => Self::C,
            31..=45 => Self::D,
            46..=60 => Self::E,
            _ => Self::F,
        }
    }
}

/// The whole table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// What you brought, or nobody knows who did.
    pub yours: Row,
    /// What the base brought.
    pub base: Row,
    /// What later layers deleted; it is still shipped.
    pub deleted: Row,
    /// The sum of the best of each column, in tenths: all of it for yours, half for the base, a quarter where the
    /// container uses it itself.
    pub score: u32,
    /// The same as a letter.
    pub grade: Grade,
    /// What `/bin/sh` is in the end.
    pub shell: Option<String>,
}

/// Makes the table.
pub fn matrix(case: &Case<'_>, programs: &[Program], privileges: &[Finding]) -> Matrix {
    let row = |belongs: &dyn Fn(Origin, State) -> bool| Row {
        cells: COLUMNS
            .iter()
            .map(|(column, _)| {
                let mut cell = cell(case, column, programs, belongs);
                if *column == "escalate" {
                    let setid = privileges.iter().filter(|finding| {
                        finding.rule.id.starts_with("RSK-SETID") && belongs(finding.origin, finding.state)
                    });
                    let count: usize = setid.map(|finding| finding.entries.len()).sum();
                    if count > 0 {
                        cell.programs.push(format!("{count} set-id"));
                        cell.is_in_use = false;
                    }
                }
                cell
            })
            .collect(),
    };
    let yours = row(&|origin, state| state == State::Live && origin != Origin::Base);
    let base = row(&|origin, state| state == State::Live && origin == Origin::Base);
    let deleted = row(&|_, state| state == State::Deleted);
    let worth = |row: &Row, column: usize, share: u32| {
        let cell = &row.cells[column];
        match (cell.programs.is_empty(), cell.is_in_use) {
            (true, _) => 0,
            (false, true) => COLUMNS[column].1 * 10 * 25 / 100,
            (false, false) => COLUMNS[column].1 * 10 * share / 100,
        }
    };
    let score = (0..COLUMNS.len()).map(|column| worth(&yours, column, 100).max(worth(&base, column, 50))).sum();
    let shell = super::programs::shell(case).map(|path| format!("/{}", String::from_utf8_lossy(&path)));
    Matrix { yours, base, deleted, score, grade: Grade::of(score), shell }
}

fn cell(case: &Case<'_>, column: &'static str, programs: &[Program], belongs: &dyn Fn(Origin, State) -> bool) -> Cell {
    let mut names: Vec<(bool, usize, String)> = Vec::new();
    for program in programs.iter().filter(|program| program.rule.column == column) {
        if belongs(case.boundary.of(program.live.layer), program.state) {
            let shown = if program.is_applet { format!("{} (busybox)", program.name) } else { program.name.clone() };
            if !names.iter().any(|(_, _, known)| *known == shown) {
                let place = program.rule.names.iter().position(|name| *name == program.name);
                names.push((!program.in_use.is_empty(), place.unwrap_or(usize::MAX), shown));
            }
        }
    }
    // What the container does not need itself is the better proof; then what a rule names first, for that says most.
    names.sort();
    let is_in_use = !names.is_empty() && names.iter().all(|(is_used, ..)| *is_used);
    Cell { column, programs: names.into_iter().map(|(.., name)| name).collect(), is_in_use }
}
