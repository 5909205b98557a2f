//! Reading a policy without running it: its header, its structure, and everything that is probably a mistake.
//!
//! Some complaints are about what must not run at all (they also stop [`crate::Engine`] from binding it);
//! the others stop an installation; warnings stop nothing.

mod code;

pub use code::LintCode;

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
    /// It can, but is probably not what is meant.
    Warning,
    /// It is right, and could be better.
    Hint,
}

impl Severity {
    /// As other programs read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: ", self.line, self.column, self.code.as_str())?;
        match self.severity {
            Severity::Error => f.write_str(&self.message),
            milder => write!(f, "{}: {}", milder.as_str(), self.message),
        }
    }
}

impl Lint {
    /// A complaint as grave as its code is, at line and column; 0 is nowhere.
    #[must_use]
    pub fn new(code: LintCode, line: u32, column: u32, message: String) -> Self {
        Self { line, column, severity: code.severity(), code, message }
    }

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
        Some(script) if lints.iter().all(|lint| lint.severity != Severity::Error) => Ok(script.header),
        _ => Err(lints),
    }
}

/// Every complaint about a policy, in the order of the source; some depend on the level of its quota.
#[must_use]
pub fn lint(source: &str, level: Option<Level>) -> Vec<Lint> {
    read(None, source, level).1
}

/// As [`lint`], for the policy `name`: its header must say so too.
#[must_use]
pub fn lint_of(name: &str, source: &str, level: Option<Level>) -> Vec<Lint> {
    read(Some(name), source, level).1
}

/// Where work of a policy grows with the sessions of its key, if it does: a warning for a quota of many.
#[must_use]
pub fn is_linear(source: &str) -> Option<Lint> {
    let header = read_header_of(None, source).ok()?;
    rules::linear(&compile(source).ok()?, source, &header)
}

/// The text of a policy's file.
///
/// # Errors
/// A complaint that names the encoding, or the place of the first byte that is no UTF-8.
pub fn read_source(bytes: Vec<u8>) -> Result<String, Lint> {
    let complaint = |(line, column), what: &str| Lint::new(LintCode::Encoding, line, column, what.to_owned());
    match bytes.as_slice() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return Err(complaint((1, 1), "the file is UTF-16: save it as UTF-8"));
        }
        _ => {}
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(valid);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let place = (u32::try_from(line).unwrap_or(0), u32::try_from(column).unwrap_or(0));
        complaint(place, "this is not UTF-8 (Latin-1?): save the file as UTF-8")
    })
}

/// Reads a policy as far as it can be read, with every complaint.
pub(crate) fn read(name: Option<&str>, source: &str, level: Option<Level>) -> (Option<Script>, Vec<Lint>) {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("the source is larger than {SOURCE_BYTES_MAX} bytes");
        return (None, vec![Lint::error(LintCode::TooLarge, 0, 0, message)]);
    }
    if source.starts_with('\u{feff}') {
        let message = "the file begins with a byte order mark: save it as UTF-8 without one".to_owned();
        return (None, vec![Lint::new(LintCode::Encoding, 1, 1, message)]);
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
