//! The data directory: what the ledger is, which volumes it has, how they end.
//!
//! `ledger.toml` (written once): `format`, `ledger`, `partition`, `created`
//! (ms since the Unix epoch), `seal_personal`, `program`. `end` in a volume:
//! `ledger`, `volume`, `first`, `last`, `at`, `epoch`, `hash`; `first` is
//! `last + 1` when the volume is empty. `clean`: `ledger`, `volume`, `seq`, `at`,
//! `epoch`, `hash`, `files` (zeros where the volume is not taken up again). All three are marks, see `mark`.

use crate::block::LedgerId;
use crate::error::OpenError;
use crate::files;
use crate::mark::Mark;
use sledger_core::log::Head;
use sledger_core::{Millis, Seq};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The format of the directory written today.
pub(crate) const DIR_FORMAT: u64 = 1;

/// What a ledger is: fixed when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Its id.
    pub ledger: LedgerId,
    /// Which partition this folder holds.
    pub partition: u32,
    /// When it was made, by the wall clock.
    pub created: Millis,
    /// Whether personal fields are written sealed.
    pub seal_personal: bool,
    /// Version of the program that made it.
    pub program: String,
}

impl Meta {
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        Mark::default()
            .with("format", DIR_FORMAT)
            .with("ledger", self.ledger)
            .with("partition", self.partition)
            .with("created", self.created.0)
            .with("seal_personal", self.seal_personal)
            .with("program", &self.program)
            .write(&meta_path(dir))
    }

    /// What the ledger in `dir` is; `None` where there is none.
    ///
    /// # Errors
    /// [`OpenError`]: what is there cannot be read, was changed, or is of a later format.
    pub fn of(dir: &Path) -> Result<Option<Self>, OpenError> {
        Self::read(dir)
    }

    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = meta_path(dir);
        let bad = |detail| OpenError::BadMark { path: path.clone(), detail };
        let found = Mark::read(&path).map_err(|source| OpenError::io("read", &path, source))?;
        let Some(mark) = found.transpose().map_err(bad)? else { return Ok(None) };
        let format: u64 = mark.number("format").map_err(bad)?;
        if format != DIR_FORMAT {
            return Err(OpenError::Format { dir: dir.to_owned(), found: format, known: DIR_FORMAT });
        }
        Self::from_mark(&mark).map(Some).map_err(bad)
    }

    fn from_mark(mark: &Mark) -> Result<Self, String> {
        Ok(Self {
            ledger: LedgerId(mark.bytes("ledger")?),
            partition: mark.number("partition")?,
            created: Millis(mark.number("created")?),
            seal_personal: mark.number("seal_personal")?,
            program: mark.text("program")?.to_owned(),
        })
    }
}

/// How a volume ends to which nothing is appended any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) first: Seq,
    pub(crate) head: Head,
    /// Epoch of the last block so far.
    pub(crate) epoch: u64,
}

impl End {
    pub(crate) fn write(&self, volume_dir: &Path, ledger: LedgerId, volume: u32) -> io::Result<()> {
        Mark::default()
            .with("ledger", ledger)
            .with("volume", volume)
            .with("first", self.first)
            .with("last", self.head.seq)
            .with("at", self.head.at.0)
            .with("epoch", self.epoch)
            .with_hex("hash", &self.head.hash)
            .write(&volume_dir.join("end"))
    }

    pub(crate) fn read(
        volume_dir: &Path,
        ledger: LedgerId,
        volume: u32,
    ) -> io::Result<Option<Result<Self, String>>> {
        let found = Mark::read(&volume_dir.join("end"))?;
        Ok(found.map(|mark| Self::from_mark(&mark?, ledger, volume)))
    }

    fn from_mark(mark: &Mark, ledger: LedgerId, volume: u32) -> Result<Self, String> {
        of(mark, ledger)?;
        if mark.number::<u32>("volume")? != volume {
            return Err("it belongs to another volume".to_owned());
        }
        let (first, epoch) = (Seq(mark.number("first")?), mark.number("epoch")?);
        Ok(Self { first, head: head(mark, "last")?, epoch })
    }
}

/// How the ledger was closed in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clean {
    pub(crate) volume: u32,
    pub(crate) head: Head,
    /// Epoch of the last block.
    pub(crate) epoch: u64,
    /// [`digest`] of the active volume's folder.
    pub(crate) files: [u8; 32],
}

impl Clean {
    pub(crate) fn write(&self, dir: &Path, ledger: LedgerId) -> io::Result<()> {
        Mark::default()
            .with("ledger", ledger)
            .with("volume", self.volume)
            .with("seq", self.head.seq)
            .with("at", self.head.at.0)
            .with("epoch", self.epoch)
            .with_hex("hash", &self.head.hash)
            .with_hex("files", &self.files)
            .write(&clean_path(dir))
    }

    pub(crate) fn read(dir: &Path, ledger: LedgerId) -> Result<Option<Self>, OpenError> {
        let path = clean_path(dir);
        let found = Mark::read(&path).map_err(|source| OpenError::io("read", &path, source))?;
        found
            .map(|mark| Self::from_mark(&mark?, ledger))
            .transpose()
            .map_err(|detail| OpenError::BadMark { path, detail })
    }

    fn from_mark(mark: &Mark, ledger: LedgerId) -> Result<Self, String> {
        of(mark, ledger)?;
        Ok(Self {
            volume: mark.number("volume")?,
            head: head(mark, "seq")?,
            epoch: mark.number("epoch")?,
            files: mark.bytes("files")?,
        })
    }
}

fn of(mark: &Mark, ledger: LedgerId) -> Result<(), String> {
    match LedgerId(mark.bytes("ledger")?) {
        found if found == ledger => Ok(()),
        found => Err(format!("it belongs to ledger `{found}`")),
    }
}

fn head(mark: &Mark, seq: &str) -> Result<Head, String> {
    let (hash, at) = (mark.bytes("hash")?, Millis(mark.number("at")?));
    Ok(Head { seq: Seq(mark.number(seq)?), hash, at, token: 0 })
}

/// BLAKE3 over name, length and bytes of `conf`, `db` and the snapshots of a volume's folder.
pub(crate) fn digest(volume_dir: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    for path in files::entries(volume_dir)?.into_iter().filter(|path| is_sleds(files::name(path))) {
        let name = files::name(&path);
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        let mut file = std::fs::File::open(&path)?;
        hasher.update(&file.metadata()?.len().to_le_bytes());
        let mut buffer = vec![0; 1024 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hasher.update(bytes);
        }
    }
    Ok(*hasher.finalize().as_bytes())
}

fn is_sleds(name: &str) -> bool {
    name == "conf" || name == "db" || name.starts_with("snap.")
}

pub(crate) fn meta_path(dir: &Path) -> PathBuf {
    dir.join("ledger.toml")
}

pub(crate) fn clean_path(dir: &Path) -> PathBuf {
    dir.join("clean")
}

pub(crate) fn head_path(dir: &Path) -> PathBuf {
    dir.join("head")
}

pub(crate) fn volumes_path(dir: &Path) -> PathBuf {
    dir.join("volumes")
}

pub(crate) fn recovered_path(dir: &Path) -> PathBuf {
    dir.join("recovered")
}

pub(crate) fn salvaged_path(dir: &Path) -> PathBuf {
    dir.join("salvaged")
}

pub(crate) fn checkpoints_path(dir: &Path) -> PathBuf {
    dir.join("checkpoints")
}

/// The folder of a volume.
pub(crate) fn volume_path(dir: &Path, volume: u32) -> PathBuf {
    volumes_path(dir).join(format!("{volume:06}"))
}

/// The folder of a volume with a word behind its number.
pub(crate) fn beside_path(dir: &Path, volume: u32, word: &str) -> PathBuf {
    volumes_path(dir).join(format!("{volume:06}.{word}"))
}

/// The sealed file of a volume.
pub(crate) fn sealed_path(dir: &Path, volume: u32) -> PathBuf {
    beside_path(dir, volume, "sealed")
}

/// Renames something that is damaged out of the way, and keeps it. Its new name.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let named = |word: &str| path.with_file_name(format!("{}.{word}", files::name(path)));
    let mut aside = named("damaged");
    for copy in 2_u32.. {
        if !aside.exists() {
            break;
        }
        aside = named(&format!("damaged{copy}"));
    }
    files::rename(path, &aside)?;
    Ok(aside)
}

/// The numbers of the volumes in `dir`, folders and sealed files, from `first` without gaps. Those before it are
/// about to go.
pub(crate) fn volumes(dir: &Path, first: u32) -> Result<Vec<u32>, OpenError> {
    let numbers: Vec<u32> = match numbers(dir) {
        Ok(numbers) => numbers.into_iter().filter(|no| *no >= first).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(OpenError::io("list", &volumes_path(dir), source)),
    };
    let gap = (first..).zip(&numbers).find(|(expected, number)| expected != *number);
    match gap {
        Some((volume, _)) => Err(OpenError::VolumeMissing { dir: dir.to_owned(), volume }),
        None => Ok(numbers),
    }
}

/// The numbers of the volumes there are, in order.
pub(crate) fn numbers(dir: &Path) -> io::Result<Vec<u32>> {
    let found = files::entries(&volumes_path(dir))?;
    let mut numbers: Vec<u32> = found
        .iter()
        .map(|path| files::name(path))
        .filter_map(|name| number(name.strip_suffix(".sealed").unwrap_or(name)))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// The number that a name is, if it is one.
pub(crate) fn number(name: &str) -> Option<u32> {
    let digits = name.len() >= 6 && name.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| name.parse().ok()).flatten()
}

/// Whether `dir` holds something that is no ledger, nor the beginning of one.
pub(crate) fn is_foreign(dir: &Path) -> io::Result<bool> {
    if meta_path(dir).exists() {
        return Ok(false);
    }
    for path in files::entries(dir)? {
        if !may_be_begun(&path)? {
            // Somebody else may have made the ledger just now.
            return Ok(!meta_path(dir).exists());
        }
    }
    Ok(false)
}

/// Whether `path` may stand in a directory in which a ledger was about to be made.
fn may_be_begun(path: &Path) -> io::Result<bool> {
    match files::name(path) {
        "lock" | "ledger.tmp" | "keys" => Ok(true),
        "volumes" => Ok(files::entries(path)?.is_empty()),
        _ => Ok(false),
    }
}
