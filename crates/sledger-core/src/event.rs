//! What happened: decisions and the events in them, as they stand in the ledger for ever.
//!
//! This is format 1. Enums here are append-only and fields never change their
//! meaning: what is written today is read in ten years. Users and sessions are
//! named by number; what is personal stands in [`Personal`] fields only.
//!
//! Order within a decision: every end stands before the admission, so counts
//! hold after every single event.

mod judged;
mod settings;
mod words;

pub use judged::{Judged, Judgement, PolicyCode, PolicyFailure, PolicyRef};
pub use settings::{Binding, Part, PolicyMode, PolicySource, Started};
pub use words::{Cause, Code};

use crate::command::{Actor, Ending};
use crate::{Facts, KeyNo, Limit, Millis, Personal, Seq, Span, UserNo};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;

/// Revision of these rules: changes when equal inputs may decide differently.
pub const RULES_REVISION: u32 = 1;

/// A whole decision: one command, and all that came of it. Never split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Ledger time at which it was taken.
    pub at: Millis,
    /// Who caused it.
    pub actor: Actor,
    /// The caller's own id for the request.
    pub request_id: Option<Box<str>>,
    /// The command id under which the answer is remembered.
    pub command: Option<CommandMark>,
    /// The first event of the first decision, where one command took several decisions.
    pub cause: Option<Seq>,
    /// The command, with every fact that rules or scripts can read.
    pub op: Op,
    /// What policies were asked and answered, in order; events refer to it by index.
    pub judged: Vec<Judged>,
    /// What happened; at least one event.
    pub events: Vec<Event>,
}

/// A command id, and what the command was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandMark {
    /// The id, as given.
    pub id: Box<str>,
    /// First 8 bytes of the BLAKE3 hash of operation, user and session: a repeat must have the same.
    pub mark: [u8; 8],
}

/// The command of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// A login.
    Login(Box<LoginOp>),
    /// A touch, recorded when made or just before a deadline.
    Touch {
        /// The session.
        session: Seq,
    },
    /// A logout.
    Logout {
        /// The session.
        session: Seq,
    },
    /// A disconnect.
    Disconnect {
        /// The session.
        session: Seq,
    },
    /// One session ended by an operator.
    End {
        /// The session.
        session: Seq,
        /// Why, as given.
        reason: Option<Box<str>>,
    },
    /// A user's sessions ended.
    Clear {
        /// Whose.
        user: UserNo,
        /// The one kept.
        keep: Option<Seq>,
    },
    /// A source's list of live sessions.
    Reconcile {
        /// The source.
        source: Box<str>,
        /// The generation up to which its sessions were judged.
        as_of: Option<Seq>,
    },
    /// Sessions that existed already.
    Adopt {
        /// The source of those that named none.
        source: Option<Box<str>>,
    },
    /// Deadlines that fell due.
    Expire,
    /// Settings changed.
    Configure,
    /// A policy installed.
    Policy,
    /// The ledger itself: opened, closed, measured, kept.
    Ledger,
    /// Denials of a storm, counted.
    Denials,
    /// A person's key destroyed; the ends of live sessions stand before, in decisions of their own where they are many.
    Erase {
        /// Whose, under the key that goes: who reads it later reads nothing.
        user: Personal<Box<str>>,
        /// The number from which on the keys of live sessions are numbered anew.
        keys_from: KeyNo,
    },
}

/// A login's facts and requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginOp {
    /// The facts, with ttl, idle and retention in force. For a denied login those it would have had.
    pub facts: Personal<Arc<Facts>>,
    /// What else it asked for.
    pub extras: Option<Personal<LoginExtras>>,
    /// The ttl it asked for.
    pub ttl: Option<Span>,
    /// The idle time it asked for.
    pub idle: Option<Span>,
    /// The retention it asked for.
    pub retention: Option<Span>,
}

/// What a login asked for beside being admitted. Session ids are personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginExtras {
    /// Sessions to end with it.
    pub end: Ending,
    /// The session whose place it takes.
    pub replaces: Option<Box<str>>,
}

/// One quota that counts a session: recorded with each admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Index of the quota in the configuration in force.
    pub quota: u16,
    /// The key.
    pub key: KeyNo,
    /// The limit that was in force for this login.
    pub limit: Limit,
    /// Live sessions under the key, this one among them.
    pub count: u32,
}

/// Reads as a `Vec` does: room is made for what is there, not for what the bytes claim.
fn as_vec<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SmallVec<[Counted; 2]>, D::Error> {
    Vec::deserialize(from).map(SmallVec::from_vec)
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A login was admitted; its seq is the session's number.
    Admitted {
        /// Its user.
        user: UserNo,
        /// Every quota key that counts it, in the order of quotas.
        #[serde(deserialize_with = "as_vec")]
        counted: SmallVec<[Counted; 2]>,
    },
    /// A live id came again from its own user; its seq is the new generation.
    Resumed {
        /// The session.
        session: Seq,
        /// The retention from now on, where the login named one.
        retention: Option<Span>,
    },
    /// A login was refused.
    Denied {
        /// Why.
        code: Code,
        /// Index of the quota shown in the answer.
        quota: Option<u16>,
        /// Its limit.
        limit: Option<Limit>,
        /// Live sessions of the key, where a quota denied; else of the user.
        active: u32,
        /// Index into `judged`, where a policy or ban denied.
        judged: Option<u16>,
        /// Why, for operators.
        reason: Arc<str>,
    },
    /// Denials of one user and quota during a storm, counted instead of recorded one by one.
    DenialsCounted {
        /// The user key.
        user: Personal<Arc<str>>,
        /// Index of the quota.
        quota: Option<u16>,
        /// The policy that denied.
        policy: Option<PolicyRef>,
        /// Why.
        code: Code,
        /// Time of the first.
        first: Millis,
        /// Time of the last.
        last: Millis,
        /// How many.
        count: u64,
    },
    /// A login's id, or one it named, is not its own.
    Conflicted {
        /// The live session concerned, where there is one.
        session: Option<Seq>,
        /// Index of the quota shown in the answer.
        quota: Option<u16>,
        /// Its limit.
        limit: Option<Limit>,
        /// Why, for operators.
        reason: Arc<str>,
    },
    /// A session that existed already was recorded; its seq is the session's number.
    Adopted {
        /// Its user.
        user: UserNo,
        /// Its facts.
        facts: Personal<Arc<Facts>>,
        /// When it was last active.
        last_active: Millis,
        /// Every quota key that counts it.
        #[serde(deserialize_with = "as_vec")]
        counted: SmallVec<[Counted; 2]>,
    },
    /// A session was active.
    Touched {
        /// The session.
        session: Seq,
        /// When.
        last_active: Millis,
    },
    /// A session's connection is gone; it is retained from now on.
    Disconnected {
        /// The session.
        session: Seq,
    },
    /// A session ended.
    Ended {
        /// The session.
        session: Seq,
        /// Why.
        cause: Cause,
        /// When it was over: its deadline for an expiry, whenever that was written.
        ended_at: Millis,
        /// Index into `judged`, where a policy chose it.
        judged: Option<u16>,
    },
    /// A user's sessions were ended on request; the ends stand before.
    UserCleared {
        /// Whose.
        user: UserNo,
        /// The one kept.
        keep: Option<Seq>,
        /// How many ended in this decision.
        ended: u32,
    },
    /// A source's list was compared; ends and retentions stand before.
    SourceReconciled {
        /// The source.
        source: Box<str>,
        /// Sessions ended in this decision.
        ended: u32,
        /// Sessions retained in this decision.
        retained: u32,
    },
    /// Sessions of a source were adopted; they stand before.
    SourceAdopted {
        /// The source of those that named none.
        source: Option<Box<str>>,
        /// How many, in this decision.
        adopted: u32,
    },
    /// A part of a configuration: no effect by itself.
    ConfigPart {
        /// BLAKE3 of the part's encoding.
        hash: [u8; 32],
        /// The part.
        part: Box<Part>,
    },
    /// The parts named, in order, are the configuration in force from here on.
    ConfigApplied {
        /// Hashes of its parts.
        parts: Vec<[u8; 32]>,
        /// Per quota, in order: the policy revision in force and that of a policy named by `on_error`.
        bindings: Vec<Binding>,
        /// BLAKE3 of the file, where it came from one.
        file: Option<[u8; 32]>,
        /// Revision of the rules in force.
        rules: u32,
        /// Revision of the policy engine in force.
        engine: Box<str>,
    },
    /// A quota changed at run time; a `ConfigApplied` carries the change itself.
    QuotaChanged {
        /// Its name.
        quota: Box<str>,
        /// What changed, e.g. `enabled`, `max_sessions`.
        fields: Vec<Box<str>>,
        /// Why.
        reason: Option<Box<str>>,
    },
    /// A quota was deleted.
    QuotaDeleted {
        /// Its name.
        quota: Box<str>,
        /// Why.
        reason: Option<Box<str>>,
    },
    /// An override was set or removed.
    OverrideChanged {
        /// The quota.
        quota: Box<str>,
        /// Whom it is for, as written: a user key is personal.
        selector: Personal<Box<str>>,
        /// The limit; `None` when removed.
        limit: Option<Limit>,
        /// Until when.
        until: Option<Millis>,
        /// Why.
        reason: Option<Box<str>>,
    },
    /// A user was put into a group or taken out.
    GroupChanged {
        /// The group.
        group: Box<str>,
        /// The user.
        user: Personal<Box<str>>,
        /// In or out.
        member: bool,
    },
    /// A policy's source was installed under a name.
    PolicyInstalled {
        /// The name.
        name: Arc<str>,
        /// The source.
        text: Arc<str>,
        /// Where it came from.
        from: PolicySource,
        /// Why.
        reason: Option<Box<str>>,
    },
    /// A policy revision came into force.
    PolicyActivated {
        /// The quota; `None` for all that name it.
        quota: Option<Box<str>>,
        /// The revision.
        policy: PolicyRef,
        /// Active, shadow, or for a share of users.
        mode: PolicyMode,
    },
    /// A former revision came into force again.
    PolicyRolledBack {
        /// The quota; `None` for all.
        quota: Option<Box<str>>,
        /// The revision.
        policy: PolicyRef,
    },
    /// A shadow or shared revision was withdrawn.
    PolicyStopped {
        /// The quota; `None` for all.
        quota: Option<Box<str>>,
        /// The revision.
        policy: PolicyRef,
    },
    /// A policy failed on this login.
    PolicyFailed {
        /// Index of the quota.
        quota: u16,
        /// Index into `judged`; `None` when only its `limit()` failed.
        judged: Option<u16>,
        /// How.
        failure: PolicyFailure,
    },
    /// A policy that kept failing is not asked for a while.
    PolicyTripped {
        /// Index of the quota.
        quota: u16,
        /// The policy.
        policy: PolicyRef,
        /// Until when.
        until: Millis,
    },
    /// A shadow revision would have decided otherwise.
    PolicyDiffered {
        /// Index of the quota.
        quota: u16,
        /// The shadow revision and what it said.
        shadow: Box<Judged>,
    },
    /// A token was made; only its hash is kept.
    TokenCreated {
        /// Its name.
        name: Box<str>,
        /// BLAKE3 of the secret.
        hash: [u8; 32],
        /// What it may do.
        scopes: Vec<Box<str>>,
        /// Until when.
        until: Option<Millis>,
    },
    /// A token no longer works.
    TokenRevoked {
        /// Its name.
        name: Box<str>,
    },
    /// Somebody wrote a note into the ledger.
    NoteAdded {
        /// What it is about, e.g. `seq:17`; a session or user is personal.
        about: Personal<Box<str>>,
        /// The note.
        text: Personal<Box<str>>,
    },
    /// Nothing may be dropped or erased until released.
    HoldSet {
        /// Its name.
        name: Box<str>,
        /// Why.
        reason: Box<str>,
    },
    /// A hold ended.
    HoldReleased {
        /// Its name.
        name: Box<str>,
    },
    /// The ledger was opened by this decider: its epoch begins.
    LedgerStarted(Box<Started>),
    /// The ledger was closed in good order.
    LedgerStopped,
    /// What was found damaged was rebuilt from what was whole.
    LedgerRecovered {
        /// First seq that is lost.
        lost_from: Option<Seq>,
        /// Last seq that is lost.
        lost_to: Option<Seq>,
        /// What was done.
        detail: Box<str>,
    },
    /// Wall clock and ledger time differ.
    ClockDiffers {
        /// The wall clock.
        wall: Millis,
        /// Ledger time.
        ledger: Millis,
        /// Whether the difference is followed at once (a suspended machine) or slewed.
        followed: bool,
    },
    /// A checkpoint was signed.
    CheckpointMade {
        /// Up to which seq.
        seq: Seq,
        /// The head's hash.
        head: [u8; 32],
        /// The key that signed.
        key: [u8; 32],
    },
    /// A volume was sealed into a plain file.
    VolumeSealed {
        /// Its number.
        volume: u32,
        /// First seq in it.
        first: Seq,
        /// Last seq in it.
        last: Seq,
        /// Hash of its last block.
        head: [u8; 32],
        /// Bytes of the file.
        bytes: u64,
    },
    /// A volume was moved away.
    VolumeArchived {
        /// Its number.
        volume: u32,
        /// Where to, as the operator named it.
        to: Box<str>,
    },
    /// A volume was dropped by age.
    VolumeDropped {
        /// Its number.
        volume: u32,
        /// First seq in it.
        first: Seq,
        /// Last seq in it.
        last: Seq,
        /// Hash of its last block.
        head: [u8; 32],
    },
    /// Somebody was told.
    NoticeDelivered {
        /// The end or refusal that was told of.
        about: Seq,
        /// How.
        channel: Box<str>,
    },
    /// Somebody could not be told.
    NoticeFailed {
        /// The end or refusal that was to be told of.
        about: Seq,
        /// How.
        channel: Box<str>,
        /// Why not.
        reason: Box<str>,
        /// Whether it is tried again.
        final_try: bool,
    },
    /// A user's key was destroyed.
    UserErased {
        /// The key that is gone.
        key: u64,
        /// Why.
        reason: Box<str>,
    },
    /// Somebody looked at the past through a server.
    HistoryRead {
        /// What was asked, e.g. `timeline`.
        what: Box<str>,
        /// About whom.
        about: Personal<Box<str>>,
    },
}
