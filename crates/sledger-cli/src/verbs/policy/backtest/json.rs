//! A report for programs.

use super::Told;
use serde::Serialize;
use sledger_core::event::PolicyCode;
use sledger_replay::backtest::{Example, Report, Totals};
use sledger_replay::rejudge::{Kind, Outcome, Unable};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The report.
#[derive(Serialize)]
pub(in super::super) struct Shown<'r> {
    policy: &'r str,
    quotas: Vec<&'r str>,
    cascade: bool,
    events: u64,
    first: Option<String>,
    last: Option<String>,
    decisions: u64,
    exhausted: u64,
    changed: u64,
    changes: Vec<ChangeObject>,
    groups: Vec<GroupObject<'r>>,
    groups_beyond: u64,
    lines: Vec<LineObject<'r>>,
    examples: Vec<ExampleObject<'r>>,
    failures: BTreeMap<&'static str, u64>,
    not_rederivable: NotRederivable,
    before: TotalsObject,
    after: TotalsObject,
    buckets: BucketsObject,
}

#[derive(Serialize)]
struct ChangeObject {
    from: &'static str,
    to: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct GroupObject<'r> {
    group: Option<&'r str>,
    changed: u64,
}

#[derive(Serialize)]
struct LineObject<'r> {
    line: Option<u32>,
    text: Option<&'r str>,
    to: &'static str,
    changed: u64,
}

#[derive(Serialize)]
struct ExampleObject<'r> {
    seq: u64,
    at: String,
    user: &'r str,
    from: OutcomeObject<'r>,
    to: OutcomeObject<'r>,
}

#[derive(Serialize)]
struct OutcomeObject<'r> {
    decision: &'static str,
    admitted: bool,
    evict: &'r [Arc<str>],
    reason: Option<&'r str>,
    line: Option<u32>,
    policy_code: Option<&'static str>,
}

#[derive(Serialize)]
struct NotRederivable {
    aggregated: u64,
    sealed: u64,
    unbound: u64,
    unrecorded: u64,
}

#[derive(Serialize)]
struct TotalsObject {
    denied: u64,
    evicted: u64,
}

#[derive(Serialize)]
struct BucketsObject {
    width_ms: u64,
    buckets: Vec<BucketObject>,
}

#[derive(Serialize)]
struct BucketObject {
    at: String,
    compared: u64,
    changed: BTreeMap<&'static str, u64>,
}

impl<'r> Shown<'r> {
    pub(in super::super) fn new(report: &'r Report, told: &'r Told<'_>) -> Self {
        let unable = |why| report.unable.get(&why).copied().unwrap_or(0);
        let source = &told.candidate.source;
        let changes = report.changes.iter().map(|(change, count)| ChangeObject {
            from: change.from.as_str(),
            to: change.to.as_str(),
            count: *count,
        });
        let groups = report.groups.iter().map(|(group, changed)| GroupObject {
            group: Some(&**group).filter(|group| !group.is_empty()),
            changed: *changed,
        });
        let lines = report.lines.iter().map(|((line, to), changed)| LineObject {
            line: (*line > 0).then_some(*line),
            text: super::shown::line_of(source, *line),
            to: to.as_str(),
            changed: *changed,
        });
        Self {
            policy: &told.candidate.name,
            quotas: report.quotas.iter().map(String::as_str).collect(),
            cascade: told.cascade,
            events: report.events,
            first: report.first.map(sledger_core::Millis::rfc3339),
            last: report.last.map(sledger_core::Millis::rfc3339),
            decisions: report.decisions,
            exhausted: report.exhausted,
            changed: report.changed,
            changes: changes.collect(),
            groups: groups.collect(),
            groups_beyond: report.groups_beyond,
            lines: lines.collect(),
            examples: report.examples.iter().map(example).collect(),
            failures: report.failures.iter().map(|(code, count)| (code.as_str(), *count)).collect(),
            not_rederivable: NotRederivable {
                aggregated: report.aggregated,
                sealed: unable(Unable::Sealed),
                unbound: unable(Unable::Unbound),
                unrecorded: unable(Unable::Unrecorded),
            },
            before: totals(report.before),
            after: totals(report.after),
            buckets: buckets(report),
        }
    }
}

const fn totals(totals: Totals) -> TotalsObject {
    TotalsObject { denied: totals.denied, evicted: totals.evicted }
}

fn example(example: &Example) -> ExampleObject<'_> {
    ExampleObject {
        seq: example.seq.0,
        at: example.at.rfc3339(),
        user: &example.user,
        from: outcome(&example.was),
        to: outcome(&example.is),
    }
}

fn outcome(outcome: &Outcome) -> OutcomeObject<'_> {
    OutcomeObject {
        decision: outcome.kind.as_str(),
        admitted: outcome.admitted,
        evict: &outcome.victims,
        reason: outcome.reason.as_deref(),
        line: (outcome.line > 0).then_some(outcome.line),
        policy_code: outcome.failure.map(PolicyCode::as_str),
    }
}

fn buckets(report: &Report) -> BucketsObject {
    let (start, width) = (report.buckets.start.0, report.buckets.width);
    let bucket = |(index, bucket): (u64, &sledger_replay::backtest::Bucket)| BucketObject {
        at: sledger_core::Millis(start + index * width).rfc3339(),
        compared: bucket.compared,
        changed: Kind::ALL.into_iter().map(Kind::as_str).zip(bucket.changed).collect(),
    };
    BucketsObject { width_ms: width, buckets: (0..).zip(&report.buckets.counts).map(bucket).collect() }
}
