//! The core policies beside an empty call of the same rhai.
//!
//! Asked is a real question: taken from a decider at the moment a quota was exhausted. Copies of it are made
//! ahead and not counted; letting go of one is, as it is when the decider asks.
//! In each run the empty call comes right before what is held against it.

mod world;

use crate::figure::{Figure, Target};
use crate::stats::{median, micros_each};
use crate::{Common, Measured};
use anyhow::{Context, bail};
use rhai::{AST, Scope};
use sledger::core::policy::{Policies, Question};
use sledger::policy::BUILT_IN;
use std::time::Instant;
use world::Asked;

/// Sessions under the exhausted key.
const SESSIONS: [u32; 3] = [5, 100, 1000];
/// Policies whose one pick is off an order kept by the state, and that order.
const PICKS: [(&str, &str); 4] = [
    ("destroy_oldest", "start"),
    ("destroy_most_idle", "activity"),
    ("destroy_next_expiring", "expiry, lives uniform"),
    ("destroy_least_time_left", "end, lives uniform"),
];
/// Calls timed together, and how many such batches make a run: their median is the run's figure, so that one
/// turn of another process on the same core does not count.
const CALLS: usize = 200;
const BATCHES: usize = 15;
const BATCHES_QUICK: usize = 3;
/// Microseconds that one evaluation may take on a quiet machine.
const MICROS_MAX: f64 = 3.0;
/// Empty calls that one evaluation may cost.
const EMPTY_CALLS_MAX: f64 = 15.0;
/// What a pick may cost at the most sessions against that at the fewest.
const GROWTH_MAX: f64 = 1.3;

/// A policy at a number of sessions, and what its runs gave.
struct Case {
    name: &'static str,
    sessions: u32,
    asked: Asked,
    took: Vec<f64>,
    empty: Vec<f64>,
}

/// Measures one evaluation of each core policy.
pub(crate) fn measure(common: &Common) -> anyhow::Result<Measured> {
    let batches = if common.quick { BATCHES_QUICK } else { BATCHES };
    let empty = Empty::new()?;
    let mut cases = cases()?;
    for case in &mut cases {
        case.run(&empty, batches)?;
        (case.took, case.empty) = (Vec::new(), Vec::new());
    }
    for _ in 0..common.runs() {
        for case in &mut cases {
            case.run(&empty, batches)?;
        }
    }
    Ok(figures(&cases).into())
}

fn cases() -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (name, _) in BUILT_IN {
        for sessions in SESSIONS {
            let asked = Asked::new(name, sessions).with_context(|| format!("`{name}` at {sessions}"))?;
            cases.push(Case { name, sessions, asked, took: Vec::new(), empty: Vec::new() });
        }
    }
    Ok(cases)
}

fn figures(cases: &[Case]) -> Vec<Figure> {
    let mut all = Vec::new();
    for case in cases {
        let Case { name, sessions, took, empty, .. } = case;
        let name = format!("policy: {name} at {sessions}");
        let held =
            Figure::new(&name, took, "us").map(|figure| figure.held_to(Target::ValueAtMost(MICROS_MAX)));
        all.extend(held);
        let beside = Figure::new(format!("{name}, in empty calls"), took, "us");
        all.extend(beside.map(|figure| {
            figure.beside("empty call_fn", took, empty).held_to(Target::RatioAtMost(EMPTY_CALLS_MAX))
        }));
    }
    for (name, order) in PICKS {
        let at = |sessions| cases.iter().find(|case| case.name == name && case.sessions == sessions);
        let [few, _, many] = SESSIONS;
        if let (Some(few), Some(many)) = (at(few), at(many)) {
            let growth = Figure::new(format!("policy: pick by {order}, 1,000 beside 5"), &many.took, "us");
            all.extend(growth.map(|figure| {
                figure.beside("at 5", &many.took, &few.took).held_to(Target::RatioAtMost(GROWTH_MAX))
            }));
        }
    }
    all
}

impl Case {
    fn run(&mut self, empty: &Empty, batches: usize) -> anyhow::Result<()> {
        let (mut took, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..batches {
            beside.push(empty.batch()?);
            took.push(self.asked.batch()?);
        }
        self.empty.push(median(&beside));
        self.took.push(median(&took));
        Ok(())
    }
}

impl Asked {
    /// Microseconds of one asking, over a batch.
    fn batch(&mut self) -> anyhow::Result<f64> {
        let questions: Vec<Question> = vec![self.question.clone(); CALLS];
        let begun = Instant::now();
        for question in questions {
            if let Err(failure) = self.engine.ask(&self.policy, question, 0).answer {
                bail!("policy `{}` failed: {failure:?}", self.policy.name);
            }
        }
        Ok(micros_each(begun.elapsed(), CALLS as u64))
    }
}

/// The least that a program asks of rhai: an engine as it comes, a function that does nothing, `call_fn`.
struct Empty {
    engine: rhai::Engine,
    ast: AST,
}

impl Empty {
    fn new() -> anyhow::Result<Self> {
        let engine = rhai::Engine::new();
        let ast = engine.compile("fn f() { }").map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { engine, ast })
    }

    /// Microseconds of one call, over a batch.
    fn batch(&self) -> anyhow::Result<f64> {
        let begun = Instant::now();
        for _ in 0..CALLS {
            let called = self.engine.call_fn::<()>(&mut Scope::new(), &self.ast, "f", ());
            called.map_err(|error| anyhow::anyhow!("{error}"))?;
        }
        Ok(micros_each(begun.elapsed(), CALLS as u64))
    }
}
