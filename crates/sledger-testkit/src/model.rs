//! An independent model of the rules: naive, and obviously right.
//!
//! It reads the lines of a recording and gives the answers that
//! `sledger simulate` gives, from plain lists that it goes through from end to
//! end. It shares no code with the decider, so a mistake has to be made twice
//! to go unseen.
//!
//! Absences: no events, no log, no scripts (the shipped policies and a few
//! short ones are written out natively), no denial storms, no texts for people
//! (`reason` and `message` are null), no `LEDGER_*` refusals. Generations are
//! its own: only their order means anything.

mod answer;
mod command;
mod compare;
mod config;
mod facts;
mod login;
mod ops;
mod policy;
mod quotas;
mod trips;
mod values;

pub use compare::{Comparison, FIELDS};
pub use policy::{
    ALLOW_ALWAYS, BROKEN, DENY_ABOVE_TWO, NEWEST_ONE_BY_ONE, OLDEST_ONE_BY_ONE, OLDEST_WHILE_MANY,
};

use answer::Answer;
use command::Command;
use config::Config;
use facts::Session;
use policy::Policies;
use serde_json::{Map, Value};
use std::fmt;
use trips::Trips;
use values::Refused;

const COMMAND_MEMORY: u64 = 600_000;

/// A line that ends a recording: the text says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop(pub String);

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stop {}

/// What is remembered of an ended session.
#[derive(Clone, Debug)]
struct Ended {
    id: String,
    user: String,
    cause: &'static str,
    at: u64,
}

/// The first answer to a command id, and what the command was about.
#[derive(Clone, Debug)]
struct Remembered {
    id: String,
    about: (String, Option<String>, Option<String>),
    at: u64,
    answer: Answer,
}

/// The ledger, as the rules describe it.
#[derive(Clone, Debug)]
pub struct Model {
    config: Config,
    policies: Policies,
    trips: Trips,
    live: Vec<Session>,
    ended: Vec<Ended>,
    remembered: Vec<Remembered>,
    now: u64,
    last_number: u64,
    recorded: bool,
}

impl Model {
    /// A model under these sections, as `configure` takes them.
    ///
    /// # Errors
    /// The name of the field for which the configuration is refused.
    pub fn new(config: &Value) -> Result<Self, Stop> {
        let policies = Policies::default();
        let config = Config::unset().and_then(|unset| unset.with(config, &policies));
        let config = config.map_err(|Refused(field)| Stop(format!("configuration refused: `{field}`")))?;
        Ok(Self {
            config,
            policies,
            trips: Trips::default(),
            live: Vec::new(),
            ended: Vec::new(),
            remembered: Vec::new(),
            now: 0,
            last_number: 0,
            recorded: false,
        })
    }

    /// The answer to one line of a recording.
    ///
    /// # Errors
    /// When the line is malformed, goes back in time, or installs a policy that the model does not know.
    pub fn line(&mut self, line_no: u64, text: &str) -> Result<Value, Stop> {
        let Ok(Value::Object(line)) = serde_json::from_str(text) else {
            return Err(Stop(format!("{line_no}: not a JSON object")));
        };
        let at = line
            .get("at")
            .and_then(values::time)
            .ok_or_else(|| Stop(format!("{line_no}: no or bad `at`")))?;
        let op = line.get("op").and_then(Value::as_str).filter(|op| command::OPERATIONS.contains(op));
        let op = op.ok_or_else(|| Stop(format!("{line_no}: unknown `op`")))?;
        if at < self.now {
            return Err(Stop(format!("{line_no}: `at` runs back")));
        }
        self.now = at;
        let expired = self.drain();
        let answer = self.answer(op, &line)?;
        Ok(answer.printed(line_no, &line, &expired))
    }

    /// Ends everything that is due, in the order of deadlines; their ids.
    fn drain(&mut self) -> Vec<String> {
        let mut expired = Vec::new();
        loop {
            let due = self.live.iter().filter(|session| session.is_due(self.now));
            let Some(first) = due.min_by_key(|session| (session.deadline(), session.number)).cloned() else {
                return expired;
            };
            let idle = first.cause_at_deadline() == "idle";
            if idle && first.last_seen > first.last_active {
                self.record_touch(first.number);
            } else {
                self.end_at(&first, first.cause_at_deadline(), first.deadline());
                expired.push(first.facts.session);
            }
        }
    }

    /// A touch that was only noted is recorded before the deadline it moves.
    fn record_touch(&mut self, number: u64) {
        for session in self.live.iter_mut().filter(|session| session.number == number) {
            session.last_active = session.last_seen;
        }
    }

    fn answer(&mut self, op: &str, line: &Map<String, Value>) -> Result<Answer, Stop> {
        let user = line.get("user").and_then(Value::as_str).map(|user| self.config.users.key(user));
        let user = user.filter(|user| !user.is_empty());
        match command::read(op, line) {
            Ok((command, id)) => self.once(op, command, id, user.as_deref()),
            Err(_) => Ok(self.counted(Answer::new("rejected"), user.as_deref())),
        }
    }

    /// With the live sessions of the command's user.
    fn counted(&self, answer: Answer, user: Option<&str>) -> Answer {
        Answer { active: user.map(|user| self.active(user)), ..answer }
    }

    /// The first answer where the command id is remembered, else a new one, which is then remembered.
    fn once(
        &mut self,
        op: &str,
        mut command: Command,
        id: Option<String>,
        user: Option<&str>,
    ) -> Result<Answer, Stop> {
        self.normalise(&mut command);
        if self.is_ignored(&command) {
            return Ok(self.counted(Answer::new("ignored"), user));
        }
        let about = about(op, &command);
        if let Some(first) = self.remembered(id.as_deref()) {
            let same = first.about == about;
            let repeat = Answer { repeated: true, ..first.answer.clone() };
            return Ok(if same { repeat } else { self.counted(Answer::new("rejected"), user) });
        }
        let answer = self.execute(&command)?;
        let answer = self.counted(answer, user);
        if let Some(id) = id.filter(|_| answer.outcome != "rejected") {
            self.remembered.push(Remembered { id, about, at: self.now, answer: answer.clone() });
        }
        Ok(answer)
    }

    fn remembered(&mut self, id: Option<&str>) -> Option<&Remembered> {
        let now = self.now;
        self.remembered.retain(|one| now - one.at < COMMAND_MEMORY);
        self.remembered.iter().find(|one| Some(one.id.as_str()) == id)
    }

    /// Users become user keys, and get the groups that are given to them by name.
    fn normalise(&self, command: &mut Command) {
        let login = |login: &mut command::Login| {
            login.facts.user = self.config.users.key(&login.facts.user);
            login.facts.groups = self.config.groups_of(&login.facts.user, &login.facts.groups);
        };
        match command {
            Command::Login(one) => login(one),
            Command::Adopt(adoptees) => adoptees.iter_mut().for_each(|adoptee| login(&mut adoptee.login)),
            Command::Clear { user, .. } => *user = self.config.users.key(user),
            Command::Touch(target)
            | Command::Logout(target)
            | Command::Disconnect(target)
            | Command::End(target) => {
                target.user = target.user.as_ref().map(|user| self.config.users.key(user));
            }
            _ => {}
        }
    }

    fn is_ignored(&self, command: &Command) -> bool {
        let Command::Login(login) = command else { return false };
        login.facts.user.is_empty() || self.config.ignores(&login.facts)
    }

    fn execute(&mut self, command: &Command) -> Result<Answer, Stop> {
        let answer = match command {
            Command::Login(login) => Ok(self.login(login)),
            Command::Touch(target) => Ok(self.touch(target)),
            Command::Logout(target) => Ok(self.logout(target)),
            Command::Disconnect(target) => Ok(self.disconnect(target)),
            Command::End(target) => Ok(self.end_on_request(target)),
            Command::Clear { user, keep } => self.clear(user, keep.as_deref()),
            Command::Reconcile { source, as_of, live } => Ok(self.reconcile(source, *as_of, live)),
            Command::Adopt(adoptees) => Ok(self.adopt(adoptees)),
            Command::Advance => Ok(Answer::new("advanced")),
            Command::Configure(value) => self.configure(value),
            Command::Policy { name, text } => self.install(name, text).map_err(Stop)?,
        };
        Ok(answer.unwrap_or_else(|Refused(_)| Answer::new("rejected")))
    }

    fn live_session(&self, id: &str) -> Option<&Session> {
        self.live.iter().find(|session| session.facts.session == id)
    }

    /// What is remembered of the id that ended last.
    fn ended_session(&self, id: &str) -> Option<&Ended> {
        self.ended.iter().rev().find(|ended| ended.id == id)
    }

    fn active(&self, user: &str) -> usize {
        self.live.iter().filter(|session| session.facts.user == user).count()
    }

    const fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn end(&mut self, session: &Session, cause: &'static str) {
        self.end_at(session, cause, self.now);
    }

    fn end_at(&mut self, session: &Session, cause: &'static str, at: u64) {
        self.recorded = true;
        self.live.retain(|live| live.number != session.number);
        let (id, user) = (session.facts.session.clone(), session.facts.user.clone());
        self.ended.push(Ended { id, user, cause, at });
        let surplus = self.ended.len().saturating_sub(self.config.sessions.tombstones_max);
        self.ended.drain(..surplus);
    }
}

/// What a repeat of the same command id must be about as well.
fn about(op: &str, command: &Command) -> (String, Option<String>, Option<String>) {
    let (user, session) = match command {
        Command::Login(login) => (Some(&login.facts.user), Some(&login.facts.session)),
        Command::Touch(target)
        | Command::Logout(target)
        | Command::Disconnect(target)
        | Command::End(target) => (target.user.as_ref(), Some(&target.session)),
        Command::Clear { user, .. } => (Some(user), None),
        _ => (None, None),
    };
    (op.to_owned(), user.cloned(), session.cloned())
}
