//! Moments of random pasts: told as a look from the first event on tells them, however one came there.

#![expect(
    clippy::indexing_slicing,
    reason = "tests fail by panics, and say by name what they could not look at"
)]

use crate::given::NOW;
use proptest::prelude::*;
use sledger_core::command::{Actor, Change, Changing, Command, Login, Request, Target};
use sledger_core::config::{Bounds, Dimension, Param, Quota, Selector, Settings};
use sledger_core::decide::own_decision;
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::{Decision, Event, Op, PolicyRef, RULES_REVISION, Started};
use sledger_core::policy::{Bound, Choice, LimitQuestion, Policies, PolicyFault, Question, Reply, Verdict};
use sledger_core::state::Order;
use sledger_core::{Limit, Millis, Seq, Span, State, refold};
use sledger_projector::{Fullness, tell};
use sledger_replay::at::{At, Walk, When};
use sledger_replay::lines::event_line;
use sledger_testkit::recordings::Rng;
use sledger_tui::past::{Decisions, History, Past};
use sledger_tui::source::{Ask, Found, Move, Position, Source, Told};
use sledger_wire::answer::SessionObject;
use sledger_wire::events::EventLine;
use sledger_wire::pages::{Top, UserDetail, UserRow};
use sledger_wire::queries::UsersQuery;
use sledger_wire::values::Moment;
use sledger_wire::why::Why;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Decisions between two states that are kept.
const KEPT_EACH: usize = 23;

/// Evicts the oldest, or denies.
struct Engine;

impl Policies for Engine {
    fn engine(&self) -> &'static str {
        "test"
    }

    fn built_in(&self, _: &str) -> Option<&'static str> {
        Some("test")
    }

    fn check(&mut self, _: &str, _: &str) -> Result<(), PolicyFault> {
        Ok(())
    }

    fn bind(&mut self, name: &str, _: &str, _: &BTreeMap<String, Param>) -> Result<Bound, PolicyFault> {
        Ok(Bound { policy: PolicyRef { name: Arc::from(name), revision: [1; 4] }, has_limit: false })
    }

    fn ask(&mut self, policy: &PolicyRef, question: Question, _: u32) -> Reply<Verdict> {
        let choice = if &*policy.name == "deny_access" {
            Choice::Deny { offer: Vec::new() }
        } else {
            let oldest = question.sessions.pick(Order::Oldest, question.excess() as usize);
            let number = |slot: &u32| question.sessions.session(*slot).map(|session| session.number);
            Choice::Evict { victims: oldest.iter().filter_map(number).collect() }
        };
        let verdict = Verdict { choice, reason: None, told: None, notes: Vec::new(), line: 1, column: 1 };
        Reply { answer: Ok(verdict), operations: 1 }
    }

    fn limit(&mut self, _: &PolicyRef, _: LimitQuestion) -> Reply<Option<Limit>> {
        Reply { answer: Ok(None), operations: 1 }
    }
}

/// A past in memory.
#[derive(Clone, Debug)]
struct Memory {
    begin: State,
    decisions: Vec<(Seq, Arc<Decision>)>,
    lines: Vec<EventLine>,
    /// States now and then.
    kept: Vec<State>,
    is_at_rest: bool,
}

impl History for Memory {
    fn begin(&mut self) -> Result<State, String> {
        Ok(self.begin.clone())
    }

    fn read(&mut self, from: Seq) -> Result<Decisions, String> {
        let behind =
            self.decisions.partition_point(|(first, one)| first.plus(one.events.len() as u64) <= from);
        Ok(Box::new(self.decisions.clone().into_iter().skip(behind).map(Ok)))
    }

    fn why(&mut self, _: &str) -> Result<Why, String> {
        Err("nobody asks".to_owned())
    }

    fn rest(&mut self) -> Result<Option<Seq>, String> {
        Ok(self.is_at_rest.then(|| self.last()))
    }

    fn nearest(&mut self, when: When, after: Seq) -> Result<Option<State>, String> {
        let is_before = |state: &State| match when {
            When::At(at) => state.at() <= at,
            When::After(seq) => state.seq() <= seq,
        };
        let found = self.kept.iter().rev().find(|state| is_before(state) && state.seq() > after);
        Ok(found.filter(|_| self.is_at_rest).cloned())
    }
}

impl Memory {
    fn last(&self) -> Seq {
        self.lines.last().map_or(Seq(0), |line| Seq(line.seq))
    }

    fn span(&self) -> (Millis, Millis) {
        (self.decisions[0].1.at, self.decisions.last().unwrap().1.at)
    }

    /// The moment, from the first event on.
    fn at(&self, when: When) -> At {
        let mut walk = Walk::new(self.begin.clone(), when, false);
        self.decisions.iter().all(|(_, one)| walk.take(std::slice::from_ref(one)));
        walk.finish()
    }

    fn of(begin: State, recorded: &[Recorded]) -> Self {
        let (mut state, mut lines, mut kept) = (begin.clone(), Vec::new(), Vec::new());
        for (index, one) in recorded.iter().enumerate() {
            refold(&mut state, one.first, &one.decision);
            lines.extend(tell(&state, one).iter().map(event_line));
            if index % KEPT_EACH == KEPT_EACH - 1 || index == recorded.len() - 1 {
                kept.push(state.clone());
            }
        }
        let decisions = recorded.iter().map(|one| (one.first, Arc::clone(&one.decision))).collect();
        Self { begin, decisions, lines, kept, is_at_rest: false }
    }
}

fn settings() -> Settings {
    let quota = |name: &str, limit, policy: &str| Quota {
        name: name.into(),
        max_sessions: Limit::at_most(limit).unwrap(),
        on_exhausted: policy.into(),
        ..Quota::default_quota()
    };
    let all = Quota { count_by: vec![Dimension::All], ..quota("all", 9, "deny_access") };
    let by_ip = Quota {
        count_by: vec![Dimension::User, Dimension::Ip],
        evict_others: true,
        ..quota("device", 2, "destroy_oldest")
    };
    let quotas = vec![quota("per-user", 3, "destroy_oldest"), all, by_ip];
    let mut settings = Settings { quotas: quotas.into_iter().map(Arc::new).collect(), ..Settings::default() };
    settings.sessions.ttl = Span::seconds(90);
    settings.sessions.idle = Span::seconds(20);
    settings.sessions.activity_resolution = Span::seconds(15);
    settings
}

/// A random past: logins that evict and are refused, late touches, quotas and limits that change for a while, and a
/// ledger that is down now and then, closed or killed.
fn past(seed: u64, count: u64) -> Memory {
    let mut rng = Rng::new(seed);
    let mut decider = Decider::genesis(settings(), &[], Engine, (Bounds::default(), 0)).unwrap();
    let begin = decider.state().clone();
    let (mut recorded, mut at) = (Vec::new(), NOW);
    for n in 0..count {
        at += [0, 0, 1, 700, 2_500, 2_500, 6_000, 30_000][rng.below(8)];
        let session = Some(format!("s{}", n - (rng.below(9) as u64).min(n)));
        let target = Box::new(Target { session, ..Target::default() });
        let change = |what| Command::Change(Box::new(Change { what, expect: None, reason: None }));
        let lasts = Some(Span::millis(1 + rng.below(40_000) as u64));
        let command = match rng.below(20) {
            0..=7 => Command::Login(Box::new(Login {
                user: Some(format!("u{}", rng.below(6))),
                session: Some(format!("s{n}")),
                ip: Some(format!("10.0.0.{}", rng.below(2))),
                ..Login::default()
            })),
            8..=13 => Command::Touch(*target),
            14 | 15 => Command::Logout(*target),
            16 => Command::Advance,
            17 => change(Changing::Switch { quota: "per-user".into(), enabled: rng.chance(30), lasts }),
            18 => change(Changing::Override {
                quota: "per-user".into(),
                selector: Selector::User(format!("u{}", rng.below(6))),
                limit: Limit::at_most(1 + u32::try_from(rng.below(5)).unwrap()),
                until: Some(Millis(at + 1 + rng.below(40_000) as u64)),
            }),
            _ => {
                at = down(&mut decider, at, &mut rng, &mut recorded);
                continue;
            }
        };
        decider.decide(&Request::new(Actor::Local, command), Millis(at), &mut recorded);
    }
    Memory::of(begin, &recorded)
}

/// The ledger is down for a while; the time when it is up again.
fn down(decider: &mut Decider<Engine>, at: u64, rng: &mut Rng, recorded: &mut Vec<Recorded>) -> u64 {
    let is_clean = rng.chance(60);
    if is_clean {
        let stopped = own_decision(Actor::Local, Millis(at), Op::Ledger, vec![Event::LedgerStopped]);
        decider.record_own(vec![stopped], recorded);
    }
    let last = decider.state().at();
    let up = at + 1 + rng.below(60_000) as u64;
    let started = Event::LedgerStarted(Box::new(Started {
        version: "test".into(),
        epoch: 1,
        rules: RULES_REVISION,
        engine: "test".into(),
        last,
        gap: Span::millis(up - last.0),
        clean: is_clean,
        wall: Millis(up),
        clock_accepted: false,
    }));
    let started = own_decision(Actor::Local, Millis(up), Op::Ledger, vec![started]);
    decider.record_own(vec![started], recorded);
    up
}

static PASTS: LazyLock<Vec<Memory>> = LazyLock::new(|| (1..=6).map(|seed| past(seed, 420)).collect());

fn ask<H: History>(past: &mut Past<H>, ask: Ask) -> Told {
    past.answer(ask, &mut |_| ()).unwrap()
}

fn go<H: History>(past: &mut Past<H>, to: Move) -> Position {
    match ask(past, Ask::Move(to)) {
        Told::At(position) => *position,
        other => panic!("{other:?}"),
    }
}

fn is_same(past: &mut Past<Memory>, position: &Position, (memory, then): (&Memory, &At)) {
    assert_eq!((position.seq, position.at, position.is_down), (then.seq(), then.at(), then.is_down()));
    assert_eq!((position.last, position.span), (memory.last(), memory.span()));
    let before = memory.lines.iter().rev().filter(|line| line.seq <= then.seq().0).take(200);
    assert_eq!(
        position.events.iter().map(|line| line.seq).collect::<Vec<_>>(),
        before.map(|l| l.seq).collect::<Vec<_>>()
    );
    let Told::Top(top) = ask(past, Ask::Top) else { panic!() };
    figures_are(&top, then);
    let by_name =
        UsersQuery { sort: Some("user".to_owned()), page_size: Some(1_000), ..UsersQuery::default() };
    let Told::Users(page) = ask(past, Ask::Users(by_name)) else { panic!() };
    let rows = then.users().map(|one| UserRow {
        user: one.user().unwrap().to_owned(),
        active: u32::try_from(one.sessions.len()).unwrap(),
        limit: one.limit.map(Into::into),
        quota: one.quota.map(|name| name.to_string()),
    });
    assert_eq!((page.users, page.next), (rows.collect::<Vec<_>>(), None));
    for user in (0..6).map(|n| format!("u{n}")) {
        let one = then.user(&user);
        let expected = UserDetail {
            user: user.clone(),
            active: u32::try_from(one.sessions.len()).unwrap(),
            limit: one.limit.map(Into::into),
            sessions: one.sessions.iter().map(|session| SessionObject::from(&session.view())).collect(),
        };
        assert_eq!(ask(past, Ask::User(user)), Told::User(Box::new(expected)));
    }
}

fn figures_are(top: &Top, then: &At) {
    let fullest: Vec<Fullness> = then.users().filter_map(|one| one.fullest).collect();
    let count = |is_in: &dyn Fn(&Fullness) -> bool| fullest.iter().filter(|one| is_in(one)).count() as u64;
    let figures = (top.seq, top.sessions, top.users, top.at_limit, top.near_limit);
    let at_limit = count(&|one| one.is_at_limit());
    let near = count(&|one| one.is_at_limit() || one.is_near(60));
    let (sessions, users) = (then.session_count() as u64, then.users().count() as u64);
    assert_eq!(figures, (then.seq().0, sessions, users, at_limit, near));
    assert_eq!(top.top.len() as u64, users.min(20));
}

/// Every session that ever was is told as what it was then.
fn sessions_are_told(past: &mut Past<Memory>, (memory, then): (&Memory, &At)) {
    let mut all: Vec<&EventLine> = memory.lines.iter().filter(|line| line.kind == "login.admitted").collect();
    // A user's timeline is remembered until another one's is asked for.
    all.sort_by_key(|line| &line.user);
    for began in all {
        let number = began.number.unwrap();
        let unique = format!("{}@{number}", began.session.as_deref().unwrap());
        let Told::Session(found) = ask(past, Ask::Session(unique.clone())) else { panic!() };
        let live = then.state().session_numbered(Seq(number)).filter(|session| then.is_in(session));
        let over = memory.lines.iter().find(|line| line.number == Some(number) && line.ended_at.is_some());
        match (*found, live) {
            (Found::Live(session), Some(live)) => assert_eq!(session, SessionObject::from(&live.view())),
            (Found::Unknown(told), None) => assert!(number > then.seq().0 && told == unique, "{unique}"),
            (Found::Ended(ended), None) => {
                assert!(number <= then.seq().0);
                if let Some(over) = over {
                    let theirs = (over.ended_at.clone().unwrap(), over.cause.clone().unwrap(), over.decision);
                    assert_eq!((ended.ended_at, ended.cause, ended.decision), theirs, "{unique}");
                    assert_eq!(
                        (ended.by_session, ended.user),
                        (over.by_session.clone(), over.user.clone().unwrap())
                    );
                }
                assert_eq!((ended.number, Some(ended.started)), (number, Some(began.at.clone())));
            }
            (found, live) => panic!("{unique}: {found:?}, {live:?}"),
        }
    }
}

/// Times at which something happens or is over, those right beside them, and some at which nothing is.
fn time(memory: &Memory, value: u64) -> Millis {
    let index = usize::try_from(value).unwrap();
    let decision = memory.decisions[index % memory.decisions.len()].1.at.0;
    let over: Vec<&str> = memory.lines.iter().filter_map(|line| line.ended_at.as_deref()).collect();
    let over = sledger_wire::values::time(over[index % over.len()]).unwrap().0;
    let span = memory.span();
    Millis(match value % 9 {
        0 => decision,
        1 => decision - 1,
        2 => decision + 1,
        3 => over,
        4 => over - 1,
        5 => over + 1,
        6 => span.0.0 - 5_000,
        7 => span.1.0 + 5_000,
        _ => span.0.0 + value * 7_919 % span.1.since(span.0),
    })
}

/// Makes a move; the moment at which it must have come.
fn step(
    past: &mut Past<Memory>,
    memory: &Memory,
    before: (When, Seq, Millis),
    kind: u8,
    value: u64,
) -> (Position, When) {
    let last = memory.span().1;
    let (to, wanted) = match kind {
        0 | 1 => {
            let seq = Seq(value % (memory.last().0 + 3));
            (Move::To(Moment::Seq(seq)), Some(When::After(seq.min(memory.last()))))
        }
        2 | 3 => {
            let at = time(memory, value);
            (Move::To(Moment::At(at)), Some(When::At(at.min(last))))
        }
        4 => (Move::On(value % 40), None),
        5 => (Move::Back(1 + value % 30), None),
        6 => (Move::NextEnd, None),
        7 => (Move::PreviousEnd, None),
        8 => (Move::To(Moment::Now), Some(When::After(memory.last()))),
        _ => {
            let millis = value * 37 % 20_000;
            (Move::Millis(millis), Some(When::At(Millis(before.2.0 + millis).min(last))))
        }
    };
    let position = go(past, to);
    let moved = if position.seq == before.1 { before.0 } else { When::After(position.seq) };
    (position, wanted.unwrap_or(moved))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_moment_is_told_as_a_look_from_the_first_event_tells_it(
        which in 0_usize..6,
        is_at_rest in any::<bool>(),
        moves in prop::collection::vec((0_u8..10, 0_u64..100_000), 1..10),
    ) {
        let memory = Memory { is_at_rest, ..PASTS[which].clone() };
        let mut past = Past::new(memory.clone(), 60);
        let position = go(&mut past, Move::To(Moment::Now));
        let mut before = (When::After(memory.last()), position.seq, position.at);
        for (kind, value) in moves {
            let (position, when) = step(&mut past, &memory, before, kind, value);
            is_same(&mut past, &position, (&memory, &memory.at(when)));
            before = (when, position.seq, position.at);
        }
        sessions_are_told(&mut past, (&memory, &memory.at(before.0)));
        prop_assert!(past.kept().0 <= 16);
    }
}

#[test]
fn the_pasts_hold_what_moments_are_hard_to_tell_by() {
    let (mut down, mut late, mut lapsed) = (0, 0, 0);
    for memory in PASTS.iter() {
        for (index, (first, one)) in memory.decisions.iter().enumerate().skip(1) {
            let between = memory.at(When::At(Millis(one.at.0 - 1)));
            down += usize::from(between.is_down());
            let before = memory.decisions[index - 1].0;
            let folded = memory.at(When::After(before));
            late += usize::from(folded.session_count() < folded.state().session_count());
            let is_touch = matches!(one.op, Op::Touch { .. }) && one.actor == Actor::Timer;
            lapsed += usize::from(is_touch && first.0 > 1);
        }
    }
    assert!(down > 50 && late > 20 && lapsed > 50, "{down} pauses, {late} late ends, {lapsed} late touches");
}

#[test]
fn rates_are_the_same_whichever_way_one_came() {
    for memory in PASTS.iter() {
        let (at_rest, whole) = (Memory { is_at_rest: true, ..memory.clone() }, memory.clone());
        for seq in [memory.last().0 / 3, memory.last().0 / 2, memory.last().0] {
            let rates = |memory: &Memory, way: &[Move]| {
                let mut past = Past::new(memory.clone(), 80);
                for to in way {
                    go(&mut past, to.clone());
                }
                let Told::Top(top) = ask(&mut past, Ask::Top) else { panic!() };
                top.rates
            };
            let to = Move::To(Moment::Seq(Seq(seq)));
            let straight = rates(&whole, std::slice::from_ref(&to));
            assert_eq!(rates(&at_rest, std::slice::from_ref(&to)), straight, "seq {seq}");
            let there_and_back = [to.clone(), Move::Back(30), Move::On(30), Move::To(Moment::Now), to];
            assert_eq!(rates(&at_rest, &there_and_back), straight, "seq {seq}");
        }
    }
}

#[test]
fn users_are_filtered_sorted_and_paged() {
    let memory = PASTS[0].clone();
    let mut past = Past::new(memory.clone(), 80);
    let is_full = |seq: &u64| memory.at(When::After(Seq(*seq))).users().count() >= 5;
    go(&mut past, Move::To(Moment::Seq(Seq((1..memory.last().0).find(is_full).unwrap()))));
    let mut users = |query: UsersQuery| match past.answer(Ask::Users(query), &mut |_| ()) {
        Ok(Told::Users(page)) => Ok(page),
        Ok(other) => panic!("{other:?}"),
        Err(failed) => Err(failed.why),
    };
    let sorted = |sort: &str| UsersQuery { sort: Some(sort.to_owned()), ..UsersQuery::default() };
    let names = |page: sledger_wire::pages::UsersPage| -> Vec<String> {
        page.users.into_iter().map(|row| row.user).collect()
    };
    let mut all = names(users(sorted("user")).unwrap());
    assert!(all.len() >= 3 && all.is_sorted(), "{all:?}");
    let mut paged = Vec::new();
    let mut cursor = None;
    loop {
        let page = users(UsersQuery { page_size: Some(2), cursor, ..sorted("user") }).unwrap();
        cursor = page.next.clone();
        paged.extend(names(page));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    let active: Vec<u32> = users(sorted("-active")).unwrap().users.iter().map(|row| row.active).collect();
    assert!(active.iter().rev().is_sorted());
    let near = users(UsersQuery { near: Some("100%".to_owned()), ..sorted("-used") }).unwrap();
    let Told::Top(top) = ask(&mut past, Ask::Top) else { panic!() };
    let mut users = |query: UsersQuery| past.answer(Ask::Users(query), &mut |_| ());
    assert_eq!(near.users.len() as u64, top.at_limit);
    all.reverse();
    let Ok(Told::Users(down)) = users(sorted("-user")) else { panic!() };
    assert_eq!(names(down), all);
    let Ok(Told::Users(glob)) = users(UsersQuery { user: Some("*3".to_owned()), ..sorted("user") }) else {
        panic!()
    };
    assert!(glob.users.iter().all(|row| row.user == "u3"));
    let Ok(Told::Users(device)) = users(UsersQuery { quota: Some("device".to_owned()), ..sorted("user") })
    else {
        panic!()
    };
    assert!(
        device.users.iter().all(|row| row.quota.as_deref() == Some("device")) && !device.users.is_empty()
    );
    let mut why = |query| past.answer(Ask::Users(query), &mut |_| ()).unwrap_err().why;
    assert_eq!(
        why(UsersQuery { quota: Some("no".to_owned()), ..sorted("user") }),
        "quota `no` is not in force"
    );
    assert!(why(sorted("colour")).starts_with("sort `colour` is none of"));
}

/// A history at rest of which the third reading, by which it is counted, is another one.
struct Counted {
    memory: Memory,
    reads: u32,
    other: Option<Decisions>,
}

impl History for Counted {
    fn begin(&mut self) -> Result<State, String> {
        self.memory.begin()
    }

    fn read(&mut self, from: Seq) -> Result<Decisions, String> {
        self.reads += u32::from(from == Seq(1));
        let other = if self.reads == 3 { self.other.take() } else { None };
        other.map_or_else(|| self.memory.read(from), Ok)
    }

    fn why(&mut self, about: &str) -> Result<Why, String> {
        self.memory.why(about)
    }

    fn rest(&mut self) -> Result<Option<Seq>, String> {
        Ok(Some(self.memory.last()))
    }
}

fn counted(other: impl Iterator<Item = (Seq, Arc<Decision>)> + Send + 'static) -> Past<Counted> {
    let other: Decisions = Box::new(other.map(Ok));
    Past::new(Counted { memory: PASTS[0].clone(), reads: 0, other: Some(other) }, 80)
}

#[test]
fn counting_ends_when_nobody_can_look_any_more() {
    let (alive, gone): (Sender<()>, Receiver<()>) = channel();
    let one = PASTS[0].decisions[0].clone();
    // As long as it is read, the sender lives.
    let mut past = counted(std::iter::repeat(one).inspect(move |_| drop(alive.clone())));
    go(&mut past, Move::To(Moment::Now));
    assert!(
        gone.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Empty),
        "it is counted"
    );
    drop(past);
    assert_eq!(gone.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
}

/// Asks again and again, until what is asked for has come.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "it never came");
        std::thread::yield_now();
    }
}

#[test]
fn a_ledger_at_rest_is_counted_beside_and_comes_to_the_same() {
    for memory in PASTS.iter() {
        let mut past = Past::new(Memory { is_at_rest: true, ..memory.clone() }, 80);
        let first = go(&mut past, Move::To(Moment::Now));
        let whole =
            until(|| Some(go(&mut past, Move::On(0))).filter(|position| position.counted == memory.last()));
        assert_eq!(first.density.len(), whole.density.len(), "parts stay what they are");
        let folded = go(&mut Past::new(memory.clone(), 80), Move::To(Moment::Now));
        assert_eq!(folded.counted, memory.last());
        assert_eq!((whole.density, whole.ends), (folded.density, folded.ends));
    }
}

#[test]
fn damage_far_away_is_said_once_and_does_not_hinder_looking_elsewhere() {
    let memory = PASTS[0].clone();
    let broken = memory.decisions.clone().into_iter().take(100).map(Ok);
    let broken = broken.chain([Err("chain broken in volume 1 at seq 131".to_owned())]);
    let other: Decisions = Box::new(broken);
    let mut past = Past::new(Counted { memory: memory.clone(), reads: 0, other: Some(other) }, 80);
    go(&mut past, Move::To(Moment::Now));
    let why = until(|| past.answer(Ask::Move(Move::On(0)), &mut |_| ()).err()).why;
    assert_eq!(why, "chain broken in volume 1 at seq 131");
    let there = go(&mut past, Move::To(Moment::Seq(Seq(300))));
    assert!(there.seq >= Seq(300) && there.counted < memory.last());
}

/// A history at rest that cannot be read from this event on, up to a snapshot behind it.
struct Broken(Memory, Seq);

impl History for Broken {
    fn begin(&mut self) -> Result<State, String> {
        self.0.begin()
    }

    fn read(&mut self, from: Seq) -> Result<Decisions, String> {
        let at = self.1;
        let damaged = move |one: Result<(Seq, Arc<Decision>), String>| match one {
            Ok((first, _)) if first >= at && first < at.plus(3) => Err(format!("damaged at seq {first}")),
            other => other,
        };
        Ok(Box::new(self.0.read(from)?.map(damaged)))
    }

    fn why(&mut self, about: &str) -> Result<Why, String> {
        self.0.why(about)
    }

    fn rest(&mut self) -> Result<Option<Seq>, String> {
        self.0.rest()
    }

    fn nearest(&mut self, when: When, after: Seq) -> Result<Option<State>, String> {
        self.0.nearest(when, after)
    }
}

#[test]
fn on_both_sides_of_damage_the_past_is_walked_and_beside_it_nothing_is_told() {
    let memory = Memory { is_at_rest: true, ..PASTS[1].clone() };
    let damage = memory.decisions[70].0;
    let mut past = Past::new(Broken(memory.clone(), damage), 60);
    let end = go(&mut past, Move::To(Moment::Now));
    assert_eq!(end.seq, memory.last());
    let to = |seq: Seq| Ask::Move(Move::To(Moment::Seq(seq)));
    // The count runs into it as well, and says so once.
    let why = until(|| past.answer(Ask::Move(Move::On(0)), &mut |_| ()).err()).why;
    assert!(why.starts_with("damaged at seq"), "{why}");
    for _ in 0..3 {
        let _said = past.answer(to(damage.plus(1)), &mut |_| ()).unwrap_err();
        // Where it stands now, what comes next may tell of it as well.
        let why = past.answer(Ask::Top, &mut |_| ()).unwrap_err().why;
        assert!(why.starts_with("damaged at seq"), "{why}");
    }
    for seq in [Seq(damage.0 - 20), memory.last()] {
        let position = go(&mut past, Move::To(Moment::Seq(seq)));
        let then = memory.at(When::After(seq));
        assert_eq!((position.seq, position.at), (then.seq(), then.at()));
        let Told::Top(top) = ask(&mut past, Ask::Top) else { panic!() };
        figures_are(&top, &then);
    }
}
