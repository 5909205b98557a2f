use super::*;
use sledger_core::command::{Actor, Command};
use std::io::Write as _;

fn detail(text: &str) -> Detail {
    detail_of(text.as_bytes())
}

fn detail_of(bytes: &[u8]) -> Detail {
    let mut named = tempfile::NamedTempFile::new().unwrap();
    named.write_all(bytes).unwrap();
    let mut opened = Opened::open(named.path()).unwrap();
    opened.name = "detail".to_owned();
    Detail::new(opened, Offset::default())
}

/// A record as the server writes it, so many seconds after eight in the morning.
fn record(second: u32, status: &str, session: &str, more: &str) -> String {
    let user = more
        .split(' ')
        .next()
        .filter(|user| !user.is_empty())
        .map(|user| format!("\tUser-Name = \"{user}\"\n"));
    let more = more
        .split(' ')
        .skip(1)
        .fold(String::new(), |all, one| format!("{all}\t{}\n", one.replace('=', " = ")));
    format!(
        "Fri Nov 20 08:{:02}:{:02} 2026\n\tAcct-Session-Id = \"{session}\"\n\tAcct-Status-Type = {status}\n\
         \tNAS-IP-Address = 192.0.2.10\n{}{more}\tAcct-Delay-Time = 0\n\tTimestamp = {}\n\n",
        second / 60,
        second % 60,
        user.unwrap_or_default(),
        1_795_161_600 + second
    )
}

fn read(detail: &mut Detail) -> Vec<(String, u64, Status)> {
    let next = || {
        detail.next().unwrap().map(|(at, line, said)| (at.rfc3339()[11..19].to_owned(), line, said.status))
    };
    std::iter::from_fn(next).collect()
}

/// Commands in short, and what is said of `Stop`s without a `Start`.
fn commands(text: &str) -> (Vec<String>, Accounts) {
    let (mut detail, mut accounts) = (detail(text), Accounts::default());
    let mut shown = Vec::new();
    while let Some((at, _, said)) = detail.next().unwrap() {
        for request in accounts.requests(said, at, &Actor::Cli).unwrap() {
            let id = |id: &Option<String>| id.clone().unwrap_or_default();
            shown.push(match request.command {
                Command::Login(login) => format!("login {} {}", id(&login.user), id(&login.session)),
                Command::Touch(target) => format!("touch {}", id(&target.session)),
                Command::Logout(target) => format!("logout {} {}", id(&target.user), id(&target.session)),
                Command::Assume(target) => format!("assume {} {}", id(&target.user), id(&target.session)),
                Command::Reconcile(told) => format!("none live at {}", id(&told.source)),
                Command::Adopt(adopt) => {
                    let one = &adopt.sessions[0];
                    format!("adopt {} since {}", id(&one.login.session), one.started.unwrap().rfc3339())
                }
                other => format!("{other:?}"),
            });
        }
    }
    (shown, accounts)
}

#[test]
fn a_session_begins_goes_on_and_ends() {
    let text = [
        record(0, "Start", "A1", "ann Framed-IP-Address=198.51.100.7"),
        record(60, "Interim-Update", "A1", "ann Acct-Session-Time=60"),
        record(61, "Alive", "B1", "bob Acct-Session-Time=3600"),
        record(90, "Stop", "A1", "ann Acct-Terminate-Cause=User-Request"),
        record(91, "Stop", "C1", "cyd Acct-Terminate-Cause=Lost-Carrier"),
        record(92, "Start", "B1", "dan"),
        record(95, "Accounting-On", "", ""),
        record(96, "Stop", "B1", "dan"),
        record(97, "Tunnel-Start", "B1", "dan"),
    ];
    let (shown, accounts) = commands(&text.concat());
    assert_eq!(
        shown,
        [
            "login ann 192.0.2.10/A1",
            "touch 192.0.2.10/A1",
            "adopt 192.0.2.10/B1 since 2026-11-20T07:01:01.000Z",
            "logout ann 192.0.2.10/A1",
            "assume bob 192.0.2.10/B1",
            "login dan 192.0.2.10/B1",
            "none live at 192.0.2.10",
        ]
    );
    assert_eq!(accounts.closes_without_open, 2);
    assert_eq!(accounts.remarks.kept[0], "detail:37: Stop of `C1` on `192.0.2.10`, which never began here");
    assert_eq!(accounts.causes.into_iter().collect::<Vec<_>>(), [("User-Request".to_owned(), 1)]);
}

#[test]
fn records_out_of_order_are_put_in_order() {
    let text = [record(30, "Stop", "A1", "ann"), record(0, "Start", "A1", "ann")].concat();
    let mut detail = detail(&text);
    assert_eq!(
        read(&mut detail),
        [("08:00:00".to_owned(), 9, Status::Start), ("08:00:30".to_owned(), 1, Status::Stop)]
    );
    assert_eq!((detail.read, detail.moved), (2, 0));
}

#[test]
fn one_that_comes_too_late_is_taken_at_the_time_reached_and_named() {
    let mut text: String =
        (0..=HELD_MAX).map(|count| record(3000, "Start", &format!("{count}"), "ann")).collect();
    text.push_str(&record(1, "Start", "late", "bob"));
    let mut detail = detail(&text);
    assert!(read(&mut detail).iter().all(|(at, ..)| at == "08:50:00"));
    assert_eq!(detail.moved, 1);
    assert!(detail.remarks.kept[0].contains("too late to be put in order"), "{:?}", detail.remarks);
}

#[test]
fn a_record_that_cannot_be_used_is_named_and_the_rest_is_read() {
    let no_server = record(0, "Start", "A1", "ann").replace("NAS-IP-Address", "NAS-Port");
    let cut = record(3, "Start", "A4", "ann");
    let no_time =
        "User-Name = 'ann'\nAcct-Status-Type = Start\nAcct-Session-Id = x\nNAS-IP-Address = 1.2.3.4\n\n";
    let text =
        [&no_server, &record(1, "Start", "", "ann"), &record(2, "Sto", "A3", "ann"), no_time, &cut[..60]];
    let mut detail = detail(&text.concat());
    assert_eq!(read(&mut detail), []);
    assert_eq!((detail.read, detail.broken), (5, 5));
    for (remark, said) in detail.remarks.kept.iter().zip([
        "detail:1: names no server",
        "detail:9: has no Acct-Session-Id: passed over",
        "detail:17: has the Acct-Status-Type `Sto`, which there is not: passed over",
        "detail:25: has no time: passed over",
        "detail:30: is cut off: passed over",
    ]) {
        assert!(remark.starts_with(said), "{remark}");
    }
}

#[test]
fn a_line_that_is_none_stops_the_reading_by_its_place() {
    let text = format!("{}\tUser-Name \u{1b}[2J\n", record(0, "Start", "A1", "ann"));
    let mut detail = detail(&text);
    let stopped = detail.next().unwrap_err().to_string();
    assert_eq!(stopped, "detail:9: `User-Name \\u{1b}[2J` is no attribute: write `Name = value`");
    let many = format!("Fri Nov 20 08:00:00 2026\n{}\n", "\tClass = 0x61\n".repeat(ATTRIBUTES_MAX + 1));
    let stopped = self::detail(&many).next().unwrap_err().to_string();
    assert_eq!(stopped, "detail:1026: a record has more than 1024 attributes");
}

#[test]
fn what_somebody_expects_is_no_record() {
    let text = "# Input\nAcct-Status-Type = Start\nUser-Name = 'ann'\nAcct-Session-Id = '1'\n\
                NAS-Identifier = 'nas'\nEvent-Timestamp = 'Feb  1 2015 08:28:58 UTC'\n\n\
                # Expected\nPacket-Type == Access-Accept\nAcct-Status-Type == Stop\n";
    let mut detail = detail(text);
    assert_eq!(read(&mut detail), [("08:28:58".to_owned(), 2, Status::Start)]);
    assert_eq!((detail.read, detail.skipped, detail.broken), (2, 1, 0));
}

#[test]
fn any_bytes_are_read_to_the_end_or_refused_by_their_line() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    println!("seed {random:#x}");
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let whole: String = (0..8).map(|second| record(second, "Start", "A1", "ann")).collect();
    for turn in 0..300 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..turn % 7 {
            let at = usize::try_from(next() % bytes.len() as u64).unwrap();
            bytes[at] = next().to_le_bytes()[3];
        }
        bytes.truncate(bytes.len() - usize::try_from(next() % 200).unwrap());
        fits(&bytes);
        let mut detail = detail_of(&bytes);
        let mut said = 0;
        let stopped = loop {
            match detail.next() {
                Ok(Some(_)) => said += 1,
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        match stopped {
            None => assert_eq!(said + detail.skipped + detail.broken, detail.read, "turn {turn}"),
            Some(reason) => assert!(reason.starts_with("detail:"), "turn {turn}: {reason}"),
        }
    }
}
