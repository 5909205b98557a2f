//! Values as people and programs write them: spans, bytes, limits, times, names.
//!
//! Each reader takes text and gives a core type or a [`Reason`]: one line that
//! says what is wrong and what to write instead. None of them panics.

mod bytes;
mod limit;
mod moment;
mod names;
mod span;
mod time;

pub use bytes::{bytes, bytes_text};
pub use limit::{LimitWord, limit, limit_number};
pub use moment::{Moment, Offset, moment};
pub use names::{SessionName, policy_name, policy_ref, quota_name};
pub use span::{span, span_seconds};
pub use time::{time, time_millis};

/// Why a value cannot be read, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Reason(pub String);

impl Reason {
    /// A reason.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
