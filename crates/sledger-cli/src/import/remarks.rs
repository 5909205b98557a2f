//! What an import has to say of single lines and records: each by its place, the first of them in full.

use std::path::Path;

/// Remarks kept; others are counted.
const KEPT_MAX: usize = 50;

/// Remarks on single lines and records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// The first of them.
    pub(crate) kept: Vec<String>,
    /// How many more there were.
    pub(crate) more: u64,
}

impl Remarks {
    /// Adds one; its text is escaped here.
    pub(crate) fn add(&mut self, text: &str) {
        if self.kept.len() < KEPT_MAX {
            self.kept.push(sledger_wire::escape(text).into_owned());
        } else {
            self.more += 1;
        }
    }
}

/// What a log is called without what its rotation adds: `wtmp` for `wtmp`, `wtmp.1` and `wtmp-20261101`.
///
/// Logs that were one are one source, so that a session may begin in one of them and end in the next.
pub(crate) fn unrotated(path: &Path) -> String {
    let name = path.display().to_string();
    let end = name.rsplit_once(['.', '-']);
    let is_turn = |end: &str| !end.is_empty() && end.bytes().all(|digit| digit.is_ascii_digit());
    match end {
        Some((log, turn)) if is_turn(turn) && !log.is_empty() && !log.ends_with('/') => log.to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_remarks_are_kept_and_the_rest_counted() {
        let mut remarks = Remarks::default();
        (0..60).for_each(|count| remarks.add(&format!("{count}\u{1b}")));
        assert_eq!((remarks.kept.len(), remarks.more), (KEPT_MAX, 10));
        assert_eq!(remarks.kept.first().map(String::as_str), Some("0\\u{1b}"));
    }

    #[test]
    fn rotated_logs_are_one_source() {
        for (path, source) in [
            ("wtmp", "wtmp"),
            ("wtmp.1", "wtmp"),
            ("var/log/wtmp-20261101", "var/log/wtmp"),
            ("web1/wtmp.db", "web1/wtmp.db"),
            ("a/.1", "a/.1"),
            ("-", "-"),
        ] {
            assert_eq!(unrotated(Path::new(path)), source);
        }
    }
}
