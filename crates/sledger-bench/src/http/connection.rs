//! As much of HTTP/1.1 as a client of ours needs that must not be slower than the server.

use anyhow::{Context, ensure};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// How long an answer may take: longer than the ledger takes to give up.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Bytes of an answer at most, head and body.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A connection that stays open.
pub(super) struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    /// To a server on this machine.
    pub(super) fn open(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("connect to the server")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        Ok(Self { stream, out: Vec::new(), answer: vec![0; 4096] })
    }

    /// Sends a login. Names are those of a bench: nothing in them needs escaping.
    pub(super) fn send_login(&mut self, user: &str, session: &str) -> anyhow::Result<()> {
        let length = r#"{"user":"","session":""}"#.len() + user.len() + session.len();
        self.out.clear();
        write!(
            self.out,
            "POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{{\"user\":\"{user}\",\"session\":\"{session}\"}}"
        )?;
        Ok(self.stream.write_all(&self.out)?)
    }

    /// Reads a whole answer; its status.
    pub(super) fn status(&mut self) -> anyhow::Result<u16> {
        let mut filled = 0;
        loop {
            let free = self.answer.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(free).context("read an answer")?;
            ensure!(read > 0, "the server hung up");
            filled += read;
            if let Some((status, length)) = whole(self.answer.get(..filled).unwrap_or_default())? {
                if filled >= length {
                    ensure!(filled == length, "more than one answer to one request");
                    return Ok(status);
                }
                ensure!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
            }
            if filled == self.answer.len() {
                ensure!(filled < ANSWER_BYTES_MAX, "an answer of more than {filled} bytes");
                self.answer.resize(filled * 2, 0);
            }
        }
    }
}

/// Status and length of the answer that begins here; `None` while its head is not there.
fn whole(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default()).context("the head of an answer")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("an answer without status")?;
    let fields = lines.filter_map(|line| line.split_once(':'));
    let length =
        fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value).next();
    let length: usize = length.context("an answer that does not say how long it is")?.trim().parse()?;
    Ok(Some((status.parse()?, (end + 4).saturating_add(length))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_ends_where_its_head_says() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\n{}";
        assert_eq!(whole(answer).unwrap(), Some((201, answer.len())));
        assert_eq!(whole(&answer[..30]).unwrap(), None);
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "a length is needed");
        assert!(whole(b"nonsense\r\ncontent-length: 1\r\n\r\nx").is_err());
    }
}
