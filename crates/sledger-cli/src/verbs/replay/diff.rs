//! `replay diff`: what differs between two moments.

use super::{moment, served};
use crate::args::Global;
use crate::exit::Exit;
use crate::output::Output;
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::Result;
use clap::Args;
use serde_json::Value;
use sledger_core::answer::SessionView;
use sledger_replay::diff::{Diff as Found, Picture, diff};
use sledger_wire::answer::SessionObject;
use sledger_wire::escape;
use sledger_wire::past::{CountsObject, DIFF_END, DiffHead, ReplayDiff, diff_begin, diff_gone, diff_session};
use sledger_wire::queries::DiffQuery;

/// Show what differs between two moments: sessions, users, quotas, policies
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// A time, -2h, now, seq:N (right after that event) or ms:N
    #[arg(value_name = "FROM", allow_hyphen_values = true)]
    from: String,
    /// The other moment, in the same forms
    #[arg(value_name = "TO", allow_hyphen_values = true)]
    to: String,
    /// Fold everything: snapshots are no evidence
    #[arg(long)]
    no_snapshots: bool,
}

impl Diff {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let whence = Whence::of(global)?;
        let whens = [&self.from, &self.to].map(|text| moment::when(text, global.tz, &whence));
        let [from, to] = whens;
        let (from, to) = (from?, to?);
        if let Whence::Connect(url) = &whence {
            let [from, to] = [from, to].map(|when| Some(moment::text(when)));
            let query = DiffQuery { from, to, no_snapshots: self.no_snapshots };
            if let Some(ReplayDiff { head, sessions }) = served::diff(url, &query, out)? {
                text(&head, (&sessions.came, &sessions.gone), global.tz, out)?;
            }
            return Ok(Exit::Ok);
        }
        let mut picture = |when| -> Result<Picture> {
            let at = moment::at(when, !self.no_snapshots, (&whence, global), out)?;
            Ok(Picture::of(&at))
        };
        let (from, to) = (picture(from)?, picture(to)?);
        let found = diff(&from, &to);
        if out.is_json() {
            json(&found, out)?;
        } else {
            let objects = |views: &[&SessionView]| -> Vec<SessionObject> {
                views.iter().map(|view| SessionObject::from(*view)).collect()
            };
            text(&found.head, (&objects(&found.came), &objects(&found.gone)), global.tz, out)?;
        }
        Ok(Exit::Ok)
    }
}

fn json(found: &Found<'_>, out: &mut Output<'_>) -> Result<()> {
    out.text(&diff_begin(&found.head))?;
    sessions(&found.came, out)?;
    out.text(diff_gone())?;
    sessions(&found.gone, out)?;
    out.line(DIFF_END)
}

fn sessions(sessions: &[&SessionView], out: &mut Output<'_>) -> Result<()> {
    let mut all = sessions.iter().map(|view| SessionObject::from(*view)).enumerate();
    all.try_for_each(|(index, one)| out.text(&diff_session(&one, index == 0)))
}

/// As text: `-` what was, `+` what is.
fn text(
    head: &DiffHead,
    (came, gone): (&[SessionObject], &[SessionObject]),
    zone: Zone,
    out: &mut Output<'_>,
) -> Result<()> {
    out.line(&format!("--- seq {}, {}", head.from.seq, zone.reshown(&head.from.at)))?;
    out.line(&format!("+++ seq {}, {}", head.to.seq, zone.reshown(&head.to.at)))?;
    settings(head).iter().try_for_each(|line| out.line(line))?;
    for user in &head.users {
        let name = escape(&user.user);
        out.line(&format!("~ user {name}: {} -> {}", counts(&user.from), counts(&user.to)))?;
    }
    for (sign, sessions) in [('-', gone), ('+', came)] {
        sessions.iter().try_for_each(|one| out.line(&session(sign, one, zone)))?;
    }
    out.say(&format!("{} sessions came, {} are gone", came.len(), gone.len()));
    Ok(())
}

fn settings(head: &DiffHead) -> Vec<String> {
    let mut lines = Vec::new();
    for one in &head.quotas {
        let field = one.field.as_deref().map(|field| format!(".{field}")).unwrap_or_default();
        lines.extend(both(&format!("quota {}{field}", one.quota), some(&one.from), some(&one.to)));
    }
    for one in &head.overrides {
        let name = format!("override {} of {}", one.selector, one.quota);
        lines.extend(both(&name, one.from.as_ref(), one.to.as_ref()));
    }
    for one in &head.groups {
        let [from, to] = [&one.from, &one.to].map(|users| users.as_ref().map(|users| users.join(" ")));
        lines.extend(both(&format!("group {}", one.group), from, to));
    }
    for one in &head.policies {
        lines.extend(both(
            &format!("policy of {} ({})", one.quota, one.part),
            one.from.as_ref(),
            one.to.as_ref(),
        ));
    }
    lines
}

fn some(value: &Value) -> Option<&Value> {
    Some(value).filter(|value| !value.is_null())
}

/// A line for what was, and one for what is.
fn both(name: &str, from: Option<impl ToString>, to: Option<impl ToString>) -> Vec<String> {
    let line = |sign: char, text: String| format!("{sign} {}: {}", escape(name), escape(&text));
    let was = from.map(|value| line('-', value.to_string()));
    was.into_iter().chain(to.map(|value| line('+', value.to_string()))).collect()
}

fn counts(counts: &CountsObject) -> String {
    let limit = counts.limit.as_ref().map(|limit| format!(" of {limit}")).unwrap_or_default();
    format!("{}{limit}", counts.active)
}

fn session(sign: char, one: &SessionObject, zone: Zone) -> String {
    let from = one.ip.as_deref().map(|ip| format!(" from {}", escape(ip))).unwrap_or_default();
    let (session, user) = (escape(&one.session), escape(&one.user));
    format!("{sign} session {session}@{} of {user}{from}, since {}", one.number, zone.reshown(&one.started))
}
