//! Commands for what the lines of all files say, beginnings and ends matched.

use super::radius::Accounts;
use super::utmp::Terminals;
use super::windows::Logons;
use super::{Past, Report, Said, Tracker};
use anyhow::Result;
use sledger_core::command::{Actor, Request};

/// What is open, as each kind of log tells it.
#[derive(Debug, Default)]
pub(crate) struct Pairing {
    tracker: Tracker,
    logons: Logons,
    terminals: Terminals,
    accounts: Accounts,
}

impl Pairing {
    /// The commands for a line, which came from `actor`; none for an end that matches no beginning.
    pub(crate) fn requests(&mut self, past: Past, actor: &Actor) -> Result<Vec<Request>> {
        let requests = match past.said {
            Said::Command(request) => vec![request],
            Said::Session(told) => self.tracker.request(told, actor).into_iter().collect(),
            Said::Logon(logged) => self.logons.request(logged, actor).into_iter().collect(),
            Said::Terminal(told) => self.terminals.requests(told, past.at, actor)?,
            Said::Account(accounted) => self.accounts.requests(accounted, past.at, actor)?,
        };
        Ok(requests.into_iter().map(|request| Said::from_line(request, actor, past.line)).collect())
    }

    /// Adds what was found to the report.
    pub(crate) fn report(&self, report: &mut Report) {
        report.reused_ids += self.tracker.reused + self.logons.reused;
        report.closes_without_open += self.tracker.closes_without_open
            + self.logons.closes_without_open
            + self.terminals.closes_without_open
            + self.accounts.closes_without_open;
        report.terminate_causes = self.accounts.causes.clone();
        report.remark(&self.accounts.remarks);
    }
}
