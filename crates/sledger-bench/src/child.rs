//! This program once more, as a process of its own: servers to be asked, ledgers to be killed, memory to be weighed.
//!
//! A child tells what it measured in lines of numbers on stdout, and ends when its stdin does: it never outlives
//! its parent.

use crate::work::Work;
use crate::{answers, http, memory, mix, open, past};
use anyhow::{Context, ensure};
use clap::Subcommand;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdout, Command, Stdio};

/// What a child does.
#[derive(Subcommand)]
pub(crate) enum Task {
    /// Serves a ledger over HTTP
    Serve { folder: PathBuf, users: u64 },
    /// Serves an empty handler over HTTP
    Empty,
    /// Weighs a ledger
    Memory { data: PathBuf, sessions: u64, per_user: u64 },
    /// Fills a ledger and goes on until it is killed
    Fill { data: PathBuf, events: u64, live: u64, seed: u64 },
    /// Opens a ledger
    Open { data: PathBuf },
    /// Looks at the past
    Past { data: PathBuf, what: String, about: u64 },
    /// Times the answers of a full ledger
    Answers { data: PathBuf, live: u64, requests: u64, seed: u64 },
}

/// Does it.
pub(crate) fn run(task: &Task) -> anyhow::Result<()> {
    match task {
        Task::Serve { folder, users } => http::serve(folder, &Work::mixed(*users)),
        Task::Empty => http::serve_empty(),
        Task::Memory { data, sessions, per_user } => memory::weigh(data, *sessions, *per_user),
        Task::Fill { data, events, live, seed } => {
            open::fill_until_killed(data, mix::Filling { events: *events, live: *live, seed: *seed })
        }
        Task::Open { data } => open::open(data),
        Task::Past { data, what, about } => past::look(data, what, *about),
        Task::Answers { data, live, requests, seed } => answers::time(data, *live, *requests, *seed),
    }
}

/// Tells the parent a line of numbers.
pub(crate) fn tell(numbers: &[u64]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let words: Vec<String> = numbers.iter().map(u64::to_string).collect();
    writeln!(out, "{}", words.join(" "))?;
    out.flush()
}

/// Waits until the parent is done with this process, or gone.
pub(crate) fn wait_for_the_end() -> io::Result<()> {
    io::stdin().lock().read_to_end(&mut Vec::new()).map(drop)
}

/// A running child; killed when dropped.
pub(crate) struct Child {
    process: std::process::Child,
    said: BufReader<ChildStdout>,
}

impl Child {
    /// Starts this program with the words of a [`Task`].
    pub(crate) fn start(words: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let mut process = Command::new(program)
            .arg("child")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start this program once more")?;
        let said = process.stdout.take().context("a child without stdout")?;
        Ok(Self { process, said: BufReader::new(said) })
    }

    /// Its next line.
    pub(crate) fn line<const N: usize>(&mut self) -> anyhow::Result<[u64; N]> {
        let mut line = String::new();
        self.said.by_ref().take(4096).read_line(&mut line)?;
        ensure!(line.ends_with('\n'), "a child ended before it told what it measured");
        let numbers: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
        let numbers = numbers.context("read what a child told")?;
        numbers.try_into().map_err(|_| anyhow::anyhow!("a child told too much or too little"))
    }

    /// The port that a server tells when it listens.
    pub(crate) fn port(&mut self) -> anyhow::Result<u16> {
        let [port] = self.line()?;
        Ok(u16::try_from(port)?)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL; returns once it is gone.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// Has it end by itself.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait()?;
        ensure!(status.success(), "a child ended with {status}");
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
