//! `ledger seal`: the active volume ends now, and becomes one plain file.

use super::not_served;
use crate::exit::Exit;
use crate::output::Output;
use crate::verbs::asking::Asking;
use anyhow::{Result, anyhow};
use sledger_log::{LogConfig, Reader, SledLog};
use sledger_replay::export::hex;
use sledger_wire::escape;
use sledger_wire::evidence::{SealedNow, SealedOne};
use std::path::Path;
use std::time::Duration;

/// How long sealing may take at rest: nobody waits for anything else.
const SEAL_MAX: Duration = Duration::from_secs(3_600);

/// Has the ledger served at `url` seal.
pub(super) fn of_served(url: &str, out: &mut Output<'_>) -> Result<Exit> {
    show(&Asking::new(url)?.seal()?, out)
}

/// Seals the ledger in `dir`: takes its lock, ends the volume, and closes in good order.
pub(super) fn of_data(dir: &Path, out: &mut Output<'_>) -> Result<Exit> {
    use sledger_core::log::Log as _;
    not_served(dir)?;
    // A directory without a ledger gets none by this.
    Reader::open(dir)?;
    let mut log = SledLog::open(LogConfig::new(dir))?;
    log.seal_now().map_err(|why| anyhow!("{why}"))?;
    let status = log.sealing().wait(SEAL_MAX);
    log.close().map_err(|why| anyhow!("{why}"))?;
    let newest = newest(&Reader::open(dir)?);
    let is_sealed = !status.running && status.last_error.is_none();
    show(&SealedNow { sealed: is_sealed, running: status.running, error: status.last_error, newest }, out)
}

fn newest(reader: &Reader) -> Option<SealedOne> {
    let sealed = reader.volumes().filter_map(|volume| {
        let (end, sealed) = (volume.end?, volume.sealed?);
        let (first, last) = (volume.first.0, end.seq.0);
        Some(SealedOne { volume: volume.no, first, last, head: hex(&end.hash), bytes: sealed.bytes })
    });
    sealed.last()
}

fn show(sealed: &SealedNow, out: &mut Output<'_>) -> Result<Exit> {
    let exit = if sealed.error.is_some() { Exit::Failure } else { Exit::Ok };
    if out.is_json() {
        out.json(sealed)?;
        return Ok(exit);
    }
    if let Some(error) = &sealed.error {
        out.say(&format!("error: {}", escape(error)));
    }
    if sealed.running {
        out.line("a volume is still being sealed; it goes on in the background")?;
    }
    match &sealed.newest {
        Some(SealedOne { volume, first, last, head, bytes }) => out.line(&format!(
            "sealed up to volume {volume}: events {first} to {last} in {bytes} bytes, head {head}"
        ))?,
        None => out.line("no volume is sealed")?,
    }
    Ok(exit)
}
