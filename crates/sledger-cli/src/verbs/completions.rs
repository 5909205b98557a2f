//! `completions`: what a shell needs to complete verbs and flags.

use crate::args::Cli;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

/// Print what a shell needs to complete verbs and flags
///
/// For bash: `sledger completions bash > /etc/bash_completion.d/sledger`
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_enum, hide_possible_values = true)]
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub(crate) fn run(&self, out: &mut Output<'_>) -> Result<Exit> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "sledger", &mut text);
        out.bytes(&text)?;
        Ok(Exit::Ok)
    }
}
