//! `ledger checkpoint`: where the ledger stands, signed, in a text that can be kept elsewhere.
//!
//! At rest the whole ledger is read first: nothing is signed that is not whole. Nothing is ever written under the
//! data directory.

use super::not_served;
use crate::configured::Configured;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::verbs::asking::Asking;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use sledger::SystemClock;
use sledger_core::clock::Clock as _;
use sledger_log::checkpoint::{Checkpoint, CheckpointKey, Stand, key_path};
use std::fs;
use std::path::{Path, PathBuf};

/// Sign where the ledger stands, as a text to be kept elsewhere
///
/// A served ledger signs what is durable, keeps the checkpoint in its folder
/// and ships it; where nothing was recorded since the last one, that one is
/// given again. A ledger at rest is read first; signing it takes its key.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CheckpointVerb {
    /// Write it to a file that is not there yet, instead of stdout
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[arg(help = "The private key, at rest [default: ledger.checkpoint_key]")]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Show the public key instead, in PEM
    #[arg(long)]
    public_key: bool,
}

impl CheckpointVerb {
    /// Has the ledger served at `url` sign.
    pub(super) fn of_served(&self, url: &str, out: &mut Output<'_>) -> Result<Exit> {
        if self.key.is_some() {
            return Err(Usage::error("a served ledger signs with its own key: --key goes with --data"));
        }
        let made = Asking::new(url)?.checkpoint()?;
        if out.is_json() && self.out.is_none() && !self.public_key {
            out.json(&made)?;
            return Ok(Exit::Ok);
        }
        self.give(if self.public_key { &made.public_key } else { &made.text }, out)
    }

    /// Signs the ledger in `dir`.
    pub(super) fn of_data(&self, dir: &Path, configured: &Configured, out: &mut Output<'_>) -> Result<Exit> {
        let key = self.key.clone().or_else(|| configured.config.ledger.checkpoint.key.clone());
        let key = CheckpointKey::read(&key.unwrap_or_else(|| key_path(dir)))?;
        if self.public_key {
            let pem = key.public().to_pem().context("the public key cannot be written as PEM")?;
            return self.give(&pem, out);
        }
        not_served(dir)?;
        if self.out.as_deref().is_some_and(|path| is_under(path, dir)) {
            return Err(Usage::error("a checkpoint beside its ledger proves nothing: keep it elsewhere"));
        }
        let report = sledger_log::verify(dir)?;
        if let Some(problem) = report.problems.first() {
            out.say(&format!("error: volume {}: {}", problem.volume, sledger_wire::escape(&problem.detail)));
            out.say("error: nothing is signed that is not whole; see `sledger ledger verify`");
            return Ok(Exit::Diverged);
        }
        if report.head.seq.0 == 0 {
            bail!("the ledger is empty: there is nothing to sign");
        }
        let stand = Stand {
            ledger: report.meta.ledger,
            partition: report.meta.partition,
            seq: report.head.seq,
            head: report.head.hash,
            time: SystemClock.wall(),
        };
        self.give(&Checkpoint::sign(stand, &key).render(), out)
    }

    fn give(&self, text: &str, out: &mut Output<'_>) -> Result<Exit> {
        let Some(path) = &self.out else {
            out.text(text)?;
            return Ok(Exit::Ok);
        };
        let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
        let written = file.and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.sync_all()
        });
        written.with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Exit::Ok)
    }
}

/// Whether a file that may not be there yet would lie under `dir`.
fn is_under(path: &Path, dir: &Path) -> bool {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new(".")).canonicalize();
    matches!((parent, dir.canonicalize()), (Ok(parent), Ok(dir)) if parent.starts_with(&dir))
}
