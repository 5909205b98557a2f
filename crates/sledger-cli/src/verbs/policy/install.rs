//! `policy install`: a policy sent to a served ledger, to decide or on trial.

use super::list;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::verbs::asking::{Asking, told};
use crate::whence::Whence;
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Map, Value};
use sledger_client::ClientError;
use sledger_wire::bodies::quota_words;
use sledger_wire::escape;
use sledger_wire::policies::LintObject;
use sledger_wire::queries::PolicyQuery;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Install a policy on a served ledger
///
/// It is read, linted, tested with NAME.test.toml beside it and tried on recent logins; whatever fails, what decided
/// before goes on deciding
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// The policy, NAME.rhai
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// For this quota only [default: all that name the policy]
    #[arg(long, value_name = "NAME")]
    quota: Option<String>,
    /// Ask it beside what decides, and record where it differs
    #[arg(long, conflicts_with = "share")]
    shadow: bool,
    /// Let it decide for so many of a hundred users
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    share: Option<u8>,
    /// A param, on a quota that names another policy
    #[arg(long = "param", value_name = "KEY=VALUE", requires = "quota")]
    params: Vec<String>,
    /// Why, for operators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Install {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let asking = Asking::new(&Whence::url(global)?)?;
        let name = name_of(&self.file)?;
        let state = if self.shadow { Some("shadow".to_owned()) } else { None };
        let query = PolicyQuery { state, share: self.share, command: None };
        match asking.client().put_policy(&name, &self.body()?, &query) {
            Ok(done) => {
                let warnings = done.warnings.iter().filter(|lint| lint.severity == "warning");
                warnings.for_each(|lint| out.say(&self.line(lint, "warning: ")));
                list::changed(&done, global, out)
            }
            Err(error) => Err(self.refused(error)),
        }
    }

    fn body(&self) -> Result<Value> {
        let text = std::fs::read_to_string(&self.file)
            .with_context(|| format!("cannot read `{}`", self.file.display()))?;
        let mut body = Map::from_iter([("text".to_owned(), Value::from(text))]);
        let mut put =
            |key: &str, value: Option<Value>| body.extend(value.map(|value| (key.to_owned(), value)));
        put("quota", self.quota.clone().map(Value::from));
        put("tests", tests_of(&self.file)?.map(Value::from));
        put("reason", self.reason.clone().map(Value::from));
        if !self.params.is_empty() {
            let params = quota_words(&self.params).map_err(|rejection| {
                Usage::error(format!("--param {}: {}", rejection.field, rejection.reason))
            })?;
            put("params", Some(params));
        }
        Ok(Value::Object(body))
    }

    /// `FILE:LINE:COLUMN: CODE: MESSAGE`, the place only where there is one.
    fn line(&self, lint: &LintObject, severity: &str) -> String {
        let LintObject { line, column, code, message, .. } = lint;
        let place = if *line == 0 { String::new() } else { format!(":{line}:{column}") };
        format!("{}{place}: {code}: {severity}{message}", self.file.display())
    }

    /// What is wrong with the source, line by line, with the file's name.
    fn refused(&self, error: ClientError) -> anyhow::Error {
        let lints = error.problem().map(|problem| problem.lints.clone()).unwrap_or_default();
        if lints.is_empty() {
            return told(error);
        }
        let lines: Vec<String> =
            lints.iter().filter(|lint| lint.severity == "error").map(|lint| self.line(lint, "")).collect();
        Usage::error(lines.join("\n"))
    }
}

/// The policy that a file is named for.
fn name_of(file: &Path) -> Result<String> {
    let name = file.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".rhai"));
    name.map(str::to_owned).ok_or_else(|| {
        let file = escape(&file.display().to_string()).into_owned();
        Usage::error(format!("`{file}` is no policy: the file of policy NAME is called NAME.rhai"))
    })
}

/// The tests beside it, where there are any.
fn tests_of(file: &Path) -> Result<Option<String>> {
    let tests = file.with_extension("test.toml");
    match std::fs::read_to_string(&tests) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", tests.display())),
    }
}
