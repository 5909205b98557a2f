//! Where a reading verb reads: exactly one of `--connect`, `--data`, `--recording`.

use crate::args::Global;
use crate::exit::Usage;
use anyhow::Result;
use std::path::PathBuf;

/// The ledger that is asked when nobody names one.
const CONNECT_DEFAULT: &str = "http://127.0.0.1:7070";

/// A served ledger, a ledger at rest, or a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whence {
    /// A served ledger, by URL.
    Connect(String),
    /// A ledger at rest, by directory.
    Data(PathBuf),
    /// A recording, by file.
    Recording(PathBuf),
}

impl Whence {
    /// The one that the flags name.
    pub(crate) fn of(global: &Global) -> Result<Self> {
        match (&global.connect, &global.data, &global.recording) {
            (None, None, Some(file)) => Ok(Self::Recording(file.clone())),
            (None, Some(data), None) => Ok(Self::Data(data.clone())),
            (url, None, None) => Ok(Self::Connect(url.clone().unwrap_or_else(connect_default))),
            _ => Err(Usage::error("give only one of --connect URL, --data DIR, --recording FILE")),
        }
    }

    /// The served ledger, for verbs that ask one.
    pub(crate) fn url(global: &Global) -> Result<String> {
        match Self::of(global)? {
            Self::Connect(url) => Ok(url),
            Self::Data(_) | Self::Recording(_) => {
                Err(Usage::error("this verb asks a served ledger: use --connect URL"))
            }
        }
    }
}

fn connect_default() -> String {
    let named = std::env::var("SLEDGER_CONNECT").ok().filter(|url| !url.is_empty());
    named.unwrap_or_else(|| CONNECT_DEFAULT.to_owned())
}
