//! Events as audit sinks write them: one line each, in JSON, CEF or text.
//!
//! ```text
//! json   the object of the feed, what would not show as itself written as `\uXXXX`
//! cef    CEF:0|sledger|sledger|VERSION|TYPE|NAME|SEVERITY|externalId=SEQ rt=MS …
//! text   AT TYPE seq=SEQ user="…" session="…" …
//! ```
//!
//! Invariants: a line holds no line break and no other control character, whatever names and attributes hold; each
//! carries its event's seq where [`seq_of`] finds it, whichever form it has.
//! Absent on purpose: where lines go, and the line's end.

mod cef;
mod fields;
mod json;
mod severity;
mod text;

pub use severity::{Severity, severity};

use crate::config::{Audit, AuditFormat, AuditTarget, Transport, matches};
use crate::events::EventLine;
use std::fmt;

/// The event as one line, without its end.
#[must_use]
pub fn line(event: &EventLine, format: AuditFormat) -> String {
    match format {
        AuditFormat::Json => json::line(event),
        AuditFormat::Cef => cef::line(event),
        AuditFormat::Text => text::line(event),
    }
}

/// The seq of the event that a line written by [`line()`] is about; `None` where it is no such line.
#[must_use]
pub fn seq_of(line: &[u8]) -> Option<u64> {
    let rest = after_seq_key(line)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

/// Whether `cut` may be the beginning of a line that was not written to its end.
#[must_use]
pub fn is_begun(cut: &[u8]) -> bool {
    let begins = |with: &str| cut.starts_with(with.as_bytes()) || with.as_bytes().starts_with(cut);
    begins(json::BEGIN) || begins(cef::BEGIN) || text::is_begun(cut)
}

fn after_seq_key(line: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = line.strip_prefix(json::BEGIN.as_bytes()) {
        return Some(rest);
    }
    if line.starts_with(cef::BEGIN.as_bytes()) {
        // Nothing before the extension comes from outside, so it holds no escaped bar.
        return line.splitn(8, |byte| *byte == b'|').nth(7)?.strip_prefix(cef::SEQ.as_bytes());
    }
    text::is_begun(line).then(|| line.splitn(3, |byte| *byte == b' ').nth(2))??.strip_prefix(b"seq=")
}

impl Audit {
    /// Whether events of this type go there.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.types.iter().any(|glob| matches(glob, kind))
    }
}

/// As it is written in a configuration.
impl fmt::Display for AuditTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::Journald => f.write_str("journald"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Syslog { transport, host, port } => {
                let transport = match transport {
                    Transport::Udp => "udp",
                    Transport::Tcp => "tcp",
                    Transport::Tls => "tls",
                };
                write!(f, "syslog+{transport}://{host}:{port}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
