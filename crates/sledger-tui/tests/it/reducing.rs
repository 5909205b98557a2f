//! What becomes of keys, answers and events.

use crate::given::*;
use proptest::prelude::*;
use sledger_core::{Millis, Seq};
use sledger_tui::app::{App, Effect, Link, Msg, View};
use sledger_tui::keys::{ACTIONS, Key};
use sledger_tui::source::{Ask, Deed, Failed, Fed, Found, Kind, Position, Side, Told};
use sledger_wire::pages::Top;
use sledger_wire::queries::SessionsQuery;
use sledger_wire::values::LimitWord;

fn figures(app: &mut App, users: &[(&str, u32, u32)]) {
    told(app, Told::Top(Box::new(top(users))));
}

#[test]
fn a_list_that_moves_never_moves_the_choice() {
    let mut app = begun(setup());
    figures(&mut app, &[("ann", 5, 5), ("bob", 4, 5), ("cid", 3, 5)]);
    keys(&mut app, "j j");
    assert_eq!(app.users.chosen.as_deref(), Some("bob"));
    figures(&mut app, &[("zoe", 5, 5), ("cid", 5, 5), ("ann", 4, 5), ("bob", 1, 5)]);
    assert_eq!(app.users.chosen.as_deref(), Some("bob"));
    figures(&mut app, &[("zoe", 5, 5)]);
    assert_eq!(app.users.chosen.as_deref(), Some("bob"), "gone, and still not another");
    keys(&mut app, "enter");
    assert_eq!(*app.view(), View::User("bob".to_owned()));
}

#[test]
fn what_is_frozen_stays_while_collection_goes_on() {
    let mut app = begun(setup());
    figures(&mut app, &[("ann", 5, 5)]);
    keys(&mut app, "space");
    figures(&mut app, &[("bob", 5, 5)]);
    let events = vec![evicted(2_000, "bob", "s", "t")];
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 0 }));
    assert_eq!(app.user_rows()[0].user, "ann");
    assert_eq!(app.event_rows().len(), 0);
    keys(&mut app, "space");
    assert_eq!(app.user_rows()[0].user, "bob");
    assert_eq!(app.event_rows().len(), 1, "nothing was lost meanwhile");
}

#[test]
fn nothing_is_changed_where_actions_are_not_allowed() {
    let mut app = begun(setup());
    for command in ["end a@7", "clear ann", "limit ann 3", "disable per-user 30m", "promote x", "rollback x"]
    {
        keys(&mut app, ":");
        let effects = typed(&mut app, command);
        assert!(app.popup.is_none(), "{command}");
        assert!(asks(&effects).iter().all(|ask| !matches!(ask, Ask::Do(_))), "{command}");
        let (_, message) = app.message.clone().unwrap();
        assert_eq!(message, "read-only: start with --allow-actions to change anything");
    }
}

fn allowed() -> App {
    let mut setup = setup();
    setup.allow_actions = true;
    begun(setup)
}

#[test]
fn a_change_is_sent_once_it_was_shown_and_yes_was_typed() {
    let mut app = allowed();
    keys(&mut app, ":");
    assert_eq!(asks(&typed(&mut app, "end web-1@77")), []);
    assert_eq!(asks(&typed(&mut app, "y")), [], "y alone is not enough");
    keys(&mut app, "backspace");
    assert_eq!(asks(&typed(&mut app, "yes")), [Ask::Do(Deed::End("web-1@77".to_owned()))]);
    assert!(app.popup.is_none());
}

#[test]
fn a_change_that_is_left_does_nothing() {
    let mut app = allowed();
    keys(&mut app, ":");
    typed(&mut app, "clear ann");
    assert_eq!(asks(&keys(&mut app, "y e s esc")), []);
    assert_eq!(app.message.clone().unwrap().1, "nothing was done");
    assert_eq!(asks(&keys(&mut app, "enter")), []);
}

#[test]
fn the_id_on_the_screen_is_sent_with_its_number() {
    let mut app = allowed();
    figures(&mut app, &[("ann", 2, 5)]);
    keys(&mut app, "j enter");
    told(&mut app, Told::User(Box::new(detail("ann", &[(41, "web"), (42, "phone")]))));
    // The session was replaced by another of the same id after the box was shown.
    keys(&mut app, ":");
    typed(&mut app, "end phone");
    told(&mut app, Told::User(Box::new(detail("ann", &[(41, "web"), (99, "phone")]))));
    assert_eq!(asks(&typed(&mut app, "yes")), [Ask::Do(Deed::End("phone@42".to_owned()))]);
}

#[test]
fn a_server_that_goes_away_is_said_and_tried_again() {
    let mut app = begun(setup());
    figures(&mut app, &[("ann", 5, 5)]);
    let failed = || Failed { kind: Kind::Top, is_connection: true, why: "refused".to_owned() };
    app.update(Msg::Failed(Side::Live, failed()));
    assert!(matches!(app.link, Link::Lost { since: Millis(NOW), .. }));
    assert_eq!(app.user_rows().len(), 1, "what was known is still shown");
    let again = app.update(Msg::Tick(Millis(NOW + 1_000)));
    assert!(asks(&again).contains(&Ask::Top));
    figures(&mut app, &[("ann", 5, 5)]);
    assert_eq!(app.link, Link::Up);
}

#[test]
fn of_each_kind_one_question_is_under_way() {
    let mut app = begun(setup());
    for second in 1..20 {
        let effects = app.update(Msg::Tick(Millis(NOW + second * 1_000)));
        assert_eq!(asks(&effects), [], "no answer came, so nothing is asked again");
    }
    figures(&mut app, &[]);
    let effects = app.update(Msg::Tick(Millis(NOW + 20_500)));
    assert_eq!(asks(&effects), [Ask::Top]);
}

#[test]
fn alerts_say_what_is_wrong_gravest_first_and_lead_there() {
    let mut app = begun(setup());
    let mut wrong = Top { poisoned: true, durability: "relaxed".to_owned(), ..top(&[]) };
    wrong.warnings.push("the audit sink `stdout` takes nothing".to_owned());
    told(&mut app, Told::Top(Box::new(wrong)));
    told(&mut app, Told::Policies(policies()));
    let keys_of: Vec<String> = app.alert_rows().into_iter().map(|alert| alert.key).collect();
    assert_eq!(keys_of, ["poisoned", "relaxed", "warning 0", "failing per-user strict@9f31c0de"]);
    keys(&mut app, "tab tab j G enter");
    assert_eq!(*app.view(), View::Policies);
}

#[test]
fn five_times_the_refusals_of_the_hour_before_are_an_alert() {
    let mut app = begun(setup());
    let at = |app: &mut App, second: u64, denied: f64| {
        app.update(Msg::Tick(Millis(NOW + second * 1_000)));
        let mut figures = top(&[]);
        figures.rates.denied = Some(denied);
        told(app, Told::Top(Box::new(figures)));
    };
    (1..300).for_each(|second| at(&mut app, second, 2.0));
    let has = |app: &App| app.alert_rows().iter().any(|alert| alert.key == "denials");
    assert!(!has(&app));
    at(&mut app, 300, 9.0);
    assert!(!has(&app));
    at(&mut app, 301, 10.0);
    assert!(has(&app));
}

#[test]
fn a_user_evicted_again_and_again_is_an_alert_that_leads_to_him() {
    let mut app = begun(setup());
    let events = (0..6).map(|n| evicted(5_000 + n, "ping", "s", "t")).collect();
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 0 }));
    keys(&mut app, "tab tab enter");
    assert_eq!(*app.view(), View::User("ping".to_owned()));
}

#[test]
fn whoever_is_looked_at_is_followed_and_nobody_else() {
    let mut app = begun(setup());
    figures(&mut app, &[("ann", 5, 5), ("bob", 4, 5)]);
    let effects = keys(&mut app, "j enter");
    assert!(effects.contains(&Effect::Follow(Some("ann".to_owned()))));
    assert!(keys(&mut app, "esc").contains(&Effect::Follow(None)));
    let stale = Fed::Events { events: vec![evicted(9_000, "ann", "s", "t")], skipped: 0 };
    app.update(Msg::Fed(Some("ann".to_owned()), stale));
    assert_eq!(app.live.timeline.tail.events.len(), 0, "what comes late is not another's");
}

#[test]
fn a_filter_finds_and_says_where_it_does_not_apply() {
    let mut app = begun(setup());
    figures(&mut app, &[("alice", 5, 5), ("bob", 4, 5), ("malice", 1, 5)]);
    keys(&mut app, "/");
    let effects = typed(&mut app, "user:ali used>80%");
    assert_eq!(app.user_rows().iter().map(|row| row.user.as_str()).collect::<Vec<_>>(), ["alice"]);
    let asked = asks(&effects);
    let Some(Ask::Users(query)) = asked.first() else { panic!("{asked:?}") };
    assert_eq!((query.user.as_deref(), query.near.as_deref()), (Some("*ali*"), Some("80%")));
    keys(&mut app, "/ ctrl-u");
    typed(&mut app, "nonsense:x");
    assert!(app.message.clone().unwrap().1.starts_with("there is no `nonsense:`"));
    assert_eq!(app.filter.text, "user:ali used>80%", "what was in force stays");
}

#[test]
fn a_page_of_users_is_asked_for_only_where_the_figures_are_not_enough() {
    let mut app = begun(setup());
    let names: Vec<String> = (0..20).map(|n| format!("user-{n:02}")).collect();
    let users: Vec<_> = names.iter().map(|name| (name.as_str(), 5, 5)).collect();
    figures(&mut app, &users);
    let is_page = |effects: &[Effect]| asks(effects).iter().any(|ask| matches!(ask, Ask::Users(_)));
    for _ in 0..16 {
        assert!(!is_page(&keys(&mut app, "j")), "{:?}", app.users.chosen);
    }
    assert!(is_page(&keys(&mut app, "j")));
}

#[test]
fn the_tail_is_bounded_and_says_what_was_skipped() {
    let mut app = begun(setup());
    for batch in 0..20 {
        let events = (0..100).map(|n| evicted(1_000 + batch * 100 + n, "ann", "s", "t")).collect();
        app.update(Msg::Fed(None, Fed::Events { events, skipped: 7 }));
    }
    assert_eq!((app.live.tail.events.len(), app.live.tail.skipped), (500, 140));
    assert_eq!(app.event_rows()[0].seq, 2_999, "newest first");
}

#[test]
fn a_filter_about_sessions_is_asked_of_whoever_knows_all_of_them() {
    let mut app = begun(setup());
    figures(&mut app, &[("ann", 5, 5), ("bob", 4, 5)]);
    keys(&mut app, "/");
    let effects = typed(&mut app, "ip:10.0.0.0/8 client:vpn user:b");
    let query = SessionsQuery {
        ip: Some("10.0.0.0/8".to_owned()),
        client: Some("*vpn*".to_owned()),
        ..SessionsQuery::default()
    };
    assert!(asks(&effects).contains(&Ask::Sessions(query)), "{effects:?}");
    let sessions = vec![session(7, "s7", "bob"), session(8, "s8", "bob"), session(9, "s9", "cid")];
    told(&mut app, Told::Sessions { sessions, is_whole: true });
    let rows = app.user_rows();
    let shown: Vec<(&str, u32)> = rows.iter().map(|row| (row.user.as_str(), row.active)).collect();
    assert_eq!(shown, [("bob", 4)], "whose sessions are such, and who is called so, as full as he is");
    assert_eq!(rows.first().unwrap().limit, Some(LimitWord::Number(5)));
    keys(&mut app, "esc");
    assert_eq!(app.user_rows().len(), 2, "without the filter all are there");
}

#[test]
fn what_is_shown_is_written_to_a_file_whose_name_no_stranger_chooses() {
    let mut app = begun(setup());
    figures(&mut app, &[("../a b\u{1b}$(x)", 5, 5)]);
    keys(&mut app, "j enter");
    told(&mut app, Told::User(Box::new(detail("../a b\u{1b}$(x)", &[(41, "web")]))));
    let effects = keys(&mut app, "o");
    let [Effect::Export { name, text }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(name, "sledger-user-___a_b___x_-2026-11-20T12_04_31_207Z.json");
    let written: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(written, sledger_tui::twin::json(&app), "the same as `top --once` prints");
    app.update(Msg::Exported(Err("cannot write it: no space left on device".to_owned())));
    assert_eq!(app.message.clone().unwrap().1, "cannot write it: no space left on device");
}

#[test]
fn a_users_past_is_put_before_what_came_since() {
    let mut app = begun(setup());
    figures(&mut app, &[("ann", 5, 5)]);
    let effects = keys(&mut app, "j enter");
    assert!(asks(&effects).contains(&Ask::Timeline("ann".to_owned())), "{effects:?}");
    let fed = vec![evicted(2_000, "ann", "s", "t"), event(2_001, "login.denied", "ann", "u")];
    app.update(Msg::Fed(Some("ann".to_owned()), Fed::Events { events: fed, skipped: 0 }));
    let events = vec![event(1_500, "login.admitted", "ann", "s"), evicted(2_000, "ann", "s", "t")];
    told(&mut app, Told::Timeline { user: "ann".to_owned(), events, is_whole: true });
    let seqs: Vec<u64> = app.timeline().map(|event| event.seq).collect();
    assert_eq!(seqs, [1_500, 2_000, 2_001], "each once, in order");
    let again = app.update(Msg::Tick(Millis(NOW + 60_000)));
    assert!(!asks(&again).contains(&Ask::Timeline("ann".to_owned())), "asked once: each look is recorded");
}

#[test]
fn a_session_tells_why_by_itself_once() {
    let mut app = begun(setup());
    figures(&mut app, &[("ann", 5, 5)]);
    keys(&mut app, "j enter");
    told(&mut app, Told::User(Box::new(detail("ann", &[(41, "web")]))));
    let effects = keys(&mut app, "j enter");
    let about = "web@41".to_owned();
    assert!(asks(&effects).contains(&Ask::Why(about.clone())), "{effects:?}");
    told(&mut app, Told::Why { about, why: Box::new(why("ann", "web", "s")) });
    let again = app.update(Msg::Tick(Millis(NOW + 60_000)));
    assert!(!asks(&again).iter().any(|ask| matches!(ask, Ask::Why(_))), "{again:?}");
}

#[test]
fn a_time_line_is_looked_at_closer_and_moved() {
    let mut app = begun(setup());
    figures(&mut app, &[("ann", 5, 5)]);
    keys(&mut app, "j enter");
    let begin = Millis(NOW - 8_000_000);
    assert_eq!(app.user_window(begin), (begin, Millis(NOW)));
    keys(&mut app, "z z");
    assert_eq!(app.user_window(begin), (Millis(NOW - 2_000_000), Millis(NOW)));
    keys(&mut app, "left left left left left");
    assert_eq!(app.user_window(begin), (Millis(NOW - 3_000_000), Millis(NOW - 1_000_000)));
    keys(&mut app, "right right right right right right Z Z");
    assert_eq!(app.user_window(begin), (begin, Millis(NOW)));
}

fn any_msg() -> impl Strategy<Value = Msg> {
    let names = prop::collection::vec(("[a-d]", 0_u32..9, 0_u32..9), 0..6);
    prop_oneof![
        4 => prop::sample::select(ACTIONS).prop_filter_map("an action without a key", |one| {
            let key = sledger_tui::keys::Keymap::default().hint(one.action);
            Key::read(&key).filter(|key| *key != Key::char('q')).map(Msg::Key)
        }),
        1 => any::<char>().prop_map(|letter| Msg::Key(Key::char(letter))),
        2 => names.prop_map(|users| {
            let users: Vec<_> = users.iter().map(|(name, active, limit)| (name.as_str(), *active, *limit)).collect();
            Msg::Told(Side::Live, Told::Top(Box::new(top(&users))))
        }),
        1 => (0_u64..400).prop_map(|n| {
            Msg::Fed(None, Fed::Events { events: vec![evicted(1_000 + n, "a", "s", "t")], skipped: n })
        }),
        1 => (0_u64..100_000).prop_map(|ms| Msg::Tick(Millis(NOW + ms))),
        1 => (0_u16..200, 0_u16..80).prop_map(|(columns, rows)| Msg::Resize(columns, rows)),
        1 => Just(Msg::Failed(Side::Live, Failed { kind: Kind::Top, is_connection: true, why: "x".to_owned() })),
        1 => (-9_i16..9).prop_map(Msg::Wheel),
        2 => any_told().prop_map(|(is_past, told)| {
            Msg::Told(if is_past { Side::Past } else { Side::Live }, told)
        }),
    ]
}

/// Answers, some to questions that nobody asked any more.
fn any_told() -> impl Strategy<Value = (bool, Told)> {
    let user = || "[a-d]".prop_map(|name: String| name);
    let number = 1_u64..40;
    let told = prop_oneof![
        (user(), prop::collection::vec(number.clone(), 0..5)).prop_map(|(name, numbers)| {
            let sessions: Vec<_> = numbers.iter().map(|number| (*number, "s")).collect();
            Told::User(Box::new(detail(&name, &sessions)))
        }),
        (user(), number.clone(), any::<bool>()).prop_map(|(user, n, is_whole)| {
            let events =
                vec![evicted(1_000 + n, &user, "s", "t"), event(1_100 + n, "login.denied", &user, "")];
            Told::Timeline { user, events, is_whole }
        }),
        (user(), number.clone()).prop_map(|(user, n)| {
            Told::Why { about: format!("s@{n}"), why: Box::new(why(&user, "s", "t")) }
        }),
        (user(), number.clone())
            .prop_map(|(user, n)| { Told::Session(Box::new(Found::Ended(ended(n, "s", &user, "t")))) }),
        (user(), number.clone()).prop_map(|(user, n)| {
            Told::Sessions { sessions: vec![session(n, "s", &user)], is_whole: n > 20 }
        }),
        number.prop_map(|n| {
            let (seq, last) = (Seq(1_000 + n), Seq(1_040));
            let span = (Millis(NOW), Millis(NOW + 40_000));
            Told::At(Box::new(Position {
                seq,
                at: Millis(NOW + n * 1_000),
                last,
                span,
                ..Position::default()
            }))
        }),
        Just(Told::Policies(policies())),
    ];
    (any::<bool>(), told)
}

/// Users, sessions with their state, events, policies with their use.
type Rows = (Vec<String>, Vec<(u64, String)>, Vec<u64>, Vec<(String, String)>);

/// What lists show, and in which order.
fn rows(app: &App) -> Rows {
    let users = app.user_rows().into_iter().map(|row| row.user).collect();
    let sessions = app.session_rows().into_iter().map(|row| (row.number, row.state().to_owned())).collect();
    let events = app.event_rows().iter().map(|event| event.seq).collect();
    (users, sessions, events, app.policy_keys())
}

/// Whatever a frozen view was told already: then nothing that comes is new to it.
fn frozen(open: &str) -> App {
    let mut app = begun(setup());
    figures(&mut app, &[("a", 5, 5), ("b", 3, 5), ("c", 1, 5)]);
    told(&mut app, Told::Policies(policies()));
    keys(&mut app, open);
    if let View::User(name) = app.view().clone() {
        told(&mut app, Told::User(Box::new(detail(&name, &[(7, "s"), (9, "t")]))));
        let events = vec![evicted(1_003, &name, "old", "s")];
        told(&mut app, Told::Timeline { user: name, events, is_whole: true });
    }
    keys(&mut app, "space");
    app
}

proptest! {
    #[test]
    fn a_frozen_view_keeps_order_and_membership_whatever_comes(
        place in 0_usize..3,
        msgs in prop::collection::vec(any_msg(), 0..40),
    ) {
        let open = ["j", "j enter", "4"];
        let mut app = frozen(open[place]);
        let before = rows(&app);
        for msg in msgs {
            // Keys may leave the view; the past is another.
            if !matches!(msg, Msg::Key(_) | Msg::Wheel(_) | Msg::Told(Side::Past, _)) {
                app.update(msg);
                prop_assert_eq!(&rows(&app), &before);
            }
        }
    }

    #[test]
    fn whatever_happens_it_draws_and_changes_nothing_by_itself(msgs in prop::collection::vec(any_msg(), 0..60)) {
        let mut setup = setup();
        (setup.allow_actions, setup.has_past) = (true, true);
        let mut app = begun(setup);
        for msg in msgs {
            let is_choice = matches!(msg, Msg::Key(_) | Msg::Wheel(_));
            let chosen = app.users.chosen.clone();
            let effects = app.update(msg);
            prop_assert!(asks(&effects).iter().all(|ask| !matches!(ask, Ask::Do(_))));
            if !is_choice {
                prop_assert_eq!(&app.users.chosen, &chosen);
            }
            drop(drawn(&app, app.size.0.max(1), app.size.1.max(1)));
        }
    }

    #[test]
    fn equal_messages_make_equal_screens(msgs in prop::collection::vec(any_msg(), 0..40)) {
        let mut apps = [begun(setup()), begun(setup())];
        for msg in msgs {
            let [one, two] = &mut apps;
            prop_assert_eq!(one.update(msg.clone()), two.update(msg));
        }
        let [one, two] = &apps;
        prop_assert_eq!(dump(&drawn(one, 80, 24)), dump(&drawn(two, 80, 24)));
    }
}
