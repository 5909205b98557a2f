//! `policy check`: everything that can be said against a policy without running it.

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::{Context as _, Result};
use clap::Args;
use sledger_policy::{Severity, lint};
use std::path::PathBuf;

/// Look for mistakes in policies without running them
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Policies
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Check {
    /// Runs it.
    pub(crate) fn run(&self, _: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let mut exit = Exit::Ok;
        for file in &self.files {
            let source =
                std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
            for found in lint(&source, None) {
                out.line(&format!("{}:{found}", file.display()))?;
                if found.severity == Severity::Error {
                    exit = Exit::Failure;
                }
            }
        }
        Ok(exit)
    }
}
