//! The page on evidence: its very commands, on a ledger, on a proof, and on what was tampered with.

use crate::checkpoints::{login, serve, stop};
use crate::common::{folder, run};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../../EVIDENCE.md");

/// Whether a program is there; where it must be, that it is not is a failure.
fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    let is_there = found.status.success();
    assert!(
        is_there || std::env::var("CI").as_deref() != Ok("true"),
        "`{program}` is missing, and CI needs it"
    );
    is_there
}

fn has_all() -> bool {
    ["b3sum", "openssl", "jq", "xxd"].into_iter().all(has)
}

/// The commands of the page, in order: checkpoint, blocks, proof, decisions, what they say.
fn commands() -> [&'static str; 5] {
    let blocks: Vec<&str> =
        PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    blocks.try_into().unwrap()
}

/// Runs commands of the page; whether they went well, and what they said.
fn follow(dir: &Path, commands: &str) -> (bool, String) {
    let ran = Command::new("sh").args(["-eu", "-c", commands]).current_dir(dir).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    (ran.status.success(), said)
}

/// A folder with everything that the page asks for, about ann, bob and cid.
fn handed_over() -> tempfile::TempDir {
    let dir = folder(&[]);
    let server = serve(
        dir.path(),
        "[[quota]]\nname = \"per-user\"\nmax_sessions = 1\non_exhausted = \"destroy_oldest\"\n",
    );
    for (user, session) in
        [("ann", "a1"), ("bob", "bobs-desk"), ("cid", "cids-desk"), ("ann", "a2"), ("bob", "bobs-phone")]
    {
        login(&server, dir.path(), user, session);
    }
    for (name, flag) in [("last.checkpoint", None), ("key.pem", Some("--public-key"))] {
        let args = ["ledger", "checkpoint", "--connect", &server.url, "-o", name];
        let ran = run(dir.path(), &args.into_iter().chain(flag).collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let script = format!(
        "'{0}' export --connect {1} --format blocks > blocks && \
         '{0}' export --connect {1} --user ann --redact --checkpoint last.checkpoint > ann.proof",
        env!("CARGO_BIN_EXE_sledger"),
        server.url
    );
    let (is_well, said) = follow(dir.path(), &script);
    assert!(is_well, "{said}");
    stop(server);
    dir
}

#[test]
fn the_page_is_followed_by_its_own_commands() {
    if !has_all() {
        return;
    }
    let dir = handed_over();
    let [checkpoint, blocks, proof, decisions, what] = commands();
    let said = |commands: &str| {
        let (is_well, said) = follow(dir.path(), commands);
        assert!(is_well, "{said}");
        said
    };
    assert!(said(checkpoint).contains("Signature Verified Successfully"));
    assert!(said(blocks).contains("every block follows, and the checkpoint names seq "));
    assert!(said(proof).contains("every block follows, up to the checkpoint"));
    assert!(said(decisions).contains("every decision shown stands in its block: 2"));
    let told = said(what);
    assert!(
        told.starts_with("ann\n")
            && told.contains("login.admitted a1")
            && told.contains("session.evicted a1"),
        "{told}"
    );
    for file in ["blocks", "ann.proof"] {
        let verify =
            ["ledger", "verify", "--recording", file, "--checkpoint", "last.checkpoint", "--key", "key.pem"];
        let ran = run(dir.path(), &[&verify[..], &["--require-checkpoint"]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

#[test]
fn proof_tells_nothing_of_others() {
    let dir = handed_over();
    let text = fs::read_to_string(dir.path().join("ann.proof")).unwrap();
    let mut bytes = String::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let record = line["record"].as_str().unwrap_or_default();
        let plain =
            (0..record.len()).step_by(2).map(|at| u8::from_str_radix(&record[at..at + 2], 16).unwrap());
        bytes.extend(plain.map(char::from));
    }
    assert!(bytes.contains("ann") && bytes.contains("a2"));
    for other in ["bobs", "cids", "desk", "phone", "\"bob\"", "\"cid\""] {
        assert!(!bytes.contains(other) && !text.contains(other), "{other}");
    }
}

/// Files with a change each, and the commands of the page that must find it.
#[test]
fn what_was_tampered_with_is_found_by_the_page_and_by_verify() {
    if !has_all() {
        return;
    }
    let dir = handed_over();
    let [checkpoint, blocks, proof, decisions, _] = commands();
    let path = |name: &str| dir.path().join(name);
    let verify = |file: &str| {
        let args =
            ["ledger", "verify", "--recording", file, "--checkpoint", "last.checkpoint", "--key", "key.pem"];
        run(dir.path(), &args)
    };
    let found = |file: &str, changed: &[u8], commands: &str, by_page: &str, by_verify: &str| {
        let whole = fs::read(path(file)).unwrap();
        fs::write(path(file), changed).unwrap();
        let (is_well, said) = follow(dir.path(), commands);
        assert!(!is_well && said.contains(by_page), "{by_page}: {said}");
        if file != "last.checkpoint" {
            let ran = verify(file);
            assert!(ran.code == 3 && ran.stdout.contains(by_verify), "{by_verify}: {ran:?}");
        }
        fs::write(path(file), whole).unwrap();
    };
    let text = fs::read_to_string(path("last.checkpoint")).unwrap();
    found(
        "last.checkpoint",
        text.replace("partition: 0", "partition: 1").as_bytes(),
        checkpoint,
        "Failure",
        "",
    );

    let whole = fs::read(path("blocks")).unwrap();
    let begins: Vec<usize> =
        (0..whole.len()).filter(|at| whole[*at..].starts_with(b"\xF5SLEDBL\xFF")).collect();
    let last = *begins.last().unwrap();
    let mut changed = whole.clone();
    changed[begins[1] + 130] ^= 1;
    found("blocks", &changed, blocks, "was changed", "block hash does not match");
    let removed = [&whole[..begins[1]], &whole[begins[2]..]].concat();
    found("blocks", &removed, blocks, "is missing", "the block begins with seq");
    let (one, two) = (&whole[begins[1]..begins[2]], &whole[begins[2]..begins[3]]);
    let swapped = [&whole[..begins[1]], two, one, &whole[begins[3]..]].concat();
    found("blocks", &swapped, blocks, "is missing", "the block begins with seq");
    found("blocks", &whole[..begins[2]], blocks, "cut off before seq", "its tail is cut");
    found("blocks", &whole[..last + 50], blocks, "", "cut off");

    let lines: Vec<String> =
        fs::read_to_string(path("ann.proof")).unwrap().lines().map(str::to_owned).collect();
    let joined = |lines: &[String]| (lines.join("\n") + "\n").into_bytes();
    let at = |is: &str, nth: usize| {
        let places = lines.iter().enumerate().filter(|(_, line)| line.contains(&format!("\"is\":\"{is}\"")));
        places.map(|(at, _)| at).nth(nth).unwrap()
    };
    let shown = at("decision", 0);
    let mut other = lines.clone();
    // a1 where it is told as text within the bytes: another session.
    other[shown] = other[shown].replacen("6131", "6139", 1);
    assert_ne!(other, lines);
    found("ann.proof", &joined(&other), decisions, "was changed", "its bytes have another hash");
    let mut fewer = lines.clone();
    fewer.remove(at("block", 1));
    found("ann.proof", &joined(&fewer), proof, "is missing", "line 3: ");
    let mut cut = lines.clone();
    cut.truncate(at("block", 2));
    found("ann.proof", &joined(&cut), proof, "the checkpoint names another seq", "it is cut off");
    let mut hash = lines.clone();
    let place = at("block", 1);
    let told: Value = serde_json::from_str(&lines[place]).unwrap();
    let first = told["decisions"][0].as_str().unwrap();
    hash[place] = hash[place].replace(first, &"0".repeat(64));
    found("ann.proof", &joined(&hash), proof, "was changed", "its hash does not follow");
}

#[test]
fn proof_of_nobody_without_a_checkpoint_or_against_a_wrong_one_says_so() {
    let dir = handed_over();
    let export =
        |more: &[&str]| run(dir.path(), &[&["export", "--recording", "blocks", "--redact"], more].concat());
    let ran = export(&["--user", "nobody"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("no checkpoint") && ran.stderr.contains("no decision concerns"),
        "{}",
        ran.stderr
    );
    let other = handed_over();
    fs::copy(other.path().join("last.checkpoint"), dir.path().join("foreign")).unwrap();
    let ran = export(&["--user", "ann", "--checkpoint", "foreign"]);
    assert!(ran.code == 1 && ran.stderr.contains("of another ledger"), "{ran:?}");
    let ran = export(&["--user", "ann", "--checkpoint", "blocks"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let ran = export(&["--user", "ann", "--checkpoint", "last.checkpoint", "--format", "csv"]);
    assert!(ran.code == 2 && ran.stderr.contains("--checkpoint goes with a proof"), "{ran:?}");
    // The pseudonyms of one user stay where a format is named.
    let ran = export(&["--user", "ann", "--format", "events"]);
    assert!(
        ran.code == 0 && ran.stdout.contains("login.admitted") && !ran.stdout.contains("\"ann\""),
        "{ran:?}"
    );
}
