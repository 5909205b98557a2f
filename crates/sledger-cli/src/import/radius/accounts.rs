//! Which sessions are open on which server, so that a `Stop` finds its `Start`.

use super::{Accounted, Status};
use crate::import::remarks::Remarks;
use anyhow::{Result, bail};
use sledger_core::command::{Actor, Adopt, Adoptee, Command, Login, Reconcile, Request, Target};
use sledger_core::{Millis, Seq};
use std::collections::BTreeMap;

/// Sessions that are open at once.
const OPEN_MAX: usize = 10_000_000;
/// Reasons of ends that are told apart.
const CAUSES_MAX: usize = 64;

/// Sessions of all servers.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    /// Users by server and session id.
    open: BTreeMap<(String, String), String>,
    /// `Stop`s of sessions that never began.
    pub(crate) closes_without_open: u64,
    /// Ends by `Acct-Terminate-Cause`.
    pub(crate) causes: BTreeMap<String, u64>,
    /// What there is to say of single records.
    pub(crate) remarks: Remarks,
}

impl Accounts {
    /// The commands for a record of `at`.
    pub(crate) fn requests(&mut self, record: Accounted, at: Millis, actor: &Actor) -> Result<Vec<Request>> {
        let key = (record.nas.clone(), record.session.clone());
        let open = self.open.get(&key).cloned();
        let commands = match (record.status, open) {
            (Status::Reset, _) => vec![self.reset(record.nas)],
            (Status::Stop, Some(user)) => {
                self.open.remove(&key);
                self.ended(record.cause);
                vec![Command::Logout(target(&key, user))]
            }
            (Status::Stop, None) => {
                self.closes_without_open += 1;
                self.remarks.add(&format!(
                    "{}: Stop of `{}` on `{}`, which never began here",
                    record.place, key.1, key.0
                ));
                Vec::new()
            }
            (Status::Interim, Some(user)) => vec![Command::Touch(target(&key, user))],
            (Status::Interim, None) => {
                let started = Millis(at.0.saturating_sub(record.session_ms));
                let login = self.begun(key, record)?;
                let adoptee = Adoptee { login, started: Some(started), last_active: Some(at) };
                vec![Command::Adopt(Adopt { source: None, sessions: vec![adoptee] })]
            }
            (Status::Start, open) => {
                let other = open.filter(|user| *user != record.user);
                let over = other.map(|user| Command::Assume(target(&key, user)));
                over.into_iter().chain([Command::Login(Box::new(self.begun(key, record)?))]).collect()
            }
        };
        Ok(commands.into_iter().map(|command| Request::new(actor.clone(), command)).collect())
    }

    fn begun(&mut self, key: (String, String), record: Accounted) -> Result<Login> {
        if self.open.len() >= OPEN_MAX {
            bail!("{}: more than {OPEN_MAX} sessions are open at once", record.place);
        }
        let login = Login {
            user: Some(record.user.clone()),
            session: Some(id(&key)),
            ip: record.ip,
            client: record.client,
            source: Some(record.nas),
            attributes: record
                .station
                .map(|station| ("calling_station".to_owned(), station))
                .into_iter()
                .collect(),
            ..Login::default()
        };
        self.open.insert(key, record.user);
        Ok(login)
    }

    /// A server that starts or stops has no sessions.
    fn reset(&mut self, nas: String) -> Command {
        let from = self.open.range((nas.clone(), String::new())..).map(|(key, _)| key);
        let theirs: Vec<_> = from.take_while(|(of, _)| *of == nas).cloned().collect();
        for key in &theirs {
            self.open.remove(key);
        }
        Command::Reconcile(Reconcile { source: Some(nas), as_of: Some(Seq(u64::MAX)), live: Vec::new() })
    }

    fn ended(&mut self, cause: Option<String>) {
        let cause =
            cause.map_or_else(|| "not said".to_owned(), |cause| sledger_wire::escape(&cause).into_owned());
        let is_room = self.causes.len() < CAUSES_MAX || self.causes.contains_key(&cause);
        *self.causes.entry(if is_room { cause } else { "others".to_owned() }).or_default() += 1;
    }
}

fn id((nas, session): &(String, String)) -> String {
    format!("{nas}/{session}")
}

fn target(key: &(String, String), user: String) -> Target {
    Target { session: Some(id(key)), user: Some(user), generation: None }
}
