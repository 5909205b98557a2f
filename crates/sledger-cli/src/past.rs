//! What a ledger at rest or a recording holds: folded here, never written.

use crate::args::Global;
use crate::configured::{self, Flags};
use crate::lines::Lines;
use crate::output::Output;
use crate::policies;
use crate::verbs::ledger::not_served;
use crate::verbs::simulate::play;
use anyhow::Result;
use sledger_core::State;
use sledger_core::decider::Recorded;
use sledger_projector::{Projection, Told, tell};
use sledger_replay::history;
use sledger_replay::simulate::Simulation;
use std::path::Path;
use std::sync::Arc;

/// Gets every event, and the state after its decision.
type See<'s> = &'s mut dyn FnMut(&Told, &State) -> Result<()>;

/// Folds the ledger in `dir`; who is in at its end.
pub(crate) fn of_data(dir: &Path) -> Result<Projection> {
    not_served(dir)?;
    Ok(Projection::of_state(&history::fold(dir, |_| ())?))
}

/// Plays the recording; who is in at its end.
pub(crate) fn of_recording(file: &Path, global: &Global, out: &mut Output<'_>) -> Result<Projection> {
    let mut simulation = simulation(global, out)?;
    play(&mut simulation, &mut Lines::open(file)?, |_, _| Ok(()))?;
    Ok(Projection::of_state(simulation.state()))
}

/// Shows every event of the ledger in `dir`.
pub(crate) fn events_of_data(dir: &Path, see: See<'_>) -> Result<()> {
    not_served(dir)?;
    let mut shown = Ok(());
    history::fold(dir, |folded| {
        let recorded = Recorded {
            first: folded.first,
            decision: Arc::clone(folded.decision),
            effects: folded.effects.into(),
        };
        if shown.is_ok() {
            shown = tell(folded.state, &recorded).iter().try_for_each(|told| see(told, folded.state));
        }
    })?;
    shown
}

/// Shows every event that the recording leads to.
pub(crate) fn events_of_recording(
    file: &Path,
    global: &Global,
    out: &mut Output<'_>,
    see: impl Fn(&Told, &State, &mut Output<'_>) -> Result<()>,
) -> Result<()> {
    let mut simulation = simulation(global, out)?;
    play(&mut simulation, &mut Lines::open(file)?, |_, simulation| {
        let told = simulation.recorded().iter().flat_map(|recorded| tell(simulation.state(), recorded));
        told.into_iter().try_for_each(|told| see(&told, simulation.state(), out))
    })
}

fn simulation(global: &Global, out: &mut Output<'_>) -> Result<Simulation> {
    let config = configured::load(global, &Flags::new(), out)?.config;
    policies::load(&config)?;
    Ok(Simulation::new(config)?)
}
