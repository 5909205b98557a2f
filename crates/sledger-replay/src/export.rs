//! Exports of events that can be folded again, written and read back.
//!
//! Promise: what is read back without an error is what was written: every record follows from the one before by
//! hash, every line says what its record says, and the state at the end has the digest that was written.
//!
//! Invariant: one decision is held in memory, never more.

mod read;
mod write;

pub use read::{ExportError, ReadBack};
pub use write::Exporter;

use crate::history::{HistoryError, beginning};
use sledger_core::config::Bounds;
use sledger_core::decide::Install;
use sledger_core::decider::Decider;
use sledger_core::event::{Decision, PolicySource};
use sledger_core::{State, codec};
use sledger_policy::Engine;
use sledger_wire::events::Begin;
use std::fmt::Write as _;
use std::sync::Arc;

/// The hash that links the records of an export.
#[derive(Clone, Copy, Debug)]
struct Chain([u8; 32]);

impl Chain {
    fn new(begin: &Begin) -> Self {
        let mut bytes = b"sledger export of events, 1".to_vec();
        let policies: Vec<_> = begin.policies.iter().map(|policy| (&policy.name, &policy.text)).collect();
        codec::encode_into(&(&begin.ledger, &begin.settings, policies), &mut bytes);
        Self(*blake3::hash(&bytes).as_bytes())
    }

    /// Goes on to the next decision; the link as it is written.
    fn next(&mut self, decision: &Decision) -> String {
        let mut bytes = self.0.to_vec();
        codec::encode_into(decision, &mut bytes);
        self.0 = *blake3::hash(&bytes).as_bytes();
        hex(&self.0)
    }
}

/// Bytes as text: two digits each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to memory does not fail.
        let _always = write!(text, "{byte:02x}");
        text
    })
}

/// The state before the first event of a history.
///
/// # Errors
/// Names the setting or policy that cannot be used.
pub fn begun(begin: &Begin) -> Result<State, HistoryError> {
    if let Some(base) = &begin.base {
        return Ok(base.0.clone());
    }
    let Some(settings) = &begin.settings else { return beginning() };
    let install = |policy: &sledger_wire::events::PolicyText| Install {
        name: Arc::clone(&policy.name),
        text: Arc::clone(&policy.text),
        from: PolicySource::Folder,
    };
    let installs: Vec<Install> = begin.policies.iter().map(install).collect();
    let bounds = (Bounds::default(), 0);
    let decider = Decider::genesis(settings.clone(), &installs, Engine::new(), bounds);
    let decider = decider.map_err(|error| HistoryError::Settings(error.to_string()))?;
    Ok(decider.state().clone())
}
