//! `sessions`, `all_sessions` and every set narrowed or picked out of them.

use super::one::One;
use super::{int, millis_of};
use crate::desk::{Called, Desk};
use rhai::{Dynamic, Engine, FnPtr, ImmutableString, Module, NativeCallContext};
use sledger_core::config::{Condition, Fact, When};
use sledger_core::quota::ReadyWhen;
use sledger_core::state::{Order, Session};
use std::any::TypeId;
use std::collections::BTreeSet;
use std::rc::Rc;

/// A handle on a set: its shelf on the desk.
#[derive(Clone, Copy)]
pub(crate) struct Sessions(pub(crate) u32);

const ORDERS: [(&str, Order); 6] = [
    ("oldest", Order::Oldest),
    ("newest", Order::Newest),
    ("next_expiring", Order::NextExpiring),
    ("least_time_left", Order::LeastTimeLeft),
    ("most_idle", Order::MostIdle),
    ("least_idle", Order::LeastIdle),
];

pub(super) fn register(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_type_with_name::<Sessions>("sessions");
    counts(engine, desk);
    for (name, order) in ORDERS {
        picks(engine, desk, name, order);
    }
    narrowed_by_text(engine, desk);
    narrowed_by_state(engine, desk);
    except(engine, desk);
    filter(engine, desk);
    distinct(engine, desk);
    contains(engine, desk);
    iterate(engine, desk);
}

fn counts(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_get("count", move |set: &mut Sessions| here.count(set.0).map(int));
    let here = Rc::clone(desk);
    engine.register_fn("len", move |set: &mut Sessions| here.count(set.0).map(int));
    let here = Rc::clone(desk);
    engine.register_fn("is_empty", move |set: &mut Sessions| here.count(set.0).map(|count| count == 0));
}

fn picks(engine: &mut Engine, desk: &Rc<Desk>, name: &str, order: Order) {
    let here = Rc::clone(desk);
    engine.register_fn(name, move |set: &mut Sessions| -> Called<Dynamic> {
        let picked = here.pick(set.0, order, 1)?;
        Ok(picked.first().map_or(Dynamic::UNIT, |slot| Dynamic::from(One(*slot))))
    });
    let here = Rc::clone(desk);
    engine.register_fn(name, move |set: &mut Sessions, most: i64| -> Called<Sessions> {
        let most = usize::try_from(most).map_err(|_| "fewer than no sessions cannot be picked")?;
        let picked = here.pick(set.0, order, most)?;
        here.put(picked.as_slice().into()).map(Sessions)
    });
}

/// A narrowing member: its name, and what makes the test of a session from the text given.
type ByText = (&'static str, fn(&str) -> Called<Box<dyn Fn(&Session) -> bool>>);

fn narrowed_by_text(engine: &mut Engine, desk: &Rc<Desk>) {
    let members: [ByText; 3] = [
        ("from_ip", |text| {
            let network = addresses([text.to_owned()])?;
            Ok(Box::new(move |session| network.holds(&session.facts)))
        }),
        ("of_client", |text| {
            let text = text.to_owned();
            Ok(Box::new(move |session| session.facts.client() == Some(&*text)))
        }),
        ("of_user", |text| {
            let text = text.to_owned();
            Ok(Box::new(move |session| session.facts.user() == text))
        }),
    ];
    for (name, test) in members {
        let here = Rc::clone(desk);
        engine.register_fn(name, move |set: &mut Sessions, text: &str| -> Called<Sessions> {
            let keeps = test(text)?;
            here.narrow(set.0, |session, _| keeps(session)).map(Sessions)
        });
        // What is missing is nobody's.
        let here = Rc::clone(desk);
        engine.register_fn(name, move |_: &mut Sessions, (): ()| nobody(&here));
    }
    let here = Rc::clone(desk);
    engine.register_fn("with_attr", move |set: &mut Sessions, key: &str, value: &str| {
        here.narrow(set.0, |session, _| session.facts.attribute(key) == Some(value)).map(Sessions)
    });
    let here = Rc::clone(desk);
    engine.register_fn("with_attr", move |_: &mut Sessions, _: &str, (): ()| nobody(&here));
}

fn nobody(desk: &Desk) -> Called<Sessions> {
    desk.charge(1)?;
    desk.put(Rc::from([])).map(Sessions)
}

fn narrowed_by_state(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_fn("retained", move |set: &mut Sessions| {
        here.narrow(set.0, |session, _| session.is_retained()).map(Sessions)
    });
    let here = Rc::clone(desk);
    engine.register_fn("connected", move |set: &mut Sessions| {
        here.narrow(set.0, |session, _| !session.is_retained()).map(Sessions)
    });
    let here = Rc::clone(desk);
    engine.register_fn("idle_for", move |set: &mut Sessions, duration: Dynamic| -> Called<Sessions> {
        let least = millis_of(&duration)?;
        here.narrow(set.0, |session, at| at.since(session.last_active) >= least).map(Sessions)
    });
    let here = Rc::clone(desk);
    engine.register_fn("older_than", move |set: &mut Sessions, duration: Dynamic| -> Called<Sessions> {
        let least = millis_of(&duration)?;
        here.narrow(set.0, |session, at| at.since(session.facts.started) > least).map(Sessions)
    });
}

fn except(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_fn("except", move |set: &mut Sessions, one: One| without(&here, *set, &[one.0]));
    let here = Rc::clone(desk);
    engine.register_fn("except", move |set: &mut Sessions, other: Sessions| {
        let slots = here.slots(other.0)?;
        without(&here, *set, &slots)
    });
    let here = Rc::clone(desk);
    engine.register_fn("except", move |set: &mut Sessions, id: &str| {
        here.narrow(set.0, |session, _| session.facts.session() != id).map(Sessions)
    });
    let here = Rc::clone(desk);
    engine.register_fn("except", move |set: &mut Sessions, (): ()| without(&here, *set, &[]));
}

fn without(desk: &Desk, set: Sessions, others: &[u32]) -> Called<Sessions> {
    let others: BTreeSet<u32> = others.iter().copied().collect();
    let all = desk.slots(set.0)?;
    let kept = all.iter().copied().filter(|slot| !others.contains(slot)).collect();
    desk.put(kept).map(Sessions)
}

fn filter(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_fn(
        "filter",
        move |context: NativeCallContext, set: Sessions, keeps: FnPtr| -> Called<Sessions> {
            let all = here.slots(set.0)?;
            let mut kept = Vec::new();
            for &slot in all.iter() {
                let kept_it = keeps.call_within_context::<Dynamic>(&context, (One(slot),))?;
                if kept_it.as_bool().map_err(|_| "filter needs true or false for each session")? {
                    kept.push(slot);
                }
            }
            here.put(kept.into()).map(Sessions)
        },
    );
}

fn distinct(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_fn("distinct", move |set: &mut Sessions, field: &str| -> Called<i64> {
        let all = here.slots(set.0)?;
        let mut values = BTreeSet::new();
        for &slot in all.iter() {
            let value = here.with_session(slot, |session, _| value_of(session, field))??;
            values.extend(value);
        }
        Ok(int(values.len()))
    });
}

/// The fields that `distinct` knows, besides `attr:NAME`.
pub(crate) const FIELDS: [&str; 4] = ["ip", "client", "user", "source"];

fn value_of(session: &Session, field: &str) -> Called<Option<ImmutableString>> {
    let facts = &session.facts;
    let value = match field {
        "ip" => facts.ip(),
        "client" => facts.client(),
        "user" => Some(facts.user()),
        "source" => facts.source(),
        other => match other.strip_prefix("attr:") {
            Some(key) => facts.attribute(key),
            None => return Err("distinct counts ip, client, user, source or attr:NAME".into()),
        },
    };
    Ok(value.map(ImmutableString::from))
}

fn contains(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_fn("contains", move |set: &mut Sessions, one: One| -> Called<bool> {
        Ok(here.slots(set.0)?.contains(&one.0))
    });
}

fn iterate(engine: &mut Engine, desk: &Rc<Desk>) {
    let desk = Rc::clone(desk);
    let mut module = Module::new();
    module.set_iter_result(TypeId::of::<Sessions>(), move |set| {
        let all = set.try_cast::<Sessions>().map(|set| desk.slots(set.0));
        match all {
            Some(Ok(all)) => Box::new(
                (0..all.len()).filter_map(move |i| all.get(i).map(|slot| Ok(Dynamic::from(One(*slot))))),
            ),
            Some(Err(error)) => Box::new(std::iter::once(Err(error))),
            None => Box::new(std::iter::empty()),
        }
    });
    engine.register_global_module(module.into());
}

/// What tells whether a session's address lies in one of `networks`, addresses or CIDR.
pub(crate) fn addresses(networks: impl IntoIterator<Item = String>) -> Called<ReadyWhen> {
    let condition = Condition { fact: Fact::Ip, any_of: networks.into_iter().collect() };
    let when = When { all_of: vec![condition], not: Vec::new() };
    ReadyWhen::new(&when).map_err(|rejection| rejection.reason.into())
}
