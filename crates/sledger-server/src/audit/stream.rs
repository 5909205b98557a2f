//! Syslog over TCP and TLS.
//!
//! Syslog has no answers, so what was sent is confirmed by the connection alone: it breaks when the other machine has
//! not acknowledged something for [`ACKNOWLEDGE_MAX`], so what was sent [`CONFIRMED_AFTER`] ago on a connection that
//! stands has arrived there. When it breaks, everything younger is sent again.
//! Source: RFC 6587 and RFC 5425 for the frames, RFC 5482 for the timeout.

use super::lines::Batch;
use super::position::Mark;
use super::rfc5424::Origin;
use super::sink::{Sink, Trouble, doing};
use super::syslog::{Place, first_of};
use super::tls::{self, Tls};
use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long the other side may take nothing.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// How long the other machine may leave something unacknowledged, in milliseconds.
const ACKNOWLEDGE_MAX: u32 = 4_000;
/// When what was sent on a connection that stands counts as arrived: later than [`ACKNOWLEDGE_MAX`].
const CONFIRMED_AFTER: Duration = Duration::from_secs(5);
/// Batches whose time is remembered; more are taken together.
const WINDOW_MAX: usize = 64;
/// How long the other side may take to end in its turn.
const END_MAX: Duration = Duration::from_millis(800);
/// Looks at what the other side says, which nobody needs, before something is sent again.
const READS_MAX: usize = 16;

/// The sink.
pub(super) struct StreamSink {
    place: Place,
    cover: Cover,
    origin: Origin,
    connection: Option<Connection>,
    /// Batches that were sent and are not confirmed: when, and where the sink stands after it.
    window: VecDeque<(Instant, Mark)>,
    confirmed: Mark,
}

/// What a connection is under.
enum Cover {
    Nothing,
    /// TLS, with the file of certificates to trust, if it is not the system's.
    Tls(Option<PathBuf>),
}

enum Connection {
    Plain(TcpStream),
    Tls(Box<Tls>),
}

impl StreamSink {
    pub(super) fn plain(place: Place) -> Self {
        Self::new(place, Cover::Nothing)
    }

    pub(super) fn tls(place: Place, authorities: Option<PathBuf>) -> Self {
        Self::new(place, Cover::Tls(authorities))
    }

    fn new(place: Place, cover: Cover) -> Self {
        let window = VecDeque::new();
        Self { place, cover, origin: Origin::here(), connection: None, window, confirmed: Mark::default() }
    }

    fn connected(&self) -> Result<Connection, Trouble> {
        let tcp = first_of(&self.place, |address| {
            let tcp = TcpStream::connect_timeout(&address, CONNECT_MAX)?;
            tcp.set_nodelay(true)?;
            tcp.set_write_timeout(Some(WRITE_MAX))?;
            tcp.set_read_timeout(Some(WRITE_MAX))?;
            rustix::net::sockopt::set_tcp_user_timeout(&tcp, ACKNOWLEDGE_MAX)?;
            Ok(tcp)
        })?;
        match &self.cover {
            Cover::Nothing => Ok(Connection::Plain(tcp)),
            Cover::Tls(authorities) => {
                tls::shaken(&self.place.0, tcp, authorities.as_deref()).map(Connection::Tls)
            }
        }
    }

    fn remember(&mut self, mark: Mark) {
        if self.window.len() >= WINDOW_MAX {
            self.window.pop_back();
        }
        self.window.push_back((Instant::now(), mark));
    }
}

impl Sink for StreamSink {
    fn open(&mut self, mark: Mark, _durable: u64) -> Result<Mark, Trouble> {
        self.connection = None;
        self.window.clear();
        self.confirmed = mark;
        self.connection = Some(self.connected()?);
        Ok(mark)
    }

    fn send(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let Some(connection) = &mut self.connection else { return Err(Trouble::Again) };
        let frames: String = batch.lines().iter().map(|line| self.origin.frame(line)).collect();
        let sent = connection.look().and_then(|()| connection.write_all(frames.as_bytes()));
        sent.map_err(doing("the connection broke"))?;
        self.remember(batch.mark());
        Ok(())
    }

    fn confirmed(&mut self, sent: Mark) -> Result<Mark, Trouble> {
        let Some(connection) = &mut self.connection else { return Err(Trouble::Again) };
        connection.look().map_err(doing("the connection broke"))?;
        while let Some((at, mark)) = self.window.front().copied() {
            if at.elapsed() < CONFIRMED_AFTER {
                return Ok(self.confirmed);
            }
            self.confirmed = mark;
            self.window.pop_front();
        }
        self.confirmed = sent;
        Ok(sent)
    }

    fn finish(&mut self, sent: Mark) -> Result<Mark, Trouble> {
        match self.connection.take().map(Connection::end) {
            Some(Ok(())) => Ok(sent),
            Some(Err(_)) | None => Ok(self.confirmed),
        }
    }
}

impl Connection {
    /// Fails where the other side is known to be gone, without waiting for it.
    fn look(&mut self) -> io::Result<()> {
        self.tcp().set_nonblocking(true)?;
        let seen = match self {
            Self::Plain(tcp) => look_plain(tcp),
            Self::Tls(tls) => look_tls(tls),
        };
        self.tcp().set_nonblocking(false)?;
        seen
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.write_all(bytes),
            Self::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        }
    }

    /// Ends, and waits for the other side to end too, which it does in good order only after reading everything.
    fn end(mut self) -> io::Result<()> {
        if let Self::Tls(tls) = &mut self {
            tls.conn.send_close_notify();
            tls.flush()?;
        }
        let mut tcp = self.tcp();
        tcp.shutdown(Shutdown::Write)?;
        let until = Instant::now() + END_MAX;
        let mut rest = [0; 4_096];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            tcp.set_read_timeout(Some(left))?;
            if tcp.read(&mut rest)? == 0 {
                return Ok(());
            }
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.sock,
        }
    }
}

fn look_plain(mut tcp: &TcpStream) -> io::Result<()> {
    let mut said = [0; 4_096];
    for _ in 0..READS_MAX {
        match tcp.read(&mut said) {
            Ok(0) => return Err(closed()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn look_tls(tls: &mut Tls) -> io::Result<()> {
    let mut said = [0; 4_096];
    for _ in 0..READS_MAX {
        match tls.conn.read_tls(&mut tls.sock) {
            Ok(0) => return Err(closed()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
        let state = tls.conn.process_new_packets().map_err(io::Error::other)?;
        if state.peer_has_closed() {
            return Err(closed());
        }
        for _ in 0..READS_MAX {
            // What a server says is nothing to a sender; left unread it would fill the buffer.
            if tls.conn.reader().read(&mut said).map_or(true, |read| read == 0) {
                break;
            }
        }
    }
    Ok(())
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the other side ended it")
}
