//! `--fail-on`: how many changes are too many.

use crate::exit::Usage;
use anyhow::Result;
use sledger_replay::backtest::Report;
use sledger_replay::rejudge::Kind;
use std::fmt;

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// Changes to this; all of them where it is none.
    to: Option<Kind>,
    least: u64,
}

impl Bound {
    /// The bounds that the flags give.
    pub(super) fn all(texts: &[String]) -> Result<Vec<Self>> {
        texts.iter().flat_map(|text| text.split(',')).map(Self::parse).collect()
    }

    fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Usage::error(format!(
                "--fail-on: `{text}` is no bound: write allow, deny, evict, error or changed, then > or >= and a \
                 number, e.g. 'deny>0'"
            ))
        };
        let (what, bound) = text.split_once('>').ok_or_else(wrong)?;
        let to = match what.trim() {
            "changed" => None,
            what => Some(Kind::ALL.into_iter().find(|kind| kind.as_str() == what).ok_or_else(wrong)?),
        };
        let (more, number) = bound.strip_prefix('=').map_or((1, bound), |number| (0, number));
        let number: u64 = number.trim().parse().map_err(|_| wrong())?;
        Ok(Self { to, least: number.saturating_add(more) })
    }

    /// Whether so many changes were found.
    pub(super) fn is_passed(self, report: &Report) -> bool {
        self.to.map_or(report.changed, |kind| report.changed_to(kind)) >= self.least
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}>={}", self.to.map_or("changed", Kind::as_str), self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_and_slips_are_told_with_an_example() {
        let parse = |text: &str| Bound::parse(text);
        assert_eq!(parse("deny>0").unwrap(), Bound { to: Some(Kind::Deny), least: 1 });
        assert_eq!(parse("changed >= 9").unwrap(), Bound { to: None, least: 9 });
        for slip in ["deny", "deny>", "denied>0", "deny<3", "deny>-1", ""] {
            let said = parse(slip).unwrap_err().to_string();
            assert!(said.contains("'deny>0'"), "{slip}: {said}");
        }
    }
}
