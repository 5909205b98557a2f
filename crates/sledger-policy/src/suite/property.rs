//! A property: scenarios drawn from a seed, none of which may end in certain codes.

use super::file::Property;
use super::random::{Random, Words};
use super::witness::Witness;
use super::{Broken, Deciding, Options, PropertyReport, RUNS_MAX, SuiteError, World, pasted};
use crate::Engine;
use sledger_core::Limit;

/// Smaller scenarios tried before the smallest so far is shown.
const TRIES_MAX: u32 = 400;

impl Property {
    pub(super) fn run(
        &self,
        base: &World,
        policy: (&str, &str),
        options: &Options,
    ) -> Result<PropertyReport, SuiteError> {
        let (seed, words) = (options.seed.unwrap_or(self.seed), Words::of(policy.1));
        let runs = self.runs.min(options.runs_max.unwrap_or(RUNS_MAX));
        let mut trial = Trial { policy, engine: Engine::new(), never: &self.never };
        let mut over_by_more = 0;
        for run in 0..runs {
            let world = Random::new(seed, run).world(base, &words);
            let (excess, broken) = trial.play(&world)?;
            over_by_more += u32::from(excess.is_some_and(|excess| excess > 1));
            if let Some(broken) = broken {
                let broken = Some(trial.smallest(world, broken).shown(policy.1, (seed, run)));
                return Ok(PropertyReport { runs: run + 1, over_by_more, seed, broken });
            }
        }
        Ok(PropertyReport { runs, over_by_more, seed, broken: None })
    }
}

/// A policy on trial.
struct Trial<'a> {
    policy: (&'a str, &'a str),
    engine: Engine,
    never: &'a [&'static str],
}

type Breach = (&'static str, (u32, u32));

/// A scenario that ends as it never may.
struct Caught {
    world: World,
    breach: Breach,
}

impl Trial<'_> {
    /// How many had to go, and how it broke.
    fn play(&mut self, world: &World) -> Result<(Option<u32>, Option<Breach>), SuiteError> {
        let mut witness = Witness::new(&mut self.engine);
        let found = world.play(self.policy, &mut witness).map_err(|error| SuiteError::File {
            line: 0,
            reason: format!("a generated scenario: {error}"),
        })?;
        let excess = witness.excess;
        let limit = witness.limits.last().and_then(|reply| reply.answer.as_ref().err());
        let code = found.code.or(limit.map(|failure| failure.code.as_str()));
        let breach = code.filter(|code| self.never.contains(code)).map(|code| (code, found.place));
        Ok((excess, breach))
    }

    /// Takes away what is not needed for the same code.
    fn smallest(&mut self, world: World, breach: Breach) -> Caught {
        let mut caught = Caught { world, breach };
        let mut tries = 0;
        while let Some(smaller) = self.smaller(&caught, &mut tries) {
            caught = smaller;
        }
        caught
    }

    fn smaller(&mut self, caught: &Caught, tries: &mut u32) -> Option<Caught> {
        for world in simpler(&caught.world) {
            *tries += 1;
            if *tries > TRIES_MAX {
                return None;
            }
            match self.play(&world) {
                Ok((_, Some(breach))) if breach.0 == caught.breach.0 => {
                    return Some(Caught { world, breach });
                }
                _ => {}
            }
        }
        None
    }
}

impl Caught {
    fn shown(&self, source: &str, (seed, run): (u64, u32)) -> Broken {
        let (code, place) = self.breach;
        let name = format!("property: seed {seed}, run {run}");
        Broken {
            run,
            code,
            deciding: Deciding::at(source, place),
            case: pasted::case(&self.world, &name, code),
        }
    }
}

/// What could be taken away, one thing at a time.
fn simpler(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut World) -> bool| {
        let mut smaller = world.clone();
        if change(&mut smaller) {
            all.push(smaller);
        }
    };
    for index in 0..world.sessions.len() {
        with(&|world| {
            world.sessions.remove(index);
            true
        });
    }
    with(&|world| {
        let less = world.limit.number().and_then(|limit| Limit::at_most(limit.saturating_sub(1)));
        less.map(|limit| world.limit = limit).is_some()
    });
    with(&|world| {
        let is_there = !world.newcomer.groups.is_empty();
        world.newcomer.groups.clear();
        is_there
    });
    with(&|world| plain(&mut world.newcomer));
    for index in 0..world.sessions.len() {
        with(&|world| world.sessions.get_mut(index).is_some_and(|old| plain(&mut old.login)));
        with(&|world| world.sessions.get_mut(index).is_some_and(|old| std::mem::take(&mut old.retained)));
    }
    all
}

/// A login without what it need not have; false where it has none of it.
fn plain(login: &mut sledger_core::command::Login) -> bool {
    let before = login.clone();
    login.ip = None;
    login.client = None;
    login.source = None;
    login.attributes.clear();
    login.user_attributes.clear();
    *login != before
}
