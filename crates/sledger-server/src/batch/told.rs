//! What a line is told that the ledger did not answer.

use crate::reply::failure_code;
use sledger::{Decision, Failure, Outcome};
use sledger_wire::answer::AnswerLine;
use sledger_wire::recording::{Echo, Malformed};

/// What came of a line that was submitted, or would come of it.
pub(super) fn answered(echo: &Echo, dry_run: bool, completion: Decision) -> AnswerLine {
    match completion {
        Ok(answer) if dry_run => AnswerLine::foreseen(echo, &answer),
        Ok(answer) => AnswerLine::batched(echo, &answer),
        Err(failure) => failed(echo, &failure),
    }
}

/// A line without an answer: `unknown` where it may have been decided all the same, else `rejected`.
pub(super) fn failed(echo: &Echo, failure: &Failure) -> AnswerLine {
    let outcome = match failure {
        Failure::OutcomeUnknown(_) => Outcome::Unknown,
        Failure::Busy | Failure::Closed | Failure::Poisoned(_) => Outcome::Rejected,
    };
    AnswerLine {
        op: echo.op.as_str().to_owned(),
        user: echo.user.clone(),
        session: echo.session.clone(),
        outcome: outcome.as_str().to_owned(),
        code: failure_code(failure).map(str::to_owned),
        reason: Some(failure.to_string()),
        ..AnswerLine::default()
    }
}

/// A line that is no command at all.
pub(super) fn malformed(why: &Malformed) -> AnswerLine {
    let field = match why {
        Malformed::NoOp | Malformed::UnknownOp(_) => "op",
        Malformed::NoAt | Malformed::BadAt(_) | Malformed::RunsBack { .. } => "at",
        Malformed::NotJson(_) | Malformed::NoObject(_) | Malformed::TooLong => "line",
    };
    AnswerLine {
        outcome: Outcome::Rejected.as_str().to_owned(),
        field: Some(field.to_owned()),
        reason: Some(why.to_string()),
        ..AnswerLine::default()
    }
}
