//! What an import found.

use crate::output::Output;
use crate::zone::Zone;
use anyhow::Result;
use serde::Serialize;
use sledger_core::Millis;
use std::collections::BTreeMap;

/// What an import found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Lines that are not empty.
    pub(crate) lines: u64,
    /// Lines that say nothing about a session.
    pub(crate) skipped: u64,
    /// Events about accounts of the system, passed over.
    pub(crate) system_accounts: u64,
    /// Sessions opened and closed.
    pub(crate) pairs: u64,
    /// Sessions opened whose end is nowhere recorded.
    pub(crate) opens_without_close: u64,
    /// Closings of sessions that were not open.
    pub(crate) closes_without_open: u64,
    /// Sessions opened under an id that another one had before.
    pub(crate) reused_ids: u64,
    /// Ends that were assumed.
    pub(crate) assumed: u64,
    /// Answers by outcome.
    pub(crate) outcomes: BTreeMap<String, u64>,
    /// Logins that an advisory quota would have denied or made room for.
    pub(crate) advised: u64,
    /// Time of the first line.
    pub(crate) first_at: Option<String>,
    /// Time of the last line.
    pub(crate) last_at: Option<String>,
    /// The ledger.
    pub(crate) data: String,
    /// Its last event.
    pub(crate) seq: u64,
}

impl Report {
    /// Notes when the past begins and ends.
    pub(crate) fn span(&mut self, first: Option<Millis>, last: Option<Millis>) {
        self.first_at = first.map(Millis::rfc3339);
        self.last_at = last.map(Millis::rfc3339);
    }

    /// Shows it.
    pub(crate) fn show(&self, zone: Zone, out: &mut Output<'_>) -> Result<()> {
        if out.is_json() {
            return out.json(self);
        }
        let time = |at: &Option<String>| at.as_deref().map(|at| zone.reshown(at)).unwrap_or_default();
        out.line(&format!("{} lines read, {} skipped", self.lines, self.skipped))?;
        if self.system_accounts > 0 {
            out.line(&format!("{} events of system accounts passed over", self.system_accounts))?;
        }
        out.line(&format!(
            "{} pairs, {} opens without a close, {} closes without an open, {} reused ids",
            self.pairs, self.opens_without_close, self.closes_without_open, self.reused_ids
        ))?;
        let outcomes: Vec<String> =
            self.outcomes.iter().map(|(word, count)| format!("{word} {count}")).collect();
        if !outcomes.is_empty() {
            out.line(&format!("answers: {}", outcomes.join(", ")))?;
        }
        if self.advised > 0 {
            out.line(&format!("{} logins met an exhausted advisory quota", self.advised))?;
        }
        if self.assumed > 0 {
            out.line(&format!("{} ends assumed", self.assumed))?;
        }
        if self.first_at.is_some() {
            out.line(&format!("from {} to {}", time(&self.first_at), time(&self.last_at)))?;
            out.line(&format!("ledger `{}`, seq {}", sledger_wire::escape(&self.data), self.seq))?;
        }
        Ok(())
    }
}
