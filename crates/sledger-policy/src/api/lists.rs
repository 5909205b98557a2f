//! Lists of texts and numbers: `len`, `is_empty`, `contains`, `push`, and going through them.
//!
//! Absent on purpose: rhai's array package, whose methods cost nothing whatever they do.

use super::ambient::count_of;
use crate::desk::{Called, Desk};
use rhai::{Array, Dynamic, Engine, ImmutableString};
use std::rc::Rc;

pub(super) fn register(engine: &mut Engine, desk: &Rc<Desk>) {
    engine.register_fn("len", |list: &mut Array| count_of(list));
    engine.register_get("len", |list: &mut Array| count_of(list));
    engine.register_fn("is_empty", |list: &mut Array| list.is_empty());
    let here = Rc::clone(desk);
    engine.register_fn("contains", move |list: &mut Array, value: Dynamic| -> Called<bool> {
        here.charge(list.len())?;
        Ok(list.iter().any(|item| is_same(item, &value)))
    });
    engine.register_fn("push", |list: &mut Array, value: Dynamic| -> Called<()> {
        if !is_plain(&value) {
            return Err("a list holds texts, numbers, true and false".into());
        }
        list.push(value);
        Ok(())
    });
    engine.register_iterator::<Array>();
    for name in ["to_string", "to_debug"] {
        engine.register_fn(name, |_: &mut Array| "[list]");
    }
}

fn is_plain(value: &Dynamic) -> bool {
    value.is_int() || value.is_bool() || value.is_string() || value.is_char()
}

/// Equal plain values; values of different types are never equal.
fn is_same(a: &Dynamic, b: &Dynamic) -> bool {
    match (a.as_int(), b.as_int(), a.as_bool(), b.as_bool()) {
        (Ok(a), Ok(b), _, _) => a == b,
        (_, _, Ok(a), Ok(b)) => a == b,
        _ => match (a.read_lock::<ImmutableString>(), b.read_lock::<ImmutableString>()) {
            (Some(a), Some(b)) => *a == *b,
            _ => false,
        },
    }
}
