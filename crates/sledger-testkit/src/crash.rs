//! Oracle for crash tests: what a process said before it was killed, held against what it left behind.
//!
//! [`Plan`] says when to kill, [`Ack`] is what the process said, [`Book`] is what its log says. The book is a fold
//! of its own, simpler than the core's: it shares no code with what it judges.
//!
//! Absent on purpose: processes, files, logs. The tests bring those.

mod ack;
mod book;
mod plan;

pub use ack::{Ack, Asked, LINE_BYTES_MAX};
pub use book::{Book, Live};
pub use plan::{Kill, Life, Plan, Run};

use std::hash::{DefaultHasher, Hash, Hasher};

/// The client of a session that is meant to expire soon.
pub const SHORT: &str = "short";

/// The text that a login of `session` carries, so that what is read back can be told from anything torn or mixed up.
#[must_use]
pub fn payload(session: &str) -> String {
    let sum = sum([session]);
    let repeats = usize::try_from(sum % 14).unwrap_or(0);
    format!("{session}:{}", format!("{sum:016x}").repeat(repeats))
}

/// A sum over texts: equal for equal texts in equal order, within one build.
pub fn sum<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> u64 {
    let mut hasher = DefaultHasher::new();
    texts.into_iter().for_each(|text| text.as_ref().hash(&mut hasher));
    hasher.finish()
}
