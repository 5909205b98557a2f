//! Asking again: under the same command id, until it is known what came of a command.
//!
//! Promise: a command is repeated where the connection was lost, the ledger was busy or closing, or it could not
//! say what came of it; never where it was judged. Tries and the time they take are bounded, pauses grow and are
//! spread at random, and what `Retry-After` asks for is waited out. Where no try brought certainty, the error is the
//! first that left it open.
//! Absent on purpose: repeating what has no command id and is not the same when done twice.

use crate::client::Client;
use crate::error::ClientError;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// How often, how long and after which pauses something is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Tries in all, the first among them; 1 tries nothing again.
    pub tries_max: u32,
    /// After this long no further try begins.
    pub lasting_max: Duration,
    /// Before the second try; doubled for each further one, up to 32 times it. Half of it is left to chance.
    pub pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { tries_max: 5, lasting_max: Duration::from_secs(45), pause: Duration::from_millis(200) }
    }
}

/// A try that brought no answer, and what the server asked to wait.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: ClientError,
    pub(crate) after: Option<Duration>,
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self { error, after: None }
    }
}

impl From<Failed> for ClientError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

/// What a failure says about the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody was there to hear it.
    Absent,
    /// It was not decided; later it may be.
    Later,
    /// It may have been decided.
    Open,
    /// The ledger takes nothing more; whoever starts it again makes it take more.
    Poisoned,
    /// It was judged, or never will be.
    Final,
}

impl Failed {
    pub(crate) fn verdict(&self) -> Verdict {
        match (&self.error, self.error.code()) {
            (ClientError::Connect { .. }, _) => Verdict::Absent,
            (_, Some("OUTCOME_UNKNOWN")) => Verdict::Open,
            (_, Some("LEDGER_BUSY")) => Verdict::Later,
            (_, Some("LEDGER_POISONED")) => Verdict::Poisoned,
            (ClientError::Refused(problem), None) if problem.status == 503 => Verdict::Later,
            (error, _) if error.is_connection() => Verdict::Open,
            _ => Verdict::Final,
        }
    }
}

/// Pauses between tries, and when there are no more.
#[derive(Debug)]
pub(crate) struct Pauses {
    retries: Retries,
    tries: u32,
    since: Instant,
}

impl Pauses {
    pub(crate) fn new(retries: Retries) -> Self {
        Self { retries, tries: 1, since: Instant::now() }
    }

    /// Waits before the next try, at least `after`; false when there is none.
    pub(crate) fn wait(&mut self, after: Option<Duration>) -> bool {
        let Some(pause) = self.next(after, random()) else { return false };
        std::thread::sleep(pause);
        true
    }

    fn next(&mut self, after: Option<Duration>, chance: u64) -> Option<Duration> {
        let grown = self.retries.pause.saturating_mul(1 << (self.tries - 1).min(5));
        // Between half of it and all of it.
        let spread = grown / 2 + (grown / 2).mul_f64(share(chance));
        let pause = spread.saturating_add(after.unwrap_or_default());
        let lasts = self.since.elapsed().saturating_add(pause);
        if self.tries >= self.retries.tries_max || lasts > self.retries.lasting_max {
            return None;
        }
        self.tries += 1;
        Some(pause)
    }

    const fn is_first(&self) -> bool {
        self.tries == 1
    }
}

impl Client {
    /// Tries `attempt` until it is known what came of it, or no tries are left.
    pub(crate) fn certain<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, Failed>,
    ) -> Result<T, ClientError> {
        let mut pauses = Pauses::new(self.retries());
        let mut open = None;
        loop {
            let failed = match attempt() {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            let again = match failed.verdict() {
                Verdict::Final => return Err(failed.error),
                // Nobody was there to begin with; later it may be a restart.
                Verdict::Absent => !pauses.is_first(),
                Verdict::Poisoned => open.is_some(),
                Verdict::Later | Verdict::Open => true,
            };
            let after = failed.after;
            let is_open = failed.verdict() == Verdict::Open;
            if !again || !pauses.wait(after) {
                return Err(open.unwrap_or(failed.error));
            }
            if is_open {
                open.get_or_insert(failed.error);
            }
        }
    }
}

/// A command id that nobody else uses.
pub(crate) fn fresh() -> String {
    format!("{:016x}{:016x}", random(), random())
}

/// 64 bits that nobody can guess: keyed by the system's randomness, with another key each time.
fn random() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    RandomState::new().hash_one(now.unwrap_or_default())
}

/// `chance` as a share of all there could be.
#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a pause needs no exactness")]
fn share(chance: u64) -> f64 {
    chance as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(tries_max: u32, lasting_max: Duration) -> Pauses {
        Pauses::new(Retries { tries_max, lasting_max, pause: Duration::from_millis(200) })
    }

    #[test]
    fn pauses_double_and_lie_between_half_and_whole() {
        let long = Duration::from_secs(3600);
        let (mut least, mut most) = (pauses(9, long), pauses(9, long));
        for factor in [1, 2, 4, 8, 16, 32, 32, 32] {
            assert_eq!(least.next(None, 0), Some(Duration::from_millis(100 * factor)));
            assert_eq!(most.next(None, u64::MAX), Some(Duration::from_millis(200 * factor)));
        }
        assert_eq!((least.next(None, 0), most.next(None, 0)), (None, None), "nine tries are enough");
    }

    #[test]
    fn what_the_server_asks_for_is_waited_out_or_given_up() {
        let mut some = pauses(5, Duration::from_secs(10));
        assert!(some.next(Some(Duration::from_secs(3)), 0) >= Some(Duration::from_secs(3)));
        assert_eq!(some.next(Some(Duration::from_secs(10)), 0), None, "it would last too long");
    }

    #[test]
    fn two_ids_are_never_the_same() {
        let ids: std::collections::BTreeSet<String> = (0..1000).map(|_| fresh()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}
