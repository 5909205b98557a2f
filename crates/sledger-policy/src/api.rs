//! What scripts can name and call.
//!
//! Names are resolved when they are used, so they are seen in helper functions and closures too. Values are
//! handles: numbers of sets and sessions on the desk.

pub(crate) mod ambient;
pub(crate) mod decisions;
pub(crate) mod lists;
pub(crate) mod one;
pub(crate) mod sets;
pub(crate) mod texts;

use crate::desk::{Called, Desk};
use rhai::{Array, Dynamic, Engine, ImmutableString};
use std::rc::Rc;

/// Registers everything.
pub(crate) fn register(engine: &mut Engine, desk: &Rc<Desk>) {
    ambient::register(engine, desk);
    decisions::register(engine, desk);
    lists::register(engine, desk);
    one::register(engine, desk);
    sets::register(engine, desk);
    texts::register(engine, desk);
}

/// Text that may be missing.
fn known(text: Option<&str>) -> Dynamic {
    text.map_or(Dynamic::UNIT, |text| Dynamic::from(ImmutableString::from(text)))
}

/// A list of texts, charged by element.
fn list_of(desk: &Desk, texts: Vec<ImmutableString>) -> Called<Dynamic> {
    desk.charge(texts.len())?;
    let list: Array = texts.into_iter().map(Dynamic::from).collect();
    Ok(Dynamic::from_array(list))
}

/// A count as scripts see it.
fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A duration: text such as `"5m"`, or seconds.
fn seconds_of(duration: &Dynamic) -> Called<i64> {
    if let Ok(seconds) = duration.as_int() {
        return Ok(seconds);
    }
    let text = duration.read_lock::<ImmutableString>();
    text.and_then(|text| crate::duration::seconds(&text))
        .ok_or_else(|| "a duration is text such as \"5m\", or whole seconds".into())
}

/// Milliseconds of a duration; negative ones are none.
fn millis_of(duration: &Dynamic) -> Called<u64> {
    Ok(u64::try_from(seconds_of(duration)?).unwrap_or_default().saturating_mul(1000))
}
