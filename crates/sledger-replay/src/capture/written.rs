//! A case as text.

use super::names::{Names, Of};
use crate::explain::{Asked, Explained, Known};
use sledger_core::config::{Level, Param, Quota};
use sledger_core::event::{Judged, Judgement};
use sledger_core::{Facts, Limit, Millis, Seq, Span};
use std::fmt::Write as _;

/// What `ttl` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lives {
    /// The deadline: idleness and retention among it.
    Deadline,
    /// The session's absolute life.
    Own,
}

/// What a case is made of.
pub(super) struct Scene<'s> {
    pub(super) explained: &'s Explained,
    pub(super) asked: &'s Asked,
    pub(super) judged: &'s Judged,
    pub(super) limit: Limit,
    pub(super) name: Option<&'s str>,
}

impl Scene<'_> {
    pub(super) fn written(&self, lives: Lives, names: &mut Names) -> String {
        let mut text = String::from("[[case]]\n");
        let mut line = |key: &str, value: &str| {
            // Writing to memory does not fail.
            let _always = writeln!(text, "{key} = {value}");
        };
        let quota = self.explained.quotas.iter().find(|quota| *quota.name == *self.asked.quota);
        let beyond = self.beyond();
        line("name", &quoted(&self.name()));
        line("now", &quoted(&dated(now(self.explained.decision.at)).rfc3339()));
        line("limit", &limit(self.limit));
        line("level", &quoted(level(quota.map_or(Level::Hard, |quota| quota.level))));
        line("evict_others", if beyond == 0 { "true" } else { "false" });
        line("user", &self.user(names));
        line("user_attr", &attributes(self.explained.facts.user_attributes(), names));
        line("request", &self.request(names));
        line("sessions", &self.sessions(lives, beyond, names));
        line("params", &params(quota.map(|quota| &**quota)));
        line("expect", &self.expect(names));
        text
    }

    fn name(&self) -> String {
        let first = self.explained.first;
        self.name.map_or_else(|| format!("seq {first}: {}", kind(self.judged)), str::to_owned)
    }

    /// Sessions of others that count and may not be ended.
    fn beyond(&self) -> usize {
        usize::try_from(self.asked.used).unwrap_or(0).saturating_sub(self.asked.known_count)
    }

    fn user(&self, names: &mut Names) -> String {
        let facts = &self.explained.facts;
        let groups: Vec<String> = facts.groups().map(quoted).collect();
        let id = quoted(&names.word(Of::User, facts.user()));
        format!("{{ id = {id}, groups = [{}] }}", groups.join(", "))
    }

    fn request(&self, names: &mut Names) -> String {
        let facts = &self.explained.facts;
        let mut parts = vec![format!("session = {}", quoted(&names.word(Of::Session, facts.session())))];
        let known = [
            ("ip", Of::Address, facts.ip()),
            ("client", Of::Value, facts.client()),
            ("source", Of::Value, facts.source()),
        ];
        for (key, of, value) in known {
            parts.extend(value.map(|value| format!("{key} = {}", quoted(&plain(of, value, names)))));
        }
        parts.push(format!("attr = {}", attributes(facts.attributes(), names)));
        format!("{{ {} }}", parts.join(", "))
    }

    fn sessions(&self, lives: Lives, beyond: usize, names: &mut Names) -> String {
        let at = now(self.explained.decision.at);
        let own = self.explained.facts.user();
        let mut lines: Vec<String> =
            self.asked.known.iter().map(|known| session(known, own, (at, lives), names)).collect();
        // Policies do not see them; they only count.
        lines.extend((0..beyond).map(|n| format!("counted-{n} user=somebody-else")));
        let lines: Vec<String> = lines.iter().map(|line| format!("    {},\n", quoted(line))).collect();
        format!("[\n{}]", lines.concat())
    }

    fn expect(&self, names: &mut Names) -> String {
        let judged = self.judged;
        let said = |text: &Option<std::sync::Arc<str>>| match text {
            Some(text) if !names.is_redacted() => quoted(text),
            _ => quoted(""),
        };
        if let Some(failure) = &judged.failure {
            return format!("{{ error = {} }}", quoted(failure.code.as_str()));
        }
        let reason = said(&judged.reason);
        let mut more = String::new();
        if judged.told.is_some() && !names.is_redacted() {
            let _always = write!(more, ", tell = {}", said(&judged.told));
        }
        match &judged.answer {
            Judgement::Allow => format!("{{ allow = {reason}{more} }}"),
            Judgement::Deny { offer } => {
                format!("{{ deny = {reason}, offer = {}{more} }}", self.ids(offer, names))
            }
            Judgement::Evict { victims } => {
                format!("{{ evict = {}, because = {reason}{more} }}", self.ids(victims, names))
            }
        }
    }

    fn ids(&self, numbers: &[Seq], names: &mut Names) -> String {
        let id = |number: &Seq| self.explained.id(*number).map(|id| quoted(&names.word(Of::Session, id)));
        format!("[{}]", numbers.iter().filter_map(id).collect::<Vec<_>>().join(", "))
    }
}

/// Whole seconds: a case knows no smaller ones.
const fn now(at: Millis) -> Millis {
    Millis(at.0 / 1000 * 1000)
}

/// Whole weeks that a recording that counts from 0 is moved by: ages reach back from there.
const MOVED: Millis = Millis(1429 * 7 * 86_400_000);

/// A time that a case can write: on the same weekday, at the same hour.
const fn dated(at: Millis) -> Millis {
    if is_moved(at) { Millis(at.0.saturating_add(MOVED.0)) } else { at }
}

/// Whether a case has another date.
pub(super) const fn is_moved(at: Millis) -> bool {
    at.0 < MOVED.0
}

const fn kind(judged: &Judged) -> &'static str {
    match (&judged.failure, &judged.answer) {
        (Some(_), _) => "error",
        (None, Judgement::Allow) => "allow",
        (None, Judgement::Deny { .. }) => "deny",
        (None, Judgement::Evict { .. }) => "evict",
    }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Hard => "hard",
        Level::Soft => "soft",
        Level::Advisory => "advisory",
    }
}

fn limit(limit: Limit) -> String {
    limit.number().map_or_else(|| quoted(&limit.to_string()), |number| number.to_string())
}

fn session(known: &Known, own: &str, (at, lives): (Millis, Lives), names: &mut Names) -> String {
    let facts: &Facts = &known.facts;
    let mut line = names.word(Of::Session, facts.session());
    let mut word = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to memory does not fail.
            let _always = write!(line, " {key}={value}");
        }
    };
    word("user", (facts.user() != own).then(|| names.word(Of::User, facts.user())));
    word("ip", facts.ip().map(|ip| plain(Of::Address, ip, names)));
    word("client", facts.client().map(|client| plain(Of::Value, client, names)));
    word("source", facts.source().map(|source| plain(Of::Value, source, names)));
    let age = at.since(facts.started) / 1000;
    word("age", Some(format!("{age}s")));
    word("idle", Some(format!("{}s", (at.since(known.last_active) / 1000).min(age))));
    let ttl = match lives {
        Lives::Deadline if known.deadline != Millis::NEVER => {
            Some(known.deadline.since(facts.started) / 1000)
        }
        Lives::Deadline => None,
        Lives::Own => (facts.ttl != Span::NEVER).then(|| facts.ttl.as_millis() / 1000),
    };
    // It was live: a second that is cut off must not end it.
    word("ttl", ttl.map(|ttl| format!("{}s", ttl.max(age + 1))));
    for (key, value) in facts.attributes() {
        let (key, value) = (names.word(Of::Key, key), names.word(Of::Value, value));
        word(&format!("attr.{key}"), Some(value));
    }
    if known.retained {
        line.push_str(" retained");
    }
    line
}

/// Clients and sources are words of the configuration, not of people: they keep their names.
fn plain(of: Of, value: &str, names: &mut Names) -> String {
    let is_name = of == Of::Value && names.is_redacted() && !value.is_empty();
    if is_name && !value.contains(char::is_whitespace) { value.to_owned() } else { names.word(of, value) }
}

fn attributes<'f>(pairs: impl Iterator<Item = (&'f str, &'f str)>, names: &mut Names) -> String {
    let pair = |(key, value): (&str, &str)| {
        format!("{} = {}", quoted(&names.word(Of::Key, key)), quoted(&names.word(Of::Value, value)))
    };
    let pairs: Vec<String> = pairs.map(pair).collect();
    if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
}

fn params(quota: Option<&Quota>) -> String {
    let pairs = quota.into_iter().flat_map(|quota| &quota.params);
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{} = {}", quoted(key), param(value))).collect();
    if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
}

fn param(value: &Param) -> String {
    match value {
        Param::Int(int) => int.to_string(),
        Param::Bool(bool) => bool.to_string(),
        Param::Text(text) => quoted(text),
        Param::List(list) => format!("[{}]", list.iter().map(param).collect::<Vec<_>>().join(", ")),
    }
}

/// A text as TOML writes it; what would not show as itself is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        let shown = sledger_wire::escape(letter.encode_utf8(&mut [0; 4])).len() == letter.len_utf8();
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            _ if shown => out.push(letter),
            _ => {
                // Writing to memory does not fail.
                let _always = write!(out, "\\U{:08X}", u32::from(letter));
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_as_they_were() {
        for text in ["", "a b", "\"\\", "line\nbreak", "\u{202e}rtl\u{7f}", "ärger 🎉"] {
            let read: toml::Table = toml::from_str(&format!("k = {}", quoted(text))).unwrap();
            assert_eq!(read.get("k").and_then(toml::Value::as_str), Some(text), "{text:?}");
        }
        assert!(!quoted("\u{202e}").contains('\u{202e}'));
    }
}
