use super::*;
use std::io::Write as _;

/// What a file of this text says: each logon or logoff, and what stopped the reading.
fn read(text: &[u8]) -> (Vec<Logged>, Vec<u64>, Option<String>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    let (mut all, mut lines) = (Vec::new(), Vec::new());
    let name = format!("{}:", file.path().display());
    let stopped = |error: anyhow::Error| Some(error.to_string().replace(&name, ""));
    let mut log = match WindowsLog::new(Opened::open(file.path()).unwrap(), Offset::default()) {
        Ok(log) => log,
        Err(error) => return (all, lines, stopped(error)),
    };
    loop {
        match log.next() {
            Ok(Some((_, line, logged))) => {
                all.push(logged);
                lines.push(line);
            }
            Ok(None) => return (all, lines, None),
            Err(error) => return (all, lines, stopped(error)),
        }
    }
}

fn xml(id: u32, at: &str, data: &[(&str, &str)]) -> String {
    let data: Vec<String> =
        data.iter().map(|(name, value)| format!("<Data Name='{name}'>{value}</Data>\r\n")).collect();
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>\n<System>\
         <Provider Name='Microsoft-Windows-Security-Auditing' Guid='{{0}}'/><EventID>{id}</EventID>\
         <TimeCreated SystemTime='{at}'/><EventRecordID>7</EventRecordID><Computer>desk-1.example</Computer>\
         <Security/></System><EventData>{}</EventData></Event>\n",
        data.concat()
    )
}

const LOGON: &[(&str, &str)] = &[
    ("TargetUserName", "ann"),
    ("TargetDomainName", "EXAMPLE"),
    ("TargetLogonId", "0x1F4A"),
    ("LogonType", "10"),
    ("LogonGuid", "{00000000-0000-0000-0000-000000000000}"),
    ("IpAddress", "192.0.2.7"),
];

#[test]
fn one_logon_is_read_alike_however_it_was_written() {
    let (xml, _, stopped) = read(xml(4624, "2026-11-20T08:00:00.5000000Z", LOGON).as_bytes());
    assert_eq!(stopped, None);
    let expected = Logged {
        kind: Kind::Logon,
        at: sledger_wire::values::time("2026-11-20T08:00:00.500Z").unwrap(),
        computer: "desk-1.example".to_owned(),
        user: "EXAMPLE\\ann".to_owned(),
        name: "ann".to_owned(),
        logon_id: "0x1f4a".to_owned(),
        guid: None,
        client: Some("remote_interactive".to_owned()),
        ip: Some("192.0.2.7".to_owned()),
    };
    assert_eq!(xml, std::slice::from_ref(&expected));
    let data = r#""TargetUserName":"ann","TargetDomainName":"EXAMPLE","TargetLogonId":"0x1f4a","LogonType":"10","IpAddress":"192.0.2.7""#;
    let forms = [
        format!(r#"{{"@timestamp":"2026-11-20T08:00:00.500Z","winlog":{{"event_id":4624,"computer_name":"desk-1.example","event_data":{{{data}}}}}}}"#),
        format!(r#"{{"@timestamp":"2026-11-20T08:00:00.500Z","EventID":4624,"Hostname":"desk-1.example",{data}}}"#),
        format!(r##"{{"Event":{{"System":{{"EventID":4624,"Computer":"desk-1.example","TimeCreated":{{"#attributes":{{"SystemTime":"2026-11-20T08:00:00.500Z"}}}}}},"EventData":{{{data}}}}}}}"##),
        r#"[ {"Id":4624, "TimeCreated":"\/Date(1795161600500)\/", "MachineName":"desk-1.example", "Properties":[
            {"Value":"S-1-0-0"},{"Value":"-"},{"Value":"-"},{"Value":0},{"Value":{"BinaryLength":28,"Value":"S-1-5-21-1"}},
            {"Value":"ann"},{"Value":"EXAMPLE"},{"Value":8010},{"Value":10},{"Value":"User32"},{"Value":"Negotiate"},
            {"Value":"-"},{"Value":"00000000-0000-0000-0000-000000000000"},{"Value":"-"},{"Value":"-"},{"Value":0},
            {"Value":4},{"Value":"}{\""},{"Value":"192.0.2.7"},{"Value":"0"}]} ]"#
            .to_owned(),
    ];
    for form in forms {
        let (found, _, stopped) = read(form.as_bytes());
        assert_eq!((found.as_slice(), stopped), (std::slice::from_ref(&expected), None), "{form}");
    }
}

#[test]
fn events_stand_within_events_or_one_behind_the_other_and_keep_their_lines() {
    let two = [xml(4624, "2026-11-20T08:00:00Z", LOGON), xml(4634, "2026-11-20T09:00:00Z", LOGON)].concat();
    let (found, lines, stopped) = read(two.as_bytes());
    assert_eq!((found.len(), stopped), (2, None));
    let first = 1;
    let second =
        u64::try_from(two.split("<Event xmlns").nth(1).unwrap().matches('\n').count()).unwrap() + first;
    assert_eq!(lines, [first, second]);
    let within = format!("\u{feff}<?xml version='1.0'?>\n<Events>{two}</Events>");
    let (found, lines, stopped) = read(within.as_bytes());
    assert_eq!((found.len(), lines, stopped), (2, vec![first + 1, second + 1], None));
}

#[test]
fn names_are_taken_as_they_are_meant() {
    let data =
        |user: &'static str| [("TargetUserName", user), ("TargetLogonId", "0x1"), ("TargetDomainName", "-")];
    let (found, _, _) =
        read(xml(4634, "2026-11-20T08:00:00Z", &data("a&amp;b&#x40;c<![CDATA[<d>]]>")).as_bytes());
    assert_eq!((found[0].name.as_str(), found[0].user.as_str()), ("a&b@c<d>", "a&b@c<d>"));
    for ip in ["-", "", "::1", "127.0.0.1", "::ffff:127.0.0.1", "LOCAL", "0.0.0.0"] {
        let mut data = data("ann").to_vec();
        data.push(("IpAddress", ip));
        let (found, _, _) = read(xml(4624, "2026-11-20T08:00:00Z", &data).as_bytes());
        assert_eq!(found[0].ip, None, "{ip}");
    }
}

#[test]
fn events_out_of_order_are_put_in_order_and_a_log_that_runs_back_is_refused() {
    let at = |second: usize| {
        format!("2026-11-20T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
    };
    let swapped = [xml(4634, &at(5), LOGON), xml(4624, &at(0), LOGON)].concat();
    let kinds: Vec<Kind> = read(swapped.as_bytes()).0.iter().map(|logged| logged.kind).collect();
    assert_eq!(kinds, [Kind::Logon, Kind::Logoff]);
    let backwards: String = (0..9000).rev().map(|second| xml(4624, &at(second), LOGON)).collect();
    let (_, _, stopped) = read(backwards.as_bytes());
    assert!(stopped.unwrap().contains("the oldest event must come first"));
}

#[test]
fn what_is_no_log_is_refused_by_line_and_reason() {
    let logon = xml(4624, "2026-11-20T08:00:00Z", LOGON);
    let cut = logon.trim_end().strip_suffix("</EventData></Event>").unwrap();
    let entity = logon.replace(">ann<", ">&who;<");
    let long = format!("<Events><Event><A>{}</A></Event></Events>", "x".repeat(EVENT_BYTES_MAX));
    let deep = format!("<Events>{}", "<a>".repeat(100));
    let cases: [(String, &str); 13] = [
        (cut.to_owned(), "is cut off within `EventData`"),
        (entity, "uses the entity `&who;`, which XML does not know"),
        (format!("<!DOCTYPE x [<!ENTITY who 'root'>]>{logon}"), "1: has a document type: events have none"),
        (long, "an event is longer than 1048576 bytes"),
        (deep, "1: is nested more than 32 deep"),
        ("<html></html>".to_owned(), "1: begins with `html`, not with `Events` or `Event`"),
        (logon.replace("TargetLogonId", "Other"), "event 4624 has no `TargetLogonId`"),
        (logon.replace("2026-11-20T08", "yesterday"), "`yesterday:00:00Z` is no time"),
        ("plain text".to_owned(), "1: is neither XML nor JSON"),
        ("{\"EventID\":4624}\n\n{\"Event".to_owned(), "1: event 4624 has no `TargetUserName`"),
        ("{\"EventID\":1}\n\n{\"Event".to_owned(), "3: is not JSON: cut off within an object"),
        ("{\"EventID\":1}\nnonsense".to_owned(), "2: is not JSON: an object was to begin here"),
        (
            format!("[{{\"a\":\"{}\"}}]", "x".repeat(EVENT_BYTES_MAX)),
            "1: an event is longer than 1048576 bytes",
        ),
    ];
    for (text, reason) in cases {
        let stopped = read(text.as_bytes()).2.unwrap_or_default();
        assert!(stopped.contains(reason), "{reason} was to be said, not {stopped}");
    }
    let wide: Vec<u8> = "\u{feff}<Event/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&wide).2.unwrap(), "1: is UTF-16: convert it to UTF-8 first");
    assert_eq!(read(b" \n"), (Vec::new(), Vec::new(), None));
}
