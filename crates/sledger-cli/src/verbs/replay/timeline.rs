//! `replay timeline`: every event that is about somebody, in order, with its cause in words, and drawn.

use super::lanes::{Lanes, Style};
use super::moment::{self, Window};
use super::told::History;
use crate::args::Global;
use crate::exit::{Exit, Usage};
use crate::output::Output;
use crate::whence::Whence;
use crate::zone::Zone;
use anyhow::Result;
use clap::Args;
use serde::Serialize;
use sledger_core::{Millis, Seq};
use sledger_replay::timeline::{Asked, Resolved, Subject, Who, words};
use sledger_wire::config::matches;
use sledger_wire::csv;
use sledger_wire::escape;
use sledger_wire::events::EventLine;
use sledger_wire::queries::TimelineQuery;
use sledger_wire::values::time;

/// Columns of a drawing where nobody says how many there are.
const WIDTH: usize = 80;
/// Columns of a drawing at most.
const WIDTH_MAX: usize = 400;

/// Show every event about a user, a session or an address, with its cause
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Timeline {
    /// A user, a session (id, or id@SEQ) or an address; user:, session: or ip:
    /// before it says which
    #[arg(value_name = "USER|SESSION|IP")]
    who: Option<String>,
    /// Who changed a quota, override, policy, token, group or the configuration
    #[arg(long)]
    changes: bool,
    /// Only what this actor did, by glob, e.g. token:web-1
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// From here on: a time, -2h, now, seq:N (after that event) or ms:N
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    since: Option<String>,
    /// Up to here
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    until: Option<String>,
    /// A table for programs
    #[arg(long)]
    csv: bool,
    /// Draw with ASCII alone
    #[arg(long)]
    ascii: bool,
    /// Read everything: filters are no evidence
    #[arg(long)]
    no_filters: bool,
}

impl Timeline {
    /// As it is asked over HTTP.
    fn query(&self, window: &Window) -> TimelineQuery {
        let who = self.who.clone();
        let [since, until] = [window.since, window.until].map(|end| end.map(moment::text));
        TimelineQuery {
            who,
            changes: self.changes,
            actor: self.actor.clone(),
            since,
            until,
            ..TimelineQuery::default()
        }
    }

    /// Runs it.
    pub(crate) fn run(&self, global: &Global, out: &mut Output<'_>) -> Result<Exit> {
        if self.csv && out.is_json() {
            return Err(Usage::error("give only one of --csv, --output json"));
        }
        if self.who.is_none() && !self.changes && self.actor.is_none() {
            return Err(Usage::error("name a user, a session or an address, or give --changes or --actor"));
        }
        let whence = Whence::of(global)?;
        let ends = [self.since.as_deref(), self.until.as_deref()];
        let window = Window::read(ends, global.tz, &whence)?;
        let who = self.who.as_deref().map(Who::parse);
        let mut shown = Shown::begin(self, window, global.tz, out)?;
        if let Whence::Connect(url) = &whence {
            super::served::timeline(url, self.query(&window), &mut |line| shown.line(line), out)?;
            shown.end(out)?;
            return Ok(Exit::Ok);
        }
        let history = History::open(&whence, global, !self.no_filters)?;
        let Resolved { subject, user, said } = history.resolve(who.as_ref(), out)?;
        shown.names = !matches!(subject, Subject::User(_));
        let asked = Asked { subject, changes: self.changes };
        let found = history.events((&asked, user.as_deref()), &mut |line| shown.line(line), out)?;
        say(said.as_deref(), found, out);
        shown.end(out)?;
        Ok(Exit::Ok)
    }
}

/// Says what the argument was taken for, and whether there was nothing.
pub(super) fn say(said: Option<&str>, found: u64, out: &mut Output<'_>) {
    if let Some(said) = said {
        out.say(&format!("note: {}", escape(said)));
    }
    if found == 0 {
        out.say("note: nothing is recorded about it");
    }
}

/// A line of JSON: the event, and its cause in words.
#[derive(Serialize)]
struct Line<'l> {
    #[serde(flatten)]
    event: &'l EventLine,
    words: &'l str,
}

/// Lines on their way out.
struct Shown<'t> {
    verb: &'t Timeline,
    window: Window,
    zone: Zone,
    is_json: bool,
    lanes: Lanes,
    /// Whether users are named in each line.
    names: bool,
}

/// What becomes of a line.
pub(super) enum Next {
    /// Written as it stands here.
    Text(String),
    /// Not asked for.
    Skip,
    /// Nothing more is asked for.
    Over,
}

impl<'t> Shown<'t> {
    fn begin(verb: &'t Timeline, window: Window, zone: Zone, out: &mut Output<'_>) -> Result<Self> {
        if verb.csv {
            out.text(&csv::header())?;
        }
        let (is_json, lanes) = (out.is_json(), Lanes::default());
        Ok(Self { verb, window, zone, is_json, lanes, names: true })
    }

    fn line(&mut self, line: &EventLine) -> Result<Next> {
        let (seq, at) = (Seq(line.seq), time(&line.at).unwrap_or(Millis(0)));
        if self.window.is_over(seq, at) {
            return Ok(Next::Over);
        }
        let is_theirs = self.verb.actor.as_deref().is_none_or(|actor| matches(actor, &line.actor));
        if !is_theirs || !self.window.covers(seq, at) {
            return Ok(Next::Skip);
        }
        if self.verb.csv {
            return Ok(Next::Text(csv::row(line)));
        }
        let words = words(line);
        if self.is_json {
            let json = serde_json::to_string(&Line { event: line, words: &words })?;
            return Ok(Next::Text(json + "\n"));
        }
        self.lanes.see(line);
        Ok(Next::Text(self.text(line, &words)))
    }

    fn text(&self, line: &EventLine, words: &str) -> String {
        let user = line.user.as_deref().filter(|_| self.names).map(|user| format!("{user}: "));
        let said = format!("{}{words}", user.unwrap_or_default());
        format!("{:>8}  {}  {}\n", line.seq, self.zone.reshown(&line.at), escape(&said))
    }

    fn end(&self, out: &mut Output<'_>) -> Result<()> {
        if self.is_json || self.verb.csv || self.verb.who.is_none() {
            return Ok(());
        }
        let drawn = self.lanes.drawn(Style { width: width(), ascii: self.verb.ascii }, self.zone);
        if !drawn.is_empty() {
            out.line("")?;
        }
        drawn.iter().try_for_each(|line| out.line(line))
    }
}

/// Columns as the shell says it, else those of the terminal.
fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
    let terminal =
        || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    let columns = said.or_else(terminal).filter(|columns| *columns > 0);
    columns.unwrap_or(WIDTH).clamp(WIDTH / 2, WIDTH_MAX)
}
