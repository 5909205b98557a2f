//! `policy test`: the tests beside policies.

mod found;
mod junit;
mod shown;

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::Exit;
use crate::output::Output;
use anyhow::{Context as _, Result};
use clap::Args;
use found::{Found, Subject};
use sledger_policy::suite::{Options, Report, Suite, SuiteError};
use sledger_policy::{Lint, Severity, check_source, lint};
use std::path::PathBuf;

/// Run the tests beside policies
///
/// Tests stand in NAME.test.toml beside NAME.rhai. Without an argument all of
/// the policies folder are run. Mistakes that `policy check` finds fail too.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Policies, their tests, or folders of them
    #[arg(value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Fail where less of a policy's lines are run by its cases
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    coverage_min: Option<u32>,
    /// Seed of the generated scenarios, instead of the file's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Only cases whose name contains this, and no properties
    #[arg(long, value_name = "TEXT", conflicts_with = "coverage_min")]
    case: Option<String>,
    #[arg(help = "Write a report in JUnit's form")]
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// What came of one policy.
struct Outcome {
    subject: Subject,
    lints: Vec<Lint>,
    /// `None` without tests.
    result: Option<Result<Report, SuiteError>>,
    /// The least coverage asked for, where it is not reached.
    under: Option<u32>,
}

impl Test {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let found = self.find(global, out)?;
        let outcomes: Vec<Outcome> =
            found.subjects.into_iter().map(|subject| self.try_out(subject)).collect();
        for line in &found.problems {
            out.say(&format!("error: {}", sledger_wire::escape(line)));
        }
        if let Some(path) = &self.junit {
            let xml = junit::report(&outcomes, &found.problems)?;
            std::fs::write(path, xml).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        shown::show(&outcomes, &found.problems, out)?;
        let is_good = found.problems.is_empty() && outcomes.iter().all(Outcome::passed);
        Ok(if is_good { Exit::Ok } else { Exit::Failure })
    }

    fn find(&self, global: &Global, out: &mut Output<'_>) -> Result<Found> {
        if !self.paths.is_empty() {
            return Found::among(&self.paths);
        }
        let folder = configured::load(global, &Flags::new(), out)?.config.policies.folder;
        Found::among(&[folder])
    }

    fn try_out(&self, subject: Subject) -> Outcome {
        let lints =
            check_source(&subject.name, &subject.source).err().unwrap_or_else(|| lint(&subject.source, None));
        let options = Options { seed: self.seed, only: self.case.clone(), runs_max: None };
        let has_error = lints.iter().any(|lint| lint.severity == Severity::Error);
        let tests = subject.tests.as_ref().filter(|_| !has_error);
        let result = tests.map(|(_, text)| {
            Suite::read(text).and_then(|suite| suite.run(&subject.name, &subject.source, &options))
        });
        let percent = match &result {
            Some(Ok(report)) => report.coverage.percent(),
            _ => 0,
        };
        let under = self.coverage_min.filter(|least| percent < *least);
        Outcome { subject, lints, result, under }
    }
}

impl Outcome {
    fn has_error(&self) -> bool {
        self.lints.iter().any(|lint| lint.severity == Severity::Error)
    }

    fn report(&self) -> Option<&Report> {
        self.result.as_ref()?.as_ref().ok()
    }

    fn error(&self) -> Option<String> {
        let error = self.result.as_ref()?.as_ref().err()?;
        let (file, _) = self.subject.tests.as_ref()?;
        Some(match error {
            SuiteError::File { line, reason } => format!("{}:{line}: {reason}", file.display()),
            SuiteError::Policy(fault) => fault.to_string(),
        })
    }

    fn passed(&self) -> bool {
        let ran = self.result.as_ref().is_none_or(|result| result.as_ref().is_ok_and(Report::passed));
        ran && !self.has_error() && self.under.is_none()
    }
}
