//! Relaxed durability is shown wherever somebody looks.

use super::support::{Running, config, denying};
use sledger::{Config as LedgerConfig, Durability, Ledger};
use sledger_testkit::faulty_log::{Fault, FaultyLog};

fn durabilities(server: &Running) -> Vec<String> {
    let of = |path| server.ask("GET", path, None).json()["durability"].as_str().unwrap().to_owned();
    let metrics = server.ask("GET", "/metrics", None).body;
    let metric = metrics.lines().find(|line| line.starts_with("sledger_durability_relaxed ")).unwrap();
    vec![of("/readyz"), of("/v1/top"), of("/v1/ledger"), metric.to_owned()]
}

#[test]
fn what_is_promised_stands_in_every_place_that_speaks_of_it() {
    let ledger = LedgerConfig { durability: Durability::Relaxed, ..LedgerConfig::new("unused") };
    let relaxed = Running::over(Ledger::in_memory(ledger).unwrap(), config());
    assert_eq!(durabilities(&relaxed), ["relaxed", "relaxed", "relaxed", "sledger_durability_relaxed 1"]);
    assert_eq!(durabilities(&denying()), ["durable", "durable", "durable", "sledger_durability_relaxed 0"]);
}

#[test]
fn a_login_is_answered_while_the_disk_still_writes() {
    let (log, held) = FaultyLog::new([(1, Fault::Waits(None))]);
    let ledger = LedgerConfig { durability: Durability::Relaxed, ..LedgerConfig::new("unused") };
    let server = Running::over(Ledger::on_log(ledger, Box::new(log)).unwrap(), config());
    let answer = server.login("ann", "a");
    assert_eq!(answer.status, 201);
    held.until_it_waits();
    assert!(server.ledger.durable().0 < answer.json()["seq"].as_u64().unwrap());
    // Readers see what is durable, which is less.
    assert_eq!(server.ask("GET", "/v1/sessions/a", None).status, 404);
    held.let_go();
}
