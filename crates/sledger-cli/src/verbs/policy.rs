//! `policy …`: write, check, test, explain, try and install policies.

pub(crate) mod backtest;
pub(crate) mod bench;
pub(crate) mod capture;
pub(crate) mod check;
pub(crate) mod deed;
pub(crate) mod defs;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod install;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod test;

use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;
use clap::Subcommand;

/// `policy …`
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    New(new::New),
    Check(check::Check),
    Install(install::Install),
    Promote(deed::Promote),
    Rollback(deed::Rollback),
    Stop(deed::Stop),
    List(list::List),
    Test(test::Test),
    Bench(bench::Bench),
    Defs(defs::Defs),
    Explain(explain::Explain),
    Capture(capture::Capture),
    Backtest(Box<backtest::Backtest>),
    Diff(diff::Diff),
}

impl Policy {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        match self {
            Self::New(verb) => verb.run(global, out),
            Self::Check(verb) => verb.run(global, out),
            Self::Install(verb) => verb.run(global, out),
            Self::Promote(verb) => verb.run(global, out),
            Self::Rollback(verb) => verb.run(global, out),
            Self::Stop(verb) => verb.run(global, out),
            Self::List(verb) => verb.run(global, out),
            Self::Test(verb) => verb.run(global, out),
            Self::Bench(verb) => verb.run(global, out),
            Self::Defs(verb) => verb.run(global, out),
            Self::Explain(verb) => verb.run(global, out),
            Self::Capture(verb) => verb.run(global, out),
            Self::Backtest(verb) => verb.run(global, out),
            Self::Diff(verb) => verb.run(global, out),
        }
    }
}
