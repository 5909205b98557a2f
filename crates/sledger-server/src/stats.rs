//! The ledger in numbers.

use crate::app::App;
use crate::openapi::Views;
use crate::reply::{self, Reply};
use axum::extract::State;
use sledger::core::Millis;
use sledger::core::clock::Clock as _;
use sledger::projector::{Latency, Projection, Rate};
use sledger::{Durability, SystemClock, Tallies};
use sledger_wire::pages::{LatencyClass, LoginCount, Quantiles, Rates, Top, TopRow};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Users in `/v1/top`.
const TOP_MAX: usize = 20;
/// Kinds of logins in `/v1/top`.
const KINDS_MAX: usize = 32;
/// Upper bounds of the classes of latencies, in microseconds: each four times the one before.
const SHAPE_BOUNDS: [u64; 10] = [4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576];
/// How deep the data directory is looked at, and how many entries at most.
const DEPTH_MAX: u32 = 6;
const ENTRIES_MAX: usize = 100_000;

/// Bytes under `data`.
pub(crate) fn bytes_on_disk(data: &Path) -> u64 {
    bytes_under(data, DEPTH_MAX)
}

fn bytes_under(folder: &Path, depth: u32) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let bytes = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() && depth > 0 => bytes_under(&entry.path(), depth - 1),
        Ok(meta) => meta.len(),
        // Gone between listing and looking.
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).take(ENTRIES_MAX).map(bytes).sum()
}

/// How long ago the newest snapshot under `data` was written; `None` without one.
pub(crate) fn snapshot_age(data: &Path) -> Option<Duration> {
    let entries = std::fs::read_dir(data.join("snapshots")).ok()?.filter_map(Result::ok).take(ENTRIES_MAX);
    let snapshots =
        entries.filter(|entry| Path::new(&entry.file_name()).extension() == Some("snap".as_ref()));
    let written = snapshots.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()?;
    // Written in the future: the clock was set back meanwhile.
    Some(SystemTime::now().duration_since(written).unwrap_or_default())
}

/// `GET /v1/top`.
#[utoipa::path(
    get,
    path = "/v1/top",
    tag = "operation",
    operation_id = "top",
    summary = "What goes on right now",
    responses(
        (status = 200, description = "now", body = Top),
        Views,
    )
)]
pub(crate) async fn top(State(app): State<Arc<App>>) -> Reply {
    let near = app.near();
    let durability = app.ledger.durability();
    let mut top = app.read_at_length(move |views| top_of(views, near, durability)).await?;
    top.poisoned = app.ledger.poisoned().is_some();
    top.warnings = crate::health::degraded(&app).into_iter().map(|reason| reason.reason).collect();
    top.latency_us = quantiles(&app.ledger.latencies().answer);
    top.decide_us = quantiles(&app.ledger.latencies().decide);
    top.latency_shape = shape(&app.ledger.latencies().answer);
    top.decide_shape = shape(&app.ledger.latencies().decide);
    top.sync_us = Some(quantiles(app.ledger.sync_latency())).filter(|sync| sync.p50.is_some());
    let tallies = app.ledger.tallies();
    top.logins = with_a_code(&tallies);
    top.ends = tallies.ends.iter().map(|(cause, count)| (cause.as_str().to_owned(), *count)).collect();
    Ok(reply::json(&top))
}

/// The most frequent kinds of logins that have a code.
fn with_a_code(tallies: &Tallies) -> Vec<LoginCount> {
    let mut kinds: Vec<_> = tallies.logins.iter().filter(|(kind, _)| kind.code.is_some()).collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told = kinds.into_iter().take(KINDS_MAX).map(|(kind, count)| LoginCount {
        outcome: kind.outcome.as_str().to_owned(),
        quota: kind.quota.as_ref().map(ToString::to_string),
        code: kind.code.map(str::to_owned),
        count: *count,
    });
    told.collect()
}

/// How many took how long; nothing where nothing was measured.
fn shape(latency: &Latency) -> Vec<LatencyClass> {
    let Some(seen) = latency.quantiles() else { return Vec::new() };
    let upto = latency.at_or_below(&SHAPE_BOUNDS).into_iter().chain([seen.count]);
    let bounds = SHAPE_BOUNDS.into_iter().map(Some).chain([None]);
    let mut before = 0;
    let classes = bounds.zip(upto).map(|(at_most_us, upto)| {
        let count = upto.saturating_sub(before);
        before = before.max(upto);
        LatencyClass { at_most_us, count }
    });
    classes.collect()
}

fn top_of(views: &Projection, near: u32, durability: Durability) -> Top {
    let totals = views.totals(near);
    // A ledger at rest folds nothing: its own time stands still, the minute does not.
    let now: Millis = SystemClock.wall().max(views.at());
    let row = |row: &sledger::projector::UserRow| TopRow {
        user: row.user.to_string(),
        active: row.active,
        limit: row.limit.map(Into::into),
        quota: row.quota.as_ref().map(ToString::to_string),
    };
    Top {
        seq: totals.seq.0,
        sessions: totals.sessions as u64,
        users: totals.users as u64,
        at_limit: totals.at_limit as u64,
        near_limit: totals.near_limit as u64,
        durability: durability.as_str().to_owned(),
        top: views.top(TOP_MAX).iter().map(row).collect(),
        rates: views.rates(now).map(|rates| told(&rates)).unwrap_or_default(),
        ..Top::default()
    }
}

fn told(rates: &sledger::projector::Rates) -> Rates {
    Rates {
        admitted: Some(per_second(rates.admitted)),
        denied: Some(per_second(rates.denied)),
        resumed: Some(per_second(rates.resumed)),
        evicted: Some(per_second(rates.evicted)),
        expired: Some(per_second(rates.expired)),
        ended: Some(per_second(rates.ended)),
    }
}

#[expect(clippy::float_arithmetic, reason = "shown only, never decided or hashed by")]
fn per_second(rate: Rate) -> f64 {
    f64::from(u32::try_from(rate.per_second_milli()).unwrap_or(u32::MAX)) / 1000.0
}

fn quantiles(latency: &Latency) -> Quantiles {
    told_quantiles(latency.quantiles())
}

/// Nulls where nothing was measured.
pub(crate) fn told_quantiles(seen: Option<sledger::projector::Quantiles>) -> Quantiles {
    seen.map_or_else(Quantiles::default, |seen| Quantiles {
        p50: Some(seen.p50),
        p99: Some(seen.p99),
        p999: Some(seen.p999),
        max: Some(seen.max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_snapshot_gives_the_age() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(snapshot_age(dir.path()), None);
        let snapshots = dir.path().join("snapshots");
        std::fs::create_dir(&snapshots).unwrap();
        let written = |name: &str, ago: u64| {
            let file = std::fs::File::create(snapshots.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(ago)).unwrap();
        };
        written("000000000009.tmp", 0);
        assert_eq!(snapshot_age(dir.path()), None);
        written("000000000001.snap", 5_000);
        written("000000000007.snap", 1_000);
        let age = snapshot_age(dir.path()).unwrap().as_secs();
        assert!((1_000..1_100).contains(&age), "{age}");
    }

    #[test]
    fn every_latency_is_in_one_class() {
        let latency = Latency::default();
        assert_eq!(shape(&latency), []);
        latency.record([1, 4, 5, 300, 2_000_000]);
        let shape = shape(&latency);
        let filled: Vec<_> = shape.iter().filter(|class| class.count > 0).collect();
        let bounds: Vec<_> = filled.iter().map(|class| (class.at_most_us, class.count)).collect();
        assert_eq!(bounds, [(Some(4), 2), (Some(16), 1), (Some(1_024), 1), (None, 1)]);
        assert_eq!(shape.len(), SHAPE_BOUNDS.len() + 1);
    }

    #[test]
    fn rates_are_told_in_thousandths() {
        assert_eq!(per_second(Rate { count: 90 }).to_string(), "1.5");
    }
}
