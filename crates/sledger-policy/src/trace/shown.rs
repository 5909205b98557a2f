//! Values of a script as people read them: bounded, printable, nothing charged.

use crate::api::one::One;
use crate::api::sets::Sessions;
use crate::desk::Desk;
use crate::words::clean;
use rhai::{Array, Dynamic, ImmutableString};

/// Members of a set or list that are shown.
const MEMBERS_MAX: usize = 8;
/// Bytes of a text that are shown.
const TEXT_BYTES_MAX: usize = 80;

/// `value` as people read it; `None` for what says nothing: handles, decisions, closures.
pub(super) fn value(value: &Dynamic, desk: &Desk) -> Option<String> {
    if value.is_locked() {
        return None;
    }
    let value = value.flatten_clone();
    if value.is_unit() {
        return Some("()".to_owned());
    }
    plain(&value)
        .or_else(|| session(&value, desk))
        .or_else(|| set(&value, desk))
        .or_else(|| list(&value, desk))
}

fn plain(value: &Dynamic) -> Option<String> {
    if let Ok(int) = value.as_int() {
        return Some(int.to_string());
    }
    if let Ok(is_true) = value.as_bool() {
        return Some(is_true.to_string());
    }
    if let Ok(character) = value.as_char() {
        return Some(quoted(&character.to_string()));
    }
    value.read_lock::<ImmutableString>().map(|text| quoted(&text))
}

fn session(value: &Dynamic, desk: &Desk) -> Option<String> {
    let one = *value.read_lock::<One>()?;
    desk.with_session(one.0, |session, _| cut(session.facts.session())).ok()
}

fn set(value: &Dynamic, desk: &Desk) -> Option<String> {
    let set = *value.read_lock::<Sessions>()?;
    let (ids, count) = desk.peek(set.0, MEMBERS_MAX)?;
    let ids: Vec<String> = ids.iter().map(|id| cut(id)).collect();
    let more = if count > ids.len() { ", …" } else { "" };
    Some(format!("{{{}{more}}}", ids.join(", ")))
}

fn list(list: &Dynamic, desk: &Desk) -> Option<String> {
    let list = list.read_lock::<Array>()?;
    let shown = list.iter().take(MEMBERS_MAX).map(|member| plain(member).or_else(|| session(member, desk)));
    let shown: Vec<String> = shown.map(|member| member.unwrap_or_else(|| "…".to_owned())).collect();
    let more = if list.len() > MEMBERS_MAX { ", …" } else { "" };
    Some(format!("[{}{more}]", shown.join(", ")))
}

/// A text in quotes, by the rules for words that leave the engine.
pub(super) fn quoted(text: &str) -> String {
    let escaped = cut(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

fn cut(text: &str) -> String {
    bounded(&clean(text), TEXT_BYTES_MAX)
}

/// The first `most` bytes of `text`, whole characters.
pub(super) fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let ends = text.char_indices().map(|(start, character)| start + character.len_utf8());
    let end = ends.take_while(|end| *end <= most).last().unwrap_or_default();
    format!("{}…", text.get(..end).unwrap_or_default())
}
