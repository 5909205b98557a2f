//! How evaluations fail: documented codes with a place, never the engine's own words.

use rhai::{Dynamic, EvalAltResult, Position};
use sledger_core::event::PolicyCode;
use sledger_core::policy::Failure;

/// Ends an evaluation in a way that no script can catch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The budget is used up.
    OverBudget,
    /// Nobody was evicted.
    NoVictim,
}

/// Ends an evaluation by `stop`.
pub(crate) fn stopped<T>(stop: Stop) -> Result<T, Box<EvalAltResult>> {
    Err(EvalAltResult::ErrorTerminated(token(stop), Position::NONE).into())
}

/// What the engine carries while it unwinds.
pub(crate) fn token(stop: Stop) -> Dynamic {
    Dynamic::from_int(match stop {
        Stop::OverBudget => 0,
        Stop::NoVictim => 1,
    })
}

/// The failure that `error` amounts to; at `end` where rhai has lost the place (it does when calls go too deep).
pub(crate) fn failure(error: &EvalAltResult, end: Position) -> Failure {
    let position = place(error);
    at(code(error), if position.is_none() { end } else { position })
}

/// A failure at a position.
pub(crate) fn at(code: PolicyCode, position: Position) -> Failure {
    Failure { code, line: number(position.line()), column: number(position.position()) }
}

/// A line or column, 0 where there is none.
pub(crate) fn number(number: Option<usize>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

fn code(error: &EvalAltResult) -> PolicyCode {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => code(inner),
        EvalAltResult::ErrorTerminated(token, _) if token.as_int() == Ok(1) => PolicyCode::NoVictim,
        EvalAltResult::ErrorTerminated(..)
        | EvalAltResult::ErrorTooManyOperations(..)
        | EvalAltResult::ErrorTooManyVariables(..)
        | EvalAltResult::ErrorTooManyModules(..)
        | EvalAltResult::ErrorStackOverflow(..)
        | EvalAltResult::ErrorDataTooLarge(..) => PolicyCode::OverBudget,
        _ => PolicyCode::Error,
    }
}

/// The innermost place that is known.
fn place(error: &EvalAltResult) -> Position {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, outer) => {
            let inner = place(inner);
            if inner.is_none() { *outer } else { inner }
        }
        other => other.position(),
    }
}
