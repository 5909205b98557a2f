//! Looking after a served ledger: checkpoints and seals on demand.

use crate::app::App;
use crate::reply::{self, Reply};
use axum::extract::State;
use sledger::log::{Reader, SealStatus, hex};
use sledger::{Actor, CheckpointFailure, Made};
use sledger_wire::answer::Problem;
use sledger_wire::evidence::{CheckpointMade, SealedNow, SealedOne};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a call waits for a volume to be sealed: shorter than a client waits for an answer.
const SEAL_MAX: Duration = Duration::from_secs(25);

/// `POST /v1/ledger/checkpoint`.
#[utoipa::path(
    post,
    path = "/v1/ledger/checkpoint",
    tag = "operation",
    operation_id = "checkpoint",
    summary = "Signs where the ledger stands",
    description = "What is durable is signed, kept in the ledger's folder, copied to `ledger.checkpoint_to`, and \
        recorded. Where nothing was recorded since the last one, that one is given again.",
    request_body(content = Value, content_type = "application/json", description = "Not read: send `{}`"),
    responses(
        (status = 200, description = "signed", body = CheckpointMade),
        (status = 404, description = "the ledger is in memory: there is nothing to sign"),
        (status = 500, description = "there is no key, or it cannot be kept"),
        (status = 503, description = "it was not made in time, or the ledger does not record it"),
    )
)]
pub(crate) async fn checkpoint(State(app): State<Arc<App>>) -> Reply {
    let ledger = app.ledger.clone();
    let made = tokio::task::spawn_blocking(move || ledger.checkpoint(Actor::Local)).await;
    let made = made.map_err(|_| Problem::new(500, None, "making the checkpoint panicked"))?;
    made.map(|made| reply::json(&told(&made))).map_err(refused)
}

fn refused(failure: CheckpointFailure) -> crate::reply::Refusal {
    let status = match failure {
        CheckpointFailure::Record(failure) => return failure.into(),
        CheckpointFailure::InMemory => 404,
        CheckpointFailure::Key(_) | CheckpointFailure::Io(_) => 500,
        CheckpointFailure::Late => 503,
    };
    Problem::new(status, None, failure.to_string()).into()
}

fn told(made: &Made) -> CheckpointMade {
    let (stand, key) = (made.checkpoint.stand(), made.checkpoint.key());
    CheckpointMade {
        seq: stand.seq.0,
        head: hex(&stand.head),
        at: stand.time.rfc3339(),
        key: key.to_string(),
        text: made.checkpoint.render(),
        public_key: key.to_pem().unwrap_or_default(),
        recorded: made.recorded.map(|seq| seq.0),
        not_shipped: made.not_shipped.clone(),
    }
}

/// `POST /v1/ledger/seal`.
#[utoipa::path(
    post,
    path = "/v1/ledger/seal",
    tag = "operation",
    operation_id = "seal",
    summary = "Ends the active volume and seals it",
    description = "Sealing goes on in the background where it takes longer than the call may: then `running` says so.",
    request_body(content = Value, content_type = "application/json", description = "Not read: send `{}`"),
    responses(
        (status = 200, description = "how it went", body = SealedNow),
        (status = 404, description = "the ledger is in memory: it has no volumes"),
        (status = 500, description = "the volumes cannot be read"),
        (status = 503, description = "the ledger is poisoned"),
    )
)]
pub(crate) async fn seal(State(app): State<Arc<App>>) -> Reply {
    let ledger = app.ledger.clone();
    let sealed = tokio::task::spawn_blocking(move || {
        let status = ledger.seal_volume(SEAL_MAX);
        let newest = ledger.data().map_or(Ok(None), newest);
        (status, newest, ledger.poisoned())
    });
    let (status, newest, poisoned) = sealed.await.map_err(|_| Problem::new(500, None, "sealing panicked"))?;
    if let Some(reason) = poisoned {
        return Err(sledger::Failure::Poisoned(reason).into());
    }
    let in_memory = || Problem::new(404, None, "the ledger is in memory: it has no volumes");
    let SealStatus { running, last_error, .. } = status.ok_or_else(in_memory)?;
    let newest =
        newest.map_err(|why| Problem::new(500, None, format!("the volumes cannot be read: {why}")))?;
    Ok(reply::json(&SealedNow {
        sealed: !running && last_error.is_none(),
        running,
        error: last_error,
        newest,
    }))
}

/// The last sealed volume in `data`.
fn newest(data: &Path) -> Result<Option<SealedOne>, String> {
    let reader = Reader::open(data).map_err(|error| error.to_string())?;
    let one = |volume: sledger::log::VolumeInfo| {
        let (end, sealed) = (volume.end?, volume.sealed?);
        Some(SealedOne {
            volume: volume.no,
            first: volume.first.0,
            last: end.seq.0,
            head: hex(&end.hash),
            bytes: sealed.bytes,
        })
    };
    Ok(reader.volumes().filter_map(one).last())
}
