//! Time on a processor by kind of thread: where a login's work is done, whatever else the machine does.

use std::collections::BTreeMap;
use std::fs;

/// What the threads of a ledger are shown as, by how the system calls them.
const KINDS: [(&str, &str); 4] = [
    ("sledger-decide", "decider"),
    ("sledger-write", "writer"),
    ("sledger-project", "projector"),
    ("sled-io", "sled"),
];

/// Nanoseconds on a processor by kind of thread. What cannot be read is 0.
pub(crate) type Spent = BTreeMap<&'static str, u64>;

/// Time spent so far by the threads that now run.
pub(crate) fn by_kind() -> Spent {
    let mut spent = Spent::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let said = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let name = said("comm");
        if let Some((_, kind)) = KINDS.iter().find(|(prefix, _)| name.starts_with(prefix)) {
            *spent.entry(kind).or_default() += nanoseconds(&said("schedstat"));
        }
    }
    spent
}

/// Time spent so far by this thread.
pub(crate) fn of_this_thread() -> u64 {
    nanoseconds(&fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default())
}

/// Time spent so far by all threads of a process that still run.
pub(crate) fn of_process(id: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    tasks
        .map(|task| nanoseconds(&fs::read_to_string(task.path().join("schedstat")).unwrap_or_default()))
        .sum()
}

/// What was spent between `before` and `after`, with what `callers` spent that have ended since.
pub(crate) fn between(before: &Spent, mut after: Spent, callers: u64) -> Spent {
    for (kind, spent) in &mut after {
        *spent = spent.saturating_sub(before.get(kind).copied().unwrap_or_default());
    }
    *after.entry("callers").or_default() += callers;
    after
}

/// The first of three numbers.
fn nanoseconds(schedstat: &str) -> u64 {
    schedstat.split_whitespace().next().and_then(|spent| spent.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_between_two_moments() {
        let at = |decider| Spent::from([("decider", decider)]);
        assert_eq!(between(&at(5), at(12), 3), Spent::from([("callers", 3), ("decider", 7)]));
        assert_eq!(nanoseconds("17 2 3\n"), 17);
        assert_eq!(nanoseconds(""), 0);
    }
}
