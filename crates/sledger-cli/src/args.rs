//! The command line as a whole; each verb's own arguments stand in its file.

use crate::output::Format;
use crate::verbs;
use crate::zone::Zone;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A session ledger: who is in, who may come in, what happened and why
#[derive(Debug, Parser)]
#[command(name = "sledger", version, max_term_width = 79, propagate_version = true)]
#[command(after_help = "Exit codes: 0 ok, 1 failure, 2 usage or configuration, 3 verification failed,\n\
                        4 denied or conflict")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    #[arg(help = "Configuration [default: $SLEDGER_CONFIG, ./sledger.toml, /etc/sledger/sledger.toml]")]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory of a ledger; reading verbs never write to it
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) data: Option<PathBuf>,
    #[arg(help = "A served ledger [default: $SLEDGER_CONNECT, http://127.0.0.1:7070]")]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) connect: Option<String>,
    /// A recording, or an export of events or blocks, instead of a ledger
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) recording: Option<PathBuf>,
    /// Form of the data on stdout
    #[arg(long, global = true, value_enum, default_value_t, hide_possible_values = true)]
    #[arg(value_name = "text|json", help_heading = "Global options")]
    pub(crate) output: Format,
    /// Offset of times, e.g. +01:00
    #[arg(long, global = true, default_value = "UTC", allow_hyphen_values = true)]
    #[arg(value_name = "OFFSET", help_heading = "Global options")]
    pub(crate) tz: Zone,
}

/// What to do. What a verb is for stands in its file.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Serve(verbs::serve::Serve),
    Top(verbs::top::Top),
    Simulate(verbs::simulate::Simulate),
    Import(verbs::import::Import),
    Export(verbs::export::Export),
    Events(verbs::events::Events),
    Sessions(verbs::sessions::Sessions),
    Users(verbs::users::Users),
    Login(Box<verbs::login::Login>),
    Touch(verbs::touch::Touch),
    Logout(verbs::logout::Logout),
    Disconnect(verbs::disconnect::Disconnect),
    Clear(verbs::clear::Clear),
    End(verbs::end::End),
    Adopt(verbs::adopt::Adopt),
    Reconcile(verbs::reconcile::Reconcile),
    /// Look at quotas, set, switch or delete them
    #[command(subcommand)]
    Quota(verbs::quota::Quota),
    Limit(verbs::limit::Limit),
    /// See who is in which group, put users in or take them out
    #[command(subcommand)]
    Group(verbs::group::Group),
    /// Write, check, test, try and install policies
    #[command(subcommand)]
    Policy(verbs::policy::Policy),
    /// Walk the past: what happened, when, and why
    #[command(subcommand)]
    Replay(verbs::replay::Replay),
    /// Check, show or reload the configuration
    #[command(subcommand)]
    Config(verbs::config::Config),
    /// Look after a data directory
    #[command(subcommand)]
    Ledger(verbs::ledger::Ledger),
    Completions(verbs::completions::Completions),
    Man(verbs::man::Man),
}
