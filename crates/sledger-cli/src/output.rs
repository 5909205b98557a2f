//! What is written and where: data to one writer, talk to another.

use crate::exit::ReaderGone;
use anyhow::{Error, Result};
use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// The form of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// JSON for programs.
    Json,
}

/// Where data and talk go.
pub(crate) struct Output<'w> {
    data: &'w mut dyn Write,
    talk: &'w mut dyn Write,
    format: Format,
}

impl<'w> Output<'w> {
    /// Data to `data` in `format`, talk to `talk`.
    pub(crate) fn new(data: &'w mut dyn Write, talk: &'w mut dyn Write, format: Format) -> Self {
        Self { data, talk, format }
    }

    /// Whether JSON is asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A line of data. What strangers named must be escaped already.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.data, "{text}").map_err(gone)
    }

    /// Text of data that ends its own lines.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.data.write_all(text.as_bytes()).map_err(gone)
    }

    /// Data that is no text.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.data.write_all(bytes).map_err(gone)
    }

    /// One line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value)?;
        self.line(&text)
    }

    /// Hands on what was written so far.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.data.flush().map_err(gone)
    }

    /// A line of talk. Nobody has to listen.
    pub(crate) fn say(&mut self, text: &str) {
        let _unheard = writeln!(self.talk, "{text}");
    }
}

fn gone(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => ReaderGone.into(),
        _ => Error::from(error).context("cannot write the output"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{Exit, explain};

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_success() {
        let (mut closed, mut talk) = (Closed, Vec::new());
        let mut out = Output::new(&mut closed, &mut talk, Format::Text);
        let error = out.line("a").unwrap_err();
        assert_eq!(explain(&error), (Exit::Ok, Vec::new()));
    }
}
