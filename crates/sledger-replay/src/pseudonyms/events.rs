//! Events under pseudonyms.

use super::Pseudonyms;
use super::words::Words;
use crate::lines::event_line;
use sledger_core::config::Dimension;
use sledger_core::event::{Event, Judged, Op};
use sledger_core::{Facts, State};
use sledger_projector::Told;
use sledger_wire::events::EventLine;
use std::sync::Arc;

/// What parts a key of several dimensions.
const KEY_SEPARATOR: char = '\u{1f}';

/// Keys of an event's details that name somebody, or were written by somebody.
const NAMES: [&str; 3] = ["user", "selector", "about"];
const TEXTS: [&str; 2] = ["text", "reason"];

impl Pseudonyms {
    /// An event that was just folded into `state`, under pseudonyms.
    #[must_use]
    pub fn event(&self, told: &Told, state: &State) -> EventLine {
        let mut line = event_line(told);
        let replace = |text: &mut Option<String>, with: &dyn Fn(&str) -> String| {
            *text = text.take().map(|text| with(&text));
        };
        replace(&mut line.user, &|name| self.user(name));
        replace(&mut line.session, &|id| self.session(id));
        replace(&mut line.by_session, &|id| self.session(id));
        replace(&mut line.ip, &|ip| self.ip(ip));
        replace(&mut line.request_id, &|id| self.of("request", id));
        line.key = told.judged().and_then(|judged| self.key(judged, state));
        replace(&mut line.reason, &|text| self.reason(text, told, state));
        replace(&mut line.message, &|text| self.message(text, told, state));
        for (advice, judged) in
            line.advisory.iter_mut().zip(told.decision.judged.iter().filter(|one| !one.enforced))
        {
            advice.evict.iter_mut().for_each(|id| *id = self.session(id));
            replace(&mut advice.reason, &|text| self.scripted(text, Some(judged), told, state));
        }
        self.details(&mut line);
        line
    }

    /// A quota key, dimension by dimension.
    fn key(&self, judged: &Judged, state: &State) -> Option<String> {
        let key = judged.key.plain()?;
        let quota = state.ready().quota(judged.quota)?;
        let parts: Vec<&str> = key.split(KEY_SEPARATOR).collect();
        let dimensions = &quota.quota.count_by;
        if parts.len() != dimensions.len() {
            return Some(self.of("key", key));
        }
        let part = |(dimension, part): (&Dimension, &&str)| match dimension {
            Dimension::User => self.user(part),
            Dimension::Ip => self.ip(part),
            Dimension::Attribute(_) => self.attribute(part),
            Dimension::Client | Dimension::Group | Dimension::Source | Dimension::All => (*part).to_owned(),
        };
        Some(dimensions.iter().zip(&parts).map(part).collect::<Vec<_>>().join(" × "))
    }

    /// A reason: by the rules, by a script, or by an operator.
    fn reason(&self, text: &str, told: &Told, state: &State) -> String {
        let scripted = told.decision.judged.iter().find(|judged| judged.reason.as_deref() == Some(text));
        if let Event::PolicyDiffered { shadow, .. } = told.event() {
            return self.scripted(text, Some(shadow), told, state);
        }
        if scripted.is_some() {
            return self.scripted(text, scripted, told, state);
        }
        let is_ruled =
            matches!(told.event(), Event::Denied { .. } | Event::Conflicted { .. } | Event::Ended { .. });
        let is_operators =
            matches!(&told.decision.op, Op::End { reason: Some(reason), .. } if **reason == *text);
        if is_ruled && !is_operators { text.to_owned() } else { self.text(text) }
    }

    /// A message: as configured, or by a script.
    fn message(&self, text: &str, told: &Told, state: &State) -> String {
        match told.decision.judged.iter().find(|judged| judged.told.as_deref() == Some(text)) {
            Some(judged) => self.scripted(text, Some(judged), told, state),
            None => text.to_owned(),
        }
    }

    /// What a script said: kept where all of its words stand in the script, once names are replaced.
    fn scripted(&self, text: &str, judged: Option<&Judged>, told: &Told, state: &State) -> String {
        let policy = judged.and_then(|judged| judged.policy.as_ref());
        let source = policy.and_then(|policy| {
            let installed = state.policy_source(&policy.name).map(Arc::clone);
            installed.or_else(|| sledger_policy::built_in(&policy.name).map(Arc::from))
        });
        let mut words = Words::new(source.as_deref().unwrap_or_default());
        let ended = told.ended.as_ref().map(|tombstone| &tombstone.facts);
        let login = match &told.decision.op {
            Op::Login(login) => login.facts.plain(),
            _ => None,
        };
        let known = [told.session.as_ref(), told.by_session.as_ref(), ended, login];
        known.into_iter().flatten().for_each(|facts| self.know(facts, &mut words));
        words.replaced(text).unwrap_or_else(|| self.text(text))
    }

    fn know(&self, facts: &Facts, words: &mut Words<'_>) {
        words.know(facts.user(), self.user(facts.user()));
        words.know(facts.session(), self.session(facts.session()));
        if let Some(ip) = facts.ip() {
            words.know(ip, self.ip(ip));
        }
        for (_, value) in facts.attributes().chain(facts.user_attributes()) {
            words.know(value, self.attribute(value));
        }
    }

    fn details(&self, line: &mut EventLine) {
        // Settings name users in many places; the record under pseudonyms says what came of them.
        line.details.remove("part");
        for (key, value) in &mut line.details {
            let Some(text) = value.as_str() else { continue };
            let is_position = text.starts_with("seq:");
            if NAMES.contains(&key.as_str()) && !is_position {
                *value = self.selector(text).into();
            } else if TEXTS.contains(&key.as_str()) {
                *value = self.text(text).into();
            }
        }
    }
}
