//! What every view looks like, text and colours, in every size and state that matters. Where it is meant to change the
//! files are written anew by `SLEDGER_GOLDEN=write cargo test -p sledger-tui --test it screens`.

use crate::given::*;
use sledger_tui::app::{App, Msg};
use sledger_tui::source::{Ask, Failed, Fed, Kind, Side, Told};
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
fn the_overview_before_the_first_answer() {
    holds("overview_starting", &begun(setup()), &[(80, 24)]);
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
fn why_a_session_ended() {
    let mut app = user();
    let effects = keys(&mut app, "G w");
    assert_eq!(asks(&effects), [Ask::Why("seq:1204890".to_owned())]);
    holds("why_asked", &app, &[(80, 24)]);
    let about = "seq:1204890".to_owned();
    told(&mut app, Told::Why { about, why: Box::new(why("alice", "s-91c2", "s-a77f")) });
    holds("why", &app, &SIZES);
    assert_eq!(keys(&mut app, "y").len(), 1, "all of it can be copied");
    keys(&mut app, "esc");
    assert!(app.popup.is_none());
}

#[test]
fn why_that_cannot_be_told_is_said_in_its_place() {
    let mut app = user();
    keys(&mut app, "G w");
    let why = "others ask about the past already: ask again".to_owned();
    app.update(Msg::Failed(Side::Live, Failed { kind: Kind::Why, is_connection: false, why }));
    let text = dump(&drawn(&app, 80, 24));
    assert!(text.contains("others ask about the past already"), "{text}");
    assert!(
        text.contains("5 because      evicted oldest"),
        "what the event says is shown all the same: {text}"
    );
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
