//! `limit`: another limit for a user, a glob or a group, set at run time.

use super::asking::{Asking, told};
use super::quota::tell;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::whence::Whence;
use anyhow::Result;
use clap::Args;
use serde_json::Value;
use sledger::SystemClock;
use sledger_client::{Changing, Client};
use sledger_core::clock::Clock as _;
use sledger_wire::values::{self, Moment};

/// Set another limit for some users or a group, or take it away
#[derive(Debug, Args)]
pub(crate) struct Limit {
    /// A user, a glob with * and ?, or group:NAME
    #[arg(value_name = "USER|GLOB|group:NAME")]
    whom: String,
    /// A number from 1 on, unlimited or banned
    #[arg(value_name = "LIMIT", required_unless_present = "unset", conflicts_with = "unset")]
    most: Option<String>,
    /// Take away what was set at run time
    #[arg(long)]
    unset: bool,
    /// Of this quota [default: the one counted by user alone, or the only one]
    #[arg(long, value_name = "NAME")]
    quota: Option<String>,
    /// Until then: a time, or how long from now, e.g. 30m
    #[arg(long, value_name = "WHEN", conflicts_with = "unset")]
    until: Option<String>,
    /// Why, for operators
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Limit {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let limit = self.most.as_deref().map(limit).transpose()?;
        let asking = Asking::new(&Whence::url(global)?)?;
        let client = asking.client();
        let quota = match &self.quota {
            Some(name) => name.clone(),
            None => meant(client)?,
        };
        let how = Changing { reason: self.reason.clone(), ..Changing::default() };
        let done = match limit {
            Some(limit) => {
                let until = self.until.as_deref().map(|text| until(text, global)).transpose()?;
                client.set_override((&quota, &self.whom), &limit, until.as_deref(), &how)
            }
            None => client.unset_override(&quota, &self.whom, &how),
        };
        tell(&quota, &done.map_err(told)?, out)
    }
}

/// A limit as HTTP takes it.
fn limit(text: &str) -> Result<Value> {
    let read = values::limit(text).map_err(|reason| Usage::error(format!("LIMIT: {reason}")))?;
    Ok(read.number().map_or_else(|| read.to_string().into(), Value::from))
}

/// A time, or a duration from now on.
fn until(text: &str, global: &Global) -> Result<String> {
    let is_span =
        text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_alphabetic());
    if let (true, Ok(span)) = (is_span, values::span(text)) {
        return Ok(SystemClock.wall().plus(span).rfc3339());
    }
    let wrong = |why: &str| Usage::error(format!("--until: {why}"));
    match values::moment(text, global.tz.offset) {
        Ok(Moment::At(at)) => Ok(at.rfc3339()),
        Ok(_) => Err(wrong("write a time to come, e.g. 2026-12-01 08:00, or how long from now, e.g. 30m")),
        Err(reason) => Err(wrong(&reason.0)),
    }
}

/// The quota that is meant where none is named.
fn meant(client: &Client) -> Result<String> {
    let quotas = client.quotas().map_err(told)?.quotas;
    let named = |quota: &&Value| quota["name"].as_str().map(str::to_owned);
    let by_user: Vec<&Value> =
        quotas.iter().filter(|quota| quota["count_by"] == serde_json::json!(["user"])).collect();
    match (by_user.as_slice(), quotas.as_slice()) {
        ([one], _) => Ok(named(one).unwrap_or_default()),
        (_, [one]) => Ok(named(&one).unwrap_or_default()),
        _ => {
            let all: Vec<String> = quotas.iter().filter_map(|quota| named(&quota)).collect();
            Err(Usage::error(format!("there are several quotas: say which with --quota: {}", all.join(", "))))
        }
    }
}
