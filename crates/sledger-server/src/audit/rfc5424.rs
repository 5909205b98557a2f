//! Messages of syslog: RFC 5424, and their frames on a stream: RFC 6587, octet counting, as RFC 5425 has it too.
//!
//! `<PRI>1 AT HOST sledger PID TYPE [sledger@32473 seq="…" code="…" user="…" session="…"] LINE`, facility 10
//! (authpriv). 32473 is the number that RFC 5612 keeps for examples: sledger has none of its own.

use super::lines::Line;
use sledger_wire::audit::severity;
use sledger_wire::escape::escape;
use sledger_wire::events::EventLine;
use std::fmt::Write as _;

/// authpriv.
const FACILITY: u8 = 10;
/// Says that what follows is UTF-8.
const BOM: char = '\u{feff}';
/// Bytes of one datagram.
pub(super) const DATAGRAM_BYTES_MAX: usize = 8 << 10;

/// What is the same in every message of this process.
pub(super) struct Origin {
    host: String,
    pid: u32,
}

impl Origin {
    /// This machine and process.
    pub(super) fn here() -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let is_name =
            !host.is_empty() && host.len() <= 255 && host.bytes().all(|byte| byte.is_ascii_graphic());
        Self { host: if is_name { host } else { "-".to_owned() }, pid: std::process::id() }
    }

    /// The whole message.
    pub(super) fn message(&self, line: &Line) -> String {
        let event = &line.event;
        let priority = FACILITY * 8 + severity(&event.kind).syslog();
        let (host, pid) = (&self.host, self.pid);
        let mut message = format!("<{priority}>1 {} {host} sledger {pid} {} ", event.at, event.kind);
        push_data(&mut message, event);
        message.push(' ');
        if !line.text.is_ascii() {
            message.push(BOM);
        }
        message.push_str(&line.text);
        message
    }

    /// The message as it goes into a stream.
    pub(super) fn frame(&self, line: &Line) -> String {
        let message = self.message(line);
        format!("{} {message}", message.len())
    }
}

fn push_data(message: &mut String, event: &EventLine) {
    // Writing to memory does not fail.
    let _always = write!(message, "[sledger@32473 seq=\"{}\"", event.seq);
    for (name, value) in [("code", &event.code), ("user", &event.user), ("session", &event.session)] {
        if let Some(value) = value {
            let _always = write!(message, " {name}=\"{}\"", value_text(value));
        }
    }
    message.push(']');
}

/// RFC 5424, 6.3.3: `"`, `\` and `]` are escaped. What would not show as itself is written out before.
fn value_text(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in escape(value).chars() {
        if matches!(letter, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

/// As much of `text` as fits into `bytes_max`, whole characters.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin { host: "h".to_owned(), pid: 42 }
    }

    fn line(user: &str, text: &str) -> Line {
        let event = EventLine {
            seq: 7,
            at: "2026-11-20T12:04:31.207Z".to_owned(),
            kind: "login.denied".to_owned(),
            code: Some("USER_BANNED".to_owned()),
            user: Some(user.to_owned()),
            ..EventLine::default()
        };
        Line { event, text: text.to_owned() }
    }

    #[test]
    fn message_has_header_data_and_line() {
        let wanted = concat!(
            "<84>1 2026-11-20T12:04:31.207Z h sledger 42 login.denied ",
            r#"[sledger@32473 seq="7" code="USER_BANNED" user="ann"] {}"#
        );
        assert_eq!(origin().message(&line("ann", "{}")), wanted);
        assert_eq!(origin().frame(&line("ann", "{}")), format!("{} {wanted}", wanted.len()));
    }

    #[test]
    fn hostile_user_stays_within_the_data() {
        let message = origin().message(&line("a]b\"c\\d\ne\u{1b}f\u{202e}", "x"));
        assert!(message.contains(r#" user="a\]b\"c\\d\\ne\\u{1b}f\\u{202e}"] x"#), "{message}");
        assert!(!message.contains(char::is_control));
    }

    #[test]
    fn only_a_line_beyond_ascii_says_that_it_is_utf_8() {
        assert!(origin().message(&line("ann", "Åse")).ends_with("] \u{feff}Åse"));
        assert!(origin().message(&line("ann", "Ase")).ends_with("] Ase"));
    }

    #[test]
    fn frame_counts_bytes() {
        let frame = origin().frame(&line("Åse", "Å"));
        let (count, message) = frame.split_once(' ').unwrap();
        assert_eq!(count.parse(), Ok(message.len()));
    }

    #[test]
    fn cut_leaves_whole_characters() {
        assert_eq!(
            [cut("aÅb", 0), cut("aÅb", 1), cut("aÅb", 2), cut("aÅb", 3), cut("aÅb", 9)],
            ["", "a", "a", "aÅ", "aÅb"]
        );
    }
}
