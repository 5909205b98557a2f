//! The kinds of complaints, and the page of each.

use super::Severity;
use crate::words::did_you_mean;

/// What kind of complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintCode {
    /// The file cannot be read, has a name that no policy can have, or shares it.
    File,
    /// The source is no UTF-8, or begins with a byte order mark.
    Encoding,
    /// The source is too large.
    TooLarge,
    /// The header is wrong.
    Header,
    /// No rhai.
    Syntax,
    /// `fn on_exhausted()` is missing, or something stands outside functions.
    Structure,
    /// A name that is always there is declared again.
    Shadow,
    /// A closure elsewhere than in `filter`, or something assigned into a list.
    Closure,
    /// A name, member or function that does not exist, or is not there while a limit is asked for.
    Unknown,
    /// A param that the header does not have.
    UnknownParam,
    /// A param used, or set, as what it is not.
    MistypedParam,
    /// A value of another type than is taken.
    Mistyped,
    /// Values compared that never compare: a number and a duration's text.
    Comparison,
    /// A way through that ends without a decision.
    NoDecision,
    /// `allow` under a hard quota.
    AllowUnderHard,
    /// A pick out of a set that may be empty is evicted.
    EmptyPick,
    /// One session is evicted where several may have to go.
    SinglePick,
    /// A param that nothing reads.
    UnusedParam,
    /// A loop that a member of `sessions` does better.
    Loop,
    /// Work that grows with the sessions of a key, under a quota of many.
    Linear,
    /// A fixed offset: no daylight saving.
    Offset,
}

/// Code, severity and page.
type Row = (LintCode, &'static str, Severity, &'static str);

/// A row whose page is the file called like the code.
macro_rules! row {
    ($code:ident, $name:literal, $severity:ident) => {
        (LintCode::$code, $name, Severity::$severity, include_str!(concat!("../lint/pages/", $name, ".md")))
    };
}

const TABLE: &[Row] = &[
    row!(File, "file", Error),
    row!(Encoding, "encoding", Error),
    row!(TooLarge, "too_large", Error),
    row!(Header, "header", Error),
    row!(Syntax, "syntax", Error),
    row!(Structure, "structure", Error),
    row!(Shadow, "shadow", Error),
    row!(Closure, "closure", Error),
    row!(Unknown, "unknown", Error),
    row!(UnknownParam, "unknown_param", Error),
    row!(MistypedParam, "mistyped_param", Error),
    row!(Mistyped, "mistyped", Error),
    row!(Comparison, "comparison", Error),
    row!(NoDecision, "no_decision", Error),
    row!(AllowUnderHard, "allow_under_hard", Error),
    row!(EmptyPick, "empty_pick", Warning),
    row!(SinglePick, "single_pick", Hint),
    row!(UnusedParam, "unused_param", Warning),
    row!(Loop, "loop", Warning),
    row!(Linear, "linear", Warning),
    row!(Offset, "offset", Warning),
];

impl LintCode {
    /// All of them, the gravest first.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        let found = TABLE.iter().find(|row| row.0 == self);
        found.expect("each code has its row: a test holds it")
    }

    /// The code as other programs read it: stable.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.row().2
    }

    /// What it means: what is wrong, a wrong and a right example, and why.
    #[must_use]
    pub fn page(self) -> &'static str {
        self.row().3
    }

    /// The code called `name`.
    ///
    /// # Errors
    /// Says what was probably meant, and which codes there are.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = TABLE.iter().find(|row| row.1 == name).map(|row| row.0);
        found.ok_or_else(|| {
            let known: Vec<&str> = TABLE.iter().map(|row| row.1).collect();
            let guess = did_you_mean(name, known.iter().copied());
            format!("there is no code `{name}`{guess}; the codes: {}", known.join(" "))
        })
    }

    /// Whether such a policy must not run at all.
    pub(crate) const fn forbids_running(self) -> bool {
        matches!(
            self,
            Self::File
                | Self::Encoding
                | Self::TooLarge
                | Self::Header
                | Self::Syntax
                | Self::Structure
                | Self::Shadow
                | Self::Closure
        )
    }
}
