//! A line for people: values in quotes, everything that would not show as itself written out.

use super::fields::{Field, fields};
use crate::escape::escape;
use crate::events::EventLine;
use std::fmt::Write as _;

/// `AT TYPE seq=SEQ name="value" …`
pub(super) fn line(event: &EventLine) -> String {
    // Writing to memory does not fail.
    let mut line = format!("{} {} seq={}", event.at, event.kind, event.seq);
    for (name, field) in fields(event) {
        let _always = match field {
            Field::Plain(value) => write!(line, " {name}={value}"),
            Field::Text(value) => write!(line, " {name}={}", quoted(value)),
            Field::Json(value) => write!(line, " {name}={}", quoted(&value)),
        };
    }
    line
}

/// Whether this begins with a time as ours do, or could if it went on.
pub(super) fn is_begun(cut: &[u8]) -> bool {
    let form = b"0000-00-00T00:00:00.000Z ";
    cut.iter().zip(form).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    })
}

fn quoted(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    let mut letter_text = [0; 4];
    for letter in value.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push_str(&escape(letter.encode_utf8(&mut letter_text)));
    }
    quoted.push('"');
    quoted
}
