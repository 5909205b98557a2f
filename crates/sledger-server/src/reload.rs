//! The configuration read again while the server runs: taken whole or not at all.
//!
//! Invariants: one reload at a time; while the last one failed the former configuration is in force, and everybody
//! who asks whether the server is well is told why.

use crate::app::App;
use crate::ask::Callers;
use crate::extract::RequestId;
use crate::reply::{self, Reply};
use axum::extract::State;
use axum::http::StatusCode;
use sledger::core::command::Reload;
use sledger::{Actor, Answer, Command, Failure, Request};
use sledger_wire::answer::Problem;
use sledger_wire::quotas::Reloaded;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the configuration comes from.
pub trait Source: fmt::Debug + Send + Sync {
    /// The configuration as it is written now, checked as at a start.
    ///
    /// # Errors
    /// Everything that is wrong with it, a line each.
    fn read(&self) -> Result<Fresh, Vec<String>>;

    /// The configuration as it is in force, with the policies of its folder as they are written now; everything anew
    /// for a source that does not tell them apart.
    ///
    /// # Errors
    /// Everything that is wrong with them, a line each.
    fn policies(&self) -> Result<Fresh, Vec<String>> {
        self.read()
    }
}

/// A configuration read just now.
pub struct Fresh {
    /// What decides.
    pub reload: Reload,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
    /// From this many percent of its limit a user counts as near it.
    pub near_percent: u32,
    /// Called once it is in force, for what does not decide.
    pub in_force: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").field("reload", &self.reload).finish_non_exhaustive()
    }
}

/// Why a reload came to nothing.
#[derive(Debug)]
pub enum ReloadError {
    /// There is nothing to read again.
    NoSource,
    /// The configuration cannot be used.
    Refused(Vec<String>),
    /// The ledger did not take it.
    Failed(Failure),
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSource => f.write_str("this server has no configuration to read again"),
            Self::Refused(reasons) => f.write_str(&reasons.join("; ")),
            Self::Failed(failure) => write!(f, "the ledger did not take it: {failure}"),
        }
    }
}

/// Reads the configuration again on request.
#[derive(Default)]
pub(crate) struct Reloading {
    one: tokio::sync::Mutex<()>,
    failed: Mutex<Failed>,
}

/// Why the last reload failed: of everything, and of policies alone; `None` after one that did not.
#[derive(Default)]
struct Failed {
    whole: Option<String>,
    policies: Option<String>,
}

/// What is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Everything.
    Whole,
    /// The policies folder.
    Policies,
}

impl Reloading {
    /// Where the policies were refused at the start, that is told as of a reload.
    pub(crate) fn new(policies: Option<String>) -> Self {
        Self { failed: Mutex::new(Failed { whole: None, policies }), ..Self::default() }
    }

    /// Why the last reload failed.
    pub(crate) fn failed(&self) -> Option<String> {
        let failed = self.lock();
        failed.whole.clone().or_else(|| failed.policies.clone())
    }

    fn note(&self, what: What, why: Option<String>) {
        let mut failed = self.lock();
        match what {
            // Everything includes the policies.
            What::Whole => *failed = Failed { whole: why, policies: None },
            What::Policies => failed.policies = why,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Failed> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks a server to read its configuration again.
#[derive(Clone)]
pub struct Reloader(pub(crate) Arc<App>);

impl Reloader {
    /// Reads the configuration again and puts it in force, on behalf of the file itself.
    ///
    /// # Errors
    /// [`ReloadError`]: then the former configuration stays in force, and the server says so until a reload succeeds.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        reload(&self.0, What::Whole, Actor::File, None).await
    }

    /// Reads the policies folder again, for whoever watches it.
    ///
    /// # Errors
    /// As [`Reloader::reload`].
    pub async fn reload_policies(&self) -> Result<Reloaded, ReloadError> {
        reload(&self.0, What::Policies, Actor::File, None).await
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

/// Reads the configuration again and puts it in force.
async fn reload(
    app: &App,
    what: What,
    actor: Actor,
    request_id: Option<String>,
) -> Result<Reloaded, ReloadError> {
    let _one = app.reloading.one.lock().await;
    let done = try_reload(app, what, (actor, request_id)).await;
    match &done {
        Ok(done) => {
            app.reloading.note(what, None);
            tracing::info!(?what, changed = done.changed, "the configuration was read again");
        }
        // That there is nothing to read again is no state of the server.
        Err(ReloadError::NoSource) => {}
        Err(error) => {
            tracing::error!(?what, %error, "the configuration was not taken; the former one stays in force");
            app.reloading.note(what, Some(error.to_string()));
        }
    }
    done
}

async fn try_reload(
    app: &App,
    what: What,
    (actor, request_id): (Actor, Option<String>),
) -> Result<Reloaded, ReloadError> {
    let source = app.config.source.clone().ok_or(ReloadError::NoSource)?;
    let read = tokio::task::spawn_blocking(move || match what {
        What::Whole => source.read(),
        What::Policies => source.policies(),
    });
    let read = read.await;
    let read = read.map_err(|_| ReloadError::Refused(vec!["reading it failed".to_owned()]))?;
    let Fresh { reload, warnings, near_percent, in_force } = read.map_err(ReloadError::Refused)?;
    let command = Command::Reload(Box::new(reload));
    let request = Request { request_id, ..Request::new(actor, command) };
    let answer = ask(&app.callers, request).await?;
    // Relaxed: a number that stands for itself.
    app.near_percent.store(near_percent, Ordering::Relaxed);
    in_force();
    Ok(Reloaded {
        seq: answer.seq.map_or_else(|| app.ledger.views().durable().0, |seq| seq.0),
        changed: answer.seq.is_some(),
        file: app.config.file.clone(),
        warnings,
    })
}

async fn ask(callers: &Callers, request: Request) -> Result<Box<Answer>, ReloadError> {
    let answer = callers.ask(request).await.map_err(ReloadError::Failed)?;
    match Problem::of_change(&answer) {
        None => Ok(answer),
        Some(problem) => Err(ReloadError::Refused(vec![problem.detail])),
    }
}

/// `POST /v1/config/reload`.
#[utoipa::path(
    post,
    path = "/v1/config/reload",
    tag = "operation",
    operation_id = "reload",
    summary = "Reads the configuration again",
    description = "Taken whole or not at all: the former one stays in force where it cannot be taken.",
    params(RequestId),
    request_body(content = Value, content_type = "application/json", description = "Not read: send `{}`"),
    responses(
        (status = 200, description = "taken", body = Reloaded),
        (status = 409, description = "this server has no configuration to read again"),
        (status = 422, description = "it cannot be taken: `detail` says why"),
        (status = 503, description = "the ledger did not take it"),
    )
)]
pub(crate) async fn over_http(State(app): State<Arc<App>>, RequestId(request_id): RequestId) -> Reply {
    match reload(&app, What::Whole, Actor::Local, request_id).await {
        Ok(done) => Ok(reply::json_as(StatusCode::OK, &done)),
        Err(ReloadError::Failed(failure)) => Err(failure.into()),
        Err(error @ ReloadError::NoSource) => Err(Problem::new(409, None, error.to_string()).into()),
        Err(error @ ReloadError::Refused(_)) => {
            let detail = format!("the configuration was not taken, the former one stays in force: {error}");
            Err(Problem { field: Some("config".to_owned()), ..Problem::new(422, None, detail) }.into())
        }
    }
}
