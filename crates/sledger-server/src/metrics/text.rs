//! The text of a scrape: every family in the order of the contract, also those without samples.

use super::{Histogram, Scrape};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

/// Before every name.
const PREFIX: &str = "sledger";
/// The one consumer of the feed that the ledger itself runs.
const VIEWS: &str = "views";

type Labels = Vec<(&'static str, String)>;
type Samples = Vec<(Labels, u64)>;

impl Scrape {
    pub(super) fn into_text(self) -> String {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(self));
        let mut open = String::new();
        // Writing to memory does not fail.
        let _always = encode_registry(&mut open, &registry);
        classic(&open)
    }

    fn logins(&self) -> Samples {
        let labels = |kind: &sledger::LoginKind| {
            let quota = kind.quota.as_ref().map(ToString::to_string).unwrap_or_default();
            let code = kind.code.unwrap_or_default().to_owned();
            vec![("outcome", kind.outcome.as_str().to_owned()), ("quota", quota), ("code", code)]
        };
        self.tallies.logins.iter().map(|(kind, count)| (labels(kind), *count)).collect()
    }

    fn ends(&self) -> Samples {
        let ends = self.tallies.ends.iter();
        ends.map(|(cause, count)| (vec![("cause", cause.as_str().to_owned())], *count)).collect()
    }

    fn policy_failures(&self) -> Samples {
        let failures = self.tallies.policy_failures.iter();
        failures
            .map(|((policy, code), count)| {
                (vec![("policy", policy.to_string()), ("code", code.as_str().to_owned())], *count)
            })
            .collect()
    }

    fn shadow_differences(&self) -> Samples {
        let differences = self.tallies.shadow_differences.iter();
        differences.map(|(policy, count)| (vec![("policy", policy.to_string())], *count)).collect()
    }

    fn by_quota(&self, count: impl Fn(&sledger::projector::QuotaTotals) -> usize) -> Samples {
        let quotas = self.views.iter().flat_map(|views| &views.quotas);
        quotas.map(|quota| (vec![("quota", quota.quota.to_string())], count(quota) as u64)).collect()
    }
}

/// The sample of a family that has no labels; none where there is nothing to show.
fn one(value: impl Into<Option<u64>>) -> Samples {
    value.into().map(|value| (Labels::new(), value)).into_iter().collect()
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let to = &mut encoder;
        self.encode_logins(to)?;
        self.encode_policies(to)?;
        self.encode_ledger(to)?;
        self.encode_health(to)
    }
}

impl Scrape {
    fn encode_logins(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let views = self.views.as_ref();
        counter(to, "logins", "Logins answered, by outcome, quota shown and code", &self.logins())?;
        counter(to, "session_ends", "Sessions ended, by cause", &self.ends())?;
        gauge(to, "sessions", "Live sessions", &one(views.map(|views| views.sessions)))?;
        gauge(to, "users", "Users with live sessions", &one(views.map(|views| views.users)))?;
        let at_limit = self.by_quota(|quota| quota.at_limit);
        gauge(to, "users_at_limit", "Users at the limit of an enabled hard quota", &at_limit)?;
        let near_limit = self.by_quota(|quota| quota.near_limit);
        gauge(to, "users_near_limit", "Users near or at the limit of an enabled hard quota", &near_limit)?;
        histogram(to, "decision_seconds", "Time that deciding one command took", &self.decision)?;
        histogram(to, "answer_seconds", "Time from the receipt of a command to its answer", &self.answer)
    }

    fn encode_policies(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let failures = self.policy_failures();
        counter(to, "policy_failures", "Failures of policies, by policy and code", &failures)?;
        let operations = self.operations();
        histogram(to, "policy_operations", "Operations of a policy that was asked", &operations)?;
        let help = "Decisions that a policy in shadow would have taken otherwise";
        counter(to, "shadow_differences", help, &self.shadow_differences())
    }

    fn encode_ledger(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        histogram(to, "sync_seconds", "Time that making a batch of decisions durable took", &self.sync)?;
        gauge(to, "ledger_bytes", "Bytes of the data directory", &one(self.bytes))?;
        gauge(to, "ledger_free_bytes", "Free bytes on the disk of the ledger", &one(self.bytes_free))?;
        gauge(to, "ledger_seq", "The last event that is durable", &one(self.seq))?;
        let age = self.snapshot_age.map(|age| (Labels::new(), age));
        seconds(to, "snapshot_age_seconds", "Age of the newest snapshot", age)?;
        let lag = self.views.as_ref().map(|views| (vec![("consumer", VIEWS.to_owned())], views.lag));
        seconds(to, "feed_lag_seconds", "How far a consumer is behind what is durable", lag)?;
        counter(to, "notices", "Notices sent, by channel and outcome", &[])
    }

    fn encode_health(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let queue = one(self.queue_length);
        gauge(to, "queue_length", "Commands that wait to be decided", &queue)?;
        let poisoned = one(u64::from(self.poisoned));
        gauge(to, "poisoned", "Whether the ledger refuses to write", &poisoned)?;
        let relaxed = one(u64::from(self.relaxed));
        gauge(to, "durability_relaxed", "Whether answers leave before they are durable", &relaxed)?;
        let help = "Whether the configuration file was changed and could not be taken";
        gauge(to, "config_reload_failed", help, &one(u64::from(self.reload_failed)))?;
        let version = vec![(vec![("version", self.version.to_owned())], 1)];
        gauge(to, "build_info", "The version that runs", &version)
    }
}

fn family<'e>(
    to: &'e mut DescriptorEncoder<'_>,
    name: &'e str,
    help: &str,
    kind: MetricType,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    to.encode_descriptor(name, help, None, kind)
}

fn gauge(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, samples: &[(Labels, u64)]) -> fmt::Result {
    let mut family = family(to, name, help, MetricType::Gauge)?;
    for (labels, value) in samples {
        match labels.as_slice() {
            [] => family.encode_gauge(value)?,
            labels => family.encode_family(&labels)?.encode_gauge(value)?,
        }
    }
    Ok(())
}

fn seconds(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    sample: Option<(Labels, Duration)>,
) -> fmt::Result {
    let mut family = family(to, name, help, MetricType::Gauge)?;
    match sample {
        None => Ok(()),
        Some((labels, value)) if labels.is_empty() => family.encode_gauge(&value.as_secs_f64()),
        Some((labels, value)) => family.encode_family(&labels)?.encode_gauge(&value.as_secs_f64()),
    }
}

fn counter(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, samples: &[(Labels, u64)]) -> fmt::Result {
    let mut family = family(to, name, help, MetricType::Counter)?;
    let exemplar: Option<&Exemplar<NoLabelSet, u64>> = None;
    for (labels, value) in samples {
        family.encode_family(labels)?.encode_counter(value, exemplar)?;
    }
    Ok(())
}

fn histogram(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, seen: &Histogram) -> fmt::Result {
    let exemplars: Option<&HashMap<usize, Exemplar<NoLabelSet, f64>>> = None;
    let mut family = family(to, name, help, MetricType::Histogram)?;
    family.encode_histogram(seen.sum, seen.count, &seen.buckets, exemplars)
}

/// The same in the format that every scraper reads: a counter is called there as its samples are.
fn classic(open: &str) -> String {
    let mut text = String::with_capacity(open.len() + 512);
    let mut help = "";
    for line in open.lines() {
        if let Some(told) = line.strip_prefix("# HELP ") {
            help = told;
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|told| told.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let help = help.strip_prefix(name).unwrap_or_default().trim_start();
            // Writing to memory does not fail.
            let _always = write!(text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n");
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}
