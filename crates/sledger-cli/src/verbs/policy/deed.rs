//! `policy promote`, `policy rollback`, `policy stop`.

use super::list;
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::verbs::asking::{Asking, told};
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;
use serde_json::json;

/// Which policy, on which quota, and why.
#[derive(Debug, Args)]
pub(crate) struct Meant {
    /// The policy
    #[arg(value_name = "NAME")]
    name: String,
    /// On this quota only [default: all concerned]
    #[arg(long, value_name = "NAME")]
    quota: Option<String>,
    /// Why, for operators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Let a policy decide that is on trial
#[derive(Debug, Args)]
pub(crate) struct Promote {
    #[command(flatten)]
    meant: Meant,
}

/// Let a former revision of a policy decide again
///
/// Without --to the one before; twice, and it is as it was. What was given to one quota is taken back first
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    meant: Meant,
    /// To this revision, e.g. 3f9a12c0
    #[arg(long, value_name = "REV")]
    to: Option<String>,
}

/// End the trial of a policy
#[derive(Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    meant: Meant,
}

impl Promote {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        self.meant.done("promote", None, global, out)
    }
}

impl Rollback {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        self.meant.done("rollback", self.to.as_deref(), global, out)
    }
}

impl Stop {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        self.meant.done("stop", None, global, out)
    }
}

impl Meant {
    fn done(&self, deed: &str, to: Option<&str>, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let asking = Asking::new(&Whence::url(global)?)?;
        let mut body = json!({ "quota": self.quota, "reason": self.reason });
        if let (Some(to), Some(keys)) = (to, body.as_object_mut()) {
            keys.insert("to".to_owned(), to.into());
        }
        let done = asking.client().policy_deed(&self.name, deed, &body).map_err(told)?;
        list::changed(&done, global, out)
    }
}
