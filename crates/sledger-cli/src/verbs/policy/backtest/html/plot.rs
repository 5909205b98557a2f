//! Changes over time, drawn: a bar for each stretch of time, parted by what the changes are to.
//!
//! Units are hundredths of a point, so that nothing is a fraction.

use crate::html::text;
use crate::zone::Zone;
use sledger_core::Millis;
use sledger_replay::backtest::{Bucket, Buckets};
use sledger_replay::rejudge::Kind;
use std::fmt::Write as _;

const WIDTH: u64 = 9000;
const HEIGHT: u64 = 2600;
/// Where bars stand, with room for the count above and the times below.
const TOP: u64 = 200;
const FLOOR: u64 = 2350;

/// The plot; nothing where nothing changes.
pub(super) fn changes(buckets: &Buckets, zone: Zone) -> String {
    let most = buckets.counts.iter().map(sum).max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let count = buckets.counts.len() as u64;
    let mut bars = String::new();
    for (bucket, index) in buckets.counts.iter().zip(0..) {
        bars.push_str(&bar(bucket, (index, count, most), buckets, zone));
    }
    let end = Millis(buckets.start.0 + buckets.width * count);
    let [from, to] = [buckets.start, end].map(|at| text(&zone.shown(at)));
    format!(
        "<h2>Changes over time</h2>\n{}<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"changed decisions over time\">\n<text x=\"0\" y=\"130\">{most}</text>\n\
         <line class=\"axis\" x1=\"0\" y1=\"{TOP}\" x2=\"{WIDTH}\" y2=\"{TOP}\"/>\n{bars}\
         <line class=\"axis\" x1=\"0\" y1=\"{FLOOR}\" x2=\"{WIDTH}\" y2=\"{FLOOR}\"/>\n\
         <text x=\"0\" y=\"2550\">{from}</text>\n<text x=\"{WIDTH}\" y=\"2550\" text-anchor=\"end\">{to}</text>\n\
         </svg>\n<p class=\"quiet\">a bar is {}; the line above stands at {most}</p>\n",
        legend(),
        width(buckets.width)
    )
}

fn legend() -> String {
    let entry = |kind: Kind| format!("<span class=\"{kind}\">to {kind}</span>");
    let entries = Kind::ALL.map(entry).concat();
    format!("<p class=\"legend\">{entries}</p>\n")
}

fn sum(bucket: &Bucket) -> u64 {
    bucket.changed.iter().sum()
}

fn bar(bucket: &Bucket, (index, count, most): (u64, u64, u64), buckets: &Buckets, zone: Zone) -> String {
    if sum(bucket) == 0 {
        return String::new();
    }
    let (left, right) = (WIDTH * index / count, WIDTH * (index + 1) / count);
    // A gap, where there is room for one.
    let width = (right - left) - (right - left) / 8;
    let (mut below, mut out) = (0, String::from("<g>"));
    let at = Millis(buckets.start.0 + buckets.width * index);
    let counts: Vec<String> = Kind::ALL
        .into_iter()
        .zip(bucket.changed)
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} to {kind}"))
        .collect();
    // Writing to memory does not fail.
    let _always = write!(out, "<title>{}: {}</title>", text(&zone.shown(at)), counts.join(", "));
    for (kind, count) in Kind::ALL.into_iter().zip(bucket.changed).filter(|(_, count)| *count > 0) {
        let scaled = |count: u64| count * (FLOOR - TOP) / most;
        let (bottom, top) = (FLOOR - scaled(below), FLOOR - scaled(below + count));
        below += count;
        let _always = write!(
            out,
            "<rect class=\"{kind}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{}\"/>",
            bottom - top
        );
    }
    out.push_str("</g>\n");
    out
}

/// Milliseconds in the largest unit that fits.
fn width(millis: u64) -> String {
    let (unit, name) = [(86_400_000, "days"), (3_600_000, "hours"), (60_000, "minutes")]
        .into_iter()
        .find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit))
        .unwrap_or((1000, "seconds"));
    format!("{} {name}", millis / unit)
}
