//! A disk of its own for the audit, and full.

use super::support::{WANTED, caught_up, fails, file, ledger, recorded, refuse_and_evict, seqs, start};
use sledger_wire::config::AuditFormat::Json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own; unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(&at);
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    /// Leaves no byte.
    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let full = fs::write(&filler, vec![1; 1 << 20]);
        assert!(full.is_err(), "it was to be too much");
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg(&self.0).output();
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn full_audit_disk_stops_nobody_shows_and_gets_everything_once_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(dir.path().join("disk")) else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "a file system must be mounted, and CI needs it"
        );
        println!("skipped: full_audit_disk…: no file system could be mounted");
        return;
    };
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    let path = disk.0.join("audit.jsonl");
    let audit = start(&ledger, &[file(&path, Json, WANTED)], dir.path());
    refuse_and_evict(&ledger, "before");
    caught_up(&audit);
    let filler = disk.fill();
    // Logins go on; what they come to fills the last page of the file, and then no more.
    for n in 0..40 {
        refuse_and_evict(&ledger, &format!("while full {n}"));
    }
    let failing = fails(&audit);
    assert!(failing.contains("No space left on device"), "{failing}");
    fs::remove_file(filler).unwrap();
    refuse_and_evict(&ledger, "after");
    audit.reopen();
    caught_up(&audit);
    audit.stop();
    ledger.close();
    assert_eq!(seqs(&read(&path)), recorded(&data, WANTED, 0));
}
