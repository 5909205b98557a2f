//! Lives of sessions and how many were in, drawn over one axis of time.
//!
//! Units are hundredths of a point, so that nothing is a fraction.

use crate::html::text;
use crate::zone::Zone;
use sledger_core::{Millis, Span};
use sledger_replay::case::{Findings, Life, Point};
use std::fmt::Write as _;

const WIDTH: u64 = 9000;
/// Room for one life.
const ROW: u64 = 260;
/// Where bars begin, beside the names.
const LEFT: u64 = 1900;
/// Characters of a name that fit beside them.
const NAME_CHARS: usize = 26;
/// Height of the plot of counts.
const HEIGHT: u64 = 2600;
const TOP: u64 = 250;
const FLOOR: u64 = 2250;

/// The axis of time.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    from: Millis,
    to: Millis,
}

impl Axis {
    /// From the first to the last thing that is drawn; nothing where nothing is.
    pub(super) fn of(findings: &Findings) -> Option<Self> {
        let events = findings.events.iter().filter_map(|line| sledger_wire::values::time(&line.at).ok());
        let points = findings.points.iter().map(|point| point.at);
        let mut times: Vec<Millis> = events.chain(points).collect();
        times.sort_unstable();
        let (from, to) = (*times.first()?, *times.last()?);
        Some(Self { from, to: to.max(from.plus(Span::seconds(1))) })
    }

    fn x(self, at: Millis) -> u64 {
        let whole = u128::from(self.to.since(self.from).max(1));
        let part = u128::from(at.clamp(self.from, self.to).since(self.from));
        LEFT + u64::try_from(part * u128::from(WIDTH - LEFT) / whole).unwrap_or(0)
    }

    fn ends(self, y: u64, zone: Zone) -> String {
        let [from, to] = [self.from, self.to].map(|at| text(&zone.shown(at)));
        format!(
            "<text x=\"{LEFT}\" y=\"{y}\">{from}</text>\n\
             <text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{to}</text>\n"
        )
    }
}

/// A bar for each life, a mark for each refusal, and the times at which the ledger was down.
pub(super) fn timeline(findings: &Findings, axis: Axis, zone: Zone) -> String {
    let rows = findings.lives.len() as u64 + 1;
    let height = rows * ROW + 400;
    let mut drawn = gaps(findings, axis, (height - 300, zone));
    for (life, row) in findings.lives.iter().zip(0..) {
        drawn.push_str(&bar(life, axis, row * ROW, zone));
    }
    drawn.push_str(&refusals(findings, axis, (rows - 1) * ROW, zone));
    let label = format!("lives of {} sessions over time, and refusals below", findings.lives.len());
    format!(
        "<h2>Timeline</h2>\n<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{label}\">\n<title>{label}</title>\n{drawn}\
         <line class=\"axis\" x1=\"{LEFT}\" y1=\"{0}\" x2=\"{WIDTH}\" y2=\"{0}\"/>\n{1}</svg></div>\n",
        height - 300,
        axis.ends(height - 120, zone)
    )
}

fn bar(life: &Life, axis: Axis, y: u64, zone: Zone) -> String {
    let (left, right) = (axis.x(life.from), axis.x(life.to.unwrap_or(axis.to)));
    let width = (right - left).max(20);
    let ended = match (&life.to, &life.cause) {
        (Some(to), Some(cause)) => format!("to {} ({cause})", zone.shown(*to)),
        (Some(to), None) => format!("to {}", zone.shown(*to)),
        (None, _) => "and is in".to_owned(),
    };
    let whole = format!(
        "{} of {}, number {}: from {} {ended}",
        life.session,
        life.user,
        life.number,
        zone.shown(life.from)
    );
    let name: String = format!("{} {}", life.user, life.session).chars().take(NAME_CHARS).collect();
    format!(
        "<g><title>{0}</title><text x=\"0\" y=\"{1}\">{2}</text>\
         <rect class=\"life\" x=\"{left}\" y=\"{3}\" width=\"{width}\" height=\"150\"/></g>\n",
        text(&whole),
        y + 170,
        text(&name),
        y + 60
    )
}

fn refusals(findings: &Findings, axis: Axis, y: u64, zone: Zone) -> String {
    let refused =
        findings.events.iter().filter(|line| line.kind == "login.denied" || line.kind == "login.conflict");
    let mut drawn = String::new();
    for line in refused {
        let Ok(at) = sledger_wire::values::time(&line.at) else { continue };
        let x = axis.x(at);
        let why = line.code.as_deref().unwrap_or("conflict");
        let title = format!("refused at {}: {why}, seq {}", zone.shown(at), line.seq);
        // Writing to memory does not fail.
        let _always = writeln!(
            drawn,
            "<g><title>{}</title><line class=\"refused\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{}\"/></g>",
            text(&title),
            y + 60,
            y + 210
        );
    }
    if drawn.is_empty() {
        return drawn;
    }
    format!("<text x=\"0\" y=\"{}\">refused</text>\n{drawn}", y + 170)
}

fn gaps(findings: &Findings, axis: Axis, (height, zone): (u64, Zone)) -> String {
    let mut drawn = String::new();
    for (at, gap, _) in findings.downs.iter().filter(|(_, gap, _)| !gap.is_zero()) {
        let begin = Millis(at.0.saturating_sub(gap.as_millis()));
        let (left, right) = (axis.x(begin), axis.x(*at));
        if right > left {
            let title = format!("the ledger was down for {gap} until {}", zone.shown(*at));
            let _always = writeln!(
                drawn,
                "<g><title>{}</title><rect class=\"gap\" x=\"{left}\" y=\"0\" width=\"{}\" height=\"{height}\"/></g>",
                text(&title),
                right - left
            );
        }
    }
    drawn
}

/// How many were in over time, with the limit where there is one.
pub(super) fn concurrency(findings: &Findings, axis: Axis, zone: Zone) -> String {
    let points = &findings.points;
    let most = points.iter().flat_map(|point| [Some(point.active), point.limit]).flatten().max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let y = |count: u32| FLOOR - u64::from(count) * (FLOOR - TOP) / u64::from(most);
    let active = path(points, axis, &|point| Some(y(point.active)));
    let limit = path(points, axis, &|point| point.limit.map(y));
    let label =
        format!("sessions in over time, at most {}", points.iter().map(|one| one.active).max().unwrap_or(0));
    format!(
        "<h2>Sessions in over time</h2>\n<p class=\"legend\"><span class=\"evict\">sessions in</span>\
         <span class=\"deny\">limit</span></p>\n<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{label}\">\n<title>{label}</title>\n<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{most}</text>\n\
         <text x=\"{0}\" y=\"{FLOOR}\" text-anchor=\"end\">0</text>\n\
         <line class=\"axis\" x1=\"{LEFT}\" y1=\"{FLOOR}\" x2=\"{WIDTH}\" y2=\"{FLOOR}\"/>\n\
         <path class=\"limit\" d=\"{limit}\"/>\n<path class=\"step\" d=\"{active}\"/>\n{2}</svg></div>\n",
        LEFT - 100,
        TOP + 40,
        axis.ends(FLOOR + 250, zone)
    )
}

/// A line of steps; it breaks where there is no value.
fn path(points: &[Point], axis: Axis, y: &dyn Fn(&Point) -> Option<u64>) -> String {
    let (mut drawn, mut is_down) = (String::new(), false);
    for (point, next) in points.iter().zip(points.iter().skip(1).map(|next| next.at).chain([axis.to])) {
        let Some(y) = y(point) else {
            is_down = false;
            continue;
        };
        let (left, right) = (axis.x(point.at), axis.x(next));
        let step = if is_down { "V" } else { "M" };
        let place = if is_down { y.to_string() } else { format!("{left} {y}") };
        let _always = write!(drawn, "{step}{place}H{right}");
        is_down = true;
    }
    drawn
}
