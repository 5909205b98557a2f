//! A configuration that was refused: every fault, one line each.

use crate::fields::Fault;
use crate::tree::Place;
use std::fmt;
use std::path::{Path, PathBuf};

/// A configuration that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, where there is one.
    pub file: Option<PathBuf>,
    /// What is wrong; at least one.
    pub faults: Vec<Fault>,
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    /// One line per fault: ``sledger.toml:12: `quota[0].max_sessions` …``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&fault.line(self.file.as_deref()))?;
        }
        Ok(())
    }
}

impl Fault {
    /// Place, key, reason and suggestion in one line.
    #[must_use]
    pub fn line(&self, file: Option<&Path>) -> String {
        let place = self.place.shown(file);
        match self.key.as_str() {
            "" => format!("{place}{}", self.text()),
            key => format!("{place}`{key}`: {}", self.text()),
        }
    }
}

impl Place {
    /// `sledger.toml:12: `, `SLEDGER__SERVER__LISTEN: `, `--listen: ` or nothing.
    fn shown(&self, file: Option<&Path>) -> String {
        let name = file.map_or_else(|| "configuration".into(), |file| file.display().to_string());
        match (self, file) {
            (Self::Line(line), _) => format!("{name}:{line}: "),
            (Self::Environment(variable), _) => format!("{variable}: "),
            (Self::Flag(key), _) => format!("{}: ", flag(key)),
            (Self::Nowhere, Some(_)) => format!("{name}: "),
            (Self::Nowhere, None) => String::new(),
        }
    }
}

/// The flag for a dotted key: its last part.
pub(super) fn flag(key: &str) -> String {
    format!("--{}", key.rsplit('.').next().unwrap_or(key))
}
