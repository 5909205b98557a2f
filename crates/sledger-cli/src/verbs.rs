//! One file per verb, and who calls them.

pub(crate) mod adopt;
pub(crate) mod asking;
pub(crate) mod clear;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod disconnect;
pub(crate) mod end;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod group;
pub(crate) mod import;
pub(crate) mod ledger;
pub(crate) mod limit;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod policy;
pub(crate) mod quota;
pub(crate) mod reconcile;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod sessions;
pub(crate) mod simulate;
pub(crate) mod top;
pub(crate) mod touch;
pub(crate) mod users;

use crate::args::{Cli, Verb};
use crate::exit::Exit;
use crate::output::Output;
use anyhow::Result;

/// Does what the command line asks.
pub(crate) fn run(cli: &Cli, out: &mut Output<'_>) -> Result<Exit> {
    let global = &cli.global;
    match &cli.verb {
        Verb::Serve(verb) => verb.run(global, out),
        Verb::Top(verb) => verb.run(global, out),
        Verb::Simulate(verb) => verb.run(global, out),
        Verb::Import(verb) => verb.run(global, out),
        Verb::Export(verb) => verb.run(global, out),
        Verb::Events(verb) => verb.run(global, out),
        Verb::Sessions(verb) => verb.run(global, out),
        Verb::Users(verb) => verb.run(global, out),
        Verb::Login(verb) => verb.run(global, out),
        Verb::Touch(verb) => verb.run(global, out),
        Verb::Logout(verb) => verb.run(global, out),
        Verb::Disconnect(verb) => verb.run(global, out),
        Verb::Clear(verb) => verb.run(global, out),
        Verb::End(verb) => verb.run(global, out),
        Verb::Adopt(verb) => verb.run(global, out),
        Verb::Reconcile(verb) => verb.run(global, out),
        Verb::Quota(verb) => verb.run(global, out),
        Verb::Limit(verb) => verb.run(global, out),
        Verb::Group(verb) => verb.run(global, out),
        Verb::Policy(verb) => verb.run(global, out),
        Verb::Replay(verb) => verb.run(global, out),
        Verb::Config(verb) => verb.run(global, out),
        Verb::Ledger(verb) => verb.run(global, out),
        Verb::Completions(verb) => verb.run(out),
        Verb::Man(verb) => verb.run(out),
    }
}
