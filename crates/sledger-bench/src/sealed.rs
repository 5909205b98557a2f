//! Sealing a ledger that is closed.

use anyhow::{bail, ensure};
use sledger::core::log::Log as _;
use sledger::log::{LogConfig, Reader, SealedInfo, SledLog};
use std::path::Path;
use std::time::Duration;

/// Longer than sealing takes.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Seals everything in `data`; what is known of each volume.
pub(crate) fn seal(data: &Path) -> anyhow::Result<Vec<SealedInfo>> {
    let mut log = SledLog::open(LogConfig::new(data))?;
    log.seal_now().map_err(anyhow::Error::msg)?;
    let status = log.sealing().wait(PATIENCE);
    if let Some(error) = status.last_error {
        bail!("{error}");
    }
    ensure!(!status.running, "sealing took more than {PATIENCE:?}");
    log.close().map_err(anyhow::Error::msg)?;
    let volumes: Vec<_> = Reader::open(data)?.volumes().collect();
    let unsealed = volumes.iter().filter(|volume| volume.end.is_some() && volume.sealed.is_none()).count();
    ensure!(unsealed == 0, "{unsealed} volumes were not sealed");
    Ok(volumes.into_iter().filter_map(|volume| volume.sealed).collect())
}
