//! Events as CSV: RFC 4180, one row per event, columns named in the first.
//!
//! Names come from strangers and rows are opened in spreadsheets. So a cell that a spreadsheet could take for a
//! formula begins with an apostrophe, and so does one that began with an apostrophe before: who takes one apostrophe off
//! each cell that begins with one has what was there ([`without_mark`]). Characters that do not show as themselves are
//! written as `\n` or `\u{…}`, for people: exports of events have them as they are.

use crate::escape;
use crate::events::EventLine;
use serde_json::Value;

/// The columns, in order: keys of an event.
pub const COLUMNS: [&str; 31] = [
    "seq",
    "at",
    "type",
    "code",
    "decision",
    "actor",
    "request_id",
    "user",
    "session",
    "number",
    "by_session",
    "source",
    "ip",
    "client",
    "quota",
    "key",
    "limit",
    "active",
    "policy",
    "line",
    "policy_code",
    "cause",
    "reason",
    "message",
    "started",
    "ended_at",
    "first",
    "last",
    "count",
    "advisory",
    "details",
];

/// Characters that make a cell a formula, or that a spreadsheet takes off before it looks.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The first row, with its end.
#[must_use]
pub fn header() -> String {
    format!("{}\r\n", COLUMNS.join(","))
}

/// The row of an event, with its end.
#[must_use]
pub fn row(event: &EventLine) -> String {
    let value = serde_json::to_value(event).unwrap_or_default();
    let cells: Vec<String> = COLUMNS.iter().map(|column| cell(&text(value.get(column)))).collect();
    format!("{}\r\n", cells.join(","))
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// One cell: escaped, without formulas, quoted where it must be.
#[must_use]
pub fn cell(text: &str) -> String {
    let mut shown = escape(text).into_owned();
    if text.starts_with('\'') || text.trim_start_matches([' ', '\u{a0}']).starts_with(FORMULA) {
        shown.insert(0, '\'');
    }
    let must_quote = |letter: char| matches!(letter, ',' | ';' | '"' | '\'') || letter.is_whitespace();
    if shown.contains(must_quote) { format!("\"{}\"", shown.replace('"', "\"\"")) } else { shown }
}

/// What stood in a cell before it was kept from being a formula; `cell` is as a reader of CSV gives it, unquoted.
#[must_use]
pub fn without_mark(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_cell_from_being_a_formula_can_be_taken_off_again() {
        for text in ["=1+1", "'=1+1", "''", "'ann", "ann", "", "-1", "a'b", "@x,\"y\"", " =1"] {
            let cell = cell(text);
            let unquoted = cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let unquoted = unquoted.map_or(cell.clone(), |inner| inner.replace("\"\"", "\""));
            assert_eq!(without_mark(&unquoted), text, "{cell}");
        }
    }

    #[test]
    fn cells_are_quoted_and_escaped() {
        let cases = [
            ("ann", "ann"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "two\\nlines"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
        ];
        for (text, wanted) in cases {
            assert_eq!(cell(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn no_cell_begins_as_a_formula() {
        for text in
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "=HYPERLINK(\"http://x\")"]
        {
            let cell = cell(text);
            assert!(cell.starts_with("\"'"), "{text:?} became {cell}");
        }
    }

    #[test]
    fn every_key_of_an_event_has_its_column() {
        let event = EventLine {
            seq: 7,
            number: Some(1),
            started: Some("s".to_owned()),
            ended_at: Some("e".to_owned()),
            first: Some("f".to_owned()),
            last: Some("l".to_owned()),
            count: Some(1),
            policy_code: Some("c".to_owned()),
            user: Some("=cmd".to_owned()),
            details: [("a".to_owned(), Value::from(1))].into_iter().collect(),
            advisory: vec![crate::answer::AdviceObject {
                quota: String::new(),
                outcome: String::new(),
                evict: Vec::new(),
                reason: None,
            }],
            ..EventLine::default()
        };
        let Value::Object(keys) = serde_json::to_value(&event).unwrap() else {
            panic!("an event is an object")
        };
        for key in keys.keys() {
            assert!(COLUMNS.contains(&key.as_str()), "`{key}` has no column");
        }
        let row = row(&event);
        assert!(row.starts_with("7,") && row.ends_with("\r\n") && row.contains(",\"'=cmd\","), "{row}");
        assert_eq!(header().matches(',').count() + 1, COLUMNS.len());
    }
}
