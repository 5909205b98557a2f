//! What a browser could have been tricked into sending.

use super::support::{Raw, Running, config, denying};
use sledger_server::{Config, ServeError, Server};

fn raw(server: &Running, head: &str) -> Raw {
    let mut wire = server.connect();
    wire.send(format!("{head}\r\n\r\n").as_bytes());
    wire.read()
}

#[test]
fn a_foreign_host_is_421() {
    let server = denying();
    let problem = raw(&server, "GET /v1/top HTTP/1.1\r\nhost: evil.example").problem(421);
    assert_eq!(problem["field"], "Host");
    let detail =
        "`Host` is `evil.example`, which is not this server; a name it shall have stands in `server.hosts`";
    assert_eq!(problem["detail"], detail);
    raw(&server, "GET /v1/top HTTP/1.1").problem(421);
    raw(&server, "GET http://evil.example/v1/top HTTP/1.1\r\nhost: localhost").problem(421);
    let port = server.address.port();
    for host in [format!("localhost:{port}"), "127.0.0.1".to_owned(), format!("[::1]:{port}")] {
        assert_eq!(raw(&server, &format!("GET /v1/top HTTP/1.1\r\nhost: {host}")).status, 200, "{host}");
    }
}

#[test]
fn a_foreign_origin_is_403() {
    let server = denying();
    let head = "DELETE /v1/users/ann/sessions HTTP/1.1\r\nhost: localhost\r\norigin: http://evil.example";
    let problem = raw(&server, head).problem(403);
    assert_eq!(problem["detail"], "`Origin` is `http://evil.example`, which is another host");
}

#[test]
fn a_post_without_a_json_type_is_415_also_when_empty() {
    let server = denying();
    server.login("ann", "a");
    for kind in ["", "\r\ncontent-type: text/plain", "\r\ncontent-type: application/x-www-form-urlencoded"] {
        let head =
            format!("POST /v1/sessions/a/touch HTTP/1.1\r\nhost: localhost{kind}\r\ncontent-length: 0");
        assert_eq!(raw(&server, &head).problem(415)["field"], "Content-Type");
    }
}

#[test]
fn further_hosts_are_accepted() {
    let ledger = sledger::Ledger::in_memory(sledger::Config::new("unused")).unwrap();
    let hosts = vec!["ledger.example".to_owned()];
    let server = Running::over(ledger, Config { hosts, ..config() });
    let head = "GET /v1/top HTTP/1.1\r\nhost: ledger.example\r\norigin: https://ledger.example";
    assert_eq!(raw(&server, head).status, 200);
}

fn refused(config: Config) -> ServeError {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ledger = sledger::Ledger::in_memory(sledger::Config::new("unused")).unwrap();
    runtime.block_on(Server::bind(config, ledger)).unwrap_err()
}

#[test]
fn listening_beyond_this_machine_is_refused_by_name() {
    let error = refused(Config { listen: "0.0.0.0:0".to_owned(), ..config() });
    assert!(matches!(error, ServeError::BeyondLoopback { .. }), "{error}");
    assert!(error.to_string().contains("insecure_listen"), "{error}");
    let ledger = sledger::Ledger::in_memory(sledger::Config::new("unused")).unwrap();
    let open = Config { listen: "0.0.0.0:0".to_owned(), insecure_listen: true, ..config() };
    let mut server = Running::over(ledger, open);
    server.address.set_ip([127, 0, 0, 1].into());
    assert_eq!(server.ask("GET", "/healthz", None).status, 200);
}

#[test]
fn what_cannot_be_listened_on_is_told() {
    assert!(matches!(refused(Config { listen: "here".to_owned(), ..config() }), ServeError::Address { .. }));
    let hosts = vec!["http://x".to_owned()];
    assert!(matches!(refused(Config { hosts, ..config() }), ServeError::Host { .. }));
    let taken = denying();
    let error = refused(Config { listen: taken.address.to_string(), ..config() });
    assert!(matches!(error, ServeError::Listen { .. }), "{error}");
}
