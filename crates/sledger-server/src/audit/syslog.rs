//! Syslog over UDP: RFC 5426, one message in each datagram.
//!
//! A datagram that the system took counts as sent. Where the other machine says that nobody listens, the next batch
//! fails and is sent again; everything else that happens on the way nobody hears of.

use super::lines::Batch;
use super::position::Mark;
use super::rfc5424::{DATAGRAM_BYTES_MAX, Origin, cut};
use super::sink::{Sink, Trouble, doing};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

/// How long the system may take nothing.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Host and port.
pub(super) type Place = (String, u16);

/// The sink.
pub(super) struct Udp {
    place: Place,
    origin: Origin,
    socket: Option<UdpSocket>,
}

impl Udp {
    pub(super) fn new(place: Place) -> Self {
        Self { place, origin: Origin::here(), socket: None }
    }
}

impl Sink for Udp {
    fn open(&mut self, mark: Mark, _durable: u64) -> Result<Mark, Trouble> {
        self.socket = Some(first_of(&self.place, socket)?);
        Ok(mark)
    }

    fn send(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let Some(socket) = &self.socket else { return Err(Trouble::Again) };
        for line in batch.lines() {
            let message = self.origin.message(line);
            let sent = socket.send(cut(&message, DATAGRAM_BYTES_MAX).as_bytes());
            sent.map_err(doing("a datagram could not be sent"))?;
        }
        Ok(())
    }
}

fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let any = if address.is_ipv4() {
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
    } else {
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_write_timeout(Some(WRITE_MAX))?;
    socket.connect(address)?;
    Ok(socket)
}

/// The first address of `place` with which `reach` succeeds.
pub(super) fn first_of<T>(
    (host, port): &Place,
    mut reach: impl FnMut(SocketAddr) -> io::Result<T>,
) -> Result<T, Trouble> {
    let found = (host.as_str(), *port).to_socket_addrs().map_err(doing(format!("cannot find `{host}`")))?;
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for address in found.take(ADDRESSES_MAX) {
        match reach(address) {
            Ok(reached) => return Ok(reached),
            Err(error) => failed = error,
        }
    }
    Err(doing(format!("cannot reach `{host}` at port `{port}`"))(failed))
}
