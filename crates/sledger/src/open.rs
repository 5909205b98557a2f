//! Opening: fold what is recorded, then record the start and, if they changed, the settings.

use crate::base;
use crate::config::{BoxedLog, Config};
use crate::error::OpenError;
use crate::recover::{Recovery, recover};
use crate::timed::Timed;
use sledger_core::clock::LedgerClock;
use sledger_core::command::Actor;
use sledger_core::config::Settings;
use sledger_core::decide::{
    Applying, configuration, is_settled, lost, merged, news_of_folder, own_decision, quotas_told,
};
use sledger_core::decider::{Decider, GenesisError, Recorded};
use sledger_core::event::{Decision, Event, Op, RULES_REVISION, Started};
use sledger_core::log::{Appended, Batch, Head};
use sledger_core::policy::Policies;
use sledger_core::quota::Ready;
use sledger_core::{Millis, Span, State};
use sledger_log::backup::note_of_restore;
use sledger_log::{Begins, LogConfig, Meta, Salvaged, SledLog, Snapshots};
use std::sync::Arc;

/// A ledger ready to take commands.
pub(crate) struct Opened {
    pub(crate) decider: Decider<Timed>,
    pub(crate) clock: LedgerClock,
    pub(crate) log: BoxedLog,
    pub(crate) head: Head,
    pub(crate) epoch: u64,
}

/// What was found on the disk.
pub(crate) struct Found {
    pub(crate) log: SledLog,
    pub(crate) state: State,
    pub(crate) recovery: Recovery,
    /// `None` where none are written or read.
    pub(crate) snapshots: Option<Snapshots>,
    /// From what it was restored, where nothing has recorded that yet.
    pub(crate) restored: Option<String>,
    /// What a salvage did, where nothing has recorded that yet.
    pub(crate) salvaged: Option<Salvaged>,
}

/// How a log was found, to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// Whether it had been closed in good order.
    pub(crate) clean: bool,
    /// From what it was restored, if nothing has recorded that yet.
    pub(crate) restored: Option<String>,
    /// What a salvage did, if nothing has recorded that yet.
    pub(crate) salvaged: Option<Salvaged>,
}

impl Condition {
    /// Of a log that is made just now.
    pub(crate) const fn fresh() -> Self {
        Self { clean: true, restored: None, salvaged: None }
    }
}

/// Opens the log of `config` and folds it, from a snapshot where there is one.
pub(crate) fn open(config: &Config) -> Result<Found, OpenError> {
    let made = Meta::of(&config.data)?;
    if let Some(sealed) = made.map(|meta| meta.seal_personal).filter(|sealed| *sealed != config.seal_personal)
    {
        return Err(OpenError::SealFixed { sealed });
    }
    let mut log_config = LogConfig::new(&config.data);
    log_config.seal_personal = config.seal_personal;
    log_config.volume_bytes_max = config.volume_bytes_max;
    log_config.seal = config.seal_volumes;
    log_config.probe.clone_from(&config.probe);
    let log = SledLog::open(log_config)?;
    let snapshots = Snapshots::new(&config.data, log.meta(), config.probe.clone());
    let snapshots = (config.snapshot_events > 0).then_some(snapshots);
    let begins = Begins::read(&config.data, log.meta().ledger)?;
    let begun = || match &begins {
        Some(begins) => base::load(&config.data, log.meta(), begins, config.seed),
        None => Ok(empty(config.seed)?),
    };
    let (state, recovery) = recover(&log, snapshots.as_ref(), (begins, begun), config.seed)?;
    settle_keys(&log, &state, &recovery, config.give_up_sealed)?;
    let restored = note_of_restore(&config.data)?;
    let salvaged = Salvaged::read(&config.data, log.meta().ledger)?;
    Ok(Found { log, state, recovery, snapshots, restored, salvaged })
}

/// Destroys the keys that were to go before a kill; refuses a ledger whose live sessions cannot be read.
fn settle_keys(log: &SledLog, state: &State, recovery: &Recovery, give_up: bool) -> Result<(), OpenError> {
    let Some(keys) = log.keys() else { return Ok(()) };
    let settled = keys.settle(&recovery.erased).map_err(|error| OpenError::Append(error.to_string()))?;
    if settled > 0 {
        tracing::info!(
            settled,
            "keys that an erasure was to destroy before the ledger ended are destroyed now"
        );
    }
    match state.sealed_session_count() {
        0 => Ok(()),
        _ if give_up => Ok(()),
        sessions => Err(OpenError::KeysLost { sessions }),
    }
}

/// The state before anything is recorded.
pub(crate) fn empty(seed: u64) -> Result<State, GenesisError> {
    let ready = Ready::new(Settings::default());
    let ready = ready
        .map_err(|rejection| GenesisError::Setting { field: rejection.field, reason: rejection.reason })?;
    Ok(State::new(ready, Vec::new(), seed))
}

/// Records the start and what changed since the last one; then the ledger can take commands.
pub(crate) fn start(
    config: &Config,
    mut log: BoxedLog,
    state: State,
    Condition { clean, restored, salvaged }: Condition,
) -> Result<Opened, OpenError> {
    let last = state.at();
    let wall = config.clock.wall();
    let first_start = state.seq().0 == 0;
    if !first_start && wall > last.plus(config.gap_max) && !config.accept_clock {
        return Err(OpenError::ClockAhead { wall, last, gap_max: config.gap_max });
    }
    let mut clock = LedgerClock::start(&*config.clock, last);
    let at = clock.now(&*config.clock);
    let epoch = state.epoch().saturating_add(1);
    let engine = Timed::default();
    let mut decider = Decider::new(state, engine, config.bounds);
    let mut out = Vec::new();
    let gap = if first_start { Span::ZERO } else { Span::millis(at.since(last)) };
    let started = started(config, &mut decider, (last, gap), (epoch, clean));
    let mut events = vec![started];
    events.extend(restored.map(|detail| Event::LedgerRecovered {
        lost_from: None,
        lost_to: None,
        detail: detail.into(),
    }));
    events.extend(salvaged.as_ref().map(recovered));
    decider.record_own(vec![own_decision(Actor::Local, at, Op::Ledger, events)], &mut out);
    if config.give_up_sealed {
        let lost = lost(decider.state(), at);
        decider.record_own(lost, &mut out);
    }
    settle(config, &mut decider, at, &mut out)?;
    let head = append(&mut *log, &out, epoch)?;
    if salvaged.is_some() {
        // Left behind it would only be recorded again.
        Salvaged::forget(&config.data)?;
    }
    Ok(Opened { decider, clock, log, head, epoch })
}

fn recovered(salvaged: &Salvaged) -> Event {
    Event::LedgerRecovered {
        lost_from: salvaged.lost_from,
        lost_to: salvaged.lost_to,
        detail: salvaged.detail.as_str().into(),
    }
}

fn started(
    config: &Config,
    decider: &mut Decider<Timed>,
    (last, gap): (Millis, Span),
    (epoch, clean): (u64, bool),
) -> Event {
    Event::LedgerStarted(Box::new(Started {
        version: env!("CARGO_PKG_VERSION").into(),
        epoch,
        rules: RULES_REVISION,
        engine: decider.policies().engine().into(),
        last,
        gap,
        clean,
        wall: config.clock.wall(),
        clock_accepted: config.accept_clock,
    }))
}

/// Puts the settings in force: those recorded, or those of the file where it or a revision changed.
fn settle(
    config: &Config,
    decider: &mut Decider<Timed>,
    at: Millis,
    out: &mut Vec<Recorded>,
) -> Result<(), OpenError> {
    let state = decider.state().clone();
    let first_start = state.engine().is_empty();
    if config.as_recorded && !first_start {
        return Ok(());
    }
    if !first_start && state.ready().settings.users != config.settings.users && state.session_count() > 0 {
        return Err(OpenError::UsersChanged);
    }
    let settings = if first_start {
        config.settings.clone()
    } else {
        let merged = merged(&config.settings, &state.ready().settings);
        for quota in &merged.gave_way {
            tracing::warn!(quota, "a quota set at run time gives way to that of the same name in the file");
        }
        merged.settings
    };
    let folder = config.installs.as_ref();
    let news = folder.map(|folder| news_of_folder(&state, decider.policies(), folder)).unwrap_or_default();
    let unchanged = !first_start
        && config.file == state.applied_file()
        && is_settled(&state, decider.policies(), &settings, &news);
    if unchanged {
        return Ok(());
    }
    let told = if first_start { Vec::new() } else { quotas_told(&state.ready().settings, &settings) };
    let applying = Applying { installs: &news, file: config.file, ..Applying::of(&settings, &told) };
    let decisions = configuration(&state, decider.policies(), applying, (Actor::File, at));
    let decisions = decisions.map_err(|r| GenesisError::Setting { field: r.field, reason: r.reason })?;
    drop(state);
    decider.record_own(decisions, out);
    Ok(())
}

fn append(log: &mut dyn sledger_core::log::Log, out: &[Recorded], epoch: u64) -> Result<Head, OpenError> {
    let head = log.head();
    let decisions: Vec<Arc<Decision>> = out.iter().map(|recorded| Arc::clone(&recorded.decision)).collect();
    match log.append(Batch { first: head.seq.next(), epoch, decisions: &decisions }, &head) {
        Appended::Committed(head) => Ok(head),
        Appended::Failed(reason) => Err(OpenError::Append(reason)),
        Appended::Conflict(_) => Err(OpenError::Append("somebody else writes this log".to_owned())),
        Appended::Unknown => {
            Err(OpenError::Append("the log does not know whether it took the start".to_owned()))
        }
    }
}
