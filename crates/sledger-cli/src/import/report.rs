//! What an import found.

use super::Counts;
use super::remarks::Remarks;
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
    /// Lines or records that cannot be used, each named in `remarks`.
    pub(crate) broken: u64,
    /// Lines or records whose time lies before that of those before them, taken at the time reached.
    pub(crate) moved: u64,
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
    /// Sessions ended because their source started, stopped or said that they are not live.
    pub(crate) gone: u64,
    /// Ends by `Acct-Terminate-Cause`.
    pub(crate) terminate_causes: BTreeMap<String, u64>,
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
    /// What there is to say of single lines and records, by file and place.
    pub(crate) remarks: Vec<String>,
    /// How many remarks more there were.
    pub(crate) remarks_more: u64,
}

impl Report {
    /// Notes when the past begins and ends.
    pub(crate) fn span(&mut self, first: Option<Millis>, last: Option<Millis>) {
        self.first_at = first.map(Millis::rfc3339);
        self.last_at = last.map(Millis::rfc3339);
    }

    /// Adds what was read of a file.
    pub(crate) fn count(&mut self, counts: &Counts) {
        self.lines += counts.read;
        self.skipped += counts.skipped;
        self.system_accounts += counts.of_system;
        self.broken += counts.broken;
        self.moved += counts.moved;
        self.remark(&counts.remarks);
    }

    /// Adds remarks.
    pub(crate) fn remark(&mut self, remarks: &Remarks) {
        self.remarks.extend(remarks.kept.iter().cloned());
        self.remarks_more += remarks.more;
    }

    /// Says what there is to say of single lines, then shows the figures.
    pub(crate) fn show(&self, zone: Zone, out: &mut Output<'_>) -> Result<()> {
        for remark in &self.remarks {
            out.say(&format!("note: {remark}"));
        }
        if self.remarks_more > 0 {
            out.say(&format!("note: and {} more", self.remarks_more));
        }
        if out.is_json() {
            return out.json(self);
        }
        let time = |at: &Option<String>| at.as_deref().map(|at| zone.reshown(at)).unwrap_or_default();
        out.line(&format!("{} lines read, {} skipped", self.lines, self.skipped))?;
        if self.system_accounts > 0 {
            out.line(&format!("{} events of system accounts passed over", self.system_accounts))?;
        }
        self.show_odd(out)?;
        out.line(&format!(
            "{} pairs, {} opens without a close, {} closes without an open, {} reused ids",
            self.pairs, self.opens_without_close, self.closes_without_open, self.reused_ids
        ))?;
        if self.gone > 0 {
            out.line(&format!("{} ended as gone at their source", self.gone))?;
        }
        if !self.outcomes.is_empty() {
            out.line(&format!("answers: {}", listed(&self.outcomes)))?;
        }
        if !self.terminate_causes.is_empty() {
            out.line(&format!("ends by cause: {}", listed(&self.terminate_causes)))?;
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
    /// What could not be used as it stands.
    fn show_odd(&self, out: &mut Output<'_>) -> Result<()> {
        if self.broken > 0 {
            out.line(&format!("{} broken, passed over", self.broken))?;
        }
        if self.moved > 0 {
            out.line(&format!("{} out of order, taken at the time reached", self.moved))?;
        }
        Ok(())
    }
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    let words: Vec<String> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
    words.join(", ")
}
