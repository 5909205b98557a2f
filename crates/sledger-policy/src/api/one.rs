//! A session, as scripts see it.

use super::{known, list_of};
use crate::desk::Desk;
use rhai::{Engine, ImmutableString};
use sledger_core::Millis;
use sledger_core::state::Session;
use std::rc::Rc;

/// A handle on a live session: its slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct One(pub(crate) u32);

pub(super) fn register(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_type_with_name::<One>("session");
    let text = |text: &str| ImmutableString::from(text);
    property(engine, desk, "id", move |session, _| text(session.facts.session()));
    property(engine, desk, "user", move |session, _| text(session.facts.user()));
    property(engine, desk, "ip", |session, _| known(session.facts.ip()));
    property(engine, desk, "client", |session, _| known(session.facts.client()));
    property(engine, desk, "source", |session, _| known(session.facts.source()));
    property(engine, desk, "started", |session, _| session.facts.started.seconds());
    property(engine, desk, "expires", |session, _| session.deadline().seconds());
    property(engine, desk, "last_active", |session, _| session.last_active.seconds());
    property(engine, desk, "age", |session, at| seconds_between(session.facts.started, at));
    property(engine, desk, "idle", |session, at| seconds_between(session.last_active, at));
    property(engine, desk, "retained", |session, _| session.is_retained());
    let here = Rc::clone(desk);
    engine.register_get("groups", move |one: &mut One| {
        let groups = here.with_session(one.0, |session, _| {
            session.facts.groups().map(ImmutableString::from).collect::<Vec<_>>()
        })?;
        list_of(&here, groups)
    });
    let here = Rc::clone(desk);
    engine.register_fn("attr", move |one: &mut One, key: &str| {
        here.with_session(one.0, |session, _| known(session.facts.attribute(key)))
    });
    engine.register_fn("==", |a: One, b: One| a == b);
    engine.register_fn("!=", |a: One, b: One| a != b);
}

fn property<V: rhai::Variant + Clone>(
    engine: &mut Engine,
    desk: &Rc<Desk>,
    name: &str,
    read: impl Fn(&Session, Millis) -> V + 'static,
) {
    let desk = Rc::clone(desk);
    engine.register_get(name, move |one: &mut One| desk.with_session(one.0, &read));
}

fn seconds_between(earlier: Millis, later: Millis) -> i64 {
    Millis(later.since(earlier)).seconds()
}
