//! Commands over connections that break: each is decided once.

use crate::proxy::{Fate, Proxy, problem};
use crate::served::{Served, client};
use sledger_client::{Client, ClientError, Retries};
use sledger_core::Millis;
use sledger_core::command::{Actor, Adopt, Adoptee, Command, Login, Request};
use sledger_testkit::recordings::Rng;
use sledger_wire::queries::{ClearQuery, EventsQuery, TargetQuery};
use std::time::{Duration, Instant};

/// A login whose session gets its id from the server: a repeat under another command id would be another session.
fn login(user: &str) -> Login {
    Login { user: Some(user.to_owned()), client: Some("web".to_owned()), ..Login::default() }
}

fn named(user: &str, session: &str) -> Login {
    Login { session: Some(session.to_owned()), ..login(user) }
}

fn before(served: &Served, fates: impl IntoIterator<Item = Fate>) -> Proxy {
    Proxy::new(served.address, fates, Fate::Pass)
}

/// How many logins the ledger has admitted.
fn admitted(served: &Served) -> usize {
    let filter = EventsQuery { kind: Some("login.admitted".to_owned()), ..EventsQuery::default() };
    let client = client(served.address);
    let head = client.ledger().unwrap().head;
    // Whoever is admitted last ends the count.
    client.login(&named("last", "last"), None).unwrap();
    let events = client.events(Some(1), &filter).unwrap().map(Result::unwrap);
    events.take_while(|event| event.seq <= head).count()
}

#[test]
fn a_login_whose_answer_is_lost_anywhere_is_one_session() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::on_disk(dir.path());
    let seed = 17;
    let mut rng = Rng::new(seed);
    let mut repeated = 0;
    for n in 0..60 {
        // From before the first byte of the answer to behind its last.
        let cut = rng.below(900);
        let proxy = before(&served, [Fate::Cut(cut)]);
        let answer = client(proxy.address).login(&login(&format!("user-{n}")), None);
        let answer = answer.unwrap_or_else(|error| panic!("seed {seed}, cut after {cut}: {error}"));
        assert_eq!((answer.outcome.as_str(), answer.active), ("admitted", Some(1)), "cut after {cut}");
        assert_eq!(answer.repeated, proxy.connections() > 1, "cut after {cut}");
        repeated += usize::from(answer.repeated);
    }
    assert!(repeated > 30, "answers were lost: {repeated}");
    assert_eq!(client(served.address).ledger().unwrap().sessions, 60);
    assert_eq!(admitted(&served), 60);
}

#[test]
fn every_command_whose_answer_is_lost_gets_its_first_answer() {
    let served = Served::in_memory();
    let direct = client(served.address);
    for session in ["a", "b", "c", "d", "e"] {
        direct.login(&named("ann", session), None).unwrap();
    }
    let lossy = || client(before(&served, [Fate::Cut(0)]).address);
    let query = TargetQuery::default();
    lossy().touch("a", &query).unwrap();
    lossy().disconnect("a", &query).unwrap();
    lossy().logout("b", &query).unwrap();
    lossy().end("c", &query, Some("lost")).unwrap();
    let ended = lossy().clear("ann", &ClearQuery { keep: Some("d".to_owned()), ..ClearQuery::default() });
    assert_eq!(ended.unwrap().ended, ["e"], "not the second answer, which would name nobody");
    assert_eq!(direct.user("ann").unwrap().active, 1);
}

#[test]
fn an_adoption_is_asked_again_and_passes_nobody_over() {
    let served = Served::in_memory();
    let adoptee = Adoptee { login: named("ann", "a"), started: Some(Millis(1)), last_active: None };
    let adopt = Command::Adopt(Adopt { source: Some("old".to_owned()), sessions: vec![adoptee] });
    let request = Request::new(Actor::Local, adopt);
    let answer = client(before(&served, [Fate::Cut(0)]).address).command(&request).unwrap();
    assert_eq!((answer.outcome.as_str(), answer.repeated), ("adopted", true));
    assert!(answer.skipped.is_empty(), "{answer:?}");
    let advance = Request::new(Actor::Local, Command::Assume(sledger_core::command::Target::default()));
    assert!(matches!(client(served.address).command(&advance), Err(ClientError::NoCommand)));
}

#[test]
fn a_busy_ledger_is_asked_again_after_as_long_as_it_says() {
    let served = Served::in_memory();
    let proxy = before(&served, [Fate::Say(problem("LEDGER_BUSY", Some(1)))]);
    let asked = Instant::now();
    let answer = client(proxy.address).login(&login("ann"), None).unwrap();
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(!answer.repeated && answer.outcome == "admitted", "{answer:?}");
}

#[test]
fn an_unknown_outcome_is_asked_for_until_it_is_known() {
    let served = Served::in_memory();
    let unknown = problem("OUTCOME_UNKNOWN", None);
    let proxy = before(&served, [Fate::SayInstead(unknown.clone()), Fate::SayInstead(unknown)]);
    let answer = client(proxy.address).login(&login("ann"), None).unwrap();
    assert!(answer.repeated, "{answer:?}");
    assert_eq!((answer.active, proxy.connections()), (Some(1), 3));
}

#[test]
fn tries_are_bounded_and_what_stays_open_is_said() {
    let served = Served::in_memory();
    let proxy = Proxy::new(served.address, [], Fate::Cut(0));
    let error = client(proxy.address).login(&login("ann"), Some("c-1")).unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(proxy.connections(), 5);
    let answer = client(served.address).login(&login("ann"), Some("c-1")).unwrap();
    assert!(answer.repeated, "it was decided by the first try: {answer:?}");
    let once = Retries { tries_max: 1, ..Retries::default() };
    let proxy = Proxy::new(served.address, [], Fate::Cut(0));
    let client = client(proxy.address).with_retries(once);
    assert!(client.login(&login("bob"), None).unwrap_err().is_outcome_unknown());
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn a_ledger_that_stops_behind_a_lost_answer_leaves_the_outcome_unknown() {
    let served = Served::in_memory();
    let poisoned = Fate::Say(problem("LEDGER_POISONED", None));
    let proxy = Proxy::new(served.address, [Fate::Cut(0)], poisoned.clone());
    let error = client(proxy.address).login(&login("ann"), None).unwrap_err();
    assert!(error.is_outcome_unknown(), "it was decided by the first try: {error}");
    let proxy = Proxy::new(served.address, [], poisoned);
    let error = client(proxy.address).login(&login("bob"), None).unwrap_err();
    assert_eq!((error.code(), proxy.connections()), (Some("LEDGER_POISONED"), 1), "nothing was decided");
}

#[test]
fn no_try_begins_after_the_time_for_all_tries() {
    let served = Served::in_memory();
    let proxy = Proxy::new(served.address, [], Fate::Say(problem("LEDGER_BUSY", Some(3600))));
    let asked = Instant::now();
    let error = client(proxy.address).login(&login("ann"), None).unwrap_err();
    assert_eq!((error.code(), proxy.connections()), (Some("LEDGER_BUSY"), 1), "{error}");
    assert!(asked.elapsed() < Duration::from_secs(30), "nobody waits an hour");
}

#[test]
fn what_was_judged_is_not_asked_again() {
    let served = Served::in_memory();
    let proxy = before(&served, []);
    let client = client(proxy.address);
    client.login(&named("ann", "a"), None).unwrap();
    let conflict = client.login(&named("bob", "a"), None).unwrap_err();
    assert_eq!(conflict.code(), Some("SESSION_CONFLICT"));
    let full = Proxy::new(served.address, [], Fate::Say(problem("LEDGER_FULL", Some(1))));
    let error = Client::new(&format!("http://{}", full.address)).unwrap().login(&login("cy"), None);
    assert_eq!((error.unwrap_err().code(), full.connections()), (Some("LEDGER_FULL"), 1));
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn a_dry_run_tells_and_leaves_nothing_behind() {
    let served = Served::in_memory();
    let client = client(served.address);
    let head = served.ledger.durable();
    let told = client.foresee(&named("ann", "a")).unwrap();
    assert_eq!((told.outcome.as_str(), told.dry_run, told.active), ("admitted", true, Some(1)));
    assert_eq!(served.ledger.durable(), head);
}
