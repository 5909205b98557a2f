//! How far each sink has come, kept over restarts and kills.
//!
//! ```text
//! DATA/audit/HASH.position   HASH: of where to, form and types, 16 hex digits
//!
//! sledger audit position 1
//! seq SEQ                    everything up to it was looked at, and confirmed where it was wanted
//! last SEQ                   the last event that was sent; 0 for none
//! to TO
//! check HEX                  BLAKE3 of the lines before
//! ```
//!
//! Invariants: a position is replaced whole, and durable before it counts; one that was changed is an error, never a
//! guess.

use super::AuditError;
use sledger_wire::config::{Audit as SinkConfig, AuditFormat};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

const HEAD: &str = "sledger audit position 1\n";
/// Longer than any position.
const BYTES_MAX: u64 = 16 << 10;
/// Files in the folder that are looked at.
const FILES_MAX: usize = 4_096;

/// How far a sink has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Everything up to this event was looked at, and sent where it was wanted.
    pub(super) seq: u64,
    /// The last event that was sent; 0 for none.
    pub(super) last: u64,
}

/// The positions of a ledger's sinks.
#[derive(Clone, Debug)]
pub(super) struct Positions {
    dir: PathBuf,
}

impl Positions {
    pub(super) fn new(data: &Path) -> Self {
        Self { dir: data.join("audit") }
    }

    /// The position of `config`: its own, else that of a sink which is none of `all` and went to the same place.
    pub(super) fn find(&self, config: &SinkConfig, all: &[SinkConfig]) -> Result<Option<Mark>, AuditError> {
        let path = self.path(config);
        if let Some((mark, _)) = read(&path)? {
            return Ok(Some(mark));
        }
        let to = to_text(config);
        for left in self.left_by(all)? {
            match read(&left)? {
                Some((mark, was)) if was == to => {
                    self.store(config, mark)?;
                    return Ok(Some(mark));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Notes how far a sink has come; durable when this returns.
    pub(super) fn store(&self, config: &SinkConfig, mark: Mark) -> Result<(), AuditError> {
        let path = self.path(config);
        replace(&self.dir, &path, &text(mark, &to_text(config)))
            .map_err(|source| AuditError::Io { path, source })
    }

    /// Removes the positions of sinks that are none of `all`.
    pub(super) fn forget_all_but(&self, all: &[SinkConfig]) -> Result<(), AuditError> {
        for path in self.left_by(all)? {
            fs::remove_file(&path).map_err(|source| AuditError::Io { path, source })?;
        }
        Ok(())
    }

    fn left_by(&self, all: &[SinkConfig]) -> Result<Vec<PathBuf>, AuditError> {
        let failed = |source| AuditError::Io { path: self.dir.clone(), source };
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut left = Vec::new();
        for entry in entries.take(FILES_MAX) {
            let path = entry.map_err(failed)?.path();
            let is_ours = path.extension().is_some_and(|end| end == "position");
            if is_ours && all.iter().all(|sink| self.path(sink) != path) {
                left.push(path);
            }
        }
        Ok(left)
    }

    fn path(&self, config: &SinkConfig) -> PathBuf {
        let format = match config.format {
            AuditFormat::Json => "json",
            AuditFormat::Cef => "cef",
            AuditFormat::Text => "text",
        };
        let mut hasher = blake3::Hasher::new();
        for part in
            [to_text(config).as_str(), format].into_iter().chain(config.types.iter().map(String::as_str))
        {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        let name: String = hasher.finalize().to_hex().chars().take(16).collect();
        self.dir.join(format!("{name}.position"))
    }
}

/// Where a sink goes, on one line.
fn to_text(config: &SinkConfig) -> String {
    config.to.to_string().escape_debug().to_string()
}

fn text(mark: Mark, to: &str) -> String {
    let body = format!("{HEAD}seq {}\nlast {}\nto {to}\n", mark.seq, mark.last);
    let check = blake3::hash(body.as_bytes()).to_hex();
    format!("{body}check {check}\n")
}

/// The position in a file and where it goes; `None` without a file.
fn read(path: &Path) -> Result<Option<(Mark, String)>, AuditError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => parse(&text).map(Some).ok_or_else(|| AuditError::Damaged { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(AuditError::Damaged { path: path.to_owned() })
        }
        Err(source) => Err(AuditError::Io { path: path.to_owned(), source }),
    }
}

fn parse(found: &str) -> Option<(Mark, String)> {
    let mut lines = found.strip_prefix(HEAD)?.lines();
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let (seq, last) = (field("seq")?.parse().ok()?, field("last")?.parse().ok()?);
    let to = field("to")?.to_owned();
    let mark = Mark { seq, last };
    (text(mark, &to) == found).then_some((mark, to))
}

fn replace(dir: &Path, path: &Path, text: &str) -> io::Result<()> {
    let is_new = !path.exists();
    if is_new {
        fs::create_dir_all(dir)?;
    }
    let tmp = path.with_extension("tmp");
    let mut file = File::create(&tmp)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&tmp, path)?;
    // Later on the older one would do too: it only has more sent again.
    if is_new { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_wire::config::AuditTarget;

    fn config(types: &[&str]) -> SinkConfig {
        let types = types.iter().map(ToString::to_string).collect();
        SinkConfig { to: AuditTarget::Stdout, format: AuditFormat::Json, types }
    }

    #[test]
    fn position_is_read_as_it_was_stored() {
        let dir = tempfile::tempdir().unwrap();
        let (positions, config) = (Positions::new(dir.path()), config(&["*"]));
        assert_eq!(positions.find(&config, &[]).unwrap(), None);
        for seq in [7, 1_000_000] {
            let mark = Mark { seq, last: seq - 1 };
            positions.store(&config, mark).unwrap();
            assert_eq!(positions.find(&config, &[]).unwrap(), Some(mark));
        }
    }

    #[test]
    fn changed_position_is_refused_by_name_wherever_it_was_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (positions, config) = (Positions::new(dir.path()), config(&["*"]));
        positions.store(&config, Mark { seq: 120, last: 99 }).unwrap();
        let path = positions.path(&config);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert!(matches!(positions.find(&config, &[]), Err(AuditError::Damaged { .. })), "{at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(matches!(positions.find(&config, &[]), Err(AuditError::Damaged { .. })), "{at}");
        }
    }

    #[test]
    fn other_types_to_the_same_place_go_on_where_it_was_and_the_old_position_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let (positions, before, after) = (Positions::new(dir.path()), config(&["login.*"]), config(&["*"]));
        let mark = Mark { seq: 5, last: 5 };
        positions.store(&before, mark).unwrap();
        assert_eq!(
            positions.find(&after, &[before.clone(), after.clone()]).unwrap(),
            None,
            "both are configured"
        );
        assert_eq!(positions.find(&after, std::slice::from_ref(&after)).unwrap(), Some(mark));
        positions.forget_all_but(std::slice::from_ref(&after)).unwrap();
        assert!(!positions.path(&before).exists() && positions.path(&after).exists());
    }
}
