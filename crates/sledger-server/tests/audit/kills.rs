//! A process killed at any moment leaves a file with each event once after the next start.
//!
//! The child, this binary again, runs a ledger with a file sink and lets people in until it is killed.

use super::support::{WANTED, caught_up, file, ledger, recorded, refuse_and_evict, seqs, start, until};
use sledger_wire::config::AuditFormat::Json;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DIR: &str = "SLEDGER_AUDIT_CHILD";
const ROUNDS: u64 = 8;
const LOGINS_MAX: u64 = 20_000;

/// Killed at the end of the test, however it ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Not a test of its own: what the child does.
#[test]
fn child_lets_people_in_until_it_is_killed() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let dir = Path::new(&dir);
    let ledger = ledger(&dir.join("data"));
    let _audit = start(&ledger, &[file(&dir.join("audit.jsonl"), Json, WANTED)], dir);
    let run = ledger.durable().0;
    // More than it lives for; should nobody kill it, it ends.
    for n in 0..LOGINS_MAX {
        refuse_and_evict(&ledger, &format!("{run} {n}"));
    }
}

fn child(dir: &Path) -> Killed {
    let this = std::env::current_exe().unwrap();
    let mut command = Command::new(this);
    command.args(["--exact", "kills::child_lets_people_in_until_it_is_killed", "--nocapture"]);
    Killed(command.env(DIR, dir).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

#[test]
fn killed_process_leaves_each_refusal_and_eviction_once() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    println!("seed {seed}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let mut random = u64::from(seed) | 1;
    for _ in 0..ROUNDS {
        let before = fs::metadata(&path).map_or(0, |about| about.len());
        let child = child(dir.path());
        until("the child writes", || fs::metadata(&path).is_ok_and(|about| about.len() > before));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Any moment within a few batches.
        std::thread::park_timeout(Duration::from_micros(random >> 48));
        drop(child);
    }
    let ledger = ledger(&dir.path().join("data"));
    let audit = start(&ledger, &[file(&path, Json, WANTED)], dir.path());
    caught_up(&audit);
    audit.stop();
    ledger.close();
    let found = seqs(&fs::read_to_string(&path).unwrap());
    assert!(found.len() > 8, "{found:?}");
    assert_eq!(found, recorded(&dir.path().join("data"), WANTED, 0));
}
