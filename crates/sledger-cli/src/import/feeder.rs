//! Gives the lines of the past to a ledger whose clock they drive.
//!
//! Lines of one instant go in together; before time moves on, all of them are durable. Between lines, ends are
//! assumed where that is asked for.

use super::assume::{Open, OpenSessions};
use super::remarks::Remarks;
use super::{AssumeEnd, PastClock, Report};
use anyhow::{Result, anyhow, bail};
use sledger::{Ledger, Ticket};
use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::{Actor, Command, Request, Target};
use sledger_core::{Facts, Millis};
use sledger_projector::Projection;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Lines that go in together at most.
const TOGETHER_MAX: usize = 1024;
/// How long one answer may take: longer than a barrier may.
const PATIENCE: Duration = Duration::from_secs(15);

/// A ledger being fed.
pub(crate) struct Feeder {
    ledger: Ledger,
    clock: Arc<PastClock>,
    assume: Option<AssumeEnd>,
    waiting: Vec<(Request, Ticket)>,
    open: OpenSessions,
    seen: BTreeSet<String>,
    now: Millis,
    report: Report,
    remarks: Remarks,
}

impl Feeder {
    /// Feeds `ledger`, which runs on `clock`.
    pub(crate) fn new(ledger: Ledger, clock: Arc<PastClock>, assume: Option<AssumeEnd>) -> Self {
        Self {
            ledger,
            clock,
            assume,
            waiting: Vec::new(),
            open: OpenSessions::default(),
            seen: BTreeSet::new(),
            now: Millis(0),
            report: Report::default(),
            remarks: Remarks::default(),
        }
    }

    /// Gives one request at its time.
    pub(crate) fn feed(&mut self, at: Millis, request: Request) -> Result<()> {
        if at > self.now || self.waiting.len() >= TOGETHER_MAX {
            self.settle()?;
        }
        if at > self.now {
            self.assume_until(at)?;
            self.now = at;
            self.clock.set(at);
        }
        self.submit(request)
    }

    /// After the last line: assumes what is to be assumed, closes the ledger. What was found.
    pub(crate) fn finish(mut self) -> Result<Report> {
        self.settle()?;
        self.assume_until(self.now)?;
        if self.assume == Some(AssumeEnd::Last) {
            self.assume_all(self.now, Millis::NEVER)?;
        }
        // Deadlines may have passed unseen by any answer: the ledger itself knows who is still in.
        let live = self.ledger.views().read(Projection::session_count)?;
        self.report.opens_without_close = live as u64 + self.report.assumed;
        self.ledger.close();
        if let Some(reason) = self.ledger.poisoned() {
            bail!("the ledger is poisoned: {reason}");
        }
        self.report.seq = self.ledger.durable().0;
        self.report.remark(&self.remarks);
        Ok(self.report)
    }

    fn submit(&mut self, request: Request) -> Result<()> {
        let ticket = self.ledger.submit(request.clone()).map_err(|failure| anyhow!("{failure}"))?;
        self.waiting.push((request, ticket));
        Ok(())
    }

    /// Waits for everything of this instant.
    fn settle(&mut self) -> Result<()> {
        for (request, ticket) in std::mem::take(&mut self.waiting) {
            let answer = ticket.wait_for(PATIENCE).map_err(|failure| anyhow!("{failure}"))?;
            if let Some(limit) = answer.full {
                bail!("the ledger takes no more: the limit `{limit}` is reached");
            }
            self.note(&request, &answer);
        }
        Ok(())
    }

    /// Assumes the ends that lie at `until` or before.
    fn assume_until(&mut self, until: Millis) -> Result<()> {
        let Some(AssumeEnd::After(after)) = self.assume else { return Ok(()) };
        let Some(opened_until) = until.0.checked_sub(after.as_millis()) else { return Ok(()) };
        while let Some((_, open)) = self.open.first_until(Millis(opened_until)) {
            self.assume_all(open.since.plus(after), open.since)?;
        }
        Ok(())
    }

    /// Assumes at `at` the ends of all sessions opened at `opened_until` or before.
    fn assume_all(&mut self, at: Millis, opened_until: Millis) -> Result<()> {
        self.clock.set(at);
        self.now = self.now.max(at);
        while let Some((id, open)) = self.open.first_until(opened_until) {
            self.open.closed(&id);
            let target = Target { session: Some(id), user: Some(open.user), generation: None };
            let command = Command::Assume(target);
            let (actor, request_id) = open.origin;
            let request = Request { request_id, ..Request::new(actor, command) };
            let ticket = self.ledger.submit(request);
            let answer = ticket.and_then(|ticket| ticket.wait_for(PATIENCE));
            let answer = answer.map_err(|failure| anyhow!("{failure}"))?;
            self.report.assumed += answer.ended.len() as u64;
            answer.expired.iter().for_each(|facts| self.open.closed(facts.session()));
        }
        Ok(())
    }

    fn note(&mut self, request: &Request, answer: &Answer) {
        *self.report.outcomes.entry(answer.outcome.as_str().to_owned()).or_default() += 1;
        if answer.repeated {
            return;
        }
        self.report.advised += u64::from(!answer.advisory.is_empty());
        let gone = answer.expired.iter().chain(&answer.evicted).chain(&answer.ended);
        gone.for_each(|facts: &Arc<Facts>| self.open.closed(facts.session()));
        if matches!(answer.outcome, Outcome::Admitted | Outcome::Resumed)
            && let Some(view) = &answer.session
        {
            let id = view.facts.session();
            self.open.opened(id, opened(request, view.facts.user(), answer.at));
            let is_new = self.seen.insert(id.to_owned());
            self.report.reused_ids += u64::from(!is_new && answer.outcome == Outcome::Admitted);
        }
        if answer.outcome == Outcome::Rejected {
            self.remarks.add(&rejected(request, answer));
        }
        match &request.command {
            Command::Assume(_) => self.report.assumed += answer.ended.len() as u64,
            Command::Reconcile(_) => self.report.gone += answer.ended.len() as u64,
            Command::Logout(_) | Command::Disconnect(_) | Command::End { .. } => {
                self.report.pairs += answer.ended.len() as u64;
                self.report.closes_without_open += u64::from(answer.outcome == Outcome::Unknown);
            }
            Command::Adopt(adopt) => {
                for one in &adopt.sessions {
                    let (Some(id), Some(user)) = (&one.login.session, &one.login.user) else { continue };
                    if answer.outcome == Outcome::Adopted && !answer.skipped.contains(id) {
                        let since = one.started.unwrap_or(answer.at);
                        self.open.opened(id, opened(request, user, since));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Where it stands, and what is wrong with it.
fn rejected(request: &Request, answer: &Answer) -> String {
    let file = match &request.actor {
        Actor::Import(file) => file.as_ref(),
        _ => "",
    };
    let line = request.request_id.as_deref().unwrap_or_default();
    let field = answer.field.as_deref().unwrap_or_default();
    format!("{file}:{line}: `{field}` {}", answer.reason.as_deref().unwrap_or_default())
}

fn opened(request: &Request, user: &str, since: Millis) -> Open {
    Open { user: user.to_owned(), since, origin: (request.actor.clone(), request.request_id.clone()) }
}
