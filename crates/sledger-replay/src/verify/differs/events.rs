//! Events that differ.

use super::Words;
use super::show::{plain, quoted, said};
use sledger_core::event::{Counted, Event};
use sledger_wire::events::type_of;

impl Words<'_> {
    pub(super) fn events(&self, one: &[Event], other: &[Event]) -> Option<String> {
        let mut pairs = one.iter().zip(other).enumerate();
        if let Some((index, (one, other))) = pairs.find(|(_, (one, other))| one != other) {
            return Some(said(&format!("event {}", index + 1), &self.event(one), &self.event(other)));
        }
        let (count, again) = (one.len(), other.len());
        let longer = if count > again { one } else { other };
        let rest = longer.get(count.min(again)).map(|event| format!(" (then {})", self.event(event)));
        let counts = said("events", &count.to_string(), &again.to_string());
        (count != again).then(|| format!("{counts}{}", rest.unwrap_or_default()))
    }

    fn event(&self, event: &Event) -> String {
        let words = match event {
            Event::Ended { session, cause, ended_at, judged } => {
                let by = judged.map(|judged| format!(", by answer {}", judged + 1)).unwrap_or_default();
                let (cause, at) = (cause.as_str(), ended_at.rfc3339());
                format!("{}, cause {cause} at {at}{by}", self.session(*session))
            }
            Event::Admitted { user, counted } => {
                let counts: Vec<String> = counted.iter().map(count).collect();
                format!("user {}, count {}", user.0, counts.join(", "))
            }
            Event::Denied { code, active, reason, .. } => {
                format!("{}, {active} active, {}", code.as_str(), quoted(reason))
            }
            Event::Touched { session, last_active } => {
                format!("{} at {}", self.session(*session), last_active.rfc3339())
            }
            Event::Resumed { session, .. } | Event::Disconnected { session } => self.session(*session),
            Event::Conflicted { reason, .. } => quoted(reason),
            other => plain(other),
        };
        format!("{} {words}", type_of(event))
    }
}

fn count(counted: &Counted) -> String {
    format!("{} of {} under key {}", counted.count, counted.limit, counted.key.0)
}
