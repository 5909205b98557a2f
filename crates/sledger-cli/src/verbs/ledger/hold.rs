//! `ledger hold`, `ledger release`: nothing is archived, dropped or erased while a hold stands.

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::verbs::asking::{Asking, told};
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;
use sledger_wire::escape;
use sledger_wire::keeping::Holding;

/// Set a hold: nothing is archived, dropped or erased until it is released
#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// Its name, e.g. that of a case
    #[arg(value_name = "NAME")]
    name: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Release a hold
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
}

impl Hold {
    /// Runs it.
    pub(super) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let asking = Asking::new(&Whence::url(global)?)?;
        tell(&asking.client().hold(&self.name, &self.reason).map_err(told)?, out)
    }
}

impl Release {
    /// Runs it.
    pub(super) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let asking = Asking::new(&Whence::url(global)?)?;
        tell(&asking.client().release(&self.name).map_err(told)?, out)
    }
}

fn tell(holding: &Holding, out: &mut Output<'_>) -> Result<Exit> {
    if out.is_json() {
        out.json(holding)?;
        return Ok(Exit::Ok);
    }
    out.line(&format!("recorded as seq:{} at {}", holding.seq, holding.at))?;
    if holding.holds.is_empty() {
        out.line("no hold stands")?;
    }
    for hold in &holding.holds {
        out.line(&format!("hold {}: {} (since {})", escape(&hold.name), escape(&hold.reason), hold.at))?;
    }
    Ok(Exit::Ok)
}
