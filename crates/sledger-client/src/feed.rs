//! Server-sent events out of bytes.

use std::io::{self, BufRead, Read as _};

/// Bytes of one line at most: an event of the ledger is far shorter.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// One event as it was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Its `event`; empty where it had none.
    pub(crate) kind: String,
    /// Its `data`.
    pub(crate) data: String,
}

/// The next event with data; `None` when the feed ended, or `goes_on` says no. Comments and other fields are passed
/// over.
pub(crate) fn next(input: &mut impl BufRead, goes_on: impl Fn() -> bool) -> io::Result<Option<Sent>> {
    let mut sent = Sent::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        let Some(bytes) = line.strip_suffix(b"\n") else {
            // What has no end was cut off: it comes again after a resume.
            return if line.len() as u64 == LINE_BYTES_MAX { Err(too_long()) } else { Ok(None) };
        };
        let text = String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes));
        if text.is_empty() {
            if !sent.data.is_empty() {
                return Ok(Some(sent));
            }
            if !goes_on() {
                return Ok(None);
            }
            sent = Sent::default();
            continue;
        }
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut sent.kind),
            "data" if sent.data.is_empty() => value.clone_into(&mut sent.data),
            "data" => {
                sent.data.push('\n');
                sent.data.push_str(value);
            }
            _ => {}
        }
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line of the feed is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(String, String)> {
        let mut input = text.as_bytes();
        std::iter::from_fn(|| next(&mut input, || true).unwrap()).map(|sent| (sent.kind, sent.data)).collect()
    }

    #[test]
    fn events_are_read_and_comments_passed_over() {
        let text = "retry: 1000\n\n: here\n\nid: 1\nevent: a\ndata: {}\n\ndata:x\r\ndata: y\r\n\r\n";
        let expected = [("a", "{}"), ("", "x\ny")].map(|(kind, data)| (kind.to_owned(), data.to_owned()));
        assert_eq!(all(text), expected);
    }

    #[test]
    fn a_sign_of_life_ends_what_nobody_wants() {
        let mut input = "retry: 1000\n\n: here\n\ndata: {}\n\n".as_bytes();
        assert_eq!(next(&mut input, || false).unwrap(), None);
        assert!(next(&mut input, || true).unwrap().is_some());
    }

    #[test]
    fn an_event_that_was_cut_off_is_none() {
        for cut in ["id: 1\nevent: a\ndata: {}\n", "id: 1\nevent: a\ndata: {", ""] {
            assert_eq!(all(cut), []);
        }
    }
}
