//! Random pasts decided again: by the policies that decided them, and by others.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use sledger_core::Millis;
use sledger_core::command::Actor;
use sledger_core::decide::own_decision;
use sledger_core::decider::Recorded;
use sledger_core::event::{Decision, Event, Judgement, Op};
use sledger_policy::built_in;
use sledger_replay::backtest::{Backtest, Cascade, Report, Trial, Window};
use sledger_replay::capture::{Wanted, capture};
use sledger_replay::commands::LateTouches;
use sledger_replay::explain::{Explained, Explainer};
use sledger_replay::rejudge::{Candidate, Kind, Rejudge, Target, Unable};
use sledger_replay::simulate::Simulation;
use sledger_testkit::recordings::{Oracle, Recording};
use sledger_wire::config::{Config, Written};
use sledger_wire::events::Begin;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SEEDS: std::ops::Range<u64> = 1..120;
const LINES: usize = 80;

/// A simulation that keeps all that it records.
struct Kept {
    simulation: Simulation,
    recorded: Vec<Recorded>,
}

impl Oracle for Kept {
    fn line(&mut self, line_no: u64, text: &str) -> Result<Value, String> {
        let answer = self.simulation.line(line_no, text).map_err(|stop| stop.to_string())?;
        self.recorded.extend_from_slice(self.simulation.recorded());
        Ok(answer)
    }
}

fn simulation(config: &str) -> Simulation {
    let nothing = BTreeMap::new();
    let file = Some((Path::new("sledger.toml"), config));
    let config = Config::read(&Written { file, environment: &nothing, flags: &nothing }).unwrap();
    Simulation::new(config).unwrap()
}

/// A random past: how it began, and what was recorded.
fn past(seed: u64) -> Past {
    let recording = Recording::random(seed, LINES).unwrap();
    let simulation = simulation(&toml::to_string(&recording.config).unwrap());
    let mut kept = Kept { simulation, recorded: Vec::new() };
    recording.play(&mut kept);
    (kept.simulation.begin().clone(), kept.recorded)
}

/// A past of `lines` under `config`.
fn played(config: &str, lines: &[String]) -> Past {
    let mut kept = Kept { simulation: simulation(config), recorded: Vec::new() };
    for (line, number) in lines.iter().zip(1..) {
        kept.line(number, line).unwrap();
    }
    (kept.simulation.begin().clone(), kept.recorded)
}

fn trial(name: &str, source: &str, target: Target) -> Trial {
    let candidate = Candidate { name: name.into(), source: source.into(), params: BTreeMap::new() };
    Trial { candidate, target, against: None, window: Window::default(), examples: 5 }
}

fn backtest((begin, recorded): &Past, trial: Trial) -> Report {
    let mut test = Backtest::new(begin, trial).unwrap();
    for one in recorded {
        assert!(test.decision(&one.decision).unwrap());
    }
    test.finish().unwrap()
}

fn cascade((begin, recorded): &Past, trial: Trial) -> Report {
    let mut late = LateTouches::default();
    for one in recorded {
        late.see(&one.decision);
    }
    let mut test = Cascade::new(begin, late.sorted(), trial).unwrap();
    for one in recorded {
        assert!(test.decision(Arc::clone(&one.decision)).unwrap());
    }
    test.finish().unwrap().0
}

/// What an equal decision says; ids of request and command are not judged.
fn judged(decision: &Decision) -> Decision {
    Decision { request_id: None, command: None, cause: None, ..decision.clone() }
}

#[test]
fn a_login_decided_again_is_decided_as_it_was_recorded() {
    println!("seeds {SEEDS:?}");
    let (mut count, mut asked) = (0, 0);
    for seed in SEEDS {
        let (begin, recorded) = past(seed);
        let mut rejudge = Rejudge::as_recorded(&begin).unwrap();
        for one in &recorded {
            if matches!(one.decision.op, Op::Login(_)) {
                let again = rejudge.decide_again(&one.decision).unwrap();
                assert_eq!(judged(&again), judged(&one.decision), "seed {seed}, seq {}", one.first);
                count += 1;
                asked += one.decision.judged.len();
            }
            rejudge.fold(&one.decision).unwrap();
        }
    }
    assert!(
        count > 1000 && asked > 200,
        "{count} logins, {asked} times a policy was asked: too few to say much"
    );
}

const POLICIES: [&str; 5] =
    ["destroy_oldest", "destroy_next_expiring", "destroy_most_idle", "deny_access", "destroy_all_others"];

/// How it began, and what was recorded.
type Past = (Begin, Vec<Recorded>);
/// A quota, and its policy.
type Named = (&'static str, &'static str);

/// A random day under two quotas that stay as they are.
fn steady(seed: u64) -> (Past, [Named; 2]) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let quotas = ["per-user", "per-ip"].map(|name| (name, random.pick(&POLICIES)));
    let [(_, user), (_, ip)] = quotas;
    let config = format!(
        "[sessions]\nidle = \"10m\"\nttl = \"1h\"\nretention = \"5m\"\n[[quota]]\nname = \"per-user\"\n\
         max_sessions = 2\non_exhausted = \"{user}\"\n[[quota]]\nname = \"per-ip\"\ncount_by = \"ip\"\n\
         evict_others = true\nmax_sessions = 3\non_exhausted = \"{ip}\"\n"
    );
    let mut at = 0;
    let mut lines = Vec::new();
    for n in 0..LINES {
        at += random.below(120_000);
        let (user, ip, old) = (random.below(4), random.below(3), random.below(n as u64 + 1));
        lines.push(match random.below(10) {
            0 => format!(r#"{{"at":{at},"op":"logout","session":"s{old}"}}"#),
            1 => format!(r#"{{"at":{at},"op":"touch","session":"s{old}"}}"#),
            2 => format!(r#"{{"at":{at},"op":"disconnect","session":"s{old}"}}"#),
            _ => {
                format!(r#"{{"at":{at},"op":"login","user":"u{user}","session":"s{n}","ip":"10.0.0.{ip}"}}"#)
            }
        });
    }
    (played(&config, &lines), quotas)
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap();
        from.get(at).unwrap()
    }
}

#[test]
fn the_policy_in_force_changes_nothing_with_or_without_consequences() {
    println!("seeds {SEEDS:?}");
    let (mut tried, mut exhausted) = (0, 0);
    for seed in SEEDS {
        let (past, quotas) = steady(seed);
        for (quota, name) in quotas {
            for consequences in [false, true] {
                let trial = trial(name, built_in(name).unwrap(), Target::Quota(quota.to_owned()));
                let report = if consequences { cascade(&past, trial) } else { backtest(&past, trial) };
                let said = format!("seed {seed}, quota {quota}, cascade {consequences}: {report:?}");
                assert_eq!((report.changed, &report.unable), (0, &BTreeMap::new()), "{said}");
                assert_eq!(report.before, report.after, "{said}");
                exhausted += report.exhausted;
                tried += 1;
            }
        }
    }
    assert!(tried > 50 && exhausted > 100, "{tried} tried, {exhausted} exhausted: too few to say much");
}

#[test]
fn a_policy_that_denies_changes_each_decision_that_did_not() {
    println!("seeds {SEEDS:?}");
    let mut changed = 0;
    for seed in SEEDS {
        let (past, quotas) = steady(seed);
        for (quota, _) in quotas {
            let settings = past.0.settings.as_ref().unwrap();
            let index = settings.quotas.iter().position(|one| one.name == quota).unwrap();
            // Only what the policy answered: bans, failures and several keys of one login are other matters.
            let mut wanted: BTreeMap<Kind, u64> = BTreeMap::new();
            let mut is_plain = true;
            for one in &past.1 {
                let own: Vec<_> =
                    one.decision.judged.iter().filter(|judged| usize::from(judged.quota) == index).collect();
                is_plain &= own.len() <= 1 && own.iter().all(|judged| judged.failure.is_none());
                match own.first().map(|judged| &judged.answer) {
                    Some(Judgement::Evict { .. }) => *wanted.entry(Kind::Evict).or_default() += 1,
                    Some(Judgement::Allow) => *wanted.entry(Kind::Allow).or_default() += 1,
                    Some(Judgement::Deny { .. }) | None => {}
                }
            }
            if !is_plain {
                continue;
            }
            let deny = "fn on_exhausted() { deny(\"no\") }";
            let report = backtest(&past, trial("deny", deny, Target::Quota(quota.to_owned())));
            let found: BTreeMap<Kind, u64> =
                report.changes.iter().map(|(change, count)| (change.from, *count)).collect();
            assert_eq!(found, wanted, "seed {seed}, quota {quota}: {report:?}");
            assert!(report.changes.keys().all(|change| change.to == Kind::Deny), "seed {seed}: {report:?}");
            changed += report.changed;
        }
    }
    assert!(changed > 50, "{changed} changes: too few to say much");
}

const TWO: &str = "[sessions]\nidle = \"never\"\nttl = \"never\"\n[[quota]]\nname = \"per-user\"\nmax_sessions = 2\n\
                   on_exhausted = \"destroy_oldest\"\n";

fn login(second: u64, user: &str, session: &str) -> String {
    format!(r#"{{"at":{},"op":"login","user":"{user}","session":"{session}"}}"#, second * 1000)
}

/// Five logins of one user, the limit is two.
fn five() -> Past {
    let lines: Vec<String> =
        ["a", "b", "c", "d", "e"].iter().zip(1..).map(|(id, second)| login(second, "ann", id)).collect();
    played(TWO, &lines)
}

#[test]
fn consequences_follow_only_where_they_are_asked_for() {
    let deny = built_in("deny_access").unwrap();
    let trial = || trial("deny_access", deny, Target::ByName);
    let (single, chained) = (backtest(&five(), trial()), cascade(&five(), trial()));
    for report in [&single, &chained] {
        assert_eq!((report.decisions, report.exhausted, report.changed), (5, 3, 3), "{report:?}");
        assert_eq!((report.before.evicted, report.after.evicted), (3, 0));
        assert_eq!((report.before.denied, report.after.denied), (0, 3));
    }
    // The newest is ended instead: the first change leaves `a` in, whom the record ended, so it is who is left next.
    let newest = "fn on_exhausted() { evict(sessions.newest()) }";
    let victims = |report: &Report| -> Vec<String> {
        report.examples.iter().map(|one| one.is.victims.join(",")).collect()
    };
    let trial = || self::trial("newest", newest, Target::ByName);
    assert_eq!(victims(&backtest(&five(), trial())), ["b", "c", "d"]);
    assert_eq!(victims(&cascade(&five(), trial())), ["b", "c", "d"]);
    let all = "fn on_exhausted() { evict(sessions) }";
    let trial = || self::trial("all", all, Target::ByName);
    assert_eq!(victims(&backtest(&five(), trial())), ["a,b", "b,c", "c,d"]);
    let chained = cascade(&five(), trial());
    // With `a` and `b` gone, `d` finds room; `e` ends `c` and `d`.
    let was: Vec<String> = chained.examples.iter().map(|one| one.was.victims.join(",")).collect();
    assert_eq!(
        (was, victims(&chained)),
        (vec!["a".into(), "b".into(), "c".into()], vec!["a,b".to_owned(), String::new(), "c,d".to_owned()])
    );
}

#[test]
fn a_candidate_stands_in_after_settings_change_as_well() {
    let quota = r#"{"name":"per-user","max_sessions":1,"on_exhausted":"destroy_oldest"}"#;
    let configure = format!(r#"{{"at":4500,"op":"configure","config":{{"quota":[{quota}]}}}}"#);
    let mut lines: Vec<String> =
        ["a", "b", "c", "d"].iter().zip(1..).map(|(id, at)| login(at, "ann", id)).collect();
    lines.extend([configure, login(5, "ann", "e"), login(6, "ann", "f")]);
    let past = played(TWO, &lines);
    assert!(past.1.iter().any(|one| matches!(one.decision.op, Op::Configure)));
    let deny =
        || trial("deny_access", built_in("deny_access").unwrap(), Target::Quota("per-user".to_owned()));
    for report in [backtest(&past, deny()), cascade(&past, deny())] {
        assert_eq!((report.changed, report.after.evicted, report.after.denied), (4, 0, 4), "{report:?}");
    }
}

#[test]
fn a_limit_of_its_own_changes_logins_that_had_room() {
    let one = "fn limit() { 1 }\nfn on_exhausted() { deny(\"one is enough\") }";
    let report = backtest(&five(), trial("one", one, Target::ByName));
    // `b` had room under the limit of two.
    assert_eq!((report.exhausted, report.changed), (4, 4), "{report:?}");
    let b = report.examples.first().unwrap();
    assert_eq!((b.was.kind, b.was.exhausted, b.is.kind, b.is.line), (Kind::Allow, false, Kind::Deny, 2));
}

#[test]
fn failures_are_counted_by_code_and_decided_by_on_error() {
    let faulty = "fn on_exhausted() { evict(sessions.filter(|s| s.id == \"nobody\")) }";
    let report = backtest(&five(), trial("faulty", faulty, Target::ByName));
    assert_eq!(report.changed_to(Kind::Error), 3, "{report:?}");
    let (code, count) = report.failures.first_key_value().unwrap();
    assert_eq!((code.as_str(), *count), ("POLICY_NO_VICTIM", 3));
    assert_eq!(report.after.denied, 3, "`on_error` denies");
}

#[test]
fn a_window_leaves_out_what_lies_outside_and_reads_no_further_than_it_must() {
    let past = five();
    let mut trial = trial("deny_access", built_in("deny_access").unwrap(), Target::ByName);
    trial.window = Window { since: Some(Millis(4000)), until: Some(Millis(5000)), ..Window::default() };
    let mut test = Backtest::new(&past.0, trial).unwrap();
    let read = past.1.iter().take_while(|one| test.decision(&one.decision).unwrap()).count();
    assert_eq!(read, past.1.len() - 1);
    let report = test.finish().unwrap();
    assert_eq!((report.decisions, report.changed), (1, 1), "{report:?}");
}

#[test]
fn who_is_meant_is_asked_where_it_cannot_be_told() {
    let two = format!("{TWO}[[quota]]\nname = \"per-ip\"\ncount_by = \"ip\"\nmax_sessions = 9\n");
    let past = played(&two, &[login(1, "ann", "a")]);
    let deny = built_in("deny_access").unwrap();
    for (target, said) in [
        (Target::ByName, "give --quota; there were: per-user per-ip"),
        (Target::Quota("per-iq".to_owned()), "no quota `per-iq` when logins were decided"),
    ] {
        let mut test = Backtest::new(&past.0, trial("deny_access", deny, target)).unwrap();
        for one in &past.1 {
            test.decision(&one.decision).unwrap();
        }
        let error = test.finish().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let oldest = trial("destroy_oldest", built_in("destroy_oldest").unwrap(), Target::ByName);
    let report = backtest(&past, oldest);
    assert_eq!(report.quotas.iter().map(String::as_str).collect::<Vec<_>>(), ["per-user"], "by name");
}

#[test]
fn a_policy_whose_text_is_nowhere_is_told_apart() {
    let config = format!("{TWO}[[quota]]\nname = \"per-ip\"\ncount_by = \"ip\"\nmax_sessions = 9\n");
    let lines = ["a", "b", "c"].map(|id| login(1, "ann", id));
    let (begin, recorded) = played(&config, &lines);
    // By the record, a revision that no text here gives came in force for a quota.
    let lost = |at: usize| {
        let mut bindings = Rejudge::as_recorded(&begin).unwrap().state().bindings().to_vec();
        bindings.get_mut(at).unwrap().policy.revision = [1, 2, 3, 4];
        let (file, engine) = (None, "another".into());
        let event = Event::ConfigApplied { parts: Vec::new(), bindings, file, rules: 1, engine };
        own_decision(Actor::File, Millis(0), Op::Configure, vec![event])
    };
    let deny = built_in("deny_access").unwrap();
    for (quota, is_missed) in [(0, false), (1, true)] {
        let target = Target::Quota("per-user".to_owned());
        let mut test = Backtest::new(&begin, trial("deny_access", deny, target)).unwrap();
        test.decision(&lost(quota)).unwrap();
        for one in &recorded {
            test.decision(&one.decision).unwrap();
        }
        let report = test.finish().unwrap();
        let missed = report.unable.get(&Unable::Unbound).copied().unwrap_or(0);
        // Where the trial stands in, nobody asks for the other.
        assert_eq!((missed, report.changed), if is_missed { (1, 0) } else { (0, 1) }, "{report:?}");
    }
}

#[test]
fn any_login_is_explained_and_a_changed_record_is_found_out() {
    println!("seeds {SEEDS:?}");
    let mut rounds = 0;
    for seed in SEEDS.step_by(7) {
        let (begin, recorded) = past(seed);
        for one in recorded.iter().filter(|one| matches!(one.decision.op, Op::Login(_))) {
            let explained = explain(&begin, &recorded, one, None);
            assert!(explained.is_as_recorded(), "seed {seed}: {explained:?}");
            let asked = &explained.again.asked;
            assert_eq!(asked.is_empty(), one.decision.judged.iter().all(|judged| judged.policy.is_none()));
            rounds += asked
                .iter()
                .flat_map(|asked| &asked.rounds)
                .filter(|round| !round.trace.steps.is_empty())
                .count();
            let Some(judged) = one.decision.judged.first() else { continue };
            let mut changed = Decision::clone(&one.decision);
            let operations = judged.operations + 1;
            changed.judged.first_mut().unwrap().operations = operations;
            let explained = explain(&begin, &recorded, one, Some(Arc::new(changed)));
            assert!(!explained.is_as_recorded(), "seed {seed}: {explained:?}");
        }
    }
    assert!(rounds > 20, "{rounds} times a policy was asked: too few to say much");
}

/// Explains `one`, or what is said to be in its place.
fn explain(
    begin: &Begin,
    recorded: &[Recorded],
    one: &Recorded,
    instead: Option<Arc<Decision>>,
) -> Explained {
    let mut explainer = Explainer::new(begin, one.first, None).unwrap();
    for before in recorded.iter().take_while(|before| before.first < one.first) {
        assert!(explainer.decision(&before.decision).unwrap().is_none());
    }
    explainer.decision(&instead.unwrap_or_else(|| Arc::clone(&one.decision))).unwrap().unwrap()
}

#[test]
fn what_was_decided_is_captured_so_that_it_passes() {
    println!("seeds {SEEDS:?}");
    let (mut all, mut passed) = (0, 0);
    for seed in SEEDS.step_by(4) {
        let ((begin, recorded), _) = steady(seed);
        for one in recorded.iter().filter(|one| !one.decision.judged.is_empty()) {
            let explained = explain(&begin, &recorded, one, None);
            let captured = capture(&explained, Wanted::default()).unwrap();
            all += 1;
            passed += u32::from(captured.differences.is_empty());
            if !captured.differences.is_empty() {
                println!("seed {seed}, seq {}: {:?}\n{}", one.first, captured.differences, captured.case);
            }
        }
    }
    assert_eq!(all, passed);
    assert!(all > 300, "{all} decisions: too few to say much");
}

#[test]
fn denials_of_a_storm_are_counted_apart() {
    let config = TWO.replace("destroy_oldest", "deny_access");
    let mut lines: Vec<String> = (0..100).map(|n| login(n / 50, "ann", &format!("s{n}"))).collect();
    lines.push(r#"{"at":9000,"op":"advance"}"#.to_owned());
    let past = played(&config, &lines);
    let report = backtest(&past, trial("oldest", built_in("destroy_oldest").unwrap(), Target::ByName));
    assert!(report.aggregated > 50, "{report:?}");
    assert_eq!(report.decisions + report.aggregated, 100, "{report:?}");
    assert_eq!(report.changed, report.before.denied, "each denial that is recorded: {report:?}");
}
