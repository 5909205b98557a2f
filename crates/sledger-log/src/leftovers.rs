//! What a kill while a volume was being sealed leaves behind.
//!
//! ```text
//! NNNNNN.sealed.tmp      half written: removed
//! NNNNNN.sealed, NNNNNN/ the folder counts; sealing looks at the file again
//! NNNNNN.sealed, .gone/  the file was checked before the folder got this name:
//!                        it is checked again, then the folder is removed
//! ```
//!
//! And a drop or an archiving: volumes before the one that the mark `begin` names are removed, as are bases that no
//! mark names; see `begins`.
//!
//! Invariant: a folder goes only when its sealed file was read whole just before.

use crate::begins::Begins;
use crate::dir::{self, Meta};
use crate::files;
use crate::seal::{SealedFault, check_whole};
use crate::snapshots::Bases;
use crate::source;
use std::fs;
use std::io;
use std::path::Path;

/// Puts the folder of volumes in order. Nobody else may write to it.
pub(crate) fn settle(dir: &Path, meta: &Meta) -> io::Result<()> {
    let begins = Begins::read(dir, meta.ledger).map_err(|error| io::Error::other(error.to_string()))?;
    if let Some(begins) = &begins {
        Bases::new(dir, meta).keep_only(begins.head.seq)?;
    }
    let found = match files::entries(&dir::volumes_path(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    for path in found {
        let name = files::name(&path);
        let is_before = |no: &u32| begins.as_ref().is_some_and(|begins| *no < begins.volume);
        if let Some(no) = name.strip_suffix(".sealed").and_then(dir::number).filter(is_before) {
            tracing::info!(volume = no, "a volume that was about to go is removed");
            files::remove(&path)?;
        } else if name.ends_with(".sealed.tmp") {
            files::remove(&path)?;
        } else if let Some(no) = name.strip_suffix(".gone").and_then(dir::number) {
            settle_gone(dir, meta, no, &path)?;
        }
    }
    Ok(())
}

fn settle_gone(dir: &Path, meta: &Meta, no: u32, gone: &Path) -> io::Result<()> {
    let sealed = dir::sealed_path(dir, no);
    match check_whole(&sealed, &source::name(meta, no), None, &|| false) {
        Ok(_) => remove_gone(gone),
        Err(fault) => restore(dir, no, gone, &fault),
    }
}

/// Its sealed file cannot stand for a folder that is still whole: the folder counts again.
fn restore(dir: &Path, no: u32, gone: &Path, fault: &SealedFault) -> io::Result<()> {
    let (folder, sealed) = (dir::volume_path(dir, no), dir::sealed_path(dir, no));
    if folder.exists() || !gone.join("end").exists() {
        tracing::warn!(volume = no, %fault, "a folder is left beside a sealed file that cannot be trusted");
        return Ok(());
    }
    tracing::warn!(volume = no, %fault, "a sealed file cannot be trusted and is set aside: its folder counts again");
    if sealed.exists() {
        dir::set_aside(&sealed)?;
    }
    files::rename(gone, &folder)
}

/// Removes the folder of a sealed volume. Its end mark goes first: with it the folder is known to be whole.
pub(crate) fn remove_gone(gone: &Path) -> io::Result<()> {
    files::remove(&gone.join("end"))?;
    fs::remove_dir_all(gone)?;
    files::sync_dir(gone.parent().unwrap_or(gone))
}
