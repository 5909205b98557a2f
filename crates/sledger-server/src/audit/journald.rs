//! The journal of systemd, by its own datagrams: one for each event.
//!
//! Fields: `MESSAGE` (the line), `PRIORITY`, `SYSLOG_IDENTIFIER`, `SLEDGER_SEQ`, `SLEDGER_TYPE`, and of `SLEDGER_CODE`,
//! `SLEDGER_USER`, `SLEDGER_SESSION`, `SLEDGER_QUOTA` those that the event has. A value with a line break goes by its
//! length, so it can never become a field of its own.
//! Source: systemd, "Native Journal Protocol".

use super::lines::{Batch, Line};
use super::position::Mark;
use super::rfc5424::cut;
use super::sink::{Sink, Trouble, doing};
use sledger_wire::audit::severity;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// How long the journal may take nothing.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// Bytes of a line that fit into a datagram beside the rest.
const MESSAGE_BYTES_MAX: usize = 128 << 10;

/// The sink.
pub(super) struct Journald {
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Journald {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, socket: None }
    }
}

impl Sink for Journald {
    fn open(&mut self, mark: Mark, _durable: u64) -> Result<Mark, Trouble> {
        let reached = || {
            let socket = UnixDatagram::unbound()?;
            socket.set_write_timeout(Some(WRITE_MAX))?;
            socket.connect(&self.path)?;
            Ok(socket)
        };
        let reached =
            reached().map_err(doing(format!("cannot reach the journal at `{}`", self.path.display())));
        self.socket = Some(reached?);
        Ok(mark)
    }

    fn send(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let Some(socket) = &self.socket else { return Err(Trouble::Again) };
        for line in batch.lines() {
            socket.send(&datagram(line)).map_err(doing("the journal does not take it"))?;
        }
        Ok(())
    }
}

fn datagram(line: &Line) -> Vec<u8> {
    let event = &line.event;
    let mut datagram = Vec::with_capacity(line.text.len() + 256);
    push(&mut datagram, "MESSAGE", cut(&line.text, MESSAGE_BYTES_MAX));
    push(&mut datagram, "PRIORITY", &severity(&event.kind).syslog().to_string());
    push(&mut datagram, "SYSLOG_IDENTIFIER", "sledger");
    push(&mut datagram, "SLEDGER_SEQ", &event.seq.to_string());
    push(&mut datagram, "SLEDGER_TYPE", &event.kind);
    let more = [
        ("SLEDGER_CODE", &event.code),
        ("SLEDGER_USER", &event.user),
        ("SLEDGER_SESSION", &event.session),
        ("SLEDGER_QUOTA", &event.quota),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            push(&mut datagram, name, value);
        }
    }
    datagram
}

fn push(datagram: &mut Vec<u8>, name: &str, value: &str) {
    datagram.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        datagram.push(b'\n');
        datagram.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        datagram.push(b'=');
    }
    datagram.extend_from_slice(value.as_bytes());
    datagram.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use sledger_wire::events::EventLine;

    #[test]
    fn value_with_a_line_break_goes_by_its_length_and_becomes_no_field() {
        let user = "ann\nPRIORITY=0";
        let event = EventLine {
            seq: 7,
            kind: "login.denied".into(),
            user: Some(user.into()),
            ..EventLine::default()
        };
        let found = datagram(&Line { event, text: "the line".to_owned() });
        let mut wanted = b"MESSAGE=the line\nPRIORITY=4\nSYSLOG_IDENTIFIER=sledger\nSLEDGER_SEQ=7\n".to_vec();
        wanted.extend(b"SLEDGER_TYPE=login.denied\nSLEDGER_USER\n\x0e\0\0\0\0\0\0\0ann\nPRIORITY=0\n");
        assert_eq!(found, wanted);
    }
}
