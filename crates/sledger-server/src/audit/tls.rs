//! TLS to a syslog server: rustls with ring, the system's certificates, the server's name verified.

use super::sink::{Trouble, doing};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

/// A connection under TLS.
pub(super) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Shakes hands over `tcp` with whoever proves to be `host`. Certificates are read anew, so renewed ones count.
pub(super) fn shaken(
    host: &str,
    mut tcp: TcpStream,
    authorities: Option<&Path>,
) -> Result<Box<Tls>, Trouble> {
    let name = ServerName::try_from(host.to_owned());
    let name =
        name.map_err(|_| Trouble::Refused(format!("`{host}` is no name that a certificate could be for")))?;
    let refused = |error: &dyn std::fmt::Display| Trouble::Refused(format!("TLS to `{host}`: {error}"));
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?
        .with_root_certificates(roots(authorities)?)
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|error| refused(&error))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp).map_err(doing(format!("TLS to `{host}`")))?;
    }
    Ok(Box::new(StreamOwned::new(connection, tcp)))
}

/// The certificates to trust: those of the file, else the system's, where `SSL_CERT_FILE` can name others.
fn roots(authorities: Option<&Path>) -> Result<RootCertStore, Trouble> {
    let found = match authorities {
        Some(file) => rustls_native_certs::load_certs_from_paths(Some(file), None),
        None => rustls_native_certs::load_native_certs(),
    };
    let mut roots = RootCertStore::empty();
    let (added, _unusable) = roots.add_parsable_certificates(found.certs);
    match (added, found.errors.first()) {
        (0, Some(error)) => Err(Trouble::Refused(format!("no certificate to trust could be read: {error}"))),
        (0, None) => Err(Trouble::Refused("there is no certificate to trust".to_owned())),
        _ => Ok(roots),
    }
}
