//! What is wrong, and what to do about it.

use super::{App, Link, View};
use crate::figure;
use crate::scene::Scene;
use crate::source::Side;
use sledger_core::Millis;
use sledger_wire::escape::brief;
use sledger_wire::events::EventLine;
use sledger_wire::policies::PolicyUse;
use std::collections::BTreeMap;

/// Users whose evictions are counted at once.
const WATCHED_MAX: usize = 1_024;
/// Evictions of one user within a minute that make a ping-pong.
const PING_PONG: u32 = 6;
/// Alerts of one kind at most.
const ALERTS_OF_A_KIND: usize = 8;
/// How long what was seen once stands.
const SEEN_MS: u64 = 300_000;
/// The denial rate is wrong at this many times its hour, from this many thousandths a second on.
const DENIALS_TIMES: u64 = 5;
const DENIALS_LEAST: u64 = 1_000;
/// Rates of this long must be known before one is compared to them.
const HOUR_SAMPLES_LEAST: usize = 120;

/// Where an alert leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// To a view.
    View(View),
    /// To the events of a type.
    Events(&'static str),
    /// Nowhere: what there is to do is outside.
    Nowhere,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it is, the same as long as it lasts.
    pub key: String,
    /// Whether somebody is refused or lost because of it.
    pub is_grave: bool,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub todo: String,
    /// Where it leads.
    pub place: Place,
}

fn alert(key: &str, is_grave: bool, what: impl Into<String>, todo: &str, place: Place) -> Alert {
    Alert { key: key.to_owned(), is_grave, what: what.into(), todo: todo.to_owned(), place }
}

/// What was seen in the feed and stands for a while.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// By type: when, and what it said.
    last: BTreeMap<&'static str, (Millis, String)>,
    /// Evictions by user since the minute began.
    evictions: BTreeMap<String, u32>,
    minute: u64,
    /// The user with the most evictions in a minute, how many, and when.
    ping_pong: Option<(String, u32, Millis)>,
}

impl Seen {
    fn event(&mut self, event: &EventLine, now: Millis) {
        let kind = match event.kind.as_str() {
            "policy.tripped" => "policy.tripped",
            "policy.failed" => "policy.failed",
            "clock.differs" => "clock.differs",
            "session.evicted" => return self.evicted(event, now),
            _ => return,
        };
        let about = event
            .policy
            .clone()
            .or_else(|| event.details.get("policy").and_then(|policy| policy.as_str()).map(str::to_owned));
        self.last.insert(kind, (now, about.unwrap_or_default()));
    }

    fn evicted(&mut self, event: &EventLine, now: Millis) {
        if now.0 / 60_000 != self.minute {
            self.minute = now.0 / 60_000;
            self.evictions.clear();
        }
        let Some(user) = &event.user else { return };
        if self.evictions.len() < WATCHED_MAX || self.evictions.contains_key(user) {
            let count = self.evictions.entry(user.clone()).or_default();
            *count += 1;
            if *count >= PING_PONG {
                self.ping_pong = Some((user.clone(), *count, now));
            }
        }
    }

    fn lately(&self, kind: &str, now: Millis) -> Option<&str> {
        let (at, about) = self.last.get(kind)?;
        (now.since(*at) < SEEN_MS).then_some(about.as_str())
    }
}

impl App {
    /// Looks at events for what stands as an alert.
    pub(super) fn watch(&mut self, events: &[EventLine]) {
        let now = self.now;
        for event in events {
            self.walk.seen.event(event, now);
        }
    }

    /// What is wrong now, gravest first. The past has no alerts: what it shows is over.
    #[must_use]
    pub fn alert_rows(&self) -> Vec<Alert> {
        if self.side == Side::Past {
            return Vec::new();
        }
        let mut alerts = self.of_link();
        alerts.extend(of_figures(&self.live));
        alerts.extend(self.of_seen());
        alerts.extend(self.of_policies());
        alerts.extend(self.of_quotas());
        alerts.sort_by_key(|alert| !alert.is_grave);
        alerts
    }

    fn of_link(&self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        if let Link::Lost { why, .. } = &self.link {
            // Who it is stands in the header.
            let url = format!("http://{}/", self.setup.target);
            let what = why.replace(&format!(" to {url}"), "").replace(&format!(" from {url}"), "");
            let what = what.replace(&format!("{url} "), "");
            let todo = "look at its log; what was known stays";
            alerts.push(alert("link", true, brief_line(&what), todo, Place::Nowhere));
        } else if let Some(why) = &self.feed_broken {
            let todo = "the tail goes on behind the last event once it is back";
            let what = format!("the feed broke off: {}", brief_line(why));
            alerts.push(alert("feed", false, what, todo, Place::Nowhere));
        }
        alerts
    }

    fn of_seen(&self) -> Vec<Alert> {
        let (seen, now) = (&self.walk.seen, self.now);
        let policies = || Place::View(View::Policies);
        let mut alerts = Vec::new();
        if let Some(policy) = seen.lately("policy.tripped", now) {
            let what = format!("policy {} tripped: it is not asked for 30 s", brief(policy));
            alerts.push(alert("tripped", true, what, "look at its failures, or :rollback it", policies()));
        }
        if seen.lately("clock.differs", now).is_some() {
            let what = "the wall clock and the ledger's differ";
            let todo = "check time synchronisation; `sledger ledger clock` shows both";
            alerts.push(alert("clock", false, what, todo, Place::Events("clock.differs")));
        }
        if let Some((user, count, at)) = &seen.ping_pong
            && now.since(*at) < SEEN_MS
        {
            let what = format!("{} is evicted again and again, {count} times in a minute", brief(user));
            let todo = "two devices take turns: a higher limit, or another policy";
            alerts.push(alert("ping-pong", false, what, todo, Place::View(View::User(user.clone()))));
        }
        alerts.extend(denials(&self.live));
        alerts
    }

    fn of_policies(&self) -> Vec<Alert> {
        let uses = self.live.policies.iter().flat_map(|policy| &policy.uses);
        let mut failing: Vec<&PolicyUse> = uses.filter(|used| used.failures > 0).collect();
        // Those that decide come first, and of them those that failed most.
        failing.sort_by_key(|used| (used.state == "shadow", std::cmp::Reverse(used.failures)));
        failing.into_iter().take(ALERTS_OF_A_KIND).map(of_failing).collect()
    }

    fn of_quotas(&self) -> Vec<Alert> {
        let off = self.live.switched_off.iter().map(|off| {
            let left = off.until.map(|until| figure::age(until.since(self.now)));
            let left = left.map_or_else(|| "for good".to_owned(), |left| format!("for {left} more"));
            let what = format!("quota {} is switched off {left}", brief(&off.quota));
            let todo = "`sledger quota enable` switches it on again";
            let key = format!("off {}", off.quota);
            alert(&key, false, what, todo, Place::Events("quota.*"))
        });
        off.take(ALERTS_OF_A_KIND).collect()
    }
}

fn of_failing(used: &PolicyUse) -> Alert {
    let (count, policy) = (figure::number(used.failures), brief(&used.policy));
    let what = format!("policy {policy} failed {count} times on {}", brief(&used.quota));
    let key = format!("failing {} {}", used.quota, used.policy);
    let todo = match used.state.as_str() {
        "shadow" => "it is on trial and decides nothing; look at the last failure",
        _ => "`on_error` decides meanwhile; look at the last failure, or :rollback it",
    };
    alert(&key, false, what, todo, Place::View(View::Policies))
}

fn of_figures(scene: &Scene) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let Some(top) = &scene.top else { return alerts };
    let ledger = scene.ledger.as_ref();
    if top.poisoned {
        let why = ledger.and_then(|ledger| ledger.poison_reason.as_deref()).unwrap_or("it refuses to write");
        let what = format!("POISONED: nobody is let in: {}", brief_line(why));
        let todo = "look at disk and log, then start the server again";
        alerts.push(alert("poisoned", true, what, todo, Place::Nowhere));
    }
    if ledger.is_some_and(|ledger| ledger.disk_full) {
        let what = "the disk's reserve is reached: nobody new is let in";
        alerts.push(alert("disk", true, what, "free disk, or archive old volumes", Place::Nowhere));
    }
    if top.durability == "relaxed" {
        let what = "durability is relaxed: a failure of the machine loses the last answers";
        alerts.push(alert("relaxed", false, what, "set [ledger] durability = \"durable\"", Place::Nowhere));
    }
    for (place, warning) in top.warnings.iter().enumerate().take(ALERTS_OF_A_KIND) {
        let key = format!("warning {place}");
        let (todo, place) = if warning.starts_with("the audit sink") {
            ("look why it takes nothing; nothing is lost, it goes on where it stopped", Place::Nowhere)
        } else {
            ("`sledger config check` and the server's log say more", Place::Events("config.*"))
        };
        alerts.push(alert(&key, false, brief_line(warning), todo, place));
    }
    alerts
}

/// Five times as many refusals as in the hour before.
fn denials(scene: &Scene) -> Option<Alert> {
    let now = scene.samples.back()?.denied;
    let count = scene.samples.len();
    if count < HOUR_SAMPLES_LEAST || now < DENIALS_LEAST {
        return None;
    }
    // What is compared is not part of what it is compared to.
    let before = scene.samples.iter().take(count.saturating_sub(60)).map(|sample| sample.denied);
    let usual = before.sum::<u64>() / (count as u64).saturating_sub(60).max(1);
    (now >= usual.saturating_mul(DENIALS_TIMES)).then(|| {
        let what = format!(
            "{} logins a second are refused; {} in the hour before",
            figure::rate(Some(now)),
            figure::rate(Some(usual))
        );
        alert("denials", true, what, "see who, and by which quota", Place::Events("login.denied"))
    })
}

fn brief_line(text: &str) -> String {
    sledger_wire::escape(text).chars().take(480).collect()
}
