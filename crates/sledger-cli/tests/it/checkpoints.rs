//! Checkpoints by the command: of a served ledger and of one at rest, checked by openssl, and what verify makes of them.

use crate::common::{command, folder, run};
use crate::serve::Served;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// A server over `d` with this configuration.
pub(crate) fn serve(dir: &Path, config: &str) -> Served {
    fs::write(dir.join("sledger.toml"), config).unwrap();
    Served::start(dir, &["--data", "d"])
}

pub(crate) fn login(server: &Served, dir: &Path, user: &str, session: &str) {
    let ran = run(dir, &["login", user, session, "--connect", &server.url]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

pub(crate) fn stop(server: Served) {
    let (code, said) = server.stop("-TERM");
    assert_eq!(code, Some(0), "{said}");
}

/// Whether openssl finds the signature of a checkpoint right.
fn openssl_verifies(dir: &Path, checkpoint: &str, public: &str) -> bool {
    fs::write(dir.join("c"), checkpoint).unwrap();
    fs::write(dir.join("p.pem"), public).unwrap();
    let script = "grep -v '^signature: ' c > lines && sed -n 's/^signature: //p' c | openssl base64 -d -A > sig && \
        openssl pkeyutl -verify -rawin -pubin -inkey p.pem -in lines -sigfile sig";
    let ran = Command::new("sh").args(["-c", script]).current_dir(dir).output().unwrap();
    ran.status.success()
}

fn json(dir: &Path, args: &[&str]) -> (i32, Value) {
    let ran = run(dir, &[args, &["--output", "json"]].concat());
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{args:?}: {ran:?}")))
}

#[test]
fn served_ledger_signs_on_demand_ships_and_is_verified_against_it_at_rest() {
    let dir = folder(&[]);
    let server = serve(dir.path(), "[ledger]\ncheckpoint_to = \"shipped\"\n");
    login(&server, dir.path(), "ann", "a");
    let (code, made) = json(dir.path(), &["ledger", "checkpoint", "--connect", &server.url]);
    assert_eq!(code, 0, "{made}");
    assert_eq!(
        (&made["not_shipped"], made["recorded"].as_u64()),
        (&Value::Null, made["seq"].as_u64().map(|n| n + 1))
    );
    let text = made["text"].as_str().unwrap();
    assert!(openssl_verifies(dir.path(), text, made["public_key"].as_str().unwrap()), "{made}");
    let other = text.replace("partition: 0", "partition: 1");
    assert!(!openssl_verifies(dir.path(), &other, made["public_key"].as_str().unwrap()));
    let (_, again) = json(dir.path(), &["ledger", "checkpoint", "--connect", &server.url]);
    assert_eq!(
        (&again["text"], &again["recorded"]),
        (&made["text"], &Value::Null),
        "nothing new was recorded"
    );
    let told = run(dir.path(), &["ledger", "checkpoint", "--connect", &server.url, "-o", "kept"]);
    assert_eq!((told.code, fs::read_to_string(dir.path().join("kept")).unwrap()), (0, text.to_owned()));
    let events = run(
        dir.path(),
        &["events", "--since", "seq:1", "--type", "checkpoint.made", "--connect", &server.url],
    );
    assert_eq!(events.stdout.lines().count(), 1, "{}", events.stdout);
    stop(server);
    let shipped: Vec<String> = fs::read_dir(dir.path().join("shipped"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(shipped.len(), 2, "{shipped:?}");
    let pem = shipped.iter().find(|name| name.contains(".pem")).unwrap();
    let checkpoint = shipped.iter().find(|name| name.contains(".checkpoint")).unwrap();
    let (pem, checkpoint) = (format!("shipped/{pem}"), format!("shipped/{checkpoint}"));
    let verify = ["ledger", "verify", "--data", "d", "--checkpoint", &checkpoint, "--key", &pem];
    let (code, verified) = json(dir.path(), &[&verify[..], &["--require-checkpoint"]].concat());
    assert_eq!((code, &verified["ok"]), (0, &Value::Bool(true)), "{verified}");
    let anchored = verified["anchored_to"].as_str().unwrap();
    assert!(anchored.starts_with(&format!("checkpoint `{checkpoint}`: seq {}", made["seq"])), "{anchored}");
    let ran = run(dir.path(), &verify);
    assert!(ran.stdout.contains("come after the checkpoint"), "{}", ran.stdout);
}

#[test]
fn schedule_signs_by_itself_and_not_again_while_nothing_happens() {
    let dir = folder(&[]);
    let server = serve(dir.path(), "[ledger]\ncheckpoint_every = \"1s\"\n");
    login(&server, dir.path(), "ann", "a");
    // Comes without being asked for: the feed tells.
    let mut follow =
        command(dir.path(), &["events", "--follow", "--since", "seq:1", "--type", "checkpoint.made"]);
    let mut follow = follow.args(["--connect", &server.url]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("checkpoint.made"));
    let (_, first) = json(dir.path(), &["ledger", "checkpoint", "--connect", &server.url]);
    assert_eq!(first["recorded"], Value::Null, "{first}");
    login(&server, dir.path(), "ann", "b");
    assert!(lines.next().unwrap().unwrap().contains("checkpoint.made"));
    follow.kill().unwrap();
    follow.wait().unwrap();
    stop(server);
}

#[test]
fn ledger_at_rest_is_signed_and_not_a_byte_under_it_changes() {
    let dir = folder(&[]);
    let server = serve(dir.path(), "[ledger]\ncheckpoint_every = \"never\"\n");
    login(&server, dir.path(), "ann", "a");
    stop(server);
    assert!(!dir.path().join("d/checkpoint.key").exists(), "no key is made before it is needed");
    let ran = run(dir.path(), &["ledger", "checkpoint", "--data", "d"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.starts_with("error: cannot read the key `"), "{}", ran.stderr);
    let mut genpkey = Command::new("openssl");
    genpkey.args(["genpkey", "-algorithm", "ed25519", "-out", "own.key"]).current_dir(dir.path());
    assert!(genpkey.status().unwrap().success());
    let before = everything(&dir.path().join("d"));
    let signed = run(dir.path(), &["ledger", "checkpoint", "--data", "d", "--key", "own.key"]);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    let public =
        run(dir.path(), &["ledger", "checkpoint", "--data", "d", "--key", "own.key", "--public-key"]);
    assert!(openssl_verifies(dir.path(), &signed.stdout, &public.stdout));
    let inside = run(dir.path(), &["ledger", "checkpoint", "--data", "d", "--key", "own.key", "-o", "d/x"]);
    assert_eq!(inside.code, 2, "{}", inside.stderr);
    fs::write(dir.path().join("kept"), &signed.stdout).unwrap();
    let verify = ["ledger", "verify", "--data", "d", "--checkpoint", "kept", "--key", "own.key"];
    assert_eq!(run(dir.path(), &verify).code, 0);
    assert!(everything(&dir.path().join("d")) == before);
    // Of a damaged one nothing is signed.
    let db = dir.path().join("d/volumes/000001/db");
    let mut bytes = fs::read(&db).unwrap();
    let middle = bytes.iter().position(|byte| *byte == 0xF5).unwrap() + 120;
    bytes[middle] ^= 1;
    fs::write(&db, bytes).unwrap();
    let ran = run(dir.path(), &["ledger", "checkpoint", "--data", "d", "--key", "own.key"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
    assert_eq!(run(dir.path(), &verify).code, 3);
}

#[test]
fn flags_that_cannot_be_are_refused_and_an_unreadable_ledger_file_is_a_finding() {
    let dir = folder(&[("k", "no key")]);
    let server = serve(dir.path(), "");
    login(&server, dir.path(), "ann", "a");
    let ran = run(dir.path(), &["ledger", "checkpoint", "--connect", &server.url, "--key", "k"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    stop(server);
    let verify = |more: &[&str]| run(dir.path(), &[&["ledger", "verify", "--data", "d"], more].concat());
    assert_eq!(verify(&["--key", "k"]).code, 2);
    assert_eq!(verify(&["--checkpoint", "nowhere"]).code, 2);
    let ran = verify(&["--checkpoint", "k"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stdout.contains("checkpoint: checkpoint `k`: line `1` must be"), "{}", ran.stdout);
    let ran = verify(&["--require-checkpoint"]);
    assert!(ran.code == 3 && ran.stdout.contains("not_anchored: "), "{}", ran.stdout);
    let toml = dir.path().join("d/ledger.toml");
    let text = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, text.replace("partition = \"0\"", "partition = \"1\"")).unwrap();
    let ran = verify(&[]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stdout.starts_with("mark: "), "{}", ran.stdout);
}

#[test]
fn seal_ends_the_active_volume_served_and_at_rest() {
    let dir = folder(&[]);
    let server = serve(dir.path(), "");
    login(&server, dir.path(), "ann", "a");
    let (code, sealed) = json(dir.path(), &["ledger", "seal", "--connect", &server.url]);
    assert_eq!(
        (code, &sealed["sealed"], &sealed["newest"]["volume"]),
        (0, &Value::Bool(true), &1.into()),
        "{sealed}"
    );
    assert!(dir.path().join("d/volumes/000001.sealed").exists());
    let (_, again) = json(dir.path(), &["ledger", "seal", "--connect", &server.url]);
    assert_eq!(again["sealed"], Value::Bool(true), "{again}");
    login(&server, dir.path(), "ann", "b");
    stop(server);
    let ran = run(dir.path(), &["ledger", "seal", "--data", "d"]);
    assert!(ran.code == 0 && ran.stdout.starts_with("sealed up to volume "), "{ran:?}");
    let (code, verified) = json(dir.path(), &["ledger", "verify", "--data", "d"]);
    assert_eq!((code, &verified["ok"]), (0, &Value::Bool(true)), "{verified}");
    let ran = run(dir.path(), &["ledger", "seal", "--data", "nothing"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(!dir.path().join("nothing").exists());
}

/// Every file under a folder with its bytes, but the lock.
pub(crate) fn everything(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let mut bytes = Vec::new();
                fs::File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}
