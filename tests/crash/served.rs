//! The real program, served over HTTP and killed: what was in flight is asked again, and is decided once.

use sledger_client::{Client, ClientError};
use sledger_core::command::Login;
use sledger_core::{Seq, Span};
use sledger_testkit::crash::{Ack, Asked, payload};
use sledger_testkit::recordings::Rng;
use sledger_wire::answer::AnswerLine;
use sledger_wire::queries::TargetQuery;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const THREADS: usize = 8;

/// The program, where it was built beside this test.
pub(crate) fn program() -> Option<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("sledger"));
    std::env::var_os("SLEDGER_BIN").map(PathBuf::from).or_else(beside).filter(|path| path.exists())
}

/// A running server.
struct Served {
    child: Child,
    url: String,
    /// Kept open: what it says later goes into it.
    _talk: BufReader<ChildStdout>,
}

impl Served {
    fn start(program: &Path, dir: &Path) -> Self {
        let config = dir.join("sledger.toml");
        std::fs::write(&config, "[ledger]\nreserve = \"0B\"\n").unwrap();
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(dir.join("data"))
            .env_clear()
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut talk = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("listening on ") {
            line.clear();
            assert!(talk.read_line(&mut line).unwrap() > 0, "it ended before it listened");
        }
        let url = line.trim_start_matches("listening on ").trim_end().to_owned();
        Self { child, url, _talk: talk }
    }
}

/// A login that was not answered yet.
struct Asking {
    command: String,
    login: Login,
}

impl Asking {
    fn new(rng: &mut Rng, command: String) -> Self {
        let session = format!("s{command}");
        let login = Login {
            user: Some(format!("user-{}", rng.below(6))),
            attributes: vec![("payload".to_owned(), payload(&session))],
            session: Some(session),
            idle: Some(Span::NEVER),
            ..Login::default()
        };
        Self { command, login }
    }

    fn ack(&self, answer: &AnswerLine) -> Ack {
        Ack {
            asked: Asked::Login,
            user: self.login.user.clone().unwrap(),
            session: self.login.session.clone().unwrap(),
            command: self.command.clone(),
            outcome: answer.outcome.clone(),
            generation: answer.generation.map(Seq),
            seq: answer.seq.map(Seq),
            gone: answer.evicted.iter().chain(&answer.ended).cloned().collect(),
        }
    }
}

/// One asker over all lives of the server.
struct Asker {
    name: usize,
    rng: Rng,
    asked: u32,
    /// In flight when the server was killed: asked first of the next.
    open: Option<Asking>,
    acks: Vec<Ack>,
    logged_out: Vec<String>,
    repeated: u32,
}

impl Asker {
    /// Asks until the server is gone, or `enough` were answered in all.
    fn run(&mut self, url: &str, answered: &AtomicU32, enough: u32) {
        let client = Client::new(url).unwrap();
        while self.open.is_some() || answered.load(Ordering::SeqCst) < enough {
            let asking = self.open.take().unwrap_or_else(|| self.next());
            match client.login(&asking.login, Some(&asking.command)) {
                Ok(answer) => {
                    self.repeated += u32::from(answer.repeated);
                    self.acks.push(asking.ack(&answer));
                }
                Err(error) => {
                    assert!(!matches!(error, ClientError::Refused(_)), "{error}");
                    self.open = Some(asking);
                    return;
                }
            }
            answered.fetch_add(1, Ordering::SeqCst);
            if self.asked.is_multiple_of(5) {
                self.log_out(&client, asking.login.session.as_deref().unwrap());
            }
        }
    }

    fn next(&mut self) -> Asking {
        self.asked += 1;
        Asking::new(&mut self.rng, format!("{}.{}", self.name, self.asked))
    }

    fn log_out(&mut self, client: &Client, session: &str) {
        if client.logout(session, &TargetQuery::default()).is_ok() {
            self.logged_out.push(session.to_owned());
        }
    }
}

/// What all askers were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) acks: Vec<Ack>,
    pub(crate) logged_out: Vec<String>,
    /// Answers that were given again after a kill.
    pub(crate) repeated: u32,
}

/// Serves `dir` again and again, each time killed after some answers; the last time it is asked to stop.
pub(crate) fn ask_through_kills(program: &Path, dir: &Path, seed: u64, kills: u32) -> Told {
    let mut rng = Rng::new(seed);
    let asker = |name| Asker {
        name,
        rng: Rng::new(seed ^ name as u64),
        asked: 0,
        open: None,
        acks: Vec::new(),
        logged_out: Vec::new(),
        repeated: 0,
    };
    let mut askers: Vec<Asker> = (0..THREADS).map(asker).collect();
    for life in 0..=kills {
        let mut served = Served::start(program, dir);
        let (answered, url) = (AtomicU32::new(0), served.url.clone());
        let enough = 100 + u32::try_from(rng.below(200)).unwrap();
        let limit = if life < kills { u32::MAX } else { enough };
        std::thread::scope(|scope| {
            for asker in &mut askers {
                let (url, answered) = (&url, &answered);
                scope.spawn(move || asker.run(url, answered, limit));
            }
            if life < kills {
                while answered.load(Ordering::SeqCst) < enough {
                    std::thread::yield_now();
                }
                served.child.kill().unwrap();
            }
        });
        end(served, life == kills);
    }
    let mut told = Told::default();
    for asker in askers {
        told.acks.extend(asker.acks);
        told.logged_out.extend(asker.logged_out);
        told.repeated += asker.repeated;
    }
    told
}

fn end(mut served: Served, is_stopped: bool) {
    if is_stopped {
        let pid = rustix::process::Pid::from_raw(i32::try_from(served.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
    let status = served.child.wait().unwrap();
    assert_eq!(status.success(), is_stopped, "{status}");
}
