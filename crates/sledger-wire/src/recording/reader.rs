//! A recording line by line, each line bounded, time never running back.

use super::{LINE_BYTES_MAX, Line, Malformed, Reading, parse};
use sledger_core::Millis;
use std::io::{self, BufRead, Read as _};

/// Reads the lines of a recording. Empty lines are passed over but counted.
#[derive(Debug)]
pub struct Reader<R> {
    name: String,
    input: R,
    reading: Reading,
    line: u64,
    before: Millis,
    stopped: bool,
}

/// Why a recording was not read to its end: the file, the line, the reason.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {why}")]
pub struct Stop {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong.
    #[source]
    pub why: Stopped,
}

/// What stopped the reading.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The line.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The input.
    #[error("cannot be read: {0}")]
    Input(#[from] io::Error),
}

impl<R: BufRead> Reader<R> {
    /// Reads `input`, which complaints call `name`.
    pub fn new(name: impl Into<String>, input: R, reading: Reading) -> Self {
        Self { name: name.into(), input, reading, line: 0, before: Millis(0), stopped: false }
    }

    fn read(&mut self) -> Result<Option<Line>, Stopped> {
        let mut bytes = Vec::new();
        loop {
            self.line += 1;
            bytes.clear();
            // One more than a line may have, and its end.
            let bound = LINE_BYTES_MAX as u64 + 2;
            if (&mut self.input).take(bound).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            let line = trimmed(&bytes, self.line);
            if line.len() > LINE_BYTES_MAX {
                return Err(Malformed::TooLong.into());
            }
            if !line.is_empty() {
                return self.checked(parse(line, &self.reading)?).map(Some);
            }
        }
    }

    fn checked(&mut self, line: Line) -> Result<Line, Stopped> {
        if line.at.at < self.before {
            return Err(Malformed::RunsBack { given: line.at.at.0, before: self.before.0 }.into());
        }
        self.before = line.at.at;
        Ok(line)
    }
}

/// The line without its end, and without the mark that some editors put before the first.
fn trimmed(bytes: &[u8], line: u64) -> &[u8] {
    let bytes = if line == 1 { bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes) } else { bytes };
    bytes.trim_ascii()
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<(u64, Line), Stop>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stopped {
            return None;
        }
        match self.read() {
            Ok(line) => line.map(|line| Ok((self.line, line))),
            Err(why) => {
                self.stopped = true;
                Some(Err(Stop { file: self.name.clone(), line: self.line, why }))
            }
        }
    }
}
