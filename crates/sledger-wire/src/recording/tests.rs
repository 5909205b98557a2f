//! What lines read as, and what is said about bad ones.

use super::*;
use proptest::prelude::*;
use sledger_core::command::{Configure, Ending, Login};
use sledger_core::config::{GroupRule, Quota};
use sledger_core::{Seq, Span};
use std::io::Cursor;

const DOCUMENTED: &str = r#"{"at":0,"op":"login","user":"ann","session":"a","ip":"10.0.0.1","client":"web","source":"portal","groups":["staff"],"attributes":{"device":"mobile"},"user_attributes":{"country":"no"},"ttl":"2h","idle":"30m","retention":"1h"}"#;

fn reading() -> Reading {
    Reading::simulated(Actor::Cli)
}

fn read(line: &str) -> Result<Line, Malformed> {
    parse(line.as_bytes(), &reading())
}

fn refused(line: &str) -> (String, String) {
    match read(line).unwrap().request.command {
        Command::Unreadable { rejection, .. } => (rejection.field, rejection.reason),
        other => panic!("{line} reads as {other:?}"),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every field it is compared with is optional")]
fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_documented_line_reads_as_documented() {
    let line = read(DOCUMENTED).unwrap();
    assert_eq!(line.at, At { given: AtGiven::Millis(0), at: Millis(0) });
    assert_eq!(line.echo, Echo { op: OpName::Login, user: owned("ann"), session: owned("a") });
    let login = Login {
        user: owned("ann"),
        session: owned("a"),
        ip: owned("10.0.0.1"),
        client: owned("web"),
        source: owned("portal"),
        groups: vec!["staff".to_owned()],
        attributes: vec![("device".to_owned(), "mobile".to_owned())],
        user_attributes: vec![("country".to_owned(), "no".to_owned())],
        ttl: Some(Span::seconds(7200)),
        idle: Some(Span::seconds(1800)),
        retention: Some(Span::seconds(3600)),
        ..Login::default()
    };
    assert_eq!(line.request, Request::new(Actor::Cli, Command::Login(Box::new(login))));
}

#[test]
fn only_logins_and_adoptions_of_a_served_ledger_may_be_asked_about() {
    let batch = |line: &str| parse_batch(line.as_bytes(), &reading()).unwrap().1;
    let adopt = r#"{"op":"adopt","dry_run":true,"sessions":[]}"#;
    for (line, dry_run) in [
        (adopt, true),
        (r#"{"op":"login","user":"ann","session":"a","dry_run":true}"#, true),
        (r#"{"op":"login","user":"ann","session":"a","dry_run":false}"#, false),
        (r#"{"op":"login","user":"ann","session":"a"}"#, false),
    ] {
        assert_eq!(batch(line).dry_run, dry_run, "{line}");
    }
    for line in
        [r#"{"op":"clear","user":"ann","dry_run":true}"#, r#"{"op":"adopt","dry_run":1,"sessions":[]}"#]
    {
        let Command::Unreadable { rejection, .. } = batch(line).command else { panic!("{line} reads") };
        assert_eq!(rejection.field, "dry_run", "{line}");
    }
    let (field, _) = refused(&adopt.replace("{\"op", "{\"at\":0,\"op"));
    assert_eq!(field, "dry_run", "a recording says what happened");
}

/// One line per op and form; each reads, and what is written of it reads back to the same.
const GOOD: &[&str] = &[
    DOCUMENTED,
    r#"{"at":"2026-11-20T12:04:31.207Z","op":"login","user":"","session":"a","end":"all","replaces":"b","command":"c1"}"#,
    r#"{"at":1,"op":"login","end":["x","y"],"ttl":"never","idle":90,"retention":0}"#,
    r#"{"at":1,"op":"login","user":null,"ip":null,"attributes":{"a":null}}"#,
    r#"{"at":1,"op":"touch","session":"a"}"#,
    r#"{"at":1,"op":"logout","session":"a","user":"ann","generation":7,"command":"x"}"#,
    r#"{"at":1,"op":"disconnect","session":"a"}"#,
    r#"{"at":1,"op":"end","session":"a","reason":"asked"}"#,
    r#"{"at":1,"op":"clear","user":"ann","keep":"a"}"#,
    r#"{"at":1,"op":"reconcile","source":"portal","as_of":9,"live":[]}"#,
    r#"{"at":1,"op":"adopt","source":"p","sessions":[{"user":"ann","session":"a","started":5,"last_active":"1970-01-01T00:00:01Z","ttl":"1h"}]}"#,
    r#"{"at":1,"op":"advance"}"#,
    r#"{"at":1,"op":"configure","config":{}}"#,
    r#"{"at":1,"op":"configure","config":{"quota":[],"sessions":{"ttl":"1h","same_id":"take_over"},"group":[{"name":"g","users":["a*"]}],"ignore":[{"client":"x"}],"messages":{"denied":"no"},"users":{"fold":"lowercase"}}}"#,
    r#"{"at":1,"op":"configure","config":{"quota":[{"name":"q","count_by":["user","attr:d"],"max_sessions":"banned","level":"soft","on_error":"allow","when":{"ip":"10.0.0.0/8","not":{"attr:x y":["1"]}},"params":{"a":[1,"b",true]},"messages":{"evicted":"gone"},"override":[{"group":"g","max_sessions":2,"until":"2027-01-01T00:00:00Z","reason":"r"},{"user":"b?","max_sessions":"unlimited"}]}]}}"#,
    r#"{"at":1,"op":"policy","name":"mine","text":"fn on_exhausted() { deny(\"no\") }"}"#,
];

#[test]
fn every_op_is_read_and_written_back() {
    for text in GOOD {
        let line = read(text).unwrap();
        assert!(
            !matches!(line.request.command, Command::Unreadable { .. }),
            "{text}: {:?}",
            line.request.command
        );
        let written = write_line(&line.at.given, &line.request).unwrap();
        assert_eq!(read(&written).unwrap().request, line.request, "{text}\n{written}");
    }
    assert_eq!(write_line(&AtGiven::Millis(0), &read(DOCUMENTED).unwrap().request).unwrap(), DOCUMENTED);
}

#[test]
fn ends_and_ids_are_read() {
    let Command::Login(login) = read(GOOD[2]).unwrap().request.command else { panic!("a login") };
    assert_eq!(login.end, Ending::Ids(vec!["x".to_owned(), "y".to_owned()]));
    assert_eq!((login.ttl, login.idle), (Some(Span::NEVER), Some(Span::seconds(90))));
    let request = read(GOOD[5]).unwrap().request;
    assert_eq!(request.command_id, owned("x"));
    let Command::Logout(target) = request.command else { panic!("a logout") };
    assert_eq!(target.generation, Some(Seq(7)));
}

#[test]
fn a_section_given_replaces_that_section() {
    let Command::Configure(configure) = read(GOOD[13]).unwrap().request.command else { panic!("configure") };
    let Configure { sessions, groups, quotas, messages, .. } = *configure;
    assert_eq!(quotas, Some(Vec::<Quota>::new()));
    let sessions = sessions.unwrap();
    assert_eq!((sessions.ttl, sessions.activity_resolution), (Span::seconds(3600), Span::ZERO));
    assert_eq!(groups, Some(vec![GroupRule { name: "g".to_owned(), users: vec!["a*".to_owned()] }]));
    assert_eq!(messages.unwrap().denied, "no");
}

#[test]
fn malformed_lines_stop_with_their_reason() {
    let cases = [
        ("", "is not JSON: EOF while parsing a value at line 1 column 0"),
        ("{", "is not JSON: EOF while parsing an object at line 1 column 1"),
        ("{} {}", "is not JSON: trailing characters at line 1 column 4"),
        ("[1]", "is a list, not an object"),
        ("\"x\"", "is the text `x`, not an object"),
        ("{}", "`at` is missing: write RFC 3339 or whole milliseconds"),
        (r#"{"at":null}"#, "`at` is missing: write RFC 3339 or whole milliseconds"),
        (r#"{"at":-1,"op":"advance"}"#, "`at` `-1` lies before 1970"),
        (r#"{"at":253402300800000,"op":"advance"}"#, "`at` `253402300800000` lies after the year 9999"),
        (r#"{"at":1.5,"op":"advance"}"#, "`at` is the number `1.5`: write RFC 3339 or whole milliseconds"),
        (r#"{"at":true,"op":"advance"}"#, "`at` is `true`: write RFC 3339 or whole milliseconds"),
        (r#"{"at":"noon","op":"advance"}"#, "`at` `noon` is no time: write e.g. `2026-11-20T12:04:31Z`"),
        (r#"{"at":1,"at":2,"op":"advance"}"#, "`at` is given twice"),
        (r#"{"at":1}"#, "`op` is missing"),
        (r#"{"at":1,"op":7}"#, "`op` is the number `7`, not text"),
        (r#"{"at":1,"op":"logn"}"#, "`op` `logn` is unknown; did you mean `login`?"),
        (
            r#"{"at":1,"op":"fly"}"#,
            "`op` `fly` is unknown; known: login touch logout disconnect end clear reconcile adopt advance configure policy",
        ),
    ];
    for (line, reason) in cases {
        assert_eq!(read(line).unwrap_err().to_string(), reason, "{line}");
    }
}

#[test]
fn what_is_merely_wrong_is_rejected_by_field() {
    let cases = [
        (r#""op":"login","user":7"#, "user", "is the number `7`, not text"),
        (r#""op":"login","usr":"a""#, "usr", "is unknown; did you mean `user`?"),
        (r#""op":"login","user":"a","user":"b""#, "user", "is given twice"),
        (r#""op":"login","groups":"staff""#, "groups", "is the text `staff`, not a list"),
        (r#""op":"login","groups":["a",1]"#, "groups", "has an item [1] that is the number `1`, not text"),
        (r#""op":"login","attributes":[]"#, "attributes", "is a list, not a table of keys"),
        (r#""op":"login","attributes":{"device":1}"#, "attributes.device", "is the number `1`, not text"),
        (r#""op":"login","attributes":{"a":"1","a":"2"}"#, "attributes.a", "is given twice"),
        (
            r#""op":"login","ttl":0"#,
            "ttl",
            "is 0, so every session would be over at once: write `never` for no end",
        ),
        (
            r#""op":"login","idle":"0s""#,
            "idle",
            "is 0, so every session would be over at once: write `never` for no end",
        ),
        (
            r#""op":"login","ttl":"2 hours""#,
            "ttl",
            "`2 hours` has the unknown unit ` hours`: known are `ms`, `s`, `m`, `h`, `d`",
        ),
        (
            r#""op":"login","ttl":true"#,
            "ttl",
            "is `true`: write a duration, e.g. `\"30m\"`, or whole seconds",
        ),
        (
            r#""op":"login","end":"some""#,
            "end",
            "is the text `some`: write a list of ids, `\"all\"` or `\"others\"`",
        ),
        (
            r#""op":"touch","generation":"7""#,
            "generation",
            "is the text `7`: write the number without quotes",
        ),
        (r#""op":"touch","generation":-7"#, "generation", "is the number `-7`, not a seq"),
        (r#""op":"touch","ip":"x""#, "ip", "is unknown; known here: at op user session generation command"),
        (
            r#""op":"clear","user":"a","session":"b""#,
            "session",
            "is unknown; known here: at op user keep command",
        ),
        (
            r#""op":"reconcile","source":"p""#,
            "live",
            "is missing: write the ids that are live, `[]` for none",
        ),
        (r#""op":"adopt""#, "sessions", "is missing: write a list of sessions"),
        (
            r#""op":"adopt","sessions":[{"started":"x"}]"#,
            "sessions[0].started",
            "`x` is no time: write e.g. `2026-11-20T12:04:31Z`",
        ),
        (r#""op":"adopt","sessions":[7]"#, "sessions[0]", "is the number `7`, not a table of keys"),
        (r#""op":"configure""#, "config", "is missing"),
        (
            r#""op":"configure","config":{"quota":[{"max_sessions":0}]}"#,
            "config.quota[0].max_sessions",
            "0 is unlimited in OpenAM and Avi, a ban in EMQX: write `unlimited` or `banned`",
        ),
        (r#""op":"configure","config":{"quotas":[]}"#, "config.quotas", "is unknown; did you mean `quota`?"),
        (r#""op":"policy","name":"x""#, "text", "is missing"),
        (
            r#""op":"policy","name":"X","text":"""#,
            "name",
            "`X` is no policy name: write lower-case letters, digits and `_`, at most 64",
        ),
    ];
    for (rest, field, reason) in cases {
        let line = format!("{{\"at\":1,{rest}}}");
        assert_eq!(refused(&line), (field.to_owned(), reason.to_owned()), "{line}");
    }
}

#[test]
fn a_rejected_line_still_names_its_user() {
    let line = read(r#"{"at":1,"op":"login","user":"ann","session":"a","ttl":0,"command":"c"}"#).unwrap();
    assert!(matches!(&line.request.command, Command::Unreadable { user, .. } if *user == owned("ann")));
    assert_eq!((line.echo.session, line.request.command_id), (owned("a"), None));
}

#[test]
fn batches_give_no_time_and_change_no_settings() {
    let batch = |line: &str| match parse_batch(line.as_bytes(), &reading()).unwrap().1.command {
        Command::Unreadable { rejection, .. } => format!("{}: {}", rejection.field, rejection.reason),
        _ => "read".to_owned(),
    };
    assert_eq!(batch(r#"{"op":"touch","session":"a"}"#), "read");
    let timed = batch(r#"{"at":1,"op":"touch","session":"a"}"#);
    assert_eq!(timed, "at: is for recordings only: the ledger gives the time");
    for op in ["advance", "configure", "policy"] {
        assert_eq!(batch(&format!("{{\"op\":\"{op}\"}}")), format!("op: `{op}` is for recordings only"));
    }
}

#[test]
fn reading_stops_at_the_first_malformed_line_and_says_which() {
    let text = "\u{feff}{\"at\":5,\"op\":\"advance\"}\r\n\n{\"at\":4,\"op\":\"advance\"}\n{\"at\":9,\"op\":\"advance\"}\n";
    let mut reader = Reader::new("r.jsonl", Cursor::new(text), reading());
    assert_eq!(reader.next().unwrap().unwrap().0, 1);
    assert_eq!(reader.next().unwrap().unwrap_err().to_string(), "r.jsonl:3: `at` runs back: 4 after 5");
    assert!(reader.next().is_none());
}

#[test]
fn a_line_without_end_is_not_read_into_memory() {
    let endless = std::io::BufReader::new(std::io::Read::take(std::io::repeat(b'x'), 1 << 40));
    let mut reader = Reader::new("r", endless, reading());
    assert_eq!(reader.next().unwrap().unwrap_err().to_string(), "r:1: is longer than 1048576 bytes");
}

#[test]
fn deep_nesting_is_no_danger() {
    let line = format!("{{\"at\":1,\"op\":\"login\",\"user\":{}", "[".repeat(100_000));
    assert!(matches!(read(&line), Err(Malformed::NotJson(_))));
}

proptest! {
    #[test]
    fn reading_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes, &reading());
        let _ = parse_batch(&bytes, &reading());
    }

    #[test]
    fn reading_a_disturbed_line_never_panics(which in 0..GOOD.len(), at in 0..400usize, put in "\\PC{0,5}") {
        let mut text = GOOD[which].to_owned();
        let at = at % text.len();
        if text.is_char_boundary(at) {
            text.insert_str(at, &put);
        }
        let _ = read(&text);
    }

    #[test]
    fn any_text_of_a_login_survives_writing(user in any::<String>(), key in any::<String>(), value in any::<String>()) {
        let login = Login { user: Some(user), attributes: vec![(key, value)], ..Login::default() };
        let request = Request::new(Actor::Cli, Command::Login(Box::new(login)));
        let line = write_line(&AtGiven::Millis(3), &request).unwrap();
        prop_assert_eq!(read(&line).unwrap().request, request);
    }
}
