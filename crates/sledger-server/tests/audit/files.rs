//! The file sink is exact.

use super::support::{
    HOSTILE, WANTED, caught_up, fails, file, ledger, login, recorded, refuse_and_evict, seqs, start, until,
};
use serde_json::Value;
use sledger::Outcome;
use sledger_wire::config::AuditFormat::{Cef, Json, Text};
use std::fs;
use std::path::{Path, PathBuf};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The seqs of lines of any form.
fn all_seqs(text: &str) -> Vec<u64> {
    text.lines().map(|line| sledger_wire::audit::seq_of(line.as_bytes()).unwrap()).collect()
}

#[test]
fn each_refusal_and_eviction_is_one_line_with_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let path = dir.path().join("audit.jsonl");
    let audit = start(&ledger, &[file(&path, Json, WANTED)], dir.path());
    for user in ["ann", "bob", HOSTILE] {
        refuse_and_evict(&ledger, user);
    }
    caught_up(&audit);
    let text = read(&path);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| [&line["type"], &line["code"], &line["user"]].map(|v| v.as_str().unwrap()))
        .collect();
    let of = |user: &str| [format!("deny_access {user}"), format!("destroy_oldest {user}")];
    let users = ["ann", "bob", HOSTILE].map(of).concat();
    let wanted: Vec<_> = users
        .iter()
        .enumerate()
        .map(|(index, user)| [WANTED[index % 2], "SESSION_QUOTA_EXCEEDED", user.as_str()])
        .collect();
    assert_eq!(told, wanted);
    assert_eq!(lines[0]["message"], "Not again.\nNot <84>1 - today.");
}

#[test]
fn every_format_has_the_same_events_one_line_each() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let paths = ["json", "cef", "text"].map(|name| dir.path().join(name));
    let formats = [Json, Cef, Text].into_iter().zip(&paths);
    let sinks = formats.map(|(format, path)| file(path, format, &["*"])).collect::<Vec<_>>();
    let audit = start(&ledger, &sinks, dir.path());
    refuse_and_evict(&ledger, HOSTILE);
    caught_up(&audit);
    let [json, cef, text] = paths.map(|path| read(&path));
    assert!(json.lines().count() >= 5, "{json}");
    assert_eq!(all_seqs(&cef), all_seqs(&json));
    assert_eq!(all_seqs(&text), all_seqs(&json));
}

#[test]
fn file_cut_anywhere_in_its_last_line_has_each_event_once_after_a_start() {
    const AT_ONCE: usize = 16;
    let dir = tempfile::tempdir().unwrap();
    let ledger_data = dir.path().join("data");
    let ledger = ledger(&ledger_data);
    for format in [Text, Json] {
        let data = dir.path().join(format!("{format:?}"));
        let paths: Vec<PathBuf> = (0..AT_ONCE).map(|n| data.join(n.to_string())).collect();
        let sinks: Vec<_> = paths.iter().map(|path| file(path, format, WANTED)).collect();
        fs::create_dir_all(&data).unwrap();
        let audit = start(&ledger, &sinks, &data);
        refuse_and_evict(&ledger, &format!("{format:?} a"));
        refuse_and_evict(&ledger, &format!("{format:?} b"));
        caught_up(&audit);
        audit.stop();
        let whole = read(&paths[0]);
        assert_eq!(whole.lines().count(), 4, "{whole}");
        let first = all_seqs(&whole)[0];
        let last = whole.lines().last().unwrap().len() + 1;
        let cuts: Vec<usize> = (whole.len() - last - 3..=whole.len()).collect();
        for (round, cuts) in cuts.chunks(AT_ONCE).enumerate() {
            for (path, cut) in paths.iter().zip(cuts) {
                fs::write(path, &whole.as_bytes()[..*cut]).unwrap();
            }
            let audit = start(&ledger, &sinks, &data);
            let user = format!("deny_access x{round}");
            login(&ledger, &user, &format!("{user} {format:?} 1"), "deny_access");
            login(&ledger, &user, &format!("{user} {format:?} 2"), "deny_access");
            caught_up(&audit);
            audit.stop();
            let wanted = recorded(&ledger_data, WANTED, first - 1);
            for (path, cut) in paths.iter().zip(cuts) {
                let text = read(path);
                assert!(text.starts_with(&whole), "cut at {cut} of {}", whole.len());
                assert_eq!(all_seqs(&text), wanted, "cut at {cut} of {}", whole.len());
            }
        }
    }
}

#[test]
fn file_alone_says_where_it_goes_on_when_the_position_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    let path = dir.path().join("audit.jsonl");
    let sinks = vec![file(&path, Json, WANTED)];
    let audit = start(&ledger, &sinks, dir.path());
    refuse_and_evict(&ledger, "ann");
    caught_up(&audit);
    audit.stop();
    fs::remove_dir_all(dir.path().join("audit")).unwrap();
    refuse_and_evict(&ledger, "bob");
    let audit = start(&ledger, &sinks, dir.path());
    caught_up(&audit);
    audit.stop();
    ledger.close();
    assert_eq!(seqs(&read(&path)), recorded(&data, WANTED, 0));
}

#[test]
fn events_while_no_sink_ran_come_after_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let path = dir.path().join("audit.jsonl");
    let sinks = vec![file(&path, Json, WANTED)];
    for round in 0..4 {
        let ledger = ledger(&data);
        let audit = start(&ledger, &sinks, &data);
        refuse_and_evict(&ledger, &format!("during {round}"));
        caught_up(&audit);
        audit.stop();
        refuse_and_evict(&ledger, &format!("after {round}"));
        ledger.close();
    }
    let ledger = ledger(&data);
    let audit = start(&ledger, &sinks, &data);
    caught_up(&audit);
    audit.stop();
    ledger.close();
    assert_eq!(seqs(&read(&path)), recorded(&data, WANTED, 0));
}

#[test]
fn renamed_file_is_left_when_told_to_reopen_and_no_event_is_lost_or_twice() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    let (path, old) = (dir.path().join("audit.jsonl"), dir.path().join("audit.jsonl.1"));
    let audit = start(&ledger, &[file(&path, Json, WANTED)], dir.path());
    refuse_and_evict(&ledger, "ann");
    caught_up(&audit);
    fs::rename(&path, &old).unwrap();
    audit.reopen();
    until("the file is there again", || path.exists());
    assert_eq!(read(&path), "");
    refuse_and_evict(&ledger, "bob");
    caught_up(&audit);
    audit.stop();
    ledger.close();
    assert_eq!([read(&old).lines().count(), read(&path).lines().count()], [2, 2]);
    assert_eq!(seqs(&[read(&old), read(&path)].concat()), recorded(&data, WANTED, 0));
}

#[test]
fn renamed_file_is_left_at_the_next_event_also_without_an_order() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let (path, old) = (dir.path().join("audit.jsonl"), dir.path().join("audit.jsonl.1"));
    let audit = start(&ledger, &[file(&path, Json, WANTED)], dir.path());
    refuse_and_evict(&ledger, "ann");
    caught_up(&audit);
    fs::rename(&path, &old).unwrap();
    refuse_and_evict(&ledger, "bob");
    caught_up(&audit);
    assert_eq!([read(&old).lines().count(), read(&path).lines().count()], [2, 2]);
}

#[test]
fn emptied_file_goes_on_from_the_stored_position() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let path = dir.path().join("audit.jsonl");
    let sinks = vec![file(&path, Json, WANTED)];
    let audit = start(&ledger, &sinks, dir.path());
    refuse_and_evict(&ledger, "ann");
    caught_up(&audit);
    audit.stop();
    fs::write(&path, "").unwrap();
    refuse_and_evict(&ledger, "bob");
    let audit = start(&ledger, &sinks, dir.path());
    caught_up(&audit);
    let text = read(&path);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.lines().all(|line| line.contains("bob")), "{text}");
}

#[test]
fn file_that_is_not_ours_is_left_alone_and_the_sink_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let foreign = ["root:x:0:0\n", "root:x:0:0", "{\"seq\":1}\nroot", "x\n{\"se"];
    for (index, content) in foreign.into_iter().enumerate() {
        let path = dir.path().join(index.to_string());
        fs::write(&path, content).unwrap();
        let audit = start(&ledger, &[file(&path, Json, &["*"])], dir.path());
        let failing = fails(&audit);
        assert!(failing.ends_with("it is left alone"), "{failing}");
        assert_eq!(login(&ledger, &format!("u{index}"), &format!("s{index}"), "web"), Outcome::Admitted);
        audit.stop();
        assert_eq!(read(&path), content);
    }
}

#[test]
fn file_that_somebody_else_writes_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&dir.path().join("data"));
    let path = dir.path().join("audit.jsonl");
    let sinks = vec![file(&path, Json, WANTED)];
    let first = start(&ledger, &sinks, &dir.path().join("one"));
    caught_up(&first);
    until("the file is there", || path.exists());
    let second = start(&ledger, &sinks, &dir.path().join("two"));
    assert!(fails(&second).starts_with("somebody else writes"));
    first.stop();
    refuse_and_evict(&ledger, "ann");
    until("the second goes on", || read(&path).lines().count() == 2);
}

#[test]
fn file_that_cannot_be_made_has_everything_once_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = ledger(&data);
    let path = dir.path().join("nowhere").join("audit.jsonl");
    let audit = start(&ledger, &[file(&path, Json, WANTED)], dir.path());
    fails(&audit);
    refuse_and_evict(&ledger, "ann");
    fs::create_dir(dir.path().join("nowhere")).unwrap();
    audit.reopen();
    caught_up(&audit);
    audit.stop();
    ledger.close();
    assert_eq!(seqs(&read(&path)), recorded(&data, WANTED, 0));
}
