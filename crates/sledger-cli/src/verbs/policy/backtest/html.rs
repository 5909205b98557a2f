//! A report as one page that needs nothing else.

mod plot;

use super::{Told, shown};
use crate::html::{self, list, section, text};
use sledger_core::Millis;
use sledger_replay::backtest::Report;
use sledger_replay::commands::Losses;
use std::fmt::Write as _;

/// The page.
pub(super) fn page(report: &Report, told: &Told<'_>, losses: Option<Losses>) -> String {
    let mut page = format!("<p>{}</p>\n", text(&shown::head(report, told)));
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
    push(&list("What the figures leave out", &shown::notes(report, losses)));
    html::page(&format!("Backtest of {}", told.candidate.name), &page)
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
