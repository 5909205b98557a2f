use super::*;
use crate::zone::Zone;
use sledger::core::command::{Change, Changing, Target};
use sledger::core::config::{Quota, Settings};
use sledger::core::{Limit, Millis, Span};
use sledger::{Actor, Command, Config, Ledger, Login, Request};
use sledger_log::Snapshots;
use sledger_replay::at::At;
use sledger_replay::at::of_ledger as at_of_ledger;
use sledger_testkit::recordings::Rng;
use sledger_testkit::sim_clock::SimClock;
use sledger_tui::past::Past as Walk;
use sledger_tui::source::{Ask, Move, Source, Told as Answer};
use sledger_wire::answer::SessionObject;
use sledger_wire::pages::UserDetail;
use sledger_wire::queries::UsersQuery;
use sledger_wire::values::Moment;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
const BEGUN: u64 = 1_800_000_000_000;
const SEED: u64 = 11;

fn global() -> Global {
    let zone: Zone = "UTC".parse().unwrap();
    Global { config: None, data: None, connect: None, recording: None, output: Format::Text, tz: zone }
}

fn walked(whence: &Whence) -> Walked {
    // Every snapshot is worth loading.
    Walked { near: 0, ..Walked::new(whence, &global()) }
}

fn settings() -> Settings {
    let quota = Quota { max_sessions: Limit::at_most(3).unwrap(), ..Quota::default_quota() };
    let mut settings = Settings { quotas: vec![Arc::new(quota)], ..Settings::default() };
    settings.sessions.ttl = Span::seconds(600);
    settings.sessions.idle = Span::seconds(60);
    settings.sessions.activity_resolution = Span::seconds(20);
    settings
}

/// A ledger that was opened and closed again and again, with snapshots on the way.
fn lived(dir: &Path) {
    println!("seed {SEED}");
    let (clock, mut rng, mut number) = (Arc::new(SimClock::at(Millis(BEGUN))), Rng::new(SEED), 0_usize);
    for _ in 0..6 {
        let clock = Arc::clone(&clock);
        let config = Config {
            reserve_bytes: 0,
            snapshot_events: 40,
            seed: 7,
            settings: settings(),
            ..Config::new(dir)
        };
        let ledger = Ledger::open(Config { clock: Arc::clone(&clock) as Arc<_>, ..config }).unwrap();
        for _ in 0..60 {
            clock.pass([0, 1, 900, 4_000, 9_000][rng.below(5)]);
            let (session, command) = (format!("s{}", number.saturating_sub(rng.below(6))), rng.below(10));
            let target = Target { session: Some(session), ..Target::default() };
            let command = match command {
                0..=4 => {
                    number += 1;
                    let (user, session) = (Some(format!("u{}", rng.below(5))), Some(format!("s{number}")));
                    Command::Login(Box::new(Login { user, session, ..Login::default() }))
                }
                5..=7 => Command::Touch(target),
                8 => Command::Logout(target),
                _ => {
                    let lasts = Some(Span::seconds(1 + rng.below(30) as u64));
                    let what = Changing::Switch { quota: "per-user".into(), enabled: false, lasts };
                    Command::Change(Box::new(Change { what, expect: None, reason: None }))
                }
            };
            ledger.submit(Request::new(Actor::Local, command)).unwrap().wait_for(PATIENCE).unwrap();
        }
        ledger.close();
        drop(ledger);
        clock.pass(rng.below(90_000) as u64);
    }
}

fn expected(dir: &Path, when: When) -> At {
    at_of_ledger(&Reader::open(dir).unwrap(), dir, when, BEGIN).unwrap().at
}

fn ask<H: History>(past: &mut Walk<H>, ask: Ask) -> Answer {
    past.answer(ask, &mut |_| ()).unwrap()
}

/// What the monitor tells of a moment is what `replay at` tells without snapshots.
fn is_same(past: &mut Walk<Walked>, to: &Move, then: &At) {
    let Answer::At(position) = ask(past, Ask::Move(to.clone())) else { panic!("{to:?}") };
    assert_eq!(
        (position.seq, position.at, position.is_down),
        (then.seq(), then.at(), then.is_down()),
        "{to:?}"
    );
    let Answer::Top(top) = ask(past, Ask::Top) else { panic!("{to:?}") };
    assert_eq!(
        (top.sessions, top.users),
        (then.session_count() as u64, then.users().count() as u64),
        "{to:?}"
    );
    let query = UsersQuery { sort: Some("user".to_owned()), ..UsersQuery::default() };
    let Answer::Users(page) = ask(past, Ask::Users(query)) else { panic!("{to:?}") };
    for (one, row) in then.users().zip(&page.users) {
        let user = one.user().unwrap().to_owned();
        assert_eq!((&row.user, &row.limit), (&user, &one.limit.map(Into::into)), "{to:?}");
        let detail = UserDetail {
            user: user.clone(),
            active: row.active,
            limit: row.limit.clone(),
            sessions: one.sessions.iter().map(|session| SessionObject::from(&session.view())).collect(),
        };
        assert_eq!(ask(past, Ask::User(user)), Answer::User(Box::new(detail)), "{to:?}");
    }
}

#[test]
fn a_ledger_at_rest_is_walked_from_its_snapshots_and_told_as_replay_at_tells_it() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("ledger");
    lived(&dir);
    let end = expected(&dir, When::After(Seq(u64::MAX)));
    let (last, until) = (end.end().unwrap(), end.at());
    let snapshots = Snapshots::new(&dir, Reader::open(&dir).unwrap().meta(), None).list().unwrap();
    assert!(snapshots.len() > 1, "{snapshots:?}");
    let whence = Whence::Data(dir.clone());
    for seq in &snapshots {
        let state = walked(&whence).nearest(When::After(*seq), Seq(0)).unwrap().unwrap();
        let folded = expected(&dir, When::After(*seq));
        assert_eq!((state.seq(), state.digest()), (*seq, folded.state().digest()));
    }
    let mut past = Walk::new(walked(&whence), 80);
    is_same(&mut past, &Move::To(Moment::Now), &end);
    let mut rng = Rng::new(SEED);
    for _ in 0..60 {
        let seq = Seq(1 + rng.below(usize::try_from(last.0).unwrap()) as u64);
        is_same(&mut past, &Move::To(Moment::Seq(seq)), &expected(&dir, When::After(seq)));
        let at = Millis(BEGUN + rng.below(usize::try_from(until.0 - BEGUN).unwrap()) as u64);
        is_same(&mut past, &Move::To(Moment::At(at)), &expected(&dir, When::At(at)));
    }
}

/// Folds everything, as what is not at rest.
struct Folded(Walked);

impl History for Folded {
    fn begin(&mut self) -> Result<State, String> {
        self.0.begin()
    }

    fn read(&mut self, from: Seq) -> Result<Decisions, String> {
        self.0.read(from)
    }

    fn why(&mut self, about: &str) -> Result<Why, String> {
        self.0.why(about)
    }
}

#[test]
fn a_timeline_read_sparsely_is_that_of_a_fold() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("ledger");
    lived(&dir);
    let whence = Whence::Data(dir);
    for user in ["u0", "u3", "nobody"] {
        let timeline = || Ask::Timeline(user.to_owned());
        let sparse = ask(&mut Walk::new(walked(&whence), 80), timeline());
        assert_eq!(sparse, ask(&mut Walk::new(Folded(walked(&whence)), 80), timeline()));
        let Answer::Timeline { events, .. } = sparse else { panic!("{user}") };
        assert_eq!(events.len() > 10, user != "nobody");
    }
}

#[test]
fn reading_begins_with_the_decision_that_holds_the_event() {
    let place = tempfile::tempdir().unwrap();
    let (dir, file) = (place.path().join("ledger"), place.path().join("day.jsonl"));
    lived(&dir);
    let line = |n: u64| {
        format!("{{\"at\":{},\"op\":\"login\",\"user\":\"u{}\",\"session\":\"s{n}\"}}\n", BEGUN + n, n % 3)
    };
    std::fs::write(&file, (0..40).map(line).collect::<String>()).unwrap();
    for whence in [Whence::Data(dir), Whence::Recording(file)] {
        let all: Vec<_> = walked(&whence).read(Seq(1)).unwrap().map(Result::unwrap).collect();
        let last = all.last().unwrap();
        for from in 1..last.0.plus(last.1.events.len() as u64).0 {
            let (first, decision) = walked(&whence).read(Seq(from)).unwrap().next().unwrap().unwrap();
            assert!(
                first.0 <= from && from < first.plus(decision.events.len() as u64).0,
                "{from} in {whence:?}"
            );
            assert!(all.contains(&(first, decision)));
        }
        assert!(walked(&whence).read(Seq(1_000_000)).unwrap().next().is_none());
    }
}
