//! `now user request quota params sessions all_sessions`: read-only, and resolved when used.

use super::sets::{Sessions, addresses};
use super::{int, known, list_of, seconds_of};
use crate::desk::{ALL_SESSIONS, Called, Count, Desk, SESSIONS, Scene};
use rhai::{Array, Dynamic, Engine, ImmutableString};
use sledger_core::config::Param;
use sledger_core::{Limit, Millis, civil};
use std::rc::Rc;

/// The names; a script can declare none of them.
pub(crate) const NAMES: [&str; 7] = ["now", "user", "request", "quota", "params", "sessions", "all_sessions"];

#[derive(Clone, Copy)]
struct Now;
#[derive(Clone, Copy)]
struct User;
#[derive(Clone, Copy)]
struct Request;
#[derive(Clone, Copy)]
struct Quota;
#[derive(Clone, Copy)]
struct Params;

pub(super) fn register(engine: &mut Engine, desk: &Rc<Desk>) {
    resolve(engine, desk);
    now(engine, desk);
    user(engine, desk);
    request(engine, desk);
    quota(engine, desk);
    params(engine, desk);
    engine.register_fn("seconds", |duration: Dynamic| seconds_of(&duration));
}

fn resolve(engine: &mut Engine, desk: &Rc<Desk>) {
    let desk = Rc::clone(desk);
    #[expect(deprecated, reason = "rhai marks it so because it may change; the version is pinned")]
    engine.on_var(move |name, _, _| {
        Ok(Some(match name {
            "sessions" => sessions(&desk, SESSIONS)?,
            "all_sessions" => sessions(&desk, ALL_SESSIONS)?,
            "quota" => Dynamic::from(Quota),
            "request" => Dynamic::from(Request),
            "user" => Dynamic::from(User),
            "now" => Dynamic::from(Now),
            "params" => Dynamic::from(Params),
            _ => return Ok(None),
        }))
    });
}

fn sessions(desk: &Desk, shelf: u32) -> Called<Dynamic> {
    match desk.with(|scene| scene.count)? {
        Count::Exhausted { .. } => Ok(Dynamic::from(Sessions(shelf))),
        Count::Limit(_) => Err("the sessions are not known while a limit is asked for".into()),
    }
}

/// Registers a property that reads the question.
fn property<T: Clone + 'static, V: rhai::Variant + Clone>(
    engine: &mut Engine,
    desk: &Rc<Desk>,
    name: &str,
    read: impl Fn(&Scene) -> V + 'static,
) {
    let desk = Rc::clone(desk);
    engine.register_get(name, move |_: &mut T| desk.with(|scene| read(scene)));
}

fn civil_of<V>(scene: &Scene, read: impl Fn(&Civil) -> V) -> V {
    let shift = i64::from(scene.offset.0) * 60_000;
    read(&Civil(Millis(scene.at.0.saturating_add_signed(shift))))
}

/// Civil time where the policy is.
struct Civil(Millis);

impl Civil {
    fn hour(&self) -> i64 {
        civil::datetime(self.0).map_or(0, |when| i64::from(when.hour()))
    }

    fn minute(&self) -> i64 {
        civil::datetime(self.0).map_or(0, |when| i64::from(when.minute()))
    }

    fn weekday(&self) -> i64 {
        civil::datetime(self.0).map_or(1, |when| i64::from(when.weekday().number_from_monday()))
    }

    fn date(&self) -> ImmutableString {
        civil::datetime(self.0).map(|when| when.date().to_string()).unwrap_or_default().into()
    }
}

fn now(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_type_with_name::<Now>("now");
    property::<Now, _>(engine, desk, "epoch", |scene| scene.at.seconds());
    property::<Now, _>(engine, desk, "hour", |scene| civil_of(scene, Civil::hour));
    property::<Now, _>(engine, desk, "minute", |scene| civil_of(scene, Civil::minute));
    property::<Now, _>(engine, desk, "weekday", |scene| civil_of(scene, Civil::weekday));
    property::<Now, _>(engine, desk, "date", |scene| civil_of(scene, Civil::date));
    let here = Rc::clone(desk);
    engine.register_fn("between", move |_: &mut Now, from: i64, to: i64| -> Called<bool> {
        if !(0..=24).contains(&from) || !(0..=24).contains(&to) {
            return Err("hours are 0 to 24".into());
        }
        let hour = here.with(|scene| civil_of(scene, Civil::hour))?;
        Ok(if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to })
    });
}

fn user(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_type_with_name::<User>("user");
    property::<User, _>(engine, desk, "id", |scene| ImmutableString::from(scene.login.user()));
    let here = Rc::clone(desk);
    engine.register_get("groups", move |_: &mut User| {
        list_of(&here, here.with(|scene| scene.login.groups().map(ImmutableString::from).collect())?)
    });
    let here = Rc::clone(desk);
    engine.register_fn("in_group", move |_: &mut User, group: &str| {
        here.with(|scene| scene.login.in_group(group))
    });
    let here = Rc::clone(desk);
    engine.register_fn("attr", move |_: &mut User, key: &str| {
        here.with(|scene| known(scene.login.user_attribute(key)))
    });
}

fn request(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_type_with_name::<Request>("request");
    property::<Request, _>(engine, desk, "session", |scene| ImmutableString::from(scene.login.session()));
    property::<Request, _>(engine, desk, "ip", |scene| known(scene.login.ip()));
    property::<Request, _>(engine, desk, "client", |scene| known(scene.login.client()));
    property::<Request, _>(engine, desk, "source", |scene| known(scene.login.source()));
    property::<Request, _>(engine, desk, "evicted_ago", |scene| {
        scene.evicted_ago.map_or(Dynamic::UNIT, Dynamic::from_int)
    });
    let here = Rc::clone(desk);
    engine.register_fn("attr", move |_: &mut Request, key: &str| {
        here.with(|scene| known(scene.login.attribute(key)))
    });
    let here = Rc::clone(desk);
    engine.register_fn("from", move |_: &mut Request, network: &str| -> Called<bool> {
        let network = addresses([network.to_owned()])?;
        here.with(|scene| network.holds(&scene.login))
    });
    let here = Rc::clone(desk);
    engine.register_fn("from_any", move |_: &mut Request, networks: Array| -> Called<bool> {
        here.charge(networks.len())?;
        let texts =
            networks.into_iter().map(|text| text.into_immutable_string().map(|text| text.to_string()));
        let texts: Result<Vec<_>, _> = texts.collect();
        let networks = addresses(texts.map_err(|_| "a list of networks holds texts")?)?;
        here.with(|scene| networks.holds(&scene.login))
    });
}

fn quota(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_type_with_name::<Quota>("quota");
    property::<Quota, _>(engine, desk, "name", |scene| ImmutableString::from(&*scene.quota));
    property::<Quota, _>(engine, desk, "key", |scene| ImmutableString::from(&*scene.key));
    property::<Quota, _>(engine, desk, "limit", |scene| match scene.count {
        Count::Exhausted { limit, .. } => Dynamic::from_int(i64::from(limit)),
        Count::Limit(Limit::Max(limit)) => Dynamic::from_int(i64::from(limit.get())),
        Count::Limit(word) => known(Some(&word.to_string())),
    });
    counted(engine, desk, "used", |used, _| used);
    counted(engine, desk, "excess", |_, excess| excess);
}

fn counted(engine: &mut Engine, desk: &Rc<Desk>, name: &'static str, read: fn(u32, u32) -> u32) {
    let desk = Rc::clone(desk);
    engine.register_get(name, move |_: &mut Quota| -> Called<i64> {
        match desk.with(|scene| scene.count)? {
            Count::Exhausted { used, excess, .. } => Ok(i64::from(read(used, excess))),
            Count::Limit(_) => Err(format!("quota.{name} is not known while a limit is asked for").into()),
        }
    });
}

fn params(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_type_with_name::<Params>("params");
    let desk = Rc::clone(desk);
    engine.register_indexer_get(move |_: &mut Params, key: ImmutableString| -> Called<Dynamic> {
        let found =
            desk.with(|scene| scene.params.get(key.as_str()).map(|param| (value(param), size(param))))?;
        let (found, size) = found.ok_or_else(|| format!("there is no param `{key}`"))?;
        desk.charge(size)?;
        Ok(found)
    });
}

fn value(param: &Param) -> Dynamic {
    match param {
        Param::Int(int) => Dynamic::from_int(*int),
        Param::Bool(bool) => Dynamic::from_bool(*bool),
        Param::Text(text) => Dynamic::from(ImmutableString::from(text.as_str())),
        Param::List(list) => Dynamic::from_array(list.iter().map(value).collect()),
    }
}

fn size(param: &Param) -> usize {
    match param {
        Param::List(list) => list.iter().map(|param| 1 + size(param)).sum(),
        _ => 0,
    }
}

/// How many there are, for the list API.
pub(super) fn count_of(list: &Array) -> i64 {
    int(list.len())
}
