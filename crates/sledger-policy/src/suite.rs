//! Tests beside a policy: `NAME.test.toml`, read and run.
//!
//! `[base]` is what all cases begin with, each `[[case]]` changes some of it and says what is expected, and
//! `[property]` tries generated scenarios from a fixed seed. Texts in `expect` match as parts, ids exactly and
//! in order. A case goes through the core's own decider, so what the host checks is checked here too.
//!
//! Cases are watched: a line counts as run when every statement that begins on it ran in some case. Property
//! runs do not count.
//!
//! Absent on purpose: files and clocks. An install gate runs this on text.

mod case;
mod file;
mod overheard;
mod pasted;
mod property;
mod random;
mod witness;
mod world;

use crate::Engine;
use crate::trace::Plan;
pub use file::{Property, Suite};
pub use overheard::Overheard;
use sledger_core::policy::{Policies as _, PolicyFault};
use std::collections::{BTreeMap, BTreeSet};
use witness::Witness;
pub use world::{Old, World, WorldError};

/// Bytes of a file of tests.
pub const TESTS_BYTES_MAX: usize = 1 << 20;
/// Cases of one file.
pub const CASES_MAX: usize = 1000;
/// Runs of a property.
pub const RUNS_MAX: u32 = 1_000_000;
/// Of them, those that an install gate waits for.
pub const GATE_RUNS_MAX: u32 = 1000;

/// Why tests cannot be run at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuiteError {
    /// The file of tests is wrong.
    #[error("line {line}: {reason}")]
    File {
        /// Where.
        line: u32,
        /// What is wrong.
        reason: String,
    },
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyFault),
}

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Seed of the property, instead of the file's.
    pub seed: Option<u64>,
    /// Only cases whose name contains this, and no property.
    pub only: Option<String>,
    /// No more scenarios than this, whatever the file says.
    pub runs_max: Option<u32>,
}

/// What came of a policy's tests.
#[derive(Clone, Debug)]
pub struct Report {
    /// Each case that was run, in the order of the file.
    pub cases: Vec<CaseReport>,
    /// The property, where there is one and it was run.
    pub property: Option<PropertyReport>,
    /// What of the policy the cases ran.
    pub coverage: Coverage,
}

/// What came of one case.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// Its line in the file of tests.
    pub line: u32,
    /// What differs from what was expected; nothing where it passed.
    pub differences: Vec<Difference>,
    /// What happened, in a few words.
    pub found: String,
    /// The line of the policy that decided, or failed.
    pub deciding: Option<Deciding>,
    /// Operations of all askings.
    pub operations: u32,
}

/// Something expected that is not so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key under `expect`.
    pub what: &'static str,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// Where a policy decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deciding {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
    /// The line's text.
    pub text: String,
}

/// What came of a property.
#[derive(Clone, Debug)]
pub struct PropertyReport {
    /// Scenarios tried.
    pub runs: u32,
    /// Of them, those in which more than one had to go.
    pub over_by_more: u32,
    /// From this seed.
    pub seed: u64,
    /// The first that broke it.
    pub broken: Option<Broken>,
}

/// A scenario that breaks a property.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Which run.
    pub run: u32,
    /// The code that must never be.
    pub code: &'static str,
    /// Where in the policy.
    pub deciding: Option<Deciding>,
    /// The scenario, made as small as it could be: a `[[case]]` to paste.
    pub case: String,
}

/// The lines of a policy that its cases ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Lines on which a statement begins.
    pub lines: Vec<u32>,
    /// Those of them with a statement that never ran.
    pub missed: Vec<u32>,
}

impl Coverage {
    fn of(plan: &Plan, ran: &BTreeSet<usize>) -> Self {
        let missed = plan.missed(ran);
        Self { lines: plan.lines().into_iter().collect(), missed: missed.into_iter().collect() }
    }

    /// Whole percents of lines that ran, rounded down; 100 where there is nothing to run.
    #[must_use]
    pub fn percent(&self) -> u32 {
        let ran = self.lines.len().saturating_sub(self.missed.len());
        let percent = (ran * 100).checked_div(self.lines.len()).unwrap_or(100);
        u32::try_from(percent).unwrap_or(100)
    }
}

impl CaseReport {
    /// Whether all was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl PropertyReport {
    /// Whether no scenario broke it.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.broken.is_none()
    }
}

impl Report {
    /// Whether everything passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.cases.iter().all(CaseReport::passed) && self.property.as_ref().is_none_or(PropertyReport::passed)
    }
}

impl Deciding {
    fn at(source: &str, (line, column): (u32, u32)) -> Option<Self> {
        let text = source.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
        Some(Self { line, column, text: text.trim().to_owned() })
    }
}

/// Reads and runs the tests of the policy `name`, as an install gate does: with at most [`GATE_RUNS_MAX`] generated
/// scenarios. The thread needs 2 MiB of stack, as for every evaluation.
///
/// # Errors
/// The file of tests or the policy cannot be used.
pub fn run_text(name: &str, source: &str, tests: &str) -> Result<Report, SuiteError> {
    let options = Options { runs_max: Some(GATE_RUNS_MAX), ..Options::default() };
    Suite::read(tests)?.run(name, source, &options)
}

impl Suite {
    /// Runs the tests on the policy `name`.
    ///
    /// # Errors
    /// The policy cannot be used, or a case describes what cannot be.
    pub fn run(&self, name: &str, source: &str, options: &Options) -> Result<Report, SuiteError> {
        let mut engine = Engine::new();
        // Whether it can be used at all, before any case is blamed for it.
        let bound = engine.bind(name, source, &BTreeMap::new())?;
        let mut ran = BTreeSet::new();
        let mut cases = Vec::new();
        for case in &self.cases {
            if options.only.as_ref().is_none_or(|only| case.name.contains(only)) {
                let mut witness = Witness::watching(&mut engine, &mut ran);
                cases.push(case.run((name, source), &mut witness)?);
            }
        }
        let plan = engine.plan(&bound.policy).unwrap_or_default();
        let property = self.property.as_ref().filter(|_| options.only.is_none());
        let property = match property {
            Some(property) => Some(property.run(&self.base, (name, source), options)?),
            None => None,
        };
        Ok(Report { cases, property, coverage: Coverage::of(&plan, &ran) })
    }
}
