//! A report as one page that needs nothing else: no script, no font, no picture from elsewhere.
//!
//! Invariant: whatever comes from history goes through [`text`], which leaves nothing that a browser takes for markup
//! and nothing that does not show as itself.

mod plot;

use super::{Told, shown};
use sledger_core::Millis;
use sledger_replay::backtest::Report;
use sledger_replay::commands::Losses;
use sledger_wire::escape;
use std::fmt::Write as _;

const STYLE: &str = include_str!("html/style.css");

/// The page.
pub(super) fn page(report: &Report, told: &Told<'_>, losses: Option<Losses>) -> String {
    let title = text(&format!("Backtest of {}", told.candidate.name));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{}</p>\n",
        text(&shown::head(report, told))
    );
    let mut push = |part: &str| page.push_str(part);
    if let (Some(first), Some(last)) = (report.first, report.last) {
        let time = |at: Millis| text(&told.zone.shown(at));
        push(&format!("<p class=\"quiet\">from {} to {}</p>\n", time(first), time(last)));
    }
    if told.cascade {
        push(&format!("<p class=\"quiet\">{}</p>\n", text(&shown::CASCADE.replace('\n', " "))));
    }
    push(&plot::changes(&report.buckets, told.zone));
    push(&section("What changes", &["from", "to", "changed", ""], &shown::changes(report)));
    push(&section("Whom it concerns", &["group", "changed"], &shown::groups(report)));
    push(&section("What decides", &["line", "to", "changed", "decides"], &shown::lines(report, told)));
    push(&section("Before and after", &[], &shown::before_and_after(report)));
    push(&examples(report, told));
    push(&notes(&shown::notes(report, losses)));
    page.push_str("</body>\n</html>\n");
    page
}

/// A text of whatever origin, as a browser may have it.
pub(super) fn text(from: &str) -> String {
    let mut out = String::with_capacity(from.len());
    for letter in escape(from).chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

fn section(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| -> String {
        let cells: Vec<String> = cells.map(|cell| format!("<{tag}>{}</{tag}>", text(cell))).collect();
        format!("<tr>{}</tr>\n", cells.concat())
    };
    let mut out = format!("<h2>{}</h2>\n<table>\n", text(title));
    if !head.is_empty() {
        out.push_str(&cells("th", &mut head.iter().copied()));
    }
    for row in rows {
        out.push_str(&cells("td", &mut row.iter().map(String::as_str)));
    }
    out.push_str("</table>\n");
    out
}

fn examples(report: &Report, told: &Told<'_>) -> String {
    if report.examples.is_empty() {
        return String::new();
    }
    let mut out = "<h2>First changes</h2>\n<p class=\"quiet\">To open one: <code>sledger policy explain seq:N --with \
                   NEW</code></p>\n<table>\n<tr><th>event</th><th>time</th><th>user</th><th>was</th><th>is</th></tr>\n"
        .to_owned();
    for example in &report.examples {
        let [at, user] = [&told.zone.shown(example.at), &*example.user].map(text);
        let [was, is] = [&example.was, &example.is]
            .map(|outcome| (outcome.kind.as_str(), text(&shown::outcome(outcome))));
        // Writing to memory does not fail.
        let _always = writeln!(
            out,
            "<tr><td><code>seq:{}</code></td><td>{at}</td><td>{user}</td><td class=\"{}\">{}</td>\
             <td class=\"{}\">{}</td></tr>",
            example.seq, was.0, was.1, is.0, is.1
        );
    }
    out.push_str("</table>\n");
    out
}

fn notes(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let items: Vec<String> = notes.iter().map(|note| format!("<li>{}</li>\n", text(note))).collect();
    format!("<h2>What the figures leave out</h2>\n<ul>\n{}</ul>\n", items.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_write_is_no_markup_and_shows_as_itself() {
        assert_eq!(text("<script>alert('x')</script>"), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
        assert_eq!(text("\" onload=\"x&y"), "&quot; onload=&quot;x&amp;y");
        assert_eq!(text("a\u{202e}b\u{7}\n"), "a\\u{202e}b\\u{7}\\n");
    }
}
