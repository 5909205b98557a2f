use super::*;
use sledger_core::command::{Actor, Command, Request};
use std::io::Write as _;

/// What the test writes into a record.
#[derive(Clone, Copy)]
struct Put<'p> {
    kind: u16,
    process: u32,
    line: &'p [u8],
    id: &'p [u8],
    user: &'p [u8],
    host: &'p [u8],
    seconds: u32,
}

const NONE: Put<'_> = Put { kind: 0, process: 0, line: b"", id: b"", user: b"", host: b"", seconds: 0 };
/// Width of a record, and whether its first byte is the highest.
const LAYOUTS: [(usize, bool); 4] = [(384, false), (384, true), (400, false), (400, true)];
/// 2026-11-20 08:00 UTC.
const EIGHT: u32 = 1_795_161_600;

fn bytes(put: Put<'_>, (width, is_big): (usize, bool)) -> Vec<u8> {
    let mut record = vec![0; width];
    let mut at = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
    at(0, &if is_big { put.kind.to_be_bytes() } else { put.kind.to_le_bytes() });
    at(4, &if is_big { put.process.to_be_bytes() } else { put.process.to_le_bytes() });
    for (to, text) in [(8, put.line), (40, put.id), (44, put.user), (76, put.host)] {
        at(to, text);
    }
    if width == 400 {
        let seconds = u64::from(put.seconds);
        at(344, &if is_big { seconds.to_be_bytes() } else { seconds.to_le_bytes() });
        at(360, &[192, 0, 2, 7]);
    } else {
        at(340, &if is_big { put.seconds.to_be_bytes() } else { put.seconds.to_le_bytes() });
        at(348, &[192, 0, 2, 7]);
    }
    record
}

fn log(file: &[u8]) -> Result<UtmpLog> {
    let mut named = tempfile::NamedTempFile::new().unwrap();
    named.write_all(file).unwrap();
    let mut opened = Opened::open(named.path()).unwrap();
    opened.name = "wtmp".to_owned();
    UtmpLog::new(opened, "wtmp")
}

fn all(log: &mut UtmpLog) -> Vec<(String, u64, What)> {
    std::iter::from_fn(|| log.next().unwrap())
        .map(|(at, number, told)| (at.rfc3339(), number, told.what))
        .collect()
}

fn login<'p>(user: &'p str, line: &'p str, seconds: u32) -> Put<'p> {
    Put { kind: 7, process: 41, line: line.as_bytes(), id: b"ts/0", user: user.as_bytes(), seconds, ..NONE }
}

fn file(puts: &[Put<'_>]) -> Vec<u8> {
    puts.iter().flat_map(|put| bytes(*put, LAYOUTS[0])).collect()
}

fn commands(puts: &[Put<'_>]) -> (Vec<Command>, u64) {
    let (mut log, mut terminals) = (log(&file(puts)).unwrap(), Terminals::default());
    let mut commands: Vec<Command> = Vec::new();
    while let Some((at, _, told)) = log.next().unwrap() {
        let requests = terminals.requests(told, at, &Actor::Cli).unwrap();
        commands.extend(requests.into_iter().map(|request: Request| request.command));
    }
    (commands, terminals.closes_without_open)
}

/// A command in short.
fn short(command: &Command) -> String {
    let of = |session: &Option<String>| session.clone().unwrap_or_default().replace("wtmp/", "");
    match command {
        Command::Login(login) => format!("login {}", of(&login.session)),
        Command::Logout(target) => format!("logout {}", of(&target.session)),
        Command::Assume(target) => format!("assume {}", of(&target.session)),
        Command::Reconcile(reconcile) => format!("none live at {}", reconcile.source.as_deref().unwrap()),
        other => format!("{other:?}"),
    }
}

#[test]
fn four_layouts_are_told_apart_and_say_the_same() {
    let host = b"desk.example";
    let puts = [
        Put { kind: 2, user: b"reboot", line: b"~", id: b"~~", seconds: EIGHT, ..NONE },
        Put { host, ..login("ann", "pts/0", EIGHT + 5) },
        Put { kind: 8, line: b"pts/0", id: b"ts/0", seconds: EIGHT + 9, ..NONE },
    ];
    let expected = |width: usize| {
        let ip = Some("192.0.2.7".to_owned());
        let begun = What::Begun {
            user: "ann".to_owned(),
            line: "pts/0".to_owned(),
            id: "ts/0".to_owned(),
            host: "desk.example".to_owned(),
            ip,
        };
        let gone = What::Gone { line: "pts/0".to_owned(), id: "ts/0".to_owned() };
        let said = [(0, 1, What::Down), (5, 2, begun), (9, 3, gone)];
        let said =
            said.map(|(second, number, what)| (format!("2026-11-20T08:00:0{second}.000Z"), number, what));
        (said.to_vec(), 3 * width as u64)
    };
    for layout in LAYOUTS {
        let file: Vec<u8> = puts.iter().flat_map(|put| bytes(*put, layout)).collect();
        let mut log = log(&file).unwrap();
        assert_eq!((all(&mut log), log.bytes_read), expected(layout.0), "{layout:?}");
        assert_eq!((log.read, log.skipped, log.broken, log.moved), (3, 0, 0, 0), "{layout:?}");
        // One record is enough to tell.
        assert!(super::fits(&file[layout.0..2 * layout.0]), "{layout:?}");
    }
}

#[test]
fn a_file_that_no_layout_fits_is_refused() {
    for file in [&b"hello"[..], &[0x41; 4000], b""] {
        let refused = log(file).map(|_| ()).unwrap_err().to_string();
        assert!(refused.starts_with("wtmp: is no utmp: records of 384 or 400 bytes"), "{refused}");
    }
    assert_eq!(log(&[0; 800]).map(|mut log| all(&mut log)).unwrap(), []);
}

#[test]
fn what_is_broken_is_named_by_record_and_byte_and_the_rest_is_read() {
    let mut file = file(&[
        login("ann", "tty1", EIGHT),
        Put { kind: 99, ..NONE },
        Put { kind: 513, ..login("eve", "tty3", EIGHT) },
        login("bob", "tty2", EIGHT + 60),
    ]);
    // More microseconds than a second has.
    file.extend(bytes(login("cyd", "tty4", EIGHT), LAYOUTS[0]));
    file[4 * 384 + 344 + 3] = 0x7f;
    file.extend([7; 50]);
    let mut log = log(&file).unwrap();
    let users: Vec<_> = all(&mut log).into_iter().map(|(_, number, _)| number).collect();
    assert_eq!(users, [1, 4]);
    assert_eq!((log.read, log.broken), (6, 4));
    assert_eq!(
        log.remarks.kept,
        [
            "wtmp: record 2 (byte 384) has the type 99, which there is not: passed over",
            "wtmp: record 3 (byte 768) has the type 513, which there is not: passed over",
            "wtmp: record 5 (byte 1536) has a time that cannot be: passed over",
            "wtmp: record 6 (byte 1920) is cut off after 50 of 384 bytes: passed over",
        ]
    );
}

#[test]
fn a_time_that_runs_back_is_moved_and_named() {
    let puts = [
        login("ann", "pts/0", EIGHT + 100),
        Put { kind: 8, line: b"pts/0", id: b"ts/0", seconds: EIGHT + 40, ..NONE },
        login("bob", "pts/0", EIGHT + 200),
    ];
    let mut log = log(&file(&puts)).unwrap();
    let times: Vec<_> = all(&mut log).into_iter().map(|(at, ..)| at).collect();
    assert_eq!(times, ["2026-11-20T08:01:40.000Z", "2026-11-20T08:01:40.000Z", "2026-11-20T08:03:20.000Z"]);
    assert_eq!(log.moved, 1);
    assert!(
        log.remarks.kept[0].starts_with("wtmp: record 2 is of 2026-11-20T08:00:40.000Z, before"),
        "{:?}",
        log.remarks
    );
}

#[test]
fn places_of_a_utmp_are_put_in_order_of_time() {
    let puts = [
        Put { kind: 2, user: b"reboot", line: b"~", id: b"~~", seconds: EIGHT, ..NONE },
        Put { id: b"ts/0", ..login("ann", "pts/0", EIGHT + 100) },
        Put { id: b"ts/1", ..login("bob", "pts/1", EIGHT + 50) },
    ];
    let mut log = log(&file(&puts)).unwrap();
    let numbers: Vec<_> = all(&mut log).into_iter().map(|(_, number, _)| number).collect();
    assert_eq!((numbers.as_slice(), log.moved), (&[1, 3, 2][..], 0));
}

#[test]
fn ends_find_their_beginnings_by_line_or_by_id() {
    let gone = |line: &'static str, id: &'static str, seconds: u32| Put {
        kind: 8,
        line: line.as_bytes(),
        id: id.as_bytes(),
        seconds,
        ..NONE
    };
    let (commands, unmatched) = commands(&[
        login("ann", "pts/0", EIGHT),
        // Nobody wrote down that ann left.
        login("bob", "pts/0", EIGHT + 1),
        gone("", "ts/0", EIGHT + 2),
        Put { id: b"7", ..login("cyd", ":0", EIGHT + 3) },
        gone(":0", "other", EIGHT + 4),
        gone(":0", "7", EIGHT + 5),
        // A user process without a user is an end.
        login("dan", "tty9", EIGHT + 6),
        Put { user: b"", ..login("", "tty9", EIGHT + 7) },
        login("eve", "tty1", EIGHT + 8),
        Put { kind: 1, process: 0x4e36, user: b"runlevel", line: b"~", seconds: EIGHT + 9, ..NONE },
        gone("tty1", "", EIGHT + 10),
        Put { kind: 1, process: 0x4e35, user: b"runlevel", line: b"~", seconds: EIGHT + 11, ..NONE },
        Put { kind: 1, user: b"shutdown", line: b"~", seconds: EIGHT + 12, ..NONE },
    ]);
    assert_eq!(
        commands.iter().map(short).collect::<Vec<_>>(),
        [
            "login pts/0/2026-11-20T08:00:00.000Z",
            "assume pts/0/2026-11-20T08:00:00.000Z",
            "login pts/0/2026-11-20T08:00:01.000Z",
            "logout pts/0/2026-11-20T08:00:01.000Z",
            "login :0/2026-11-20T08:00:03.000Z",
            "logout :0/2026-11-20T08:00:03.000Z",
            "login tty9/2026-11-20T08:00:06.000Z",
            "logout tty9/2026-11-20T08:00:06.000Z",
            "login tty1/2026-11-20T08:00:08.000Z",
            "none live at wtmp",
            "none live at wtmp",
        ]
    );
    assert_eq!(unmatched, 2);
}

#[test]
fn hostile_texts_neither_run_over_nor_keep_a_login_out() {
    let (long, host) = ([b'x'; 32], [0x1b; 256]);
    let (commands, _) =
        commands(&[Put { line: &long, id: &[0xff; 4], user: &long, host: &host, ..login("", "", EIGHT) }]);
    let [Command::Login(login)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(login.user.as_deref(), Some("x".repeat(32).as_str()));
    let (name, value) = &login.attributes[0];
    assert_eq!((name.as_str(), value.len()), ("host", 256));
    assert!(value.starts_with("\\u{1b}\\u{1b}"), "{value}");
}

#[test]
fn any_bytes_are_read_to_the_end_and_every_record_is_told_of() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    println!("seed {random:#x}");
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for turn in 0..200 {
        let layout = LAYOUTS[turn % 4];
        let puts = [
            login("ann", "pts/0", EIGHT),
            login("bob", "pts/1", EIGHT + 1),
            login("cyd", "pts/2", EIGHT + 2),
        ];
        let mut file: Vec<u8> = puts.iter().cycle().take(12).flat_map(|put| bytes(*put, layout)).collect();
        for _ in 0..turn {
            let at = usize::try_from(next() % file.len() as u64).unwrap();
            file[at] = next().to_le_bytes()[3];
        }
        file.truncate(file.len() - usize::try_from(next() % 500).unwrap());
        if let Ok(mut log) = log(&file) {
            let said = all(&mut log).len() as u64;
            assert_eq!(said + log.skipped + log.broken, log.read, "turn {turn}");
            assert_eq!(log.bytes_read, file.len() as u64, "turn {turn}");
        }
    }
}
