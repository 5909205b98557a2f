//! Every view in every state and size, text and colours.

use crate::given::*;
use crate::screens::holds;
use sledger_core::{Millis, Seq};
use sledger_tui::app::{App, Effect, Msg, View};
use sledger_tui::source::{Ask, Failed, Fed, Found, Kind, Position, Side, Told};
use sledger_wire::pages::{UserRow, UsersPage};
use sledger_wire::values::LimitWord;

const SIZES: [(u16, u16); 3] = [(60, 15), (80, 24), (140, 45)];

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Live,
    Frozen,
    Empty,
    Overload,
    Hostile,
    Disconnected,
    Poisoned,
}

const STATES: [(State, &str); 7] = [
    (State::Live, "live"),
    (State::Frozen, "frozen"),
    (State::Empty, "empty"),
    (State::Overload, "overload"),
    (State::Hostile, "hostile"),
    (State::Disconnected, "disconnected"),
    (State::Poisoned, "poisoned"),
];

type Open = fn(&mut App, &Names);

const VIEWS: [(&str, Open); 5] = [
    ("overview", |_, _| ()),
    ("user", user),
    ("session", session),
    ("replay", replay),
    ("policies", policies),
];

/// Who is who: strangers choose their names.
struct Names {
    user: String,
    session: String,
    by: String,
    others: Vec<String>,
}

impl Names {
    fn of(state: State) -> Self {
        let plain = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        if state != State::Hostile {
            let others = plain(&["svc-etl", "bob", "carol", "dave"]);
            return Self { user: "alice".into(), session: "s-91c2".into(), by: "s-a77f".into(), others };
        }
        let control = "\u{1b}[2J\u{7}".chars().cycle().take(250).collect();
        let others = plain(&[
            "李雷韩梅梅李雷韩梅梅李雷韩梅梅",
            "ann\u{202e}nimda\u{200b}",
            "e\u{301}\u{327} 👨\u{200d}👩\u{200d}👧",
            "<b>&amp;",
        ]);
        Self { user: control, session: "\r\n\u{9b}31m李雷".into(), by: "a\u{202e}b".into(), others }
    }
}

fn shown(view: Open, state: State) -> App {
    let mut setup = setup();
    setup.has_past = true;
    let names = Names::of(state);
    let mut app = begun(setup);
    if state == State::Empty {
        let mut figures = top(&[]);
        (figures.seq, figures.sessions, figures.users, figures.at_limit, figures.near_limit) =
            (3, 0, 0, 0, 0);
        told(&mut app, Told::Top(Box::new(figures)));
    } else {
        full(&mut app, &names);
    }
    view(&mut app, &names);
    match state {
        State::Frozen => frozen(&mut app),
        State::Overload => overloaded(&mut app),
        State::Disconnected => lost(&mut app),
        State::Poisoned => poisoned(&mut app, &names),
        State::Live | State::Empty | State::Hostile => {}
    }
    app
}

fn full(app: &mut App, names: &Names) {
    let others = names.others.iter().zip([(199, 200), (4, 5), (9, 12), (1, 5)]);
    let others = others.map(|(name, (active, limit))| (name.as_str(), active, limit));
    let users: Vec<(&str, u32, u32)> = std::iter::once((names.user.as_str(), 5, 5)).chain(others).collect();
    told(app, Told::Top(Box::new(top(&users))));
    told(app, Told::Policies(crate::given::policies()));
    told(app, Told::Ledger(Box::new(ledger())));
    let events = vec![
        event(1_204_869, "login.denied", names.others.first().unwrap(), ""),
        evicted(1_204_880, &names.user, &names.session, &names.by),
    ];
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 0 }));
}

fn user(app: &mut App, names: &Names) {
    keys(app, "j enter");
    if app.users.chosen.is_none() {
        app.go_to(View::User("nobody".to_owned()));
        told(app, Told::User(Box::new(detail("nobody", &[]))));
        told(app, Told::Timeline { user: "nobody".to_owned(), events: Vec::new(), is_whole: true });
        return;
    }
    let sessions = [(190, names.by.as_str()), (30, "s-b7e0"), (12, "s-c312")];
    told(app, Told::User(Box::new(detail(&names.user, &sessions))));
    let mut denied = event(1_204_700, "login.denied", &names.user, "");
    denied.at = Millis(NOW - 5_000_000).rfc3339();
    let ended = evicted(1_204_880, &names.user, &names.session, &names.by);
    let events = vec![denied, ended];
    told(app, Told::Timeline { user: names.user.clone(), events, is_whole: true });
    keys(app, "G");
}

fn session(app: &mut App, names: &Names) {
    user(app, names);
    let effects = keys(app, "enter");
    let Some(about) = asked_why(&effects) else {
        app.go_to(View::Session("gone@7".to_owned()));
        told(app, Told::Session(Box::new(Found::Unknown("gone@7".to_owned()))));
        return;
    };
    let number = about.rsplit('@').next().unwrap().parse().unwrap();
    let found = ended(number, &names.session, &names.user, &names.by);
    told(app, Told::Session(Box::new(Found::Ended(found))));
    told(app, Told::Why { about, why: Box::new(why(&names.user, &names.session, &names.by)) });
}

fn asked_why(effects: &[Effect]) -> Option<String> {
    asks(effects).into_iter().find_map(|ask| match ask {
        Ask::Why(about) => Some(about),
        _ => None,
    })
}

fn replay(app: &mut App, names: &Names) {
    let is_empty = app.live.top.as_ref().is_some_and(|top| top.users == 0);
    keys(app, "3");
    let past = |app: &mut App, told| app.update(Msg::Told(Side::Past, told));
    let events = vec![evicted(1_204_880, &names.user, &names.session, &names.by)];
    let position = Position {
        seq: Seq(1_204_880),
        at: Millis(NOW - 1_000),
        last: Seq(1_204_881),
        span: (Millis(NOW - 10_983_000), Millis(NOW)),
        events,
        is_down: false,
        counted: Seq(1_000_000),
        density: (0..100).map(|n| n * 7 % 31).collect(),
        ends: (0..100).map(|n| u64::from(n % 9 == 0)).collect(),
    };
    let position = if is_empty { Position::default() } else { position };
    past(app, Told::At(Box::new(position)));
    let mut figures = top(&[]);
    let row = |name: &String| UserRow {
        user: name.clone(),
        active: 4,
        limit: Some(LimitWord::Number(5)),
        quota: Some("per-user".to_owned()),
    };
    let mut users: Vec<UserRow> = names.others.iter().map(row).collect();
    if is_empty {
        (figures.sessions, figures.users, figures.at_limit, figures.near_limit) = (0, 0, 0, 0);
        users.clear();
    }
    past(app, Told::Top(Box::new(figures)));
    past(app, Told::Users(UsersPage { seq: 1_204_880, users, next: None }));
}

fn policies(app: &mut App, names: &Names) {
    keys(app, "4 j j");
    let Some((name, _)) = app.policies.chosen.clone() else { return };
    let mut policy =
        crate::given::policies().policies.into_iter().find(|policy| policy.name == name).unwrap();
    policy.text = Some(format!("// Ends {}\nfn on_exhausted() {{\n    evict(1)\n}}\n", names.session));
    told(app, Told::Policy(Box::new(policy)));
    let mut failed = event(1_204_890, "policy.failed", "", "");
    (failed.user, failed.session) = (None, None);
    failed.policy = Some(format!("{name}@3f9a12c0"));
    failed.reason = Some(format!("Property not found: {}", names.session));
    app.update(Msg::Fed(None, Fed::Events { events: vec![failed], skipped: 0 }));
}

/// Frozen where there is a present; in the past the same key plays.
fn frozen(app: &mut App) {
    keys(app, "space");
    let mut later = top(&[("zoe", 9, 9)]);
    later.seq += 1_017;
    told(app, Told::Top(Box::new(later)));
    let events = vec![evicted(1_205_000, "zoe", "late", "later")];
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 0 }));
    app.update(Msg::Tick(Millis(NOW + 4_000)));
}

fn overloaded(app: &mut App) {
    let events = (0..300).map(|n| evicted(1_300_000 + n, &format!("user-{n}"), "s", "t")).collect();
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 48_211 }));
    let mut figures = top(&[("alice", 5, 5)]);
    figures.rates.evicted = Some(50_412.7);
    (figures.sessions, figures.seq) = (u64::MAX, u64::MAX);
    figures.warnings = vec![
        "the configuration was not taken, the former one stays in force: `quotaa`".to_owned(),
        "the audit sink `tcp://10.0.0.1:601` takes nothing, 48211 events behind: refused".to_owned(),
    ];
    told(app, Told::Top(Box::new(figures)));
}

fn lost(app: &mut App) {
    let why =
        "cannot connect to http://127.0.0.1:7070/: connection refused; is `sledger serve` running there?";
    let failed = Failed { kind: Kind::Top, is_connection: true, why: why.to_owned() };
    app.update(Msg::Failed(Side::Live, failed));
    app.update(Msg::Tick(Millis(NOW + 12_000)));
}

fn poisoned(app: &mut App, names: &Names) {
    let mut figures = top(&[(&names.user, 5, 5)]);
    figures.poisoned = true;
    let mut stats = ledger();
    stats.poison_reason = Some("fdatasync failed: input/output error".to_owned());
    told(app, Told::Top(Box::new(figures)));
    told(app, Told::Ledger(Box::new(stats)));
}

#[test]
fn every_view_in_every_state_and_size() {
    let mut failures = Vec::new();
    for (view, open) in VIEWS {
        for (state, word) in STATES {
            let app = shown(open, state);
            let name = format!("{view}_{word}");
            let held = std::panic::catch_unwind(|| holds(&name, &app, &SIZES));
            failures.extend(held.is_err().then_some(name));
        }
    }
    assert!(failures.is_empty(), "{failures:?} look otherwise");
}

#[test]
fn alerts_are_listed_with_what_to_do() {
    let mut app = shown(|_, _| (), State::Overload);
    keys(&mut app, "tab tab j j");
    holds("alerts", &app, &SIZES);
    let text = dump(&drawn(&app, 80, 24));
    for told in [
        "the audit sink",
        "takes nothing",
        "-> `sledger config check`",
        "-> it is on trial and decides nothing; look at the last failure",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn a_state_is_said_in_words_on_every_view_of_the_present() {
    let words = [
        (State::Frozen, "FROZEN 4s ago"),
        (State::Disconnected, "RECONNECTING 12s"),
        (State::Poisoned, "POISONED"),
    ];
    for (view, open) in VIEWS.into_iter().filter(|(view, _)| *view != "replay") {
        for (state, word) in words {
            for (columns, rows) in SIZES {
                let text = dump(&drawn(&shown(open, state), columns, rows));
                assert!(text.contains(word), "{view} {state:?} {columns}x{rows}: {text}");
            }
        }
    }
}

#[test]
fn no_name_of_a_stranger_reaches_the_terminal_as_it_is() {
    for (view, open) in VIEWS {
        let app = shown(open, State::Hostile);
        for (columns, rows) in SIZES {
            let text = dump(&drawn(&app, columns, rows));
            assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{view}: {text}");
            assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{200d}']), "{view}: {text}");
            let is_whole = |line: &str| sledger_tui::text::width(line) == usize::from(columns) + 1;
            let whole = text.lines().take(usize::from(rows)).filter(|line| is_whole(line)).count();
            assert_eq!(
                whole,
                usize::from(rows),
                "{view} {columns}x{rows}: every line is as wide as it should be: {text}"
            );
        }
    }
}
