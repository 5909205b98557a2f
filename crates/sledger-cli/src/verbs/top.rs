//! `top`: the live monitor; with `--once` what a view of it shows, for scripts.
//!
//! Of a ledger that is not served nothing is measured: rates and latencies are null, and what is there is durable.

mod history;
mod monitor;
mod once;
mod told;

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Args;
use once::Shown;

/// Watch a ledger: who is in, how full, how fast, what is wrong
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Top {
    /// Print what a view shows, once
    #[arg(long)]
    once: bool,
    /// overview, user:NAME, session:ID, replay, policies, policies:NAME
    #[arg(long, value_name = "VIEW", default_value = "overview", requires = "once")]
    #[arg(hide_default_value = true)]
    view: Shown,
    /// Show it as it was then: -2h, 2026-11-20 12:04, seq:N
    #[arg(long, value_name = "WHEN", requires = "once", allow_hyphen_values = true)]
    at: Option<String>,
    /// Let `:` commands change the server
    #[arg(long)]
    allow_actions: bool,
    /// auto, dark, light or mono [default: monitor.theme, auto]
    #[arg(long, value_name = "NAME", conflicts_with = "once")]
    theme: Option<String>,
    /// Draw with ASCII only; so where the locale is not UTF-8
    #[arg(long, conflicts_with = "once")]
    ascii: bool,
    /// Let the wheel move the choice; Shift-drag then selects text
    #[arg(long, conflicts_with = "once")]
    mouse: bool,
    /// Draw so many times a second at most
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "once")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=60))]
    fps: u32,
}

impl Top {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        if self.once { self.print(global, out) } else { self.watch(global, out) }
    }
}
