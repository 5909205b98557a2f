//! Several servers started on one directory at once: exactly one serves it, the others say who does.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use super::PATIENCE;

const SERVERS: usize = 6;

/// The program, where it was built beside this test.
fn program() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok()?.parent()?.parent()?.join("sledger");
    std::env::var_os("SLEDGER_BIN").map(PathBuf::from).or(Some(beside)).filter(|path| path.exists())
}

fn start(program: &Path, dir: &Path) -> Child {
    Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--data", "data"])
        .env_clear()
        .env("SLEDGER__LEDGER__RESERVE", "0B")
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How the servers that did not get the directory ended; the one that did is killed.
fn losers(program: &Path, dir: &Path) -> Vec<(Option<i32>, String)> {
    let mut servers: Vec<Option<Child>> = (0..SERVERS).map(|_| Some(start(program, dir))).collect();
    let (sender, ended) = channel();
    for (index, server) in servers.iter_mut().enumerate() {
        let mut talk = server.as_mut().unwrap().stderr.take().unwrap();
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut said = String::new();
            let read = talk.read_to_string(&mut said);
            sender.send((index, read.map(|_| said))).ok();
        });
    }
    let mut found = Vec::new();
    while found.len() < SERVERS - 1 {
        let (index, said) = ended.recv_timeout(PATIENCE).expect("all but one end by themselves");
        let status = servers[index].take().unwrap().wait().unwrap();
        found.push((status.code(), said.unwrap()));
    }
    let mut winner = servers.into_iter().flatten().next().unwrap();
    let mut first = String::new();
    BufReader::new(winner.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("listening on "), "one serves: {first}");
    winner.kill().unwrap();
    winner.wait().unwrap();
    found
}

#[test]
fn of_servers_started_on_one_directory_at_once_exactly_one_serves() {
    let Some(program) = program() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the program `sledger` was not built");
        println!(
            "skipped: of_servers_started_on_one_directory_at_once_exactly_one_serves: no `sledger` was built"
        );
        return;
    };
    for round in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        // First the directory is made by whoever comes first, then it is what a kill left.
        for (code, said) in [losers(&program, dir.path()), losers(&program, dir.path())].concat() {
            assert_eq!(code, Some(1), "round {round}: {said}");
            assert!(said.contains("`data` is served by pid"), "round {round}: {said}");
        }
        let report = sledger_log::verify(&dir.path().join("data")).unwrap();
        assert_eq!(report.problems, [], "round {round}");
    }
}
