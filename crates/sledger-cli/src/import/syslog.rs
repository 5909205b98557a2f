//! Sessions in a system's log, as PAM writes them.
//!
//! Grammar: `TIME HOST SERVICE[PID]: [pam_…(…): ]session opened for user USER by …(uid=N)` and
//! `… session closed for user USER`. TIME is `Jun 15 04:06:18` without a year, or RFC 3339. All other
//! lines are passed over.
//!
//! Messages hold what strangers typed. Only a message that *begins* with these words speaks of a
//! session; a user name that contains them does not.

use sledger_core::Millis;
use sledger_wire::values::{Moment, Offset, Reason, moment, time};

/// A session was opened or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The machine.
    pub(crate) host: String,
    /// The program, e.g. `sshd`.
    pub(crate) service: String,
    /// Its process.
    pub(crate) pid: String,
    /// Whose session.
    pub(crate) user: String,
    /// Opened, else closed.
    pub(crate) is_open: bool,
}

/// Why a line's time cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoTime {
    /// It does not begin with a time: no line of a log.
    NotALine,
    /// The year is not known.
    NoYear,
    /// There is no such day in that year.
    NoSuchDay(Reason),
}

/// Time in a log whose lines carry no year: each is taken to be later than the one before.
#[derive(Clone, Debug)]
pub(crate) struct Years {
    year: Option<u16>,
    offset: Offset,
    before: Millis,
}

/// A time that lies further back than this belongs to the next year; less is a clock that was set.
const ROLL_OVER_MS: u64 = 182 * 86_400_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Years {
    /// The first line is of `year`; times without an offset are in `offset`.
    pub(crate) fn new(year: Option<u16>, offset: Offset) -> Self {
        Self { year, offset, before: Millis(0) }
    }

    /// The time of a line and what follows it. Never earlier than that of the line before.
    pub(crate) fn time<'l>(&mut self, line: &'l str) -> Result<(Millis, &'l str), NoTime> {
        let (at, rest) = self.written(line)?;
        self.before = self.before.max(at);
        Ok((self.before, rest))
    }

    fn written<'l>(&mut self, line: &'l str) -> Result<(Millis, &'l str), NoTime> {
        if let Some((first, rest)) = line.split_once(' ')
            && let Ok(at) = time(first)
        {
            return Ok((at, rest.trim_start()));
        }
        let (month, rest) = line.split_once(' ').ok_or(NoTime::NotALine)?;
        let month = MONTHS.iter().position(|known| *known == month).ok_or(NoTime::NotALine)? + 1;
        let (day, rest) = rest.trim_start().split_once(' ').ok_or(NoTime::NotALine)?;
        let day: u8 = day.parse().map_err(|_| NoTime::NotALine)?;
        let (clock, rest) = rest.trim_start().split_once(' ').ok_or(NoTime::NotALine)?;
        if clock.len() != 8 {
            return Err(NoTime::NotALine);
        }
        let year = self.year.ok_or(NoTime::NoYear)?;
        let in_year = |year: u16| read(&format!("{year:04}-{month:02}-{day:02} {clock}"), self.offset);
        let mut at = in_year(year);
        if at.as_ref().is_ok_and(|at| self.before.since(*at) > ROLL_OVER_MS) {
            self.year = year.checked_add(1);
            at = in_year(self.year.unwrap_or(year));
        }
        Ok((at.map_err(NoTime::NoSuchDay)?, rest.trim_start()))
    }
}

fn read(text: &str, offset: Offset) -> Result<Millis, Reason> {
    match moment(text, offset)? {
        Moment::At(at) => Ok(at),
        // The text is a date.
        Moment::Ago(_) | Moment::Now | Moment::Seq(_) => Err(Reason::new(text)),
    }
}

/// What the rest of a line, after its time, says about a session.
pub(crate) fn session(rest: &str) -> Option<Told> {
    let (host, rest) = rest.split_once(' ')?;
    let (tag, message) = rest.trim_start().split_once(": ")?;
    let (service, pid) = tag.strip_suffix(']')?.rsplit_once('[')?;
    if pid.is_empty() || !pid.chars().all(|digit| digit.is_ascii_digit()) || service.contains(' ') {
        return None;
    }
    let message = without_module(message);
    let (is_open, user) = if let Some(rest) = message.strip_prefix("session opened for user ") {
        (true, opened(rest)?)
    } else {
        (false, message.strip_prefix("session closed for user ")?)
    };
    Some(Told {
        host: host.to_owned(),
        service: service.to_owned(),
        pid: pid.to_owned(),
        user: without_uid(user.trim_end()).to_owned(),
        is_open,
    })
}

/// `USER by WHO(uid=N)`: the last ` by ` divides, since a name may hold one.
fn opened(rest: &str) -> Option<&str> {
    let (user, by) = rest.trim_end().rsplit_once(" by ")?;
    let uid = by.strip_suffix(')')?.rsplit_once("(uid=")?.1;
    (!uid.is_empty() && uid.chars().all(|digit| digit.is_ascii_digit())).then_some(user)
}

/// Newer systems write `pam_unix(sshd:session): ` before the message.
fn without_module(message: &str) -> &str {
    let module = message.strip_prefix("pam_").and_then(|rest| rest.split_once("): "));
    match module {
        Some((name, rest)) if !name.contains(' ') => rest,
        _ => message,
    }
}

/// Newer systems write `ann(uid=1000)`.
fn without_uid(user: &str) -> &str {
    let uid = user.strip_suffix(')').and_then(|rest| rest.rsplit_once("(uid="));
    match uid {
        Some((name, digits)) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => name,
        _ => user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rest: &str) -> Option<(String, bool)> {
        session(rest).map(|told| (told.user, told.is_open))
    }

    #[test]
    fn sessions_are_read_in_old_and_new_form() {
        let cases = [
            ("combo su(pam_unix)[214]: session opened for user eve by (uid=0)", ("eve", true)),
            ("combo login(pam_unix)[9]: session opened for user eve by LOGIN(uid=0)", ("eve", true)),
            ("combo su(pam_unix)[214]: session closed for user eve", ("eve", false)),
            (
                "h sshd[7]: pam_unix(sshd:session): session opened for user eve(uid=1000) by (uid=0)",
                ("eve", true),
            ),
            (
                "h sshd[7]: pam_unix(sshd:session): session closed for user eve by night",
                ("eve by night", false),
            ),
            ("h sshd[7]: session opened for user a by b by (uid=0)", ("a by b", true)),
        ];
        for (rest, (user, is_open)) in cases {
            assert_eq!(told(rest), Some((user.to_owned(), is_open)), "{rest}");
        }
    }

    #[test]
    fn a_name_that_contains_the_words_opens_nothing() {
        for rest in [
            "h sshd[7]: Invalid user session opened for user root by (uid=0) from 10.0.0.1",
            "h sshd[7]: input_userauth_request: invalid user x: session opened for user root by (uid=0)",
            "h sshd[7]: Failed password for invalid user session closed for user root from 10.0.0.1",
            "h sshd: session opened for user root by (uid=0)",
            "h sshd[x]: session opened for user root by (uid=0)",
            "h sshd[7]: session opened for user root by (uid=0) from 10.0.0.1",
            "",
        ] {
            assert_eq!(told(rest), None, "{rest}");
        }
    }

    #[test]
    fn the_year_rolls_over_and_a_clock_set_back_does_not_roll_it() {
        let mut years = Years::new(Some(2005), Offset::default());
        let mut at = |line: &str| years.time(line).map(|(at, _)| at.rfc3339());
        assert_eq!(at("Dec 31 23:59:59 h x").unwrap(), "2005-12-31T23:59:59.000Z");
        assert_eq!(at("Jan  1 00:00:03 h x").unwrap(), "2006-01-01T00:00:03.000Z");
        assert_eq!(at("Jan  1 00:00:01 h x").unwrap(), "2006-01-01T00:00:03.000Z", "never earlier");
        assert_eq!(at("2006-02-01T10:00:00+01:00 h x").unwrap(), "2006-02-01T09:00:00.000Z");
        assert_eq!(at("last message repeated 3 times"), Err(NoTime::NotALine));
        assert!(matches!(at("Feb 29 10:00:00 h x"), Err(NoTime::NoSuchDay(_))));
        assert_eq!(Years::new(None, Offset::default()).time("Dec 31 23:59:59 h x"), Err(NoTime::NoYear));
    }
}
