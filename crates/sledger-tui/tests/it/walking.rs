//! The past: the same, whichever way one came there.

use crate::given::*;
use proptest::prelude::*;
use sledger_core::decider::Recorded;
use sledger_core::{Millis, Seq, State, refold};
use sledger_projector::Projection;
use sledger_replay::export::begun;
use sledger_replay::simulate::Simulation;
use sledger_replay::why::{Asker, Finder};
use sledger_tui::app::{App, Effect, Msg, Popup, View};
use sledger_tui::past::{Decisions, History, Past};
use sledger_tui::source::{Ask, Move, Position, Side, Source, Told};
use sledger_wire::answer::SessionObject;
use sledger_wire::config::{Config, Written};
use sledger_wire::events::Begin;
use sledger_wire::pages::Top;
use sledger_wire::queries::{SessionsQuery, UsersQuery};
use sledger_wire::values::{Moment, moment};
use sledger_wire::why::{About, Why};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

const CONFIG: &str = "[sessions]\nidle = \"20s\"\n[[quota]]\nname = \"per-user\"\nmax_sessions = 2\n\
    on_exhausted = \"destroy_oldest\"\n[[quota]]\nname = \"all\"\ncount_by = \"all\"\nmax_sessions = 7\n\
    on_exhausted = \"deny_access\"\n";

/// What was recorded, in memory.
#[derive(Clone)]
struct Recording {
    begin: Begin,
    recorded: Vec<Recorded>,
}

impl History for Recording {
    fn begin(&mut self) -> Result<State, String> {
        begun(&self.begin).map_err(|error| error.to_string())
    }

    fn read(&mut self, from: Seq) -> Result<Decisions, String> {
        let is_behind = |one: &&Recorded| one.first.plus(one.decision.events.len() as u64) > from;
        let decisions =
            self.recorded.iter().filter(is_behind).map(|one| Ok((one.first, one.decision.clone())));
        Ok(Box::new(decisions.collect::<Vec<_>>().into_iter()))
    }

    fn why(&mut self, about: &str) -> Result<Why, String> {
        let mut finder = Finder::new(About::parse(about).unwrap());
        self.recorded.iter().for_each(|one| finder.decision(one.first, &one.decision));
        let found = finder.found().map_err(|nothing| nothing.to_string())?;
        let mut asker = Asker::new(&self.begin, found).unwrap();
        Ok(self.recorded.iter().find_map(|one| asker.decision(&one.decision).unwrap()).unwrap())
    }
}

/// Logins of some users, each a second or more after the one before, that evict, are refused and expire.
fn recording(count: u64) -> Recording {
    let nothing = BTreeMap::new();
    let file = Some((Path::new("sledger.toml"), CONFIG));
    let config = Config::read(&Written { file, environment: &nothing, flags: &nothing }).unwrap();
    let mut simulation = Simulation::new(config).unwrap();
    let begin = simulation.begin().clone();
    let mut recorded = Vec::new();
    for n in 0..count {
        let at = NOW + n * 1_700;
        let (user, op) = (n * 7 % 5, if n % 9 == 4 { "logout" } else { "login" });
        let mut line = format!(
            "{{\"at\":{at},\"op\":\"{op}\",\"session\":\"s{}\"",
            if op == "login" { n } else { n - 1 }
        );
        if op == "login" {
            write!(line, ",\"user\":\"u{user}\",\"ip\":\"10.0.0.{user}\"").unwrap();
        }
        simulation.play(n + 1, format!("{line}}}").as_bytes()).unwrap();
        recorded.extend(simulation.recorded().iter().cloned());
    }
    Recording { begin, recorded }
}

fn ask(past: &mut Past<Recording>, ask: Ask) -> Told {
    past.answer(ask, &mut |_| ()).unwrap()
}

fn go(past: &mut Past<Recording>, to: Move) -> Position {
    match ask(past, Ask::Move(to)) {
        Told::At(position) => *position,
        other => panic!("{other:?}"),
    }
}

/// What the monitor shows there: figures, users, a user.
fn seen(past: &mut Past<Recording>) -> (Told, Told, Told) {
    let users = UsersQuery { sort: Some("user".to_owned()), page_size: Some(1_000), ..UsersQuery::default() };
    (ask(past, Ask::Top), ask(past, Ask::Users(users)), ask(past, Ask::User("u3".to_owned())))
}

/// The state after the decisions until `seq`, folded from the beginning, and its time.
fn folded(recording: &Recording, seq: Seq) -> (State, Millis) {
    let mut state = begun(&recording.begin).unwrap();
    for one in recording.recorded.iter().take_while(|one| one.first <= seq) {
        refold(&mut state, one.first, &one.decision);
    }
    let at = state.at();
    (state, at)
}

#[test]
fn the_state_at_a_moment_is_that_of_a_fold_until_then() {
    let recording = recording(300);
    let last = recording.recorded.last().unwrap().first;
    let mut past = Past::new(recording.clone(), 80);
    for seq in [1, 2, 150, 7, 299, last.0, 3] {
        let position = go(&mut past, Move::To(Moment::Seq(Seq(seq))));
        let (state, at) = folded(&recording, Seq(seq));
        assert_eq!((position.seq, position.at), (state.seq(), at));
        let views = Projection::of_state(&state);
        let Told::Top(top) = ask(&mut past, Ask::Top) else { panic!() };
        let totals = views.totals(80);
        let expected = (totals.seq.0, totals.sessions as u64, totals.users as u64, totals.at_limit as u64);
        assert_eq!((top.seq, top.sessions, top.users, top.at_limit), expected, "seq {seq}");
        let Told::User(user) = ask(&mut past, Ask::User("u3".to_owned())) else { panic!() };
        let theirs = views.user("u3").map_or_else(Vec::new, |user| user.sessions);
        let ids: Vec<_> = theirs.iter().map(|session| session.facts.session().to_owned()).collect();
        assert_eq!(user.sessions.iter().map(|session| session.session.clone()).collect::<Vec<_>>(), ids);
    }
}

#[test]
fn a_step_is_a_decision_and_back_is_where_one_was() {
    let mut past = Past::new(recording(120), 80);
    go(&mut past, Move::To(Moment::Seq(Seq(60))));
    let before = (go(&mut past, Move::On(1)), seen(&mut past));
    let after = go(&mut past, Move::On(1));
    assert!(after.seq > before.0.seq);
    let back = go(&mut past, Move::Back(1));
    assert_eq!((back.seq, back.at), (before.0.seq, before.0.at));
    assert_eq!(seen(&mut past), before.1);
    let first = go(&mut past, Move::Back(100));
    assert!(first.seq < Seq(20), "{}", first.seq);
}

#[test]
fn evictions_and_refusals_are_found_both_ways() {
    let recording = recording(200);
    let mut past = Past::new(recording.clone(), 80);
    go(&mut past, Move::To(Moment::Seq(Seq(1))));
    let mut on = Vec::new();
    for _ in 0..12 {
        let position = go(&mut past, Move::NextEnd);
        let kinds: Vec<&str> = position.events.iter().take(3).map(|event| event.kind.as_str()).collect();
        assert!(kinds.contains(&"session.evicted") || kinds.contains(&"login.denied"), "{kinds:?}");
        on.push(position.seq);
    }
    let mut back = vec![*on.last().unwrap()];
    (0..11).for_each(|_| back.push(go(&mut past, Move::PreviousEnd).seq));
    back.reverse();
    assert_eq!(on, back);
    let first = go(&mut past, Move::PreviousEnd);
    assert_eq!(first.seq, on[0], "before the first there is none");
}

#[test]
fn time_goes_on_while_nothing_happens() {
    let mut past = Past::new(recording(50), 80);
    let begun = go(&mut past, Move::To(Moment::At(Millis(NOW + 10_000))));
    assert_eq!(begun.at, Millis(NOW + 10_000));
    let later = go(&mut past, Move::Millis(100));
    assert_eq!((later.at, later.seq), (Millis(NOW + 10_100), begun.seq));
    let much_later = go(&mut past, Move::Millis(10_000));
    assert!(much_later.seq > begun.seq);
}

#[test]
fn rates_of_a_moment_are_those_of_the_minute_before_it() {
    let recording = recording(200);
    let mut past = Past::new(recording.clone(), 80);
    go(&mut past, Move::To(Moment::Seq(Seq(250))));
    go(&mut past, Move::To(Moment::Seq(Seq(120))));
    let Told::Top(top) = ask(&mut past, Ask::Top) else { panic!() };
    let mut views = Projection::of_state(&begun(&recording.begin).unwrap());
    let mut state = begun(&recording.begin).unwrap();
    for one in recording.recorded.iter().take_while(|one| one.first <= Seq(120)) {
        let effects = refold(&mut state, one.first, &one.decision);
        views.apply(&Recorded { effects, ..one.clone() });
    }
    let expected = views.rates(views.at()).unwrap();
    let thousandths = |rate: Option<f64>| sledger_tui::figure::milli(rate);
    let Top { rates, .. } = *top;
    assert!(thousandths(rates.admitted).unwrap().abs_diff(expected.admitted.per_second_milli()) <= 1);
    assert!(thousandths(rates.evicted).unwrap().abs_diff(expected.evicted.per_second_milli()) <= 1);
}

#[test]
fn everything_that_happened_to_a_user_is_told() {
    let recording = recording(150);
    let mut past = Past::new(recording, 80);
    let Told::Timeline { events, .. } = ask(&mut past, Ask::Timeline("u3".to_owned())) else { panic!() };
    assert!(events.len() > 10 && events.iter().all(|event| event.user.as_deref() == Some("u3")));
    assert!(events.iter().any(|event| event.kind == "session.evicted"));
}

#[test]
fn a_past_that_cannot_be_read_is_said() {
    struct Damaged;
    impl History for Damaged {
        fn begin(&mut self) -> Result<State, String> {
            begun(&Begin::default()).map_err(|error| error.to_string())
        }
        fn read(&mut self, _: Seq) -> Result<Decisions, String> {
            Ok(Box::new(std::iter::once(Err("chain broken in volume 1 at seq 9".to_owned()))))
        }

        fn why(&mut self, about: &str) -> Result<Why, String> {
            Err(format!("chain broken in volume 1 before {about}"))
        }
    }
    let failed = Past::new(Damaged, 80).answer(Ask::Move(Move::To(Moment::Now)), &mut |_| ()).unwrap_err();
    assert_eq!(failed.why, "chain broken in volume 1 at seq 9");
}

/// A monitor of a ledger at rest, with its past.
struct Walker {
    app: App,
    past: Past<Recording>,
}

impl Walker {
    fn new(count: u64) -> Self {
        let mut setup = setup();
        (setup.has_live, setup.has_past) = (false, true);
        "case".clone_into(&mut setup.target);
        let mut walker = Self { app: App::new(setup), past: Past::new(recording(count), 80) };
        let effects = walker.app.update(Msg::Tick(Millis(NOW)));
        walker.answer(effects);
        walker
    }

    fn answer(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Ask(Side::Past, ask) = effect {
                let msg = match self.past.answer(ask, &mut |_| ()) {
                    Ok(told) => Msg::Told(Side::Past, told),
                    Err(failed) => Msg::Failed(Side::Past, failed),
                };
                let more = self.app.update(msg);
                self.answer(more);
            }
        }
    }

    fn keys(&mut self, text: &str) {
        for key in text.split(' ') {
            let effects = keys(&mut self.app, key);
            self.answer(effects);
        }
    }
}

#[test]
fn a_ledger_at_rest_begins_at_its_end_and_is_walked_by_keys() {
    let mut walker = Walker::new(200);
    let end = walker.app.past.position.clone().unwrap();
    assert_eq!(end.seq, end.last);
    walker.keys("V");
    let seq = walker.app.past.position.clone().unwrap().seq;
    assert!(seq < end.seq);
    assert_eq!(walker.app.past.top.as_ref().unwrap().seq, seq.0, "figures follow");
    walker.keys("m V V d");
    assert_eq!(walker.app.popup, Some(Popup::Diff));
    walker.keys("esc ]");
    assert_eq!(walker.app.past.position.clone().unwrap().seq, seq, "back at the mark");
}

#[test]
fn keys_pressed_faster_than_the_past_is_read_are_not_lost() {
    let (mut fast, mut slow) = (Walker::new(200), Walker::new(200));
    let effects: Vec<Effect> = (0..4).flat_map(|_| keys(&mut fast.app, "V")).collect();
    assert_eq!(asks(&effects).len(), 1, "one after the other");
    fast.answer(effects);
    slow.keys("V V V V");
    assert_eq!(fast.app.past.position, slow.app.past.position);
}

#[test]
fn the_past_is_played() {
    let mut walker = Walker::new(200);
    let effects = keys(&mut walker.app, ":");
    walker.answer(effects);
    let effects = typed(&mut walker.app, "goto seq:20");
    walker.answer(effects);
    let before = walker.app.past.position.clone().unwrap();
    walker.keys("+ space");
    for tenth in 1..=30 {
        let effects = walker.app.update(Msg::Tick(Millis(NOW + tenth * 100)));
        walker.answer(effects);
    }
    let after = walker.app.past.position.clone().unwrap();
    let passed = after.at.since(before.at);
    assert!((11_000..=12_500).contains(&passed), "three seconds at four times: {passed}");
    walker.keys("space");
    let effects = walker.app.update(Msg::Tick(Millis(NOW + 9_000)));
    assert_eq!(asks(&effects), []);
}

#[test]
fn a_user_of_the_past_has_a_drawn_life() {
    let mut walker = Walker::new(200);
    walker.keys("tab j enter");
    assert!(matches!(walker.app.view(), View::User(_)));
    assert!(walker.app.session_rows().iter().any(|row| row.state() == "evicted"));
    for (columns, rows) in [(60, 15), (80, 24), (140, 45)] {
        let text = dump(&drawn(&walker.app, columns, rows));
        assert!(text.contains("evicted") && text.contains(" AT 2026-11-20"), "{text}");
    }
}

#[test]
fn replay_looks_as_it_should() {
    let mut walker = Walker::new(200);
    walker.keys("V m V V");
    crate::screens::holds("replay", &walker.app, &[(60, 15), (80, 24), (140, 45)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_way_does_not_matter(moves in prop::collection::vec((0_u8..7, 0_u64..320), 1..12), to in 1_u64..320) {
        let mut walked = Past::new(recording(200), 80);
        for (kind, value) in moves {
            let to = match kind {
                0 => Move::To(Moment::Seq(Seq(value))),
                1 => Move::To(Moment::At(Millis(NOW + value * 1_000))),
                2 => Move::On(value % 20),
                3 => Move::Back(value % 5),
                4 => Move::NextEnd,
                5 => Move::PreviousEnd,
                _ => Move::Millis(value * 10),
            };
            go(&mut walked, to);
        }
        let mut straight = Past::new(recording(200), 80);
        let to = Move::To(Moment::Seq(Seq(to)));
        let (one, other) = (go(&mut walked, to.clone()), go(&mut straight, to));
        prop_assert_eq!((one.seq, one.at, one.span, &one.density), (other.seq, other.at, other.span, &other.density));
        prop_assert_eq!(&one.events.first(), &other.events.first());
        prop_assert_eq!(seen(&mut walked), seen(&mut straight));
    }
}

#[test]
fn a_moment_in_words_is_understood() {
    assert!(matches!(moment("seq:7", setup().offset), Ok(Moment::Seq(Seq(7)))));
}

#[test]
fn why_of_a_session_that_was_in_then_is_how_it_came_in() {
    let mut walker = Walker::new(200);
    let effects = keys(&mut walker.app, ":");
    walker.answer(effects);
    let effects = typed(&mut walker.app, "goto seq:60");
    walker.answer(effects);
    walker.keys("tab j enter j enter");
    let View::Session(unique) = walker.app.view().clone() else { panic!("{:?}", walker.app.view()) };
    let number: u64 = unique.rsplit('@').next().unwrap().parse().unwrap();
    let (about, why) = walker.app.why.clone().unwrap();
    let why = why.unwrap();
    assert_eq!(about, format!("seq:{number}"), "its end lies behind that moment");
    assert_eq!((why.outcome.as_str(), why.seq), ("admitted", number));
    // At the end of all it has ended: why that was is told instead.
    let effects = keys(&mut walker.app, ":");
    walker.answer(effects);
    let effects = typed(&mut walker.app, "goto now");
    walker.answer(effects);
    assert_eq!(*walker.app.view(), View::Session(unique.clone()), "the place is kept");
    let (about, why) = walker.app.why.clone().unwrap();
    assert_eq!(about, unique);
    assert!(why.unwrap().ended_at.is_some());
}

/// Who is in right after an event, by number.
fn numbers(recording: &Recording, seq: Seq) -> BTreeSet<u64> {
    let mut past = Past::new(recording.clone(), 80);
    go(&mut past, Move::To(Moment::Seq(seq)));
    match ask(&mut past, Ask::Sessions(SessionsQuery::default())) {
        Told::Sessions { sessions, is_whole: true } => {
            sessions.iter().map(|session| session.number).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mark_is_compared_by_who_came_and_who_went() {
    let mut walker = Walker::new(200);
    let mark = walker.app.past.position.clone().unwrap();
    walker.keys("m V V V V V V d");
    let here = walker.app.past.position.clone().unwrap();
    let told = walker.app.differences().cloned().unwrap();
    let (before, after) = (numbers(&recording(200), mark.seq), numbers(&recording(200), here.seq));
    let of =
        |sessions: &[SessionObject]| sessions.iter().map(|session| session.number).collect::<BTreeSet<_>>();
    assert_eq!(of(&told.came), after.difference(&before).copied().collect());
    assert_eq!(of(&told.gone), before.difference(&after).copied().collect());
    assert!(told.counts.0 > 0 && told.counts.1 > 0, "{told:?}");
    assert_eq!(walker.app.past.position.clone().unwrap(), here, "looking changes no place");
    crate::screens::holds("diff", &walker.app, &[(60, 15), (80, 24)]);
}
