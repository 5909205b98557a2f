//! The process that kills, and then looks at what is left.

use super::child::{Orders, session_line};
use rustix::process::{Pid, Signal, kill_process};
use sledger_core::event::Decision;
use sledger_core::{Seq, State};
use sledger_replay::history;
use sledger_testkit::crash::{Ack, Book, Kill, Live, Run, sum};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// A child that says nothing for so long hangs.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// What a child said, all in all.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) acks: Vec<Ack>,
    /// Seq and sum of what it showed as live after opening.
    pub(crate) opened: Option<(Seq, u64)>,
    pub(crate) closed: bool,
}

impl Said {
    /// True for the line of an acknowledgement.
    fn hear(&mut self, line: &str) -> bool {
        if let Some(ack) = Ack::read(line) {
            self.acks.push(ack);
            return true;
        }
        if let Some(opened) = line.strip_prefix("opened ") {
            let (seq, sum) = opened.trim_end().split_once(' ').unwrap();
            self.opened = Some((Seq(seq.parse().unwrap()), sum.parse().unwrap()));
        }
        self.closed |= line == "closed\n";
        false
    }
}

/// Runs one child as the plan says. How it ended, and what it said.
pub(crate) fn run(orders: &Orders, run: &Run) -> (ExitStatus, Said) {
    run_as(Command::new(std::env::current_exe().unwrap()), orders, run)
}

/// Runs one child as an argument of `program`.
pub(crate) fn run_under(mut program: Command, orders: &Orders, run: &Run) -> (ExitStatus, Said) {
    program.arg(std::env::current_exe().unwrap());
    run_as(program, orders, run)
}

fn run_as(mut command: Command, orders: &Orders, run: &Run) -> (ExitStatus, Said) {
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    orders.give(&mut command);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let lines = lines(&mut child);
    let mut said = Said::default();
    match run.kill {
        Some(Kill::AfterStart { micros }) => {
            listen_until(&lines, &mut said, begun + Duration::from_micros(micros));
            kill(&child);
        }
        Some(Kill::AfterAcks { acks, micros }) => {
            listen_for(&lines, &mut said, acks);
            listen_until(&lines, &mut said, Instant::now() + Duration::from_micros(micros));
            kill(&child);
        }
        Some(Kill::AtPoint { .. }) | None => {}
    }
    // To the end of the pipe: what is in it was acknowledged, whatever became of the process.
    while let Ok(line) = hear(&lines, &child) {
        said.hear(&line);
    }
    (child.wait().unwrap(), said)
}

fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let mut pipe = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        let mut line = String::new();
        while pipe.read_line(&mut line).is_ok_and(|read| read > 0) {
            if sender.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    receiver
}

fn hear(lines: &Receiver<String>, child: &Child) -> Result<String, ()> {
    lines.recv_timeout(SILENCE_MAX).map_err(|error| {
        if error == RecvTimeoutError::Timeout {
            kill(child);
            panic!("the child said nothing for {} s", SILENCE_MAX.as_secs());
        }
    })
}

fn listen_until(lines: &Receiver<String>, said: &mut Said, until: Instant) {
    while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
        said.hear(&line);
    }
}

fn listen_for(lines: &Receiver<String>, said: &mut Said, acks: u32) {
    let mut heard = 0;
    while heard < acks {
        let Ok(line) = lines.recv_timeout(SILENCE_MAX) else { return };
        heard += u32::from(said.hear(&line));
    }
}

fn kill(child: &Child) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    // It may have ended by itself; it is not waited for yet, so the pid is still its own.
    kill_process(pid, Signal::KILL).unwrap();
}

/// Whether the child was killed.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}

/// What a directory must hold after each of its runs.
#[derive(Debug, Default)]
pub(crate) struct Life {
    acks: Vec<Ack>,
}

impl Life {
    /// Takes what the last child said, and checks all that was ever said against the disk.
    pub(crate) fn check(&mut self, dir: &Path, said: Said) -> Result<usize, String> {
        self.acks.extend(said.acks);
        if !dir.join("ledger.toml").exists() {
            return if self.acks.is_empty() { Ok(0) } else { Err("the ledger is gone".to_owned()) };
        }
        let report = sledger_log::verify(dir).map_err(|error| error.to_string())?;
        if !report.problems.is_empty() {
            return Err(format!("verify: {:?}", report.problems));
        }
        let mut book = Book::default();
        let mut whole = Ok(());
        let mut shown = None;
        let state = history::fold(dir, |folded| {
            if whole.is_ok() {
                whole = book.note(folded.first, folded.decision);
            }
            if said.opened.is_some_and(|(seq, _)| seq == folded.state.seq()) {
                shown = Some(live_sum(folded.state));
            }
        });
        let state = state.map_err(|error| format!("fold: {error}"))?;
        whole?;
        book.check(&self.acks)?;
        if state.seq() != report.head.seq {
            return Err(format!("folded to seq {}, verified to seq {}", state.seq(), report.head.seq));
        }
        if said.opened.map(|(_, sum)| sum) != shown {
            return Err(format!("after opening it showed {:?}, the fold gives {shown:?}", said.opened));
        }
        same_live(&book.live(), &state)?;
        Ok(self.acks.len())
    }
}

/// Checks what a server left in `dir` against what its callers were told. The live sessions.
pub(crate) fn check_served(dir: &Path, acks: &[Ack]) -> Result<Vec<Live>, String> {
    Life::default().check(dir, Said { acks: acks.to_vec(), ..Said::default() })?;
    let mut book = Book::default();
    decisions(dir).iter().try_for_each(|(first, decision)| book.note(*first, decision))?;
    Ok(book.live())
}

/// Every decision in `dir`, with the seq of its first event.
pub(crate) fn decisions(dir: &Path) -> Vec<(Seq, Arc<Decision>)> {
    let mut found = Vec::new();
    history::fold(dir, |folded| found.push((folded.first, Arc::clone(folded.decision)))).unwrap();
    found
}

/// What the child sums up after opening, from a folded state.
fn live_sum(state: &State) -> u64 {
    sum(state.sessions().into_iter().map(|session| {
        let facts = &session.facts;
        let numbers = (session.number.0, session.generation.0);
        session_line(facts.user(), facts.session(), numbers, session.last_active.0)
    }))
}

fn same_live(book: &[Live], state: &State) -> Result<(), String> {
    let folded: Vec<Live> = state
        .sessions()
        .into_iter()
        .map(|session| Live {
            number: session.number,
            session: session.facts.session().to_owned(),
            user: session.facts.user().to_owned(),
        })
        .collect();
    if book == folded { Ok(()) } else { Err(format!("live by the log {book:?}, by the state {folded:?}")) }
}
