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
use crate::trace::{self, Plan, Watch, Watched};
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
    static TRACER: Runtime = Runtime::watched();
}

/// What stays with a thread.
struct Runtime {
    desk: Rc<Desk>,
    engine: Engine,
    compiled: RefCell<BTreeMap<u64, Rc<Compiled>>>,
    /// What the engine's debugger writes to, where it has one.
    watch: Option<Rc<Watch>>,
}

struct Compiled {
    ast: AST,
    /// What can be watched; empty where nothing watches.
    plan: Rc<Plan>,
    /// Where `on_exhausted` and `limit` end: the place of an answer that is none.
    exhausted_end: Position,
    limit_end: Position,
}

/// Asks what to do about an exhausted key.
pub(crate) fn ask(policy: &Prepared, question: Question, spent: u32) -> Reply<Verdict> {
    RUNTIME.with(|runtime| runtime.ask(policy, question, spent))
}

/// Asks for the limit in force.
pub(crate) fn limit(policy: &Prepared, question: LimitQuestion) -> Reply<Option<Limit>> {
    RUNTIME.with(|runtime| runtime.limit(policy, question))
}

/// As [`ask`], watched.
pub(crate) fn trace(policy: &Prepared, question: Question, spent: u32) -> Watched<Verdict> {
    TRACER.with(|runtime| {
        let reply = runtime.ask(policy, question, spent);
        runtime.seen(reply)
    })
}

/// As [`limit`], watched.
pub(crate) fn trace_limit(policy: &Prepared, question: LimitQuestion) -> Watched<Option<Limit>> {
    TRACER.with(|runtime| {
        let reply = runtime.limit(policy, question);
        runtime.seen(reply)
    })
}

/// What can be watched in a policy.
pub(crate) fn plan(policy: &Prepared) -> Option<Rc<Plan>> {
    TRACER.with(|runtime| runtime.compiled(policy).map(|compiled| Rc::clone(&compiled.plan)))
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
        Self { desk, engine, compiled: RefCell::default(), watch: None }
    }

    fn watched() -> Self {
        let mut runtime = Self::new();
        runtime.watch = Some(trace::watch(&mut runtime.engine, &runtime.desk));
        runtime
    }

    fn ask(&self, policy: &Prepared, question: Question, spent: u32) -> Reply<Verdict> {
        let scene = Scene::of(question, &policy.params, policy.offset);
        let (answer, notes, operations) = self.call(policy, Entry::Exhausted, scene, spent);
        let answer = answer.and_then(|(value, end)| verdict(value, notes, end));
        Reply { answer, operations }
    }

    fn limit(&self, policy: &Prepared, question: LimitQuestion) -> Reply<Option<Limit>> {
        let scene = Scene::of_limit(question, &policy.params, policy.offset);
        let (answer, _, operations) = self.call(policy, Entry::Limit, scene, 0);
        let answer = answer.and_then(|(value, end)| limit_of(&value, end));
        Reply { answer, operations }
    }

    /// What the watch saw of the call that gave `reply`.
    fn seen<T>(&self, reply: Reply<T>) -> Watched<T> {
        match &self.watch {
            Some(watch) => watch.end(reply),
            None => Watched::unseen(reply),
        }
    }

    fn call(&self, policy: &Prepared, entry: Entry, scene: Scene, spent: u32) -> Outcome {
        let Some(compiled) = self.compiled(policy) else {
            return (Err(at(PolicyCode::Error, Position::NONE)), Vec::new(), 0);
        };
        let (function, end) = match entry {
            Entry::Exhausted => ("on_exhausted", compiled.exhausted_end),
            Entry::Limit => ("limit", compiled.limit_end),
        };
        if let Some(watch) = &self.watch {
            watch.begin(&compiled.plan);
        }
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
        let ast = check::compile_with(&self.engine, &policy.source).ok()?;
        let plan = self.watch.as_ref().map(|_| Plan::of(&ast)).unwrap_or_default();
        let compiled = Rc::new(Compiled::new(ast, plan));
        let mut all = self.compiled.borrow_mut();
        if all.len() >= COMPILED_MAX {
            all.clear();
        }
        all.insert(policy.source_id, Rc::clone(&compiled));
        Some(compiled)
    }
}

impl Compiled {
    fn new(ast: AST, plan: Plan) -> Self {
        let end = |name: &str| {
            let mut defs = ast.iter_fn_def();
            let def = defs.find(|def| def.name == name && def.params.is_empty());
            def.map_or(Position::NONE, |def| def.body.end_position())
        };
        Self { exhausted_end: end("on_exhausted"), limit_end: end("limit"), plan: Rc::new(plan), ast }
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
