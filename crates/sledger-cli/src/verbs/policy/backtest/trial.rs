//! What is tried, as the command line says it.

use crate::exit::Usage;
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::{Context as _, Result};
use clap::Args;
use sledger::SystemClock;
use sledger_core::clock::Clock as _;
use sledger_core::config::Param;
use sledger_core::{Millis, Seq};
use sledger_policy::{BUILT_IN, Header, ParamType, built_in, read_header};
use sledger_replay::backtest::Window;
use sledger_replay::rejudge::Candidate;
use sledger_wire::values::{Moment, moment, policy_name, span};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// From when to when.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Span {
    /// Only from here on: a time, -30d, now, seq:N (after that event) or ms:N
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    since: Option<String>,
    /// Only up to here: a time, -1d, now, seq:N (that event too) or ms:N
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    until: Option<String>,
}

impl Span {
    /// The window it means.
    pub(crate) fn window(&self, whence: &Whence, zone: Zone) -> Result<Window> {
        let (since, after) = place("--since", self.since.as_deref(), whence, zone)?;
        let (until, upto) = place("--until", self.until.as_deref(), whence, zone)?;
        Ok(Window { since, after, until, upto })
    }
}

fn place(
    flag: &str,
    text: Option<&str>,
    whence: &Whence,
    zone: Zone,
) -> Result<(Option<Millis>, Option<Seq>)> {
    let Some(text) = text else { return Ok((None, None)) };
    let ago = |ms: u64| match whence {
        Whence::Recording(_) => {
            Err(Usage::error(format!("{flag}: a recording has no now: give a time, ms:N or seq:N")))
        }
        Whence::Connect(_) | Whence::Data(_) => {
            Ok((Some(Millis(SystemClock.wall().0.saturating_sub(ms))), None))
        }
    };
    match moment(text, zone.offset).map_err(|reason| Usage::error(format!("{flag}: {reason}")))? {
        Moment::At(at) => Ok((Some(at), None)),
        Moment::Ago(span) => ago(span.as_millis()),
        Moment::Now => ago(0),
        Moment::Seq(seq) => Ok((None, Some(seq))),
    }
}

/// A policy by file, or by the name of one that comes with the program.
pub(crate) fn read_candidate(file: &Path, params: &[String]) -> Result<Candidate> {
    let (name, source) = read_source(file)?;
    let header = read_header(&name, &source);
    let header = header.map_err(|lint| Usage::error(format!("{}:{lint}", file.display())))?;
    let params = params.iter().map(|text| param(text, &header)).collect::<Result<BTreeMap<_, _>>>()?;
    Ok(Candidate { name, source, params })
}

/// Name and source.
pub(crate) fn read_source(file: &Path) -> Result<(Arc<str>, Arc<str>)> {
    let shown = file.display();
    if let Some(source) = file.to_str().filter(|_| !file.exists()).and_then(built_in) {
        return Ok((Arc::from(file.to_string_lossy()), Arc::from(source)));
    }
    if !file.exists() && file.extension().is_none() {
        let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        let known = known.join(" ");
        return Err(Usage::error(format!("no file `{shown}`, and no built-in policy of that name: {known}")));
    }
    let source = std::fs::read_to_string(file).with_context(|| format!("cannot read `{shown}`"))?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = policy_name(&stem).map_err(|reason| Usage::error(format!("`{shown}`: {reason}")))?;
    Ok((Arc::from(name), Arc::from(source)))
}

/// `KEY=VALUE` as the header's type of it says.
fn param(text: &str, header: &Header) -> Result<(String, Param)> {
    let wrong = |reason: String| Usage::error(format!("--param {text}: {reason}"));
    let (key, value) = text.split_once('=').ok_or_else(|| wrong("write KEY=VALUE".to_owned()))?;
    let known = || header.params.keys().map(String::as_str).collect::<Vec<_>>().join(" ");
    let spec = header.params.get(key);
    let spec = spec.ok_or_else(|| wrong(format!("the policy has no such param; it has: {}", known())))?;
    let value = match spec.kind {
        ParamType::Int => Param::Int(value.parse().map_err(|_| wrong("is no integer".to_owned()))?),
        ParamType::Bool => Param::Bool(value.parse().map_err(|_| wrong("is not true or false".to_owned()))?),
        ParamType::Text => Param::Text(value.to_owned()),
        ParamType::List => Param::List(value.split(',').map(|one| Param::Text(one.to_owned())).collect()),
        ParamType::Duration => {
            let span = span(value).map_err(|reason| wrong(reason.to_string()))?;
            Param::Int(i64::try_from(span.as_millis() / 1000).unwrap_or(i64::MAX))
        }
    };
    Ok((key.to_owned(), value))
}
