//! What a file is, told from its beginning, where nobody said so.
//!
//! Promise: one form or none. A beginning that fits two is not decided by taste.

use super::input::LogFormat;
use super::syslog::Years;
use super::windows::is_logon_log;
use super::{radius, utmp};
use crate::exit::Usage;
use anyhow::Result;
use sledger_wire::events::is_event_line;
use sledger_wire::values::Offset;

/// Lines of which one must be of a system's log.
const LINES_MAX: usize = 20;

/// How files begin that are something else, and what to do about them.
const OTHERS: [(&[u8], &str); 6] = [
    (&[0x1f, 0x8b], "is packed by gzip: unpack it first"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "is packed by zstd: unpack it first"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "is packed by xz: unpack it first"),
    (&[0xff, 0xfe], "is UTF-16: convert it to UTF-8 first"),
    (&[0xfe, 0xff], "is UTF-16: convert it to UTF-8 first"),
    (
        b"ElfFile\0",
        "is an event log in its own form: export it as XML first (`wevtutil qe … /lf:true /f:xml`)",
    ),
];

/// The form of the file `name`, which begins so.
///
/// # Errors
/// When none fits, or more than one.
pub(super) fn format_of(name: &str, beginning: &[u8]) -> Result<LogFormat> {
    let refused = |reason: &str| Usage::error(format!("{name}: {reason}"));
    if let Some((_, reason)) = OTHERS.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        return Err(refused(reason));
    }
    let text = beginning.strip_prefix("\u{feff}".as_bytes()).unwrap_or(beginning).trim_ascii_start();
    if text.is_empty() {
        return Ok(LogFormat::Recording);
    }
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    if beginning.starts_with(&sledger_log::block::MAGIC) || is_event_line(first) {
        return Err(refused(
            "is an export: it is read with --recording, and `export --format recording` makes a recording of it",
        ));
    }
    let fits: Vec<LogFormat> =
        LogFormat::ALL.into_iter().filter(|form| fit(*form, beginning, text)).collect();
    let words = |forms: &[LogFormat]| forms.iter().map(|form| form.word()).collect::<Vec<_>>().join(", ");
    match fits.as_slice() {
        [form] => Ok(*form),
        [] => Err(refused(&format!(
            "is none of {}, as far as its beginning tells: say with --format which it is",
            words(&LogFormat::ALL)
        ))),
        several => Err(refused(&format!("may be {}: say with --format which it is", words(several)))),
    }
}

fn fit(form: LogFormat, beginning: &[u8], text: &[u8]) -> bool {
    match form {
        LogFormat::Recording => is_recording(text),
        LogFormat::Syslog => is_syslog(text),
        LogFormat::Windows => text.starts_with(b"<") || is_logon_log(text),
        LogFormat::Utmp => utmp::fits(beginning),
        LogFormat::Radius => radius::fits(text),
    }
}

/// Its first line is an object with `at` and `op`.
fn is_recording(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = serde_json::from_slice::<serde_json::Value>(first);
    line.is_ok_and(|line| line.get("at").is_some() && line.get("op").is_some())
}

/// One of its first lines has a time, a machine and a program.
fn is_syslog(text: &[u8]) -> bool {
    let lines = text.split(|byte| *byte == b'\n').take(LINES_MAX).map(String::from_utf8_lossy);
    // A year with all days: only the form is looked at.
    let mut years = Years::new(Some(2000), Offset::default());
    lines.map(|line| line.trim().to_owned()).any(|line| {
        let rest = years.time(&line).ok().and_then(|(_, rest)| rest.split_once(' '));
        rest.is_some_and(|(machine, message)| !machine.is_empty() && message.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<LogFormat, String> {
        format_of("x", text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_form_is_told_by_its_beginning() {
        for (text, form) in [
            ("{\"at\":0,\"op\":\"advance\"}\n", LogFormat::Recording),
            ("", LogFormat::Recording),
            ("Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass\n", LogFormat::Syslog),
            ("rotated\n2026-11-20T08:00:00+01:00 gw sshd[7]: hello\n", LogFormat::Syslog),
            ("\u{feff}<Events><Event/></Events>", LogFormat::Windows),
            ("[{\n\"EventID\": 4624,\n\"Computer\": \"pc\"}]", LogFormat::Windows),
            (
                "Fri Nov 20 08:00:00 2026\n\tUser-Name = \"ann\"\n\tAcct-Status-Type = Start\n",
                LogFormat::Radius,
            ),
            ("# a packet\nUser-Name = 'ann'\nAcct-Status-Type = Start\n", LogFormat::Radius),
        ] {
            assert_eq!(of(text), Ok(form), "{text}");
        }
    }

    #[test]
    fn what_fits_none_or_two_is_refused_with_the_list() {
        for (text, said) in [
            ("hello\n", "x: is none of recording, syslog, windows, utmp, radius"),
            ("{\"some\":1}\n", "x: is none of "),
            (
                "{\"at\":0,\"op\":\"login\",\"EventID\":4624}\n",
                "x: may be recording, windows: say with --format",
            ),
            ("\u{1f}\u{8}", "x: is none of "),
        ] {
            assert!(of(text).unwrap_err().starts_with(said), "{text}: {:?}", of(text));
        }
        let packed = format_of("x", &[0x1f, 0x8b, 8, 0]).unwrap_err();
        assert!(packed.to_string().contains("unpack it first") && packed.is::<Usage>());
    }
}
