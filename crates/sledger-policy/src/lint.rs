//! Everything that can be said against a policy without running it.

mod defs;
mod flow;
mod functions;
mod loops;
mod members;
mod walk;

pub use defs::definitions;

use crate::OPERATIONS_MAX;
use crate::check::{Lint, LintCode, Severity};
use crate::header::{Header, UtcOffset};
use rhai::{AST, Position};
use sledger_core::config::Level;

/// Complaints so far.
struct Findings<'s> {
    source: &'s str,
    lints: Vec<Lint>,
    /// Where work grows with the sessions of a key, and what does it.
    linear: Vec<(Position, String)>,
}

impl Findings<'_> {
    fn add(&mut self, code: LintCode, severity: Severity, position: Position, message: String) {
        self.lints.push(Lint::at(code, severity, position, message));
    }

    /// Where a function is declared; the syntax tree does not keep it.
    fn declaration(&self, name: &str) -> Position {
        let found = self.source.lines().zip(1u16..).find_map(|(line, number)| {
            let rest = line.trim_start();
            let after = rest.strip_prefix("private ").unwrap_or(rest).trim_start().strip_prefix("fn ")?;
            let after = after.trim_start().strip_prefix(name)?.trim_start();
            let column = line.len() - rest.len() + 1;
            after.starts_with('(').then(|| Position::new(number, u16::try_from(column).unwrap_or(1)))
        });
        found.unwrap_or(Position::NONE)
    }
}

/// Every complaint about a policy.
pub(crate) fn all(ast: &AST, source: &str, header: &Header, level: Option<Level>) -> Vec<Lint> {
    let mut findings = Findings { source, lints: Vec::new(), linear: Vec::new() };
    structure(ast, &mut findings);
    let functions = functions::Functions::of(ast);
    flow::look(&functions, &mut findings);
    walk::look((ast, &functions), header, level, &mut findings);
    if header.utc_offset != UtcOffset::default() {
        let message = "`utc_offset` is fixed: it knows no daylight saving".to_owned();
        let line = source.lines().position(|line| line.starts_with("//!") && line.contains("utc_offset"));
        let line = line.and_then(|line| u16::try_from(line + 1).ok()).unwrap_or(1);
        findings.add(LintCode::Offset, Severity::Warning, Position::new(line, 1), message);
    }
    findings.lints
}

/// The first place where work grows with the sessions of a key.
pub(crate) fn linear(ast: &AST, source: &str, header: &Header) -> Option<Lint> {
    let mut findings = Findings { source, lints: Vec::new(), linear: Vec::new() };
    walk::look((ast, &functions::Functions::of(ast)), header, None, &mut findings);
    findings.linear.sort_by_key(|(position, _)| (position.line(), position.position()));
    let (position, what) = findings.linear.first()?;
    let message = format!("`{what}` costs 1 per session of the key; an evaluation has {OPERATIONS_MAX}");
    Some(Lint::at(LintCode::Linear, Severity::Warning, *position, message))
}

/// There is `fn on_exhausted()`, and nothing outside functions, where it would never run.
fn structure(ast: &AST, findings: &mut Findings<'_>) {
    let has = |name: &str, params: usize| {
        ast.iter_fn_def().any(|def| def.name == name && def.params.len() == params)
    };
    if !has("on_exhausted", 0) {
        let message = "there is no `fn on_exhausted()`".to_owned();
        findings.add(LintCode::Structure, Severity::Error, Position::new(1, 1), message);
    }
    for def in ast.iter_fn_def() {
        let is_asked = def.name == "on_exhausted" || def.name == "limit";
        if is_asked && !def.params.is_empty() {
            let message = format!("`fn {}` takes no parameters", def.name);
            let position = findings.declaration(&def.name);
            findings.add(LintCode::Structure, Severity::Error, position, message);
        }
    }
    if let Some(first) = ast.statements().iter().find(|statement| !statement.is_noop()) {
        let message = "what stands outside functions never runs, and functions do not see it".to_owned();
        findings.add(LintCode::Structure, Severity::Error, first.position(), message);
    }
}
