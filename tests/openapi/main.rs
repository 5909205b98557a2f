//! schemathesis asks a served ledger everything that its description allows, and much that it does not.
//!
//! It is told no status that does not stand in the description, no 5xx, no other content type or shape, and refuses
//! nothing less than the description says. `/v1/events` is left out: it has no end to wait for, and is tested byte by
//! byte with the server.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails right there, and says with what seed"
)]

use serde_json::Value;
use sledger::core::config::{Quota, Settings};
use sledger::{Config as LedgerConfig, Ledger};
use sledger_client::Client;
use sledger_core::command::Login;
use sledger_server::{Config, Server};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Longer than a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is asked follows from this alone; `SLEDGER_OPENAPI_SEED` is another.
const SEED: &str = "20261120";
/// Requests made up for each call, beside those that follow from its description; or `SLEDGER_OPENAPI_EXAMPLES`.
const EXAMPLES_MAX: &str = "20";
/// Seconds of a whole run; or `SLEDGER_OPENAPI_SECONDS`.
const RUN_MAX: &str = "120";

fn or(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Whether schemathesis runs here; otherwise says which test is skipped.
fn have(test: &str) -> bool {
    let mut asked = Command::new("schemathesis");
    asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let runs = asked.status().is_ok_and(|status| status.success());
    if !runs {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "schemathesis is not installed");
        println!("skipped: {test}: schemathesis is not installed");
    }
    runs
}

/// Serves a ledger on disk that denies the sixth session of a user, while `ask` runs with its address.
fn served(ask: impl FnOnce(&str)) {
    let dir = tempfile::tempdir().unwrap();
    let quota = Quota { on_exhausted: "deny_access".to_owned(), ..Quota::default_quota() };
    let settings = Settings { quotas: vec![Arc::new(quota)], ..Settings::default() };
    let ledger =
        Ledger::open(LedgerConfig { settings, reserve_bytes: 0, ..LedgerConfig::new(dir.path()) }).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (tell, told) = channel();
    let theirs = ledger.clone();
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(async move {
            let config = Config { listen: "127.0.0.1:0".to_owned(), ..Config::default() };
            let server = Server::bind(config, theirs).await.unwrap();
            tell.send(server.local_addr()).unwrap();
            let until = async {
                // A test that is over stops its server.
                let _over = stopped.await;
            };
            server.run(until).await
        })
    });
    let url = format!("http://{}", told.recv_timeout(PATIENCE).unwrap());
    furnish(&url);
    ask(&url);
    assert!(ledger.poisoned().is_none());
    drop(stop);
    serving.join().unwrap().unwrap();
    ledger.close();
}

/// Makes what the examples of the description are about.
fn furnish(url: &str) {
    let client = Client::new(url).unwrap();
    for session in ["desk-1", "desk-2", "desk-3"] {
        let (user, session) = (Some("ann".to_owned()), Some(session.to_owned()));
        client.login(&Login { user, session, ..Login::default() }, None).unwrap();
    }
    let settings = [
        ("/v1/quotas/devices", r#"{"count_by":["user","client"],"max_sessions":2}"#),
        ("/v1/quotas/devices/overrides/group:vip", r#"{"max_sessions":10}"#),
        ("/v1/groups/vip/users/ann", "{}"),
    ];
    for (path, body) in settings {
        let answer = sent(url, "PUT", path, body);
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
}

fn schemathesis(folder: &Path, args: &[&str]) -> (Output, String) {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let mut run = Command::new("timeout");
    run.args([RUN_MAX, "schemathesis", "--config-file"])
        .arg(own.join("schemathesis.toml"))
        .arg("run")
        .args(args);
    let (seed, examples) = (or("SLEDGER_OPENAPI_SEED", SEED), or("SLEDGER_OPENAPI_EXAMPLES", EXAMPLES_MAX));
    println!("seed {seed}, {examples} examples");
    run.args(["--seed", &seed, "--max-examples", &examples, "--generation-database", "none", "--no-color"]);
    run.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", &own).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = run.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

#[test]
fn nothing_is_answered_that_is_not_described() {
    if !have("nothing_is_answered_that_is_not_described") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    served(|url| {
        let described = format!("{url}/openapi.json");
        let (output, said) = schemathesis(folder.path(), &[&described, "--exclude-operation-id", "events"]);
        println!("{said}");
        assert!(output.status.success(), "{}", output.status);
        assert!(said.contains("No issues found"));
    });
}

#[test]
fn an_answer_that_is_not_described_is_found() {
    if !have("an_answer_that_is_not_described_is_found") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    served(|url| {
        let served = sent(url, "GET", "/openapi.json", "");
        let mut document: Value = serde_json::from_str(served.split_once("\r\n\r\n").unwrap().1).unwrap();
        let answers = document["paths"]["/v1/sessions/{id}"]["get"]["responses"].as_object_mut().unwrap();
        assert!(answers.remove("404").is_some());
        let file = folder.path().join("openapi.json");
        std::fs::write(&file, document.to_string()).unwrap();
        let only =
            ["openapi.json", "--url", url, "--include-operation-id", "session", "--phases", "coverage"];
        let (output, said) = schemathesis(folder.path(), &only);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("Undocumented status code"), "{said}");
    });
}

/// What comes back, head and all.
fn sent(url: &str, method: &str, path: &str, body: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let kind = "content-type: application/json\r\nconnection: close";
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{kind}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut whole = String::new();
    stream.read_to_string(&mut whole).unwrap();
    whole
}
