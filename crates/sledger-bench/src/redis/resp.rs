//! As much of the Redis protocol as the peer's harness needs: commands out, plain replies in.

use anyhow::{Context, bail};
use std::io::{BufRead, Read, Write};

/// Bytes of a reply that are read at most.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// A reply that is not an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A number.
    Int(i64),
    /// Text; empty when there is none.
    Text(Vec<u8>),
}

/// Appends a command to `out`.
pub(crate) fn command(out: &mut Vec<u8>, words: &[&[u8]]) -> std::io::Result<()> {
    write!(out, "*{}\r\n", words.len())?;
    for word in words {
        write!(out, "${}\r\n", word.len())?;
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    Ok(())
}

/// Reads one reply.
pub(crate) fn reply(from: &mut impl BufRead) -> anyhow::Result<Reply> {
    let mut line = String::new();
    from.by_ref().take(1024).read_line(&mut line)?;
    let line = line.strip_suffix("\r\n").context("Redis hung up, or sent too long a line")?;
    let mut rest = line.chars();
    let kind = rest.next().context("an empty reply of Redis")?;
    let rest = rest.as_str();
    match kind {
        '+' => Ok(Reply::Text(rest.as_bytes().to_vec())),
        ':' => Ok(Reply::Int(rest.parse()?)),
        '$' if rest == "-1" => Ok(Reply::Text(Vec::new())),
        '$' => text(from, rest.parse()?),
        '-' => bail!("Redis says: {}", rest.escape_debug()),
        _ => bail!("a reply of Redis that was not expected: {}", line.escape_debug()),
    }
}

fn text(from: &mut impl Read, bytes: usize) -> anyhow::Result<Reply> {
    if bytes > REPLY_BYTES_MAX {
        bail!("a reply of {bytes} bytes");
    }
    let mut text = vec![0; bytes + 2];
    from.read_exact(&mut text)?;
    text.truncate(bytes);
    Ok(Reply::Text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_an_array_of_counted_words() {
        let mut out = Vec::new();
        command(&mut out, &[b"GET", b"a\r\nb"]).unwrap();
        assert_eq!(out, b"*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n");
    }

    #[test]
    fn replies_are_read_one_after_another() {
        let mut from: &[u8] = b":1\r\n+OK\r\n$4\r\na\r\nb\r\n$-1\r\n-ERR no\r\n";
        assert_eq!(reply(&mut from).unwrap(), Reply::Int(1));
        assert_eq!(reply(&mut from).unwrap(), Reply::Text(b"OK".to_vec()));
        assert_eq!(reply(&mut from).unwrap(), Reply::Text(b"a\r\nb".to_vec()));
        assert_eq!(reply(&mut from).unwrap(), Reply::Text(Vec::new()));
        assert_eq!(reply(&mut from).unwrap_err().to_string(), "Redis says: ERR no");
        assert!(reply(&mut from).is_err(), "the end is no reply");
    }
}
