//! `GET /v1/replay/why`: why a session is in, ended, or was refused.
//!
//! Promise: what is answered rests on durable events alone; the look is recorded before it is taken. Few ask at once,
//! each on a thread of its own, and the ledger waits for none of them.

use crate::app::App;
use crate::events::opened;
use crate::extract::Asked;
use crate::notes;
use crate::reply::{self, Refusal, Reply};
use axum::extract::State;
use sledger::core::Seq;
use sledger::core::command::{Keep, Rejection};
use sledger::log::Reader;
use sledger_replay::history::{Begin, HistoryError, decisions, first_state};
use sledger_replay::rejudge::RejudgeError;
use sledger_replay::why::{Asker, Finder, Nothing};
use sledger_wire::answer::Problem;
use sledger_wire::events::Base;
use sledger_wire::queries::WhyQuery;
use sledger_wire::why::{About, Why};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Nothing(#[from] Nothing),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Again(#[from] RejudgeError),
    #[error("the server is stopping")]
    Stopping,
}

/// `GET /v1/replay/why`.
#[utoipa::path(
    get,
    path = "/v1/replay/why",
    tag = "history",
    operation_id = "why",
    summary = "Why a session is in, ended, or was refused",
    description = "The chain from the command through quota, policy and its deciding line to the decision, and what \
        each of the core policies would have done. The history is read for it; that somebody looked is recorded.",
    params(WhyQuery),
    responses(
        (status = 200, description = "the answer", body = Why),
        (status = 404, description = "nothing is recorded of it, or the ledger is in memory", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`about` is refused", body = Problem,
            content_type = "application/problem+json"),
        (status = 500, description = "the history cannot be read", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "others ask already: ask again", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub(crate) async fn why(State(app): State<Arc<App>>, Asked(query): Asked<WhyQuery>) -> Reply {
    let about = About::parse(&query.about).map_err(|why| Rejection::new("about", why.to_string()))?;
    let Some(data) = app.ledger.data().map(ToOwned::to_owned) else {
        return Err(Problem::new(404, None, "the ledger is in memory: it keeps no history").into());
    };
    let Ok(permit) = Arc::clone(&app.past_readers).try_acquire_owned() else {
        return Err(Problem::new(503, None, "others ask about the past already: ask again").into());
    };
    let durable = app.ledger.durable();
    notes::record(&app, Keep::Read { what: "why", about: query.about }, (None, None)).await?;
    let stops = app.stops.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        Looking { data, durable, stops }.why(about)
    });
    let answer = answer.await.map_err(|_| failed("answering panicked"))?;
    answer.map(|why| reply::json(&why)).map_err(|error| match error {
        Failed::Nothing(nothing) => Problem::new(404, None, nothing.to_string()).into(),
        Failed::Stopping => Problem::new(503, None, "the server is stopping").into(),
        error => failed(&error.to_string()),
    })
}

fn failed(why: &str) -> Refusal {
    tracing::error!(why, "the past cannot be asked");
    Problem::new(500, None, format!("the history cannot be read: {why}")).into()
}

/// One look at the past, up to what was durable when it was asked for.
struct Looking {
    data: PathBuf,
    durable: Seq,
    stops: watch::Receiver<bool>,
}

impl Looking {
    fn why(&self, about: About) -> Result<Why, Failed> {
        let reader = opened(&self.data).map_err(HistoryError::from)?;
        let mut finder = Finder::new(about);
        self.each(&reader, |first, decision| {
            finder.decision(first, &decision);
            Ok(true)
        })?;
        let base = reader.begins().map(|_| first_state(&self.data, &reader)).transpose()?;
        let begin = Begin { base: base.map(Base), ..Begin::default() };
        let mut asker = Asker::new(&begin, finder.found()?)?;
        let mut answer = None;
        self.each(&reader, |_, decision| {
            answer = asker.decision(&Arc::new(decision))?;
            Ok(answer.is_none())
        })?;
        answer.ok_or_else(|| HistoryError::Stopped.into())
    }

    fn each(
        &self,
        reader: &Reader,
        mut see: impl FnMut(Seq, sledger::core::event::Decision) -> Result<bool, Failed>,
    ) -> Result<(), Failed> {
        for block in reader.blocks(Seq(1)) {
            let block = block.map_err(HistoryError::from)?;
            if block.header().last() > self.durable {
                break;
            }
            if *self.stops.borrow() {
                return Err(Failed::Stopping);
            }
            let mut first = block.header().first;
            for decision in decisions(&block) {
                let decision = decision?;
                let next = first.plus(decision.events.len() as u64);
                if !see(first, decision)? {
                    return Ok(());
                }
                first = next;
            }
        }
        Ok(())
    }
}
