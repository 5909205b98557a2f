//! Reading values: times, durations, limits, texts and their bounds.
//!
//! Everything that comes from outside is read here and nowhere else, so the
//! rest of the model works on values that are known to be sound.

use serde_json::{Map, Value};

/// Longer than everything: a life without end, a deadline that never comes.
pub(super) const NEVER: u64 = u64::MAX;

/// The name of the field for which something is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// Shorthand for a value, or the field for which it is refused.
pub(super) type Read<T> = Result<T, Refused>;

pub(super) fn refuse<T>(field: &str) -> Read<T> {
    Err(Refused(field.to_owned()))
}

/// How many sessions a key may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Unlimited,
    Banned,
    Max(usize),
}

impl Limit {
    pub(super) fn has_room(self, used: usize) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Banned => false,
            Self::Max(max) => used < max,
        }
    }

    pub(super) fn shown(self) -> Value {
        match self {
            Self::Unlimited => Value::from("unlimited"),
            Self::Banned => Value::from("banned"),
            Self::Max(max) => Value::from(max),
        }
    }

    pub(super) fn read(value: &Value, field: &str) -> Read<Self> {
        match (value.as_str(), value.as_u64()) {
            (Some("unlimited"), _) => Ok(Self::Unlimited),
            (Some("banned"), _) => Ok(Self::Banned),
            (None, Some(count)) if (1..=u64::from(u32::MAX)).contains(&count) => {
                usize::try_from(count).map(Self::Max).or_else(|_| refuse(field))
            }
            _ => refuse(field),
        }
    }
}

/// A duration in milliseconds; a bare integer counts seconds.
pub(super) fn duration(value: &Value, field: &str) -> Read<u64> {
    if let Some(seconds) = value.as_u64() {
        return Ok(seconds.saturating_mul(1000));
    }
    value.as_str().and_then(duration_text).map_or_else(|| refuse(field), Ok)
}

fn duration_text(text: &str) -> Option<u64> {
    if text == "never" {
        return Some(NEVER);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(unit)
}

/// A duration that must not be zero.
pub(super) fn life(value: &Value, field: &str) -> Read<u64> {
    match duration(value, field)? {
        0 => refuse(field),
        life => Ok(life),
    }
}

/// A point in time: integer milliseconds or RFC 3339.
pub(super) fn time(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(rfc3339))
}

fn rfc3339(text: &str) -> Option<u64> {
    let (date, clock) = text.split_once('T')?;
    let date: Vec<i64> = date.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let clock = clock.strip_suffix('Z')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let clock: Vec<i64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (&[year, month, day], &[hour, minute, second]) = (date.as_slice(), clock.as_slice()) else {
        return None;
    };
    let thousandths: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    u64::try_from(seconds * 1000 + thousandths).ok()
}

/// Days since 1970-01-01, by counting the years and months there were.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let in_month = |month: i64| match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let months: i64 = (1..month).map(in_month).sum();
    years + months + day - 1
}

/// A text without control characters, of at most `max` bytes.
pub(super) fn text(value: &Value, field: &str, max: usize) -> Read<String> {
    match value.as_str() {
        Some(text) if text.len() <= max && !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => refuse(field),
    }
}

/// A list of such texts.
pub(super) fn texts(value: &Value, field: &str, max: usize) -> Read<Vec<String>> {
    let Some(list) = value.as_array() else { return refuse(field) };
    list.iter().map(|item| text(item, field, max)).collect()
}

/// One text, or a list of them.
pub(super) fn text_or_texts(value: &Value, field: &str) -> Read<Vec<String>> {
    if value.is_string() { Ok(vec![text(value, field, 256)?]) } else { texts(value, field, 256) }
}

/// The fields of an object, none of them unknown.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The fields of `map`, which may have those of `known` and no others.
    pub(super) fn of(map: &'a Map<String, Value>, known: &[&str]) -> Read<Self> {
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => refuse(key),
            None => Ok(Self { map }),
        }
    }

    pub(super) fn of_value(value: &'a Value, field: &str, known: &[&str]) -> Read<Self> {
        value.as_object().map_or_else(|| refuse(field), |map| Self::of(map, known))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    /// What `read` makes of the field, where it is given.
    pub(super) fn read<T>(&self, name: &str, read: impl Fn(&Value, &str) -> Read<T>) -> Read<Option<T>> {
        self.get(name).map(|value| read(value, name)).transpose()
    }

    pub(super) fn text(&self, name: &str, max: usize) -> Read<Option<String>> {
        self.read(name, |value, name| text(value, name, max))
    }

    /// A text that must be given and not be empty.
    pub(super) fn needed(&self, name: &str) -> Read<String> {
        match self.text(name, 256)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => refuse(name),
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Read<bool> {
        let read = |value: &Value, name: &str| value.as_bool().map_or_else(|| refuse(name), Ok);
        Ok(self.read(name, read)?.unwrap_or(default))
    }

    pub(super) fn number(&self, name: &str) -> Read<Option<u64>> {
        self.read(name, |value, name| value.as_u64().map_or_else(|| refuse(name), Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_are_read_in_every_unit_and_integers_are_seconds() {
        let read = [("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000)];
        for (text, ms) in read {
            assert_eq!(duration(&json!(text), "ttl"), Ok(ms), "{text}");
        }
        assert_eq!(duration(&json!(3), "ttl"), Ok(3000));
        assert_eq!(duration(&json!("never"), "ttl"), Ok(NEVER));
        for bad in [json!("5"), json!("s"), json!("-1s"), json!(-1), json!("1w"), json!(null)] {
            assert_eq!(duration(&bad, "ttl"), refuse("ttl"), "{bad}");
        }
    }

    #[test]
    fn times_are_read_as_rfc_3339_and_as_milliseconds() {
        assert_eq!(time(&json!("1970-01-02T00:00:01.5Z")), Some(86_401_500));
        assert_eq!(time(&json!("2026-11-20T12:04:31.207Z")), Some(1_795_176_271_207));
        assert_eq!(time(&json!(12)), Some(12));
        assert_eq!(time(&json!("yesterday")), None);
    }
}
