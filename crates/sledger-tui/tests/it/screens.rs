//! What every view looks like, text and colours, in every size and state that matters. Where it is meant to change the
//! files are written anew by `SLEDGER_GOLDEN=write cargo test -p sledger-tui --test it screens`.

use crate::given::*;
use sledger_core::Millis;
use sledger_tui::app::{App, Msg};
use sledger_tui::source::{Failed, Fed, Kind, Side, Told};
use sledger_tui::theme::ThemeName;
use sledger_wire::events::EventLine;
use std::path::Path;

const SIZES: [(u16, u16); 3] = [(60, 15), (80, 24), (140, 45)];

pub(crate) fn holds(name: &str, app: &App, sizes: &[(u16, u16)]) {
    let mut differing = Vec::new();
    for (columns, rows) in sizes {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}_{columns}x{rows}.txt"));
        let drawn = dump(&drawn(app, *columns, *rows));
        if std::env::var_os("SLEDGER_GOLDEN").is_some_and(|word| word == "write") {
            std::fs::write(&file, &drawn).unwrap();
        }
        let known = std::fs::read_to_string(&file).unwrap_or_default();
        if known != drawn {
            differing.push(format!("{}:\n{drawn}", file.display()));
        }
    }
    assert!(
        differing.is_empty(),
        "if it is meant, write it anew with SLEDGER_GOLDEN=write:\n{}",
        differing.join("\n")
    );
}

#[test]
fn the_overview() {
    holds("overview", &overview(), &SIZES);
}

#[test]
fn the_overview_before_the_first_answer() {
    holds("overview_starting", &begun(setup()), &[(80, 24)]);
}

#[test]
fn the_overview_of_an_empty_ledger() {
    let mut app = begun(setup());
    let mut figures = top(&[]);
    (figures.seq, figures.sessions, figures.users, figures.at_limit, figures.near_limit) = (3, 0, 0, 0, 0);
    told(&mut app, Told::Top(Box::new(figures)));
    holds("overview_empty", &app, &[(80, 24)]);
}

#[test]
fn the_overview_frozen_while_events_go_on() {
    let mut app = overview();
    keys(&mut app, "j space");
    let mut later = top(&[("zoe", 9, 9)]);
    later.seq += 1_017;
    told(&mut app, Told::Top(Box::new(later)));
    app.update(Msg::Tick(Millis(NOW + 4_000)));
    holds("overview_frozen", &app, &[(80, 24)]);
}

#[test]
fn the_overview_of_a_server_that_went_away() {
    let mut app = overview();
    let why =
        "cannot connect to http://127.0.0.1:7070/: connection refused; is `sledger serve` running there?";
    let failed = Failed { kind: Kind::Top, is_connection: true, why: why.to_owned() };
    app.update(Msg::Failed(Side::Live, failed));
    app.update(Msg::Tick(Millis(NOW + 12_000)));
    holds("overview_lost", &app, &SIZES);
}

#[test]
fn the_overview_of_a_poisoned_ledger() {
    let mut app = overview();
    let mut figures = top(&[("alice", 5, 5)]);
    figures.poisoned = true;
    let mut stats = ledger();
    stats.poison_reason = Some("fdatasync failed: input/output error".to_owned());
    told(&mut app, Told::Top(Box::new(figures)));
    told(&mut app, Told::Ledger(Box::new(stats)));
    holds("overview_poisoned", &app, &[(80, 24)]);
}

#[test]
fn the_overview_of_more_events_than_anybody_reads() {
    let mut app = overview();
    let events = (0..300).map(|n| evicted(1_300_000 + n, &format!("user-{n}"), "s", "t")).collect();
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 48_211 }));
    let mut figures = top(&[("alice", 5, 5)]);
    figures.rates.evicted = Some(50_412.7);
    figures.warnings =
        vec!["the configuration was not taken, the former one stays in force: `quotaa`".to_owned()];
    told(&mut app, Told::Top(Box::new(figures)));
    holds("overview_overload", &app, &[(80, 24)]);
}

#[test]
fn names_that_are_out_to_harm() {
    let mut app = begun(setup());
    let control: String = "\u{1b}[2J\u{7}".chars().cycle().take(250).collect();
    let wide = "李雷韩梅梅李雷韩梅梅李雷韩梅梅李雷韩梅梅";
    let turned = "ann\u{202e}nimda\u{200b}";
    let combined = "e\u{301}\u{327}\u{301} family 👨‍👩‍👧";
    told(
        &mut app,
        Told::Top(Box::new(top(&[(&control, 5, 5), (wide, 4, 5), (turned, 3, 5), (combined, 2, 5)]))),
    );
    let events = vec![evicted(7_000, &control, wide, turned), event(7_001, "login.denied", wide, &control)];
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 0 }));
    for (columns, rows) in SIZES {
        let text = dump(&drawn(&app, columns, rows));
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text}");
        assert!(!text.contains(['\u{202e}', '\u{200b}']), "{text}");
    }
    holds("overview_hostile", &app, &[(80, 24)]);
}

#[test]
fn the_overview_without_colours_and_on_a_light_ground() {
    for (name, theme) in [("overview_mono", ThemeName::Mono), ("overview_light", ThemeName::Light)] {
        let mut app = overview();
        app.theme = theme;
        if theme == ThemeName::Mono {
            let text = dump(&drawn(&app, 80, 24));
            assert!(
                !["red", "green", "yellow", "cyan", "blue"].iter().any(|name| text.contains(name)),
                "{text}"
            );
        }
        holds(name, &app, &[(80, 24)]);
    }
}

fn user() -> App {
    let mut app = overview();
    keys(&mut app, "j enter");
    let sessions = [(190, "s-a001"), (30, "s-b7e0"), (12, "s-c312")];
    told(&mut app, Told::User(Box::new(detail("alice", &sessions))));
    let events = vec![evicted(1_204_890, "alice", "s-91c2", "s-a77f")];
    app.update(Msg::Fed(Some("alice".to_owned()), Fed::Events { events, skipped: 0 }));
    app
}

#[test]
fn a_user() {
    holds("user", &user(), &SIZES);
}

#[test]
fn why_a_session_ended() {
    let mut app = user();
    keys(&mut app, "j w");
    holds("why", &app, &[(80, 24)]);
}

#[test]
fn a_session() {
    let mut app = user();
    keys(&mut app, "j j enter");
    let found = sledger_tui::source::Found::Live(session(190, "s-a001", "alice"));
    told(&mut app, Told::Session(Box::new(found)));
    holds("session", &app, &SIZES);
}

#[test]
fn the_policies() {
    let mut app = overview();
    keys(&mut app, "4 j");
    let mut policy = policies().policies.remove(1);
    policy.text =
        Some("// Ends the session that began first.\nfn on_exhausted(ctx) {\n    evict(1)\n}\n".to_owned());
    told(&mut app, Told::Policy(Box::new(policy)));
    holds("policies", &app, &SIZES);
}

#[test]
fn the_help() {
    let mut app = overview();
    keys(&mut app, "?");
    holds("help", &app, &[(80, 24), (140, 60)]);
}

#[test]
fn a_change_that_is_to_be_confirmed() {
    let mut allowed = setup();
    allowed.allow_actions = true;
    let mut app = begun(allowed);
    told(&mut app, Told::Top(Box::new(top(&[("alice", 5, 5)]))));
    keys(&mut app, ":");
    typed(&mut app, "clear alice");
    holds("confirm", &app, &[(80, 24)]);
}

#[test]
fn every_size_is_drawn_and_too_small_is_said() {
    let apps = [overview(), user(), begun(setup())];
    for app in &apps {
        for columns in [1, 2, 10, 59, 60, 61, 79, 100, 129, 130, 200, 400] {
            for rows in [1, 2, 5, 14, 15, 16, 20, 24, 33, 36, 60, 120] {
                let text = dump(&drawn(app, columns, rows));
                if (columns < 60 || rows < 15) && columns >= 12 {
                    assert!(text.starts_with(&format!("{columns}x{rows} is too")), "{text}");
                }
            }
        }
    }
}

#[test]
fn what_is_known_of_no_event_is_drawn_too() {
    let mut app = begun(setup());
    let events = vec![EventLine { seq: 1, kind: "a.type.of.tomorrow".to_owned(), ..EventLine::default() }];
    app.update(Msg::Fed(None, Fed::Events { events, skipped: 0 }));
    assert!(dump(&drawn(&app, 80, 24)).contains("a.type.of.tomorrow"));
}
