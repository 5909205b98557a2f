//! Rules that recordings do not show: what is recorded, how much of it, and for how long it is remembered.
//! Numbers in brackets are those of the rules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::{Actor, Adopt, Adoptee, Command, Configure, Ending, Login, Request, Target};
use sledger_core::config::{Bounds, DECISION_BYTES_MAX, Quota, SessionSettings, Settings};
use sledger_core::decide::Install;
use sledger_core::decider::{Decider, Recorded};
use sledger_core::event::{Cause, Code, Event, PolicyCode, PolicySource};
use sledger_core::{Limit, Millis, Span, State, codec, refold};
use sledger_policy::Engine;
use sledger_wire::answer::status;
use sledger_wire::recording::OpName;
use std::sync::Arc;

const FAILING: &str =
    "fn on_exhausted() {\n    let nothing = quota.limit - quota.limit;\n    deny(`${1 / nothing}`)\n}\n";

struct World {
    decider: Decider<Engine>,
    beginning: State,
    recorded: Vec<Recorded>,
    at: Millis,
}

impl World {
    fn new(settings: Settings) -> Self {
        Self::with(settings, &[], Bounds::default())
    }

    fn with(settings: Settings, installs: &[Install], bounds: Bounds) -> Self {
        let decider = Decider::genesis(settings, installs, Engine::new(), (bounds, 1)).unwrap();
        let beginning = decider.state().clone();
        Self { decider, beginning, recorded: Vec::new(), at: Millis(1_000) }
    }

    fn ask(&mut self, command: Command) -> Answer {
        self.request(&Request::new(Actor::Local, command))
    }

    fn request(&mut self, request: &Request) -> Answer {
        self.decider.decide(request, self.at, &mut self.recorded)
    }

    fn login(&mut self, user: &str, session: &str) -> Answer {
        self.ask(Command::Login(Box::new(login(user, session))))
    }

    fn pass(&mut self, ms: u64) {
        self.at = Millis(self.at.0 + ms);
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.recorded.iter().flat_map(|recorded| &recorded.decision.events)
    }

    /// The state as a restart finds it, from the encoded decisions alone.
    fn reread(&self) -> State {
        let mut state = self.beginning.clone();
        for recorded in &self.recorded {
            refold(&mut state, recorded.first, &codec::decode(&codec::encode(&*recorded.decision)).unwrap());
        }
        state
    }
}

fn login(user: &str, session: &str) -> Login {
    Login { user: Some(user.to_owned()), session: Some(session.to_owned()), ..Login::default() }
}

fn quota(limit: u32, on_exhausted: &str) -> Settings {
    let quota = Quota {
        max_sessions: Limit::at_most(limit).unwrap(),
        on_exhausted: on_exhausted.to_owned(),
        ..Quota::default_quota()
    };
    Settings { quotas: vec![Arc::new(quota)], ..Settings::default() }
}

fn ids(facts: &[Arc<sledger_core::Facts>]) -> Vec<&str> {
    facts.iter().map(|facts| facts.session()).collect()
}

#[test]
fn a_storm_of_denials_is_counted_and_everybody_is_answered() {
    let mut world = World::new(quota(1, "deny_access"));
    world.login("ann", "a");
    for number in 0..5_000 {
        let denied = world.login("ann", &format!("more-{number}"));
        assert_eq!((denied.outcome, denied.code), (Outcome::Denied, Some(Code::SessionQuotaExceeded)));
        assert!(denied.message.is_some());
    }
    world.pass(1_500);
    world.ask(Command::Advance);
    let single = world.events().filter(|event| matches!(event, Event::Denied { .. })).count();
    assert_eq!(single, 10, "[19]");
    let counted: Vec<_> = world
        .events()
        .filter_map(|event| match event {
            Event::DenialsCounted { count, first, last, .. } => Some((*count, *first, *last)),
            _ => None,
        })
        .collect();
    assert_eq!(counted, [(4_990, Millis(1_000), Millis(1_000))], "[19]");

    world.pass(60_000);
    world.login("ann", "later");
    assert!(matches!(world.events().last(), Some(Event::Denied { .. })), "[19] the storm is over");
    assert_eq!(world.reread().digest(), world.decider.state().digest());
}

#[test]
fn one_users_storm_leaves_the_denials_of_others_recorded() {
    let mut world = World::new(quota(1, "deny_access"));
    for user in ["ann", "bob"] {
        world.login(user, user);
    }
    (0..100).for_each(|number| drop(world.login("ann", &format!("a{number}"))));
    let before = world.recorded.len();
    world.login("bob", "b");
    assert_eq!(world.recorded.len(), before + 1, "[19]");
}

#[test]
fn a_policy_that_keeps_failing_is_not_asked_for_a_while() {
    let install =
        Install { name: Arc::from("failing"), text: Arc::from(FAILING), from: PolicySource::Folder };
    let mut world = World::with(quota(1, "failing"), &[install], Bounds::default());
    world.login("ann", "a");
    for number in 0..100 {
        let answer = world.login("ann", &format!("s{number}"));
        assert_eq!(answer.outcome, Outcome::Denied, "[5] on_error is deny");
        assert_eq!(answer.policy_code, Some(PolicyCode::Error), "[5] failure {number}");
        world.pass(50);
    }
    let tripped = world.events().filter(|event| matches!(event, Event::PolicyTripped { .. })).count();
    assert_eq!(tripped, 1, "[5]");
    assert_eq!(world.login("ann", "next").policy_code, Some(PolicyCode::Tripped), "[5]");
    world.pass(30_000);
    assert_eq!(world.login("ann", "after").policy_code, Some(PolicyCode::Error), "[5] asked again");
    assert_eq!(world.reread().digest(), world.decider.state().digest());
}

#[test]
fn everything_that_changes_decisions_is_recorded_before_it_decides() {
    let mut world = World::new(quota(2, "destroy_oldest"));
    let text = "fn on_exhausted() { deny(\"full\") }".to_owned();
    assert_eq!(world.ask(Command::Policy { name: "mine".to_owned(), text }).outcome, Outcome::Configured);
    let mut mine = Quota::clone(quota(1, "mine").quotas.first().unwrap());
    mine.on_error = sledger_core::config::OnError::Policy("destroy_most_idle".to_owned());
    let configure = Configure { quotas: Some(vec![mine]), ..Configure::default() };
    assert_eq!(world.ask(Command::Configure(Box::new(configure))).outcome, Outcome::Configured);
    world.login("ann", "a");
    assert_eq!(world.login("ann", "b").reason.as_deref(), Some("full"));

    // What a restart knows of it, it knows from events.
    let state = world.reread();
    assert_eq!(state.ready().settings, world.decider.state().ready().settings, "[15]");
    assert_eq!(state.bindings(), world.decider.state().bindings(), "[15]");
    for named in ["mine", "destroy_most_idle"] {
        assert!(state.policy_source(named).is_some(), "[15] `{named}` with its source");
    }
    let applied = world.events().find_map(|event| match event {
        Event::ConfigApplied { rules, engine, .. } => Some((*rules, engine.clone())),
        _ => None,
    });
    assert_eq!(applied, Some((1, "rhai-1.27.0/1".into())), "[15] the revisions in force");
    assert!(world.recorded.iter().all(|recorded| recorded.decision.actor == Actor::Local), "[15] the actor");
}

#[test]
fn the_newest_tombstones_are_remembered_with_reason_and_message() {
    let mut settings = quota(1, "destroy_oldest");
    settings.sessions = SessionSettings { tombstones_max: 3, ..SessionSettings::default() };
    let mut world = World::new(settings);
    for number in 0..6 {
        world.login("ann", &format!("s{number}"));
        world.pass(1_000);
    }
    let state = world.decider.state();
    assert!(
        state.tombstone("s0").is_none() && state.tombstone("s1").is_none(),
        "[16] older ones are in the log"
    );
    let tombstone = state.tombstone("s4").unwrap();
    assert_eq!((tombstone.cause, tombstone.code), (Cause::Evicted, Some(Code::SessionQuotaExceeded)), "[16]");
    assert_eq!(tombstone.reason.as_deref(), Some("oldest"), "[16]");
    let message = tombstone.message.as_deref().unwrap();
    assert!(message.ends_with("signed in elsewhere at 1970-01-01T00:00:06.000Z."), "[16] {message}");
    assert_eq!(state.tombstones().count(), 3, "[16]");
}

#[test]
fn no_refusal_looks_like_bad_credentials() {
    let mut denied = Answer::new(Outcome::Denied, Millis(0));
    for code in [Code::SessionQuotaExceeded, Code::UserBanned, Code::EvictedRecently, Code::ExcessTooLarge] {
        denied.code = Some(code);
        assert_eq!(status(OpName::Login, &denied), 403, "[17] {}", code.as_str());
    }
    let conflict = Answer::new(Outcome::Conflict, Millis(0));
    assert_eq!(status(OpName::Login, &conflict), 409, "[17]");
}

#[test]
fn a_clear_of_thousands_is_several_whole_decisions_with_one_cause() {
    let mut settings = quota(1, "deny_access");
    settings.quotas = vec![Arc::new(Quota { max_sessions: Limit::Unlimited, ..Quota::default_quota() })];
    let mut world = World::new(settings);
    (0..3_000).for_each(|number| drop(world.login("ann", &format!("s{number:04}"))));
    world.recorded.clear();
    let before = world.decider.state().seq();
    let command = Command::Clear { user: Some("ann".to_owned()), keep: Some("s0007".to_owned()) };
    let mut request = Request::new(Actor::Local, command);
    request.command_id = Some("clear-1".to_owned());
    let answer = world.request(&request);
    assert_eq!((answer.ended.len(), answer.active), (2_999, Some(1)), "[20]");
    assert!(ids(&answer.ended).is_sorted(), "[20] in (start, number) order");
    assert_eq!(world.recorded.len(), 3, "[20]");
    for recorded in &world.recorded {
        assert_eq!(recorded.decision.cause, Some(before.next()), "[20] one cause");
        assert!(recorded.decision.events.len() <= 1_025, "[20]");
        assert!(codec::encode(&*recorded.decision).len() <= DECISION_BYTES_MAX, "[20]");
    }
}

#[test]
fn a_login_that_would_end_too_many_ends_nobody() {
    let mut settings = quota(1, "deny_access");
    settings.quotas = vec![Arc::new(Quota { max_sessions: Limit::Unlimited, ..Quota::default_quota() })];
    let mut world = World::new(settings);
    (0..4_097).for_each(|number| drop(world.login("ann", &format!("s{number}"))));
    let all = Login { end: Ending::All, ..login("ann", "one") };
    let answer = world.ask(Command::Login(Box::new(all)));
    assert_eq!((answer.outcome, answer.code), (Outcome::Denied, Some(Code::ExcessTooLarge)), "[20]");
    assert_eq!((answer.active, answer.ended.len()), (Some(4_097), 0), "[20]");
}

#[test]
fn an_adoption_of_thousands_is_recorded_in_whole_decisions_and_refused_above_the_limit() {
    let sessions = |from: u32, to: u32| {
        let one = |number: u32| Adoptee {
            login: login(&format!("user-{}", number % 7), &format!("s{number}")),
            started: Some(Millis(u64::from(number))),
            last_active: None,
        };
        Command::Adopt(Adopt { source: Some("portal".to_owned()), sessions: (from..to).map(one).collect() })
    };
    let bounds = Bounds { sessions_max: 5_000, ..Bounds::default() };
    let mut world = World::with(quota(5, "deny_access"), &[], bounds);
    assert_eq!(world.ask(sessions(0, 5_000)).outcome, Outcome::Adopted, "[12]");
    assert!(world.recorded.len() > 4, "[20]");
    for recorded in &world.recorded {
        assert!(codec::encode(&*recorded.decision).len() <= DECISION_BYTES_MAX, "[20]");
    }
    assert_eq!(world.reread().digest(), world.decider.state().digest());
    let full = world.ask(sessions(5_000, 5_001));
    assert_eq!((full.outcome, full.full), (Outcome::Denied, Some("limits.sessions")), "[20]");
    let full = world.login("new", "new");
    assert_eq!((full.outcome, full.full), (Outcome::Denied, Some("limits.sessions")), "[20]");
    assert!(full.seq.is_none(), "nothing is recorded of it");
}

#[test]
fn a_remembered_answer_survives_a_restart() {
    let mut world = World::new(quota(1, "destroy_oldest"));
    world.login("ann", "a");
    let again = || {
        let mut request = Request::new(Actor::Local, Command::Login(Box::new(login("ann", "b"))));
        request.command_id = Some("login-b".to_owned());
        request
    };
    let first = world.request(&again());
    assert_eq!(ids(&first.evicted), ["a"]);
    let state = world.reread();
    let mut engine = Engine::new();
    let settings = state.ready().settings.clone();
    sledger_core::decide::bindings(&state, &mut engine, &settings, &[]).unwrap();
    let mut after = Decider::new(state, engine, Bounds::default());
    let mut out = Vec::new();
    let repeat = after.decide(&again(), Millis(world.at.0 + 1_000), &mut out);
    assert!(repeat.repeated && out.is_empty(), "[14]");
    let first = Answer { repeated: true, at: repeat.at, ..first };
    assert_eq!(repeat, first, "[14] the first answer whole");
    let other = Request { command: Command::Logout(target("ann", "b")), ..again() };
    assert_eq!(after.decide(&other, Millis(world.at.0 + 2_000), &mut out).outcome, Outcome::Rejected, "[14]");
}

fn target(user: &str, session: &str) -> Target {
    Target { session: Some(session.to_owned()), user: Some(user.to_owned()), generation: None }
}

#[test]
fn activity_that_is_not_recorded_keeps_a_session_alive_and_is_recorded_at_its_deadline() {
    let mut settings = quota(5, "deny_access");
    settings.sessions.idle = Span::seconds(10);
    settings.sessions.activity_resolution = Span::seconds(60);
    let mut world = World::new(settings);
    world.login("ann", "a");
    world.pass(9_000);
    world.ask(Command::Touch(target("ann", "a")));
    assert_eq!(world.recorded.len(), 1, "[8] not recorded when made");
    world.pass(9_999);
    assert_eq!(world.ask(Command::Touch(target("ann", "a"))).outcome, Outcome::Touched, "[8]");
    let touched = Event::Touched { session: sledger_core::Seq(1), last_active: Millis(10_000) };
    assert_eq!(world.events().last(), Some(&touched), "[8] with its true time");
}
