//! Why a server does not start, or ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a server does not start, or ends.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address means nothing.
    #[error("server.listen: `{listen}` is no address with a port, e.g. `127.0.0.1:7070`")]
    Address {
        /// As given.
        listen: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The address is reachable from other machines, and nobody who asks is asked who he is.
    #[error(
        "server.listen: `{address}` can be reached from other machines, and whoever reaches it may end anybody's session; listen on 127.0.0.1, or set `insecure_listen` if something in front of it keeps strangers out"
    )]
    BeyondLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// A further host name that cannot stand in a request.
    #[error("server.hosts: `{host}` is no host name; write `name` or `name:port`, without a scheme")]
    Host {
        /// As given.
        host: String,
    },
    /// The address is not free, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The key from which session ids are made.
    #[error("cannot keep the key for session ids in {}: {source}", path.display())]
    Key {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The ledger can write no more.
    #[error("the ledger is poisoned: {0}")]
    Poisoned(Arc<str>),
}
