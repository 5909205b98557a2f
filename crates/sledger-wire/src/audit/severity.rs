//! How much an event asks for attention.

/// How much an event asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// What happens all day.
    Info,
    /// Somebody changed something.
    Notice,
    /// Somebody was kept out or sent away, or something failed.
    Warning,
}

impl Severity {
    /// As CEF counts, from 0 to 10.
    #[must_use]
    pub const fn cef(self) -> u8 {
        match self {
            Self::Info => 2,
            Self::Notice => 4,
            Self::Warning => 6,
        }
    }

    /// As syslog counts, from 7 down to 0.
    #[must_use]
    pub const fn syslog(self) -> u8 {
        match self {
            Self::Info => 6,
            Self::Notice => 5,
            Self::Warning => 4,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
        }
    }
}

/// Types that are more than a notice.
const WARNINGS: &[&str] = &[
    "login.denied",
    "login.conflict",
    "session.evicted",
    "policy.failed",
    "policy.tripped",
    "ledger.recovered",
    "clock.differs",
    "notice.failed",
];

/// How much events of this type ask for attention.
#[must_use]
pub fn severity(kind: &str) -> Severity {
    let is_daily = ["login.", "session."].iter().any(|room| kind.starts_with(room));
    match (WARNINGS.contains(&kind), is_daily) {
        (true, _) => Severity::Warning,
        (false, true) => Severity::Info,
        (false, false) => Severity::Notice,
    }
}
