//! Events byte for byte.

use super::*;
use sledger_core::event::{Judgement, PolicyRef};
use sledger_core::{Limit, Personal, Span, Texts, UserNo};

fn judged() -> Judged {
    Judged {
        quota: 0,
        key: Personal::Plain("ann".into()),
        limit: Limit::at_most(5).unwrap(),
        active: 5,
        policy: Some(PolicyRef { name: "destroy_oldest".into(), revision: [0x3f, 0x9a, 0x12, 0xc0] }),
        answer: Judgement::Evict { victims: vec![Seq(7)] },
        reason: Some("oldest".into()),
        told: None,
        notes: Vec::new(),
        line: 9,
        column: 5,
        operations: 3,
        failure: None,
        enforced: true,
    }
}

fn facts() -> Facts {
    let mut facts = Facts::new(Texts {
        user: "ann",
        session: "a",
        ip: "10.0.0.1",
        client: "web",
        source: "portal",
        ..Texts::default()
    });
    facts.started = Millis(1000);
    facts.ttl = Span::NEVER;
    facts
}

fn told<'a>(event: &'a Event, actor: &'a Actor) -> Told<'a> {
    Told {
        seq: Seq(1_204_880),
        at: Millis(1_795_176_271_207),
        decision: Seq(1_204_880),
        actor,
        request_id: None,
        event,
        facts: None,
        user: None,
        by_session: None,
        judged: None,
        quota: None,
        message: None,
    }
}

#[test]
fn the_documented_event_is_printed_byte_for_byte_and_then_its_ends() {
    let (judged, facts) = (judged(), facts());
    let actor = Actor::Token("web-1".into());
    let event = Event::Ended {
        session: Seq(7),
        cause: Cause::Evicted,
        ended_at: Millis(1_795_176_271_207),
        judged: Some(0),
    };
    let line = EventLine::of(&Told {
        facts: Some(&facts),
        by_session: Some("b"),
        judged: Some(&judged),
        quota: Some("per-user"),
        message: Some("You were signed out because …"),
        ..told(&event, &actor)
    });
    assert_eq!(
        line.to_json(),
        concat!(
            r#"{"seq":1204880,"at":"2026-11-20T12:04:31.207Z","type":"session.evicted","code":"SESSION_QUOTA_EXCEEDED","#,
            r#""decision":1204880,"actor":"token:web-1","request_id":null,"user":"ann","session":"a","by_session":"b","#,
            r#""source":"portal","ip":"10.0.0.1","client":"web","quota":"per-user","key":"ann","limit":5,"active":5,"#,
            r#""policy":"destroy_oldest@3f9a12c0","line":9,"cause":"evicted","reason":"oldest","#,
            r#""message":"You were signed out because …","number":7,"started":"1970-01-01T00:00:01.000Z","#,
            r#""ended_at":"2026-11-20T12:04:31.207Z"}"#
        )
    );
    assert_eq!(serde_json::from_str::<EventLine>(&line.to_json()).unwrap(), line);
}

#[test]
fn an_admission_carries_its_number_and_why_somebody_had_to_go() {
    let judged = judged();
    let event = Event::Admitted { user: UserNo(1), counted: [].into_iter().collect() };
    let plain = EventLine::of(&told(&event, &Actor::Cli));
    assert_eq!((plain.number, plain.code.as_deref()), (Some(1_204_880), None));
    let crowded = EventLine::of(&Told { judged: Some(&judged), ..told(&event, &Actor::Cli) });
    assert_eq!(crowded.code.as_deref(), Some("SESSION_QUOTA_EXCEEDED"));
}

#[test]
fn counted_denials_tell_first_last_and_count() {
    let event = Event::DenialsCounted {
        user: Personal::Plain("ann".into()),
        quota: Some(0),
        policy: None,
        code: Code::UserBanned,
        first: Millis(0),
        last: Millis(1000),
        count: 17,
    };
    let line = EventLine::of(&told(&event, &Actor::Timer));
    assert_eq!(
        (line.kind.as_str(), line.user.as_deref(), line.count),
        ("login.denied", Some("ann"), Some(17))
    );
    assert_eq!(line.last.as_deref(), Some("1970-01-01T00:00:01.000Z"));
}

#[test]
fn events_without_a_session_have_details() {
    let event = Event::QuotaChanged { quota: "q".into(), fields: vec!["enabled".into()], reason: None };
    let line = EventLine::of(&told(&event, &Actor::File));
    assert!(
        line.to_json().ends_with(r#""details":{"quota":"q","fields":["enabled"]}}"#),
        "{}",
        line.to_json()
    );
}

#[test]
fn every_type_is_listed_once() {
    let mut sorted = TYPES.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), TYPES.len());
    for event in [Event::LedgerStopped, Event::Disconnected { session: Seq(1) }] {
        assert!(TYPES.contains(&type_of(&event)));
    }
}

#[test]
fn actors_are_written_and_read_alike() {
    let actors = [
        (Actor::Token("web-1".into()), "token:web-1"),
        (Actor::Uid(1000), "uid:1000"),
        (Actor::Gate("mqtt".into()), "gate:mqtt"),
        (Actor::Cli, "cli"),
        (Actor::File, "file"),
        (Actor::Timer, "timer"),
        (Actor::Import("C:/a:b.log".into()), "import:C:/a:b.log"),
        (Actor::Local, "local"),
    ];
    for (one, text) in actors {
        assert_eq!(actor_text(&one), text);
        assert_eq!(actor(text), Ok(one));
    }
    for text in ["", "uid:x", "root", "uid:-1"] {
        let forms = "`token:NAME`, `uid:N`, `gate:NAME`, `cli`, `file`, `timer`, `import:FILE`, `local`";
        assert_eq!(actor(text), Err(format!("`{text}` is no actor: one of {forms}").into()));
    }
}
