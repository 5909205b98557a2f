//! `ledger archive`: the oldest sealed volumes into a folder of their own, and back.
//!
//! At rest, under the ledger's lock: a server never writes to a folder that somebody names over the network. An
//! archive is a data directory that is read and never served: `--data ARCHIVE` looks at what it holds.

use super::not_served;
use crate::args::Global;
use crate::configured::{self, Flags};
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::verbs::serve::looked_after;
use anyhow::Result;
use clap::Args;
use serde_json::json;
use sledger::{Ledger, SystemClock, Upto, Went};
use sledger_core::clock::Clock as _;
use sledger_core::{Millis, Span};
use sledger_log::{Archive as Folder, Reader};
use sledger_wire::escape;
use sledger_wire::values::{Moment, moment};
use std::path::{Path, PathBuf};

/// Move the oldest sealed volumes of a ledger at rest to another folder
///
/// Each is copied, read back whole, recorded, then removed. Without --before
/// or --volumes all go but the last. An archive is read with --data
#[derive(Debug, Args)]
pub(crate) struct Archive {
    /// The folder of the archive; made if it is not there
    #[arg(long, value_name = "DIR", required_unless_present = "back")]
    to: Option<PathBuf>,
    /// Those whose last event is older
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, conflicts_with = "volumes")]
    before: Option<String>,
    /// Those of these numbers, from the first there is, e.g. 1..3
    #[arg(long, value_name = "A..B")]
    volumes: Option<String>,
    /// Copy what an archive holds back into the ledger
    #[arg(long, value_name = "DIR", conflicts_with_all = ["to", "before", "volumes"])]
    back: Option<PathBuf>,
}

impl Archive {
    /// Runs it.
    pub(super) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let configured = configured::load(global, &Flags::new(), out)?;
        let dir = configured.config.ledger.data.clone();
        not_served(&dir)?;
        if let Some(back) = &self.back {
            return give_back(back, &dir, out);
        }
        let Some(to) = &self.to else { return Err(Usage::error("name the archive: --to DIR")) };
        let upto = self.upto(&dir, global)?;
        let ledger = Ledger::open(looked_after(&configured))?;
        let went = ledger.archive_volumes(to, upto);
        ledger.close();
        tell(to, &went?, out)
    }

    fn upto(&self, dir: &Path, global: &Global) -> Result<Upto> {
        if let Some(text) = &self.volumes {
            return volumes(text, dir);
        }
        let Some(text) = &self.before else { return Ok(Upto::Before(Millis::NEVER)) };
        let read = moment(text, global.tz.offset);
        match read.map_err(|reason| Usage::error(format!("--before: {reason}")))? {
            Moment::At(at) => Ok(Upto::Before(at)),
            Moment::Ago(span) => Ok(Upto::Before(ago(span))),
            Moment::Now => Ok(Upto::Before(SystemClock.wall())),
            Moment::Seq(_) => Err(Usage::error("--before: name a time, e.g. -90d")),
        }
    }
}

fn ago(span: Span) -> Millis {
    Millis(SystemClock.wall().0.saturating_sub(span.as_millis()))
}

/// `A..B`: A must be the first there is, or what stays had a hole.
fn volumes(text: &str, dir: &Path) -> Result<Upto> {
    let odd = || Usage::error(format!("--volumes: `{}` is no range: write e.g. 1..3", escape(text)));
    let (first, last) = text.split_once("..").ok_or_else(odd)?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| odd());
    let (first, last) = (number(first)?, number(last)?);
    let there = Reader::open(dir)?.volumes().next().map_or(1, |volume| volume.no);
    if first != there || last < first {
        return Err(Usage::error(format!(
            "--volumes: the first volume is {there}: what goes begins there, so that what stays has no hole"
        )));
    }
    Ok(Upto::Volume(last))
}

fn give_back(archive: &Path, dir: &Path, out: &mut Output<'_>) -> Result<Exit> {
    let bytes = Folder::new(archive).give_back(dir)?;
    let first = Reader::open(dir)?.begins().map_or(1, |begins| begins.head.seq.0 + 1);
    if out.is_json() {
        out.json(&json!({ "bytes": bytes, "first": first }))?;
    } else {
        out.line(&format!("copied {bytes} bytes back; history begins at seq {first} again"))?;
    }
    Ok(Exit::Ok)
}

fn tell(to: &Path, went: &Went, out: &mut Output<'_>) -> Result<Exit> {
    let begins = went.begins.map(|begins| begins.to_string());
    if out.is_json() {
        out.json(&json!({ "volumes": went.volumes, "bytes": went.bytes, "begins": begins }))?;
        return Ok(Exit::Ok);
    }
    let Some(begins) = begins else {
        out.line("nothing to archive: no sealed volume before the last one is old enough")?;
        return Ok(Exit::Ok);
    };
    let (count, bytes) = (went.volumes.len(), went.bytes);
    let to = escape(&to.display().to_string()).into_owned();
    out.line(&format!("moved {count} volumes, {bytes} bytes, to {to}"))?;
    out.line(&begins)?;
    Ok(Exit::Ok)
}
