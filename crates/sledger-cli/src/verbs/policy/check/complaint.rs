//! A complaint with the file it is about.

use serde_json::{Value, json};
use sledger_policy::Lint;
use sledger_wire::escape;

/// A complaint, and where.
#[derive(Debug)]
pub(super) struct Complaint {
    /// The file, as it was named.
    pub(super) file: String,
    pub(super) lint: Lint,
}

impl Complaint {
    /// `file:line:column: code: message`.
    pub(super) fn line(&self) -> String {
        escape(&format!("{}:{}", self.file, self.lint)).to_string()
    }

    pub(super) fn to_json(&self) -> Value {
        let Lint { line, column, severity, code, message } = &self.lint;
        json!({
            "file": self.file, "line": line, "column": column, "code": code.as_str(),
            "severity": severity.as_str(), "message": message,
        })
    }
}
