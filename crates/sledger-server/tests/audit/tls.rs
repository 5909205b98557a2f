//! Syslog over TLS: to the server that was meant, or not at all.

use super::streams::{frame, seq};
use super::support::{PATIENCE, WANTED, caught_up, fails, ledger, recorded, refuse_and_evict, sink};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sledger_server::audit::{Audit, Surroundings, start_among};
use sledger_wire::config::{AuditFormat, AuditTarget, Transport};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// An authority, its certificate in a file, and a server with a certificate of it for `name`.
fn server(name: &str, authority: &Path) -> Arc<ServerConfig> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(authority, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

fn accepted(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
) -> StreamOwned<ServerConnection, std::net::TcpStream> {
    let (tcp, _) = listener.accept().unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), tcp)
}

fn start(ledger: &sledger::Ledger, listener: &TcpListener, dir: &Path, authority: &Path) -> Audit {
    let port = listener.local_addr().unwrap().port();
    let to = AuditTarget::Syslog { transport: Transport::Tls, host: "localhost".to_owned(), port };
    let surroundings = Surroundings { authorities: Some(authority.to_owned()), ..Surroundings::default() };
    start_among(ledger, &[sink(to, AuditFormat::Json, WANTED)], dir, surroundings).unwrap()
}

#[test]
fn each_event_arrives_under_tls_and_a_stop_ends_in_good_order() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    let authority = dir.path().join("ca.pem");
    let config = server("localhost", &authority);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut found = Vec::new();
    for round in 0..2 {
        let audit = start(&ledger, &listener, dir.path(), &authority);
        let mut stream = accepted(&listener, &config);
        let reads = std::thread::spawn(move || {
            let mut found = Vec::new();
            while let Some(message) = frame(&mut stream) {
                found.push(seq(&message));
            }
            found
        });
        refuse_and_evict(&ledger, &format!("ann {round}"));
        caught_up(&audit);
        audit.stop();
        found.extend(reads.join().unwrap());
    }
    assert_eq!(found, recorded(&data, WANTED, 0));
}

fn refused(name: &str, authority_of_another: bool) -> String {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let (authority, other) = (dir.path().join("ca.pem"), dir.path().join("other.pem"));
    let config = server(name, &authority);
    server(name, &other);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let trusted = if authority_of_another { &other } else { &authority };
    let audit = start(&ledger, &listener, dir.path(), trusted);
    refuse_and_evict(&ledger, "ann");
    let mut stream = accepted(&listener, &config);
    let mut byte = [0];
    let read = std::io::Read::read(&mut stream, &mut byte);
    assert!(!matches!(read, Ok(1)), "nothing is sent to a stranger");
    fails(&audit)
}

#[test]
fn server_of_another_name_gets_nothing() {
    let why = refused("elsewhere.example", false);
    assert!(why.starts_with("TLS to `localhost`: ") && why.contains("not valid for name"), "{why}");
}

#[test]
fn server_that_nobody_vouches_for_gets_nothing() {
    let why = refused("localhost", true);
    assert!(why.starts_with("TLS to `localhost`: invalid peer certificate"), "{why}");
}

/// Where the child finds its directory and the port.
const CHILD: &str = "SLEDGER_AUDIT_TLS_CHILD";

/// Not a test of its own: sends one refusal and one eviction, trusting whom the environment names.
#[test]
fn child_sends_what_it_has_to_send() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (port, dir) = told.split_once(' ').unwrap();
    let dir = Path::new(dir);
    let ledger = ledger(&dir.join("data"));
    let to = AuditTarget::Syslog {
        transport: Transport::Tls,
        host: "localhost".to_owned(),
        port: port.parse().unwrap(),
    };
    let sinks = vec![sink(to, AuditFormat::Json, WANTED)];
    let audit = sledger_server::audit::start(&ledger, &sinks, dir).unwrap();
    refuse_and_evict(&ledger, "ann");
    caught_up(&audit);
    audit.stop();
}

#[test]
fn certificates_that_the_environment_names_are_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let authority = dir.path().join("ca.pem");
    let config = server("localhost", &authority);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let told = format!("{} {}", listener.local_addr().unwrap().port(), dir.path().display());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::child_sends_what_it_has_to_send"])
        .envs([(CHILD, told.as_str()), ("SSL_CERT_FILE", authority.to_str().unwrap())])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stream = accepted(&listener, &config);
    let found: Vec<u64> = std::iter::from_fn(|| frame(&mut stream)).map(|message| seq(&message)).collect();
    assert!(child.wait().unwrap().success());
    assert_eq!(found, recorded(&dir.path().join("data"), WANTED, 0));
}
