//! `allow`, `deny`, `evict`, what can be said with them, and `note`.

use super::one::One;
use super::sets::Sessions;
use crate::desk::{Called, Desk, NOTES_MAX};
use crate::failure::{Stop, number, stopped};
use crate::words::clean;
use rhai::{Engine, NativeCallContext};
use sledger_core::Seq;
use sledger_core::policy::{Choice, Verdict};
use std::rc::Rc;
use std::sync::Arc;

/// What a script decided.
#[derive(Clone)]
pub(crate) struct Decision {
    kind: Kind,
    reason: Option<Arc<str>>,
    told: Option<Arc<str>>,
    line: u32,
    column: u32,
}

#[derive(Clone)]
enum Kind {
    Allow,
    Deny(Rc<Vec<Seq>>),
    Evict(Rc<Vec<Seq>>),
}

impl Decision {
    fn new(context: &NativeCallContext<'_>, kind: Kind, reason: Option<&str>) -> Self {
        let position = context.call_position();
        Self {
            kind,
            reason: reason.map(clean),
            told: None,
            line: number(position.line()),
            column: number(position.position()),
        }
    }

    /// As the core takes it.
    pub(crate) fn into_verdict(self, notes: Vec<Arc<str>>) -> Verdict {
        let choice = match self.kind {
            Kind::Allow => Choice::Allow,
            Kind::Deny(offer) => Choice::Deny { offer: Rc::unwrap_or_clone(offer) },
            Kind::Evict(victims) => Choice::Evict { victims: Rc::unwrap_or_clone(victims) },
        };
        Verdict { choice, reason: self.reason, told: self.told, notes, line: self.line, column: self.column }
    }
}

pub(super) fn register(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_type_with_name::<Decision>("decision");
    engine.register_fn("allow", |context: NativeCallContext, reason: &str| {
        Decision::new(&context, Kind::Allow, Some(reason))
    });
    engine.register_fn("deny", |context: NativeCallContext, reason: &str| {
        Decision::new(&context, Kind::Deny(Rc::default()), Some(reason))
    });
    evict(engine, desk);
    offer(engine, desk);
    engine.register_fn("because", |decision: &mut Decision, reason: &str| {
        decision.reason = Some(clean(reason));
        decision.clone()
    });
    engine.register_fn("tell", |decision: &mut Decision, text: &str| {
        decision.told = Some(clean(text));
        decision.clone()
    });
    let here = Rc::clone(desk);
    engine.register_fn("note", move |text: &str| {
        here.with(|scene| {
            if scene.notes.len() < NOTES_MAX {
                scene.notes.push(clean(text));
            }
        })
    });
}

fn evict(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_fn("evict", move |context: NativeCallContext, one: One| -> Called<Decision> {
        let victims = numbers(&here, &[one.0])?;
        Ok(Decision::new(&context, Kind::Evict(victims), None))
    });
    let here = Rc::clone(desk);
    engine.register_fn("evict", move |context: NativeCallContext, set: Sessions| -> Called<Decision> {
        let victims = numbers(&here, &here.slots(set.0)?)?;
        if victims.is_empty() {
            return stopped(Stop::NoVictim);
        }
        Ok(Decision::new(&context, Kind::Evict(victims), None))
    });
    engine.register_fn("evict", |(): ()| -> Called<Decision> { stopped(Stop::NoVictim) });
}

fn offer(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_fn("offer", move |decision: &mut Decision, set: Sessions| {
        offered(decision, numbers(&here, &here.slots(set.0)?)?)
    });
    let here = Rc::clone(desk);
    engine.register_fn("offer", move |decision: &mut Decision, one: One| {
        offered(decision, numbers(&here, &[one.0])?)
    });
    engine.register_fn("offer", |decision: &mut Decision, (): ()| offered(decision, Rc::default()));
}

fn offered(decision: &mut Decision, sessions: Rc<Vec<Seq>>) -> Called<Decision> {
    match &mut decision.kind {
        Kind::Deny(offer) => *offer = sessions,
        Kind::Allow | Kind::Evict(_) => return Err("only a denial can offer sessions to end".into()),
    }
    Ok(decision.clone())
}

fn numbers(desk: &Desk, slots: &[u32]) -> Called<Rc<Vec<Seq>>> {
    desk.with_sessions(slots, |session| session.number).map(Rc::new)
}
