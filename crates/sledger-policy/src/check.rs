//! Reading a policy without running it: its header, its structure, and everything that is probably a mistake.
//!
//! Some complaints are about what must not run at all (they also stop [`crate::Engine`] from binding it);
//! the others stop an installation; warnings stop nothing.

use crate::header::{Header, read_header_of};
use crate::lint as rules;
use crate::words::clean;
use crate::{SOURCE_BYTES_MAX, runtime};
use rhai::{AST, Engine, Position};
use sledger_core::config::Level;
use std::fmt;

/// A complaint about a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lint {
    /// Line, 0 when nowhere.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
    /// Whether it stops an installation.
    pub severity: Severity,
    /// What kind of complaint: stable.
    pub code: LintCode,
    /// What is wrong and, where it can be guessed, what was meant.
    pub message: String,
}

/// How much a complaint matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The policy cannot be installed.
    Error,
    /// It can.
    Warning,
}

/// What kind of complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintCode {
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
    /// A duration's text compared with a number.
    Comparison,
    /// A way through that ends without a decision.
    NoDecision,
    /// `allow` under a hard quota.
    AllowUnderHard,
    /// A param that nothing reads.
    UnusedParam,
    /// A loop that a member of `sessions` does better.
    Loop,
    /// A fixed offset: no daylight saving.
    Offset,
}

impl LintCode {
    /// The code as other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Header => "header",
            Self::Syntax => "syntax",
            Self::Structure => "structure",
            Self::Shadow => "shadow",
            Self::Closure => "closure",
            Self::Unknown => "unknown",
            Self::Comparison => "comparison",
            Self::NoDecision => "no_decision",
            Self::AllowUnderHard => "allow_under_hard",
            Self::UnusedParam => "unused_param",
            Self::Loop => "loop",
            Self::Offset => "offset",
        }
    }

    /// Whether such a policy must not run at all.
    pub(crate) const fn forbids_running(self) -> bool {
        matches!(
            self,
            Self::TooLarge | Self::Header | Self::Syntax | Self::Structure | Self::Shadow | Self::Closure
        )
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (line, column, code) = (self.line, self.column, self.code.as_str());
        write!(f, "{line}:{column}: {severity}[{code}]: {}", self.message)
    }
}

impl Lint {
    pub(crate) fn error(code: LintCode, line: u32, column: u32, message: String) -> Self {
        Self { line, column, severity: Severity::Error, code, message }
    }

    pub(crate) fn at(code: LintCode, severity: Severity, position: Position, message: String) -> Self {
        let number = crate::failure::number;
        let (line, column) = (number(position.line()), number(position.position()));
        Self { line, column, severity, code, message }
    }
}

/// A policy that has been read.
pub(crate) struct Script {
    pub(crate) header: Header,
    pub(crate) has_limit: bool,
}

/// Reads the policy `name`; complaints of all kinds where any is an error.
///
/// # Errors
/// Every complaint, in the order of the source.
pub fn check_source(name: &str, source: &str) -> Result<Header, Vec<Lint>> {
    let (script, lints) = read(Some(name), source, None);
    match script {
        Some(script) if lints.iter().all(|lint| lint.severity == Severity::Warning) => Ok(script.header),
        _ => Err(lints),
    }
}

/// Every complaint about a policy, in the order of the source; some depend on the level of its quota.
#[must_use]
pub fn lint(source: &str, level: Option<Level>) -> Vec<Lint> {
    read(None, source, level).1
}

/// Reads a policy as far as it can be read, with every complaint.
pub(crate) fn read(name: Option<&str>, source: &str, level: Option<Level>) -> (Option<Script>, Vec<Lint>) {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the source is larger than {SOURCE_BYTES_MAX} bytes");
        return (None, vec![Lint::error(LintCode::TooLarge, 0, 0, message)]);
    }
    let header = match read_header_of(name, source) {
        Ok(header) => header,
        Err(lint) => return (None, vec![lint]),
    };
    let ast = match compile(source) {
        Ok(ast) => ast,
        Err(lint) => return (None, vec![lint]),
    };
    let mut lints = rules::all(&ast, source, &header, level);
    lints.sort();
    lints.dedup();
    let has_limit = ast.iter_fn_def().any(|def| def.name == "limit" && def.params.is_empty());
    (Some(Script { header, has_limit }), lints)
}

/// Compiles a policy with this thread's engine.
pub(crate) fn compile(source: &str) -> Result<AST, Lint> {
    runtime::with_engine(|engine| compile_with(engine, source))
}

/// Compiles a policy.
pub(crate) fn compile_with(engine: &Engine, source: &str) -> Result<AST, Lint> {
    engine.compile(source).map_err(|error| {
        let message = clean(&error.err_type().to_string()).to_string();
        Lint::at(LintCode::Syntax, Severity::Error, error.position(), message)
    })
}
