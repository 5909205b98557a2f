//! Erasing a person: live sessions end, the key of what is sealed about them goes, and nothing here knows them.
//!
//! INVARIANT(one): one erasure at a time, so that the key looked up is the one destroyed.
//!
//! What was already told to others (sinks, exports, backups of plain exports) is not called back.

use crate::config::Config;
use crate::ledger::Ledger;
use sledger_core::answer::{Answer, Outcome};
use sledger_core::command::{Actor, Command, Keep, Refusal, Request};
use sledger_core::{Seq, decide};
use sledger_ingest::Failure;
use sledger_log::{KeyRing, Snapshots};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What came of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The event that says so.
    pub seq: Seq,
    /// Live sessions that it ended.
    pub ended: usize,
    /// Whether every snapshot is removed; one that is not cannot be read any more.
    pub snapshots_removed: bool,
}

/// Why nobody was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Personal values stand in the clear.
    #[error(
        "this ledger does not seal personal values, so nobody can be erased from it; only a ledger made with `seal_personal = true` can"
    )]
    NotSealed,
    /// Nobody of this name has a key.
    #[error("nobody of this name is known; whoever was erased is not known either")]
    Unknown,
    /// The decider refuses.
    #[error("{field}: {reason}")]
    Refused {
        /// Which field, or what stands in the way.
        field: String,
        /// Why.
        reason: String,
        /// For what kind of reason, where it is not how the request is written.
        refusal: Option<Refusal>,
    },
    /// No answer.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What an erasure needs beside the decider.
pub(crate) struct Eraser {
    keys: Arc<KeyRing>,
    snapshots: Snapshots,
    newest: Arc<AtomicU64>,
    one: Mutex<()>,
}

impl Eraser {
    pub(crate) fn new(keys: Arc<KeyRing>, snapshots: Snapshots, newest: Arc<AtomicU64>) -> Self {
        Self { keys, snapshots, newest, one: Mutex::default() }
    }

    /// Snapshots that were read before the erasure, and must not be read after it.
    fn drop_snapshots(&self) -> bool {
        // Relaxed: a number that stands for itself.
        self.newest.store(0, Ordering::Relaxed);
        let removed = self.snapshots.remove_all();
        if let Err(error) = &removed {
            tracing::warn!(%error, "a snapshot cannot be removed; the key that sealed it is gone");
        }
        removed.is_ok()
    }
}

impl Ledger {
    /// Whether personal values are sealed, so that somebody can be erased.
    #[must_use]
    pub fn seals_personal(&self) -> bool {
        self.eraser().is_some()
    }

    /// Ends the sessions of `user`, destroys the key of what is sealed about them, and waits until that is durable.
    ///
    /// ```
    /// use sledger::core::command::Actor;
    /// use sledger::{Config, Ledger, Login};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// let config = Config { reserve_bytes: 0, seal_personal: true, ..Config::new(folder.path()) };
    /// let ledger = Ledger::open(config)?;
    /// let login = Login { user: Some("ann".into()), session: Some("a".into()), ..Login::default() };
    /// ledger.login(login)?;
    /// assert_eq!(ledger.erase("ann", "as asked", Actor::Local)?.ended, 1);
    /// assert!(ledger.erase("ann", "as asked", Actor::Local).is_err());
    /// # ledger.close();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`EraseError`]: nothing is sealed, nobody is known by this name, or a hold stands; then nothing was done. After
    /// a failure it is not known whether it was: asking again is harmless.
    pub fn erase(&self, user: &str, reason: &str, actor: Actor) -> Result<Erased, EraseError> {
        let eraser = self.eraser().ok_or(EraseError::NotSealed)?;
        let _one = eraser.one.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = self.views().read(|views| Arc::clone(views.ready())).map_err(|_| Failure::Closed)?;
        let user = decide::edge::user_key(user, &ready.settings.users).map_err(|rejection| {
            EraseError::Refused { field: rejection.field, reason: rejection.reason, refusal: None }
        })?;
        let key = eraser.keys.key_of(&user).ok_or(EraseError::Unknown)?;
        let keep = Keep::Erase { user, key, reason: reason.to_owned() };
        let answer = self.submit(Request::new(actor, Command::Keep(Box::new(keep))))?.wait_for(PATIENCE)?;
        let erased = told(&answer)?;
        Ok(Erased { snapshots_removed: eraser.drop_snapshots(), ..erased })
    }
}

/// How long an erasure may take: keys are numbered anew, and the disk syncs twice.
const PATIENCE: Duration = Duration::from_secs(60);

fn told(answer: &Answer) -> Result<Erased, EraseError> {
    match (answer.outcome, answer.seq) {
        (Outcome::Configured, Some(seq)) => {
            Ok(Erased { seq, ended: answer.ended.len(), snapshots_removed: false })
        }
        _ => Err(EraseError::Refused {
            field: answer.field.clone().unwrap_or_default(),
            reason: answer.reason.as_deref().unwrap_or("refused").to_owned(),
            refusal: answer.refusal,
        }),
    }
}

/// The store of snapshots of a ledger, for an eraser.
pub(crate) fn snapshots(config: &Config, meta: &sledger_log::Meta) -> Snapshots {
    Snapshots::new(&config.data, meta, None)
}
