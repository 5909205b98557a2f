//! Batches: any number of lines, sent in pieces, answered in order.

use crate::client::Client;
use crate::error::ClientError;
use crate::login::fields;
use reqwest::blocking::Response;
use serde_json::Value;
use sledger_core::command::Request;
use sledger_wire::answer::AnswerLine;
use std::io::{BufRead as _, BufReader};

/// Lines sent at once.
const LINES_MAX: usize = 4_096;
/// Bytes after which no more lines are added to those that are sent at once.
const BYTES_ENOUGH: usize = 512 << 10;

/// The line of a batch that asks for `request`; `None` for what never was a command.
#[must_use]
pub fn batch_line(request: &Request) -> Option<String> {
    fields(request).map(|fields| Value::Object(fields).to_string())
}

impl Client {
    /// Sends `lines`, one JSON object each, and gives their answers in order. Nothing is sent before the first
    /// answer is asked for; lines are sent in pieces, each once the one before is answered.
    pub fn batch<I>(&self, lines: I) -> Answers<I::IntoIter>
    where
        I: IntoIterator<Item = String>,
    {
        Answers { client: self.clone(), lines: lines.into_iter(), open: None, is_over: false }
    }
}

/// The answers of a batch; ends after the first error.
#[derive(Debug)]
pub struct Answers<I> {
    client: Client,
    lines: I,
    /// What is being answered, and how many answers are still to come.
    open: Option<(BufReader<Response>, usize)>,
    is_over: bool,
}

impl<I: Iterator<Item = String>> Answers<I> {
    fn advance(&mut self) -> Result<Option<AnswerLine>, ClientError> {
        loop {
            let Some((answers, left)) = &mut self.open else {
                if self.send()? {
                    continue;
                }
                return Ok(None);
            };
            if *left == 0 {
                self.open = None;
                continue;
            }
            let mut line = String::new();
            let read = answers.read_line(&mut line).map_err(|source| self.client.broken_off(source))?;
            if read == 0 {
                let source = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                return Err(self.client.broken_off(source));
            }
            *left -= 1;
            let answer = serde_json::from_str(&line);
            return answer.map(Some).map_err(|error| self.client.strange(&format!("{error} in {line}")));
        }
    }

    /// Sends the next lines; false when there are none.
    fn send(&mut self) -> Result<bool, ClientError> {
        let mut body = String::new();
        let mut count = 0;
        while count < LINES_MAX && body.len() < BYTES_ENOUGH {
            let Some(line) = self.lines.next() else { break };
            // A line break within would make two lines of it, an empty line none.
            let line = line.replace(['\r', '\n'], " ");
            if !line.trim().is_empty() {
                body.push_str(&line);
                body.push('\n');
                count += 1;
            }
        }
        if count == 0 {
            return Ok(false);
        }
        let url = self.client.path(&["v1", "batch"])?;
        let request = self.client.quick().post(url).header("content-type", "application/x-ndjson");
        self.open = Some((BufReader::new(self.client.asked(request.body(body))?), count));
        Ok(true)
    }
}

impl<I: Iterator<Item = String>> Iterator for Answers<I> {
    type Item = Result<AnswerLine, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.advance().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}
