//! Policies that fail too often are left unasked for a while.

const FAILURES: usize = 100;
const WITHIN: u64 = 10_000;
const REST: u64 = 30_000;

/// The failures of every quota's policy, and until when one is tripped.
#[derive(Clone, Debug, Default)]
pub(super) struct Trips {
    failures: Vec<(String, String, u64)>,
    tripped: Vec<(String, String, u64)>,
}

impl Trips {
    pub(super) fn is_tripped(&self, quota: &str, policy: &str, now: u64) -> bool {
        self.tripped.iter().any(|(of, name, until)| of == quota && name == policy && now < *until)
    }

    pub(super) fn failed(&mut self, quota: &str, policy: &str, now: u64) {
        self.failures.push((quota.to_owned(), policy.to_owned(), now));
        let same =
            |(of, name, at): &&(String, String, u64)| of == quota && name == policy && now - at < WITHIN;
        if self.failures.iter().filter(same).count() >= FAILURES {
            self.failures.retain(|(of, name, _)| of != quota || name != policy);
            self.tripped.push((quota.to_owned(), policy.to_owned(), now + REST));
        }
    }
}
