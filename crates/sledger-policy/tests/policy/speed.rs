//! How long evaluations take. Figures are printed; what is asserted are ratios taken in one run, and only in
//! an optimised build: `cargo test -p sledger-policy --release -- speed --nocapture`.

use crate::world::World;
use sledger_core::policy::{Policies, Question};
use sledger_policy::BUILT_IN;
use std::time::Instant;

/// Many short rounds, of which the best counts: one of them is left alone by the rest of the machine.
const ROUNDS: usize = 400;
const CALLS: u128 = 25;

/// Nanoseconds of one asking, the best of several rounds; the clones of the question are not counted.
fn nanoseconds(source: &str, sessions: u32) -> u128 {
    let (mut recorder, policy, question) = World::with_sessions(sessions).question(source);
    let mut best = u128::MAX;
    for _ in 0..ROUNDS {
        let questions: Vec<Question> = (0..CALLS).map(|_| question.clone()).collect();
        let start = Instant::now();
        for question in questions {
            let reply = recorder.engine.ask(&policy, question, 0);
            assert!(reply.answer.is_ok());
        }
        best = best.min(start.elapsed().as_nanos() / CALLS);
    }
    best
}

fn empty_call() -> u128 {
    let engine = rhai::Engine::new();
    let ast = engine.compile("fn f() { () }").unwrap();
    let mut best = u128::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            let options = rhai::CallFnOptions::new().eval_ast(false);
            let called = engine.call_fn_with_options::<()>(options, &mut rhai::Scope::new(), &ast, "f", ());
            called.unwrap();
        }
        best = best.min(start.elapsed().as_nanos() / CALLS);
    }
    best
}

#[test]
fn speed_of_the_shipped_policies() {
    let empty = empty_call();
    println!("empty call_fn {empty} ns");
    for (name, source) in BUILT_IN {
        let (few, many) = (nanoseconds(source, 5), nanoseconds(source, 1000));
        println!("{name}: {few} ns at 5, {many} ns at 1000, {} tenths of an empty call", few * 10 / empty);
        if cfg!(debug_assertions) {
            continue;
        }
        assert!(few <= 15 * empty, "{name}: {few} ns, an empty call {empty} ns");
        let is_pick = *name != "destroy_all_others";
        assert!(!is_pick || many * 10 <= few * 13, "{name}: {few} ns at 5, {many} ns at 1000");
    }
}
