//! Every personal value of a decision, and under whose key it is sealed.
//!
//! A login's values go under its user's key, whoever else they name: the texts of the quota keys that it met, and the
//! ids that it asked to end, are its own. What is about nobody in particular goes under the ledger's own key, and
//! stays readable. What is in no personal field stays as it was written.

use super::cipher::Cipher;
use super::{Inner, KeyRing, KeysError, NOBODY};
use serde::{Serialize, de::DeserializeOwned};
use sledger_core::event::{CommandMark, Decision, Event, Op};
use sledger_core::{Personal, Seq, codec};
use std::sync::Arc;

/// Whose a value is.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    User(&'a str),
    Nobody,
    /// The holder of this key, which is destroyed with the decision.
    Key(u64),
}

/// What is done to each value.
pub(super) trait Visit {
    /// What seals what is `whose`; asked while its name can still be read.
    fn begin(&mut self, whose: Whose<'_>) -> Option<(u64, Arc<Cipher>)>;
    fn value<T: Serialize + DeserializeOwned>(
        &mut self,
        kind: Kind,
        by: Option<&(u64, Arc<Cipher>)>,
        value: &mut Personal<T>,
    );
    /// `by`: what seals the login it was of; `sealed`: the key under which that is sealed already.
    fn mark(&mut self, mark: &mut CommandMark, by: Option<&(u64, Arc<Cipher>)>, sealed: Option<u64>);
}

/// What a value is: one of another kind is not opened in its place. Append-only.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Facts = 1,
    Extras,
    QuotaKey,
    Name,
    Text,
}

/// The keys that a decision destroys.
pub(super) fn destroyed(decision: &Decision) -> impl Iterator<Item = u64> {
    decision.events.iter().filter_map(|event| match event {
        Event::UserErased { key, .. } => Some(*key),
        _ => None,
    })
}

/// Shows every personal value of `decision` to `visit`, in order.
pub(super) fn walk(decision: &mut Decision, visit: &mut impl Visit) {
    let destroyed = destroyed(decision).next();
    let sealed = match &decision.op {
        Op::Login(login) => sealed_under(&login.facts),
        _ => None,
    };
    let by = match &decision.op {
        Op::Login(login) => {
            let facts = login.facts.plain().map(Arc::clone);
            visit.begin(facts.as_deref().map_or(Whose::Nobody, |facts| Whose::User(facts.user())))
        }
        Op::Erase { user, .. } if user.plain().is_some() => {
            visit.begin(destroyed.map_or(Whose::Nobody, Whose::Key))
        }
        Op::Touch { .. }
        | Op::Logout { .. }
        | Op::Disconnect { .. }
        | Op::End { .. }
        | Op::Clear { .. }
        | Op::Reconcile { .. }
        | Op::Adopt { .. }
        | Op::Expire
        | Op::Configure
        | Op::Policy
        | Op::Ledger
        | Op::Denials
        | Op::Erase { .. } => None,
    };
    match &mut decision.op {
        Op::Login(login) => {
            visit.value(Kind::Facts, by.as_ref(), &mut login.facts);
            if let Some(extras) = &mut login.extras {
                visit.value(Kind::Extras, by.as_ref(), extras);
            }
        }
        Op::Erase { user, .. } => visit.value(Kind::Name, by.as_ref(), user),
        _ => {}
    }
    if let Some(mark) = &mut decision.command {
        visit.mark(mark, by.as_ref(), sealed);
    }
    for judged in &mut decision.judged {
        visit.value(Kind::QuotaKey, by.as_ref(), &mut judged.key);
    }
    for event in &mut decision.events {
        in_event(event, by.as_ref(), visit);
    }
}

fn sealed_under<T>(value: &Personal<T>) -> Option<u64> {
    match value {
        Personal::Plain(_) => None,
        Personal::Sealed { key, .. } => Some(*key),
    }
}

fn in_event(event: &mut Event, by: Option<&(u64, Arc<Cipher>)>, visit: &mut impl Visit) {
    match event {
        Event::Adopted { facts, .. } => {
            let own = facts.plain().map(Arc::clone);
            let by = visit.begin(own.as_deref().map_or(Whose::Nobody, |facts| Whose::User(facts.user())));
            visit.value(Kind::Facts, by.as_ref(), facts);
        }
        Event::DenialsCounted { user, .. } => {
            let by = visit.begin(user.plain().map_or(Whose::Nobody, |user| Whose::User(user)));
            visit.value(Kind::Name, by.as_ref(), user);
        }
        Event::OverrideChanged { selector: user, .. } | Event::GroupChanged { user, .. } => {
            let by = visit.begin(user.plain().map_or(Whose::Nobody, |user| selected(user)));
            visit.value(Kind::Name, by.as_ref(), user);
        }
        Event::NoteAdded { about, text } => {
            let by = visit.begin(about.plain().map_or(Whose::Nobody, |about| subject(about)));
            visit.value(Kind::Name, by.as_ref(), about);
            visit.value(Kind::Text, by.as_ref(), text);
        }
        Event::HistoryRead { about, .. } => {
            let by = visit.begin(about.plain().map_or(Whose::Nobody, |about| subject(about)));
            visit.value(Kind::Name, by.as_ref(), about);
        }
        Event::PolicyDiffered { shadow, .. } => visit.value(Kind::QuotaKey, by, &mut shadow.key),
        Event::Admitted { .. }
        | Event::Resumed { .. }
        | Event::Denied { .. }
        | Event::Conflicted { .. }
        | Event::Touched { .. }
        | Event::Disconnected { .. }
        | Event::Ended { .. }
        | Event::UserCleared { .. }
        | Event::SourceReconciled { .. }
        | Event::SourceAdopted { .. }
        | Event::ConfigPart { .. }
        | Event::ConfigApplied { .. }
        | Event::QuotaChanged { .. }
        | Event::QuotaDeleted { .. }
        | Event::PolicyInstalled { .. }
        | Event::PolicyActivated { .. }
        | Event::PolicyRolledBack { .. }
        | Event::PolicyStopped { .. }
        | Event::PolicyFailed { .. }
        | Event::PolicyTripped { .. }
        | Event::TokenCreated { .. }
        | Event::TokenRevoked { .. }
        | Event::HoldSet { .. }
        | Event::HoldReleased { .. }
        | Event::LedgerStarted(_)
        | Event::LedgerStopped
        | Event::LedgerRecovered { .. }
        | Event::ClockDiffers { .. }
        | Event::CheckpointMade { .. }
        | Event::VolumeSealed { .. }
        | Event::VolumeArchived { .. }
        | Event::VolumeDropped { .. }
        | Event::NoticeDelivered { .. }
        | Event::NoticeFailed { .. }
        | Event::UserErased { .. } => {}
    }
}

/// Whom an override or a membership is about: a glob and a group are nobody in particular.
fn selected(selector: &str) -> Whose<'_> {
    let is_one = !selector.contains(['*', '?']) && !selector.starts_with("group:");
    if is_one { Whose::User(selector) } else { Whose::Nobody }
}

/// Whom a note or a look at the past is about.
fn subject(about: &str) -> Whose<'_> {
    about.strip_prefix("user:").filter(|user| !user.is_empty()).map_or(Whose::Nobody, Whose::User)
}

/// Seals what is plain.
pub(super) struct Sealing<'a> {
    ring: &'a KeyRing,
    inner: &'a mut Inner,
    first: Seq,
    index: u32,
    failed: Option<KeysError>,
}

impl<'a> Sealing<'a> {
    pub(super) fn new(ring: &'a KeyRing, inner: &'a mut Inner, first: Seq) -> Self {
        Self { ring, inner, first, index: 0, failed: None }
    }

    pub(super) fn finish(self) -> Result<(), KeysError> {
        self.failed.map_or(Ok(()), Err)
    }

    fn missing() -> KeysError {
        KeysError::Io(std::io::Error::other("a key that a value needs is not there"))
    }
}

impl Visit for Sealing<'_> {
    fn begin(&mut self, whose: Whose<'_>) -> Option<(u64, Arc<Cipher>)> {
        let slot = match whose {
            Whose::User(user) => self.ring.slot_for(self.inner, user),
            Whose::Nobody => Ok(NOBODY),
            Whose::Key(key) => self.ring.slot(key).ok_or_else(Self::missing),
        };
        let found = slot.and_then(|slot| {
            let cipher = self.ring.cipher(self.inner, slot).ok_or_else(Self::missing)?;
            Ok((self.ring.id(slot), cipher))
        });
        found.map_err(|error| self.failed = Some(error)).ok()
    }

    fn value<T: Serialize + DeserializeOwned>(
        &mut self,
        kind: Kind,
        by: Option<&(u64, Arc<Cipher>)>,
        value: &mut Personal<T>,
    ) {
        let Some(plain) = value.plain() else { return };
        let own;
        let by = match by {
            Some(by) => by,
            None => match self.begin(Whose::Nobody) {
                Some(found) => {
                    own = found;
                    &own
                }
                None => return,
            },
        };
        let (nonce, bytes) = by.1.seal((self.first.0, self.index), kind as u8, &codec::encode(plain));
        self.index = self.index.saturating_add(1);
        *value = Personal::Sealed { key: by.0, nonce, bytes: bytes.into_boxed_slice() };
    }

    fn mark(&mut self, mark: &mut CommandMark, by: Option<&(u64, Arc<Cipher>)>, _sealed: Option<u64>) {
        match by {
            Some((_, cipher)) => masked(cipher, mark),
            None => {
                if let Some((_, cipher)) = self.begin(Whose::Nobody) {
                    masked(&cipher, mark);
                }
            }
        }
    }
}

/// What a command id was about is a hash of names that could be guessed: it is masked, that of a login under the key of
/// its user. Masked twice it is as before.
fn masked(cipher: &Cipher, mark: &mut CommandMark) {
    let mask = cipher.mask(&mark.id);
    mark.mark.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}

/// Opens what is sealed, as far as keys are there; the rest stays as it is.
pub(super) struct Opening<'a> {
    pub(super) ring: &'a KeyRing,
    pub(super) inner: &'a mut Inner,
}

impl Visit for Opening<'_> {
    fn begin(&mut self, _whose: Whose<'_>) -> Option<(u64, Arc<Cipher>)> {
        None
    }

    fn value<T: Serialize + DeserializeOwned>(
        &mut self,
        kind: Kind,
        _by: Option<&(u64, Arc<Cipher>)>,
        value: &mut Personal<T>,
    ) {
        let Personal::Sealed { key, nonce, bytes } = value else { return };
        let cipher = self.ring.slot(*key).and_then(|slot| self.ring.cipher(self.inner, slot));
        let plain = cipher.and_then(|cipher| cipher.open(nonce, kind as u8, bytes));
        if let Some(plain) = plain.and_then(|plain| codec::decode(&plain).ok()) {
            *value = Personal::Plain(plain);
        }
    }

    fn mark(&mut self, mark: &mut CommandMark, _by: Option<&(u64, Arc<Cipher>)>, sealed: Option<u64>) {
        let slot = sealed.map_or(Some(NOBODY), |key| self.ring.slot(key));
        if let Some(cipher) = slot.and_then(|slot| self.ring.cipher(self.inner, slot)) {
            masked(&cipher, mark);
        }
    }
}
