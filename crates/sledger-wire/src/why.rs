//! Why a session is in, ended, or was refused: `replay why` and `GET /v1/replay/why`.

use crate::events::EventLine;
use crate::values::{LimitWord, SessionName};
use serde::{Deserialize, Serialize};
use sledger_core::Seq;

/// What somebody wants to know about: a session, an event, or a user's latest end or refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// `seq:N`.
    Seq(Seq),
    /// `user:NAME`.
    User(String),
    /// `SESSION` or `SESSION@SEQ`: the live one, else the latest that ended.
    Session(SessionName),
}

impl About {
    /// Bytes of a text that says so.
    pub const BYTES_MAX: usize = 512;

    /// Reads `SESSION`, `SESSION@SEQ`, `seq:N` or `user:NAME`.
    ///
    /// # Errors
    /// When it is empty, too long, or names an event that cannot be.
    pub fn parse(text: &str) -> Result<Self, crate::values::Reason> {
        if text.len() > Self::BYTES_MAX {
            return Err(format!("has {} bytes; at most {} are allowed", text.len(), Self::BYTES_MAX).into());
        }
        match text.split_once(':') {
            Some(("seq", number)) => match number.parse() {
                Ok(number) if number > 0 => Ok(Self::Seq(Seq(number))),
                _ => Err("names no event: write seq:N, as `sledger events` shows it".into()),
            },
            Some(("user", "")) => Err("names no user: write user:NAME".into()),
            Some(("user", name)) => Ok(Self::User(name.to_owned())),
            _ if text.is_empty() => Err("names nothing: write SESSION, seq:N or user:NAME".into()),
            _ => Ok(Self::Session(SessionName::parse(text))),
        }
    }
}

/// `replay why`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Why {
    /// The session it is about.
    pub session: Option<String>,
    /// Its user.
    pub user: Option<String>,
    /// What became of it: `admitted`, `denied`, `evicted`, `ended`, …
    pub outcome: String,
    /// When the session was over; null where it is not about an end.
    pub ended_at: Option<String>,
    /// Why it ended, in one word.
    pub cause: Option<String>,
    /// Why, for programs.
    pub code: Option<String>,
    /// The decision.
    pub decision: WhyDecision,
    /// The newcomer that a session made room for.
    pub by_session: Option<String>,
    /// Who caused it.
    pub actor: String,
    /// The event.
    pub seq: u64,
    /// When it was decided.
    pub at: String,
    /// The session's number.
    pub number: Option<u64>,
    /// The caller's own id for the request.
    pub request_id: Option<String>,
    /// From the command to who was told what, in words.
    pub chain: Vec<WhyStep>,
    /// Every quota key that counted the login, before it came.
    pub counted: Vec<WhyCounted>,
    /// What policies were asked and answered.
    pub judged: Vec<WhyJudged>,
    /// The session as it stood before; null for one that was not in.
    pub before: Option<WhySession>,
    /// What each core policy would have done in its plain form, at the quota that decided.
    pub core: Vec<WhyCore>,
    /// Why `core` is empty, where it is.
    pub core_reason: Option<String>,
    /// Whether the decision, decided again, is what was recorded; null where it cannot be decided again.
    pub as_recorded: Option<bool>,
    /// Notices of it that were given or failed.
    pub told: Vec<EventLine>,
    /// All events of the decision.
    pub events: Vec<EventLine>,
}

/// The decision in [`Why`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyDecision {
    /// Its first event.
    pub seq: u64,
    /// The quota concerned.
    pub quota: Option<String>,
    /// The policy that decided, with its revision.
    pub policy: Option<String>,
    /// The line in it that decided.
    pub line: Option<u32>,
    /// Why, for operators.
    pub reason: Option<String>,
    /// For the person affected.
    pub message: Option<String>,
}

/// One step of the chain in [`Why`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyStep {
    /// Which: `command`, `state`, `quota`, `policy`, `line`, `decision`, `message`, `told`.
    pub step: String,
    /// In words.
    pub says: String,
}

/// A quota key in [`Why`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyCounted {
    /// The quota.
    pub quota: String,
    /// The key.
    pub key: String,
    /// Live sessions under it.
    pub used: u32,
    /// The limit by settings and overrides.
    pub limit: LimitWord,
}

/// What a policy was asked and answered in [`Why`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyJudged {
    /// The quota.
    pub quota: String,
    /// The key.
    pub key: Option<String>,
    /// The limit in force.
    pub limit: LimitWord,
    /// Live sessions under the key.
    pub active: u32,
    /// The policy, with its revision; null under a ban.
    pub policy: Option<String>,
    /// `allow`, `deny` or `evict`.
    pub answer: String,
    /// Sessions evicted, or offered to be ended.
    pub sessions: Vec<String>,
    /// Why, in the script's words.
    pub reason: Option<String>,
    /// The line that decided; 0 where none did.
    pub line: u32,
    /// The text of that line in the recorded source.
    pub text: Option<String>,
    /// How the policy failed.
    pub policy_code: Option<String>,
    /// False for an advisory quota.
    pub enforced: bool,
}

/// A session as it stood before, in [`Why`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhySession {
    /// When it began.
    pub started: String,
    /// Last recorded activity.
    pub last_active: String,
    /// When it would have been over; null for never.
    pub expires: Option<String>,
    /// Its absolute life.
    pub ttl: String,
    /// Its idle time.
    pub idle: String,
    /// How long it is kept after a disconnect.
    pub retention: String,
    /// Whether it was disconnected and kept.
    pub retained: bool,
}

/// What a core policy would have done, in [`Why`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyCore {
    /// The policy.
    pub policy: String,
    /// `allow`, `deny`, `evict` or `error`.
    pub outcome: String,
    /// Whether the login would have come in.
    pub admitted: bool,
    /// Sessions it would have ended.
    pub evicted: Vec<String>,
    /// Why, in its words.
    pub reason: Option<String>,
    /// Whether that is what happened.
    pub same: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_read_from_its_beginning() {
        assert_eq!(About::parse("seq:7"), Ok(About::Seq(Seq(7))));
        assert_eq!(About::parse("user:a:b"), Ok(About::User("a:b".to_owned())));
        assert_eq!(About::parse("s@9"), Ok(About::Session(SessionName::parse("s@9"))));
        for wrong in ["seq:0", "seq:x", "user:", "", &"x".repeat(513)] {
            assert!(About::parse(wrong).is_err(), "{wrong}");
        }
    }
}
