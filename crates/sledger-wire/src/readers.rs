//! Readers of single values out of a tree: each gives a ready type or one line of reason.
//!
//! A [`Value::Word`], from the environment or a flag, is read as whatever type is expected.

use crate::escape::brief;
use crate::suggest::nearest;
use crate::tree::{Node, Value};
use crate::values::{self, Reason};
use sledger_core::config::NAME_BYTES_MAX;
use sledger_core::{Limit, Millis, Seq, Span};
use std::borrow::Cow;

type Read<T> = Result<T, Reason>;

/// Text.
pub(crate) fn text(node: &Node) -> Read<String> {
    node.as_text().map(str::to_owned).ok_or_else(|| format!("is {node}, not text").into())
}

/// Text that is not empty.
pub(crate) fn filled(node: &Node) -> Read<String> {
    let text = text(node)?;
    if text.is_empty() { Err("is empty".into()) } else { Ok(text) }
}

/// True or false.
pub(crate) fn boolean(node: &Node) -> Read<bool> {
    match &node.value {
        Value::Bool(value) => Ok(*value),
        Value::Word(word) if word == "true" => Ok(true),
        Value::Word(word) if word == "false" => Ok(false),
        _ => Err(format!("is {node}: write `true` or `false`").into()),
    }
}

/// A whole number.
pub(crate) fn integer(node: &Node) -> Read<i128> {
    match &node.value {
        Value::Int(number) => Ok(*number),
        Value::Word(word) => word.parse().map_err(|_| format!("is {node}, not a whole number").into()),
        Value::Text(text) if text.parse::<i128>().is_ok() => {
            Err(format!("is the text `{}`: write the number without quotes", brief(text)).into())
        }
        _ => Err(format!("is {node}, not a whole number").into()),
    }
}

/// A number from 1 on.
pub(crate) fn count(node: &Node) -> Read<u32> {
    let number = integer(node)?;
    let fits = u32::try_from(number).ok().filter(|number| *number > 0);
    fits.ok_or_else(|| format!("is {node}: write a number from 1 to {}", u32::MAX).into())
}

/// A number from 0 on.
pub(crate) fn count_or_zero(node: &Node) -> Read<u32> {
    u32::try_from(integer(node)?)
        .map_err(|_| format!("is {node}: write a number from 0 to {}", u32::MAX).into())
}

/// A seq or generation.
pub(crate) fn seq(node: &Node) -> Read<Seq> {
    u64::try_from(integer(node)?).map(Seq).map_err(|_| format!("is {node}, not a seq").into())
}

/// A duration, zero included.
pub(crate) fn span(node: &Node) -> Read<Span> {
    match &node.value {
        Value::Int(seconds) => values::span_seconds(*seconds),
        Value::Text(text) => values::span(text),
        Value::Word(word) => word.parse().map_or_else(|_| values::span(word), values::span_seconds),
        _ => Err(format!("is {node}: write a duration, e.g. `\"30m\"`, or whole seconds").into()),
    }
}

/// A duration above zero.
pub(crate) fn life(node: &Node) -> Read<Span> {
    let span = span(node)?;
    if span.is_zero() {
        Err("is 0, so every session would be over at once: write `never` for no end".into())
    } else {
        Ok(span)
    }
}

/// An amount of bytes.
pub(crate) fn bytes(node: &Node) -> Read<u64> {
    match &node.value {
        Value::Int(number) => {
            u64::try_from(*number).map_err(|_| format!("is {node}: write e.g. `\"256MiB\"`").into())
        }
        Value::Text(text) | Value::Word(text) => values::bytes(text),
        _ => Err(format!("is {node}: write e.g. `\"256MiB\"`").into()),
    }
}

/// A limit.
pub(crate) fn limit(node: &Node) -> Read<Limit> {
    match &node.value {
        Value::Int(number) => values::limit_number(*number),
        Value::Word(word) => values::limit(word),
        Value::Text(text) if text.trim().parse::<i128>().is_ok_and(|number| number > 0) => {
            Err(format!("is the text `{0}`: write the number without quotes: {0}", brief(text.trim())).into())
        }
        Value::Text(text) => values::limit(text),
        _ => Err(format!("is {node}: write a number from 1 on, `unlimited` or `banned`").into()),
    }
}

/// A point in time, as RFC 3339.
pub(crate) fn time(node: &Node) -> Read<Millis> {
    match &node.value {
        Value::Text(text) | Value::Word(text) | Value::Time(text) => values::time(text),
        _ => Err(format!("is {node}: write a time, e.g. `2026-11-20T12:04:31Z`").into()),
    }
}

/// A point in time, as RFC 3339 or whole milliseconds.
pub(crate) fn time_or_millis(node: &Node) -> Read<Millis> {
    match &node.value {
        Value::Int(number) => values::time_millis(*number),
        _ => time(node),
    }
}

/// The items of a list; a word is split at its commas.
pub(crate) fn list(node: &Node) -> Read<Cow<'_, [Node]>> {
    match &node.value {
        Value::List(items) => Ok(Cow::Borrowed(items)),
        Value::Word(word) => Ok(Cow::Owned(words(word, node))),
        _ => Err(format!("is {node}, not a list").into()),
    }
}

fn words(word: &str, node: &Node) -> Vec<Node> {
    let item = |part: &str| Node { value: Value::Word(part.trim().to_owned()), place: node.place.clone() };
    word.split(',').filter(|part| !part.trim().is_empty()).map(item).collect()
}

/// A list of texts.
pub(crate) fn texts(node: &Node) -> Read<Vec<String>> {
    let item = |(index, node): (usize, &Node)| {
        text(node).map_err(|reason| Reason::new(format!("has an item [{index}] that {reason}")))
    };
    list(node)?.iter().enumerate().map(item).collect()
}

/// One text or a list of them, not empty.
pub(crate) fn text_or_texts(node: &Node) -> Read<Vec<String>> {
    let items = match &node.value {
        Value::Text(text) => return Ok(vec![text.clone()]),
        Value::List(_) | Value::Word(_) => texts(node)?,
        _ => return Err(format!("is {node}: write text or a list of texts").into()),
    };
    if items.is_empty() {
        Err("is an empty list, which nothing matches: leave it out".into())
    } else {
        Ok(items)
    }
}

/// One of a few words; `foreign` gives the words of other products and what they are here.
pub(crate) fn one_of<T: Copy>(node: &Node, words: &[(&str, T)], foreign: &[(&str, &str)]) -> Read<T> {
    let text = text(node)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let named = || words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let lower = text.to_ascii_lowercase();
    let meant = foreign.iter().find(|(word, _)| *word == lower).map(|(_, ours)| *ours);
    let meant = meant.or_else(|| nearest(&text, words.iter().map(|(word, _)| *word)));
    let hint = meant.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    Err(format!("`{}` is not one of {}{hint}", brief(&text), named()).into())
}

/// Text that is a name: not empty, bounded, without control characters.
pub(crate) fn name(node: &Node) -> Read<String> {
    let text = filled(node)?;
    name_of(&text).map(|()| text)
}

/// A list of names.
pub(crate) fn names(node: &Node) -> Read<Vec<String>> {
    let texts = texts(node)?;
    texts.iter().try_for_each(|text| {
        name_of(text).map_err(|reason| Reason::new(format!("has an item `{}` that {reason}", brief(text))))
    })?;
    Ok(texts)
}

fn name_of(text: &str) -> Read<()> {
    if text.is_empty() {
        return Err("is empty".into());
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(format!("is {} bytes long: at most {NAME_BYTES_MAX}", text.len()).into());
    }
    if text.chars().any(char::is_control) { Err("holds a control character".into()) } else { Ok(()) }
}
