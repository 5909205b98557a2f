//! `man`: the manual pages, one per verb, made from the same table as `--help`.

use crate::args::Cli;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::{Context as _, Result};
use clap::{Args, Command, CommandFactory as _};
use std::path::{Path, PathBuf};

/// Print the manual page, or write those of all verbs
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write a page per verb into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    /// Runs it.
    pub(crate) fn run(&self, out: &mut Output<'_>) -> Result<Exit> {
        // Built, every verb knows its full name and the flags that all take.
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        match &self.dir {
            None => out.bytes(&page(&command)?)?,
            Some(dir) => {
                std::fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
                write(&command, dir)?;
            }
        }
        Ok(Exit::Ok)
    }
}

/// Writes the page of `command` and of every verb below it.
fn write(command: &Command, dir: &Path) -> Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        write(verb, dir)?;
    }
    let path = dir.join(format!("{}.1", name(command)));
    std::fs::write(&path, page(command)?).with_context(|| format!("cannot write `{}`", path.display()))
}

/// `sledger-config-check`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let source = format!("sledger {}", env!("CARGO_PKG_VERSION"));
    let page = clap_mangen::Man::new(command.clone()).title(name(command).to_uppercase());
    page.source(source).manual("sledger manual").render(&mut text).context("cannot make a manual page")?;
    Ok(text)
}
