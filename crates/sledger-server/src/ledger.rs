//! The ledger as its operators look after it: what there is of it, the state it begins with, holds.

use crate::app::App;
use crate::events::opened;
use crate::extract::{Asked, RequestId, whole};
use crate::limits::BLOCK_CHUNKS_MAX;
use crate::notes::record;
use crate::openapi::{Bodies, Decisions, Views};
use crate::reply::{self, Refusal, Reply};
use crate::stats::{bytes_on_disk, snapshot_age};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use sledger::Ledger;
use sledger::core::command::Keep;
use sledger::core::state::Holds;
use sledger::log::{Bases, Begins, Reader, VolumeInfo};
use sledger::projector::Projection;
use sledger_replay::export::hex;
use sledger_wire::answer::Problem;
use sledger_wire::bodies::hold_from_json;
use sledger_wire::events::actor_text;
use sledger_wire::keeping::{BeginsObject, HoldObject, Holding, KeepingObject, VolumeObject};
use sledger_wire::pages::LedgerStats;
use sledger_wire::queries::CommandQuery;
use sledger_wire::schemas;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Volumes that are told one by one: the newest.
const VOLUMES_TOLD_MAX: usize = 1_000;
/// Bytes of a base that are sent together.
const CHUNK_BYTES: usize = 64 * 1024;

/// `GET /v1/ledger`.
#[utoipa::path(
    get,
    path = "/v1/ledger",
    tag = "operation",
    operation_id = "ledger",
    summary = "The ledger in numbers",
    responses(
        (status = 200, description = "now", body = LedgerStats),
        Views,
    )
)]
pub(crate) async fn ledger(State(app): State<Arc<App>>) -> Reply {
    let ledger = app.ledger.clone();
    let disk = tokio::task::spawn_blocking(move || ledger.data().map(on_disk)).await;
    let disk = disk.ok().flatten().unwrap_or_default();
    let seen = app.read(Seen::of).await?;
    Ok(reply::json(&told(&app, seen, disk)))
}

/// What the views show.
struct Seen {
    seq: u64,
    sessions: u64,
    users: u64,
    holds: Vec<HoldObject>,
}

impl Seen {
    fn of(views: &Projection) -> Self {
        Self {
            seq: views.seq().0,
            sessions: views.session_count() as u64,
            users: views.user_count() as u64,
            holds: holds(views.holds()),
        }
    }
}

/// What the data directory shows.
#[derive(Default)]
struct OnDisk {
    volumes: u64,
    bytes: u64,
    begins: Option<Begins>,
    list: Vec<VolumeObject>,
    /// Seconds since the newest snapshot was written.
    snapshot_age_s: Option<u64>,
}

fn told(app: &App, seen: Seen, disk: OnDisk) -> LedgerStats {
    let (ledger, meta) = (&app.ledger, app.ledger.meta());
    let reason = ledger.poisoned();
    LedgerStats {
        name: app.config.name.clone(),
        seq: seen.seq,
        head: ledger.durable().0,
        sessions: seen.sessions,
        users: seen.users,
        volumes: disk.volumes,
        bytes: disk.bytes,
        durability: ledger.durability().as_str().to_owned(),
        poisoned: reason.is_some(),
        poison_reason: reason.map(|reason| reason.to_string()),
        disk_full: ledger.is_disk_full(),
        queue_length: ledger.queue_length() as u64,
        ledger: meta.map(|meta| meta.ledger.to_string()),
        partition: meta.map(|meta| meta.partition),
        created: meta.map(|meta| meta.created.rfc3339()),
        program: meta.map(|meta| meta.program.clone()),
        seal_personal: meta.map(|meta| meta.seal_personal),
        first: disk.begins.map_or(1, |begins| begins.head.seq.next().0),
        begins: disk.begins.as_ref().map(begins),
        keep: ledger.keep().to_string(),
        holds: seen.holds,
        volume_list: disk.list,
        snapshot: ledger.newest_snapshot().map(|seq| seq.0),
        disk_free: ledger.disk_free(),
        snapshot_age_s: disk.snapshot_age_s,
        keeping: keeping(ledger),
    }
}

fn keeping(ledger: &Ledger) -> Option<KeepingObject> {
    let status = ledger.keeping()?;
    Some(KeepingObject { gone: status.gone, last_error: status.last_error })
}

fn holds(holds: &Holds) -> Vec<HoldObject> {
    let told = holds.iter().map(|(name, hold)| HoldObject {
        name: name.to_string(),
        reason: hold.reason.to_string(),
        at: hold.at.rfc3339(),
        actor: actor_text(&hold.by),
    });
    told.collect()
}

fn begins(begins: &Begins) -> BeginsObject {
    BeginsObject {
        seq: begins.head.seq.0,
        hash: hex(&begins.head.hash),
        at: begins.head.at.rfc3339(),
        epoch: begins.epoch,
        base: hex(&begins.base),
        why: begins.why.as_str().to_owned(),
        when: begins.when.rfc3339(),
    }
}

/// Volumes and bytes under `data`. What cannot be read is not told: `ledger verify` says what is wrong with it.
fn on_disk(data: &Path) -> OnDisk {
    let bytes = bytes_on_disk(data);
    let snapshot_age_s = snapshot_age(data).map(|age| age.as_secs());
    let Ok(reader) = opened(data) else { return OnDisk { bytes, snapshot_age_s, ..OnDisk::default() } };
    let volumes: Vec<VolumeInfo> = reader.volumes().collect();
    let told = volumes.iter().skip(volumes.len().saturating_sub(VOLUMES_TOLD_MAX));
    OnDisk {
        volumes: volumes.len() as u64,
        bytes,
        begins: reader.begins().copied(),
        list: told.map(|info| volume(data, info)).collect(),
        snapshot_age_s,
    }
}

fn volume(data: &Path, info: &VolumeInfo) -> VolumeObject {
    let folder = || bytes_on_disk(&data.join("volumes").join(format!("{:06}", info.no)));
    VolumeObject {
        volume: info.no,
        first: info.first.0,
        last: info.end.map(|end| end.seq.0),
        state: match (info.sealed, info.end) {
            (Some(_), _) => "sealed",
            (None, Some(_)) => "ended",
            (None, None) => "active",
        }
        .to_owned(),
        bytes: info.sealed.map_or_else(folder, |sealed| sealed.bytes),
        first_at: info.sealed.map(|sealed| sealed.first_at.rfc3339()),
        last_at: info.end.map(|end| end.at.rfc3339()),
    }
}

/// `GET /v1/ledger/base`.
#[utoipa::path(
    get,
    path = "/v1/ledger/base",
    tag = "history",
    operation_id = "base",
    summary = "The state that history begins with",
    description = "A file: the state right before the first event that is there, whose BLAKE3 stands in \
        `/v1/ledger` as `begins.base`.",
    responses(
        (status = 200, description = "the base", body = Value, content_type = "application/octet-stream"),
        (status = 404, description = "history begins with the first event"),
        (status = 500, description = "the base cannot be read"),
    )
)]
pub(crate) async fn base(State(app): State<Arc<App>>) -> Reply {
    let Some(data) = app.ledger.data().map(ToOwned::to_owned) else {
        return Err(Problem::new(404, None, "the ledger is in memory: it keeps no volumes").into());
    };
    let opened = tokio::task::spawn_blocking(move || base_file(&data)).await;
    let Some(file) = opened.map_err(|_| unreadable("opening panicked"))?? else {
        return Err(Problem::new(404, None, "history begins with the first event").into());
    };
    let (sender, receiver) = mpsc::channel(BLOCK_CHUNKS_MAX);
    tokio::task::spawn_blocking(move || send(file, &sender));
    let chunks = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The file, held open: it may go meanwhile.
fn base_file(data: &Path) -> Result<Option<std::fs::File>, Refusal> {
    let reader: Reader = opened(data).map_err(|error| unreadable(&error.to_string()))?;
    let Some(begins) = reader.begins() else { return Ok(None) };
    let path = Bases::new(data, reader.meta()).path(begins.head.seq);
    std::fs::File::open(path).map(Some).map_err(|error| unreadable(&error.to_string()))
}

fn send(mut file: std::fs::File, sender: &mpsc::Sender<std::io::Result<Bytes>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = file.read(&mut chunk);
        let is_last = !matches!(read, Ok(1..));
        let sent = match read {
            Ok(0) => return,
            Ok(bytes) => {
                chunk.truncate(bytes);
                sender.blocking_send(Ok(chunk.into()))
            }
            Err(error) => sender.blocking_send(Err(error)),
        };
        if sent.is_err() || is_last {
            return;
        }
    }
}

fn unreadable(why: &str) -> Refusal {
    tracing::error!(why, "the base cannot be read");
    Problem::new(500, None, format!("the base cannot be read: {why}")).into()
}

/// `POST /v1/ledger/hold`.
#[utoipa::path(
    post,
    path = "/v1/ledger/hold",
    tag = "operation",
    operation_id = "hold",
    summary = "Sets a hold",
    description = "Until it is released nothing is archived, dropped or erased.",
    params(CommandQuery, RequestId),
    request_body(content = schemas::HoldBody, content_type = "application/json"),
    responses(
        (status = 201, description = "it stands", body = Holding),
        (status = 409, description = "a hold of this name stands, or as many as may stand at once"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn hold(
    State(app): State<Arc<App>>,
    Asked(query): Asked<CommandQuery>,
    RequestId(request_id): RequestId,
    body: Body,
) -> Reply {
    let hold = hold_from_json(&whole(body, app.config.read_max).await?, false)?;
    let keep = Keep::Hold { name: hold.name, reason: hold.reason };
    changed(&app, keep, (query.command, request_id), StatusCode::CREATED).await
}

/// `POST /v1/ledger/release`.
#[utoipa::path(
    post,
    path = "/v1/ledger/release",
    tag = "operation",
    operation_id = "release",
    summary = "Releases a hold",
    params(CommandQuery, RequestId),
    request_body(content = schemas::ReleaseBody, content_type = "application/json"),
    responses(
        (status = 200, description = "it stands no more", body = Holding),
        (status = 404, description = "there is no such hold"),
        Decisions,
        Bodies,
    )
)]
pub(crate) async fn release(
    State(app): State<Arc<App>>,
    Asked(query): Asked<CommandQuery>,
    RequestId(request_id): RequestId,
    body: Body,
) -> Reply {
    let hold = hold_from_json(&whole(body, app.config.read_max).await?, true)?;
    changed(&app, Keep::Release { name: hold.name }, (query.command, request_id), StatusCode::OK).await
}

async fn changed(app: &App, keep: Keep, ids: (Option<String>, Option<String>), status: StatusCode) -> Reply {
    let answer = record(app, keep, ids).await?;
    let holds = app.read(|views| holds(views.holds())).await?;
    let seq = answer.seq.unwrap_or_default().0;
    Ok(reply::json_as(status, &Holding { seq, at: answer.at.rfc3339(), holds }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_read_still_has_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("head"), [0; 11]).unwrap();
        let seen = on_disk(dir.path());
        assert_eq!((seen.volumes, seen.bytes, seen.list), (0, 11, Vec::new()));
    }
}
