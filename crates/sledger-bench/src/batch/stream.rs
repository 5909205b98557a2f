//! One batch: lines out on one thread, answers in on another, counted as they come.

use anyhow::{Context, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long nothing may come.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Bytes of one chunk of answers at most.
const CHUNK_BYTES_MAX: u64 = 16 << 20;

/// What the answers say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) lines: u64,
    pub(super) admitted: u64,
    pub(super) evicted: u64,
}

impl Told {
    pub(super) const fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.admitted += other.admitted;
        self.evicted += other.evicted;
    }

    /// Whole lines.
    fn take(&mut self, lines: &[u8]) {
        let count = |what: &[u8]| memchr::memmem::find_iter(lines, what).count() as u64;
        self.lines += memchr::memchr_iter(b'\n', lines).count() as u64;
        self.admitted += count(b"\"outcome\":\"admitted\"");
        self.evicted += count(b"\"evicted\":[\"");
    }
}

/// Posts `body`, and reads all answers.
pub(super) fn post(port: u16, body: &[u8]) -> anyhow::Result<Told> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connect to the server")?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let mut out = stream.try_clone()?;
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            write!(
                out,
                "POST /v1/batch HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                 content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
                body.len()
            )?;
            out.write_all(body)
        });
        let told = answers(BufReader::with_capacity(64 << 10, stream));
        match sending.join() {
            Ok(sent) => sent.context("send a batch")?,
            Err(_) => bail!("the thread that sends a batch panicked"),
        }
        told
    })
}

/// Head and chunks. A chunk may end within a line.
fn answers(mut from: impl BufRead) -> anyhow::Result<Told> {
    let status = line(&mut from)?;
    ensure!(status.split(' ').nth(1) == Some("200"), "a batch was answered `{}`", status.escape_debug());
    while !line(&mut from)?.is_empty() {}
    let (mut told, mut rest) = (Told::default(), Vec::new());
    loop {
        let length = u64::from_str_radix(&line(&mut from)?, 16).context("the length of a chunk")?;
        ensure!(length <= CHUNK_BYTES_MAX, "a chunk of {length} bytes");
        from.by_ref().take(length).read_to_end(&mut rest)?;
        ensure!(line(&mut from)?.is_empty(), "a chunk that does not end");
        let whole = memchr::memrchr(b'\n', &rest).map_or(0, |at| at + 1);
        told.take(rest.get(..whole).unwrap_or_default());
        rest.drain(..whole);
        if length == 0 {
            ensure!(rest.is_empty(), "the last answer is not whole");
            return Ok(told);
        }
    }
}

fn line(from: &mut impl BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    from.by_ref().take(4096).read_line(&mut line)?;
    line.strip_suffix("\r\n").map(str::to_owned).context("the server hung up, or sent too long a line")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_over_chunks() {
        let text: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
            1f\r\n{\"outcome\":\"admitted\",\"evicted\"\r\n\
            2b\r\n:[]}\n{\"outcome\":\"admitted\",\"evicted\":[\"a\"]}\r\n\
            1\r\n\n\r\n0\r\n\r\n";
        assert_eq!(answers(text).unwrap(), Told { lines: 2, admitted: 2, evicted: 1 });
        assert!(answers(&text[..text.len() - 12]).is_err(), "the end is missing");
        assert!(answers(&b"HTTP/1.1 503 Busy\r\n\r\n"[..]).is_err());
    }
}
