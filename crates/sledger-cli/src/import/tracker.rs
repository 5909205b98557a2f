//! Sessions of a system's log, told apart: by machine, program and process.
//!
//! A process number comes again, sometimes while its session was never closed. Each opening gets an id of its
//! own: `host/sshd[7]`, then `host/sshd[7]#2`.

use super::syslog::Told;
use sledger_core::command::{Actor, Command, Login, Request, Target};
use std::collections::BTreeMap;

/// What is known of one machine, program and process.
#[derive(Debug, Default)]
struct Process {
    openings: u64,
    /// Open sessions: id and user, the latest last.
    open: Vec<(String, String)>,
}

/// Openings and closings, matched.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    processes: BTreeMap<(String, String, String), Process>,
    /// Openings under a process that had one before.
    pub(crate) reused: u64,
    /// Closings that match no opening.
    pub(crate) closes_without_open: u64,
}

impl Tracker {
    /// The command for what was told; none for a closing that matches no opening.
    pub(crate) fn request(&mut self, told: Told, actor: &Actor) -> Option<Request> {
        let command = if told.is_open { Some(self.opened(told)) } else { self.closed(&told) };
        command.map(|command| Request::new(actor.clone(), command))
    }

    fn opened(&mut self, told: Told) -> Command {
        let key = (told.host.clone(), told.service.clone(), told.pid.clone());
        let process = self.processes.entry(key).or_default();
        process.openings += 1;
        let mut id = format!("{}/{}[{}]", told.host, told.service, told.pid);
        if process.openings > 1 {
            self.reused += 1;
            id = format!("{id}#{}", process.openings);
        }
        process.open.push((id.clone(), told.user.clone()));
        Command::Login(Box::new(Login {
            user: Some(told.user),
            session: Some(id),
            client: Some(told.service),
            source: Some(told.host),
            ..Login::default()
        }))
    }

    fn closed(&mut self, told: &Told) -> Option<Command> {
        let key = (told.host.clone(), told.service.clone(), told.pid.clone());
        let open = self.processes.get_mut(&key).map(|process| &mut process.open);
        let found = open.and_then(|open| {
            let index = open.iter().rposition(|(_, user)| *user == told.user)?;
            Some(open.remove(index))
        });
        let Some((id, user)) = found else {
            self.closes_without_open += 1;
            return None;
        };
        Some(Command::Logout(Target { session: Some(id), user: Some(user), generation: None }))
    }
}
