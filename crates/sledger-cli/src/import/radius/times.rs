//! When an accounting record's event was.
//!
//! Taken from, in this order: `Event-Timestamp` where it tells the time without doubt (a number, RFC 3339, or a date
//! with `UTC`, `GMT` or an offset), `Timestamp` less `Acct-Delay-Time`, `Event-Timestamp` with a zone by name, the line
//! above the record less `Acct-Delay-Time`. Zones by name are not looked up: such times are read in `--tz`.

use sledger_core::Millis;
use sledger_wire::values::{Moment, Offset, moment, time, time_millis};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What a record says about its time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said<'r> {
    /// `Event-Timestamp`.
    pub(super) event: Option<&'r str>,
    /// `Timestamp`.
    pub(super) received: Option<&'r str>,
    /// `Acct-Delay-Time`.
    pub(super) delay: Option<&'r str>,
    /// The line above.
    pub(super) heading: Option<&'r str>,
}

impl Said<'_> {
    /// When it was; `None` where nothing tells.
    pub(super) fn at(self, zone: Offset) -> Option<Millis> {
        let delay_ms = self.delay.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0).saturating_mul(1000);
        let earlier = |at: Millis| Millis(at.0.saturating_sub(delay_ms));
        let event = self.event.and_then(|text| dated(text, zone));
        let sure = event.filter(|(_, is_sure)| *is_sure).map(|(at, _)| at);
        let received = || self.received.and_then(seconds).map(earlier);
        let unsure = || event.map(|(at, _)| at);
        let heading = || self.heading.and_then(|line| heading(line, zone)).map(earlier);
        sure.or_else(received).or_else(unsure).or_else(heading)
    }
}

/// `Fri Nov 20 08:00:00 2026`.
pub(super) fn heading(line: &str, zone: Offset) -> Option<Millis> {
    let mut words = line.split_ascii_whitespace();
    let day = words.next().filter(|day| DAYS.contains(day))?;
    let [month, date, clock, year] = [words.next()?, words.next()?, words.next()?, words.next()?];
    (!day.is_empty() && words.next().is_none()).then(|| civil(year, month, date, clock, zone)).flatten()
}

/// A number of seconds, RFC 3339, or `Nov 20 2026 08:00:00 UTC`; and whether the zone is known.
fn dated(text: &str, zone: Offset) -> Option<(Millis, bool)> {
    if let Some(at) = seconds(text).or_else(|| time(text).ok()) {
        return Some((at, true));
    }
    let mut words = text.split_ascii_whitespace();
    let [month, date, year, clock] = [words.next()?, words.next()?, words.next()?, words.next()?];
    let (offset, is_sure) = match words.next() {
        Some("UTC" | "GMT" | "Z") => (Offset::default(), true),
        Some(word) => word.parse().map_or((zone, false), |offset| (offset, true)),
        None => (zone, false),
    };
    Some((civil(year, month, date, clock, offset)?, is_sure))
}

fn seconds(text: &str) -> Option<Millis> {
    let seconds: u64 = text.parse().ok()?;
    time_millis(i128::from(seconds) * 1000).ok()
}

fn civil(year: &str, month: &str, date: &str, clock: &str, offset: Offset) -> Option<Millis> {
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let date: u8 = date.parse().ok()?;
    match moment(&format!("{year}-{month:02}-{date:02} {clock}"), offset).ok()? {
        Moment::At(at) => Some(at),
        Moment::Ago(_) | Moment::Now | Moment::Seq(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(said: Said<'_>) -> Option<String> {
        said.at("+07:00".parse().unwrap()).map(Millis::rfc3339)
    }

    #[test]
    fn the_surest_time_is_taken() {
        let heading = Some("Fri Nov 20 15:00:09 2026");
        let (received, delay) = (Some("1795161609"), Some("4"));
        let cases = [
            (Some("Nov 20 2026 08:00:01 UTC"), received, "2026-11-20T08:00:01.000Z"),
            (Some("1795161601"), received, "2026-11-20T08:00:01.000Z"),
            (Some("2026-11-20T08:00:01Z"), received, "2026-11-20T08:00:01.000Z"),
            (Some("Nov 20 2026 09:00:01 +01:00"), received, "2026-11-20T08:00:01.000Z"),
            (Some("Nov 20 2026 03:00:01 EST"), received, "2026-11-20T08:00:05.000Z"),
            (Some("Nov 20 2026 15:00:01 WIB"), None, "2026-11-20T08:00:01.000Z"),
            (None, None, "2026-11-20T08:00:05.000Z"),
        ];
        for (event, received, expected) in cases {
            let said = Said { event, received, delay, heading };
            assert_eq!(at(said).as_deref(), Some(expected), "{event:?} {received:?}");
        }
        assert_eq!(at(Said::default()), None);
    }

    #[test]
    fn only_a_date_stands_above_a_record() {
        for line in ["Fri Nov 31 08:00:00 2026", "Nov 20 08:00:00 2026", "Fri Nov 20 08:00:00 2026 x", ""] {
            assert_eq!(super::heading(line, Offset::default()), None, "{line}");
        }
    }
}
