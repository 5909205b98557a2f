//! Parts of a configuration, and how policies and the ledger itself are in force.

use super::PolicyRef;
use crate::config::{
    Assignment, GroupRule, Membership, Messages, Quota, SessionSettings, Switch, UserSettings, When,
};
use crate::{Millis, Span};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A part of a configuration, small enough for one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Lives of sessions.
    Sessions(SessionSettings),
    /// Names to keys.
    Users(UserSettings),
    /// Messages.
    Messages(Messages),
    /// Groups; several parts add up.
    Groups(Vec<GroupRule>),
    /// Logins that are no sessions; several parts add up.
    Ignore(Vec<When>),
    /// A quota, in order.
    Quota(Arc<Quota>),
    /// More overrides of the quota before.
    Overrides(Vec<crate::config::Override>),
    /// More members of the last group of the part before.
    Members(Vec<String>),
    /// Quotas switched at run time; several parts add up.
    Switches(Vec<Switch>),
    /// Users put into groups or taken out at run time; several parts add up.
    Memberships(Vec<Membership>),
    /// A policy given to a quota at run time; several parts add up.
    Assignment(Box<Assignment>),
}

/// Policies in force for one quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The one asked.
    pub policy: PolicyRef,
    /// Whether it resolves the limit itself, by `fn limit()`.
    pub has_limit: bool,
    /// The one that decides when it fails, where `on_error` names one.
    pub on_error: Option<PolicyRef>,
}

/// Where a policy's source came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicySource {
    /// Compiled into the program.
    BuiltIn,
    /// The policies folder.
    Folder,
    /// Sent at run time, or a recording.
    Sent,
}

/// How a policy revision is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyMode {
    /// It decides.
    Active,
    /// It is evaluated beside the one that decides.
    Shadow,
    /// It decides for this many of a hundred users.
    Share(u8),
}

/// How the ledger was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Version of the program.
    pub version: Box<str>,
    /// The decider's epoch: one more than the last.
    pub epoch: u64,
    /// Revision of the rules.
    pub rules: u32,
    /// Revision of the policy engine.
    pub engine: Box<str>,
    /// Time of the last event before.
    pub last: Millis,
    /// How long the ledger was down: idle deadlines move by it.
    pub gap: Span,
    /// Whether it was closed in good order.
    pub clean: bool,
    /// The wall clock.
    pub wall: Millis,
    /// Whether an operator accepted a clock far ahead.
    pub clock_accepted: bool,
}
