//! `simulate`: a recording decided in virtual time and in memory, one JSON line per command.

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::Exit;
use crate::lines::Lines;
use crate::output::Output;
use crate::policies;
use anyhow::{Result, anyhow};
use clap::Args;
use sledger_replay::simulate::Simulation;
use std::path::PathBuf;

/// Decide a recording in virtual time, in memory
///
/// No ledger is read, nothing is written. Prints one JSON line per command. A refused line goes on; a malformed
/// one, or a time that runs back, stops
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// JSON lines, one command each; - is stdin
    #[arg(value_name = "RECORDING")]
    file: Option<PathBuf>,
}

impl Simulate {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let config = configured::load(global, &Flags::new(), out)?.config;
        // Complaints about policies name their files.
        policies::load(&config)?;
        let file = self.file.clone().or_else(|| global.recording.clone());
        let mut lines = Lines::open(&file.unwrap_or_else(|| PathBuf::from("-")))?;
        let mut simulation = Simulation::new(config)?;
        play(&mut simulation, &mut lines, |answer, _| out.line(&answer.to_json()))?;
        Ok(Exit::Ok)
    }
}

/// Plays all lines; `told` gets each answer and the simulation after it.
pub(crate) fn play(
    simulation: &mut Simulation,
    lines: &mut Lines,
    mut told: impl FnMut(&sledger_wire::answer::AnswerLine, &Simulation) -> Result<()>,
) -> Result<()> {
    let name = lines.name.clone();
    while let Some((number, line)) = lines.next()? {
        let answer = simulation.play(number, line).map_err(|why| anyhow!("{name}:{number}: {why}"))?;
        told(&answer, simulation)?;
    }
    Ok(())
}
