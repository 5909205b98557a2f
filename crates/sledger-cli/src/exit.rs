//! Exit codes, and which errors lead to which.

use sledger_wire::escape;
use std::fmt;
use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well; also when whoever read the output went away.
    Ok,
    /// Something failed.
    Failure,
    /// The command line or the configuration is wrong.
    Usage,
    /// History is not what it must be.
    Diverged,
    /// A login was denied, or met a conflict.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Ok => Self::SUCCESS,
            Exit::Failure => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Diverged => Self::from(3),
            Exit::Refused => Self::from(4),
        }
    }
}

/// The command line or the configuration is wrong: each line is a complaint.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl Usage {
    /// An error that ends the program with [`Exit::Usage`].
    pub(crate) fn error(text: impl Into<String>) -> anyhow::Error {
        Self(text.into()).into()
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Whoever read the output is gone: no failure.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for ReaderGone {}

/// The exit code of an error, and what to say about it.
pub(crate) fn explain(error: &anyhow::Error) -> (Exit, Vec<String>) {
    if error.is::<ReaderGone>() {
        return (Exit::Ok, Vec::new());
    }
    let exit = if error.is::<Usage>() { Exit::Usage } else { Exit::Failure };
    (exit, complaint(error))
}

/// Every cause once: errors that show their source already are not told twice.
fn complaint(error: &anyhow::Error) -> Vec<String> {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text.lines().map(|line| format!("error: {}", escape(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_cause_that_is_told_already_is_not_told_twice() {
        let io = || std::io::Error::other("disk is on fire");
        let told = anyhow::Error::from(io()).context("cannot read `a`: disk is on fire");
        assert_eq!(
            explain(&told),
            (Exit::Failure, vec!["error: cannot read `a`: disk is on fire".to_owned()])
        );
        let untold: anyhow::Result<()> = Err(io()).context("cannot read `a`");
        let (_, lines) = explain(&untold.unwrap_err());
        assert_eq!(lines, ["error: cannot read `a`: disk is on fire"]);
    }

    #[test]
    fn what_moves_a_terminal_is_escaped_in_complaints() {
        let (exit, lines) = explain(&Usage::error("no user `\u{1b}[2J`\nand more"));
        assert_eq!(exit, Exit::Usage);
        assert_eq!(lines, ["error: no user `\\u{1b}[2J`", "error: and more"]);
    }
}
