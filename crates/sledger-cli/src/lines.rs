//! Lines of a file or of stdin, each bounded.

use anyhow::{Context, Result, bail};
use sledger_wire::recording::LINE_BYTES_MAX;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, stdin};
use std::path::Path;

/// The lines of something named, counted from 1, without their ends.
pub(crate) struct Lines {
    /// What the input is called.
    pub(crate) name: String,
    input: Box<dyn BufRead + Send>,
    count: u64,
    bytes: Vec<u8>,
    /// Whether the line in `bytes` was only looked at.
    is_peeked: bool,
    /// Bytes read so far.
    pub(crate) bytes_read: u64,
}

/// Opens `path` as bytes; `-` is stdin.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(BufReader::new(stdin())));
    }
    let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

impl Lines {
    /// Opens `path`; `-` is stdin.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Ok(Self::of(path.display().to_string(), open(path)?))
    }

    /// The lines of `input`, which complaints call `name`.
    pub(crate) fn of(name: String, input: Box<dyn BufRead + Send>) -> Self {
        Self { name, input, count: 0, bytes: Vec::new(), is_peeked: false, bytes_read: 0 }
    }

    /// Whether the line read last has no end.
    pub(crate) fn is_cut(&self) -> bool {
        !self.bytes.is_empty() && !self.bytes.ends_with(b"\n")
    }

    /// The first byte, while no line was read; `None` where there is none.
    pub(crate) fn first_byte(&mut self) -> Result<Option<u8>> {
        let bytes = self.input.fill_buf().with_context(|| format!("cannot read `{}`", self.name))?;
        Ok(bytes.first().copied())
    }

    /// What is left to read, as bytes.
    pub(crate) fn into_input(self) -> Box<dyn BufRead + Send> {
        self.input
    }

    /// The next line that is not empty, which comes again with [`Lines::next`].
    pub(crate) fn peek(&mut self) -> Result<Option<&[u8]>> {
        self.is_peeked = self.next()?.is_some();
        Ok(self.is_peeked.then(|| self.line()))
    }

    /// The next line that is not empty, with its number.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        if std::mem::take(&mut self.is_peeked) {
            return Ok(Some((self.count, self.line())));
        }
        while self.read()? {
            if !self.line().is_empty() {
                return Ok(Some((self.count, self.line())));
            }
        }
        Ok(None)
    }

    /// The next line, also when it is empty, with its number.
    pub(crate) fn next_or_blank(&mut self) -> Result<Option<(u64, &[u8])>> {
        Ok(self.read()?.then(|| (self.count, self.line())))
    }

    /// Reads one line; false at the end.
    fn read(&mut self) -> Result<bool> {
        self.count += 1;
        self.bytes.clear();
        // One more than a line may have, and its end.
        let mut bounded = (&mut self.input).take(LINE_BYTES_MAX as u64 + 2);
        let read = bounded.read_until(b'\n', &mut self.bytes);
        let read = read.with_context(|| format!("cannot read `{}`", self.name))?;
        self.bytes_read += self.bytes.len() as u64;
        if self.bytes.len() > LINE_BYTES_MAX + 1 {
            bail!("{}:{}: is longer than {LINE_BYTES_MAX} bytes", self.name, self.count);
        }
        Ok(read > 0)
    }

    /// The line without its end, and without the mark that some editors put before the first.
    fn line(&self) -> &[u8] {
        let bytes = self.bytes.as_slice();
        let bytes =
            if self.count == 1 { bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes) } else { bytes };
        bytes.trim_ascii()
    }
}
