//! A file of the past, opened, with its beginning at hand: what it is, is told from that.

use anyhow::{Context, Result};
use std::io::{BufRead, Cursor, Read as _};
use std::path::Path;

/// Bytes that are looked at before a file is read.
const BEGINNING_BYTES: u64 = 1 << 16;

/// An open file, of which nothing is read yet.
pub(crate) struct Opened {
    /// What it is called.
    pub(crate) name: String,
    beginning: Vec<u8>,
    rest: Box<dyn BufRead + Send>,
}

impl Opened {
    /// Opens `path`; `-` is stdin.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let mut rest = crate::lines::open(path)?;
        let mut beginning = Vec::new();
        let read = (&mut rest).take(BEGINNING_BYTES).read_to_end(&mut beginning);
        read.with_context(|| format!("cannot read `{name}`"))?;
        Ok(Self { name, beginning, rest })
    }

    /// What it begins with: all of a short file.
    pub(crate) fn beginning(&self) -> &[u8] {
        &self.beginning
    }

    /// The whole of it.
    pub(crate) fn into_input(self) -> Box<dyn BufRead + Send> {
        Box::new(Cursor::new(self.beginning).chain(self.rest))
    }
}
