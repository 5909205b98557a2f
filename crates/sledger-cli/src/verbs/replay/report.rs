//! `replay report`: one page for a case, that needs no network and no script.
//!
//! Promise: everything that strangers named is escaped; what there was no room for is said; the page says how to check
//! it and what it does not prove.

mod drawn;
mod hashes;
mod page;

use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::{Format, Output};
use crate::past::Past;
use crate::verbs::policy::backtest::Span;
use crate::whence::Whence;
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use hashes::Hashes;
use sledger_replay::case::{Case, Findings, Whom};
use sledger_replay::history::decisions;
use sledger_replay::why::{Finder, Found};
use sledger_wire::escape::brief;
use sledger_wire::why::About;
use std::io::sink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Write one page about a case: what happened, why, and how to check it
///
/// Timeline, who was in over time, why each end and refusal came about, events with their hashes, and what the page
/// does not prove. It needs no network and no script, and can be printed
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The user that it is about
    #[arg(long, value_name = "USER", conflicts_with_all = ["session", "seq"])]
    user: Option<String>,
    /// The session that it is about, by id
    #[arg(long, value_name = "SESSION", conflicts_with = "seq")]
    session: Option<String>,
    /// The session, or else the user, of this event
    #[arg(long, value_name = "N")]
    seq: Option<u64>,
    /// The question that the page answers, as it stands on top
    #[arg(long, value_name = "TEXT")]
    question: Option<String>,
    #[command(flatten)]
    span: Span,
    /// Where the page is written
    #[arg(short, long = "out", value_name = "FILE.html")]
    out: PathBuf,
}

/// What the page is made from.
pub(super) struct Told<'t> {
    /// The question.
    question: String,
    /// What was read, for people.
    whence: String,
    /// The ledger's id, where it has one.
    ledger: Option<String>,
    findings: &'t Findings,
    hashes: &'t Hashes,
    /// Why reading stopped before the end.
    stopped: Option<String>,
    zone: crate::zone::Zone,
}

impl Report {
    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        let whence = Whence::of(global)?;
        let whom = self.whom(&whence, global)?;
        let window = self.span.window(&whence, global.tz)?;
        let past = Past::open(&whence, global, out)?;
        let ledger = past.begin.ledger.clone();
        let mut case = Case::new(&past.begin, whom.clone(), window)?;
        let mut hashes = Hashes::default();
        let stopped = gather(past, &mut case, &mut hashes).err().map(|error| format!("{error:#}"));
        let findings = case.finish();
        let question = self.question.clone().unwrap_or_else(|| asked(&whom));
        let told = Told {
            question,
            whence: described(&whence),
            ledger,
            findings: &findings,
            hashes: &hashes,
            stopped,
            zone: global.tz,
        };
        let page = page::page(&told);
        std::fs::write(&self.out, page).with_context(|| format!("cannot write `{}`", self.out.display()))?;
        let (events, whys) = (findings.events.len(), findings.whys.len());
        out.say(&format!("{events} events and {whys} explanations written to {}", self.out.display()));
        Ok(if told.stopped.is_some() { Exit::Failure } else { Exit::Ok })
    }

    fn whom(&self, whence: &Whence, global: &Global) -> Result<Whom> {
        Ok(match (&self.user, &self.session, self.seq) {
            (Some(user), ..) => Whom::User(user.clone()),
            (_, Some(session), _) => Whom::Session(session.clone()),
            (_, _, Some(seq)) => of_event(seq, whence, global)?,
            _ => Whom::All,
        })
    }
}

/// Whom an event is about.
fn of_event(seq: u64, whence: &Whence, global: &Global) -> Result<Whom> {
    if matches!(whence, Whence::Recording(file) if file == Path::new("-")) {
        return Err(Usage::error("--seq reads the past twice: give a file, not -"));
    }
    let (mut data, mut talk) = (sink(), sink());
    let quiet = &mut Output::new(&mut data, &mut talk, Format::Text);
    let about =
        About::parse(&format!("seq:{seq}")).map_err(|why| Usage::error(format!("--seq {seq}: {why}")))?;
    let mut finder = Finder::new(about);
    Past::open(whence, global, quiet)?.scan(&mut |first, decision| finder.decision(first, decision))?;
    let Found { seq, .. } = finder.found().map_err(|nothing| Usage::error(nothing.to_string()))?;
    let why = super::why::why(Found { seq, told: Vec::new() }, whence, global, quiet)?;
    match (why.session, why.user) {
        (Some(session), _) => Ok(Whom::Session(session)),
        (None, Some(user)) => Ok(Whom::User(user)),
        (None, None) => Err(Usage::error(format!("seq {seq} is about no session and no user"))),
    }
}

/// Reads the past into the case, with the hashes of blocks where it consists of them.
fn gather(past: Past, case: &mut Case, hashes: &mut Hashes) -> Result<()> {
    if !past.has_blocks() {
        return past.each(&mut |decision| {
            case.decision(&decision)?;
            Ok(true)
        });
    }
    let blocks = past.into_blocks().ok_or_else(|| anyhow!("no blocks"))?;
    for block in blocks {
        let block = block?;
        hashes.begin(&block);
        for (decision, index) in decisions(&block).zip(0..) {
            if case.decision(&Arc::new(decision?))? {
                hashes.keep(&block, index);
            }
        }
        hashes.end(&block);
    }
    Ok(())
}

fn asked(whom: &Whom) -> String {
    match whom {
        Whom::All => "What happened?".to_owned(),
        Whom::User(user) => format!("What happened to the sessions of {}?", brief(user)),
        Whom::Session(id) => format!("What happened to session {}?", brief(id)),
    }
}

fn described(whence: &Whence) -> String {
    match whence {
        Whence::Connect(url) => format!("the ledger served at {url}"),
        Whence::Data(dir) => format!("the data directory {}", dir.display()),
        Whence::Recording(file) => format!("the file {}", file.display()),
    }
}
