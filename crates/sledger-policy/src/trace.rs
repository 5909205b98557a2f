//! Watching an evaluation: which statements ran, in order, and what their values were.
//!
//! A second engine does it, built as the plain one and with rhai's debugger; the plain one pays nothing. Both
//! give the same reply for the same operations: the watch looks at values and changes none, and is charged
//! nothing.
//!
//! A loop is one step when it begins and one more each time its condition is looked at again.
//! Absent on purpose: what lies on the desk. Steps are texts and keep nothing of the question.

mod plan;
mod shown;

use crate::desk::Desk;
pub(crate) use plan::Plan;
use rhai::debugger::{CallStackFrame, DebuggerCommand, DebuggerEvent};
use rhai::{ASTNode, Dynamic, Engine, Position, Scope};
use sledger_core::policy::Reply;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Steps kept of one evaluation.
pub const STEPS_MAX: usize = 1000;
/// Values kept of one step.
const VALUES_MAX: usize = 16;

/// A reply, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<T> {
    /// The same as without watching.
    pub reply: Reply<T>,
    /// The statements that ran, in order.
    pub steps: Vec<Step>,
    /// There were more steps than are kept.
    pub cut: bool,
}

/// A statement that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The line it begins on.
    pub line: u32,
    /// The function it stands in; `closure` for a closure.
    pub function: String,
    /// What was read, called and set there, in this order: name or expression, and value as people read it.
    pub values: Vec<(String, String)>,
}

/// A trace with the statements of the plan that ran.
pub(crate) struct Watched<T> {
    pub(crate) trace: Trace<T>,
    pub(crate) ran: BTreeSet<usize>,
}

impl<T> Watched<T> {
    /// A reply that came without running anything.
    pub(crate) fn unseen(reply: Reply<T>) -> Self {
        Watch::default().end(reply)
    }
}

/// Where an evaluation stands.
struct Moment<'a, 's> {
    desk: &'a Desk,
    level: usize,
    scope: &'a Scope<'s>,
    /// The innermost call under way.
    call: Option<&'a CallStackFrame>,
}

/// What one engine's debugger writes to.
#[derive(Default)]
pub(crate) struct Watch(RefCell<Option<Recording>>);

#[derive(Default)]
struct Recording {
    plan: Rc<Plan>,
    steps: Vec<Step>,
    cut: bool,
    ran: BTreeSet<usize>,
    /// The statements that run in each call under way, what stands within another after it.
    frames: Vec<Frame>,
}

struct Frame {
    level: usize,
    statement: usize,
    /// Its step, where it was kept.
    step: Option<usize>,
}

/// Puts a watch on an engine.
pub(crate) fn watch(engine: &mut Engine, desk: &Rc<Desk>) -> Rc<Watch> {
    let watch = Rc::new(Watch::default());
    let (here, desk) = (Rc::clone(&watch), Rc::clone(desk));
    #[expect(deprecated, reason = "rhai marks it so because it may change; the version is pinned")]
    engine.register_debugger(
        |_, debugger| debugger,
        move |context, event, node, _, _| {
            let call = context.debugger().and_then(|debugger| debugger.call_stack().last());
            let (level, scope) = (context.call_level(), context.scope());
            here.see(&Moment { desk: &desk, level, scope, call }, &event, node);
            Ok(DebuggerCommand::StepInto)
        },
    );
    watch
}

impl Watch {
    /// Begins to record an evaluation of what `plan` was made of.
    pub(crate) fn begin(&self, plan: &Rc<Plan>) {
        self.0.replace(Some(Recording { plan: Rc::clone(plan), ..Recording::default() }));
    }

    /// Ends it.
    pub(crate) fn end<T>(&self, reply: Reply<T>) -> Watched<T> {
        let recording = self.0.take().unwrap_or_default();
        let trace = Trace { reply, steps: recording.steps, cut: recording.cut };
        Watched { trace, ran: recording.ran }
    }

    fn see(&self, now: &Moment<'_, '_>, event: &DebuggerEvent<'_>, node: ASTNode<'_>) {
        let mut recording = self.0.borrow_mut();
        let Some(recording) = recording.as_mut() else { return };
        match event {
            DebuggerEvent::Start | DebuggerEvent::Step => {
                if let Some(statement) = recording.plan.statement_at(node) {
                    recording.run(statement, now);
                } else if let Some(statement) = recording.plan.loop_at(node) {
                    recording.again(statement, now);
                }
            }
            DebuggerEvent::FunctionExitWithValue(value) => recording.called(value, now),
            _ => {}
        }
    }
}

impl Recording {
    /// A statement begins: what the one before it set is known, and what this one reads.
    fn run(&mut self, statement: usize, now: &Moment<'_, '_>) {
        let level = now.level;
        while let Some(frame) = self.frames.last()
            && (frame.level > level
                || frame.level == level && !self.plan.is_within(statement, frame.statement))
        {
            self.set(now);
            self.frames.pop();
        }
        self.ran.insert(statement);
        self.begin(statement, now);
    }

    fn begin(&mut self, statement: usize, now: &Moment<'_, '_>) {
        let (level, step) = (now.level, self.step(statement));
        self.frames.push(Frame { level, statement, step });
        let plan = Rc::clone(&self.plan);
        for name in plan.reads(statement) {
            self.look(step, name, now);
        }
    }

    /// Something was called and gave `value`.
    fn called(&mut self, value: &Dynamic, now: &Moment<'_, '_>) {
        let Some((name, position)) = now.call.map(|call| (&call.fn_name, call.pos)) else { return };
        self.set(now);
        // The name of a closure carries a hash that differs from process to process.
        if name.starts_with("anon$") {
            return;
        }
        let plan = Rc::clone(&self.plan);
        let Some((statement, label)) = plan.label_at(position) else { return };
        let step = self.step_under_way(statement, now.level);
        if step.is_some()
            && let Some(shown) = shown::value(value, now.desk)
        {
            self.write(step, label, shown);
        }
    }

    /// A loop's condition is looked at: again, where something of its body ran since.
    fn again(&mut self, statement: usize, now: &Moment<'_, '_>) {
        let level = now.level;
        let is_it = |frame: &Frame| frame.level == level && frame.statement == statement;
        if self.frames.last().is_none_or(is_it) {
            return;
        }
        while self.frames.last().is_some_and(|frame| !is_it(frame)) {
            self.set(now);
            self.frames.pop();
        }
        self.frames.pop();
        self.begin(statement, now);
    }

    /// The step of a statement within which something was called.
    fn step_under_way(&mut self, statement: usize, level: usize) -> Option<usize> {
        if let Some(frame) = self.frames.iter().rev().find(|frame| frame.statement == statement) {
            return frame.step;
        }
        let step = self.step(statement);
        self.frames.push(Frame { level, statement, step });
        step
    }

    /// What the innermost statement set, once it is in the scope.
    fn set(&mut self, now: &Moment<'_, '_>) {
        // A call's names are not those of its caller.
        let innermost = self.frames.last().filter(|frame| frame.level == now.level);
        let Some((statement, step)) = innermost.map(|frame| (frame.statement, frame.step)) else { return };
        let plan = Rc::clone(&self.plan);
        if let Some(name) = plan.sets(statement) {
            self.look(step, name, now);
        }
    }

    fn look(&mut self, step: Option<usize>, name: &str, now: &Moment<'_, '_>) {
        if let (Some(_), Some(value)) = (step, now.scope.get(name))
            && let Some(shown) = shown::value(value, now.desk)
        {
            self.write(step, name, shown);
        }
    }

    /// A new step; `None` where enough are kept.
    fn step(&mut self, statement: usize) -> Option<usize> {
        if self.steps.len() >= STEPS_MAX {
            self.cut = true;
            return None;
        }
        let (line, function) = self.plan.place(statement);
        self.steps.push(Step { line, function: function.to_owned(), values: Vec::new() });
        Some(self.steps.len() - 1)
    }

    fn write(&mut self, step: Option<usize>, name: &str, value: String) {
        let Some(step) = step.and_then(|index| self.steps.get_mut(index)) else { return };
        if let Some((_, known)) = step.values.iter_mut().find(|(known, _)| known == name) {
            *known = value;
        } else if step.values.len() < VALUES_MAX {
            step.values.push((name.to_owned(), value));
        }
    }
}

/// A line or column, 0 where there is none.
fn line_of(position: Position) -> u32 {
    crate::failure::number(position.line())
}
