//! Session lines and times.

use crate::duration;
use crate::suite::{Old, World};
use crate::words::{clean, did_you_mean};
use sledger_core::{Millis, Span};

/// Longest age and life: ten thousand days, so that no sum overflows and ages lie after 1970.
const SECONDS_MAX: i64 = 10_000 * 86_400;
/// Age of a session that names none.
const AGE: u64 = 3600;

const KEYS: [&str; 8] = ["ip", "client", "source", "user", "age", "idle", "ttl", "retained"];

/// `id key=value … retained`.
pub(super) fn session(world: &World, line: &str) -> Result<Old, String> {
    let mut words = line.split_whitespace();
    let id = words.next().ok_or("a session line begins with an id")?;
    if id.contains('=') {
        return Err(format!("a session line begins with an id, not with `{}`", clean(id)));
    }
    let mut old = world.old(id);
    let mut age = None;
    for word in words {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, value),
            None if word == "retained" => (word, ""),
            None => return Err(unknown(word)),
        };
        let text = || Some(value.to_owned());
        match key {
            "ip" => old.login.ip = text(),
            "client" => old.login.client = text(),
            "source" => old.login.source = text(),
            "user" => old.login.user = text(),
            "age" => age = Some(seconds(value)?),
            "idle" => old.idle = seconds(value)?,
            "ttl" => old.login.ttl = Some(Span::seconds(seconds(value)?)),
            "retained" if value.is_empty() => old.retained = true,
            _ => match key.strip_prefix("attr.") {
                Some(key) => old.login.attributes.push((key.to_owned(), value.to_owned())),
                None => return Err(unknown(word)),
            },
        }
    }
    old.age = age.unwrap_or(AGE).max(old.idle);
    Ok(old)
}

fn unknown(word: &str) -> String {
    let key = word.split('=').next().unwrap_or(word);
    let meant = did_you_mean(key, KEYS);
    format!("`{}` says nothing in a session line{meant}", clean(word))
}

fn seconds(text: &str) -> Result<u64, String> {
    let found = duration::seconds(text).filter(|seconds| *seconds <= SECONDS_MAX);
    let found = found.and_then(|seconds| u64::try_from(seconds).ok());
    found.ok_or_else(|| format!("`{}` is no duration such as `90s`, `5m`, `2h` or `1d`", clean(text)))
}

/// RFC 3339: a date, a time and an offset.
pub(super) fn millis(text: &str) -> Option<Millis> {
    let when: toml::value::Datetime = text.parse().ok()?;
    let (date, time) = (when.date?, when.time?);
    let minutes = match when.offset? {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i64::from(minutes),
    };
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    // Days since 1970-03-01 less 1970-01-01, years beginning in March so that leap days come last.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + i64::from(date.day) - 719_469;
    let of_day = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second);
    let seconds = days * 86_400 + of_day - minutes * 60;
    // Ages reach back from here, and nothing is before 1970.
    let seconds = (seconds >= SECONDS_MAX).then_some(seconds)?;
    u64::try_from(seconds).ok().map(|seconds| Millis(seconds * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_an_offset() {
        let known = [
            ("2026-01-05T10:00:00Z", 1_767_607_200_000),
            ("2026-01-05T11:00:00+01:00", 1_767_607_200_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ];
        for (text, expected) in known {
            assert_eq!(millis(text), Some(Millis(expected)), "{text}");
        }
        for text in ["", "2026-01-05", "10:00:00", "2026-01-05T10:00:00", "1970-01-05T10:00:00Z", "now"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn a_session_line_says_all_that_can_be_said() {
        let old = session(&World::default(), "a ip=10.0.0.1 idle=2h ttl=1d retained attr.k=v=w").unwrap();
        assert_eq!((old.age, old.idle, old.retained), (7200, 7200, true));
        assert_eq!(old.login.attributes, [("k".to_owned(), "v=w".to_owned())]);
        for (line, wrong) in [
            ("", "begins with an id"),
            ("ip=10.0.0.1", "begins with an id"),
            ("a ege=1h", "did you mean `age`?"),
            ("a retaind", "did you mean `retained`?"),
            ("a age=5w", "no duration"),
            ("a age=99999d", "no duration"),
        ] {
            let error = session(&World::default(), line).unwrap_err();
            assert!(error.contains(wrong), "{line}: {error}");
        }
    }
}
