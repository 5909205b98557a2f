//! `ledger erase USER`: destroys the key of what is personal about somebody, on a served ledger or one at rest.
//!
//! At rest the ledger is opened as it stands: the settings in force stay, whatever the configuration says.

use super::not_served;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::verbs::asking::{Asking, told};
use crate::whence::Whence;
use anyhow::{Context, Result};
use clap::Args;
use sledger::core::command::Refusal;
use sledger::{Actor, EraseError, Ledger};
use sledger_client::Erasure;
use sledger_log::Meta;
use sledger_replay::history;
use sledger_wire::escape;
use std::io::BufRead;
use std::path::Path;

/// `ledger erase`
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// Whose
    #[arg(value_name = "USER", required_unless_present = "lost")]
    user: Option<String>,
    /// Instead, end the sessions whose keys are lost; at rest only
    #[arg(long, conflicts_with_all = ["user", "reason"])]
    lost: bool,
    /// Why; it stays in the ledger, so name nobody
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Do not ask for the name again
    #[arg(long)]
    yes: bool,
}

impl Erase {
    pub(super) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let whence = Whence::of(global)?;
        if let Whence::Data(dir) = &whence {
            not_served(dir)?;
        }
        self.confirm(out)?;
        let erased = match &whence {
            Whence::Connect(_) if self.lost => {
                return Err(Usage::error("--lost is for a ledger at rest: use --data DIR"));
            }
            Whence::Connect(url) => self.served(url),
            Whence::Data(dir) if self.lost => give_up(dir).map_err(Stopped::from),
            Whence::Data(dir) => self.at_rest(dir),
            Whence::Recording(_) => {
                return Err(Usage::error(
                    "nobody is erased from a recording: use --connect URL or --data DIR",
                ));
            }
        };
        match erased {
            Ok(erased) => self.tell(&erased, out),
            Err(Stopped::Refused(reason)) => {
                out.say(&format!("sledger: {reason}"));
                Ok(Exit::Refused)
            }
            Err(Stopped::Failed(error)) => Err(error),
        }
    }

    /// What is typed twice, and told.
    fn named(&self) -> &str {
        self.user.as_deref().unwrap_or("lost")
    }

    fn tell(&self, erased: &Erasure, out: &mut Output<'_>) -> Result<Exit> {
        if out.is_json() {
            out.json(erased)?;
            return Ok(Exit::Ok);
        }
        let (seq, ended) = (erased.seq, erased.ended);
        if self.lost {
            out.line(&format!("given up at seq {seq}: sessions ended: {ended}"))?;
            return Ok(Exit::Ok);
        }
        let user = escape(self.named());
        out.line(&format!("erased {user} at seq {seq}: sessions ended: {ended}; the key is destroyed"))?;
        if !erased.snapshots_removed {
            out.say("a snapshot could not be removed; nobody can read it any more");
        }
        out.say("what others were told before is not called back: audit sinks, exports in the clear, copies of `keys`");
        Ok(Exit::Ok)
    }

    /// Whoever erases somebody types the name twice.
    fn confirm(&self, out: &mut Output<'_>) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        out.say(&format!("this cannot be undone; type the name again to erase {}:", escape(self.named())));
        let mut typed = String::new();
        std::io::stdin().lock().read_line(&mut typed).context("cannot read the name again")?;
        if typed.trim_end_matches(['\r', '\n']) == self.named() {
            return Ok(());
        }
        Err(Usage::error("the name typed is another; nobody was erased (use --yes where nobody can type)"))
    }

    fn served(&self, url: &str) -> Result<Erasure, Stopped> {
        let asking = Asking::new(url)?;
        asking.client().erase(self.named(), self.reason.as_deref()).map_err(|error| match error.problem() {
            Some(problem) if problem.status == 409 => Stopped::Refused(problem.detail.clone()),
            _ => Stopped::Failed(told(error)),
        })
    }

    fn at_rest(&self, dir: &Path) -> Result<Erasure, Stopped> {
        let ledger = Ledger::open(as_it_stands(dir)?).map_err(anyhow::Error::from)?;
        let erased = ledger.erase(self.named(), self.reason.as_deref().unwrap_or_default(), Actor::Cli);
        ledger.close();
        let erased = erased.map_err(|error| match &error {
            EraseError::Refused { refusal: Some(Refusal::Owned), reason, .. } => {
                Stopped::Refused(reason.clone())
            }
            EraseError::NotSealed => Stopped::Refused(error.to_string()),
            _ => Stopped::Failed(error.into()),
        })?;
        let (seq, ended) = (erased.seq.0, erased.ended as u64);
        Ok(Erasure { seq, ended, snapshots_removed: erased.snapshots_removed })
    }
}

/// Opens the ledger once, which ends what cannot be read.
fn give_up(dir: &Path) -> Result<Erasure> {
    let ended = history::fold(dir, |_| ())?.sealed_session_count() as u64;
    let ledger = Ledger::open(sledger::Config { give_up_sealed: true, ..as_it_stands(dir)? })?;
    let seq = ledger.durable().0;
    ledger.close();
    Ok(Erasure { seq, ended, snapshots_removed: true })
}

/// Why nobody was erased.
enum Stopped {
    /// A hold stands, or nothing is sealed.
    Refused(String),
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stopped {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// What opens a ledger without changing its settings.
fn as_it_stands(dir: &Path) -> Result<sledger::Config> {
    let meta = Meta::of(dir)?.with_context(|| format!("no ledger in `{}`", dir.display()))?;
    let state = history::fold(dir, |_| ())?;
    Ok(sledger::Config {
        settings: state.ready().settings.clone(),
        file: state.applied_file(),
        installs: None,
        reserve_bytes: 0,
        seal_personal: meta.seal_personal,
        ..sledger::Config::new(dir)
    })
}
