//! The client against a server.

use super::support::{Running, config, denying};
use sledger::core::command::{Actor, Command, Login, Request, Target};
use sledger_client::{Client, ClientError, batch_line};
use sledger_wire::queries::{ClearQuery, EventsQuery, SessionsQuery, TargetQuery, UsersQuery};

fn login(user: &str, session: &str) -> Login {
    Login { user: Some(user.to_owned()), session: Some(session.to_owned()), ..Login::default() }
}

#[test]
fn every_call_of_the_client_is_understood() {
    let server = denying();
    let client = Client::new(&server.url()).unwrap();
    let answer = client.login(&login("ann", "a/b"), Some("c-1")).unwrap();
    assert_eq!((answer.outcome.as_str(), answer.active), ("admitted", Some(1)));
    assert!(client.login(&login("ann", "a/b"), Some("c-1")).unwrap().repeated);
    assert_eq!(client.session("a/b").unwrap().user, "ann");
    let query = TargetQuery { generation: answer.generation, ..TargetQuery::default() };
    client.touch("a/b", &query).unwrap();
    client.login(&login("ann", "c"), None).unwrap();
    client.login(&login("ann", "d"), None).unwrap();
    client.disconnect("d", &TargetQuery::default()).unwrap();
    client.end("c", &TargetQuery::default(), Some("lost")).unwrap();
    assert_eq!(client.sessions(&SessionsQuery::default()).unwrap().sessions.len(), 1);
    assert_eq!(client.users(&UsersQuery::default()).unwrap().users[0].user, "ann");
    assert_eq!(client.user("ann").unwrap().active, 1);
    assert_eq!(client.top().unwrap().sessions, 1);
    assert_eq!(client.ledger().unwrap().sessions, 1);
    assert!(client.ready().unwrap().ready);
    assert_eq!(client.clear("ann", &ClearQuery::default()).unwrap().ended, ["a/b"]);
    client.login(&login("ann", "e"), None).unwrap();
    client.logout("e", &TargetQuery::default()).unwrap();
}

#[test]
fn a_refusal_carries_its_problem() {
    let server = denying();
    let client = Client::new(&server.url()).unwrap();
    for n in 0..5 {
        client.login(&login("ann", &format!("s{n}")), None).unwrap();
    }
    let error = client.login(&login("ann", "s5"), None).unwrap_err();
    assert_eq!(error.code(), Some("SESSION_QUOTA_EXCEEDED"));
    assert_eq!(error.problem().unwrap().active, Some(5));
    let gone = client.session("zz").unwrap_err();
    assert_eq!(gone.to_string(), "refused (404): there is no session `zz`");
    client.logout("s0", &TargetQuery::default()).unwrap();
    let ended = client.session("s0").unwrap_err();
    assert_eq!(ended.problem().unwrap().tombstone.as_ref().unwrap().cause, "logout");
}

#[test]
fn nobody_there_is_told_with_a_hint() {
    let url = denying().url();
    let error = Client::new(&url).unwrap().top().unwrap_err();
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
    assert!(error.to_string().ends_with("is `sledger serve` running there?"), "{error}");
    for bad in ["", "localhost:7070", "https://localhost", "nonsense"] {
        assert!(matches!(Client::new(bad), Err(ClientError::Url { .. })), "{bad}");
    }
    let odd = Client::new(&url).unwrap().session("..").unwrap_err();
    assert!(matches!(odd, ClientError::Unaddressable(_)), "{odd}");
}

#[test]
fn a_batch_longer_than_one_piece_is_answered_in_order() {
    let server = denying();
    let client = Client::new(&server.url()).unwrap();
    let line = |n: u32| {
        let command = Command::Login(Box::new(login(&format!("u{}", n / 4), &format!("s{n}"))));
        batch_line(&Request::new(Actor::Local, command)).unwrap()
    };
    let answers: Vec<_> = client.batch((0..9_000).map(line)).map(Result::unwrap).collect();
    assert_eq!(answers.len(), 9_000);
    assert!(answers.iter().enumerate().all(|(n, answer)| answer.session == Some(format!("s{n}"))));
    let target = Target { session: Some("s1".to_owned()), ..Target::default() };
    let touch = batch_line(&Request::new(Actor::Local, Command::Touch(target))).unwrap();
    let outcomes: Vec<String> =
        client.batch([touch, "x\ny".to_owned()]).map(|answer| answer.unwrap().outcome).collect();
    assert_eq!(outcomes, ["touched", "rejected"]);
    assert_eq!(client.batch([]).count(), 0);
}

#[test]
fn a_feed_goes_on_behind_the_last_event_after_the_server_came_back() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        sledger::Ledger::open(sledger::Config { reserve_bytes: 0, ..sledger::Config::new(dir.path()) })
            .unwrap()
    };
    let server = Running::over(open(), config());
    let address = server.address.to_string();
    let client = Client::new(&server.url()).unwrap();
    let mut events = client.events(Some(1), &EventsQuery::default()).unwrap();
    client.login(&login("ann", "a"), None).unwrap();
    let seen = events.by_ref().map(Result::unwrap).find(|event| event.kind == "login.admitted").unwrap();
    assert_eq!(seen.session.as_deref(), Some("a"));
    drop(server);
    let server = Running::over(open(), sledger_server::Config { listen: address, ..config() });
    client.login(&login("ann", "b"), None).unwrap();
    for (next, event) in (seen.seq + 1..).zip(events.by_ref().map(Result::unwrap)) {
        assert_eq!(event.seq, next);
        if event.session.as_deref() == Some("b") {
            break;
        }
    }
    let filter = EventsQuery { kind: Some("session.*".to_owned()), ..EventsQuery::default() };
    let mut ends = client.events(None, &filter).unwrap();
    client.logout("b", &TargetQuery::default()).unwrap();
    assert_eq!(ends.next().unwrap().unwrap().cause.as_deref(), Some("logout"));
    drop((events, ends, server));
}

#[test]
fn a_ledger_that_kept_too_little_says_what_is_lost() {
    let server = denying();
    let client = Client::new(&server.url()).unwrap();
    let mut events = client.events(Some(1), &EventsQuery::default()).unwrap();
    let head = server.ledger.durable().0;
    assert!(matches!(events.next(), Some(Err(ClientError::Lost { from: 1, to })) if to == head));
    assert!(events.next().is_none());
}
