//! Logons and logoffs, matched.

use super::Logged;
use super::fields::Kind;
use sledger_core::command::{Actor, Command, Login, Request, Target};
use std::collections::{BTreeMap, BTreeSet};

/// Logoffs that users asked for whose end is awaited; above it, the event of their end counts as one without a logon.
const ASKED_MAX: usize = 65_536;

/// A machine and a logon id.
type Key = (String, String);

/// Open sessions of one machine and logon id, the latest last: id, user, name in lower case.
type Open = Vec<(String, String, String)>;

/// Logons and logoffs, matched.
#[derive(Debug, Default)]
pub(crate) struct Logons {
    open: BTreeMap<Key, Open>,
    asked: BTreeSet<(Key, String)>,
    /// Logons under a logon id whose session is still open: the machine was started anew.
    pub(crate) reused: u64,
    /// Logoffs that match no logon.
    pub(crate) closes_without_open: u64,
}

impl Logons {
    /// The command for what was logged; none for a logoff that matches no logon.
    pub(crate) fn request(&mut self, logged: Logged, actor: &Actor) -> Option<Request> {
        let command = match logged.kind {
            Kind::Logon => Some(self.opened(logged)),
            Kind::Logoff | Kind::LogoffAsked => self.closed(&logged),
        };
        command.map(|command| Request::new(actor.clone(), command))
    }

    fn opened(&mut self, logged: Logged) -> Command {
        let key = (logged.computer.clone(), logged.logon_id.clone());
        let name = logged.name.to_lowercase();
        self.asked.remove(&(key.clone(), name.clone()));
        let unique = logged.guid.unwrap_or_else(|| logged.at.rfc3339());
        let id = format!("{}/{}/{unique}", logged.computer, logged.logon_id);
        let open = self.open.entry(key).or_default();
        let is_again = open.iter().any(|(known, ..)| *known == id);
        self.reused += u64::from(!open.is_empty() && !is_again);
        if !is_again {
            open.push((id.clone(), logged.user.clone(), name));
        }
        Command::Login(Box::new(Login {
            user: Some(logged.user),
            session: Some(id),
            ip: logged.ip,
            client: logged.client,
            source: Some(logged.computer),
            ..Login::default()
        }))
    }

    fn closed(&mut self, logged: &Logged) -> Option<Command> {
        let key = (logged.computer.clone(), logged.logon_id.clone());
        let name = logged.name.to_lowercase();
        let Some((id, user)) = self.take(&key, &name) else {
            // The end of a logoff that was asked for before.
            let is_awaited = logged.kind == Kind::Logoff && self.asked.remove(&(key, name));
            self.closes_without_open += u64::from(!is_awaited);
            return None;
        };
        if logged.kind == Kind::LogoffAsked && self.asked.len() < ASKED_MAX {
            self.asked.insert((key, name));
        }
        Some(Command::Logout(Target { session: Some(id), user: Some(user), generation: None }))
    }

    /// Takes out the latest session of this machine, logon id and name.
    fn take(&mut self, key: &Key, name: &str) -> Option<(String, String)> {
        let open = self.open.get_mut(key)?;
        let index = open.iter().rposition(|(_, _, known)| known == name)?;
        let (id, user, _) = open.remove(index);
        if open.is_empty() {
            self.open.remove(key);
        }
        Some((id, user))
    }
}
