//! A proxy between client and server, each of whose connections has a fate.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What becomes of one connection.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It lasts.
    Pass,
    /// The request is passed on; the connection is cut once the server began to answer and this many bytes of the
    /// answer were passed back.
    Cut(usize),
    /// The request is passed on; once the server began to answer, this is said in its place.
    SayInstead(String),
    /// The server never hears of it: this is said at once.
    Say(String),
}

/// A proxy; gone with its last client.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    fates: Mutex<VecDeque<Fate>>,
    /// For connections after those that have a fate of their own.
    then: Fate,
    connections: AtomicUsize,
}

impl Proxy {
    /// Before `server`: its first connections have `fates`, all later ones `then`.
    pub(crate) fn new(server: SocketAddr, fates: impl IntoIterator<Item = Fate>, then: Fate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let fates = Mutex::new(fates.into_iter().collect());
        let shared = Arc::new(Shared { server, fates, then, connections: AtomicUsize::new(0) });
        let theirs = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                theirs.connections.fetch_add(1, Ordering::SeqCst);
                let fate = theirs.fates.lock().unwrap().pop_front().unwrap_or_else(|| theirs.then.clone());
                let server = theirs.server;
                std::thread::spawn(move || carry(client, (address, server), &fate));
            }
        });
        Self { address, shared }
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

/// Carries one connection to its end, from the proxy's `own` address to the server's.
fn carry(mut client: TcpStream, (own, server): (SocketAddr, SocketAddr), fate: &Fate) {
    if let Fate::Say(text) = fate {
        // All of the request is read first: bytes left unread would reset the connection before the words arrive.
        read_request(&mut client);
        return say(&mut client, text);
    }
    let address = server;
    let mut server = TcpStream::connect(address).unwrap();
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || ask(from, to, (own, address)));
    answer(&mut client, &mut server, fate);
    for side in [&client, &server] {
        // The other end may have closed it already.
        let _gone = side.shutdown(Shutdown::Both);
    }
}

/// Passes requests on, under the server's own name.
fn ask(mut from: TcpStream, mut to: TcpStream, (own, server): (SocketAddr, SocketAddr)) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let text = String::from_utf8_lossy(buffer.get(..read).unwrap());
        let text = text.replace(&own.to_string(), &server.to_string());
        if to.write_all(text.as_bytes()).is_err() {
            break;
        }
    }
    // Either side is gone: then so is the other.
    let _gone = to.shutdown(Shutdown::Both);
}

fn answer(client: &mut TcpStream, server: &mut TcpStream, fate: &Fate) {
    let mut left = if let Fate::Cut(bytes) = fate { *bytes } else { usize::MAX };
    let mut buffer = [0; 4096];
    loop {
        let read = match server.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        if let Fate::SayInstead(text) = fate {
            return say(client, text);
        }
        let passed = read.min(left);
        left -= passed;
        if client.write_all(buffer.get(..passed).unwrap()).is_err() || left == 0 {
            return;
        }
    }
}

/// Reads a request to its end: a head, and the body whose length it gives.
fn read_request(client: &mut TcpStream) {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let seen = String::from_utf8_lossy(&text).to_ascii_lowercase();
        if let Some((head, body)) = seen.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return;
            }
        }
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => text.extend_from_slice(buffer.get(..read).unwrap()),
        }
    }
}

fn say(client: &mut TcpStream, text: &str) {
    // Whoever asked may be gone.
    let _unheard = client.write_all(text.as_bytes());
    let _gone = client.shutdown(Shutdown::Both);
}

/// A problem as a server would send it.
pub(crate) fn problem(code: &str, retry_after: Option<u32>) -> String {
    let body = format!(
        r#"{{"type":"about:blank","title":"Service Unavailable","status":503,"code":"{code}","detail":"later"}}"#
    );
    let after = retry_after.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n{after}content-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}
