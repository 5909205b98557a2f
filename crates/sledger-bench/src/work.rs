//! The logins: who comes, in which order, equal on both sides.

use crate::cpu;
use hdrhistogram::Histogram;
use std::ops::Range;
use std::time::Duration;

/// Sessions that a user may have.
pub(crate) const LIMIT: u32 = 5;
/// Of so many logins one is of a user at the limit, when the work is mixed.
const MIXED_EACH: u64 = 10;
/// A prime, to come to users in an order without neighbours.
const STRIDE: u64 = 7919;

/// What one side did in one run.
pub(crate) struct Run {
    pub(crate) logins: u64,
    pub(crate) took: Duration,
    /// Nanoseconds from sending a login to having its answer.
    pub(crate) latencies: Histogram<u64>,
    /// Logins for which another session had to go.
    pub(crate) evicted: u64,
    /// Nanoseconds on a processor, by kind of thread, where they are ours.
    pub(crate) spent: cpu::Spent,
}

/// Logins of a kind.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// The policy that decides about exhausted users.
    pub(crate) policy: &'static str,
    users: u64,
    /// The first so many users are at the limit before the first login.
    full: u64,
}

impl Work {
    /// Each tenth login is of a user at the limit.
    pub(crate) const fn mixed(users: u64) -> Self {
        let name = "10 % exhausted";
        Self { name, policy: "destroy_next_expiring", users, full: users / MIXED_EACH }
    }

    /// Every login is of a user at the limit.
    pub(crate) const fn exhausted(users: u64) -> Self {
        Self { name: "all exhausted", policy: "destroy_oldest", users, full: users }
    }

    /// Logins in a run of the ledger, of the ledger called as narrowly as Redis, and of Redis.
    ///
    /// Mixed, users below the limit fill up: a run with its warm-up ends before one of them reaches it.
    pub(crate) const fn logins(&self, quick: bool) -> [u64; 3] {
        if quick {
            [self.users * 2, self.users, self.users]
        } else {
            [self.users * 4, self.users * 4 / 10, self.users * 4 / 10]
        }
    }

    /// Logins in a run over HTTP, and over one connection alone: fewer than in process, so also within what is free.
    pub(crate) const fn requests(&self) -> [u64; 2] {
        let alone = self.users / 10;
        [self.users * 2, if alone < 2000 { alone } else { 2000 }]
    }

    /// Of so many logins one finds its user at the limit.
    const fn each(&self) -> u64 {
        if self.full == self.users { 1 } else { MIXED_EACH }
    }

    /// How many of `logins` in a row find their user at the limit.
    pub(crate) const fn exhausted_in(&self, logins: u64) -> u64 {
        logins / self.each()
    }

    /// The logins that fill it.
    pub(crate) fn filling(&self) -> Range<u64> {
        0..self.full * u64::from(LIMIT)
    }

    /// User and session of a login that fills it.
    pub(crate) fn filler(&self, n: u64) -> (String, String) {
        (user(n % self.full), format!("f{n:015x}"))
    }

    /// User and session of the login `n`.
    pub(crate) fn login(&self, n: u64) -> (String, String) {
        let each = self.each();
        let (turn, place) = (n / each, n % each);
        let number = if place == 0 {
            turn * STRIDE % self.full
        } else {
            let others = turn * (each - 1) + place - 1;
            self.full + others * STRIDE % (self.users - self.full)
        };
        (user(number), format!("{n:016x}"))
    }
}

fn user(number: u64) -> String {
    format!("user-{number:06}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// How many logins find their user at the limit, counted one by one.
    fn counted(work: &Work, logins: Range<u64>) -> u64 {
        let mut live: HashMap<String, u32> = HashMap::new();
        for n in work.filling() {
            *live.entry(work.filler(n).0).or_default() += 1;
        }
        let mut exhausted = 0;
        for n in logins {
            let count = live.entry(work.login(n).0).or_default();
            if *count == LIMIT { exhausted += 1 } else { *count += 1 }
        }
        exhausted
    }

    #[test]
    fn each_tenth_login_of_mixed_work_is_of_a_user_at_the_limit() {
        for users in [1000, 100_000] {
            let work = Work::mixed(users);
            let all: u64 = work.logins(false).iter().take(2).sum::<u64>() + work.logins(false)[0] / 10;
            assert!(
                work.requests()[0] * 11 / 10 + work.requests()[1] <= all,
                "requests would fill somebody up"
            );
            assert_eq!(counted(&work, 0..all), work.exhausted_in(all));
        }
    }

    #[test]
    fn every_login_of_exhausted_work_is_of_a_user_at_the_limit() {
        let work = Work::exhausted(1000);
        assert_eq!(counted(&work, 0..5000), 5000);
    }
}
