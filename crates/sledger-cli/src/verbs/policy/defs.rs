//! `policy defs`: what editors need to know about policies.

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::{Context as _, Result};
use clap::Args;
use sledger_policy::definitions;
use std::path::PathBuf;

/// The file that is written.
const FILE: &str = "sledger.d.rhai";

/// Write definitions for editors: names, members and functions with their docs
///
/// Writes `sledger.d.rhai`, which editors with rhai's language server read beside policies
#[derive(Debug, Args)]
pub(crate) struct Defs {
    /// Where to; - is stdout
    #[arg(value_name = "FOLDER", default_value = "policies")]
    folder: PathBuf,
}

impl Defs {
    /// Runs it.
    pub(crate) fn run(&self, _: &Global, out: &mut Output<'_>) -> Result<Exit> {
        if self.folder.as_os_str() == "-" {
            out.text(&definitions())?;
            return Ok(Exit::Ok);
        }
        let written = |path: &PathBuf| format!("cannot write `{}`", path.display());
        std::fs::create_dir_all(&self.folder).with_context(|| written(&self.folder))?;
        let file = self.folder.join(FILE);
        std::fs::write(&file, definitions()).with_context(|| written(&file))?;
        out.line(&sledger_wire::escape(&file.display().to_string()))?;
        Ok(Exit::Ok)
    }
}
