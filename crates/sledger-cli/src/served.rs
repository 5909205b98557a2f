//! What a served ledger says of itself, as the log knows it: its id, and the state that its history begins with.

use crate::verbs::asking::Asking;
use anyhow::{Context, Result, anyhow, bail};
use rustix::fs::{MemfdFlags, memfd_create};
use sledger_client::LedgerStats;
use sledger_core::log::Head;
use sledger_core::{Seq, State};
use sledger_log::{Begins, Gone, LedgerId, Meta, SnapshotReader};
use sledger_replay::history;
use sledger_wire::keeping::BeginsObject;
use sledger_wire::values::time;
use std::fs::File;
use std::io::{self, Read, Seek};

/// The state that a served history begins with.
pub(crate) struct ServedBase {
    /// Where the log stands before the first event that is there.
    pub(crate) head: Head,
    /// The state there.
    pub(crate) state: State,
}

/// What the ledger is.
pub(crate) fn meta(stats: &LedgerStats) -> Result<Meta> {
    let (Some(ledger), Some(created)) = (&stats.ledger, &stats.created) else {
        bail!("the ledger is in memory: it keeps no blocks");
    };
    Ok(Meta {
        ledger: LedgerId(unhex(ledger)?),
        partition: stats.partition.unwrap_or_default(),
        created: time(created).map_err(|reason| anyhow!("created: {}", reason.0))?,
        seal_personal: stats.seal_personal.unwrap_or_default(),
        program: stats.program.clone().unwrap_or_default(),
    })
}

/// Where its history begins.
pub(crate) fn begins(told: &BeginsObject) -> Result<Begins> {
    let at = |text: &str| time(text).map_err(|reason| anyhow!("begins: {}", reason.0));
    Ok(Begins {
        volume: 1,
        head: Head { seq: Seq(told.seq), hash: unhex(&told.hash)?, at: at(&told.at)?, token: 0 },
        epoch: told.epoch,
        base: unhex(&told.base)?,
        why: if told.why == Gone::Archived.as_str() { Gone::Archived } else { Gone::Dropped },
        when: at(&told.when)?,
    })
}

/// Fetches the base and checks that it is the one that is named. It is kept in memory.
pub(crate) fn base(asking: &Asking, told: &BeginsObject) -> Result<ServedBase> {
    let begins = begins(told)?;
    let file = fetched(&mut asking.base_file()?).context("cannot read the base")?;
    let hash = hash(&file).context("cannot read the base")?;
    if hash != begins.base {
        bail!("the base that the server sent is not the one that it names: ask again");
    }
    let state = SnapshotReader::of(file).map_err(|error| error.to_string()).and_then(history::base);
    let state = state.map_err(|reason| anyhow!("the base cannot be used: {reason}"))?;
    Ok(ServedBase { head: begins.head, state })
}

fn fetched(input: &mut impl Read) -> io::Result<File> {
    let mut file = File::from(memfd_create("sledger-base", MemfdFlags::CLOEXEC)?);
    io::copy(input, &mut file)?;
    file.rewind()?;
    Ok(file)
}

fn hash(file: &File) -> io::Result<[u8; 32]> {
    let mut file = file;
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut file, &mut hasher)?;
    file.rewind()?;
    Ok(*hasher.finalize().as_bytes())
}

fn unhex<const N: usize>(text: &str) -> Result<[u8; N]> {
    let odd = || anyhow!("`{}` is not {N} bytes in hex", sledger_wire::escape(text));
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.is_ascii() {
        return Err(odd());
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(index * 2..index * 2 + 2).ok_or_else(odd)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| odd())?;
    }
    Ok(bytes)
}
