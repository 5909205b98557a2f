//! The process that is killed: a real ledger, four threads that ask it, a line for every answer.

use rustix::process::{Signal, getpid, kill_process};
use sledger::log::Probe;
use sledger::projector::SessionQuery;
use sledger::{Actor, Caller, Command, Config, Ledger, Login, Request, Token};
use sledger_core::command::Target;
use sledger_core::config::{Dimension, Origin, Quota};
use sledger_core::{Limit, Span};
use sledger_testkit::crash::{Ack, Asked, LINE_BYTES_MAX, SHORT, payload, sum};
use sledger_testkit::recordings::Rng;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const THREADS: u32 = 4;
const IN_FLIGHT: usize = 4;
const USERS: usize = 12;
/// So small that a run of some hundred requests fills several.
const VOLUME_BYTES: u64 = 48 * 1024;
/// So few that a run writes several snapshots.
const SNAPSHOT_EVENTS: u64 = 150;
/// Longer than a barrier may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a child is told by its environment.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) dir: std::path::PathBuf,
    pub(crate) seed: u64,
    pub(crate) run: u32,
    pub(crate) requests: u32,
    pub(crate) point: Option<(String, u32)>,
}

impl Orders {
    pub(crate) const DIR: &str = "SLEDGER_CRASH_CHILD";

    /// The orders of this process, if it is a child.
    pub(crate) fn read() -> Option<Self> {
        let text = |name: &str| std::env::var(name).ok();
        let dir = text(Self::DIR)?.into();
        let number = |name: &str| text(name).and_then(|text| text.parse().ok()).unwrap();
        let point = text("SLEDGER_CRASH_POINT").map(|point| {
            let (name, occurrence) = point.split_once(':').unwrap();
            (name.to_owned(), occurrence.parse().unwrap())
        });
        Some(Self {
            dir,
            seed: number("SLEDGER_CRASH_RUN_SEED"),
            run: u32::try_from(number("SLEDGER_CRASH_RUN")).unwrap(),
            requests: u32::try_from(number("SLEDGER_CRASH_REQUESTS")).unwrap(),
            point,
        })
    }

    /// Writes them to the environment of `command`.
    pub(crate) fn give(&self, command: &mut std::process::Command) {
        command
            .env(Self::DIR, &self.dir)
            .env("SLEDGER_CRASH_RUN_SEED", self.seed.to_string())
            .env("SLEDGER_CRASH_RUN", self.run.to_string())
            .env("SLEDGER_CRASH_REQUESTS", self.requests.to_string());
        if let Some((name, occurrence)) = &self.point {
            command.env("SLEDGER_CRASH_POINT", format!("{name}:{occurrence}"));
        }
    }
}

/// Kills this process at a named point.
struct Trap {
    point: String,
    left: AtomicU32,
}

impl Probe for Trap {
    fn at(&self, point: &'static str) {
        if point == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            kill_process(getpid(), Signal::KILL).unwrap();
            loop {
                std::thread::park();
            }
        }
    }
}

/// The ledger that every child opens.
pub(crate) fn config(dir: &Path) -> Config {
    let quota = |name: &str, by, max, policy: &str| Quota {
        name: name.to_owned(),
        count_by: vec![by],
        max_sessions: Limit::at_most(max).unwrap(),
        on_exhausted: policy.to_owned(),
        origin: Origin::File,
        ..Quota::default_quota()
    };
    let mut config = Config::new(dir);
    config.settings.sessions.activity_resolution = Span::ZERO;
    config.settings.quotas = vec![
        Arc::new(quota("per-user", Dimension::User, 3, "destroy_oldest")),
        Arc::new(quota("per-ip", Dimension::Ip, 9, "deny_access")),
    ];
    config.volume_bytes_max = VOLUME_BYTES;
    config.snapshot_events = SNAPSHOT_EVENTS;
    config.reserve_bytes = 0;
    config
}

/// Runs as ordered, and closes in good order unless it is killed.
pub(crate) fn run(orders: &Orders) {
    let mut config = config(&orders.dir);
    if let Some((point, occurrence)) = &orders.point {
        config.probe = Some(Arc::new(Trap { point: point.clone(), left: AtomicU32::new(*occurrence) }));
    }
    let ledger = Ledger::open(config).unwrap();
    say(&opened(&ledger));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let asker = Asker::new(&ledger, orders, thread);
            scope.spawn(move || asker.run());
        }
    });
    assert_eq!(ledger.poisoned(), None);
    ledger.close();
    say("closed\n");
}

/// What the ledger shows as live just after it was opened.
fn opened(ledger: &Ledger) -> String {
    let mut lines = Vec::new();
    let mut query = SessionQuery::default();
    let mut seq = ledger.durable();
    loop {
        let page = ledger.views().read(|views| views.sessions(&query)).unwrap();
        if page.seq != seq {
            // Nobody asked for anything yet, but a volume may have been sealed meanwhile: from the beginning.
            (seq, query) = (page.seq, SessionQuery::default());
            lines.clear();
            continue;
        }
        lines.extend(page.sessions.iter().map(|view| {
            let facts = &view.facts;
            session_line(
                facts.user(),
                facts.session(),
                (view.number.0, view.generation.0),
                view.last_active.0,
            )
        }));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return format!("opened {} {}\n", seq.0, sum(lines));
        }
    }
}

/// A live session as both sides of the pipe write it down.
pub(crate) fn session_line(
    user: &str,
    session: &str,
    (number, generation): (u64, u64),
    last_active: u64,
) -> String {
    format!("{user} {session} {number} {generation} {last_active}")
}

/// One write for each line: whole on the other side, or not there.
fn say(line: &str) {
    assert!(line.len() < LINE_BYTES_MAX, "{} bytes", line.len());
    let pipe = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
    File::from(pipe).write_all(line.as_bytes()).unwrap();
}

/// What was asked and not answered yet.
struct Open {
    asked: Asked,
    user: String,
    session: String,
    command: String,
}

struct Asker {
    caller: Caller,
    rng: Rng,
    name: String,
    left: u32,
    open: BTreeMap<Token, Open>,
    /// Sessions of this thread that were admitted, with their users.
    mine: Vec<(String, String)>,
}

impl Asker {
    fn new(ledger: &Ledger, orders: &Orders, thread: u32) -> Self {
        Self {
            caller: ledger.caller(IN_FLIGHT),
            rng: Rng::new(orders.seed ^ u64::from(orders.run) << 8 ^ u64::from(thread)),
            name: format!("{}.{thread}", orders.run),
            left: orders.requests / THREADS,
            open: BTreeMap::new(),
            mine: Vec::new(),
        }
    }

    fn run(mut self) {
        while self.left > 0 || !self.open.is_empty() {
            while self.left > 0 && self.open.len() < IN_FLIGHT {
                self.ask();
            }
            self.hear();
        }
    }

    fn ask(&mut self) {
        let command_id = format!("{}.{}", self.name, self.left);
        self.left -= 1;
        let (open, command) = match self.rng.below(100) {
            0..60 => self.login(command_id),
            60..80 => self.about_mine(Asked::Touch, command_id),
            _ => self.about_mine(Asked::Logout, command_id),
        };
        let mut request = Request::new(Actor::Local, command);
        request.command_id = Some(open.command.clone());
        let token = self.caller.submit(request).unwrap();
        self.open.insert(token, open);
    }

    fn login(&mut self, command: String) -> (Open, Command) {
        let user = format!("user-{}", self.rng.below(USERS));
        let session = format!("s{command}");
        let is_short = self.rng.chance(5);
        let login = Login {
            user: Some(user.clone()),
            session: Some(session.clone()),
            ip: Some(format!("10.0.0.{}", 1 + self.rng.below(4))),
            client: is_short.then(|| SHORT.to_owned()),
            ttl: is_short.then(|| Span::millis(1 + self.rng.next() % 60)),
            attributes: vec![("payload".to_owned(), payload(&session))],
            ..Login::default()
        };
        (Open { asked: Asked::Login, user, session, command }, Command::Login(Box::new(login)))
    }

    fn about_mine(&mut self, asked: Asked, command: String) -> (Open, Command) {
        if self.mine.is_empty() {
            return self.login(command);
        }
        let index = self.rng.below(self.mine.len());
        let (session, user) = match asked {
            Asked::Logout => self.mine.swap_remove(index),
            Asked::Login | Asked::Touch => self.mine[index].clone(),
        };
        let target = Target { session: Some(session.clone()), user: Some(user.clone()), generation: None };
        let what = if asked == Asked::Logout { Command::Logout(target) } else { Command::Touch(target) };
        (Open { asked, user, session, command }, what)
    }

    fn hear(&mut self) {
        let (token, completion) = self.caller.next_within(PATIENCE).expect("an answer within a minute");
        let open = self.open.remove(&token).unwrap();
        let answer = completion.unwrap();
        let ack = Ack::new(open.asked, &open.user, &open.session, &open.command, &answer);
        say(&ack.line());
        if ack.is(sledger::Outcome::Admitted) {
            self.mine.push((open.session, open.user));
        }
    }
}
