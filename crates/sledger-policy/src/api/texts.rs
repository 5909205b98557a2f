//! Texts: rhai's own string functions, with those that can blow up in one call replaced.

use crate::desk::{Called, Desk};
use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Position};
use std::rc::Rc;

/// Bytes looked at for one operation.
const BYTES_PER_OPERATION: usize = 64;

/// What a text can be searched for: a text or a character.
trait Piece {
    fn text(self) -> ImmutableString;
}

impl Piece for ImmutableString {
    fn text(self) -> ImmutableString {
        self
    }
}

impl Piece for char {
    fn text(self) -> ImmutableString {
        self.to_string().into()
    }
}

pub(super) fn register(engine: &mut Engine, desk: &Rc<Desk>) {
    replace::<ImmutableString, ImmutableString>(engine, desk);
    replace::<char, ImmutableString>(engine, desk);
    replace::<ImmutableString, char>(engine, desk);
    replace::<char, char>(engine, desk);
    split::<ImmutableString>(engine, desk);
    split::<char>(engine, desk);
    search(engine, desk);
    unavailable(engine);
}

fn search(engine: &mut Engine, desk: &Rc<Desk>) {
    let here = Rc::clone(desk);
    engine.register_fn("contains", move |text: &str, part: &str| -> Called<bool> {
        here.charge(text.len() / BYTES_PER_OPERATION)?;
        Ok(text.contains(part))
    });
    let here = Rc::clone(desk);
    engine.register_fn("index_of", move |text: &str, part: &str| -> Called<i64> {
        here.charge(text.len() / BYTES_PER_OPERATION)?;
        let before = text.find(part).and_then(|at| text.get(..at));
        Ok(before.map_or(-1, |before| super::int(before.chars().count())))
    });
}

fn replace<F, T>(engine: &mut Engine, desk: &Rc<Desk>)
where
    F: rhai::Variant + Clone + Piece,
    T: rhai::Variant + Clone + Piece,
{
    let desk = Rc::clone(desk);
    let max = engine.max_string_size();
    engine.register_fn("replace", move |text: &mut ImmutableString, from: F, to: T| -> Called<()> {
        let (from, to): (ImmutableString, ImmutableString) = (from.text(), to.text());
        desk.charge(text.len() / BYTES_PER_OPERATION + 1)?;
        if from.is_empty() {
            return Err("nothing cannot be replaced".into());
        }
        let times = text.matches(from.as_str()).count();
        if text.len() + times * to.len() > max {
            return Err(EvalAltResult::ErrorDataTooLarge("text".to_owned(), Position::NONE).into());
        }
        *text = text.replace(from.as_str(), &to).into();
        Ok(())
    });
}

fn split<D>(engine: &mut Engine, desk: &Rc<Desk>)
where
    D: rhai::Variant + Clone + Piece,
{
    let desk = Rc::clone(desk);
    engine.register_fn("split", move |text: &mut ImmutableString, by: D| -> Called<Array> {
        let by: ImmutableString = by.text();
        if by.is_empty() {
            return Err("text cannot be split by nothing".into());
        }
        desk.charge(text.matches(by.as_str()).count() + 1)?;
        Ok(text.split(by.as_str()).map(|part| Dynamic::from(ImmutableString::from(part))).collect())
    });
}

/// Names of rhai's packages that make lists without being charged.
fn unavailable(engine: &mut Engine) {
    fn no<T>() -> Called<T> {
        Err("not available in policies".into())
    }
    engine.register_fn("index_of", |_: &str, _: &str, _: i64| no::<i64>());
    engine.register_fn("to_chars", |_: &str| no::<Array>());
    engine.register_fn("to_blob", |_: &str| no::<Array>());
    engine.register_fn("split", |_: &mut ImmutableString| no::<Array>());
    engine.register_fn("split", |_: &mut ImmutableString, _: i64| no::<Array>());
    engine.register_fn("split", |_: &mut ImmutableString, _: &str, _: i64| no::<Array>());
    engine.register_fn("split", |_: &mut ImmutableString, _: char, _: i64| no::<Array>());
    engine.register_fn("split_rev", |_: &mut ImmutableString, _: &str| no::<Array>());
    engine.register_fn("split_rev", |_: &mut ImmutableString, _: char| no::<Array>());
    engine.register_fn("split_rev", |_: &mut ImmutableString, _: &str, _: i64| no::<Array>());
    engine.register_fn("split_rev", |_: &mut ImmutableString, _: char, _: i64| no::<Array>());
}
