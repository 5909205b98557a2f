//! A caller that does not wait for each answer.

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use sledger::{Actor, Caller, Command, Ledger, Login, Outcome, Request, Token};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Longer than a barrier may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// One caller on its way through its requests.
pub(crate) struct Asking {
    caller: Caller,
    in_flight: usize,
    /// When each request was sent that has no answer yet, in order.
    sent: VecDeque<(Token, Instant)>,
    asked: Asked,
}

/// What came of requests.
pub(crate) struct Asked {
    /// Nanoseconds from sending a request to having its answer.
    pub(crate) latencies: Histogram<u64>,
    /// Requests for which a session had to go.
    pub(crate) evicted: u64,
}

impl Asking {
    /// May have `in_flight` unanswered.
    pub(crate) fn new(ledger: &Ledger, in_flight: usize) -> anyhow::Result<Self> {
        let (caller, sent) = (ledger.caller(in_flight), VecDeque::with_capacity(in_flight));
        let asked = Asked { latencies: Histogram::new(3)?, evicted: 0 };
        Ok(Self { caller, in_flight, sent, asked })
    }

    /// Sends a request; waits for answers first where too many are missing.
    pub(crate) fn ask(&mut self, request: Request) -> anyhow::Result<()> {
        if self.caller.in_flight() >= self.in_flight {
            self.collect()?;
        }
        let sent = Instant::now();
        let token = self.caller.submit(request)?;
        self.sent.push_back((token, sent));
        Ok(())
    }

    /// Waits for an answer, and takes all that are there.
    fn collect(&mut self) -> anyhow::Result<()> {
        let mut next = self.caller.next_within(PATIENCE);
        ensure!(next.is_some(), "no answer within {PATIENCE:?}");
        let now = Instant::now();
        while let Some((token, completion)) = next {
            let answer = completion?;
            let is_taken =
                matches!(answer.outcome, Outcome::Admitted | Outcome::Touched | Outcome::LoggedOut);
            ensure!(is_taken, "a request was answered `{}`", answer.outcome.as_str());
            self.asked.evicted += u64::from(!answer.evicted.is_empty());
            let (expected, sent) = self.sent.pop_front().context("an answer to nothing sent")?;
            ensure!(token == expected, "answers came in another order than requests");
            let took = now.saturating_duration_since(sent).as_nanos();
            self.asked.latencies.record(u64::try_from(took)?)?;
            next = self.caller.try_next();
        }
        Ok(())
    }

    /// Waits for all answers.
    pub(crate) fn finish(mut self) -> anyhow::Result<Asked> {
        while self.caller.in_flight() > 0 {
            self.collect()?;
        }
        Ok(self.asked)
    }
}

/// A login of `user` as `session`, and nothing else known.
pub(crate) fn login((user, session): (String, String)) -> Request {
    let login = Login { user: Some(user), session: Some(session), ..Login::default() };
    Request::new(Actor::Local, Command::Login(Box::new(login)))
}
