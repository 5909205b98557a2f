//! The gate: what a policy must pass before it may come into force, whichever way it comes.
//!
//! Parse, lint, tests. The smoke run on recent logins comes after it, in the decider, at the very point of the log at
//! which the policy would come into force.

use crate::check::{Lint, Severity, check_source, lint};
use crate::header::is_name;
use crate::suite::run_text;
use crate::words::clean;
use sledger_core::config::Level;

/// Bytes of a policy's tests.
pub const TESTS_BYTES_MAX: usize = 256 * 1024;
/// Tests that fail and are told.
const LINES_MAX: usize = 16;

/// Why a policy may not come into force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// Its name.
    #[error("`{0}` cannot be a policy's name: lower-case letters, digits and `_` make one")]
    Name(String),
    /// What is wrong with its source.
    #[error("{}", first(.0))]
    Lint(Vec<Lint>),
    /// Its tests cannot be read, or do not pass: a line each.
    #[error("{}", .0.join("; "))]
    Tests(Vec<String>),
}

/// The first error, and how many there are.
fn first(lints: &[Lint]) -> String {
    let errors: Vec<&Lint> = lints.iter().filter(|lint| lint.severity == Severity::Error).collect();
    match errors.as_slice() {
        [] => "the policy is refused".to_owned(),
        [one] => one.to_string(),
        [one, more @ ..] => format!("{one} (and {} more)", more.len()),
    }
}

/// Lets a policy pass for quotas of these levels, with warnings.
///
/// # Errors
/// Everything that is wrong.
pub fn pass(name: &str, source: &str, tests: Option<&str>, levels: &[Level]) -> Result<Vec<Lint>, Closed> {
    if !is_name(name) {
        return Err(Closed::Name(name.to_owned()));
    }
    check_source(name, source).map_err(Closed::Lint)?;
    let mut lints: Vec<Lint> = match levels {
        [] => lint(source, None),
        levels => levels.iter().flat_map(|level| lint(source, Some(*level))).collect(),
    };
    lints.sort();
    lints.dedup();
    if lints.iter().any(|lint| lint.severity == Severity::Error) {
        return Err(Closed::Lint(lints));
    }
    let failed = tests.map(|tests| failed(name, source, tests)).unwrap_or_default();
    if failed.is_empty() { Ok(lints) } else { Err(Closed::Tests(failed)) }
}

/// What does not pass, a line each.
fn failed(name: &str, source: &str, tests: &str) -> Vec<String> {
    if tests.len() > TESTS_BYTES_MAX {
        return vec![format!("the tests have {} bytes; at most {TESTS_BYTES_MAX} are allowed", tests.len())];
    }
    let report = match run_text(name, source, tests) {
        Ok(report) => report,
        Err(error) => return vec![error.to_string()],
    };
    let cases = report.cases.iter().filter(|case| !case.passed()).map(|case| {
        let differs = case.differences.first();
        let why = differs.map_or_else(String::new, |one| {
            format!(": {} is `{}`, expected `{}`", one.what, one.found, one.expected)
        });
        format!("test `{}` (line {}) fails{why}", case.name, case.line)
    });
    let property = report.property.iter().filter_map(|property| property.broken.as_ref());
    let property = property.map(|broken| format!("a generated scenario comes to {}", broken.code));
    cases.chain(property).map(|line| clean(&line).to_string()).take(LINES_MAX).collect()
}
