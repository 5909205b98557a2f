//! Holds: names under which nothing may be archived, dropped or erased.
//!
//! INVARIANT(bounded): how many there are is bounded where they are set.

use crate::Millis;
use crate::command::Actor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Holds that stand at once.
pub const HOLDS_MAX: usize = 64;

/// Why nothing may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why, for operators.
    pub reason: Box<str>,
    /// Since when.
    pub at: Millis,
    /// By whom.
    pub by: Actor,
}

/// The holds that stand, by name.
pub type Holds = BTreeMap<Box<str>, Hold>;
