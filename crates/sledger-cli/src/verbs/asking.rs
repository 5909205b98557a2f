//! Asking a served ledger: commands by its batch, lists page by page, events by its feed.

use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::show;
use crate::whence::Whence;
use anyhow::Result;
use serde_json::{Map, Value};
use sledger_client::{Client, ClientError, LedgerStats, RawBlocks};
use sledger_core::Seq;
use sledger_wire::answer::AnswerLine;
use sledger_wire::events::EventLine;
use sledger_wire::evidence::{CheckpointMade, SealedNow};
use sledger_wire::pages::{SessionsPage, UsersPage};
use sledger_wire::queries::{EventsQuery, SessionsQuery, UsersQuery};

/// A served ledger.
pub(crate) struct Asking(Client);

/// A command as a line of a batch.
#[derive(Debug)]
pub(crate) struct Line(Map<String, Value>);

impl Line {
    /// A command `op`.
    pub(crate) fn new(op: &str) -> Self {
        Self(Map::from_iter([("op".to_owned(), Value::from(op))]))
    }

    /// With `key`, where there is a value.
    pub(crate) fn with(mut self, key: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    /// As a question what would become of it, where `dry_run`.
    pub(crate) fn only_asked(self, dry_run: bool) -> Self {
        self.with("dry_run", dry_run.then_some(true))
    }

    /// What the ledger that the flags name says to it.
    pub(crate) fn answer(self, global: &Global) -> Result<AnswerLine> {
        Asking::new(&Whence::url(global)?)?.command(&Value::Object(self.0))
    }

    /// Asks the ledger that the flags name, and shows what came of it.
    pub(crate) fn ask(self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let answer = self.answer(global)?;
        let shown = if out.is_json() { out.json(&answer) } else { out.line(&show::answer(&answer)) };
        shown?;
        Ok(exit_of(&answer))
    }
}

/// Denied and conflict are told apart from failures by their exit code.
pub(crate) fn exit_of(answer: &AnswerLine) -> Exit {
    match answer.outcome.as_str() {
        // Busy, poisoned, full: nothing was judged.
        _ if answer.code.as_deref().is_some_and(|code| code.starts_with("LEDGER_")) => Exit::Failure,
        "denied" | "conflict" => Exit::Refused,
        "rejected" => Exit::Usage,
        "admitted" | "resumed" | "ignored" | "touched" | "logged_out" | "retained" | "disconnected"
        | "cleared" | "reconciled" | "adopted" => Exit::Ok,
        // Stale, ended and unknown; and what came of nothing at all.
        _ => Exit::Failure,
    }
}

impl Asking {
    /// Asks the ledger at `url`.
    pub(crate) fn new(url: &str) -> Result<Self> {
        Client::new(url).map(Self).map_err(told)
    }

    /// Whoever asks for what is not here.
    pub(crate) const fn client(&self) -> &Client {
        &self.0
    }

    /// What came of one command, asked again under the same command id until that is known.
    pub(crate) fn command(&self, line: &Value) -> Result<AnswerLine> {
        self.0.line(&line.to_string()).map_err(told)
    }

    /// Why a session is in, ended, or was refused.
    pub(crate) fn why(&self, about: &str) -> Result<sledger_wire::why::Why> {
        self.0.why(about).map_err(told)
    }

    /// All sessions that are asked for, page by page.
    pub(crate) fn sessions(&self, mut query: SessionsQuery) -> Result<SessionsPage> {
        let mut whole = SessionsPage::default();
        loop {
            let page = self.0.sessions(&query).map_err(told)?;
            whole.seq = page.seq;
            whole.sessions.extend(page.sessions);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(whole);
            }
        }
    }

    /// All users that are asked for, page by page.
    pub(crate) fn users(&self, mut query: UsersQuery) -> Result<UsersPage> {
        let mut whole = UsersPage::default();
        loop {
            let page = self.0.users(&query).map_err(told)?;
            whole.seq = page.seq;
            whole.users.extend(page.users);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(whole);
            }
        }
    }

    /// What the ledger says of itself.
    pub(crate) fn stats(&self) -> Result<LedgerStats> {
        self.0.ledger().map_err(told)
    }

    /// Has it sign where it stands.
    pub(crate) fn checkpoint(&self) -> Result<CheckpointMade> {
        self.0.checkpoint().map_err(told)
    }

    /// Has its active volume end and be sealed.
    pub(crate) fn seal(&self) -> Result<SealedNow> {
        self.0.seal().map_err(told)
    }

    /// All durable blocks, one behind the other.
    pub(crate) fn blocks(&self) -> Result<RawBlocks> {
        self.0.blocks(1).map_err(told)
    }

    /// All durable blocks from the one that holds `from` on.
    pub(crate) fn blocks_from(&self, from: Seq) -> Result<RawBlocks> {
        self.0.blocks(from.0).map_err(told)
    }

    /// The state that history begins with, by its bytes.
    pub(crate) fn base_file(&self) -> Result<RawBlocks> {
        self.0.base().map_err(told)
    }

    /// The last durable event.
    pub(crate) fn head(&self) -> Result<u64> {
        self.stats().map(|stats| stats.head)
    }

    /// Events from `from` on, or from now on, until `see` says that it is enough.
    pub(crate) fn events(
        &self,
        from: Option<u64>,
        user: Option<&str>,
        mut see: impl FnMut(EventLine) -> Result<bool>,
    ) -> Result<()> {
        let filter = EventsQuery { user: user.map(str::to_owned), ..EventsQuery::default() };
        for event in self.0.events(from, &filter).map_err(told)? {
            if !see(event.map_err(told)?)? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// What was asked wrongly is a matter of usage; all else failed.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` calls")]
pub(crate) fn told(error: ClientError) -> anyhow::Error {
    let is_asked_wrongly = error.problem().is_some_and(|problem| problem.status == 422)
        || matches!(error, ClientError::Url { .. } | ClientError::Unaddressable(_));
    // It tells its innermost cause itself; those between would only repeat it.
    let text = error.to_string();
    if is_asked_wrongly { Usage::error(text) } else { anyhow::Error::msg(text) }
}
