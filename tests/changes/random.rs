//! Random changes between random logins: quotas hold at every prefix, a restart folds the same state, and the views
//! are those of that state.
//!
//! `SLEDGER_PROPERTY_RUNS` sets how many runs, `SLEDGER_PROPERTY_SEED` the first seed.

use sledger::projector::{Projection, UserQuery};
use sledger_core::answer::Outcome;
use sledger_core::command::{Actor, Command, Login, Request};
use sledger_core::config::{Bounds, Settings};
use sledger_core::decider::Decider;
use sledger_core::{Millis, codec, refold};
use sledger_policy::Engine;
use sledger_replay::quotas::QuotaFold;
use sledger_testkit::changes::change;
use sledger_testkit::recordings::Rng;

const STEPS: u32 = 120;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("`{name}` is no number")))
}

fn login(rng: &mut Rng, step: u32) -> Command {
    let login = Login {
        user: Some(rng.pick(&["u0", "u1", "u2", "ann"]).to_owned()),
        session: Some(format!("s{step}")),
        ip: Some(rng.pick(&["10.0.0.1", "10.0.0.2"]).to_owned()),
        client: rng.chance(50).then(|| "web".to_owned()),
        groups: if rng.chance(30) { vec!["g0".to_owned()] } else { Vec::new() },
        ..Login::default()
    };
    Command::Login(Box::new(login))
}

/// Every user with count, limit and quota, as the views show them.
fn users(views: &Projection) -> Vec<String> {
    let query = UserQuery {
        sort: "user".parse().unwrap(),
        near: None,
        glob: None,
        quota: None,
        cursor: None,
        page_size: 0,
    };
    let page = views.users(&query).unwrap();
    page.users.iter().map(|row| format!("{row:?}")).collect()
}

#[test]
fn quotas_fold_and_views_hold_whatever_changes() {
    let first = number("SLEDGER_PROPERTY_SEED", 20_000);
    let runs = number("SLEDGER_PROPERTY_RUNS", 150);
    println!("seeds {first} to {}", first + runs - 1);
    let (mut done, mut refused) = (0u32, 0u32);
    for seed in first..first + runs {
        let mut rng = Rng::new(seed);
        let mut decider =
            Decider::genesis(Settings::default(), &[], Engine::new(), (Bounds::default(), seed)).unwrap();
        let mut folded = decider.state().clone();
        let mut fold = QuotaFold::new(folded.ready());
        let mut views = Projection::new(std::sync::Arc::clone(folded.ready()));
        let mut at = Millis(1_000);
        for step in 0..STEPS {
            at = Millis(at.0 + rng.below(700) as u64);
            let command = if rng.chance(25) { change(&mut rng, at) } else { login(&mut rng, step) };
            let is_change = matches!(command, Command::Change(_));
            let mut out = Vec::new();
            let answer = decider.decide(&Request::new(Actor::Local, command), at, &mut out);
            if is_change {
                *if answer.outcome == Outcome::Configured { &mut done } else { &mut refused } += 1;
            }
            for recorded in &out {
                let decision = codec::decode(&codec::encode(&*recorded.decision)).unwrap();
                refold(&mut folded, recorded.first, &decision);
                if let Err(broken) = fold.fold(recorded.first, &decision, &folded) {
                    panic!("[1] seed {seed}, step {step}: {broken}");
                }
                views.apply(recorded);
            }
        }
        assert_eq!(folded.digest(), decider.state().digest(), "seed {seed}: a restart finds another state");
        let (shown, known) = (views.ready(), folded.ready());
        assert_eq!(shown.settings, known.settings, "seed {seed}");
        let afresh = Projection::of_state(&folded);
        assert_eq!(users(&views).len(), users(&afresh).len(), "seed {seed}");
        for (index, quota) in known.quotas.iter().enumerate() {
            let index = u16::try_from(index).unwrap();
            for key in ["u0", "u1", "u2", "ann", "10.0.0.1", "web", "g0", "all"] {
                assert_eq!(
                    views.key_count(index, key),
                    folded.key_count(index, key),
                    "seed {seed}: {} {key}",
                    quota.name
                );
            }
        }
    }
    assert!(done > 10 * refused.min(10) && refused > 0, "{done} done, {refused} refused");
}

/// Limits that are looked at anew after a change are those of a view that is made afresh.
#[test]
fn limits_shown_after_a_change_are_those_in_force() {
    let first = number("SLEDGER_PROPERTY_SEED", 30_000);
    let runs = number("SLEDGER_PROPERTY_RUNS", 150);
    println!("seeds {first} to {}", first + runs - 1);
    for seed in first..first + runs {
        let mut rng = Rng::new(seed);
        let mut decider =
            Decider::genesis(Settings::default(), &[], Engine::new(), (Bounds::default(), seed)).unwrap();
        let mut views = Projection::new(std::sync::Arc::clone(decider.state().ready()));
        let mut out = Vec::new();
        let at = Millis(1_000);
        for step in 0..20 {
            decider.decide(&Request::new(Actor::Local, login(&mut rng, step)), at, &mut out);
        }
        for _ in 0..12 {
            decider.decide(&Request::new(Actor::Local, change(&mut rng, at)), at, &mut out);
        }
        for recorded in &out {
            views.apply(recorded);
        }
        assert_eq!(users(&views), users(&Projection::of_state(decider.state())), "seed {seed}");
    }
}
