//! Lists of attributes that were written by hand to test a server of accounting.

use crate::{imported, recording};
use serde_json::Value;

#[test]
fn starts_updates_and_stops_are_told_apart() {
    for (name, key, outcome) in [
        ("acct_0_start", "opens_without_close", "admitted"),
        ("acct_start_conflict", "opens_without_close", "admitted"),
        ("acct_1_update", "opens_without_close", "adopted"),
        ("acct_update_no_start", "opens_without_close", "adopted"),
        ("acct_2_stop", "closes_without_open", ""),
    ] {
        let Some(file) = recording(&format!("freeradius-acct-vectors/{name}.attrs")) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let report = imported(&file, &folder.path().join("ledger"), "radius");
        assert_eq!(
            (&report["lines"], &report["skipped"]),
            (&Value::from(2), &Value::from(1)),
            "{name}: {report}"
        );
        assert_eq!(report[key], 1, "{name}: {report}");
        if !outcome.is_empty() {
            assert_eq!(report["outcomes"][outcome], 1, "{name}: {report}");
        }
        assert!(report["first_at"].as_str().unwrap().starts_with("2015-02-01T08:28:"), "{name}: {report}");
    }
}
