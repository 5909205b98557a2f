//! The page, part by part.

use super::Told;
use super::drawn::{Axis, concurrency, timeline};
use crate::html::{self, list, section, text};
use crate::verbs::replay::why::shown::{headline, row};
use sledger_replay::case::Findings;
use sledger_wire::events::EventLine;
use sledger_wire::why::Why;
use std::fmt::Write as _;

/// Digits of a hash in the table; all of them stand in its title.
const SHORT: usize = 16;

pub(super) fn page(told: &Told<'_>) -> String {
    let findings = told.findings;
    let mut body = head(told);
    if let Some(axis) = Axis::of(findings) {
        body.push_str(&timeline(findings, axis, told.zone));
        body.push_str(&concurrency(findings, axis, told.zone));
    }
    body.push_str(&whys(told));
    body.push_str(&events(told));
    body.push_str(&list("Gaps and clocks", &gaps(told)));
    body.push_str(&checking(told));
    body.push_str(&list("What this page does not prove", &unproved(told)));
    html::page(&told.question, &body)
}

fn head(told: &Told<'_>) -> String {
    let mut facts = vec![("Read from", told.whence.clone())];
    facts.extend(told.ledger.clone().map(|ledger| ("Ledger", ledger)));
    if let Some((from, to)) = told.findings.recorded {
        facts.push(("Recorded", format!("{} to {}", told.zone.shown(from), told.zone.shown(to))));
    }
    if let Some((seq, hash)) = &told.hashes.head {
        facts.push(("Last block", format!("ends at seq {seq}, hash {hash}")));
    }
    facts.push(("Written by", format!("sledger {}", env!("CARGO_PKG_VERSION"))));
    let command: Vec<String> = std::env::args().map(|word| quoted(&word)).collect();
    facts.push(("Command", command.join(" ")));
    let rows: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("<dt>{}</dt><dd><code>{}</code></dd>\n", text(name), text(value)))
        .collect();
    format!("<dl>\n{}</dl>\n", rows.concat())
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:=@+,%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Why each end and refusal came about.
fn whys(told: &Told<'_>) -> String {
    let findings = told.findings;
    if findings.whys.is_empty() {
        return "<h2>Ends and refusals</h2>\n<p>There were none.</p>\n".to_owned();
    }
    let mut out = "<h2>Ends and refusals</h2>\n".to_owned();
    for why in &findings.whys {
        out.push_str(&one(why, told));
    }
    let [_, more, _] = findings.left_out;
    if more > 0 {
        let _always = writeln!(out, "<p class=\"quiet\">{more} more are not explained here</p>");
    }
    out
}

fn one(why: &Why, told: &Told<'_>) -> String {
    let mut out = format!("<section>\n<h3>{}</h3>\n<dl>\n", text(&headline(why, told.zone)));
    for step in &why.chain {
        let _always = writeln!(out, "<dt>{}</dt><dd>{}</dd>", text(&step.step), text(&step.says));
    }
    out.push_str("</dl>\n");
    if let Some(reason) = &why.core_reason {
        let _always = writeln!(out, "<p class=\"quiet\">The six core policies: {}</p>", text(reason));
    } else {
        let rows: Vec<Vec<String>> = why.core.iter().map(row).collect();
        let table = section("", &["policy", "would", "end", "because", ""], &rows);
        out.push_str(
            "<p class=\"quiet\">What the six core policies would have done, in their plain form:</p>\n",
        );
        out.push_str(&table.replacen("<h2></h2>\n", "", 1));
    }
    out.push_str(match why.as_recorded {
        Some(true) => "<p>Decided again, it is what was recorded.</p>\n",
        Some(false) => "<p class=\"deny\">DIFFERS: decided again, it is not what was recorded.</p>\n",
        None => "",
    });
    out.push_str("</section>\n");
    out
}

/// Every event with the hash of its decision.
fn events(told: &Told<'_>) -> String {
    let findings = told.findings;
    let mut out = "<h2>Events</h2>\n<div class=\"wide\"><table class=\"events\">\n<tr><th>seq</th><th>time</th><th>event</th>\
                   <th>user</th><th>session</th><th>by</th><th>why</th><th>decision's hash</th></tr>\n"
        .to_owned();
    for line in &findings.events {
        out.push_str(&event(line, told));
    }
    out.push_str("</table></div>\n");
    let [more, _, _] = findings.left_out;
    if more > 0 {
        let _always = writeln!(out, "<p class=\"quiet\">{more} more events are not shown</p>");
    }
    out
}

fn event(line: &EventLine, told: &Told<'_>) -> String {
    let plain = |value: Option<&str>| text(value.unwrap_or_default());
    let why = [line.cause.as_deref(), line.code.as_deref(), line.reason.as_deref()];
    let why: Vec<&str> = why.into_iter().flatten().collect();
    let hash = told.hashes.of(line.decision).map_or_else(String::new, |place| {
        let short: String = place.hash.chars().take(SHORT).collect();
        format!("<code title=\"{}\">{short}</code>", place.hash)
    });
    format!(
        "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{hash}</td></tr>\n",
        line.seq,
        text(&told.zone.reshown(&line.at)),
        text(&line.kind),
        plain(line.user.as_deref()),
        plain(line.session.as_deref()),
        text(&line.actor),
        text(&why.join(", "))
    )
}

fn gaps(told: &Told<'_>) -> Vec<String> {
    let Findings { downs, clocks, lost, aggregated, .. } = told.findings;
    let mut all = Vec::new();
    for (at, gap, is_clean) in downs.iter().filter(|(_, gap, _)| !gap.is_zero()) {
        let how = if *is_clean {
            "it had been closed in good order"
        } else {
            "it had not been closed in good order"
        };
        all.push(format!("the ledger was down for {gap} until {}: {how}", told.zone.shown(*at)));
    }
    for (ledger, wall) in clocks {
        let (ledger, wall) = (told.zone.shown(*ledger), told.zone.shown(*wall));
        all.push(format!("at {ledger} by the ledger, the wall clock said {wall}"));
    }
    for (from, to) in lost {
        let shown = |seq: &Option<sledger_core::Seq>| seq.map_or("?".to_owned(), |seq| seq.to_string());
        all.push(format!("events {} to {} were lost, by the ledger's own word", shown(from), shown(to)));
    }
    if *aggregated > 0 {
        all.push(format!("{aggregated} denials of storms were only counted: what each was is not recorded"));
    }
    if let Some(why) = &told.stopped {
        let last = told.findings.last;
        all.push(format!("reading stopped after seq {last}: {why}"));
    }
    if all.is_empty() {
        all.push("none are recorded in this time".to_owned());
    }
    all
}

/// How somebody else checks the hashes, with tools of the system alone.
fn checking(told: &Told<'_>) -> String {
    let hashes = told.hashes;
    let (Some(place), Some(last)) = (hashes.places.first(), hashes.places.last()) else {
        return "<h2>How to check it</h2>\n<p>What was read has no blocks, so there are no hashes to check here. Ask for \
                an export of blocks of the ledger, and for a checkpoint that was kept elsewhere.</p>\n"
            .to_owned();
    };
    let Some(block) = hashes.held.get(place.block) else { return String::new() };
    let all: Vec<String> = block.decisions.iter().map(|hash| format!("  {hash}")).collect();
    let steps = format!(
        "# 1. The blocks, from the ledger itself:\nsledger export --format blocks > blocks\n\n\
         # 2. The decision of seq {first} is {bytes} bytes from byte {offset} on; its hash:\n\
         tail -c +{from} blocks | head -c {bytes} | b3sum --no-names\n# {hash}\n\n\
         # 3. The block that holds it (events {begin} to {end}) is hashed over its header of 112 bytes and\n\
         #    the hashes of its decisions, in order; it is decision number {number} of {count}:\n\
         (tail -c +{block_from} blocks | head -c 112; printf %s \\\n{all} \\\n  | tr -d ' \\n' | xxd -r -p) | b3sum --no-names\n\
         # {block_hash}\n\n\
         # 4. Each header names, at byte 76, the hash of the block before; here:\n\
         tail -c +{prev_from} blocks | head -c 32 | xxd -p -c 32\n# {prev}\n\n\
         # 5. All of it at once, up to the last block, against a checkpoint that was kept elsewhere:\n\
         sledger replay verify --recording blocks\n",
        first = place.first,
        bytes = place.bytes,
        offset = place.offset,
        from = place.offset + 1,
        hash = place.hash,
        begin = block.seqs.0,
        end = block.seqs.1,
        number = place.index + 1,
        count = block.decisions.len(),
        block_from = block.offset + 1,
        all = all.join(" \\\n"),
        block_hash = block.hash,
        prev_from = block.offset + 77,
        prev = block.prev,
    );
    let rows: Vec<Vec<String>> = hashes
        .places
        .iter()
        .filter_map(|place| Some((place, hashes.held.get(place.block)?)))
        .map(|(place, block)| {
            let (from, bytes) = (place.offset.to_string(), place.bytes.to_string());
            vec![
                place.first.to_string(),
                from,
                bytes,
                place.hash.clone(),
                block.seqs.1.to_string(),
                block.hash.clone(),
            ]
        })
        .collect();
    let head = ["seq", "from byte", "bytes", "hash of the decision", "block ends at", "hash of the block"];
    let table = section("Places and hashes", &head, &rows)
        .replace("<table>", "<div class=\"wide\"><table class=\"events\">");
    let table = table.replace("</table>", "</table></div>");
    format!(
        "<h2>How to check it</h2>\n<p>Hashes are BLAKE3. The decisions of this page lie between seq {} and seq {} of the \
         ledger's blocks. The steps for the first of them:</p>\n<pre>{}</pre>\n{table}",
        place.first,
        last.first,
        html::preformatted(&steps)
    )
}

fn unproved(told: &Told<'_>) -> Vec<String> {
    let mut all = vec![
        "That nothing was cut off at the end, or that the whole ledger was not written anew: only a checkpoint that was \
         kept elsewhere shows that. `sledger replay verify` says what it was held against."
            .to_owned(),
        "Who sat at the keyboard. It shows which sessions the ledger was told of, by whom, and what it decided.".to_owned(),
        "That what callers told was true: addresses, clients and attributes are as they gave them.".to_owned(),
        "When things happened outside the ledger: times are those of its own clock, which never runs back.".to_owned(),
        "Activity between two records of it, and anything that was refused before it was judged: neither is recorded."
            .to_owned(),
        "That anybody read a message: what is recorded is whether it was handed on.".to_owned(),
    ];
    if told.hashes.places.is_empty() {
        all.push("Anything by hashes: what was read has no blocks.".to_owned());
    }
    if told.hashes.more > 0 {
        all.push(format!(
            "{} more decisions have their hashes in the ledger, and not here.",
            told.hashes.more
        ));
    }
    if told.findings.left_out != [0; 3] {
        all.push("What there was no room for: it is counted above, and stands in the ledger.".to_owned());
    }
    all
}
