//! One rhai engine per thread, made when it is first needed, with the policies compiled so far.
//!
//! A rhai engine cannot move between threads and a shared one serialises on its strings; so it stays where it
//! was made, and what travels is source and params. Threads need 2 MiB of stack.

use crate::api::decisions::Decision;
use crate::check;
use crate::desk::{Desk, Scene};
use crate::engine::Prepared;
use crate::failure::{at, failure};
use crate::machine;
use rhai::{AST, CallFnOptions, Dynamic, Engine, ImmutableString, Position, Scope};
use sledger_core::Limit;
use sledger_core::event::PolicyCode;
use sledger_core::policy::{Failure, LimitQuestion, Question, Reply, Verdict};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Compiled policies kept per thread; one more, and all are compiled again as they are needed.
const COMPILED_MAX: usize = 1024;

thread_local! {
    static RUNTIME: Runtime = Runtime::new();
}

/// What stays with a thread.
struct Runtime {
    desk: Rc<Desk>,
    engine: Engine,
    compiled: RefCell<BTreeMap<u64, Rc<Compiled>>>,
}

struct Compiled {
    ast: AST,
    /// Where `on_exhausted` and `limit` end: the place of an answer that is none.
    exhausted_end: Position,
    limit_end: Position,
}

/// Asks what to do about an exhausted key.
pub(crate) fn ask(policy: &Prepared, question: Question, spent: u32) -> Reply<Verdict> {
    RUNTIME.with(|runtime| {
        let scene = Scene::of(question, &policy.params, policy.offset);
        let (answer, notes, operations) = runtime.call(policy, Entry::Exhausted, scene, spent);
        let answer = answer.and_then(|(value, end)| verdict(value, notes, end));
        Reply { answer, operations }
    })
}

/// Asks for the limit in force.
pub(crate) fn limit(policy: &Prepared, question: LimitQuestion) -> Reply<Option<Limit>> {
    RUNTIME.with(|runtime| {
        let scene = Scene::of_limit(question, &policy.params, policy.offset);
        let (answer, _, operations) = runtime.call(policy, Entry::Limit, scene, 0);
        let answer = answer.and_then(|(value, end)| limit_of(&value, end));
        Reply { answer, operations }
    })
}

/// Lends this thread's engine, for reading policies.
pub(crate) fn with_engine<T>(read: impl FnOnce(&Engine) -> T) -> T {
    RUNTIME.with(|runtime| read(&runtime.engine))
}

/// The function that is called.
#[derive(Clone, Copy)]
enum Entry {
    Exhausted,
    Limit,
}

/// The value with the place where the function ends, the notes, the operations.
type Outcome = (Result<(Dynamic, Position), Failure>, Vec<Arc<str>>, u32);

impl Runtime {
    fn new() -> Self {
        let desk = Rc::new(Desk::default());
        let engine = machine::build(&desk);
        Self { desk, engine, compiled: RefCell::default() }
    }

    fn call(&self, policy: &Prepared, entry: Entry, scene: Scene, spent: u32) -> Outcome {
        let Some(compiled) = self.compiled(policy) else {
            return (Err(at(PolicyCode::Error, Position::NONE)), Vec::new(), 0);
        };
        let (function, end) = match entry {
            Entry::Exhausted => ("on_exhausted", compiled.exhausted_end),
            Entry::Limit => ("limit", compiled.limit_end),
        };
        self.desk.lay(scene, spent);
        let options = CallFnOptions::new().eval_ast(false).rewind_scope(false);
        let called = self.engine.call_fn_with_options::<Dynamic>(
            options,
            &mut Scope::new(),
            &compiled.ast,
            function,
            (),
        );
        let notes = self.desk.clear().map(|scene| scene.notes).unwrap_or_default();
        let operations = self.desk.spent().saturating_sub(spent);
        (called.map(|value| (value, end)).map_err(|error| failure(&error, end)), notes, operations)
    }

    fn compiled(&self, policy: &Prepared) -> Option<Rc<Compiled>> {
        if let Some(compiled) = self.compiled.borrow().get(&policy.source_id) {
            return Some(Rc::clone(compiled));
        }
        let compiled = Rc::new(Compiled::new(check::compile_with(&self.engine, &policy.source).ok()?));
        let mut all = self.compiled.borrow_mut();
        if all.len() >= COMPILED_MAX {
            all.clear();
        }
        all.insert(policy.source_id, Rc::clone(&compiled));
        Some(compiled)
    }
}

impl Compiled {
    fn new(ast: AST) -> Self {
        let end = |name: &str| {
            let mut defs = ast.iter_fn_def();
            let def = defs.find(|def| def.name == name && def.params.is_empty());
            def.map_or(Position::NONE, |def| def.body.end_position())
        };
        Self { exhausted_end: end("on_exhausted"), limit_end: end("limit"), ast }
    }
}

fn verdict(value: Dynamic, notes: Vec<Arc<str>>, end: Position) -> Result<Verdict, Failure> {
    if value.is_unit() {
        return Err(at(PolicyCode::NoDecision, end));
    }
    match value.try_cast::<Decision>() {
        Some(decision) => Ok(decision.into_verdict(notes)),
        None => Err(at(PolicyCode::WrongType, end)),
    }
}

/// The limit a script gave; `None` for the configured one.
fn limit_of(value: &Dynamic, end: Position) -> Result<Option<Limit>, Failure> {
    if value.is_unit() {
        return Ok(None);
    }
    let count = value.as_int().ok().and_then(|count| u32::try_from(count).ok());
    let word = value.read_lock::<ImmutableString>();
    let limit = match word.as_ref().map(|word| word.as_str()) {
        Some("unlimited") => Some(Limit::Unlimited),
        Some("banned") => Some(Limit::Banned),
        _ => count.and_then(Limit::at_most),
    };
    limit.map(Some).ok_or_else(|| at(PolicyCode::WrongType, end))
}
