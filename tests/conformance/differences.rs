//! Where sledger differs on purpose, by rule, with the reason.
//!
//! A row applies to a scenario by what the scenario is about (system, settings,
//! features of its steps), never by its name or numbers. Where it applies,
//! something must differ in the way it says; else the row is out of date.

use super::judge::{Kind, Mismatch, Played};
use super::scenario::{Scenario, Step};
use super::translate;
use serde_json::{Map, Value, json};

/// A difference on purpose.
pub(crate) struct Difference {
    /// The rule of sledger that is behind it.
    pub(crate) rule: &'static str,
    /// Whether it bears on a scenario.
    pub(crate) applies: fn(&Scenario) -> bool,
    /// Whether it is behind one mismatch of a scenario it bears on.
    pub(crate) excuses: fn(&Scenario, &Played, &Mismatch) -> bool,
    /// Why sledger does otherwise.
    pub(crate) reason: &'static str,
}

/// All of them.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        rule: "[2] expired sessions",
        applies: |scenario| !is_bug(scenario) && counts_expired(scenario),
        excuses: |_, _, _| true,
        reason: "OpenAM counts a session that is over until its reaper has run; here deadlines are drained before \
            every decision, so a dead session never locks anyone out",
    },
    Difference {
        rule: "seeds: faults are not copied",
        applies: is_bug,
        excuses: |scenario, played, mismatch| {
            let first = scenario.alt_expect.as_ref().map(|alternative| alternative.step);
            first.is_none_or(|first| played.fits_alternative && mismatch.step >= first)
        },
        reason: "a fault of the product: sledger does what the product's documentation promises",
    },
    Difference {
        rule: "[11] replaces",
        applies: |scenario| scenario.steps.iter().any(|step| step.upgrade_of.is_some()),
        excuses: |scenario, _, mismatch| {
            step(scenario, mismatch).is_some_and(|step| step.upgrade_of.is_some())
                && matches!(mismatch.kind, Kind::Ended { .. } | Kind::Active { .. })
        },
        reason: "a session upgrade leaves both sessions live for a moment, so a third login can be refused; \
            `replaces` lets the new session take the place of the old one in one decision",
    },
    Difference {
        rule: "[3] limits are restored",
        applies: |scenario| is_forgerock(scenario) && evicts_one(scenario) && lowers_limit(scenario),
        excuses: |_, _, mismatch| matches!(mismatch.kind, Kind::Ended { .. } | Kind::Active { .. }),
        reason: "ForgeRock 13 calls its action once per login, so a user above a lowered limit stays above it",
    },
    Difference {
        rule: "[1] quotas hold everywhere",
        applies: |scenario| {
            let mode = scenario.settings().text("multi_server").map(str::to_owned);
            mode.is_some_and(|mode| ["none", "off", "multi"].contains(&mode.as_str()))
        },
        excuses: |_, _, _| true,
        reason: "old OpenAM silently skips quotas with several servers and no session failover",
    },
    Difference {
        rule: "[3] banned",
        applies: |scenario| scenario.system == "awx" && logs_in_at_zero(scenario),
        excuses: |_, _, mismatch| match &mismatch.kind {
            Kind::Outcome { got, .. } => got == "denied",
            Kind::Ended { .. } | Kind::Active { .. } => true,
            _ => false,
        },
        reason: "under 0 AWX lets every login in and ends it at once; here 0 is no number, and the word for it, \
            `banned`, refuses outright",
    },
    Difference {
        rule: "[7] order of evictions",
        applies: |scenario| {
            scenario.system == "awx" && scenario.steps.iter().any(|step| several(step, "login"))
        },
        excuses: |scenario, _, mismatch| is_order_of(scenario, mismatch, "login"),
        reason: "AWX deletes the newest of those above the limit first; the same sessions end here, oldest first",
    },
    Difference {
        rule: "[7] order of a clear",
        applies: |scenario| {
            scenario.steps.iter().any(|step| several(step, "clear") && !by_first_login(scenario, step))
        },
        excuses: |scenario, _, mismatch| is_order_of(scenario, mismatch, "clear"),
        reason: "the same sessions end, here always in the order (start, number), whoever reconnected meanwhile",
    },
    Difference {
        rule: "[10] reconcile",
        applies: |scenario| scenario.config.keys().any(|key| key.starts_with("nas_")),
        excuses: |_, _, _| true,
        reason: "asking a NAS in the middle of a login has no meaning here: a source reports what is live by `reconcile`",
    },
    Difference {
        rule: "DESIGN: one writer, its own store",
        applies: |scenario| {
            is_outage(&scenario.config) || scenario.steps.iter().any(|step| is_outage(&step.set))
        },
        excuses: |scenario, _, mismatch| {
            let mut before = scenario.steps.iter().take(mismatch.step);
            is_outage(&scenario.config) || before.any(|step| is_outage(&step.set))
        },
        reason: "a store that is away has no meaning here: the ledger decides from its own memory, or refuses by name",
    },
    Difference {
        rule: "settled: unknown policy",
        applies: names_unknown_action,
        excuses: |scenario, _, mismatch| match mismatch.kind {
            Kind::Refused(_) => true,
            _ => step(scenario, mismatch).is_some_and(|step| step.op == "config") || mismatch.step > 0,
        },
        reason: "an action that does not exist falls back to another one there; here the configuration is refused, \
            and what was in force stays",
    },
    Difference {
        rule: "[18] ignored",
        applies: |scenario| scenario.steps.iter().any(|step| is_untracked(scenario, step)),
        excuses: |scenario, _, mismatch| {
            step(scenario, mismatch).is_some_and(|step| is_untracked(scenario, step))
                && matches!(&mismatch.kind, Kind::Outcome { got, .. } if ["ignored", "rejected"].contains(&got.as_str()))
        },
        reason: "a login that makes no session is answered `ignored` (one without an id `rejected`), not `admitted`",
    },
    Difference {
        rule: "[1] counts hold under races",
        applies: |scenario| is_race(scenario) && passes_limit(scenario),
        excuses: |_, _, _| true,
        reason: "counting and deciding are apart there, so logins at one moment can pass the limit together; here \
            one writer decides them one after the other",
    },
    Difference {
        rule: "[6] resumed",
        applies: |scenario| scenario.system == "spring_security" && comes_back_above_limit(scenario),
        excuses: |_, _, _| true,
        reason: "a registered session is not spared there once the user is above a lowered limit; here coming back \
            never consults a quota",
    },
];

fn step<'a>(scenario: &'a Scenario, mismatch: &Mismatch) -> Option<&'a Step> {
    scenario.steps.get(mismatch.step)
}

fn is_bug(scenario: &Scenario) -> bool {
    scenario.status == "bug"
}

fn is_forgerock(scenario: &Scenario) -> bool {
    scenario.settings().text("flavor").is_some_and(|flavor| flavor.starts_with("forgerock"))
}

fn evicts_one(scenario: &Scenario) -> bool {
    let settings = scenario.settings();
    let policy = settings.text("policy").and_then(|word| translate::policy(&scenario.system, word));
    policy.is_some_and(|policy| !["deny_access", "destroy_all_others"].contains(&policy))
}

fn is_race(scenario: &Scenario) -> bool {
    scenario
        .tags
        .iter()
        .any(|tag| ["race", "concurren", "overshoot", "burst"].iter().any(|word| tag.contains(word)))
}

/// A login that is let in raises its user's count above the limit, going by what the product says.
fn passes_limit(scenario: &Scenario) -> bool {
    let after = scenario.settings_after();
    scenario.steps.iter().zip(&after).any(|(step, settings)| {
        let limit =
            settings.number("limit").filter(|limit| *limit > 0).and_then(|limit| u64::try_from(limit).ok());
        let admitted = step.op == "login" && step.expect.outcome.as_deref() == Some("admitted");
        admitted && limit.zip(step.expect.active_count_after).is_some_and(|(limit, count)| count > limit)
    })
}

/// A login meets a session of its user that is over and still counts.
fn counts_expired(scenario: &Scenario) -> bool {
    let steps = || scenario.steps.iter().enumerate();
    let over_at =
        |step: &Step| step.ttl_ms.into_iter().chain(step.idle_ms).min().map(|life| step.t_ms + life);
    let finds = |(index, later): (usize, &Step)| {
        let live = scenario.live_before(index);
        let last = |who: &(&str, &str)| {
            let same =
                |step: &&Step| (step.user.as_deref(), step.session.as_deref()) == (Some(who.0), Some(who.1));
            scenario.steps.iter().take(index).filter(same).rfind(|step| step.op == "login")
        };
        let touched = |who: &(&str, &str)| {
            steps().any(|(_, step)| step.op == "touch" && step.session.as_deref() == Some(who.1))
        };
        let later_steps = || scenario.steps.iter().skip(index);
        let reaped = |id: &str| {
            let lists = |step: &Step| {
                step.expect.evicted.iter().chain(&step.expect.expired).flatten().any(|one| one == id)
            };
            later_steps().any(lists)
        };
        let over = |who: &(&str, &str)| {
            Some(who.0) == later.user.as_deref()
                && reaped(who.1)
                && !touched(who)
                && last(who).and_then(over_at).is_some_and(|over| over <= later.t_ms)
        };
        later.op == "login" && live.iter().any(over)
    };
    scenario.system == "openam" && steps().any(finds)
}

fn lowers_limit(scenario: &Scenario) -> bool {
    let limits: Vec<i64> =
        scenario.settings_after().iter().filter_map(|settings| settings.number("limit")).collect();
    let first = scenario.settings().number("limit");
    let all: Vec<i64> = first.into_iter().chain(limits).collect();
    all.windows(2).any(|pair| matches!(pair, [before, after] if after < before))
}

fn logs_in_at_zero(scenario: &Scenario) -> bool {
    let after = scenario.settings_after();
    let steps = scenario.steps.iter().zip(&after);
    let mut logins = steps.filter(|(step, _)| step.op == "login" && !is_untracked(scenario, step));
    logins.any(|(_, settings)| settings.number("limit") == Some(0))
}

/// The step ends more than one session, by an operation of this name.
fn several(step: &Step, op: &str) -> bool {
    step.op == op && step.expect.evicted.as_ref().is_some_and(|evicted| evicted.len() > 1)
}

fn by_first_login(scenario: &Scenario, step: &Step) -> bool {
    let logs_in = |id: &String| {
        let same = |other: &Step| {
            other.op == "login" && other.user == step.user && other.session.as_ref() == Some(id)
        };
        scenario.steps.iter().position(same)
    };
    step.expect.evicted.iter().flatten().map(logs_in).is_sorted()
}

fn is_order_of(scenario: &Scenario, mismatch: &Mismatch, op: &str) -> bool {
    matches!(mismatch.kind, Kind::Order { .. }) && step(scenario, mismatch).is_some_and(|step| step.op == op)
}

fn is_outage(settings: &Map<String, Value>) -> bool {
    let away = |key: &str| ["_down", "unreadable", "unavailable"].into_iter().any(|word| key.contains(word));
    settings.iter().any(|(key, value)| away(key) && *value != json!(false) && !value.is_string())
}

fn names_unknown_action(scenario: &Scenario) -> bool {
    let set = scenario.steps.iter().filter(|step| step.expect.outcome.as_deref() != Some("rejected"));
    let set = set.filter_map(|step| step.set.get("policy").and_then(Value::as_str));
    let settings = scenario.settings();
    let mut words = settings.text("policy").into_iter().chain(set);
    words.any(|word| translate::policy(&scenario.system, word).is_none())
}

fn is_untracked(scenario: &Scenario, step: &Step) -> bool {
    let client = step.client.as_deref().unwrap_or_default();
    let nobody = step.user.as_deref() == Some("") || step.session.as_deref() == Some("");
    step.op == "login" && (nobody || translate::is_untracked(&scenario.system, client))
}

/// A live session logs in again while its user has more than the limit.
fn comes_back_above_limit(scenario: &Scenario) -> bool {
    let after = scenario.settings_after();
    scenario.steps.iter().zip(&after).enumerate().any(|(index, (step, settings))| {
        let live = scenario.live_before(index);
        let who = (step.user.as_deref().unwrap_or_default(), step.session.as_deref().unwrap_or_default());
        let count = live.iter().filter(|(user, _)| *user == who.0).count();
        let limit = settings.number("limit").and_then(|limit| usize::try_from(limit).ok());
        step.op == "login" && live.contains(&who) && limit.is_some_and(|limit| limit > 0 && count > limit)
    })
}
