//! A damaged ledger salvaged by the command, served again, and what it has recorded of that.

use crate::checkpoints::{everything, login, serve, stop};
use crate::common::{folder, run};
use serde_json::Value;
use std::fs;

#[test]
fn what_was_salvaged_is_told_kept_beside_and_recorded_by_the_next_start() {
    let dir = folder(&[]);
    let server = serve(dir.path(), "");
    for user in ["ann", "bob", "cid", "dan"] {
        login(&server, dir.path(), user, user);
    }
    stop(server);
    let db = dir.path().join("d/volumes/000001/db");
    let mut bytes = fs::read(&db).unwrap();
    let begins: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"\xF5SLEDBL\xFF")).collect();
    let seq = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at + 44..at + 52].try_into().unwrap());
    // Every copy of the block in which cid came in.
    let third = {
        let mut seqs: Vec<u64> = begins.iter().map(|at| seq(&bytes, *at)).collect();
        seqs.sort_unstable();
        seqs.dedup();
        seqs[3]
    };
    for at in begins.iter().filter(|at| seq(&bytes, **at) == third).copied().collect::<Vec<_>>() {
        bytes[at + 150] ^= 1;
    }
    fs::write(&db, bytes).unwrap();
    let refused = run(dir.path(), &["serve", "--data", "d", "--listen", "127.0.0.1:0"]);
    assert!(refused.code == 1 && refused.stderr.contains("ledger salvage"), "{refused:?}");
    let ran = run(dir.path(), &["ledger", "salvage", "--data", "d", "--output", "json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&told["seq"], &told["lost_from"]), (&(third - 1).into(), &third.into()), "{told}");
    assert_eq!(told["missing"][0]["first"], Value::from(third), "{told}");
    let island = told["recovered"][0]["file"].as_str().unwrap();
    let verify = run(dir.path(), &["ledger", "verify", "--part", "--recording", island]);
    assert_eq!(verify.code, 0, "{verify:?}");
    assert!(verify.stdout.contains("cannot tell: whether events before"), "{}", verify.stdout);
    assert_eq!(
        run(dir.path(), &["ledger", "verify", "--recording", island]).code,
        3,
        "it is no whole ledger"
    );
    let server = serve(dir.path(), "");
    let args = [
        "events",
        "--since",
        "seq:1",
        "--type",
        "ledger.recovered",
        "--connect",
        &server.url,
        "--output",
        "json",
    ];
    let events = run(dir.path(), &args);
    let recovered: Value = serde_json::from_str(&events.stdout).unwrap_or_else(|_| panic!("{events:?}"));
    assert_eq!(recovered["details"]["lost_from"], Value::from(third), "{recovered}");
    assert!(recovered["details"]["detail"].as_str().unwrap().contains("set aside"), "{recovered}");
    login(&server, dir.path(), "eve", "eve");
    stop(server);
    let server = serve(dir.path(), "");
    assert_eq!(run(dir.path(), &args_at(&server.url)).stdout.lines().count(), 1, "it is recorded once");
    stop(server);
    assert!(
        everything(&dir.path().join("d")).iter().any(|(path, _)| path.to_string_lossy().contains(".damaged"))
    );
}

fn args_at(url: &str) -> [&str; 7] {
    ["events", "--since", "seq:1", "--type", "ledger.recovered", "--connect", url]
}
