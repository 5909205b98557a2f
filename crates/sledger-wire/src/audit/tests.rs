use super::*;
use crate::events::TYPES;
use crate::values::LimitWord;

const FORMATS: [AuditFormat; 3] = [AuditFormat::Json, AuditFormat::Cef, AuditFormat::Text];

/// Everything that ends a line, a value or a field somewhere, and what acts on terminals.
const HOSTILE: &str =
    "a\nb\r|c=d]e\"f\\g\u{1b}[2Jh\u{202e}i\u{2028}j\u{85}k\u{9b}l\u{e0041}m\tn seq=9 externalId=9";

fn event() -> EventLine {
    EventLine {
        seq: 1_204_880,
        at: "2026-11-20T12:04:31.207Z".to_owned(),
        kind: "session.evicted".to_owned(),
        code: Some("SESSION_QUOTA_EXCEEDED".to_owned()),
        decision: 1_204_880,
        actor: "token:web-1".to_owned(),
        user: Some("ann".to_owned()),
        session: Some("a".to_owned()),
        by_session: Some("b".to_owned()),
        ip: Some("10.0.0.1".to_owned()),
        client: Some("web".to_owned()),
        quota: Some("per-user".to_owned()),
        key: Some("ann".to_owned()),
        limit: Some(LimitWord::Number(5)),
        active: Some(5),
        cause: Some("evicted".to_owned()),
        reason: Some("oldest".to_owned()),
        message: Some("You were signed out …".to_owned()),
        started: Some("1970-01-01T00:00:01.000Z".to_owned()),
        ..EventLine::default()
    }
}

fn hostile() -> EventLine {
    let hostile = || Some(HOSTILE.to_owned());
    let mut event = event();
    for field in [&mut event.user, &mut event.session, &mut event.ip, &mut event.client, &mut event.key] {
        *field = hostile();
    }
    event.actor = HOSTILE.to_owned();
    event.details.insert("name".to_owned(), HOSTILE.into());
    event
}

#[test]
fn text_is_time_type_seq_and_quoted_values() {
    assert_eq!(
        line(&event(), AuditFormat::Text),
        concat!(
            r#"2026-11-20T12:04:31.207Z session.evicted seq=1204880 user="ann" session="a" "#,
            r#"code="SESSION_QUOTA_EXCEEDED" by_session="b" ip="10.0.0.1" client="web" quota="per-user" key="ann" "#,
            r#"cause="evicted" limit=5 active=5 decision=1204880 actor="token:web-1" reason="oldest" "#,
            r#"message="You were signed out …" started="1970-01-01T00:00:01.000Z""#
        )
    );
}

#[test]
fn cef_has_its_head_and_labels() {
    let version = env!("CARGO_PKG_VERSION");
    let head = format!("CEF:0|sledger|sledger|{version}|session.evicted|session evicted|6|");
    let extension = concat!(
        "externalId=1204880 rt=1795176271207 suser=ann cs2=a cs2Label=session cs1=SESSION_QUOTA_EXCEEDED ",
        "cs1Label=code cs6=b cs6Label=by_session src=10.0.0.1 requestClientApplication=web cs3=per-user ",
        "cs3Label=quota cs4=ann cs4Label=key flexString2=evicted flexString2Label=cause flexString1=5 ",
        "flexString1Label=limit cn1=5 cn1Label=active cn3=1204880 cn3Label=decision sledgerActor=token:web-1 ",
        "reason=oldest msg=You were signed out … start=1000"
    );
    assert_eq!(line(&event(), AuditFormat::Cef), head + extension);
}

#[test]
fn hostile_names_in_text_stay_within_their_quotes() {
    let user = r#" user="a\nb\r|c=d]e\"f\\g\u{1b}[2Jh\u{202e}i\u{2028}j\u{85}k\u{9b}l\u{e0041}m\tn seq=9 externalId=9" "#;
    let text = line(&hostile(), AuditFormat::Text);
    assert!(text.contains(user), "{text}");
}

#[test]
fn hostile_names_in_cef_stay_within_their_value() {
    let user = concat!(
        r" suser=a\nb\r|c\=d]e",
        "\"",
        r"f\\g\\u{1b}[2Jh\\u{202e}i\\u{2028}j\\u{85}k\\u{9b}l\\u{e0041}m\\tn seq\=9 externalId\=9 ",
    );
    let cef = line(&hostile(), AuditFormat::Cef);
    assert!(cef.contains(user), "{cef}");
}

#[test]
fn a_head_of_cef_escapes_bars() {
    let odd = EventLine { kind: "a|b\\c".to_owned(), ..event() };
    let cef = line(&odd, AuditFormat::Cef);
    assert!(cef.contains(r"|a\|b\\c|a\|b\\c|4|externalId="), "{cef}");
}

#[test]
fn json_is_the_value_of_the_feed() {
    let written = line(&hostile(), AuditFormat::Json);
    assert!(
        written.contains(
            r#""user":"a\nb\r|c=d]e\"f\\g\u001b[2Jh\u202ei\u2028j\u0085k\u009bl\udb40\udc41m\tn seq"#
        )
    );
    assert_eq!(serde_json::from_str::<EventLine>(&written).unwrap(), hostile());
    assert_eq!(line(&event(), AuditFormat::Json), event().to_json(), "nothing harmless is changed");
}

#[test]
fn every_line_is_one_line_and_tells_its_seq() {
    for format in FORMATS {
        for event in [event(), hostile()] {
            let line = line(&event, format);
            assert!(!line.chars().any(|letter| letter.is_control() || letter == '\u{2028}'), "{line:?}");
            assert_eq!(seq_of(line.as_bytes()), Some(1_204_880), "{line}");
            for cut in 0..line.len().min(60) {
                assert!(is_begun(&line.as_bytes()[..cut]), "{cut} of {line}");
            }
        }
    }
}

#[test]
fn what_is_not_ours_has_no_seq() {
    for foreign in [
        "",
        "seq=7",
        "hello",
        "{\"a\":1}",
        "CEF:0|other|x|1|a|b|3|externalId=7",
        "root:x:0:0",
        "2026 x seq=7",
    ] {
        assert_eq!(seq_of(foreign.as_bytes()), None, "{foreign}");
    }
    for foreign in ["root:x", "hello", "20 x", "CEF:1"] {
        assert!(!is_begun(foreign.as_bytes()), "{foreign}");
    }
}

#[test]
fn nothing_that_an_event_says_is_left_out_of_text_and_cef() {
    let mut full = hostile();
    for field in
        [&mut full.source, &mut full.request_id, &mut full.policy, &mut full.policy_code, &mut full.ended_at]
    {
        *field = Some("needle".to_owned());
    }
    let text = line(&full, AuditFormat::Text);
    assert_eq!(text.matches("needle").count(), 5, "{text}");
    let cef = line(&full, AuditFormat::Cef);
    assert_eq!(cef.matches("needle").count(), 5, "{cef}");
    assert!(cef.contains(r#" sledgerDetails={"name":"#), "{cef}");
}

#[test]
fn refusals_and_evictions_are_warnings_and_the_rest_is_less() {
    assert_eq!(severity("login.denied"), Severity::Warning);
    assert_eq!(severity("session.evicted"), Severity::Warning);
    assert_eq!(severity("login.admitted"), Severity::Info);
    assert_eq!(severity("quota.changed"), Severity::Notice);
    assert!(TYPES.iter().all(|kind| (4..=6).contains(&severity(kind).syslog())));
}

#[test]
fn targets_are_written_as_they_are_configured() {
    let syslog = |transport| AuditTarget::Syslog { transport, host: "[::1]".to_owned(), port: 514 };
    assert_eq!(syslog(Transport::Tls).to_string(), "syslog+tls://[::1]:514");
    assert_eq!(AuditTarget::File("/var/log/a".into()).to_string(), "file:/var/log/a");
}
