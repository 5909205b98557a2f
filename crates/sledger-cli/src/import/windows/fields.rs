//! What is looked at of an event, however it was written.

use super::{Logged, accounts};
use anyhow::{Result, anyhow};
use sledger_core::Millis;
use sledger_wire::values::{Moment, Offset, moment, time};

/// Who writes the events that are meant.
const PROVIDER: &str = "Microsoft-Windows-Security-Auditing";

/// What an event says about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 4624.
    Logon,
    /// 4634.
    Logoff,
    /// 4647: the user asked for it; a 4634 may follow.
    LogoffAsked,
}

/// An event's own data that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Sid,
    User,
    Domain,
    LogonId,
    LogonType,
    Guid,
    Ip,
}

impl Name {
    pub(super) const ALL: [Self; 7] =
        [Self::Sid, Self::User, Self::Domain, Self::LogonId, Self::LogonType, Self::Guid, Self::Ip];

    /// Its name in the event.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Sid => "TargetUserSid",
            Self::User => "TargetUserName",
            Self::Domain => "TargetDomainName",
            Self::LogonId => "TargetLogonId",
            Self::LogonType => "LogonType",
            Self::Guid => "LogonGuid",
            Self::Ip => "IpAddress",
        }
    }

    /// Its place among the unnamed properties of a logon, or of a logoff.
    pub(super) const fn place(self, id: u32) -> Option<usize> {
        match (self, id) {
            (Self::Sid, 4624) => Some(4),
            (Self::User, 4624) => Some(5),
            (Self::Domain, 4624) => Some(6),
            (Self::LogonId, 4624) => Some(7),
            (Self::LogonType, 4624) => Some(8),
            (Self::Guid, 4624) => Some(12),
            (Self::Ip, 4624) => Some(18),
            (Self::Sid, _) => Some(0),
            (Self::User, _) => Some(1),
            (Self::Domain, _) => Some(2),
            (Self::LogonId, _) => Some(3),
            (Self::LogonType | Self::Guid | Self::Ip, _) => None,
        }
    }
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// Its id, e.g. 4624.
    pub(super) id: u32,
    /// Its number in its computer's log.
    pub(super) record: u64,
    /// When, as written.
    pub(super) at: String,
    /// Where.
    pub(super) computer: String,
    /// Who wrote it; empty where that is not said.
    pub(super) provider: String,
    /// Its data, in the order of [`Name::ALL`].
    pub(super) data: [String; 7],
}

impl Fields {
    /// One datum; empty where there is none.
    pub(super) fn datum(&self, name: Name) -> &str {
        let text = self.data.get(name as usize).map(|text| text.trim()).unwrap_or_default();
        if text == "-" { "" } else { text }
    }

    /// Sets a datum by its name in the event; others are passed over.
    pub(super) fn set(&mut self, name: &str, text: &str) {
        let known = Name::ALL.into_iter().find(|known| known.text() == name);
        if let Some(slot) = known.and_then(|known| self.data.get_mut(known as usize)) {
            text.clone_into(slot);
        }
    }

    const fn kind(&self) -> Option<Kind> {
        match self.id {
            4624 => Some(Kind::Logon),
            4634 => Some(Kind::Logoff),
            4647 => Some(Kind::LogoffAsked),
            _ => None,
        }
    }

    /// Whether it is about an account that nobody logs in with.
    pub(super) fn is_of_system(&self) -> bool {
        accounts::is_of_system(self.datum(Name::Sid), self.datum(Name::User))
    }

    /// What it says of a session; `None` where it says nothing.
    pub(super) fn logged(&self, offset: Offset) -> Result<Option<Logged>> {
        let Some(kind) = self.kind().filter(|_| self.provider.is_empty() || self.provider == PROVIDER) else {
            return Ok(None);
        };
        let missing = |what: &str| anyhow!("event {} has no `{what}`", self.id);
        let name = Some(self.datum(Name::User)).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| missing(Name::User.text()))?;
        let logon_id = logon_id(self.datum(Name::LogonId)).ok_or_else(|| missing(Name::LogonId.text()))?;
        if self.computer.is_empty() {
            return Err(missing("Computer"));
        }
        let domain = self.datum(Name::Domain);
        let user = if domain.is_empty() { name.to_owned() } else { format!("{domain}\\{name}") };
        Ok(Some(Logged {
            kind,
            at: when(&self.at, offset)?,
            computer: self.computer.clone(),
            user,
            name: name.to_owned(),
            logon_id,
            guid: guid(self.datum(Name::Guid)),
            client: client(self.datum(Name::LogonType)),
            ip: address(self.datum(Name::Ip)),
        }))
    }
}

/// A logon id, written in hex or as a number, in one form.
fn logon_id(text: &str) -> Option<String> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => text.parse().ok()?,
    };
    Some(format!("0x{number:x}"))
}

/// A guid without its braces; none where it is all zeros.
fn guid(text: &str) -> Option<String> {
    let guid = text.trim_matches(['{', '}']).to_ascii_lowercase();
    let says_something = guid.chars().any(|digit| !matches!(digit, '0' | '-'));
    says_something.then_some(guid)
}

/// A kind of logon in words.
fn client(kind: &str) -> Option<String> {
    let word = match kind {
        "" => return None,
        "0" => "system",
        "2" => "interactive",
        "3" => "network",
        "4" => "batch",
        "5" => "service",
        "7" => "unlock",
        "8" => "network_cleartext",
        "9" => "new_credentials",
        "10" => "remote_interactive",
        "11" => "cached_interactive",
        "12" => "cached_remote_interactive",
        "13" => "cached_unlock",
        other => return Some(format!("logon_type_{other}")),
    };
    Some(word.to_owned())
}

/// An address of somewhere else.
fn address(text: &str) -> Option<String> {
    let is_here = text.parse::<std::net::IpAddr>().is_ok_and(|ip| {
        let ip = ip.to_canonical();
        ip.is_loopback() || ip.is_unspecified()
    });
    (!text.is_empty() && !is_here && !text.eq_ignore_ascii_case("local")).then(|| text.to_owned())
}

/// RFC 3339, `/Date(ms)/`, or a time without an offset.
fn when(text: &str, offset: Offset) -> Result<Millis> {
    let text = text.trim();
    if let Ok(at) = time(text) {
        return Ok(at);
    }
    let date = text.strip_prefix("/Date(").and_then(|rest| rest.split(['+', '-', ')']).next());
    if let Some(at) = date.and_then(|digits| digits.parse().ok()) {
        return Ok(Millis(at));
    }
    // `2020-10-22T08:29:53.908` without an offset: seconds will do, record numbers tell the order.
    let plain = text.get(..19).map(|text| text.replacen('T', " ", 1)).unwrap_or_default();
    match moment(&plain, offset) {
        Ok(Moment::At(at)) => Ok(at),
        _ if text.is_empty() => Err(anyhow!("the event has no time")),
        _ => Err(anyhow!("`{}` is no time", sledger_wire::escape(text))),
    }
}
